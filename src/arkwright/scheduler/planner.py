"""Makes instances of the schedules that are due.

Theory of operation
-------------------
The store knows each schedule's next plan time, by an index; one timer waits for the earliest. What is due is read in
pages, worked out (`core/planning.py`), and made with the cursors moved on in one transaction per page
(`store/schedule_record.py` has the crash cases), so nothing is made twice and nothing is forgotten, and neither memory
nor a start grows with the number of schedules.

Due times go first. Times that were missed while no server ran are made up for behind them: oldest first, at a bounded
rate, and announced before that begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from arkwright.core.gate import Gate, Upstream
from arkwright.core.gate_rules import judge
from arkwright.core.identity import Workspace
from arkwright.core.instance import Instance, InstanceType
from arkwright.core.job import Plan
from arkwright.core.planning import LATE_MS, Due, PlanSettings, due_times, gate_of, is_dry
from arkwright.core.schedule import Schedule
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.engine.interface import Engine, RunRequest
from arkwright.errors import ArkwrightError, InvalidInput, StoreUnavailable
from arkwright.scheduler.calendars import find_calendar
from arkwright.scheduler.gate_reader import GateReader
from arkwright.scheduler.gates import Gates
from arkwright.scheduler.interface import CatchingUp
from arkwright.scheduler.jobs import ScheduledJobs
from arkwright.scheduler.workspace import plan_settings
from arkwright.store.base import Definition, Store
from arkwright.store.schedule_record import PlanShare, ScheduleRow

log = logging.getLogger("arkwright.scheduler")

PAGE = 1000
"""Schedules planned in one transaction."""

KEPT = 20_000
"""Schedules kept in memory, read from their documents."""

LOOK_AHEAD_MS = 60_000
LOOK_AHEAD_PAGE = 100

CATCH_UP_PER_SECOND = 100
"""Missed instances made in a second, so that a long night doesn't bury the morning."""

RETRY_MS = 1000
DEFECT_MS = 60_000
"""Until what failed by a defect is tried again: whoever looks into the log sees it, and no flood of it."""

NO_ROOM_MS = 10_000
"""Pause before it is looked again whether there is room."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """One schedule's part, worked out but not written."""

    row: ScheduleRow
    due: Due
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """Instances that are durable, and are to begin."""

    instances: Sequence[Instance]
    plans: Sequence[Plan | ArkwrightError]


class Planner:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        gates: Gates,
        reader: GateReader,
        jobs: ScheduledJobs,
        workspace_of: Callable[[str], Workspace | None],
        owner: str | None,
        room_left: Callable[[], bool] = lambda: True,
        expect: Callable[[int | None], None] = lambda at_ms: None,
    ) -> None:
        """`room_left`: whether anything new may begin; without room, times wait and are made up for. `expect` is told
        when the planner acts next, once it has acted: whoever watches it knows then that it keeps up."""
        self._room_left = room_left
        self._expect = expect
        self._store = store
        self._engine = engine
        self._clock = clock
        self._gates = gates
        self._reader = reader
        self._jobs = jobs
        self._workspace_of = workspace_of
        self._owner = owner
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: TimerHandle | None = None
        self._schedules: OrderedDict[tuple[int, int, str], Schedule] = OrderedDict()
        self._read_jobs: set[int] = set()
        self._catch_up_from_ms = 0
        self._allowance = CATCH_UP_PER_SECOND
        self.catching_up: CatchingUp | None = None
        """What is being made up for; None: nothing."""
        self.idle = asyncio.Event()
        """All that is due has been planned."""

    def open(self) -> None:
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="planner")

    async def close(self) -> None:
        self._expect(None)
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        """A schedule was started, stopped or changed; or time has come."""
        self.idle.clear()
        self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                if self._room_left():
                    await self._plan_due()
                    at_ms = await self._next_ms()
                    self._expect(at_ms)
                else:
                    log.warning("there is no room for new instances; schedules wait")
                    at_ms = self._clock.now_ms() + NO_ROOM_MS
            except StoreUnavailable as error:
                log.error("schedules could not be planned (%s); trying again", error)
                at_ms = self._clock.now_ms() + RETRY_MS
            except Exception:
                log.exception("schedules could not be planned; trying again in a minute")
                at_ms = self._clock.now_ms() + DEFECT_MS
            if self._timer is not None:
                self._timer.cancel()
            if at_ms is not None and at_ms - LOOK_AHEAD_MS > self._clock.now_ms():
                at_ms -= LOOK_AHEAD_MS  # to look ahead first
            self._timer = None if at_ms is None else self._clock.call_at(at_ms, self.wake)
            if not self._woken.is_set():
                self.idle.set()
                await self._look_ahead()

    async def _look_ahead(self) -> None:
        """Read what is due next while there is time: ten thousand documents take seconds. Ends when woken."""
        now_ms = self._clock.now_ms()
        try:
            rows = await self._store.due_schedules(after_ms=now_ms, until_ms=now_ms + LOOK_AHEAD_MS, limit=KEPT // 2)
            unread = [row for row in rows if row.job_id not in self._read_jobs]
            for begin in range(0, len(unread), LOOK_AHEAD_PAGE):
                if self._woken.is_set():
                    return
                page = unread[begin : begin + LOOK_AHEAD_PAGE]
                for definition in await self._store.submitted_of([row.job_id for row in page]):
                    workspace = self._workspace_of(definition.place.workspace_id)
                    if workspace is None:
                        continue
                    with contextlib.suppress(InvalidInput):  # told when it is due
                        self._schedule(definition, plan_settings(workspace))
                        self._engine.warm(definition)
        except StoreUnavailable as error:
            log.warning("what is due next could not be read yet: %s", error)

    async def _next_ms(self) -> int | None:
        now_ms = self._clock.now_ms()
        if self.catching_up is not None:
            upcoming = await self._store.due_schedules(after_ms=now_ms - LATE_MS, until_ms=now_ms + 1000, limit=1)
            return max(upcoming[0].next_ms or now_ms, now_ms) if upcoming else now_ms + 1000
        return await self._store.next_due()

    # -- what is due
    async def _plan_due(self) -> None:
        now_ms = self._clock.now_ms()
        after = now_ms - LATE_MS
        made: list[_Made] = []
        try:
            while rows := await self._store.due_schedules(after_ms=after, until_ms=now_ms, limit=PAGE):
                made.append(await self._plan(rows, now_ms, limit=PAGE))
        finally:
            # First all are made, in time; then they run. Whatever happens, none that was made is forgotten.
            for each in made:
                await self._begin(each)
        await self._catch_up(now_ms)

    async def _catch_up(self, now_ms: int) -> None:
        until = now_ms - LATE_MS
        if self.catching_up is None:
            count, oldest = await self._store.count_due(until_ms=until)
            if not count or oldest is None:
                return
            self.catching_up = CatchingUp(schedules=count, oldest_ms=oldest, since_ms=now_ms, made=0)
            log.warning(
                "catching up: %d schedules have missed plan times, the oldest at %d; at most %d instances a second",
                count,
                oldest,
                CATCH_UP_PER_SECOND,
            )
        if now_ms >= self._catch_up_from_ms:
            self._catch_up_from_ms, self._allowance = now_ms + 1000, CATCH_UP_PER_SECOND
        while self._allowance > 0:
            rows = await self._store.due_schedules(after_ms=-1, until_ms=until, limit=self._allowance)
            if not rows:
                break
            # Each gets its share, so that the oldest of all come first.
            share = max(1, self._allowance // len(rows))
            new = await self._plan(rows, now_ms, limit=share)
            await self._begin(new)
            made = len(new.instances)
            self._allowance -= max(made, 1)
            self.catching_up = replace(self.catching_up, made=self.catching_up.made + made)
        count, oldest = await self._store.count_due(until_ms=until)
        if not count:
            log.warning("caught up: %d instances were made", self.catching_up.made)
            self.catching_up = None
        elif oldest is not None:
            self.catching_up = replace(self.catching_up, schedules=count, oldest_ms=oldest)

    # -- one page
    async def _plan(self, rows: Sequence[ScheduleRow], now_ms: int, *, limit: int) -> _Made:
        """Answers the instances that were made, which are to begin."""
        definitions = {each.id: each for each in await self._store.submitted_of([row.job_id for row in rows])}
        await self._store.reserve_ids(min(len(rows) * limit, 5 * PAGE))
        planned: list[_Planned] = []
        for row in rows:
            planned.append(await self._work_out(row, definitions.get(row.job_id), now_ms, limit))
        planned = await self._open_at_once(planned, now_ms)
        jobs = frozenset(job for each in planned for instance in each.instances for job in _watched(instance))
        self._gates.watch(jobs)
        made = await self._store.plan(
            [
                PlanShare(
                    job_id=each.row.job_id,
                    before_ms=each.row.cursor_ms,
                    cursor_ms=each.due.cursor_ms,
                    next_ms=each.due.next_ms,
                    instances=each.instances,
                )
                for each in planned
            ],
            owner=self._owner,
        )
        self._gates.watch(jobs)
        self._gates.heard(jobs)
        new = [instance for each in planned for instance in each.instances if instance.id in made]
        return _Made(new, plans=await self._engine.load(new) if self._owner is not None else ())

    async def _begin(self, made: _Made) -> None:
        if self._owner is not None and made.instances:
            await self._engine.adopt(made.instances, made.plans)

    async def _work_out(self, row: ScheduleRow, definition: Definition | None, now_ms: int, limit: int) -> _Planned:
        never = Due(cursor_ms=now_ms, next_ms=None)
        workspace = self._workspace_of(row.place.workspace_id)
        if definition is None or workspace is None:
            log.error("job %d is scheduled but is not there (any more); nothing is planned for it", row.job_id)
            return _Planned(row, never, ())
        settings = plan_settings(workspace)
        try:
            schedule = self._schedule(definition, settings)
            if schedule.cron is None:
                return _Planned(row, never, ())
            due = due_times(
                schedule.cron,
                row.cursor_ms,
                now_ms,
                catch_up=schedule.catch_up or settings.catch_up,
                waiting_days=settings.waiting_days if schedule.waiting_days is None else schedule.waiting_days,
                limit=limit,
            )
            instances = [
                await self._instance(row, definition, workspace, schedule, settings, at_ms, now_ms)
                for at_ms in due.times
            ]
        except StoreUnavailable:
            raise
        except ArkwrightError as error:
            # Its times are not passed over: the next look is in a minute, and after every new version.
            log.error("job %s can't be planned: %s", definition.name, error)
            return _Planned(row, Due(cursor_ms=row.cursor_ms, next_ms=now_ms + LATE_MS), ())
        return _Planned(row, due, tuple(instances))

    def _schedule(self, definition: Definition, settings: PlanSettings) -> Schedule:
        key = (definition.id, definition.version, settings.time_zone)
        known = self._schedules.get(key)
        if known is None:
            known = self._schedules[key] = self._jobs.read(definition, settings)
            self._read_jobs.add(definition.id)
            if len(self._schedules) > KEPT:
                oldest, _ = self._schedules.popitem(last=False)
                self._read_jobs.discard(oldest[0])
        return known

    async def _instance(
        self,
        row: ScheduleRow,
        definition: Definition,
        workspace: Workspace,
        schedule: Schedule,
        settings: PlanSettings,
        plan_time_ms: int,
        now_ms: int,
    ) -> Instance:
        cron = schedule.cron
        assert cron is not None
        request = RunRequest(
            place=row.place,
            job_name=definition.name,
            parameters=_parameters(row.body),
            by=str(row.body.get("started_by", "")),
            time_zone=workspace.time_zone,
            condition_policy=workspace.condition_policy,
            instance_type=InstanceType.NORMAL,
        )
        instance = await self._engine.prepare(request, definition)
        first = plan_time_ms == row.body.get("first_ms")
        gate = gate_of(
            schedule,
            cron,
            plan_time_ms,
            await self._jobs.upstreams(row.place, schedule, settings),
            settings,
            now_ms=now_ms,
            ignore_previous=first and bool(row.body.get("ignore_first_self_dep")),
        )
        dry = False
        if schedule.calendar:
            calendar = await find_calendar(self._store, row.place, schedule.calendar)
            dry = calendar is not None and is_dry(calendar, plan_time_ms, cron.zone)
        return msgspec.structs.replace(instance, plan_time_ms=plan_time_ms, gate=gate, dry_run=dry)

    async def _open_at_once(self, planned: Sequence[_Planned], now_ms: int) -> list[_Planned]:
        """Most wait for nothing: their gates are open from the start. Of jobs with several new instances none is:
        these follow from each other."""
        single = [each.instances[0] for each in planned if len(each.instances) == 1]
        facts = dict(zip((each.id for each in single), await self._reader.facts(single, now_ms), strict=True))
        opened: list[_Planned] = []
        for each in planned:
            if len(each.instances) == 1:
                [instance] = each.instances
                verdict = judge(instance, self._reader.with_released(instance, facts[instance.id]))
                if verdict.opens:
                    gate: Gate = msgspec.structs.replace(instance.gate or Gate(), open=True, since_ms=now_ms)
                    each = replace(each, instances=(msgspec.structs.replace(instance, gate=gate),))
            opened.append(each)
        return opened


def _watched(instance: Instance) -> set[int]:
    gate = instance.gate
    if gate is None or gate.open:
        return set()
    return {instance.job_id, *(each.job_id for each in gate.conditions if isinstance(each, Upstream))}


def _parameters(body: Any) -> dict[str, str]:
    return {each["name"]: str(each["value"]) for each in body.get("jobParams") or ()}
