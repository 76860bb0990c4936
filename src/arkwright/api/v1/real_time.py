"""The state of a real-time job and of its nodes.

Rules: the state is worked out from what its nodes' triggers are doing (`core/real_time.py`); counters that nobody
measures (records, bytes, speed) are left out. Runs of a node are instances of the job `<job>_<node>`; the newest one is
shown. Nodes of a version that was not started yet are STOPPED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.api.v1.schedule import found_job, started_with
from arkwright.core.instance import Instance
from arkwright.engine.log_names import log_path_of
from arkwright.errors import Code, InvalidInput
from arkwright.iam.model import Action
from arkwright.scheduler.real_time import hidden_name
from arkwright.store.base import Definition, InstanceFilter, Kind


class RealTimeNode(Struct, kw_only=True, omit_defaults=True):
    name: str
    status: str
    type: str
    nodeType: str
    logPath: str | UnsetType = UNSET
    jobInstanceId: int | UnsetType = UNSET
    lastInstanceStatus: str | UnsetType = UNSET


class RealTimeStatus(Struct, kw_only=True, omit_defaults=True):
    """`starttime` is `startTime` again, as the official clients spell it."""

    name: str
    status: str
    startTime: int | UnsetType = UNSET
    starttime: int | UnsetType = UNSET
    endTime: int | UnsetType = UNSET
    lastUpdateTime: int
    createUser: str
    lastModifiyUser: str
    nodes: list[RealTimeNode]


async def show_status(call: Call) -> Response:
    job = await found_job(call, call.path["job_name"])
    check_real_time(job)
    started = await started_with(call, job)
    start = UNSET if started is None else int(started.body["started_ms"])
    states = {each.name: each.state.value for each in await call.parts.events.real_time.nodes(job)}
    return answer(
        RealTimeStatus(
            name=job.name,
            status=(await call.parts.events.real_time.state(job)).value,
            startTime=start,
            starttime=start,
            lastUpdateTime=job.updated_ms,
            createUser=job.created_by,
            lastModifiyUser=job.updated_by,
            nodes=[await _node(call, job, node, states) for node in job.body.get("nodes", ())],
        )
    )


def check_real_time(job: Definition) -> None:
    if job.category != "REAL_TIME":
        raise InvalidInput(
            f"The job {job.name} is a batch job.",
            field="job_name",
            hint="GET …/jobs/instances/detail lists the instances of batch jobs.",
        )


async def newest_instance(call: Call, job: Definition, node: str) -> Instance | None:
    """The newest instance of a node of a real-time job."""
    name = hidden_name(job.name, node)
    ids = await call.parts.store.definition_ids(call.place, Kind.REAL_TIME_NODE, name=name, precise=True)
    if not ids:
        return None
    where = InstanceFilter(place=call.place, job_ids=tuple(ids), from_ms=0, to_ms=call.parts.now_ms())
    page = await call.parts.store.list_instances(where, limit=1)
    return page.items[0] if page.items else None


async def _node(call: Call, job: Definition, node: dict[str, Any], states: Mapping[str, str]) -> RealTimeNode:
    newest = await newest_instance(call, job, node["name"])
    found = RealTimeNode(
        name=node["name"],
        status=states.get(node["name"], "STOPPED"),
        type=node["type"],
        nodeType=node["type"],
    )
    if newest is not None:
        found.jobInstanceId = newest.id
        found.lastInstanceStatus = newest.status.value
        whole = await call.parts.store.get_instance(call.place, newest.id) or newest
        found.logPath = next((log_path_of(whole, run.name) for run in whole.nodes if run.attempt), UNSET)
    return found


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/{job_name}/status",
        handler=show_status,
        operation="showJobStatus",
        summary="The state of a real-time job.",
        tag="jobs",
        action=Action.JOB_READ,
        response=RealTimeStatus,
        errors=(Code.JOB_NOT_FOUND,),
    ),
)
