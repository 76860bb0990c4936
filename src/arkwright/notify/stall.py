"""Notices a scheduler that does not keep up, and tells the workspaces that have a rule for it.

The planner says when it will act next (`expect`) and, by saying it again, that it has acted. One timer stands at that
time plus a tolerance; when it rings, the planner is behind. It is told once per time that was missed.
"""

from __future__ import annotations

import asyncio
import logging

from arkwright.core.alerts import Remind, stall_notice
from arkwright.engine.alerts import AlertRules
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.errors import StoreUnavailable
from arkwright.notify.lateness import Places
from arkwright.store.base import Store

log = logging.getLogger("arkwright.notify")

TOLERANCE_MS = 60_000


class StallWatch:
    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        rules: AlertRules,
        places: Places,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._places = places
        self._timer: TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.behind_since_ms: int | None = None
        """The time at which the planner should have acted. None: it keeps up."""

    def expect(self, at_ms: int | None) -> None:
        """The planner has done everything before that time, which is when it acts next. None: it has nothing to do."""
        if self._timer is not None:
            self._timer.cancel()
        self.behind_since_ms = None
        self._timer = None
        if at_ms is not None:
            self._timer = self._clock.call_at(at_ms + TOLERANCE_MS, lambda: self._missed(at_ms))

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _missed(self, due_ms: int) -> None:
        self.behind_since_ms = due_ms
        log.error("the scheduler should have acted at %d and has not", due_ms)
        task = asyncio.get_running_loop().create_task(self._tell(due_ms), name="stalled scheduler")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, due_ms: int) -> None:
        now = self._clock.now_ms()
        for place, zone in self._places():
            try:
                made = [
                    stall_notice(rule, due_ms=due_ms, at_ms=now, time_zone=zone)
                    for rule in await self._rules.of(place)
                    if rule.remind is Remind.STALLED
                ]
                if made:
                    await self._store.reserve_ids(len(made))
                    await self._store.add_notices(place, [(self._store.next_id(), each) for each in made])
            except StoreUnavailable as error:
                log.error("a stalled scheduler could not be told of: %s", error)
