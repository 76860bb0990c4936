"""Where the numbers are that this server's metrics show."""

from __future__ import annotations

from arkwright.api.metrics import Sources
from arkwright.api.request_counts import RequestCounts
from arkwright.engine.clock import Clock
from arkwright.engine.database_clock import DatabaseClock
from arkwright.engine.engine import Engine
from arkwright.scheduler.scheduler import LEASE, DurableScheduler
from arkwright.settings import Settings
from arkwright.store.base import Store
from arkwright.store.group import COUNTS


def sources(
    settings: Settings,
    store: Store,
    engine: Engine,
    scheduler: DurableScheduler,
    clock: Clock,
) -> Sources:
    def holds() -> dict[str, bool]:
        runs = {"engine": engine.lease.holds} if "engine" in settings.roles else {}
        return runs | ({LEASE: scheduler.plans} if "scheduler" in settings.roles else {})

    return Sources(
        token=settings.metrics_token,
        requests=RequestCounts(),
        commits=COUNTS,
        writers_waiting=lambda: store.writers_waiting,
        tallies=engine.tallies,
        in_hand=lambda: engine.active_count,
        queued=lambda: engine.queued,
        claimed=lambda: engine.recovery.claimed,
        handed_over=lambda: engine.handover.handed_over,
        holds=holds,
        lapses=lambda: engine.lease.lapses,
        takeovers=lambda: scheduler.takeovers,
        ways=lambda: engine.ways,
        clock_ahead_ms=lambda: clock.ahead_ms if isinstance(clock, DatabaseClock) else 0,
    )
