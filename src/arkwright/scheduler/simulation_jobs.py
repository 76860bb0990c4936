"""Collects a workspace's jobs for a simulation: their submitted versions, or documents in place of them.

Rules: jobs whose schedules are started or paused are simulated, those that the request names, those whose documents
it brings, and all that these depend on, in other workspaces too. What would keep a schedule from being started (a
circle, a pair of cycles that the policy forbids, a missing upstream job) is told of the job instead of raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arkwright.core.calendar import Calendar
from arkwright.core.dependency_graph import cycle_sentence, find_cycle
from arkwright.core.identity import Workspace
from arkwright.core.job_document import read_job
from arkwright.core.planning import PlanSettings, UpstreamJob
from arkwright.core.schedule import Cron, Dependency, Schedule
from arkwright.core.schedule_document import read_schedule
from arkwright.core.windows import why_not
from arkwright.errors import InvalidInput
from arkwright.scheduler.calendars import find_calendar
from arkwright.scheduler.jobs import ScheduledJobs, WorkspaceNamed
from arkwright.scheduler.simulation_limits import limits_of
from arkwright.scheduler.simulation_records import DURATION_MS, Conflict, SimulatedJob
from arkwright.scheduler.workspace import node_limit, plan_settings
from arkwright.store.base import Kind, Place, Store

MOST_JOBS = 2000
_PAGE = 1000
_SCHEDULED = frozenset({"SCHEDULING", "PAUSED"})

Key = tuple[str, str]
"""(workspace, name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationWish:
    place: Place
    names: Sequence[str] = ()
    """Jobs to simulate beside those that are scheduled."""
    only: bool = False
    """These alone (and what they depend on), not all that are scheduled."""
    also: Sequence[str] = ()
    """Jobs to simulate if they exist."""
    documents: Sequence[Mapping[str, Any]] = ()
    """Job documents that stand in for the stored ones of their names, or are new."""
    durations_ms: Mapping[str, int] = field(default_factory=dict)
    """By name of job."""
    default_duration_ms: int = DURATION_MS
    failing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    id: int
    key: Key
    place: Place
    schedule: Schedule
    groups: Sequence[str]
    """Task groups of its nodes."""
    cron: Cron | None
    settings: PlanSettings


class SimulationJobs:
    def __init__(
        self, store: Store, workspace_of: Callable[[str], Workspace | None], workspace_named: WorkspaceNamed
    ) -> None:
        self._store = store
        self._workspace_of = workspace_of
        self._reader = ScheduledJobs(store, workspace_named)
        self.unreadable: dict[Key, Conflict] = {}
        """Stored jobs that can't be read."""
        self._limits: dict[str, tuple[Mapping[str, int], int]] = {}

    async def collect(self, wish: SimulationWish) -> list[SimulatedJob]:
        """Raises `InvalidInput` (a document that can't be read, too many jobs) and `NotFound` (a name)."""
        found: dict[Key, _Job] = {}
        missing: set[Key] = set()
        work: list[Key] = []
        for position, document in enumerate(wish.documents):
            job = self._of_document(wish.place, document, -1 - position)
            found[job.key] = job
        work += found
        work += [(wish.place.workspace_id, name) for name in (*wish.names, *wish.also)]
        if not wish.only:
            work += [(wish.place.workspace_id, name) for name in await self._scheduled(wish.place)]
        named = {(wish.place.workspace_id, name) for name in wish.names}
        while work:
            key = work.pop()
            one = found.get(key) or await self._stored(wish.place, key)
            if one is None:
                if key in named and key not in self.unreadable:
                    raise InvalidInput(f"There is no submitted job {key[1]!r}.", field="jobs")
                missing.add(key)
                continue
            if len(found) >= MOST_JOBS:
                raise InvalidInput(f"More than {MOST_JOBS} jobs are to be simulated.", field="jobs")
            if key not in found or one.id < 0:
                found[key] = one
                others = (self._key(one.place, each) for each in one.schedule.dependencies)
                work += [other for other in others if other not in found and other not in missing]
        return [await self._simulated(job, found, wish) for job in found.values() if job.cron is not None]

    async def _simulated(self, job: _Job, found: Mapping[Key, _Job], wish: SimulationWish) -> SimulatedJob:
        assert job.cron is not None
        upstreams: list[tuple[Dependency, UpstreamJob]] = []
        problems: list[str] = []
        for dependency in job.schedule.dependencies:
            upstream = found.get(self._key(job.place, dependency))
            if upstream is None:
                problems.append(f"It depends on {dependency.job}, which does not exist or was never submitted.")
            elif upstream.cron is None:
                problems.append(f"It depends on {dependency.job}, which has no plan by the clock.")
            elif reason := why_not(job.settings.dependency_policy, job.cron, upstream.cron):
                problems.append(f"It can't depend on {dependency.job}: {reason}")
            else:
                other = UpstreamJob(
                    job_id=upstream.id, job_name=upstream.key[1], workspace_id=upstream.key[0], cron=upstream.cron
                )
                upstreams.append((dependency, other))

        def same_cycle(key: Key) -> list[Key]:
            at = found.get(key)
            its = () if at is None else at.schedule.dependencies
            return [] if at is None else [self._key(at.place, each) for each in its if not each.periods_back]

        circle = find_cycle(job.key, same_cycle)
        if circle is not None:
            problems.append(f"Jobs wait for each other in a circle: {cycle_sentence(name for _, name in circle)}.")
        calendar: Calendar | None = None
        if job.schedule.calendar:
            calendar = await find_calendar(self._store, job.place, job.schedule.calendar)
            if calendar is None:
                problems.append(f"Its calendar {job.schedule.calendar} does not exist.")
        name = job.key[1]
        groups, most_nodes = await self._groups(job.place)
        return SimulatedJob(
            job_id=job.id,
            name=name,
            workspace_id=job.key[0],
            schedule=job.schedule,
            cron=job.cron,
            settings=job.settings,
            calendar=calendar,
            upstreams=upstreams,
            problems=problems,
            duration_ms=wish.durations_ms.get(name, wish.default_duration_ms),
            fails=name in wish.failing,
            limits=limits_of(job.groups, groups, most_nodes),
        )

    async def _groups(self, place: Place) -> tuple[Mapping[str, int], int]:
        """The workspace's task groups with their slots, and its limit of nodes (0: none)."""
        known = self._limits.get(place.workspace_id)
        if known is None:
            page = await self._store.list_definitions(place, Kind.TASK_GROUP, limit=_PAGE)
            slots = {each.name: int(each.body.get("limit") or 0) for each in page.items}
            workspace = self._workspace_of(place.workspace_id)
            known = (slots, 0 if workspace is None else node_limit(workspace))
            self._limits[place.workspace_id] = known
        return known

    def _of_document(self, place: Place, document: Mapping[str, Any], id_: int) -> _Job:
        name = document.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidInput("A document has no name.", field="documents")
        return self._read(place, name, id_, document)

    async def _stored(self, place: Place, key: Key) -> _Job | None:
        where = Place(project_id=place.project_id, workspace_id=key[0])
        found = await self._store.get_definition(where, Kind.JOB, key[1], submitted=True)
        if found is None or found.category != "BATCH":
            return None
        try:
            return self._read(where, found.name, found.id, found.body)
        except InvalidInput as error:
            # It was stored under older rules. It can't be planned, and must not keep others from being simulated.
            text = f"{error.message} {error.hint}".strip()
            self.unreadable[key] = Conflict(kind="not-schedulable", job=key[1], workspaceId=key[0], text=text)
            return None

    def _read(self, place: Place, name: str, id_: int, body: Mapping[str, Any]) -> _Job:
        workspace = self._workspace_of(place.workspace_id)
        settings = PlanSettings() if workspace is None else plan_settings(workspace)
        schedule = read_schedule(body, default_zone=settings.time_zone)
        groups = [each.task_group for each in read_job(body).nodes] if schedule.cron is not None else []
        return _Job(
            id=id_,
            key=(place.workspace_id, name),
            place=place,
            schedule=schedule,
            cron=schedule.cron,
            settings=settings,
            groups=groups,
        )

    def _key(self, place: Place, dependency: Dependency) -> Key:
        return (self._reader.place_of(place, dependency).workspace_id, dependency.job)

    async def _scheduled(self, place: Place) -> list[str]:
        names: list[str] = []
        offset = 0
        while True:
            page = await self._store.list_definitions(place, Kind.JOB, category="BATCH", offset=offset, limit=_PAGE)
            names += [each.name for each in page.items if each.status in _SCHEDULED]
            offset += len(page.items)
            if len(page.items) < _PAGE:
                return names
