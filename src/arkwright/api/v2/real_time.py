"""Detail of a real-time job.

Rules: states are those of the older API (`api/v1/real_time.py`); no engine or cluster is named where none is at work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.api.v1.real_time import check_real_time, newest_instance
from arkwright.api.v1.schedule import found_job, started_with
from arkwright.api.v2 import documents
from arkwright.api.v2.paths import route
from arkwright.errors import Code
from arkwright.iam.model import Action
from arkwright.store.base import Definition


async def show_detail(call: Call) -> Response:
    job = await found_job(call, call.path["job_name"])
    check_real_time(job)
    started = await started_with(call, job)
    states = {each.name: each.state.value for each in await call.parts.events.real_time.nodes(job)}
    tasks = [await _task(call, job, index, node, states) for index, node in enumerate(job.body.get("nodes", ()))]
    reply: dict[str, Any] = {
        "is_success": True,
        "message": "",
        "job_id": str(job.id),
        "state": (await call.parts.events.real_time.state(job)).value,
        "task_details": tasks,
    }
    if started is not None:
        reply["startup_timestamp"] = str(started.body["started_ms"])
    return answer(reply)


async def _task(
    call: Call, job: Definition, index: int, node: dict[str, Any], states: Mapping[str, str]
) -> dict[str, Any]:
    newest = await newest_instance(call, job, node["name"])
    properties = {each["name"]: each.get("value") for each in node.get("properties") or ()}
    found: dict[str, Any] = {
        "task_id": f"{job.id}-{index}",
        "task_name": node["name"],
        "task_type": node["type"],
        "state": states.get(node["name"], "STOPPED"),
        "create_time": job.created_ms,
        "update_time": job.updated_ms,
    }
    for field, name in (("source_type", "sourceType"), ("target_type", "sinkType")):
        if properties.get(name):
            found[field] = str(properties[name])
    if newest is not None:
        found["running_status"] = newest.status.value
        if newest.message:
            found["error_msg"] = newest.message
    return found


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/real-time-jobs/{job_name}",
        show_detail,
        "showRealTimeJobDetails",
        "A real-time job and its tasks.",
        Action.JOB_READ,
        errors=(Code.JOB_NOT_FOUND,),
        response=documents.RealTimeJob,
    ),
)
