"""Taking over work: after a crash, from a dead engine, from a server that only accepts.

Theory of operation
-------------------
Recovery is the normal path: work without a living owner is claimed and gone on with, by the same commands and the same
loop as any other. It happens at the start, whenever the store wakes us (something was posted, an instance
was left for any engine), and, where engines hold leases, when another one's runs out.

* Embedded: the data folder's lock proves that the last process is dead; what it owned is ours at once.
* PostgreSQL: engines renew a lease; what an expired one owned is claimed by whoever comes first. An engine that
  restarts under its own name (same data folder, whose lock it holds) takes its own instances back at once.

An instance claimed at version 0 never saw its first step; any other one is gone on with from `outstanding`.

Sharing: of what is nobody's an engine claims its share, begins that, and looks again, so that engines that are woken
together divide it, and a faster one gets more. One whose programs would have to wait for their turn lets others go
first; what waits all the same moves on when another one has room (`sharing`).

An engine that was frozen past its lease acts no more (`EngineLease.holds`) until it has renewed it and seen what is
still its own: the rest it forgets, and stops what it runs for it; of its own it does everything outstanding once more.
Until then no program begins either that only waited for its turn (`executors/beginning`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from arkwright.core.commands import AttachAttempt, AttachChildren, Command
from arkwright.core.events import EngineFault, InstanceRequested
from arkwright.core.instance import Instance
from arkwright.core.job import Job, Node, Plan
from arkwright.core.step import outstanding
from arkwright.engine.clock import Clock
from arkwright.engine.faults import internal
from arkwright.engine.lease import EngineLease
from arkwright.engine.loop import Active, Loop
from arkwright.engine.plans import Plans
from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.executors.background import Background, Defect
from arkwright.store.base import Store

log = logging.getLogger("arkwright.engine")

BATCH = 200
"""Instances claimed at a time, so that a large backlog doesn't hold up new runs."""

LOOKS, LOOK_SECONDS = 20, 0.05
"""How often it is looked whether an instance's tick under way has come to its end."""

PATIENCE_SECONDS = 0.3
"""How long a crowded engine leaves what is nobody's to others."""


class Recovery:
    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        loop: Loop,
        plans: Plans,
        act: Callable[[Active, Sequence[Command]], None],
        lose: Callable[[int], None],
        crowded: Callable[[], bool],
        name: str,
        lease: EngineLease,
        defect: Defect,
    ) -> None:
        """`lose(instance)`: it is another engine's by now. `crowded`: whether one more program would have to wait here.
        `defect` is told when recovery can't go on."""
        self._store = store
        self._clock = clock
        self._loop = loop
        self._plans = plans
        self._act = act
        self._lose = lose
        self._crowded = crowded
        self._name = name
        self._lease = lease
        self._background = Background(defect)
        self._woken = asyncio.Event()
        self._claimed: deque[int] = deque()
        """The store answers an id once: what could not be taken up yet must not be forgotten."""
        self._expiry: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._waited = False
        self._renew_now = asyncio.Event()
        self._renewing = asyncio.Lock()
        self.done = asyncio.Event()
        """Everything that was there at the start has been taken up."""
        self.claimed = 0
        """Instances taken up that were not made here, since the start."""

    async def open(self) -> None:
        await self._lease.renew()
        self._store.on_wake(self._woken.set)
        self._woken.set()
        self._background.begin(self._collect_when_woken(), "recovery")
        if self._lease.seconds is not None:
            self._background.begin(self._renew(self._lease.seconds), "lease")

    async def close(self) -> None:
        for timer in (self._expiry, self._patience):
            if timer is not None:
                timer.cancel()
        await self._background.close()

    def take(self, takes: bool) -> None:
        """Whether to claim what is nobody's, from now on."""
        self._lease.takes = takes
        self._renew_now.set()
        self._woken.set()

    async def _renew(self, lease_seconds: float) -> None:
        while True:
            try:
                await self.renew()
            except StoreUnavailable as error:
                log.error("the engine's lease could not be renewed: %s", error)
            try:
                async with asyncio.timeout(lease_seconds / 3):
                    await self._renew_now.wait()
                    self._renew_now.clear()
            except TimeoutError:
                pass

    async def renew(self) -> None:
        """Renew the lease, and see which other engines live. Raises `StoreUnavailable`."""
        async with self._renewing:
            await self._lease.renew()
            try:
                # The next renewal must not wait for an answer on another connection, which may be a broken one.
                async with asyncio.timeout(self._lease.seconds and self._lease.seconds / 3):
                    if self._lease.in_doubt:  # also if the last look came to nothing
                        await self._look_what_is_left()
                        self._lease.in_doubt = False
                    await self.look_around()
            except TimeoutError:
                log.warning("what the other engines have could not be looked at in time; trying again")

    def renew_soon(self) -> None:
        """Renew the lease at once, for what is told with it."""
        self._renew_now.set()

    async def look_around(self) -> None:
        """See which other engines live. Raises `StoreUnavailable`."""
        seconds = await self._lease.look_around()
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if seconds is not None:
            self._expiry = asyncio.get_running_loop().call_later(seconds + 0.01, self._lease_may_be_over)

    def _lease_may_be_over(self) -> None:
        """Another engine's."""
        self._renew_now.set()
        self._woken.set()

    async def _look_what_is_left(self) -> None:
        """The lease had run out: others may have taken over."""
        doubtful = list(self._loop.active)
        before = len(doubtful)
        lost = 0
        for _ in range(LOOKS):
            owned = await self._store.still_owned(self._name, doubtful)
            unclear = []
            for id_ in doubtful:
                active = self._loop.active.get(id_)
                if active is None:
                    continue
                if id_ not in owned:
                    self._lose(id_)
                    lost += 1
                elif owned[id_] == active.state.version:
                    self._act(active, outstanding(active.plan, active.state))
                else:
                    unclear.append(id_)
            doubtful = unclear
            if not doubtful:
                break
            await asyncio.sleep(LOOK_SECONDS)  # a tick under way may have written these
        # Those that are claimed meanwhile are not among these.
        gone = {id_ for id_ in [*self._claimed, *doubtful] if await self._store.owner_of(id_) != self._name}
        for id_ in doubtful:  # they were another engine's meanwhile: what is known here is out of date
            self._loop.forget(id_)
            self._claimed.append(id_)
        self._claimed = deque(id_ for id_ in self._claimed if id_ not in gone)
        log.warning("the engine's lease had run out; %d of %d instances are another one's now", lost, before)
        self._woken.set()

    async def _collect_when_woken(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._collect()
                self.done.set()
            except StoreUnavailable as error:
                log.error("work could not be claimed: %s", error)
                await asyncio.sleep(1)
                self._woken.set()

    async def _collect(self) -> None:
        while True:
            takes = self._lease.takes and not self._lets_others_go_first()
            claimed = await self._store.claim_instances(
                self._name, limit=BATCH, takes=takes, has_room=not self._crowded()
            )
            self._claimed.extend(claimed)
            self.claimed += len(claimed)
            while self._claimed:
                instance_id = self._claimed[0]
                await self._take_up(instance_id)
                if self._claimed and self._claimed[0] == instance_id:  # else a lapse of the lease has changed them
                    self._claimed.popleft()
            # Beside others this was a share: there may be more.
            if len(claimed) < (1 if self._lease.neighbours else BATCH):
                break
        for posted in await self._store.posted(self._name):
            self._loop.tell(posted.instance_id, posted.event, posted_id=posted.id)

    def _lets_others_go_first(self) -> bool:
        if self._waited or not self._lease.neighbours or not self._crowded():
            self._waited = False
            return False
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._stop_waiting)
        return True

    def _stop_waiting(self) -> None:
        self._patience, self._waited = None, True
        self._woken.set()

    async def _take_up(self, instance_id: int) -> None:
        if instance_id in self._loop.active:
            return
        lapses = self._lease.lapses
        try:
            state = await self._store.load_instance(instance_id)
        except StoreUnavailable:
            raise
        except ArkwrightError:  # one that can't be read must not keep this engine from all the others
            log.exception("instance %d can't be read; it is left alone until a restart", instance_id)
            return
        if state is None or state.ended:
            return
        try:
            plan = await self._plans.of(state)
            if lapses != self._lease.lapses and await self._store.owner_of(instance_id) != self._name:
                return  # what was read may be out of date
            if instance_id in self._loop.active:  # meanwhile
                return
            active = self._loop.begin(plan, state)
            if state.version == 0:
                event = InstanceRequested(at_ms=self._clock.now_ms(), instance=state)
                self._loop.tell(instance_id, event)
            else:
                self._act(active, outstanding(active.plan, state))
        except StoreUnavailable:
            raise
        except Exception as error:  # one of them must not keep this engine from all the others
            log.exception("instance %d can't be taken up; it is ended as failed", instance_id)
            self.give_up(state, error)

    def give_up(self, state: Instance, error: Exception) -> None:
        """Its job can't be read (any more): end it with that reason. A plan of its nodes' names is enough for that."""
        nodes = tuple(Node(index=run.index, name=run.name, type="") for run in state.nodes)
        active = self._loop.begin(Plan(job=Job(name=state.job_name, nodes=nodes)), state)
        # What ran goes on being watched, so that it is stopped, and its end is heard.
        watching = AttachAttempt | AttachChildren
        try:
            self._act(active, [each for each in outstanding(active.plan, state) if isinstance(each, watching)])
        except Exception:
            log.exception("what runs of instance %d can't be watched", state.id)
        reason = error if isinstance(error, ArkwrightError) else internal(error)
        message = f"It could not be gone on with after a restart of the server: {reason}"
        self._loop.tell(state.id, EngineFault(at_ms=self._clock.now_ms(), message=message))
