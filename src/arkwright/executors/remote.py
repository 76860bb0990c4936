"""Attempts that run on workers: offered in the store, announced through a transport, and watched by their leases.

Theory of operation
-------------------
The store alone knows what became of an attempt (`store/attempt_record`). A transport (Dask) only brings the news "this
attempt is there to be claimed" to some worker of the group, and may lose it, or bring it twice:

* the scheduler is lost, the worker dies before the claim, the worker leaves it: the transport says "delivered" or
  nothing; whoever owns the instance announces it again, as long as nobody has claimed it;
* the worker dies after the claim: its lease runs out, and the attempt is reported lost. The retry policy decides;
* the engine dies: its successor attaches: what nobody has claimed is announced again under the same key, what is
  claimed goes on, and what was reported meanwhile waits as a posted event. An attempt is offered by the very commit
  that makes it (`engine/placing`), so at no moment does a successor not know that it is one for workers.

How an attempt ended never comes this way: it is an event that the store already holds. So nothing here is told twice,
and nothing here needs to be remembered. One timer waits for the lease that runs out first; renewals move it on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.core.workers import Way
from arkwright.errors import StoreUnavailable
from arkwright.executors.background import Background, Defect
from arkwright.nodes.base import AttemptKey
from arkwright.store.attempt_record import AttemptId, Offer
from arkwright.store.base import Store
from arkwright.store.patience import insist

log = logging.getLogger("arkwright.executors.remote")

LEASE_SECONDS = 20.0
RECONNECT_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
"""Before an attempt is announced again that a worker left: doubled each time."""


class Transport(Protocol):
    """Brings attempts to workers of a group. It may lose them, and bring them twice."""

    async def open(self, delivered: Callable[[AttemptKey], None], changed: Callable[[], None]) -> None:
        """Never waits for others. `delivered` is called on the event loop's thread when a worker is through with an
        attempt, or the transport has lost it; it says nothing about what became of it. `changed`: a way is open, or
        is so no more."""
        ...

    @property
    def ways(self) -> Sequence[Way]:
        """How workers are reached."""
        ...

    def announce(self, key: AttemptKey, group: str) -> None:
        """Announcing what is announced changes nothing."""
        ...

    def withdraw(self, key: AttemptKey) -> None: ...

    async def close(self) -> None: ...


class RemoteAttempts:
    """`transport`: None: nothing is offered here, but what was offered before is still looked after."""

    def __init__(
        self, store: Store, now_ms: Callable[[], int], transport: Transport | None = None, *, lease_seconds: float
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        self._transport = transport
        self._lease_seconds = lease_seconds
        self._announced: dict[AttemptKey, float] = {}
        """What the transport has, and the pause before it is announced again."""
        self.on_ways: Callable[[], None] = lambda: None
        """Told when a way to workers is open, or is so no more."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._background: Background | None = None
        self._watches = False
        self._closing = False

    @property
    def ways(self) -> Sequence[Way]:
        """How workers are reached; empty: not at all."""
        return () if self._transport is None else self._transport.ways

    async def open(self, defect: Defect) -> None:
        """`defect` is told when nobody looks after the leases of workers any more."""
        self._background = Background(defect)
        if self._transport is not None:
            await self._transport.open(self._delivered, lambda: self.on_ways())
            self._watch()

    async def close(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._background is not None:
            await self._background.close()
        if self._transport is not None:
            await self._transport.close()

    def announce(self, key: AttemptKey, group: str) -> None:
        """Have one brought to a worker that was offered by the commit that made it."""
        if self._transport is not None:
            self._announced.setdefault(key, FIRST_PAUSE_SECONDS)
            self._transport.announce(key, group)

    def offer(self, key: AttemptKey, group: str) -> None:
        """Offer one that was made without, and announce it."""
        self._in_background(key, self._offer(key, group))

    def attach(self, offer: Offer) -> None:
        """Look after an attempt that was offered before."""
        self._watch()
        if not offer.over and not offer.runner:
            self._go_on(offer)

    def cancel(self, key: AttemptKey) -> None:
        """It was asked to stop, in the store: a worker that has it learns of that; if nobody has it, it ends here."""
        self._in_background(key, self._withdraw(key))

    # -- inside
    async def _offer(self, key: AttemptKey, group: str) -> None:
        offer = await insist(lambda: self._store.offer_attempt(_id(key), group))
        if offer is not None and not offer.over and not offer.runner:
            self._go_on(offer)

    def _go_on(self, offer: Offer) -> None:
        key = AttemptKey(instance_id=offer.instance_id, node=offer.node, attempt=offer.attempt)
        if offer.cancel_requested:
            self.cancel(key)
        else:
            self.announce(key, offer.group)

    async def _withdraw(self, key: AttemptKey) -> None:
        outcome = Failed(kind=FailureKind.CANCELLED, message="It was cancelled before a worker took it.")
        if await insist(lambda: self._store.withdraw_offer(_id(key), now_ms=self._now_ms(), outcome=outcome)):
            self._announced.pop(key, None)
            if self._transport is not None:
                self._transport.withdraw(key)

    def _delivered(self, key: AttemptKey) -> None:
        if not self._closing:
            self._in_background(key, self._look(key))

    async def _look(self, key: AttemptKey) -> None:
        """The transport is through with it: announce it again if nobody has claimed it."""
        pause = self._announced.get(key)
        if pause is None:
            return
        offer = await insist(lambda: self._store.find_offer(_id(key)))
        if offer is None or offer.over or offer.runner:
            self._announced.pop(key, None)
            return
        await asyncio.sleep(pause)
        self._announced[key] = min(2 * pause, LONGEST_PAUSE_SECONDS)
        offer = await insist(lambda: self._store.find_offer(_id(key)))
        if offer is None or offer.over or offer.runner:
            self._announced.pop(key, None)
        else:
            self._go_on(offer)

    def _watch(self) -> None:
        if self._background is not None and not self._watches:
            self._watches = True
            self._background.begin(self._expire(), "look after the leases of workers")

    async def _expire(self) -> None:
        # While there was no server nobody could renew: workers are given as long as they would have had.
        await asyncio.sleep(self._lease_seconds)
        while True:
            try:
                await self._store.expire_claims(now_ms=self._now_ms(), lost=_lost)
                left_ms = await self._store.ms_to_next_expiry()
            except StoreUnavailable as error:
                log.error("the leases of workers can't be looked at: %s", error)
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            # A claim made from now on runs for a whole lease, so nothing can run out before these.
            left = self._lease_seconds if left_ms is None else left_ms / 1000
            await asyncio.sleep(max(0.01, min(left, self._lease_seconds)))

    def _in_background(self, key: AttemptKey, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._seen_to(key, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _seen_to(self, key: AttemptKey, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # a defect in what is stored of one attempt holds up no other
            log.exception("attempt %s, one for workers, is left alone until a restart", key)


def _id(key: AttemptKey) -> AttemptId:
    return (key.instance_id, key.node, key.attempt)


def _lost(offer: Offer) -> Outcome:
    if offer.cancel_requested:
        message = f"It was cancelled, and its worker {offer.runner} has not been heard of since."
        return Failed(kind=FailureKind.CANCELLED, message=message)
    message = (
        f"Its worker {offer.runner} (group {offer.group}) was not heard of for the length of its lease, so what became "
        "of it can't be known."
    )
    return Failed(kind=FailureKind.LOST, message=message)
