"""The body of a job: brought into the documents' spelling, then checked field by field (factory-api 6.2).

Rules: unknown fields stay as they are; what is stored has one spelling of each known field; the reply shows the same.
The graph is checked by the core (`read_job`), which decides what can be run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from arkwright.api.v1 import fields
from arkwright.api.v1.fields import choice, list_, number, object_, renamed, text, truth, wrong
from arkwright.api.v1.job_schedule import check_cron, check_event, check_schedule, plain_cron, plain_schedule
from arkwright.core.job_document import read_job
from arkwright.core.masking import is_sealed
from arkwright.errors import Code, InvalidInput

MAX_NODES = 5000
"""Protects the server; the documents' 200 is a quota, and there are no quotas by default."""

MAX_VALUE = 1024
"""Characters of a parameter's value."""

_JOB_ALIASES = {"jobType": "processType"}
_PARAMETER_ALIASES = {"paramType": "type", "mask": "masked"}
_NODE_ALIASES = {
    "nodeType": "type",
    "preNodeNames": "preNodeName",
    "condition": "conditions",
    "nodeProperties": "properties",
}
_NOT_STORED = (
    "targetStatus",
    "approvers",
    "id",
    "version",
    "createTime",
    "createUser",
    "lastUpdateUser",
    "downstreamJobs",
)
"""Instructions to the save itself, and what the reply fills in by itself."""

_FAIL_POLICIES = ("FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND")
_PARAMETER_TYPES = ("variable", "constants", "procedure")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobBody:
    """A job that may be saved."""

    name: str
    process_type: str
    directory: str
    target_status: str
    document: Mapping[str, Any]
    """What to store."""


def read_job_body(document: dict[str, Any]) -> JobBody:
    """Raises `InvalidInput` with the code of the rule that is broken."""
    plain = _plain(document)
    name = fields.job_name(plain.get("name"))
    process_type = plain.get("processType")
    if process_type not in ("BATCH", "REAL_TIME"):
        raise wrong("processType", "must be BATCH or REAL_TIME", process_type, code=Code.JOB_TYPE_INVALID)
    _check_job(plain)
    target_status = fields.target_status(plain.get("targetStatus"))
    fields.approvers(plain.get("approvers"))
    stored = {key: value for key, value in plain.items() if key not in _NOT_STORED}
    read_job(stored)
    return JobBody(
        name=name,
        process_type=process_type,
        directory=fields.directory(plain.get("directory")),
        target_status=target_status,
        document=stored,
    )


# ---------------------------------------------------------------- one spelling


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    job = renamed(document, _JOB_ALIASES)
    if isinstance(job.get("basicConfig"), dict):
        job["basicConfig"] = renamed(job["basicConfig"], {"taskPriority": "priority"}, "basicConfig.")
    if isinstance(job.get("schedule"), dict):
        job["schedule"] = plain_schedule(job["schedule"])
    if isinstance(job.get("params"), list):
        job["params"] = [
            renamed(each, _PARAMETER_ALIASES, f"params[{index}].") if isinstance(each, dict) else each
            for index, each in enumerate(job["params"])
        ]
    if isinstance(job.get("nodes"), list):
        job["nodes"] = [
            _plain_node(each, f"nodes[{index}].") if isinstance(each, dict) else each
            for index, each in enumerate(job["nodes"])
        ]
    return job


def _plain_node(document: dict[str, Any], where: str) -> dict[str, Any]:
    node = renamed(document, _NODE_ALIASES, where)
    before = node.get("preNodeName")
    if isinstance(before, str):
        node["preNodeName"] = [each.strip() for each in before.split(",") if each.strip()]
    if isinstance(node.get("conditions"), dict):
        node["conditions"] = [node["conditions"]]
    if isinstance(node.get("properties"), str):
        node["properties"] = _plain_properties(node["properties"], f"{where}properties")
    if isinstance(node.get("cronTrigger"), dict):
        node["cronTrigger"] = plain_cron(node["cronTrigger"])
    if isinstance(node.get("location"), dict):
        node["location"] = {
            key: _coordinate(value, f"{where}location.{key}") if key in {"x", "y"} else value
            for key, value in node["location"].items()
        }
    return node


def _plain_properties(given: str, field: str) -> list[dict[str, Any]]:
    """The older client types them as one string: JSON, or lines of name=value."""
    if given.lstrip().startswith(("[", "{")):
        try:
            value = msgspec.json.decode(given)
        except (msgspec.DecodeError, RecursionError):
            raise InvalidInput(f"{field} is not valid JSON.", field=field) from None
        if isinstance(value, list):
            return value
        return [{"name": name, "value": each} for name, each in value.items()]
    found = []
    for line in given.splitlines():
        name, equals, value = line.partition("=")
        if not name.strip():
            continue
        if not equals:
            raise wrong(field, "must be a list of objects with name and value", given)
        found.append({"name": name.strip(), "value": value})
    return found


def _coordinate(value: Any, field: str) -> Any:
    """Clients send numbers or texts, and most expect texts."""
    if value is None or (isinstance(value, str) and (not value or _NUMBER.fullmatch(value))):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(field, "must be a number", value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def with_numbers(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document for the Go SDK, which reads whole numbers as coordinates and nothing else."""
    nodes = []
    for node in document.get("nodes") or ():
        location = node.get("location")
        if isinstance(location, dict):
            whole = {key: int(float(value)) for key, value in location.items() if key in ("x", "y") and value}
            node = {**node, "location": {**location, **whole}}
        nodes.append(node)
    return {**document, "nodes": nodes}


# ---------------------------------------------------------------- checks


def _check_job(job: Mapping[str, Any]) -> None:
    nodes = list_(job.get("nodes"), "nodes", "nodes")
    if not nodes:
        raise InvalidInput("nodes is empty.", field="nodes", code=Code.JOB_WITHOUT_NODES)
    if len(nodes) > MAX_NODES:
        raise InvalidInput(
            f"nodes must have at most {MAX_NODES} entries, not {len(nodes)}.",
            field="nodes",
            hint="Split the job, and let one run the other.",
        )
    for index, node in enumerate(nodes):
        _check_node(node, f"nodes[{index}]")
    check_schedule(job.get("schedule"))
    for index, each in enumerate(list_(job.get("params"), "params", "objects with name and value")):
        _check_parameter(each, f"params[{index}]")
    text(job.get("description"), "description", 255, code=Code.JOB_DESCRIPTION_INVALID)
    text(job.get("lastUpdateUser"), "lastUpdateUser", 128)
    text(job.get("versionComment"), "versionComment", 255)
    log_path = text(job.get("logPath"), "logPath", 1024)
    if log_path and not log_path.startswith("obs://"):
        raise wrong("logPath", "must be a path such as obs://bucket/folder", log_path)
    _check_basic(object_(job.get("basicConfig"), "basicConfig"))
    truth(job.get("emptyRunningJob"), "emptyRunningJob")
    number(job.get("cleanOverdueDays"), "cleanOverdueDays", 0, 100_000)
    text(job.get("cleanWaitingJob"), "cleanWaitingJob", 64)
    truth(job.get("singleNodeJobFlag"), "singleNodeJobFlag")
    text(job.get("singleNodeJobType"), "singleNodeJobType", 64)


def _check_basic(basic: Mapping[str, Any]) -> None:
    text(basic.get("owner"), "basicConfig.owner", 128)
    text(basic.get("executeUser"), "basicConfig.executeUser", 128)
    text(basic.get("agency"), "basicConfig.agency", 128)
    number(basic.get("priority"), "basicConfig.priority", 0, 2)
    number(basic.get("instanceTimeout"), "basicConfig.instanceTimeout", 5, 1440, or_zero=True)
    number(basic.get("isIgnoreWaiting"), "basicConfig.isIgnoreWaiting", 0, 1)
    custom = object_(basic.get("customFields"), "basicConfig.customFields")
    if sum(len(str(key)) + len(str(value)) for key, value in custom.items()) > 2048:
        raise InvalidInput(
            "basicConfig.customFields must have at most 2048 characters.", field="basicConfig.customFields"
        )
    tags = basic.get("tags")
    if tags != {}:  # the documents' own example answers an empty object
        for index, tag in enumerate(list_(tags, "basicConfig.tags", "texts")):
            text(tag, f"basicConfig.tags[{index}]", 128, least=1)


def _check_parameter(parameter: Any, where: str) -> None:
    if not isinstance(parameter, dict):
        raise wrong(where, "must be an object with name and value", parameter)
    name = parameter.get("name")
    if not isinstance(name, str) or not fields.PARAMETER_NAME.fullmatch(name):
        raise wrong(f"{where}.name", "must be 1 to 64 letters, digits, dots, hyphens and underscores", name)
    if parameter.get("value") is None:
        raise InvalidInput(f"{where}.value is missing.", field=f"{where}.value", hint="It may be empty.")
    if truth(parameter.get("masked"), f"{where}.masked"):
        _check_masked(parameter["value"], f"{where}.value")
    else:
        text(parameter["value"], f"{where}.value", MAX_VALUE)
    choice(parameter.get("type"), f"{where}.type", _PARAMETER_TYPES)


def _check_masked(value: Any, field: str) -> None:
    """A complaint never repeats the value. A sealed one comes from a document that was stored before."""
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be a text.", field=field, hint="Write it in quotation marks.")
    if len(value) > MAX_VALUE and not is_sealed(value):
        raise InvalidInput(f"{field} must have at most {MAX_VALUE} characters, not {len(value)}.", field=field)


def _check_node(node: Any, where: str) -> None:
    if not isinstance(node, dict):
        raise wrong(where, "must be an object", node)
    name = node.get("name")
    if not isinstance(name, str) or not fields.NODE_NAME.fullmatch(name) or name in {".", ".."}:
        raise wrong(
            f"{where}.name",
            "must be 1 to 128 letters, digits, Chinese characters, hyphens, underscores, dots, / < and >",
            name,
        )
    type_ = text(node.get("type"), f"{where}.type", 64, least=1)
    if not type_.isprintable():
        raise wrong(f"{where}.type", "must be the name of a type of node", type_)
    object_(node.get("location"), f"{where}.location")
    for index, each in enumerate(list_(node.get("properties"), f"{where}.properties", "objects with name and value")):
        at = f"{where}.properties[{index}]"
        if not isinstance(each, dict):
            raise wrong(at, "must be an object with name and value", each)
        text(each.get("name"), f"{at}.name", 1024, least=1)
        if isinstance(each.get("value"), dict | list):
            raise wrong(f"{at}.value", "must be a text", each["value"])
    number(node.get("pollingInterval"), f"{where}.pollingInterval", 1, 60, or_zero=True)
    number(node.get("maxExecutionTime"), f"{where}.maxExecutionTime", 5, 1440, or_zero=True)
    number(node.get("retryTimes"), f"{where}.retryTimes", 0, 5)
    number(node.get("retryInterval"), f"{where}.retryInterval", 5, 120, or_zero=True)
    truth(node.get("execTimeOutRetry"), f"{where}.execTimeOutRetry")
    choice(node.get("failPolicy"), f"{where}.failPolicy", _FAIL_POLICIES)
    check_event(node.get("eventTrigger"), f"{where}.eventTrigger")
    check_cron(node.get("cronTrigger"), f"{where}.cronTrigger")
