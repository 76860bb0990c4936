"""A node of a real-time job that runs by the clock: each plan time is taken once, in order.

After a time without a server the plan times that passed are made up for, oldest first, as far as the node's
`concurrent` lets them (nothing in the documents says otherwise).
"""

from __future__ import annotations

from arkwright.core.fire_times import next_fire
from arkwright.core.schedule import Cron
from arkwright.engine.interface import Occurrence
from arkwright.scheduler.events.base import Happening, Listener

SOURCE = "cron"


class CronSource:
    def __init__(self, cron: Cron) -> None:
        self._cron = cron

    async def run(self, listener: Listener) -> None:
        now_ms = listener.clock.now_ms()
        positions = await listener.store.open_positions(listener.trigger.id, {SOURCE: now_ms})
        listener.listening()
        after = positions[SOURCE] - 1
        while (plan_ms := next_fire(self._cron, after)) is not None:
            listener.polled(next_ms=plan_ms)
            wait_ms = plan_ms - listener.clock.now_ms()
            if wait_ms > 0:
                # In parts, so that a clock that is set is noticed.
                await listener.pause(min(wait_ms / 1000, 3600.0))
                continue
            await listener.take(
                Happening(occurrence=Occurrence(source="CRON", plan_time_ms=plan_ms), source=SOURCE, position=plan_ms)
            )
            after = plan_ms
        listener.polled(next_ms=None)


class OnceSource:
    """A node that runs from the job's start on. It is started once per start, whatever happens to the server."""

    async def run(self, listener: Listener) -> None:
        listener.listening()
        await listener.take(
            Happening(occurrence=Occurrence(source="REAL_TIME"), source="once", position=listener.trigger.epoch)
        )
