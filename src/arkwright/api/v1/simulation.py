"""A simulation of the schedules of a workspace (ours): what would be planned, wait, start and end in a span of time.

Rules: nothing is stored or started. The scheduler's own code decides (`scheduler/simulation.py`, which has the
assumptions); it runs on a thread, one simulation at a time, so that it delays nobody for long. With `documents` the
answer has a `diff`: what these definitions would change. With `history` (planned instances of another installation)
it has a `shadow`: how plan times and parameters compare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.api.v1.fields import list_, object_, truth, wrong
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.job_body import read_job_body
from arkwright.core.instance import Instance, NodeRun
from arkwright.core.job import Job, Node, Plan
from arkwright.core.job_document import read_parameters
from arkwright.core.resolve import Resolver
from arkwright.el import ElError, Evaluated
from arkwright.errors import Code, InvalidInput
from arkwright.iam.model import Action
from arkwright.scheduler.simulation import simulate
from arkwright.scheduler.simulation_compare import Difference, Shadow, compare, compare_history
from arkwright.scheduler.simulation_jobs import SimulationJobs, SimulationWish
from arkwright.scheduler.simulation_limits import over_limits
from arkwright.scheduler.simulation_records import Conflict, SimulatedInstance, SimulatedJob, Simulation
from arkwright.store.base import Kind

MOST = 10_000
_SHOWN = 1000
_TIME_MS = 253_402_300_799_999
_SPAN_MS = int(timedelta(days=366).total_seconds() * 1000)
_HISTORY = 100_000
_VALUES = 5000
"""Parameters that are evaluated for one comparison."""

_one_at_a_time = asyncio.Lock()


class SimulationRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`from` and `to`: epoch milliseconds or ISO times with an offset, at most a year apart. `durations`: seconds per
    job. `history`: objects with `jobName` and `planTime`, and `params` to compare."""

    from_: int | str = msgspec.field(name="from")
    to: int | str
    jobs: list[str] = []
    only: bool = False
    documents: list[dict[str, Any]] = []
    durations: dict[str, float] = {}
    defaultDuration: float = 60
    failing: list[str] = []
    history: list[dict[str, Any]] = []
    limit: int = _SHOWN


class JobSummary(msgspec.Struct, kw_only=True):
    job: str
    workspaceId: str
    instances: int
    waited: int
    """How many did not start at their plan time."""
    dryRuns: int


class SimulationAnswer(msgspec.Struct, kw_only=True):
    """`total` counts all instances, also those beyond the limit."""

    total: int
    jobs: list[JobSummary]
    instances: list[SimulatedInstance]
    conflicts: list[Conflict]
    diff: list[Difference] | UnsetType = UNSET
    diffTotal: int | UnsetType = UNSET
    shadow: Shadow | UnsetType = UNSET


async def run_simulation(call: Call) -> Response:
    body = await call.document()
    from_ms, to_ms = _time(body.get("from"), "from"), _time(body.get("to"), "to")
    if not from_ms < to_ms <= from_ms + _SPAN_MS:
        raise InvalidInput("to must be later than from, by at most 366 days.", field="to")
    limit = number_of(body.get("limit"), "limit", 0, MOST)
    limit = _SHOWN if limit is None else limit
    documents = [_document(each, index) for index, each in enumerate(list_(body.get("documents"), "documents", "jobs"))]
    history = _history(body.get("history"))
    wish = SimulationWish(
        place=call.place,
        names=_names(body.get("jobs"), "jobs"),
        only=bool(truth(body.get("only"), "only")),
        durations_ms=_durations(body.get("durations")),
        default_duration_ms=_milliseconds(body.get("defaultDuration", 60), "defaultDuration"),
        failing=frozenset(_names(body.get("failing"), "failing")),
    )
    collector = SimulationJobs(
        call.parts.store, call.parts.directory.workspace_by_id, call.parts.directory.workspace_named
    )
    jobs = await collector.collect(replace(wish, documents=documents))
    before = None
    if documents:
        before = await collector.collect(replace(wish, also=[str(each["name"]) for each in documents]))
    async with _one_at_a_time:
        # On a thread: a month of many jobs takes seconds.
        found = await asyncio.to_thread(simulate, jobs, from_ms, to_ms)
        earlier = None if before is None else await asyncio.to_thread(simulate, before, from_ms, to_ms)
    diff = None if earlier is None else compare(earlier, found)
    shadow: Shadow | UnsetType = UNSET
    if history:
        values = await _different_values(call, history, jobs, from_ms, to_ms)
        times = [(name, at) for name, at, _ in history]
        shadow = compare_history(found, times, frozenset(each.name for each in jobs), from_ms, to_ms, values)
    return answer(
        SimulationAnswer(
            total=len(found.instances),
            jobs=_summaries(found),
            instances=list(found.instances[:limit]),
            conflicts=[*collector.unreadable.values(), *found.conflicts, *over_limits(jobs, found.instances)],
            diff=UNSET if diff is None else diff[:MOST],
            diffTotal=UNSET if diff is None else len(diff),
            shadow=shadow,
        )
    )


def _summaries(found: Simulation) -> list[JobSummary]:
    summaries: dict[tuple[str, str], JobSummary] = {}
    for each in found.instances:
        key = (each.workspaceId, each.job)
        if key not in summaries:
            summaries[key] = JobSummary(job=each.job, workspaceId=each.workspaceId, instances=0, waited=0, dryRuns=0)
        summaries[key].instances += 1
        summaries[key].waited += bool(each.waitedFor)
        summaries[key].dryRuns += each.dryRun
    return sorted(summaries.values(), key=lambda each: (each.workspaceId, each.job))


# ---------------------------------------------------------------- parameters


async def _different_values(
    call: Call,
    history: Sequence[tuple[str, int, Mapping[str, str]]],
    jobs: Sequence[SimulatedJob],
    from_ms: int,
    to_ms: int,
) -> list[dict[str, Any]]:
    """Parameters of the history whose values would differ here. What can't be known before a run is passed over."""
    zones = {each.name: each.cron.zone for each in jobs}
    environment = await call.parts.engine.environment(call.place)
    found: list[dict[str, Any]] = []
    own: dict[str, Any] = {}
    asked = ((name, at, params) for name, at, params in history if params and name in zones and from_ms <= at < to_ms)
    for name, at_ms, params in islice(asked, _VALUES):
        if name not in own:
            job = await call.parts.store.get_definition(call.place, Kind.JOB, name, submitted=True)
            own[name] = () if job is None else read_parameters(job.body)
        instance = Instance(
            id=0,
            project_id=call.workspace.project_id,
            workspace_id=call.workspace.id,
            job_id=0,
            job_name=name,
            job_version=0,
            plan_time_ms=at_ms,
            submit_time_ms=at_ms,
            start_time_ms=at_ms,
            time_zone=call.workspace.time_zone,
            environment=environment,
            rules=msgspec.structs.replace(call.workspace.rules, variable_prefix=""),
        )
        plan = Plan(job=Job(name=name, nodes=(_PROBE,), parameters=own[name]))
        for parameter, there in params.items():
            here = await asyncio.to_thread(_value, plan, instance, parameter)
            if here is not None and here != there:
                found.append({"job": name, "planTime": at_ms, "parameter": parameter, "here": here, "there": there})
    return found


_PROBE = Node(index=0, name="", type="dummy")


def _value(plan: Plan, instance: Instance, parameter: str) -> str | None:
    """None: it can't be known now, is masked, or the job has no such parameter."""
    if all(each.name != parameter or each.masked for each in plan.job.parameters):
        return None
    try:
        probe = NodeRun(index=0, name=_PROBE.name)
        found = Resolver(plan, instance, [], probe).evaluate(f"${{{parameter}}}")
    except ElError:
        return None
    return found.text if isinstance(found, Evaluated) else None


# ---------------------------------------------------------------- reading


def _time(value: Any, field: str) -> int:
    if isinstance(value, str) and not value.isdigit():
        try:
            found = datetime.fromisoformat(value)
            if found.tzinfo is not None:
                return int(found.timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
        raise wrong(field, "must be epoch milliseconds or a time such as 2026-11-22T00:00:00+01:00", value)
    at_ms = number_of(value, field, 0, _TIME_MS)
    if at_ms is None:
        raise InvalidInput(f"{field} is missing.", field=field, hint="Epoch milliseconds, or a time with an offset.")
    return at_ms


def _document(value: Any, index: int) -> Mapping[str, Any]:
    """As it would be stored."""
    if not isinstance(value, dict):
        raise wrong(f"documents[{index}]", "must be a job", value)
    read = read_job_body(value)
    return read.document


def _names(value: Any, field: str) -> list[str]:
    return [text_of(each, f"{field}[{i}]", 128, least=1) for i, each in enumerate(list_(value, field, "names of jobs"))]


def _durations(value: Any) -> dict[str, int]:
    given = object_(value, "durations")
    return {str(name): _milliseconds(each, f"durations.{name}") for name, each in given.items()}


def _milliseconds(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10_000_000:
        raise wrong(field, "must be a number of seconds", value)
    return int(value * 1000)


def _history(value: Any) -> list[tuple[str, int, Mapping[str, str]]]:
    """Entries as the documents' instance lists have them, in both spellings."""
    found: list[tuple[str, int, Mapping[str, str]]] = []
    entries = list_(value, "history", "instances")
    if len(entries) > _HISTORY:
        raise InvalidInput(f"history must have at most {_HISTORY} entries, not {len(entries)}.", field="history")
    for index, each in enumerate(entries):
        where = f"history[{index}]"
        given = object_(each, where)
        name = text_of(given.get("jobName", given.get("job_name")), f"{where}.jobName", 128, least=1)
        at_ms = number_of(given.get("planTime", given.get("plan_time")), f"{where}.planTime", 0, _TIME_MS)
        if at_ms is None:
            raise InvalidInput(f"{where}.planTime is missing.", field=f"{where}.planTime")
        kind = given.get("instanceType", given.get("instance_type", 0))
        if str(kind) == "0":  # only what was planned
            found.append((name, at_ms, _parameters(given.get("params", given.get("jobParams")))))
    return found


def _parameters(value: Any) -> Mapping[str, str]:
    if isinstance(value, dict):
        return {str(name): str(each) for name, each in value.items()}
    if isinstance(value, list):
        return {
            str(each["name"]): str(each.get("value", "")) for each in value if isinstance(each, dict) and "name" in each
        }
    return {}


ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/schedule/simulation",
        handler=run_simulation,
        operation="simulateSchedules",
        summary="What the schedules of the workspace would do in a span of time.",
        tag="jobs",
        action=Action.JOB_READ,
        request=SimulationRequest,
        response=SimulationAnswer,
        errors=(Code.JOB_SCHEDULE_INVALID, Code.JOB_NOT_FOUND),
        example={"from": "2026-11-01T00:00:00+01:00", "to": "2026-12-01T00:00:00+01:00", "durations": {"myJob": 600}},
        ours=True,
    ),
)
