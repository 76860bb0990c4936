"""Between the two spellings of the API: the newer one writes `process_type` where the older one writes `processType`.

Rules: what is stored has the older spelling, which is also understood on input. Only names that the documents know are
translated, and only where they mean a field: unknown fields stay as they were sent, and so do the keys that belong to
users (`custom_fields`, a script's `configuration`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from arkwright.api.v1.fields import renamed

_UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")


def snake_name(name: str) -> str:
    return _UPPER.sub(lambda match: f"_{match[1].lower()}", name)


def _table(*names: str) -> dict[str, str]:
    return {snake_name(name): name for name in names}


_JOB = {
    **_table(
        "processType",
        "logPath",
        "lastUpdateUser",
        "targetStatus",
        "basicConfig",
        "singleNodeJobFlag",
        "singleNodeJobType",
        "createUser",
        "createTime",
        "emptyRunningJob",
        "cleanOverdueDays",
        "cleanWaitingJob",
    ),
    "job_type": "processType",
}
_NODE = {
    **_table(
        "preNodeName",
        "pollingInterval",
        "maxExecutionTime",
        "retryTimes",
        "retryInterval",
        "execTimeOutRetry",
        "failPolicy",
        "eventTrigger",
        "cronTrigger",
    ),
    "pre_node_names": "preNodeName",
    "node_type": "type",
}
_CONDITION = _table("preNodeName")
_CRON = _table(
    "startTime",
    "endTime",
    "expressionTimeZone",
    "intervalType",
    "dependPrePeriod",
    "dependJobs",
)
_DEPEND = _table("dependPeriod", "dependFailPolicy", "sameWorkSpaceJobs", "otherWorkSpaceJobs")
_OTHER_JOB = _table(
    "jobName", "workSpace", "workSpaceId", "dependOnLastPeriod", "dependOnLastNPeriodValue", "dependType"
)
_EVENT = _table("eventType", "failPolicy", "readPolicy")
_BASIC = {**_table("executeUser", "instanceTimeout", "customFields", "isIgnoreWaiting"), "task_priority": "priority"}
_APPROVER = _table("approverName")


def older_job(document: dict[str, Any]) -> dict[str, Any]:
    """A job of the newer API in the older spelling. What has the wrong shape stays, for the checks to refuse."""
    job = renamed(document, _JOB)
    _each(job, "approvers", _APPROVER)
    if isinstance(job.get("basicConfig"), dict):
        job["basicConfig"] = renamed(job["basicConfig"], _BASIC, "basic_config.")
    if isinstance(job.get("schedule"), dict):
        job["schedule"] = _schedule(job["schedule"])
    if isinstance(job.get("nodes"), list):
        job["nodes"] = [_node(each) if isinstance(each, dict) else each for each in job["nodes"]]
    return job


def _schedule(document: dict[str, Any]) -> dict[str, Any]:
    schedule = renamed(document, {"sche_type": "type"}, "schedule.")
    if isinstance(schedule.get("cron"), dict):
        schedule["cron"] = _cron(schedule["cron"], "schedule.cron.")
    if isinstance(schedule.get("event"), dict):
        schedule["event"] = renamed(schedule["event"], _EVENT, "schedule.event.")
    return schedule


def _cron(document: dict[str, Any], where: str) -> dict[str, Any]:
    cron = renamed(document, _CRON, where)
    depend = cron.get("dependJobs")
    if isinstance(depend, dict):
        cron["dependJobs"] = _dependence(depend, f"{where}depend_jobs.")
    elif isinstance(depend, list):
        cron["dependJobs"] = [
            _dependence(each, f"{where}depend_jobs.") if isinstance(each, dict) else each for each in depend
        ]
    return cron


def _dependence(document: dict[str, Any], where: str) -> dict[str, Any]:
    depend = renamed(document, _DEPEND, where)
    _each(depend, "sameWorkSpaceJobs", _OTHER_JOB)
    _each(depend, "otherWorkSpaceJobs", _OTHER_JOB)
    return depend


def _node(document: dict[str, Any]) -> dict[str, Any]:
    node = renamed(document, _NODE, "nodes.")
    _each(node, "conditions", _CONDITION)
    if isinstance(node.get("eventTrigger"), dict):
        node["eventTrigger"] = renamed(node["eventTrigger"], _EVENT, "nodes.event_trigger.")
    if isinstance(node.get("cronTrigger"), dict):
        node["cronTrigger"] = _cron(node["cronTrigger"], "nodes.cron_trigger.")
    return node


def _each(document: dict[str, Any], key: str, names: Mapping[str, str]) -> None:
    if isinstance(document.get(key), list):
        document[key] = [
            renamed(each, names, f"{snake_name(key)}.") if isinstance(each, dict) else each for each in document[key]
        ]


def newer(document: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the newer spelling of its own fields; what is below them stays."""
    return {snake_name(key): value for key, value in document.items()}
