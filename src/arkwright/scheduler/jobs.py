"""Jobs as the scheduler sees them: their schedules, and the jobs that they depend on."""

from __future__ import annotations

from collections.abc import Callable

from arkwright.core.identity import Workspace
from arkwright.core.planning import PlanSettings, UpstreamJob
from arkwright.core.schedule import Dependency, Schedule
from arkwright.core.schedule_document import read_schedule
from arkwright.store.base import Definition, Kind, Place, Store

WorkspaceNamed = Callable[[str, str], Workspace | None]
"""The workspace of that project and name."""


class ScheduledJobs:
    def __init__(self, store: Store, workspace_named: WorkspaceNamed) -> None:
        self._store = store
        self._workspace_named = workspace_named

    def read(self, definition: Definition, settings: PlanSettings) -> Schedule:
        """Raises `InvalidInput`."""
        return read_schedule(definition.body, default_zone=settings.time_zone)

    def place_of(self, place: Place, dependency: Dependency) -> Place:
        """Where the job of a dependency is."""
        if dependency.workspace:
            return Place(project_id=place.project_id, workspace_id=dependency.workspace)
        if dependency.workspace_name:
            found = self._workspace_named(place.project_id, dependency.workspace_name)
            if found is not None:
                return Place(project_id=place.project_id, workspace_id=found.id)
        return place

    async def upstream(self, place: Place, dependency: Dependency) -> Definition | None:
        """The submitted version of the job that is depended on."""
        where = self.place_of(place, dependency)
        return await self._store.get_definition(where, Kind.JOB, dependency.job, submitted=True)

    async def upstreams(
        self, place: Place, schedule: Schedule, settings: PlanSettings
    ) -> list[tuple[Dependency, UpstreamJob]]:
        """Those that exist and run by the clock: others hold up nobody."""
        found: list[tuple[Dependency, UpstreamJob]] = []
        for dependency in schedule.dependencies:
            definition = await self.upstream(place, dependency)
            cron = None if definition is None else self.read(definition, settings).cron
            if definition is not None and cron is not None:
                job = UpstreamJob(
                    job_id=definition.id,
                    job_name=definition.name,
                    workspace_id=definition.place.workspace_id,
                    cron=cron,
                )
                found.append((dependency, job))
        return found
