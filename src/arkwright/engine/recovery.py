"""Taking over work: after a crash, from a dead engine, from a server that only accepts.

Theory of operation
-------------------
Recovery is the normal path: work without a living owner is claimed and gone on with, by the same commands and the same
loop as any other. It happens at the start, whenever the store wakes us (something was posted, an instance
was left for any engine), and, where engines hold leases, at each renewal.

* Embedded: the data folder's lock proves that the last process is dead; what it owned is ours at once.
* PostgreSQL: engines renew a lease; what an expired one owned is claimed by whoever comes first. An engine that
  restarts under its own name (same data folder, whose lock it holds) takes its own instances back at once.

An instance claimed at version 0 never saw its first step; any other one is gone on with from `outstanding`.
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
from arkwright.engine.loop import Active, Loop
from arkwright.engine.plans import Plans
from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.store.base import Store

log = logging.getLogger("arkwright.engine")

BATCH = 200
"""Instances claimed at a time, so that a large backlog doesn't hold up new runs."""


class Recovery:
    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        loop: Loop,
        plans: Plans,
        act: Callable[[Active, Sequence[Command]], None],
        name: str,
        lease_seconds: int | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._loop = loop
        self._plans = plans
        self._act = act
        self._name = name
        self._lease_seconds = lease_seconds
        self._woken = asyncio.Event()
        self._claimed: deque[int] = deque()
        """The store answers an id once: what could not be taken up yet must not be forgotten."""
        self._tasks: list[asyncio.Task[None]] = []
        self.done = asyncio.Event()
        """Everything that was there at the start has been taken up."""

    async def open(self) -> None:
        await self._register()
        self._store.on_wake(self._woken.set)
        self._woken.set()
        self._tasks.append(asyncio.create_task(self._collect_when_woken(), name="recovery"))
        if self._lease_seconds is not None:
            self._tasks.append(asyncio.create_task(self._renew(self._lease_seconds), name="lease"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _register(self) -> None:
        now_ms = self._clock.now_ms()
        until = None if self._lease_seconds is None else now_ms + self._lease_seconds * 1000
        await self._store.register_engine(self._name, now_ms=now_ms, lease_until_ms=until)

    async def _renew(self, lease_seconds: int) -> None:
        while True:
            await asyncio.sleep(lease_seconds / 3)
            try:
                await self._register()
            except StoreUnavailable as error:
                log.error("the engine's lease could not be renewed: %s", error)
                continue
            self._woken.set()  # another engine's lease may have run out

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
            claimed = await self._store.claim_instances(self._name, now_ms=self._clock.now_ms(), limit=BATCH)
            self._claimed.extend(claimed)
            while self._claimed:
                await self._take_up(self._claimed[0])
                self._claimed.popleft()
            if len(claimed) < BATCH:
                break
        for posted in await self._store.posted(self._name):
            self._loop.tell(posted.instance_id, posted.event, posted_id=posted.id)

    async def _take_up(self, instance_id: int) -> None:
        if instance_id in self._loop.active:
            return
        state = await self._store.load_instance(instance_id)
        if state is None or state.ended:
            return
        try:
            plan = await self._plans.of(state)
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
        except ArkwrightError as error:
            log.exception("instance %d can't be taken up; it is ended as failed", instance_id)
            self.give_up(state, error)

    def give_up(self, state: Instance, error: ArkwrightError) -> None:
        """Its job can't be read (any more): end it with that reason. A plan of its nodes' names is enough for that."""
        nodes = tuple(Node(index=run.index, name=run.name, type="") for run in state.nodes)
        active = self._loop.begin(Plan(job=Job(name=state.job_name, nodes=nodes)), state)
        # What ran goes on being watched, so that it is stopped, and its end is heard.
        watching = AttachAttempt | AttachChildren
        self._act(active, [each for each in outstanding(active.plan, state) if isinstance(each, watching)])
        message = f"It could not be gone on with after a restart of the server: {error}"
        self._loop.tell(state.id, EngineFault(at_ms=self._clock.now_ms(), message=message))
