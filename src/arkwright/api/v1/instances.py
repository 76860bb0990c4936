"""Instances: list, detail, stop, restart."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import quote

from msgspec import UNSET
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short, whole_number
from arkwright.api.log_objects import own_base_of
from arkwright.api.route import OFFSET, Parameter, Route, flag, limit, number, text
from arkwright.api.v1 import documents
from arkwright.api.v1.fields import choice, truth, wrong
from arkwright.core.events import RestartFrom
from arkwright.core.instance import ENDED_NODE, Instance, InstanceStatus, InstanceType, NodeRun
from arkwright.el.java_zones import find_zone
from arkwright.engine.log_names import log_path_of
from arkwright.errors import Code, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import InstanceFilter, Kind

WINDOW_MS = 7 * 24 * 60 * 60 * 1000
_CLOCK_CHANGE_MS = 60 * 60 * 1000
"""Seven days of a calendar can be an hour longer than seven times 24 hours."""

_POSITIONS = {
    "first_node": RestartFrom.FIRST_NODE,
    "error_node": RestartFrom.ERROR_NODE,
    "specified_node": RestartFrom.SPECIFIED_NODE,
    "firstNode": RestartFrom.FIRST_NODE,
    "errorNode": RestartFrom.ERROR_NODE,
    "specifiedNode": RestartFrom.SPECIFIED_NODE,
}
_LISTED_TYPES = tuple(kind.value for kind in InstanceType if kind is not InstanceType.SCRIPT)
_STATUSES = {status.value: status for status in InstanceStatus}
_VERSIONS = {"original_version": False, "latest_version": True, "current_version": True}


async def list_instances(call: Call) -> Response:
    offset, size = call.slice(most=1000)
    from_ms, to_ms = _window(call)
    statuses, forced, ignored = read_statuses(call.query.get("status", ""))
    where = InstanceFilter(
        place=call.place,
        job_ids=await _job_ids(call),
        from_ms=from_ms,
        to_ms=to_ms,
        statuses=statuses,
        instance_types=await listed_types(call, call.query.get("instanceType", "")),
        force_success=forced,
        ignore_success=ignored,
    )
    if where.job_ids is not None and not where.job_ids:
        return answer(documents.InstanceList(total=0, instances=[]))
    page = await call.parts.store.list_instances(where, offset=offset, limit=size)
    return answer(documents.InstanceList(total=page.total, instances=[item(each) for each in page.items]))


async def show_instance(call: Call) -> Response:
    instance = await found(call)
    return answer(detail(instance, await node_types(call, instance), await own_base_of(call, instance)))


async def stop_instance(call: Call) -> Response:
    instance = await found(call)
    await call.parts.engine.stop(
        call.place, instance.id, by=call.actor.user_name, operation_id=operation_id_of(call, instance)
    )
    return empty()


async def restart_instance(call: Call) -> Response:
    body = await call.document(required=False)
    location = choice(body.get("retry_location"), "retry_location", _POSITIONS) or "first_node"
    version = choice(body.get("job_param_version"), "job_param_version", _VERSIONS) or "original_version"
    truth(body.get("ignore_obs_monitor"), "ignore_obs_monitor")
    position = _POSITIONS[location]
    node_name = body.get("node_name")
    if position is not RestartFrom.SPECIFIED_NODE:
        node_name = None
    elif not isinstance(node_name, str) or not node_name:
        raise wrong("node_name", "must be the name of a node when retry_location is specified_node", node_name)
    instance = await found(call)
    if node_name is not None and all(run.name != node_name for run in instance.nodes):
        raise InvalidInput(
            f"node_name {short(node_name)} is no node of this instance.",
            field="node_name",
            hint=f"Its nodes are: {', '.join(run.name for run in instance.nodes[:10])}.",
        )
    await call.parts.engine.restart(
        call.place,
        instance.id,
        by=call.actor.user_name,
        operation_id=operation_id_of(call, instance),
        position=position,
        node_name=node_name,
        latest=_VERSIONS[version],
    )
    return empty()


# ---------------------------------------------------------------- look-ups


async def found(call: Call) -> Instance:
    """The instance that the path names, if it is one of the job that the path names."""
    name = call.path["job_name"]
    given = call.path["instance_id"]
    instance_id = whole_number(given)
    instance = None
    if instance_id is not None and instance_id < 2**53:
        instance = await call.parts.store.get_instance(call.place, instance_id)
    if instance is not None and name not in (instance.job_name, instance.name):
        # The job may have been renamed since.
        job = await call.parts.store.get_definition(call.place, Kind.JOB, name)
        if job is None or job.id != instance.job_id:
            instance = None
    if instance is None:
        raise NotFound(
            f"The job {short(name)} has no instance {given[:32]}.", field="instance_id", code=Code.INSTANCE_NOT_FOUND
        )
    return instance


async def node_types(call: Call, instance: Instance) -> dict[str, str]:
    """Per node name its type in the spelling it was saved with."""
    definition = await call.parts.store.get_definition_version(instance.job_id, instance.job_version)
    if definition is None:
        return {}
    return {node["name"]: node["type"] for node in definition.body.get("nodes", ())}


async def _job_ids(call: Call) -> tuple[int, ...] | None:
    name = call.query.get("jobName", "")
    if not name:
        return None
    precise = call.flag("preciseQuery")
    ids = [
        *await call.parts.store.definition_ids(call.place, Kind.JOB, name=name, precise=precise),
        *await call.parts.store.definition_ids(call.place, Kind.REAL_TIME_NODE, name=name, precise=precise),
    ]
    if precise and not ids:
        raise NotFound(
            f"There is no job {short(name)} in workspace {call.workspace.name}.",
            field="jobName",
            code=Code.JOB_NOT_FOUND,
        )
    return tuple(ids)


def _window(call: Call) -> tuple[int, int]:
    """Times to list, both ends included: today until now where nothing is said, never more than seven days."""
    given_from = call.number("minPlanTime")
    given_to = call.number("maxPlanTime")
    now = call.parts.now_ms()
    to_ms = given_to if given_to is not None else max(now, given_from or 0)
    from_ms = given_from if given_from is not None else midnight(min(to_ms, now), call.workspace.time_zone)
    if from_ms > to_ms:
        raise InvalidInput(f"minPlanTime {from_ms} is after maxPlanTime {to_ms}.", field="minPlanTime")
    if to_ms - from_ms > WINDOW_MS + _CLOCK_CHANGE_MS:
        raise InvalidInput(
            "minPlanTime and maxPlanTime must not be more than 7 days apart.",
            field="minPlanTime",
            hint="Without maxPlanTime the end is now: send both for older instances, a week at a time.",
        )
    return from_ms, to_ms


def midnight(at_ms: int, time_zone: str) -> int:
    try:
        day = datetime.fromtimestamp(min(at_ms, 2**45) / 1000, find_zone(time_zone).info)
        return int(day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
    except (OverflowError, ValueError):
        return 0


def read_statuses(given: str) -> tuple[tuple[InstanceStatus, ...], bool | None, bool | None]:
    """Statuses to list, and whether forced or ignored success is asked for, which clients name like statuses."""
    found: list[InstanceStatus] = []
    forced = ignored = None
    for each in (part.strip() for part in given.split(",")):
        if not each:
            continue
        if each == "forceSuccess":
            forced = True
        elif each == "ignoreSuccess":
            ignored = True
        elif each in _STATUSES:
            found.append(_STATUSES[each])
        else:
            choices = (*_STATUSES, "forceSuccess", "ignoreSuccess")
            raise wrong("status", f"must be one of {', '.join(choices)}", each)
    return tuple(found), forced, ignored


async def listed_types(call: Call, given: str) -> tuple[int, ...]:
    """Types to list. Executed scripts are in no list, which costs something only where there are any."""
    found = read_types(given)
    if found:
        return found
    scripts = await call.parts.store.list_definitions(call.place, Kind.SCRIPT_RUN, limit=0)
    return _LISTED_TYPES if scripts.total else ()


def read_types(given: str) -> tuple[int, ...]:
    found: list[int] = []
    for each in (part.strip() for part in given.split(",")):
        if not each:
            continue
        value = whole_number(each)
        if value is None or value not in _LISTED_TYPES:
            raise wrong("instanceType", f"must be one of {', '.join(map(str, _LISTED_TYPES))}", each)
        found.append(value)
    return tuple(found)


def operation_id_of(call: Call, instance: Instance, node_name: str = "") -> str:
    """What makes a repeated call the same operation: the client's key, else nothing (each call is its own)."""
    key = call.header(b"idempotency-key")
    if not key:
        return call.request_id
    node = (node_name,) if node_name else ()
    scope = "|".join((call.actor.user_id, str(instance.id), call.route.operation, *node, key))
    return hashlib.sha256(scope.encode()).hexdigest()[:32]


# ---------------------------------------------------------------- out


def item(instance: Instance) -> documents.InstanceItem:
    return documents.InstanceItem(**_facts(instance))


def detail(instance: Instance, types: dict[str, str], own_base: str = "") -> documents.InstanceDetail:
    """`own_base`: the `logPath` of its job."""
    return documents.InstanceDetail(
        **_facts(instance),
        total=len(instance.nodes),
        nodes=[_node(instance, run, types.get(run.name, ""), own_base) for run in instance.nodes],
    )


def _facts(instance: Instance) -> dict[str, Any]:
    start, end = instance.start_time_ms, instance.end_time_ms
    return {
        "jobName": instance.job_name,
        "jobId": instance.job_id,
        "jobInstanceName": instance.name or instance.job_name,
        "status": instance.status.value,
        "planTime": instance.plan_time_ms,
        "startTime": UNSET if start is None else start,
        "endTime": UNSET if end is None else end,
        "executeTime": UNSET if start is None or end is None else end - start,
        "instanceId": instance.id,
        "instancesId": str(instance.id),
        "submitTime": instance.submit_time_ms,
        "instanceType": instance.instance_type.value,
        "forceSuccess": instance.force_success,
        "ignoreSuccess": instance.ignore_success,
        "version": instance.job_version,
        "overdue": True if instance.overdue else UNSET,
        "eventSource": instance.event_source or UNSET,
        "errorMessage": instance.message or UNSET,
        "parentInstanceId": UNSET if instance.parent is None else instance.parent.instance_id,
        "row": UNSET if instance.parent is None else instance.parent.row,
    }


def _children(instance: Instance, run: NodeRun) -> dict[str, Any]:
    children = run.children
    if children is None:
        return {}
    path = f"/v1/{instance.project_id}/jobs/{quote(instance.job_name)}/instances/{instance.id}/children"
    return {
        "childJobName": children.job_name,
        "childTotal": children.total,
        "childSucceeded": children.succeeded_count,
        "childFailed": children.failed_count,
        "childRunning": children.running,
        "childrenPath": f"{path}?nodeName={quote(run.name, safe='')}",
    }


def _node(instance: Instance, run: NodeRun, type_name: str, own_base: str) -> documents.NodeItem:
    # A job's own path holds the log once it is whole; until then it can be read where all logs are.
    base = own_base if run.status in ENDED_NODE else ""
    return documents.NodeItem(
        nodeName=run.name,
        status=run.status.value,
        planTime=instance.plan_time_ms,
        startTime=UNSET if run.start_time_ms is None else run.start_time_ms,
        endTime=UNSET if run.end_time_ms is None else run.end_time_ms,
        type=type_name,
        retryTimes=run.retries,
        instanceId=instance.id,
        inputRowCount=UNSET if run.input_row_count is None else run.input_row_count,
        outputRowCount=UNSET if run.output_row_count is None else run.output_row_count,
        logPath=log_path_of(instance, run.name, base) if run.attempt and run.children is None else UNSET,
        attempt=run.attempt,
        exitCode=UNSET if run.exit_code is None else run.exit_code,
        errorMessage=run.message or UNSET,
        **_children(instance, run),
    )


# ---------------------------------------------------------------- routes

_INSTANCE = "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}"
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    summary="A key of the client's own: a repeat of the call under it does nothing new.",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
)

ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/instances/detail",
        handler=list_instances,
        operation="listJobInstances",
        summary="Instances of a time window, newest first; without a window today's.",
        tag="instances",
        action=Action.JOB_READ,
        parameters=(
            text("jobName", "Name of the job, or a part of it."),
            flag("preciseQuery", "jobName is the whole name."),
            number("minPlanTime", "From, epoch milliseconds; none: today 00:00 in the workspace's time zone."),
            number("maxPlanTime", "To, epoch milliseconds; none: now."),
            text("status", "Status of the instances, or several, comma-separated."),
            text("instanceType", "0 normal, 2 manual, 5 PatchData, 6 subjob, 7 once; or several, comma-separated."),
            OFFSET,
            limit(1000),
        ),
        response=documents.InstanceList,
        errors=(Code.JOB_NOT_FOUND,),
    ),
    Route(
        method="GET",
        path=_INSTANCE,
        handler=show_instance,
        operation="showJobInstance",
        summary="An instance with its nodes.",
        tag="instances",
        action=Action.JOB_READ,
        response=documents.InstanceDetail,
        errors=(Code.INSTANCE_NOT_FOUND,),
    ),
    Route(
        method="POST",
        path=f"{_INSTANCE}/stop",
        handler=stop_instance,
        operation="stopJobInstance",
        summary="Stop an instance that has not ended.",
        tag="instances",
        action=Action.JOB_OPERATE,
        parameters=(IDEMPOTENCY_KEY,),
        success=204,
        errors=(Code.INSTANCE_NOT_FOUND, Code.ILLEGAL_STATE),
    ),
    Route(
        method="POST",
        path=f"{_INSTANCE}/restart",
        handler=restart_instance,
        operation="restoreJobInstance",
        summary="Run an ended instance again.",
        tag="instances",
        action=Action.JOB_RERUN,
        parameters=(IDEMPOTENCY_KEY,),
        request=documents.Restart,
        request_required=False,
        success=204,
        errors=(Code.INSTANCE_NOT_FOUND, Code.ILLEGAL_STATE),
        example={"retry_location": "error_node"},
    ),
)
