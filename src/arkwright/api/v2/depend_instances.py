"""Which planned instances an instance depends on, and which depend on it.

Rules: this is known for planned instances alone. Each kept, when it was planned, which windows of which jobs it waits
for (`core/gate.py`); so what is answered is what was, or is, really waited for. Instances that were started by hand
wait for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer, short, whole_number
from arkwright.api.records import all_of
from arkwright.api.route import Route, flag, number
from arkwright.api.v1.fields import choice
from arkwright.api.v1.jobs import upstream_names
from arkwright.api.v2 import documents
from arkwright.api.v2.paths import RELATION, route
from arkwright.core.gate import Upstream
from arkwright.core.instance import Instance, InstanceType
from arkwright.errors import Code, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind

_MOST = 3000
"""Instances of one job that are looked at for one window: two days of minutes."""

_AROUND_MS = (86_400_000, 62 * 86_400_000)
"""How far apart the plan times of two instances may be of which one waits for the other: a day for jobs of minutes and
hours; two months for the others, of which there are few."""


async def list_depend_instances(call: Call) -> Response:
    relation = choice(call.query.get("relation"), "relation", ("parent", "child", "both")) or "both"
    depth = call.number("depth", 1, least=1, most=50) or 1
    latest = call.flag("latest") if call.query.get("latest") else True
    instance_id = whole_number(call.path["instance_id"])
    instance = await call.parts.store.get_instance(call.place, instance_id) if instance_id is not None else None
    if instance is None:
        raise NotFound(
            f"There is no instance {short(call.path['instance_id'])}.",
            field="instance_id",
            code=Code.INSTANCE_NOT_FOUND,
        )
    if instance.instance_type is not InstanceType.NORMAL:
        return answer({"total": 0, "depend_instances_info": []})
    jobs = {job.name: job for job in await all_of(call, Kind.JOB)}
    related: dict[int, Instance] = {}
    if relation != "child":
        related |= await _reached(call, instance, depth, jobs, up=True)
    if relation != "parent":
        related |= await _reached(call, instance, depth, jobs, up=False)
    shown = sorted(related.values(), key=lambda each: (each.job_name, -each.plan_time_ms, -each.id))
    if latest:
        newest: dict[int, Instance] = {}
        for each in shown:
            newest.setdefault(each.job_id, each)
        shown = list(newest.values())
    found = []
    for each in shown:
        parents = [parent.id for parent in await _parents(call, each)]
        found.append(_dependence(call, each, jobs.get(each.job_name), parents))
    return answer({"total": len(found), "depend_instances_info": found})


async def _reached(
    call: Call, start: Instance, depth: int, jobs: dict[str, Definition], *, up: bool
) -> dict[int, Instance]:
    """What lies at most `depth` steps from `start`, without it."""
    reached: dict[int, Instance] = {}
    frontier = [start]
    for _ in range(depth):
        following: dict[int, Instance] = {}
        for each in frontier:
            for other in await (_parents(call, each) if up else _children(call, each, jobs)):
                if other.id != start.id and other.id not in reached:
                    following[other.id] = other
        if not following:
            break
        reached |= following
        frontier = list(following.values())
    return reached


async def _parents(call: Call, instance: Instance) -> Sequence[Instance]:
    found: dict[int, Instance] = {}
    for each in _upstreams(instance):
        planned = await call.parts.store.planned_instances(
            each.job_id, from_ms=each.from_ms, to_ms=each.to_ms, limit=_MOST
        )
        found |= {one.id: one for one in planned}
    return list(found.values())


async def _children(call: Call, instance: Instance, jobs: dict[str, Definition]) -> Sequence[Instance]:
    at_ms = instance.plan_time_ms
    found: dict[int, Instance] = {}
    for job in jobs.values():
        if instance.job_name not in upstream_names(job):
            continue
        for around_ms in _AROUND_MS:
            planned = await call.parts.store.planned_instances(
                job.id, from_ms=at_ms - around_ms, to_ms=at_ms + around_ms, limit=_MOST
            )
            for one in planned:
                if any(up.job_id == instance.job_id and up.from_ms <= at_ms < up.to_ms for up in _upstreams(one)):
                    found[one.id] = one
    return list(found.values())


def _upstreams(instance: Instance) -> list[Upstream]:
    gate = instance.gate
    return [each for each in gate.conditions if isinstance(each, Upstream)] if gate is not None else []


def _dependence(call: Call, instance: Instance, job: Definition | None, parents: list[int]) -> dict[str, Any]:
    start, end = instance.start_time_ms, instance.end_time_ms
    found = {
        "id": instance.id,
        "job_id": instance.job_id,
        "job_name": instance.job_name,
        "directory_path": job.directory if job is not None else None,
        "force_success": instance.force_success,
        "ignore_success": instance.ignore_success,
        "parent_instance_ids": parents,
        "plan_time": instance.plan_time_ms,
        "start_time": start,
        "end_time": end,
        "running_time": None if start is None else (end or call.parts.now_ms()) - start,
        "status": instance.status.value,
        "submit_time": instance.submit_time_ms,
        "version": instance.job_version,
        "workspace_id": instance.workspace_id,
        "workspace_name": call.workspace.name,
    }
    return {key: value for key, value in found.items() if value is not None}


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/instances/{instance_id}/depend-instances",
        list_depend_instances,
        "showFactoryDependInstances",
        "Planned instances that this one depends on, and that depend on it.",
        Action.JOB_READ,
        RELATION,
        number("depth", "Steps to follow.", minimum=1, maximum=50, default=1),
        flag("latest", "Only the newest instance of each job; true unless said otherwise."),
        errors=(Code.INSTANCE_NOT_FOUND,),
        response=documents.RelatedInstances,
    ),
)
