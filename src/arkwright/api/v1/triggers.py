"""What starts a job by events, and how it fares (ours); and what operators do to the nodes of a real-time job.

`GET …/jobs/{job_name}/triggers` answers why an event job does or does not fire: when its source was last looked at, how
far behind it is, the last error, the last run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Route
from arkwright.api.v1.fields import choice, number
from arkwright.api.v1.real_time import check_real_time
from arkwright.api.v1.schedule import found_job
from arkwright.errors import Code
from arkwright.iam.model import Action
from arkwright.scheduler.events.webhook import hook_id
from arkwright.scheduler.real_time import MOST_AT_ONCE
from arkwright.store.base import Definition
from arkwright.store.trigger_record import Trigger, TriggerKind

_JOB = "/v1/{project_id}/jobs/{job_name}"


class JobTrigger(Struct, kw_only=True, omit_defaults=True):
    """Times are epoch milliseconds."""

    type: str
    """KAFKA, OBS, CRON, ONCE, WEBHOOK."""
    state: str
    """ACTIVE, SUSPENDED, DISABLED, STOPPING, STOPPED."""
    reason: str
    """Why it fires, or does not."""
    node: str | UnsetType = UNSET
    """Of a real-time job."""
    hookId: str | UnsetType = UNSET
    server: str | UnsetType = UNSET
    """Which one looks after it."""
    concurrent: int
    running: list[int] | UnsetType = UNSET
    """Instances under way."""
    listening: bool | UnsetType = UNSET
    lastPollTime: int | UnsetType = UNSET
    lag: int | UnsetType = UNSET
    """Kafka: messages that wait. OBS: files that are still being written."""
    positions: dict[str, int] | UnsetType = UNSET
    """Kafka: per partition the position that is read next."""
    nextTime: int | UnsetType = UNSET
    lastFireTime: int | UnsetType = UNSET
    lastInstanceId: int | UnsetType = UNSET
    lastEvent: str | UnsetType = UNSET
    lastError: str | UnsetType = UNSET
    lastErrorTime: int | UnsetType = UNSET
    lastWarning: str | UnsetType = UNSET
    lastWarningTime: int | UnsetType = UNSET
    suspendedBy: int | UnsetType = UNSET
    """The instance whose failure suspended it."""


class JobTriggers(Struct, kw_only=True):
    jobName: str
    status: str
    triggers: list[JobTrigger]


class NodeRestore(Struct, kw_only=True, omit_defaults=True):
    concurrent: int | UnsetType = UNSET
    """How many runs at once from now on, 1..10."""


class NodeEvent(Struct, kw_only=True, omit_defaults=True):
    concurrent: int | UnsetType = UNSET
    intervalSeconds: int | UnsetType = UNSET
    failPolicy: str | UnsetType = UNSET


async def list_triggers(call: Call) -> Response:
    job = await found_job(call, call.path["job_name"])
    found = await call.parts.events.triggers.of_job(job.id)
    shown = [_shown(each, call.parts.events.triggers.report(each)) for each in found]
    return answer(JobTriggers(jobName=job.name, status=job.status or "STOPPED", triggers=shown))


_FIELDS = {
    "listening": "listening",
    "lastPollTime": "polled_ms",
    "lag": "lag",
    "positions": "position",
    "nextTime": "next_ms",
    "lastFireTime": "fired_ms",
    "lastInstanceId": "instance",
    "lastEvent": "event",
    "lastError": "error",
    "lastErrorTime": "error_ms",
    "lastWarning": "warning",
    "lastWarningTime": "warning_ms",
    "running": "running",
}


def _shown(trigger: Trigger, report: Mapping[str, Any]) -> JobTrigger:
    known = {field: report[name] for field, name in _FIELDS.items() if report.get(name) is not None}
    kind, _, name = trigger.slot.partition(":")
    return JobTrigger(
        type=trigger.kind.value,
        state=trigger.state.value,
        reason=_reason(trigger, report),
        node=name if kind == "node" else UNSET,
        hookId=hook_id(trigger) if kind == "hook" else UNSET,
        server=trigger.owner or UNSET,
        concurrent=int(trigger.body.get("concurrent") or 1),
        suspendedBy=trigger.body.get("suspended_by", UNSET),
        **known,
    )


def _reason(trigger: Trigger, report: Mapping[str, Any]) -> str:
    body = trigger.body
    match trigger.state.value:
        case "SUSPENDED" if body.get("suspended_by"):
            return (
                f"Instance {body['suspended_by']} failed, and the failure policy is SUSPEND. Resume the job to go on."
            )
        case "SUSPENDED":
            return "An operator paused it. Resume the job to go on."
        case "DISABLED":
            return "An operator disabled it."
        case "STOPPING":
            return "It was stopped; runs are still ending."
        case "STOPPED":
            return "The job is stopped. Start it to go on."
    if trigger.kind is TriggerKind.WEBHOOK:
        return "It waits for deliveries."
    if report.get("error"):
        return f"Its source can't be heard: {report['error']}"
    if report.get("waiting"):
        return f"{report['waiting']} ({body.get('concurrent') or 1})"
    if trigger.owner is None:
        return "No server looks after it yet."
    return "It listens." if report.get("listening") else "Its source is being opened."


# ---------------------------------------------------------------- nodes of real-time jobs


async def _real_time(call: Call) -> tuple[Definition, str]:
    job = await found_job(call, call.path["job_name"])
    check_real_time(job)
    return job, call.path["node_name"]


async def disable_node(call: Call) -> Response:
    job, node = await _real_time(call)
    await call.parts.events.real_time.disable_node(job, node)
    return empty()


async def restore_node(call: Call) -> Response:
    document = await call.document(required=False)
    concurrent = number(document.get("concurrent"), "concurrent", 1, MOST_AT_ONCE)
    job, node = await _real_time(call)
    await call.parts.events.real_time.restore_node(job, node, concurrent=concurrent)
    return empty()


async def clear_node(call: Call) -> Response:
    job, node = await _real_time(call)
    await call.parts.events.real_time.clear_node(job, node)
    return empty()


async def configure_node(call: Call) -> Response:
    document = await call.document()
    changes = {
        "concurrent": number(document.get("concurrent"), "concurrent", 1, MOST_AT_ONCE),
        "intervalSeconds": number(document.get("intervalSeconds"), "intervalSeconds", 1, 3600),
        "failPolicy": choice(document.get("failPolicy"), "failPolicy", ("SUSPEND", "IGNORE")) or None,
    }
    job, node = await _real_time(call)
    given = {name: value for name, value in changes.items() if value is not None}
    await call.parts.events.real_time.configure_node(job, node, given)
    return empty()


def _node_route(method: str, name: str, handler: Any, operation: str, summary: str, **more: Any) -> Route:
    return Route(
        method=method,
        path=f"{_JOB}/nodes/{{node_name}}/{name}",
        handler=handler,
        operation=operation,
        summary=summary,
        tag="jobs",
        action=Action.JOB_OPERATE,
        success=204,
        errors=(Code.JOB_NOT_FOUND, Code.NODE_NOT_FOUND, Code.ILLEGAL_STATE),
        ours=True,
        **more,
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{_JOB}/triggers",
        handler=list_triggers,
        operation="listJobTriggers",
        summary="What starts a job by events, and how it fares.",
        tag="jobs",
        action=Action.JOB_READ,
        response=JobTriggers,
        errors=(Code.JOB_NOT_FOUND,),
        ours=True,
    ),
    _node_route(
        "POST", "disable", disable_node, "disableRealTimeNode", "Let a node of a real-time job start nothing more."
    ),
    _node_route(
        "POST",
        "restore",
        restore_node,
        "restoreRealTimeNode",
        "Let a disabled or failed node of a real-time job go on.",
        request=NodeRestore,
        request_required=False,
    ),
    _node_route(
        "POST",
        "clear-messages",
        clear_node,
        "clearRealTimeNode",
        "Pass over the messages that wait for a node of a real-time job.",
    ),
    _node_route(
        "PUT",
        "event",
        configure_node,
        "updateRealTimeNode",
        "Change a node's event settings while its real-time job runs.",
        request=NodeEvent,
        example={"concurrent": 5},
    ),
)
