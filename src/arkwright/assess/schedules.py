"""What is to be known about when a job starts: its schedule's kind, the shape of its cron, the jobs it waits for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from arkwright.assess.model import Finding, Level, Topic
from arkwright.assess.reading import Collection

BY_HAND, CRON, EVENT, REAL_TIME, UNKNOWN = "by hand", "cron", "event", "real-time", "unknown"
FIRING = frozenset({BY_HAND})
"""Kinds that start by themselves in this version, and those that need not. Others are stored, and started by whoever
calls run-immediate."""

_KINDS = {
    "EXECUTE_ONCE": BY_HAND,
    "RUN_ONCE": BY_HAND,
    "CRON": CRON,
    "SCHEDULE": CRON,
    "EVENT": EVENT,
    "EVENT_TRIGGER": EVENT,
}
_LIST = r"[0-9*,/\-]+"
_FIELDS = (
    ("second", re.compile(r"0"), "0"),
    ("minute", re.compile(_LIST), "0 to 59 with , - * /"),
    ("hour", re.compile(_LIST), "0 to 23 with , - * /"),
    ("day", re.compile(r"[0-9*,/\-?LWC]+"), "1 to 31 with , - * ? / L W C"),
    ("month", re.compile(r"\*"), "*"),
    ("weekday", re.compile(r"[0-9A-Z*,/\-?LC#]+"), "1 (Sunday) to 7 with , - * ? / L C #"),
)
_HIGHEST = {"minute": 59, "hour": 23, "day": 31, "weekday": 7}


def kind_of(job: Mapping[str, Any]) -> str:
    if (job.get("processType") or job.get("jobType")) == "REAL_TIME":
        return REAL_TIME
    schedule = _object(job.get("schedule"))
    return _KINDS.get(str(schedule.get("type") or schedule.get("scheType")), UNKNOWN)


def schedule_findings(job: Mapping[str, Any], collection: Collection) -> Iterator[Finding]:
    kind = kind_of(job)
    schedule = _object(job.get("schedule"))
    cron = _object(schedule.get("cron"))
    if kind == REAL_TIME:
        yield _finding(Level.BLOCKS, kind, "A real-time job is stored, but does not run in this version.")
    elif kind == CRON and not cron:
        yield _finding(Level.NOTE, kind, "The schedule is of type CRON without a plan: nothing starts it by itself.")
    elif kind not in FIRING and kind != UNKNOWN:
        yield _finding(
            Level.NEEDS,
            kind,
            f"The {kind} schedule is stored, but does not start runs in this version: something has to call "
            "run-immediate.",
        )
    if cron.get("expression"):
        fault = cron_fault(str(cron["expression"]))
        if fault:
            yield _finding(Level.BLOCKS, str(cron["expression"]), f"The cron expression can't be used: {fault}.")
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
    """What is wrong with the shape of a Quartz expression; empty: nothing."""
    parts = expression.split()
    if len(parts) not in {6, 7}:
        return f"it has {len(parts)} fields, not six (second minute hour day month weekday)"
    for (name, pattern, rule), part in zip(_FIELDS, parts, strict=False):
        if not pattern.fullmatch(part.upper()):
            return f"its {name} is {part!r}, and must be {rule}"
        values = part.split("#")[0]  # behind # stands which one of the month
        if name in _HIGHEST and any(int(each) > _HIGHEST[name] for each in re.findall(r"(?<![/0-9])\d+", values)):
            return f"its {name} is {part!r}, and must be {rule}"
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
