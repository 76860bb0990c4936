"""Which planned instances an instance depends on, and which depend on it.

Rules: this is known for planned instances alone: each waits for the instances of the jobs that its job's schedule
names, with the same planned time. Instances that were started by hand wait for nobody.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer, short, whole_number
from arkwright.api.records import all_of
from arkwright.api.route import Route, flag, number
from arkwright.api.v1.fields import choice
from arkwright.api.v1.jobs import upstream_names
from arkwright.api.v2.instances import planned_at
from arkwright.api.v2.paths import RELATION, route
from arkwright.core.instance import Instance, InstanceType
from arkwright.errors import Code, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind


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
    above = {name: [each for each in jobs if each in upstream_names(job)] for name, job in jobs.items()}
    below = {name: [each for each, names in above.items() if name in names] for name in jobs}
    wanted = set()
    for way in ([above] if relation != "child" else []) + ([below] if relation != "parent" else []):
        wanted |= _reached(instance.job_name, way, depth)
    by_job: dict[str, list[Instance]] = {}
    for name in wanted.union(*(above[each] for each in wanted)):
        planned = await planned_at(call, call.place, (jobs[name].id,), instance.plan_time_ms) if name in jobs else []
        by_job[name] = [each for each in planned if each.instance_type is InstanceType.NORMAL]
        if latest:
            by_job[name] = by_job[name][:1]
    found = [
        _dependence(call, each, jobs[name], [up.id for above_it in above[name] for up in by_job.get(above_it, ())])
        for name in sorted(wanted)
        for each in by_job[name]
    ]
    return answer({"total": len(found), "depend_instances_info": found})


def _reached(start: str, ways: dict[str, list[str]], depth: int) -> set[str]:
    """What lies at most `depth` steps from `start`, without it."""
    reached: set[str] = set()
    frontier = {start}
    for _ in range(depth):
        frontier = {each for name in frontier for each in ways.get(name, ())} - reached - {start}
        reached |= frontier
    return reached


def _dependence(call: Call, instance: Instance, job: Definition, parents: list[int]) -> dict[str, Any]:
    start, end = instance.start_time_ms, instance.end_time_ms
    found = {
        "id": instance.id,
        "job_id": instance.job_id,
        "job_name": instance.job_name,
        "directory_path": job.directory,
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
    ),
)
