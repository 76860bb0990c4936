"""What is to be known about when a job starts: its schedule's kind, the shape of its cron, the jobs it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arkwright.assess.model import Finding, Level, Topic
from arkwright.assess.reading import Collection
from arkwright.core.quartz import parse_quartz
from arkwright.errors import InvalidInput

BY_HAND, CRON, EVENT, REAL_TIME, UNKNOWN = "by hand", "cron", "event", "real-time", "unknown"
FIRING = frozenset({"KAFKA", "OBS"})
"""Event types that start runs here."""

_KINDS = {
    "EXECUTE_ONCE": BY_HAND,
    "RUN_ONCE": BY_HAND,
    "CRON": CRON,
    "SCHEDULE": CRON,
    "EVENT": EVENT,
    "EVENT_TRIGGER": EVENT,
}


def kind_of(job: Mapping[str, Any]) -> str:
    if (job.get("processType") or job.get("jobType")) == "REAL_TIME":
        return REAL_TIME
    schedule = _object(job.get("schedule"))
    return _KINDS.get(str(schedule.get("type") or schedule.get("scheType")), UNKNOWN)


def schedule_findings(job: Mapping[str, Any], collection: Collection) -> Iterator[Finding]:
    kind = kind_of(job)
    schedule = _object(job.get("schedule"))
    cron = _object(schedule.get("cron"))
    if kind == CRON and not cron:
        yield _finding(Level.NOTE, kind, "The schedule is of type CRON without a plan: nothing starts it by itself.")
    events = [_object(schedule.get("event"))] if kind == EVENT else []
    triggers = [
        each for each in ("eventTrigger", "cronTrigger") if any(n.get(each) for n in _objects(job.get("nodes")))
    ]
    if kind != REAL_TIME:
        for trigger in triggers:
            yield _finding(
                Level.NOTE, trigger, f"{trigger} belongs to real-time jobs: in a batch job it has no effect."
            )
    else:
        events = [_object(node.get("eventTrigger")) for node in _objects(job.get("nodes"))]
    for event_type in sorted({str(each["eventType"]) for each in events if each.get("eventType")} - FIRING):
        yield _finding(
            Level.NEEDS,
            event_type,
            f"Events of type {event_type} are not received here: the schedule can't be started. Send the messages to a "
            "Kafka topic, or have their source call a webhook or run-immediate.",
        )
    if cron.get("expression"):
        fault = cron_fault(str(cron["expression"]))
        if fault:
            yield _finding(Level.BLOCKS, str(cron["expression"]), f"The cron expression can't be used: {fault}")
    if str(cron.get("dependPrePeriod")).lower() == "true":
        yield _finding(Level.NOTE, kind, "Each run waits for the job's own run before (dependPrePeriod).")
    yield from _dependencies(cron.get("dependJobs"), collection)


def depended_on(job: Mapping[str, Any]) -> list[str]:
    """Names of the jobs of its own workspace that a job waits for."""
    cron = _object(_object(job.get("schedule")).get("cron"))
    names: dict[str, None] = {}
    for each in _objects(cron.get("dependJobs")):
        listed = each.get("jobs")
        names.update((name, None) for name in (listed if isinstance(listed, list) else ()) if isinstance(name, str))
        names.update(
            (str(other["jobName"]), None) for other in _objects(each.get("sameWorkSpaceJobs")) if "jobName" in other
        )
        if isinstance(each.get("jobName"), str):  # the newer API lists them one by one
            names[each["jobName"]] = None
    return list(names)


def cron_fault(expression: str) -> str:
    """What is wrong with a Quartz expression; empty: nothing."""
    try:
        parse_quartz(expression, "expression")
    except InvalidInput as error:
        return error.message
    return ""


def _dependencies(given: Any, collection: Collection) -> Iterator[Finding]:
    for name in depended_on({"schedule": {"cron": {"dependJobs": given}}}):
        if name not in collection.jobs:
            reason = f"It waits for the job {name}, which is in none of the files."
            yield Finding(level=Level.NEEDS, topic=Topic.JOB, subject=name, reason=reason)
    for each in _objects(given):
        for other in _objects(each.get("otherWorkSpaceJobs")):
            name = str(other.get("jobName") or "")
            reason = f"It waits for the job {name} of the workspace {other.get('workSpace') or '?'}."
            yield Finding(level=Level.NEEDS, topic=Topic.JOB, subject=name, reason=reason)


def _finding(level: Level, subject: str, reason: str) -> Finding:
    return Finding(level=level, topic=Topic.SCHEDULE, subject=subject, reason=reason)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
