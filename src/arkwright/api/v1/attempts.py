"""The attempts of an instance's nodes, each with its own times (ours): what a timeline is drawn from.

The documented detail of an instance has one row per node, with the start of its first attempt and the end of its last.
Attempts of before a rerun are among them as long as the instance is kept. (The protocol of workers is in `runner`.)
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.api.v1.documents import Milliseconds
from arkwright.api.v1.instances import found
from arkwright.core.outcome import Failed, Succeeded
from arkwright.errors import Code
from arkwright.iam.model import Action
from arkwright.store.base import AttemptRow


class AttemptItem(Struct, kw_only=True, omit_defaults=True):
    nodeName: str
    attempt: int
    status: str
    """`running`, `success` or `fail`."""
    startTime: Milliseconds
    endTime: Milliseconds | UnsetType = UNSET
    exitCode: int | UnsetType = UNSET
    message: str = ""


class AttemptList(Struct, kw_only=True):
    attempts: list[AttemptItem]


async def list_attempts(call: Call) -> Response:
    instance = await found(call)
    names = {run.index: run.name for run in instance.nodes}
    rows = await call.parts.store.list_attempts(instance.id)
    # A rerun with a newer version of the job may have fewer nodes than an earlier one.
    return answer(AttemptList(attempts=[_item(row, names) for row in rows if row.node in names]))


def _item(row: AttemptRow, names: Mapping[int, str]) -> AttemptItem:
    exit_code: int | None = None
    match row.outcome:
        case Succeeded():
            status, message = "success", ""
        case Failed(exit_code=exit_code, message=message):
            status = "fail"
        case None:
            # One that was cancelled, or given up with its instance, has an end and no outcome.
            status, message = ("running" if row.ended_ms is None else "fail"), ""
    return AttemptItem(
        nodeName=names[row.node],
        attempt=row.attempt,
        status=status,
        startTime=row.started_ms,
        endTime=UNSET if row.ended_ms is None else row.ended_ms,
        exitCode=UNSET if exit_code is None else exit_code,
        message=message,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/attempts",
        handler=list_attempts,
        operation="listInstanceAttempts",
        summary="Every attempt of every node, by node and attempt, each with its start and its end.",
        tag="instances",
        action=Action.JOB_READ,
        response=AttemptList,
        errors=(Code.INSTANCE_NOT_FOUND,),
        ours=True,
    ),
)
