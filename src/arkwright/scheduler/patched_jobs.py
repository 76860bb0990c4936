"""The jobs of a patch: their schedules, and how they depend on each other inside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arkwright.core.identity import Workspace
from arkwright.core.patch_data import PatchJob
from arkwright.core.planning import PlanSettings
from arkwright.core.schedule import Cron, Dependency, Schedule
from arkwright.errors import InvalidInput
from arkwright.scheduler.jobs import ScheduledJobs
from arkwright.scheduler.workspace import plan_settings
from arkwright.store.base import Definition, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchedJob:
    definition: Definition
    schedule: Schedule
    cron: Cron
    workspace: Workspace
    outside: Sequence[Dependency]
    """Dependencies on jobs that are not of the patch."""


class PatchedJobs:
    def __init__(self, jobs: ScheduledJobs, workspace_of: Callable[[str], Workspace | None]) -> None:
        self._jobs = jobs
        self._workspace_of = workspace_of

    def cron_of(self, definition: Definition) -> Cron:
        """Raises `InvalidInput`: the job has no plan by the clock."""
        return self._read_job(definition)[1]

    def read_all(self, definitions: Sequence[Definition]) -> list[PatchedJob]:
        """Raises `InvalidInput`."""
        ids = {(each.place.workspace_id, each.name) for each in definitions}
        found = []
        for definition in definitions:
            schedule, cron = self._read_job(definition)
            workspace = self._workspace_of(definition.place.workspace_id)
            if workspace is None:
                raise InvalidInput(f"the workspace of its job {definition.name} is not there any more")
            outside = [
                each
                for each in schedule.dependencies
                if (self._jobs.place_of(definition.place, each).workspace_id, each.job) not in ids
            ]
            found.append(
                PatchedJob(definition=definition, schedule=schedule, cron=cron, workspace=workspace, outside=outside)
            )
        return found

    def _read_job(self, definition: Definition) -> tuple[Schedule, Cron]:
        schedule = self._jobs.read(definition, self._settings(definition.place))
        if schedule.cron is None:
            raise InvalidInput(
                f"The job {definition.name} has no plan by the clock.",
                field="depend_jobs",
                hint="Patches follow a job's plan: give it a schedule of type CRON.",
            )
        return schedule, schedule.cron

    def _settings(self, place: Place) -> PlanSettings:
        workspace = self._workspace_of(place.workspace_id)
        return PlanSettings() if workspace is None else plan_settings(workspace)

    def of_patch(self, definitions: Sequence[Definition]) -> list[PatchJob]:
        ids = {(each.place.workspace_id, each.name): each.id for each in definitions}
        found = []
        for definition in definitions:
            schedule, cron = self._read_job(definition)
            inside = []
            for dependency in schedule.dependencies:
                where = self._jobs.place_of(definition.place, dependency)
                other = ids.get((where.workspace_id, dependency.job))
                if other is not None:
                    inside.append((other, dependency))
            found.append(
                PatchJob(
                    job_id=definition.id,
                    name=definition.name,
                    cron=cron,
                    policy=self._settings(definition.place).dependency_policy,
                    dependencies=tuple(inside),
                    self_dependent=schedule.self_dependent,
                )
            )
        return found
