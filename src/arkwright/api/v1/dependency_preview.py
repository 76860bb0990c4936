"""What a plan's dependencies would wait for (ours): decided by the scheduler's own code, before anything is saved.

Asked for one run, the next one of the plan or the one at `planTime`; answered per upstream job with its windows and the
upstream's plan times in them. What speaks against a dependency, such as a job that is not there, stands in `problem`.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.api.v1.documents import Milliseconds
from arkwright.api.v1.fields import number, object_
from arkwright.core.fire_times import next_fire
from arkwright.core.schedule import Cron, Dependency
from arkwright.core.schedule_document import read_schedule
from arkwright.core.windows import awaited, why_not, windows
from arkwright.errors import Code, InvalidInput
from arkwright.iam.model import Action
from arkwright.scheduler.jobs import ScheduledJobs
from arkwright.scheduler.workspace import may_depend_on, plan_settings

SHOWN = 50
_TIME_MS = 253_402_300_799_999


class DependencyPreviewRequest(Struct, kw_only=True, omit_defaults=True):
    """`cron`: as a job's schedule has it. `planTime`: of the run that is asked about; none: the next one from now."""

    cron: dict[str, Any]
    planTime: int | UnsetType = UNSET


class AwaitedWindow(Struct, kw_only=True):
    start: Milliseconds
    """Inclusive."""
    end: Milliseconds
    """Exclusive."""
    take: str
    """ALL, ANY, LAST: how many of the instances in it count."""
    rule: str
    """The window in words."""
    count: int
    planTimes: list[int]
    """The first of them."""


class AwaitedJob(Struct, kw_only=True, omit_defaults=True):
    job: str
    workspaceId: str
    status: str = ""
    """Of the upstream's schedule."""
    failPolicy: str
    problem: str = ""
    windows: list[AwaitedWindow] = []


class DependencyPreview(Struct, kw_only=True):
    planTime: int | None
    """None: the plan has no run any more."""
    jobs: list[AwaitedJob]


async def preview_dependencies(call: Call) -> Response:
    body = await call.document()
    given = object_(body.get("cron"), "cron", code=Code.JOB_SCHEDULE_INVALID)
    at_ms = number(body.get("planTime"), "planTime", 0, _TIME_MS)
    document = {"schedule": {"type": "CRON", "cron": given}}
    schedule = read_schedule(document, default_zone=call.workspace.time_zone)
    if schedule.cron is None:
        raise InvalidInput("cron is missing.", field="cron", code=Code.JOB_SCHEDULE_INVALID)
    if at_ms is None:
        at_ms = next_fire(schedule.cron, call.parts.now_ms())
    jobs = [] if at_ms is None else [await _job(call, schedule.cron, at_ms, each) for each in schedule.dependencies]
    return answer(DependencyPreview(planTime=at_ms, jobs=jobs))


async def _job(call: Call, cron: Cron, at_ms: int, dependency: Dependency) -> AwaitedJob:
    directory, settings = call.parts.directory, plan_settings(call.workspace)
    reader = ScheduledJobs(call.parts.store, directory.workspace_named)
    where = reader.place_of(call.place, dependency)
    found = AwaitedJob(job=dependency.job, workspaceId=where.workspace_id, failPolicy=dependency.fail_policy)
    upstream = directory.workspace_by_id(where.workspace_id)
    if upstream is None or upstream.project_id != call.workspace.project_id:
        found.problem = f"There is no workspace {where.workspace_id}."
        return found
    if not may_depend_on(upstream, call.workspace.id):
        found.problem = f"The workspace {upstream.name} does not let this one depend on its jobs."
        return found
    definition = await reader.upstream(call.place, dependency)
    if definition is None:
        found.problem = "There is no such job, or it was never submitted."
        return found
    found.status = definition.status or "STOPPED"
    other = reader.read(definition, plan_settings(upstream)).cron
    if other is None:
        found.problem = "It does not run by the clock, so there is nothing to wait for."
        return found
    found.problem = why_not(settings.dependency_policy, cron, other)
    if found.problem:
        return found
    for window in windows(settings.dependency_policy, cron, other, at_ms, dependency):
        times = awaited(window, other)
        found.windows.append(
            AwaitedWindow(
                start=window.from_ms,
                end=window.to_ms,
                take=window.take,
                rule=window.rule,
                count=len(times),
                planTimes=list(times[:SHOWN]),
            )
        )
    return found


ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/schedule/dependency-preview",
        handler=preview_dependencies,
        operation="previewDependencies",
        summary="Which instances of other jobs a run of a plan would wait for.",
        tag="jobs",
        action=Action.JOB_READ,
        request=DependencyPreviewRequest,
        response=DependencyPreview,
        errors=(Code.JOB_SCHEDULE_INVALID,),
        example={
            "cron": {
                "startTime": "2026-01-01T00:00:00+08",
                "expression": "0 0 2 * * ?",
                "dependJobs": {"jobs": ["load"]},
            },
        },
        answer={"planTime": 1767204000000, "jobs": []},
        ours=True,
    ),
)
