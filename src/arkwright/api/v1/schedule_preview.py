"""When a plan would fire (ours): the fire times of a cron object, or of a saved job.

Rules: nothing is stored or started. The times count from the plan's start time, never from now, unless the request says
`after`; fewer come back where the plan ends. A wrong plan is refused as it is when a job is saved, with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import object_
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.schedule import found_job
from arkwright.core.fire_times import fire_times
from arkwright.core.schedule import Cron
from arkwright.core.schedule_document import read_cron, read_schedule
from arkwright.errors import Code, InvalidInput
from arkwright.iam.model import Action

MOST = 1000
_DEFAULT = 10
_TIME_MS = 253_402_300_799_999
"""The end of the year 9999."""


class SchedulePreviewRequest(Struct, kw_only=True, omit_defaults=True):
    """Either `cron` (as a job's schedule has it) or `jobName`. `after`: epoch milliseconds; only later times."""

    cron: dict[str, Any] | UnsetType = UNSET
    jobName: str | UnsetType = UNSET
    count: int = _DEFAULT
    after: int | UnsetType = UNSET


class SchedulePreview(Struct, kw_only=True):
    fireTimes: list[int]


async def preview_schedule(call: Call) -> Response:
    body = await call.document()
    count = number_of(body.get("count"), "count", 1, MOST) or _DEFAULT
    after_ms = number_of(body.get("after"), "after", 0, _TIME_MS)
    cron = await _cron(call, body)
    return answer(
        SchedulePreview(fireTimes=list(islice(fire_times(cron, -1 if after_ms is None else after_ms), count)))
    )


async def _cron(call: Call, body: Mapping[str, Any]) -> Cron:
    """The plan that the request means."""
    name = text_of(body.get("jobName"), "jobName", 128)
    given = object_(body.get("cron"), "cron", code=Code.JOB_SCHEDULE_INVALID)
    if name and given:
        raise InvalidInput("cron and jobName are both given.", field="jobName", hint="Send one of them.")
    if name:
        job = await found_job(call, name)
        schedule = read_schedule(job.body, default_zone=call.workspace.time_zone)
        if schedule.cron is None:
            raise InvalidInput(
                f"The job {job.name} has no plan by the clock: its schedule is of type {schedule.type}.",
                field="jobName",
                hint="Fire times have jobs whose schedule is of type CRON and has a cron.",
                code=Code.JOB_SCHEDULE_INVALID,
            )
        return schedule.cron
    found = read_cron(given, "cron", default_zone=call.workspace.time_zone)
    if found is None:
        raise InvalidInput(
            "cron is missing.",
            field="cron",
            hint='Send {"cron": {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?"}}.',
            code=Code.JOB_SCHEDULE_INVALID,
        )
    return found


ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/schedule/preview",
        handler=preview_schedule,
        operation="previewSchedule",
        summary="When a plan would fire.",
        tag="jobs",
        action=Action.JOB_READ,
        request=SchedulePreviewRequest,
        response=SchedulePreview,
        errors=(Code.JOB_SCHEDULE_INVALID, Code.JOB_NOT_FOUND),
        example={
            "cron": {
                "startTime": "2026-01-01T00:00:00+08",
                "expression": "0 0 2 * * ?",
                "expressionTimeZone": "GMT+8",
            },
            "count": 3,
        },
        answer={"fireTimes": [1767204000000, 1767290400000, 1767376800000]},
        ours=True,
    ),
)
