"""Alarm rules: what is told, of which jobs, to which topic. The newer API lists them (`v2/alarms`); writing is ours.

Rules: the fields have the newer API's names. What nothing here honours (duty rosters, phone numbers, people in copy) is
refused, not ignored.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short
from arkwright.api.records import all_of, write_of
from arkwright.api.route import Route
from arkwright.api.v1.fields import list_, number, text, truth, wrong
from arkwright.core.alerts import LATE, Remind, job_names, minute_of_day
from arkwright.errors import InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind

_PATH = "/v1/{project_id}/alert-rules"
_FIELDS = {
    *("rule_name", "name", "node_name_list", "remind_type", "topic_name", "use_flag", "complete_time"),
    *("alarm_periods", "max_send_times", "send_interval", "enable_recovery", "enable_persistent_alarm", "urn"),
}
_MOST_JOBS = 1000


class Rule(Struct, kw_only=True, omit_defaults=True):
    """`remind_type`: 0 success, 1 failure, 3 or 12 not finished, 13 canceled, 14 recovered, 100 the scheduler is
    behind. Without `name` and `node_name_list` it is for all jobs. `complete_time` (HH:mm): by when a daily job must
    have succeeded. `max_send_times`, `send_interval` (minutes): how often a lasting failure is told."""

    remind_type: int
    topic_name: str
    rule_name: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    node_name_list: list[str] | UnsetType = UNSET
    node_id_list: list[int] | UnsetType = UNSET
    use_flag: int | UnsetType = UNSET
    complete_time: str | UnsetType = UNSET
    max_send_times: int | UnsetType = UNSET
    send_interval: int | UnsetType = UNSET
    enable_recovery: bool | UnsetType = UNSET
    enable_persistent_alarm: bool | UnsetType = UNSET


class RuleAnswer(Rule, kw_only=True, omit_defaults=True):
    id: int
    create_time: int
    create_user: str
    urn: str


class Rules(Struct, kw_only=True):
    total: int
    rules: list[RuleAnswer]


async def create_rule(call: Call) -> Response:
    document = await _checked(call, await call.document())
    write = write_of(call, document["rule_name"], document, category=str(document["remind_type"]))
    made = await call.parts.store.create_definition(call.place, Kind.ALARM_RULE, write)
    return answer(shown(made))


async def save_rule(call: Call) -> Response:
    before = await _rule(call)
    document = await _checked(call, {"rule_name": before.name, **await call.document()})
    write = write_of(call, document["rule_name"], document, category=str(document["remind_type"]))
    await call.parts.store.save_definition(call.place, Kind.ALARM_RULE, before.name, write)
    return empty()


async def list_rules(call: Call) -> Response:
    found = [shown(each) for each in await all_of(call, Kind.ALARM_RULE)]
    return answer({"total": len(found), "rules": found})


async def show_rule(call: Call) -> Response:
    return answer(shown(await _rule(call)))


async def delete_rule(call: Call) -> Response:
    await call.parts.store.delete_definition(call.place, Kind.ALARM_RULE, (await _rule(call)).name)
    return empty()


def shown(rule: Definition) -> dict[str, Any]:
    return {"id": rule.id, "create_time": rule.created_ms, "create_user": rule.created_by, **rule.body}


async def _rule(call: Call) -> Definition:
    wanted = call.path["rule_id"]
    for each in await all_of(call, Kind.ALARM_RULE):
        if wanted in (str(each.id), each.name):
            return each
    raise NotFound(
        f"There is no alarm rule {short(wanted)}.", field="rule_id", hint="GET /v2/…/factory/alarm/rules lists them."
    )


# ---------------------------------------------------------------- checking


async def _checked(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    body = {name: value for name, value in given.items() if value not in (None, "")}
    for gone in ("id", "create_time", "create_user", "node_id_list"):  # what a list answered may be sent back
        body.pop(gone, None)
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise InvalidInput(
            f"{unknown[0][:64]} is not honoured here.",
            field=unknown[0][:64],
            hint=f"A rule has {', '.join(sorted(_FIELDS))}.",
        )
    remind = _remind(body.get("remind_type"))
    topic = text(body.get("topic_name"), "topic_name", 128, least=1)
    if await call.parts.store.get_definition(call.place, Kind.ALERT_TOPIC, topic) is None:
        raise NotFound(
            f"topic_name names {short(topic)}, and there is no such topic.",
            field="topic_name",
            hint="Create it first: POST …/alert-topics.",
        )
    document: dict[str, Any] = {**body, "remind_type": int(remind), "topic_name": topic}
    document["urn"] = text(body.get("urn"), "urn", 255) or f"urn:smn:arkwright:{call.place.project_id}:{topic}"
    await _check_jobs(call, document)
    _check_times(document, remind)
    _check_rounds(document, remind)
    document["use_flag"] = number(body.get("use_flag"), "use_flag", 0, 1)
    if document["use_flag"] is None:
        document["use_flag"] = 1
    for flag in ("enable_recovery", "enable_persistent_alarm"):
        if flag in body:
            document[flag] = truth(body[flag], flag)
    jobs = job_names(document)
    of = jobs[0] if len(jobs) == 1 else f"{len(jobs)}_jobs" if jobs else "all_jobs"
    document["rule_name"] = text(body.get("rule_name"), "rule_name", 128) or f"{of}_{remind.name.lower()}"[:128]
    return document


def _remind(given: Any) -> Remind:
    value = number(given, "remind_type", 0, 1000)
    ruled = {int(each): each for each in Remind if each is not Remind.MESSAGE}  # which a node says by itself
    if value not in ruled:
        allowed = ", ".join(f"{at} ({each.name.lower().replace('_', ' ')})" for at, each in ruled.items())
        raise wrong("remind_type", f"must be one of {allowed}", given)
    return ruled[value]


async def _check_jobs(call: Call, document: dict[str, Any]) -> None:
    listed = list_(document.get("node_name_list"), "node_name_list", "names of jobs")
    if len(listed) > _MOST_JOBS:
        raise InvalidInput(f"node_name_list must have at most {_MOST_JOBS} names.", field="node_name_list")
    for index, each in enumerate(listed):
        text(each, f"node_name_list[{index}]", 128, least=1)
    if "name" in document:
        text(document["name"], "name", 128)
    ids = []
    for each in job_names(document):
        found = await call.parts.store.get_definition(call.place, Kind.JOB, each)
        if found is None:
            raise NotFound(
                f"There is no job {short(each)}.",
                field="name" if each == document.get("name") else "node_name_list",
                hint="Without name and node_name_list a rule is for all jobs.",
            )
        ids.append(found.id)
    document["node_id_list"] = ids


def _check_times(document: dict[str, Any], remind: Remind) -> None:
    for index, each in enumerate(list_(document.get("alarm_periods"), "alarm_periods", "objects with complete_time")):
        if index or not isinstance(each, dict) or set(each) - {"complete_time", "period"}:
            raise InvalidInput(
                "alarm_periods takes one object with complete_time.",
                field="alarm_periods",
                hint="Make one rule per time of day.",
            )
    if "complete_time" not in document and "alarm_periods" not in document:
        return
    if remind not in LATE:
        raise InvalidInput("complete_time is for remind_type 3 and 12 alone.", field="complete_time")
    if minute_of_day(document) is None:
        raise wrong("complete_time", "must be a time of day such as 08:30", document.get("complete_time"))


def _check_rounds(document: dict[str, Any], remind: Remind) -> None:
    rounds = number(document.get("max_send_times"), "max_send_times", 1, 50)
    interval = number(document.get("send_interval"), "send_interval", 5, 60)
    if remind is not Remind.FAILURE and (rounds or 1) > 1:
        raise InvalidInput("max_send_times is for remind_type 1 alone.", field="max_send_times")
    for name, value in (("max_send_times", rounds), ("send_interval", interval)):
        if value is not None:
            document[name] = value


def _route(method: str, path: str, handler: Any, operation: str, summary: str, action: Action, **more: Any) -> Route:
    return Route(
        method=method,
        path=f"{_PATH}{path}",
        handler=handler,
        operation=operation,
        summary=summary,
        tag="alerts",
        action=action,
        ours=True,
        **more,
    )


_READ, _WRITE = Action.NOTIFICATION_READ, Action.NOTIFICATION_CREATE
_EXAMPLE = {"name": "nightly", "remind_type": 1, "topic_name": "ops", "max_send_times": 3, "send_interval": 15}

ROUTES = (
    _route("GET", "", list_rules, "listAlertRules", "All alarm rules.", _READ, response=Rules),
    _route(
        "POST",
        "",
        create_rule,
        "createAlertRule",
        "Create an alarm rule.",
        _WRITE,
        request=Rule,
        response=RuleAnswer,
        example=_EXAMPLE,
    ),
    _route(
        "GET", "/{rule_id}", show_rule, "showAlertRule", "An alarm rule, by id or name.", _READ, response=RuleAnswer
    ),
    _route(
        "PUT", "/{rule_id}", save_rule, "updateAlertRule", "Change an alarm rule.", _WRITE, request=Rule, success=204
    ),
    _route("DELETE", "/{rule_id}", delete_rule, "deleteAlertRule", "Delete an alarm rule.", _WRITE, success=204),
)
