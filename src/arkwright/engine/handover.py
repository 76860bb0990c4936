"""Handing instances over to other engines: of a server that is to be emptied, that ends, or that has too much.

Theory of operation
-------------------
An instance can go when nothing of it runs here that only this server can watch: no attempt that has begun in one of its
executors, and none whose end is not committed yet. Waiting for a timer, a slot, a gate, a child, or in an executor's
queue is no obstacle: whoever claims the instance does what is `outstanding`.

The store compares each instance's version as it lets go of it, so a tick that is under way either comes first (then
the instance stays), or finds that the instance is no longer this engine's. Attempts that were taken out of a queue are
marked as begun by nobody in the same transaction: the next engine begins them. Those of instances that stay go back
into the queue, but never before that is certain: a store that went away may have let go of them, and another engine
begun them. Asking it once more, which waits for whatever is still under way there, tells.

While a server is being emptied, an instance whose next attempt would begin here goes first, unless something else of it
is still running here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from arkwright.core.commands import Command, StartAttempt
from arkwright.core.instance import NodeStatus
from arkwright.core.step import outstanding
from arkwright.engine.dispatch import Dispatch
from arkwright.engine.loop import Active, Loop
from arkwright.errors import StoreUnavailable
from arkwright.executors.background import Background, Defect
from arkwright.nodes.base import AttemptKey
from arkwright.store.base import Store
from arkwright.store.patience import AGAIN_SECONDS, insist

log = logging.getLogger("arkwright.engine")

AT_ONCE = 500
"""Instances let go of in one transaction."""


class Handover:
    def __init__(
        self,
        store: Store,
        loop: Loop,
        dispatch: Dispatch,
        *,
        name: str,
        act: Callable[[Active, Sequence[Command]], None],
        lose: Callable[[int], None],
        defect: Defect,
    ) -> None:
        """`defect` is told when nothing can be handed over any more."""
        self._store = store
        self._loop = loop
        self._dispatch = dispatch
        self._name = name
        self._act = act
        self._lose = lose
        self.emptying = False
        """Whether everything is to go as soon as it can."""
        self._withheld: dict[int, set[AttemptKey]] = {}
        """Per instance, attempts that would have begun here."""
        self._leaving: set[int] = set()
        self._going: set[int] = set()
        """Those of which it is not certain yet whether they are still this engine's."""
        self._woken = asyncio.Event()
        self._background = Background(defect)
        self.handed_over = 0

    def open(self) -> None:
        self._background.begin(self._run(), "handover")

    async def close(self) -> None:
        await self._background.close()

    def empty(self, emptying: bool) -> None:
        self.emptying = emptying
        if emptying:
            self._leaving.update(self._loop.active)
            self._woken.set()
        else:
            for id_ in self._withheld.keys() - self._going:
                self._stay(id_)

    def withholds(self, active: Active, commands: Sequence[Command]) -> bool:
        """Whether these are not to be carried out here, because the instance goes now. Called with commands that are
        durable."""
        if not self.emptying:
            return False
        starts = {
            AttemptKey(instance_id=active.state.id, node=each.node, attempt=each.attempt)
            for each in commands
            if isinstance(each, StartAttempt)
        }
        self._leaving.add(active.state.id)
        self._woken.set()
        if not starts or self._obstacles(active, starts):
            return False
        self._withheld.setdefault(active.state.id, set()).update(starts)
        return True

    def only_waits(self, instance_id: int) -> bool:
        """Whether all that is under way of an instance waits in a queue here."""
        active = self._loop.active.get(instance_id)
        return active is not None and not self._obstacles(active, set())

    async def give(self, ids: Sequence[int]) -> int:
        """Let go of those of these instances that can go; how many they were. Raises `StoreUnavailable` only if
        nothing has been done."""
        elsewhere = await self._running_elsewhere(ids)
        going: dict[int, set[AttemptKey]] = {}
        for id_ in ids:
            active = self._loop.active.get(id_)
            if active is None or active.state.ended or active.state.version == 0 or id_ in self._going:
                continue
            taken = self._taken_out(active, elsewhere)
            if taken is not None:
                going[id_] = taken
        self._going.update(going)
        self._withheld.update(going)
        versions = [(id_, self._loop.active[id_].state.version) for id_ in going]
        unbegun = [(key.instance_id, key.node, key.attempt) for keys in going.values() for key in keys]
        gone = await insist(lambda: self._store.hand_over(self._name, versions, unbegun))
        left = [id_ for id_ in going if id_ not in gone]
        stay = await insist(lambda: self._store.still_owned(self._name, left)) if left else {}
        self._going.difference_update(going)
        for id_ in going:
            if id_ in stay:
                self._stay(id_)
            else:
                self._withheld.pop(id_, None)
                self._lose(id_)
        self.handed_over += len(going) - len(stay)
        return len(going) - len(stay)

    # -- inside
    async def _running_elsewhere(self, ids: Sequence[int]) -> set[AttemptKey]:
        """Attempts that were offered to workers: whoever owns the instance looks after them by the store alone."""
        found: set[AttemptKey] = set()
        for id_ in ids:
            active = self._loop.active.get(id_)
            for key in self._attempts(active) if active is not None else ():
                if not self._dispatch.has(key) and await self._store.find_offer(
                    (key.instance_id, key.node, key.attempt)
                ):
                    found.add(key)
        return found

    @staticmethod
    def _attempts(active: Active) -> set[AttemptKey]:
        """Attempts of which something may run, or wait to run, or whose end is not committed."""
        return {
            AttemptKey(instance_id=active.state.id, node=run.index, attempt=run.attempt)
            for run in active.state.nodes
            if run.status is NodeStatus.RUNNING and run.retry_at_ms is None and run.children is None
        }

    def _obstacles(self, active: Active, but: set[AttemptKey]) -> bool:
        return not all(self._dispatch.only_waits(key) for key in self._attempts(active) - but)

    def _taken_out(self, active: Active, elsewhere: set[AttemptKey]) -> set[AttemptKey] | None:
        """Its attempts that are begun by nobody, taken out of their queues. None: it can't go."""
        withheld = self._withheld.get(active.state.id, set())
        if self._obstacles(active, withheld | elsewhere):
            return None
        waiting = self._attempts(active) - elsewhere
        for key in waiting - withheld:
            self._dispatch.take_out(key)
        return waiting

    def _stay(self, instance_id: int) -> None:
        self._withheld.pop(instance_id, None)
        active = self._loop.active.get(instance_id)
        if active is not None:
            self._act(active, outstanding(active.plan, active.state))

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._leaving:
                some = [self._leaving.pop() for _ in range(min(AT_ONCE, len(self._leaving)))]
                try:
                    await self.give(some)
                except StoreUnavailable as error:
                    log.error("instances could not be handed over (%s); trying again", error)
                    self._leaving.update(some)
                    await asyncio.sleep(AGAIN_SECONDS)
