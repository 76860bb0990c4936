"""Starting, stopping and pausing schedules, with all that is checked before.

Rules (factory-behaviour 4.5): a start plans from now on, or from `start_date` on; each upstream job must be scheduled
(running or paused); jobs that wait for each other in a circle are refused with the circle; the workspace's policy must
allow the pair of cycles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from arkwright.core.dependency_graph import cycle_sentence, find_cycle
from arkwright.core.fire_times import next_fire
from arkwright.core.identity import Workspace
from arkwright.core.planning import PlanSettings
from arkwright.core.schedule import Schedule
from arkwright.core.windows import why_not
from arkwright.core.zone_changes import instant_of
from arkwright.engine.clock import Clock
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound
from arkwright.scheduler.interface import ScheduleStart
from arkwright.scheduler.jobs import ScheduledJobs
from arkwright.scheduler.workspace import may_depend_on, plan_settings
from arkwright.store.base import Definition, Kind, Place, Store
from arkwright.store.schedule_record import ScheduleRow, ScheduleState

_SCHEDULED = frozenset({"SCHEDULING", "PAUSED"})
_EPOCH = datetime(1970, 1, 1)

_Job = tuple[str, str]
"""(workspace, name)."""


class Schedules:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        jobs: ScheduledJobs,
        workspace_of: Callable[[str], Workspace | None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._jobs = jobs
        self._workspace_of = workspace_of

    async def start(self, wish: ScheduleStart) -> ScheduleRow:
        job = wish.job
        settings = self._settings(job.place, wish.time_zone)
        schedule = self._jobs.read(job, settings)
        cron = schedule.cron
        if cron is None:
            raise InvalidInput(
                f"The job {job.name} has no plan to start.",
                field="schedule",
                hint="Give it a schedule of type CRON, or run it with POST …/run-immediate.",
            )
        await self._check_dependencies(job, schedule, settings)
        now_ms = self._clock.now_ms()
        from_ms = now_ms
        if wish.given.get("start_date"):
            day = datetime.strptime(str(wish.given["start_date"]), "%Y%m%d")
            midnight = int((day - _EPOCH).total_seconds())
            from_ms = max(now_ms, instant_of(cron.zone, midnight) * 1000 - 1)
        first_ms = next_fire(cron, from_ms)
        if first_ms is None:
            raise InvalidInput(
                f"The plan of job {job.name} has no time left: it ended, or no day fits its expression.",
                field="schedule.cron",
                hint="Change endTime or expression.",
                code=Code.JOB_SCHEDULE_INVALID,
            )
        row = ScheduleRow(
            job_id=job.id,
            place=job.place,
            state=ScheduleState.SCHEDULING,
            cursor_ms=from_ms,
            next_ms=first_ms,
            body={
                **wish.given,
                "job_name": job.name,
                "job_version": job.version,
                "started_by": wish.by,
                "started_ms": now_ms,
                "first_ms": first_ms,
            },
        )
        await self._store.set_schedule(row, job_name=job.name, job_status=row.state.value)
        return row

    async def stop(self, job: Definition) -> None:
        row = await self.of(job.id)
        if row is None:
            await self._store.set_definition_status(job.place, Kind.JOB, job.name, "STOPPED")
            return
        await self._set(job, replace(row, state=ScheduleState.STOPPED, next_ms=None))

    async def pause(self, job: Definition) -> None:
        row = await self._in_state(job, ScheduleState.SCHEDULING)
        await self._set(job, replace(row, state=ScheduleState.PAUSED, next_ms=None))

    async def resume(self, job: Definition) -> None:
        row = await self._in_state(job, ScheduleState.PAUSED)
        submitted = await self._store.get_definition(job.place, Kind.JOB, job.name, submitted=True)
        now_ms = self._clock.now_ms()
        cron = None
        if submitted is not None:
            cron = self._jobs.read(submitted, self._settings(job.place, "UTC")).cron
        cursor_ms = max(now_ms, row.cursor_ms)
        next_ms = None if cron is None else next_fire(cron, cursor_ms)
        await self._set(job, replace(row, state=ScheduleState.SCHEDULING, cursor_ms=cursor_ms, next_ms=next_ms))

    async def of(self, job_id: int) -> ScheduleRow | None:
        rows = await self._store.get_schedules([job_id])
        return rows[0] if rows else None

    # -- inside
    async def _set(self, job: Definition, row: ScheduleRow) -> None:
        await self._store.set_schedule(row, job_name=job.name, job_status=row.state.value)

    async def _in_state(self, job: Definition, state: ScheduleState) -> ScheduleRow:
        row = await self.of(job.id)
        if row is None or row.state is not state:
            now = "not started" if row is None else row.state.value
            raise IllegalState(
                f"The schedule of job {job.name} is {now}; this needs one that is {state.value}.", field="job_name"
            )
        return row

    def _settings(self, place: Place, time_zone: str) -> PlanSettings:
        workspace = self._workspace_of(place.workspace_id)
        return PlanSettings(time_zone=time_zone) if workspace is None else plan_settings(workspace)

    async def _check_dependencies(self, job: Definition, schedule: Schedule, settings: PlanSettings) -> None:
        assert schedule.cron is not None
        field = "schedule.cron.dependJobs"
        for dependency in schedule.dependencies:
            upstream = await self._jobs.upstream(job.place, dependency)
            if upstream is None:
                raise NotFound(
                    f"The job {dependency.job!r}, which {job.name} depends on, does not exist or was never submitted.",
                    field=field,
                    code=Code.JOB_NOT_FOUND,
                )
            there = upstream.place.workspace_id
            if not may_depend_on(self._workspace_of(there), job.place.workspace_id):
                raise IllegalState(
                    f"The workspace of {dependency.job} does not let jobs of this workspace depend on its own.",
                    field=field,
                    hint="Its administrator sets that: scheduling.dependents in workspace-settings.",
                )
            cron = self._jobs.read(upstream, settings).cron
            if cron is None or upstream.status not in _SCHEDULED:
                myself = upstream.id == job.id and dependency.periods_back
                if cron is not None and myself:
                    continue
                raise IllegalState(
                    f"depend job [{dependency.job}] is not running or pause",
                    field=field,
                    hint=f"Start the schedule of {dependency.job} first, or take it out of dependJobs.",
                )
            reason = why_not(settings.dependency_policy, schedule.cron, cron)
            if reason:
                raise InvalidInput(
                    f"{job.name} can't depend on {dependency.job}: {reason}",
                    field=field,
                    code=Code.JOB_SCHEDULE_INVALID,
                )
        await self._check_circle(job, schedule, settings)

    async def _check_circle(self, job: Definition, schedule: Schedule, settings: PlanSettings) -> None:
        start: _Job = (job.place.workspace_id, job.name)
        ways: dict[_Job, list[_Job]] = {}
        work: list[tuple[_Job, Place, Schedule]] = [(start, job.place, schedule)]
        while work:
            at, place, its = work.pop()
            ways[at] = []
            for dependency in its.dependencies:
                if dependency.periods_back:
                    continue  # an earlier cycle closes no circle
                where = self._jobs.place_of(place, dependency)
                to = (where.workspace_id, dependency.job)
                ways[at].append(to)
                if to in ways or any(to == each[0] for each in work):
                    continue
                upstream = await self._jobs.upstream(place, dependency)
                if upstream is not None:
                    work.append((to, where, self._jobs.read(upstream, settings)))
        circle = find_cycle(start, lambda each: ways.get(each, ()))
        if circle is not None:
            raise InvalidInput(
                f"Jobs wait for each other in a circle: {cycle_sentence(name for _, name in circle)}.",
                field="schedule.cron.dependJobs",
                hint="Take one of these dependencies away.",
                code=Code.JOB_SCHEDULE_INVALID,
            )
