"""Watches the rules that name a time of day by which a job's instance of the day must have succeeded.

One timer, set for the next of these times over all workspaces. When it comes, the day's instances of the rule's jobs
are looked at; who has not succeeded is told of, also where no instance began at all (of jobs that run every day).
Times that passed while the server was down are looked at when it starts, back to a day ago; a notice's key holds rule,
job and day, so that nothing is told twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from arkwright.core.alerts import DAY_MS, LATE, AlertRule, Notice, late_notice
from arkwright.core.instance import Instance, InstanceStatus, InstanceType
from arkwright.el.errors import ElError
from arkwright.el.java_zones import find_zone
from arkwright.engine.alerts import AlertRules
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.errors import StoreUnavailable
from arkwright.store.base import Definition, InstanceFilter, Kind, Place, Store

log = logging.getLogger("arkwright.notify")

RECONNECT_MS = 5000
DEFECT_MS = 60_000
_PAGE = 1000
_LOOKED_AT = 50
_PLANNED = [int(InstanceType.NORMAL), int(InstanceType.MANUAL), int(InstanceType.ONCE)]
_DAILY = frozenset({"day", "days"})
_RUNS_BY_ITSELF = "SCHEDULING"

Places = Callable[[], Sequence[tuple[Place, str]]]
"""Every workspace and its time zone."""


class LateWatch:
    def __init__(self, *, store: Store, clock: Clock, rules: AlertRules, places: Places) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._places = places
        self._woken = asyncio.Event()
        self._timer: TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._looked_ms = 0
        self.looked = asyncio.Event()
        """Set after each look."""

    async def open(self) -> None:
        self._looked_ms = self._clock.now_ms() - DAY_MS
        self._store.on_rules_changed(self._woken.set)
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="late jobs")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                next_ms = await self._look()
            except StoreUnavailable as error:
                log.error("late jobs can't be looked for: %s", error)
                next_ms = self._clock.now_ms() + RECONNECT_MS
            except Exception:
                log.exception("late jobs can't be looked for; trying again in a minute")
                next_ms = self._clock.now_ms() + DEFECT_MS
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None if next_ms is None else self._clock.call_at(next_ms, self._woken.set)
            self.looked.set()

    async def _look(self) -> int | None:
        """Look at every time since the last look; answers when the next one is."""
        now, following = self._clock.now_ms(), None
        for place, zone in self._places():
            for rule in await self._rules.of(place):
                if rule.remind not in LATE or rule.complete_minute is None:
                    continue
                for at_ms in _times(rule.complete_minute, zone, self._looked_ms, now + 2 * DAY_MS):
                    if at_ms > now:
                        following = at_ms if following is None else min(at_ms, following)
                        break
                    if at_ms > rule.since_ms:
                        await self._tell(place, zone, rule, at_ms)
        # A rule that is changed is asked for a time that another one was asked for; its own `since_ms` guards it.
        self._looked_ms = now
        return following

    async def _tell(self, place: Place, zone: str, rule: AlertRule, at_ms: int) -> None:
        made: list[Notice] = []
        midnight = _midnight(at_ms, zone)
        day = find_zone(zone).at(at_ms).strftime("%Y-%m-%d")
        for job in await self._jobs(place, rule):
            newest = await self._newest(place, job.id, midnight, at_ms)
            if newest is None and not (job.status == _RUNS_BY_ITSELF and _is_daily(job)):
                continue
            if newest is None or newest.status is not InstanceStatus.SUCCESS:
                made.append(late_notice(rule, job.id, job.name, day=day, at_ms=at_ms, time_zone=zone, newest=newest))
        if made:
            await self._store.reserve_ids(len(made))
            await self._store.add_notices(place, [(self._store.next_id(), each) for each in made])

    async def _jobs(self, place: Place, rule: AlertRule) -> list[Definition]:
        if rule.jobs or rule.job_ids:
            named = [await self._store.get_definition(place, Kind.JOB, each) for each in sorted(rule.jobs)]
            renamed = await self._store.submitted_of(sorted(rule.job_ids))
            return list({each.id: each for each in [*renamed, *named] if each is not None}.values())
        found: list[Definition] = []
        while True:
            page = await self._store.list_definitions(place, Kind.JOB, offset=len(found), limit=_PAGE)
            found += page.items
            if len(page.items) < _PAGE:
                return [each for each in found if each.status == _RUNS_BY_ITSELF]

    async def _newest(self, place: Place, job_id: int, midnight: int, at_ms: int) -> Instance | None:
        """Of those planned for the day, the one planned last."""
        where = InstanceFilter(place=place, job_ids=[job_id], from_ms=midnight, to_ms=at_ms, instance_types=_PLANNED)
        page = await self._store.list_instances(where, limit=_LOOKED_AT)
        of_the_day = [each for each in page.items if each.plan_time_ms >= midnight]
        return max(of_the_day, key=lambda each: (each.plan_time_ms, each.id), default=None)


def _is_daily(job: Definition) -> bool:
    cron = (job.body.get("schedule") or {}).get("cron") or {}
    return str(cron.get("intervalType") or "").lower() in _DAILY


def _times(minute: int, zone: str, after_ms: int, until_ms: int) -> Iterator[int]:
    """The instants of that minute of the day in (after, until], in order. A wall time that a clock change leaves out
    comes later by the gap."""
    try:
        info = find_zone(zone).info
    except (ElError, ValueError):
        return
    day = datetime.fromtimestamp(after_ms / 1000, info).date() - timedelta(days=1)
    while True:
        wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=info)
        at_ms = int(wall.timestamp() * 1000)
        if at_ms > until_ms:
            return
        if at_ms > after_ms:
            yield at_ms
        day += timedelta(days=1)


def _midnight(at_ms: int, zone: str) -> int:
    wall = datetime.fromtimestamp(at_ms / 1000, find_zone(zone).info)
    return int(wall.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
