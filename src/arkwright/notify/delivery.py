"""The outbox's delivery: claims what is due, sends it, settles it; waits for nothing but the next due time or a wake.

Theory of operation
-------------------
* A notice is claimed for `LEASE_MS`, sent, and settled (`store/notice_record` has the crash cases). So each is told
  once, but for a crash between the sending and the settling: then it is sent again under the same number.
* No storms: a topic gets `burst` messages at once and one each `spacing_ms` from then on. Whatever comes due in
  between goes out together, as one message.
* A try that failed is repeated after `BACK_OFF_SECONDS`, or when the receiver says; after the last of them, or when it
  can't help, the notice is dead, which `arkwright alert list` shows and a person may undo.
* Of a lasting trouble the next repetition is stored with the sending of the one before; when it is due, the instance is
  looked at, and it is dropped if the trouble is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from arkwright.core.alerts import Notice, lasts, next_round
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.errors import StoreUnavailable
from arkwright.notify.outcome import NotSent
from arkwright.store.base import Place, Store
from arkwright.store.notice_record import NoticeState, Settled, StoredNotice

log = logging.getLogger("arkwright.notify")

LEASE_MS = 5 * 60 * 1000
BACK_OFF_SECONDS = (10, 30, 60, 120, 300, 600, 1800, 3600, 3600, 3600, 3600)
MOST_TRIES = 30
"""More than are ever waited for: something about it ends the server."""
MOST_IN_MESSAGE = 1000
BURST = 5
SPACING_MS = 10_000
TOGETHER = 8
CLOSE_SECONDS = 3.0
RECONNECT_MS = 5000
DEFECT_MS = 60_000

Send = Callable[[Place, str, Sequence[StoredNotice]], Awaitable[None]]
_Key = tuple[Place, str]


@dataclass(slots=True)
class _Allowance:
    """A topic's messages: `left` now, one more each spacing."""

    left: float
    at_ms: int


class Delivery:
    def __init__(
        self, *, store: Store, clock: Clock, send: Send, burst: int = BURST, spacing_ms: int = SPACING_MS
    ) -> None:
        self._store = store
        self._clock = clock
        self._send = send
        self._burst = burst
        self._spacing_ms = spacing_ms
        self._woken = asyncio.Event()
        self._timer: TimerHandle | None = None
        self._allowances: dict[_Key, _Allowance] = {}
        self._sending: dict[_Key, asyncio.Task[None]] = {}
        self._blocked_ms: dict[_Key, int] = {}
        """Topics that could not be claimed (a disk that is full can be read), and until when."""
        self._slots = asyncio.Semaphore(TOGETHER)
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._store.on_notice(self._woken.set)
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="notices")

    async def close(self) -> None:
        """Begin nothing new; what is being sent may end within `CLOSE_SECONDS`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=CLOSE_SECONDS)
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._look()
            except StoreUnavailable as error:
                log.error("the notices can't be read: %s", error)
                self._wake_at(self._clock.now_ms() + RECONNECT_MS)
            except Exception:
                log.exception("the notices can't be delivered; trying again in a minute")
                self._wake_at(self._clock.now_ms() + DEFECT_MS)

    async def _look(self) -> None:
        """Begin what may begin, and set the timer for the rest."""
        now = self._clock.now_ms()
        held: list[int] = []
        for key in await self._store.due_topics(now_ms=now):
            if key in self._sending:
                continue  # it looks again when it is done
            free_ms = self._free_ms(key, now)
            if free_ms > now:
                held.append(free_ms)
                continue
            task = asyncio.create_task(self._deliver(*key), name="notice")
            self._sending[key] = task
            task.add_done_callback(partial(self._done, key))
        following = await self._store.next_notice_ms()
        if following is not None and following > now:
            held.append(following)
        if held:
            self._wake_at(min(held))

    def _done(self, key: _Key, task: asyncio.Task[None]) -> None:
        self._sending.pop(key, None)
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._woken.set()
            return
        log.error("notices to the topic %s can't be claimed: %s", key[1], error)
        self._blocked_ms[key] = self._clock.now_ms() + RECONNECT_MS
        self._woken.set()

    def _wake_at(self, at_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(at_ms, self._woken.set)

    # -- storms
    def _allowance(self, key: _Key, now: int) -> _Allowance:
        known = self._allowances.get(key)
        if known is None:
            if len(self._allowances) > 10_000:
                self._allowances.clear()
            known = self._allowances[key] = _Allowance(float(self._burst), now)
        known.left = min(self._burst, known.left + max(0, now - known.at_ms) / self._spacing_ms)
        known.at_ms = now
        return known

    def _free_ms(self, key: _Key, now: int) -> int:
        left = self._allowance(key, now).left
        free_ms = now if left >= 1 else now + max(1, round((1 - left) * self._spacing_ms))
        blocked_ms = self._blocked_ms.get(key, 0)
        if blocked_ms <= now:
            self._blocked_ms.pop(key, None)
        return max(free_ms, blocked_ms)

    # -- sending
    async def _deliver(self, place: Place, topic: str) -> None:
        async with self._slots:
            now = self._clock.now_ms()
            batch = await self._store.claim_notices(
                place, topic, now_ms=now, lease_until_ms=now + LEASE_MS, limit=MOST_IN_MESSAGE
            )
            if not batch:
                return
            worth = await self._worth(place, batch)
            if not worth:
                return
            self._allowance((place, topic), now).left -= 1
            try:
                if batch[0].tries > MOST_TRIES:
                    raise NotSent("The server ended each time it was sent.", final=True)
                await self._send(place, topic, worth)
            except NotSent as refused:
                await self._settle(place, self._failed(worth, refused))
            except StoreUnavailable:
                raise  # nothing was sent; it comes again when the claim has run out
            except Exception as defect:
                log.exception("a message to the topic %s can't be made", topic)
                await self._settle(place, self._failed(worth, NotSent(f"A defect of the server: {defect!r}.")))
            else:
                await self._settle(place, await self._sent(worth))

    async def _settle(self, place: Place, settled: Settled) -> None:
        """What was sent must not be sent again, so this goes on until it is written; the claim guards it."""
        while True:
            try:
                await self._store.settle_notices(place, settled)
                return
            except StoreUnavailable as error:
                log.error("notices could not be settled (%s); trying again", error)
                await asyncio.sleep(RECONNECT_MS / 1000)

    async def _worth(self, place: Place, batch: Sequence[StoredNotice]) -> list[StoredNotice]:
        """Those still worth sending; the others are dropped."""
        over: list[StoredNotice] = []
        for each in batch:
            if each.notice.round > 1:
                instance = await self._store.load_instance(each.notice.instance_id or 0)
                if not lasts(each.notice, instance):
                    over.append(each)
        if over:
            await self._settle(place, self._settled(over, NoticeState.DROPPED, "The trouble is over."))
        gone = {each.id for each in over}
        return [each for each in batch if each.id not in gone]

    async def _sent(self, batch: Sequence[StoredNotice]) -> Settled:
        now = self._clock.now_ms()
        following = [
            (again, now + again.interval_ms) for each in batch if (again := next_round(each.notice)) is not None
        ]
        if following:
            await self._store.reserve_ids(len(following))
        numbered = [(self._store.next_id(), each, due) for each, due in following]
        return self._settled(batch, NoticeState.SENT, "", following=numbered)

    def _failed(self, batch: Sequence[StoredNotice], refused: NotSent) -> Settled:
        tries = batch[0].tries
        if refused.final or tries > len(BACK_OFF_SECONDS):
            log.warning("notices to the topic %s were given up: %s", batch[0].notice.topic, refused)
            return self._settled(batch, NoticeState.DEAD, str(refused))
        seconds = max(BACK_OFF_SECONDS[tries - 1], refused.retry_after_seconds or 0)
        return self._settled(batch, NoticeState.PENDING, str(refused), due_ms=self._clock.now_ms() + seconds * 1000)

    def _settled(
        self,
        batch: Sequence[StoredNotice],
        state: NoticeState,
        error: str,
        *,
        due_ms: int = 0,
        following: Sequence[tuple[int, Notice, int]] = (),
    ) -> Settled:
        return Settled(
            ids=[each.id for each in batch],
            tries=batch[0].tries,
            state=state,
            at_ms=self._clock.now_ms(),
            due_ms=due_ms,
            error=error,
            following=following,
        )
