"""Instances in the newer API: of one job, their state, rerun, stop, and what they depend on.

Rules: a rerun names instances by job and planned time, or jobs and a time range; every instance is checked before the
first one is restarted. There is no queue for reruns: a range that holds more instances than `concurrent` allows at a
time is refused, since running all of them at once is not what was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Route, flag, number, text
from arkwright.api.v1 import instances as v1
from arkwright.api.v1.fields import choice, list_, object_, truth, wrong
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.schedule import found_job
from arkwright.api.v2 import documents
from arkwright.api.v2.names import newer
from arkwright.api.v2.paths import PAGE, route
from arkwright.core.events import RestartFrom
from arkwright.core.instance import Instance, InstanceType
from arkwright.core.patch_data import MOST_RUNS
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, InstanceFilter, Kind, Place

DAY_MS = 24 * 60 * 60 * 1000
MONTH_MS = 31 * DAY_MS + 60 * 60 * 1000
"""The longest month, and the hour that a change of the clock may add."""
SEARCH_MS = 7 * DAY_MS
"""How long after its planned time an instance is looked for by it: lists compare the start time once there is one."""
MAX_RERUN = 1000
_MAX_MS = 2**53 - 1

_PATCHED = re.compile(r"P_(.+)_[0-9]{13}")
"""What the instances of a patch are called."""

_POSITIONS = {
    "firstNode": RestartFrom.FIRST_NODE,
    "errorNode": RestartFrom.ERROR_NODE,
    "specifiedNode": RestartFrom.SPECIFIED_NODE,
    "first_node": RestartFrom.FIRST_NODE,
    "error_node": RestartFrom.ERROR_NODE,
    "specified_node": RestartFrom.SPECIFIED_NODE,
}
_VERSIONS = {"original_version": False, "current_version": True, "latest_version": True}


# ---------------------------------------------------------------- lists


async def list_instances(call: Call) -> Response:
    name = call.path["job_name"]
    patched = _PATCHED.fullmatch(name)
    if patched is not None and await call.parts.store.get_definition(call.place, Kind.JOB, name) is None:
        return await _list_patched(call, await found_job(call, patched[1]), name)
    job = await found_job(call, name)
    from_ms, to_ms = _window(call)
    statuses, forced, ignored = v1.read_statuses(call.query.get("status", ""))
    where = InstanceFilter(
        place=call.place,
        job_ids=(job.id,),
        from_ms=from_ms,
        to_ms=to_ms,
        statuses=statuses,
        instance_types=await v1.listed_types(call, call.query.get("instance_type", "")),
        force_success=_flag(call, "force_success", forced),
        ignore_success=_flag(call, "ignore_success", ignored),
    )
    offset, size = call.slice(most=1000)
    page = await call.parts.store.list_instances(where, offset=offset, limit=size)
    return answer({"total": page.total, "instances": [_item(each) for each in page.items]})


async def _list_patched(call: Call, job: Definition, name: str) -> Response:
    """The runs of one patch, which has the name that its instances have."""
    from_ms, to_ms = _window(call)
    where = InstanceFilter(
        place=call.place,
        job_ids=(job.id,),
        from_ms=from_ms,
        to_ms=to_ms,
        statuses=v1.read_statuses(call.query.get("status", ""))[0],
        instance_types=(InstanceType.PATCH_DATA.value,),
    )
    # No index knows these names; a patch has at most so many runs.
    page = await call.parts.store.list_instances(where, limit=MOST_RUNS)
    found = [each for each in page.items if each.name == name]
    offset, size = call.slice(most=1000)
    return answer({"total": len(found), "instances": [_item(each) for each in found[offset : offset + size]]})


async def show_instance(call: Call) -> Response:
    instance = await v1.found(call)
    return answer(
        {
            "instance_id": instance.id,
            "status": instance.status.value,
            "plan_time": instance.plan_time_ms,
            "start_time": instance.start_time_ms,
            "end_time": instance.end_time_ms,
        }
    )


def _item(instance: Instance) -> dict[str, Any]:
    return newer(msgspec.to_builtins(v1.item(instance)))


def _flag(call: Call, name: str, otherwise: bool | None) -> bool | None:
    return call.flag(name) if call.query.get(name) else otherwise


def _window(call: Call) -> tuple[int, int]:
    """Both ends included: today until now where nothing is said, never more than a month."""
    first, last = call.number("min_plan_time"), call.number("max_plan_time")
    now = call.parts.now_ms()
    to_ms = last if last is not None else max(now, first or 0)
    from_ms = first if first is not None else v1.midnight(min(to_ms, now), call.workspace.time_zone)
    if from_ms > to_ms:
        raise InvalidInput(f"min_plan_time {from_ms} is after max_plan_time {to_ms}.", field="min_plan_time")
    if to_ms - from_ms > MONTH_MS:
        raise InvalidInput(
            "min_plan_time and max_plan_time must not be more than one month apart.",
            field="min_plan_time",
            hint="Send both, a month at a time.",
        )
    return from_ms, to_ms


# ---------------------------------------------------------------- rerun


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rerun:
    position: RestartFrom
    node_name: str | None
    latest: bool


async def retry_instances(call: Call) -> Response:
    body = await call.document()
    location = choice(body.get("retry_location"), "retry_location", _POSITIONS)
    if not location:
        raise InvalidInput("retry_location is missing.", field="retry_location", hint="For instance firstNode.")
    version = choice(body.get("retry_task_version"), "retry_task_version", _VERSIONS)
    if not version:
        raise InvalidInput(
            "retry_task_version is missing.", field="retry_task_version", hint="original_version or current_version."
        )
    truth(body.get("ignore_obs_monitor"), "ignore_obs_monitor")
    node_name = None
    if _POSITIONS[location] is RestartFrom.SPECIFIED_NODE:
        node_name = text_of(body.get("node_name"), "node_name", 128, least=1)
    wish = _Rerun(position=_POSITIONS[location], node_name=node_name, latest=_VERSIONS[version])
    job = await found_job(call, call.path["job_name"])
    given = list_(body.get("task_retrys"), "task_retrys", "objects with job_id, plan_time and submit_time")
    chosen = await _named(call, job, given) if given else await _in_range(call, job, body)
    await _check(call, chosen, wish)
    for instance in chosen:
        await call.parts.engine.restart(
            Place(project_id=instance.project_id, workspace_id=instance.workspace_id),
            instance.id,
            by=call.actor.user_name,
            operation_id=v1.operation_id_of(call, instance),
            position=wish.position,
            node_name=wish.node_name,
            latest=wish.latest,
        )
    return empty(200)


async def _named(call: Call, job: Definition, given: Sequence[Any]) -> list[Instance]:
    if len(given) > MAX_RERUN:
        raise InvalidInput(f"task_retrys must have at most {MAX_RERUN} entries.", field="task_retrys")
    chosen: dict[int, Instance] = {}
    for index, each in enumerate(given):
        where = f"task_retrys[{index}]"
        each = object_(each, where)
        job_id = _needed(each, "job_id", where)
        plan_ms = _needed(each, "plan_time", where)
        submit_ms = _needed(each, "submit_time", where)
        if job_id != job.id:
            raise InvalidInput(
                f"{where}.job_id {job_id} is not the id of job {job.name}, {job.id}.", field=f"{where}.job_id"
            )
        found = [
            instance
            for instance in await planned_at(call, call.place, (job_id,), plan_ms)
            if instance.submit_time_ms == submit_ms
        ]
        if not found:
            raise NotFound(
                f"The job {job.name} has no instance planned for {plan_ms} and submitted at {submit_ms}.",
                field=where,
                code=Code.INSTANCE_NOT_FOUND,
            )
        chosen.update((instance.id, instance) for instance in found)
    return list(chosen.values())


def _needed(document: Any, name: str, where: str) -> int:
    value = number_of(document.get(name), f"{where}.{name}", 0, _MAX_MS)
    if value is None:
        raise InvalidInput(f"{where}.{name} is missing.", field=f"{where}.{name}")
    return value


async def _in_range(call: Call, job: Definition, body: dict[str, Any]) -> list[Instance]:
    if body.get("begin_time") is None or body.get("end_time") is None:
        raise InvalidInput(
            "Either task_retrys or begin_time and end_time must be given.",
            field="task_retrys",
            hint="task_retrys names instances; begin_time, end_time and jobs name a range.",
        )
    from_ms = _needed(body, "begin_time", "body")
    to_ms = _needed(body, "end_time", "body")
    concurrent = number_of(body.get("concurrent"), "concurrent", 1, 128)
    if from_ms > to_ms or to_ms - from_ms > MONTH_MS:
        raise InvalidInput("begin_time must be before end_time, by one month at most.", field="begin_time")
    ids: dict[Place, set[int]] = {}
    named = list_(body.get("jobs"), "jobs", "objects with job_name and workspace_id")
    for index, each in enumerate(named):
        place, job_id = await _job_of(call, object_(each, f"jobs[{index}]"), f"jobs[{index}]")
        ids.setdefault(place, set()).add(job_id)
    if not named:
        ids[call.place] = {job.id}
    chosen: list[Instance] = []
    for place, job_ids in ids.items():
        where = InstanceFilter(place=place, job_ids=tuple(sorted(job_ids)), from_ms=from_ms, to_ms=to_ms)
        page = await call.parts.store.list_instances(where, limit=MAX_RERUN + 1)
        chosen += [instance for instance in page.items if instance.ended]
    most = min(concurrent or MAX_RERUN, MAX_RERUN)
    if len(chosen) > most:
        raise InvalidInput(
            f"The range holds {len(chosen)} ended instances, more than the {most} that may run at a time.",
            field="concurrent" if concurrent else "begin_time",
            hint="Choose a shorter range, or allow more at a time.",
        )
    if not chosen:
        raise NotFound("The range holds no instance that has ended.", field="begin_time", code=Code.INSTANCE_NOT_FOUND)
    return chosen


async def _job_of(call: Call, given: Any, where: str) -> tuple[Place, int]:
    name = text_of(given.get("job_name"), f"{where}.job_name", 128, least=1)
    place = call.place
    workspace_id = text_of(given.get("workspace_id"), f"{where}.workspace_id", 128)
    if workspace_id and workspace_id != place.workspace_id:
        workspace = call.parts.directory.workspace(place.project_id, workspace_id)
        require(call.actor, Action.JOB_RERUN, workspace)
        place = Place(project_id=place.project_id, workspace_id=workspace.id)
    job = await call.parts.store.get_definition(place, Kind.JOB, name)
    if job is None:
        raise NotFound(f"Job[{name}] does not exist", field=f"{where}.job_name", code=Code.JOB_NOT_FOUND)
    return place, job.id


async def _check(call: Call, chosen: Sequence[Instance], wish: _Rerun) -> None:
    """Refuse the whole rerun before any of it is done."""
    for instance in chosen:
        if not instance.ended:
            raise IllegalState(
                f"Instance {instance.id} is {instance.status.value}; only ended instances can be run again.",
                field="task_retrys",
            )
        if wish.node_name is None:
            continue
        whole = await call.parts.store.load_instance(instance.id)
        if whole is None or all(run.name != wish.node_name for run in whole.nodes):
            raise wrong("node_name", f"must be a node of instance {instance.id}", wish.node_name)


async def planned_at(call: Call, place: Place, job_ids: Sequence[int], plan_ms: int) -> list[Instance]:
    """Instances of these jobs with that planned time."""
    where = InstanceFilter(place=place, job_ids=tuple(job_ids), from_ms=plan_ms, to_ms=plan_ms + SEARCH_MS)
    counted = await call.parts.store.list_instances(where, limit=0)
    # The oldest come last, and it is among them.
    offset = max(counted.total - MAX_RERUN, 0)
    page = await call.parts.store.list_instances(where, offset=offset, limit=MAX_RERUN)
    return [instance for instance in page.items if instance.plan_time_ms == plan_ms]


# ---------------------------------------------------------------- routes

_RETRY = {
    "retry_location": "errorNode",
    "retry_task_version": "original_version",
    "task_retrys": [{"job_id": 1001, "plan_time": 1760000000000, "submit_time": 1760000000000}],
}

ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/jobs/{job_name}/instances/detail",
        list_instances,
        "listFactoryJobInstancesByName",
        "The instances of a job in a time window, newest first; without a window today's.",
        Action.JOB_READ,
        number("min_plan_time", "From, epoch milliseconds; none: today 00:00 in the workspace's time zone."),
        number("max_plan_time", "To, epoch milliseconds; none: now."),
        text("status", "Statuses, comma-separated."),
        flag("force_success", "Forced successes, or none of them."),
        flag("ignore_success", "Successes with ignored failures, or none of them."),
        text("instance_type", "0 normal, 2 manual, 5 PatchData, 6 subjob, 7 once; comma-separated."),
        PAGE,
        number("limit", "Records on a page.", minimum=1, maximum=1000, default=10),
        errors=(Code.JOB_NOT_FOUND,),
        response=documents.InstanceList,
    ),
    route(
        "GET",
        "/jobs/{job_name}/instances/{instance_id}",
        show_instance,
        "showFactoryJobInstance",
        "The state of an instance.",
        Action.JOB_READ,
        errors=(Code.INSTANCE_NOT_FOUND,),
        ours=True,
        response=documents.InstanceState,
    ),
    route(
        "POST",
        "/jobs/{job_name}/instances/{instance_id}/stop",
        v1.stop_instance,
        "stopFactoryJobInstance",
        "Stop an instance that has not ended.",
        Action.JOB_OPERATE,
        success=204,
        errors=(Code.INSTANCE_NOT_FOUND, Code.ILLEGAL_STATE),
        ours=True,
    ),
    route(
        "POST",
        "/jobs/{job_name}/instances/retry",
        retry_instances,
        "retryFactoryJobInstance",
        "Run ended instances again.",
        Action.JOB_RERUN,
        errors=(Code.JOB_NOT_FOUND, Code.INSTANCE_NOT_FOUND, Code.ILLEGAL_STATE),
        example=_RETRY,
        request=documents.Rerun,
    ),
)
