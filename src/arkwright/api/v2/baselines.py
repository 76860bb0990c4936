"""Baselines: promises about when jobs are done, their instances and events.

Rules: a baseline is checked and stored; its instances and events are what has been stored for it, none are predicted
here. A baseline belongs to the DataArts instance in the path (`management.instance_id`). Pages count from 1.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.error_codes import VALUE_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import all_of, contains, page_of, write_of
from arkwright.api.route import Parameter, Route, flag, number, text
from arkwright.api.v1.fields import choice, list_, object_, truth, wrong
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v2 import report_documents
from arkwright.api.v2.paths import PAGE_FROM_1, SIZE, route
from arkwright.errors import AlreadyExists, InvalidInput
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind

WINDOW_MS = 180 * 24 * 60 * 60 * 1000
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_INSTANCE_STATUSES = ("ERROR", "SAFE", "DANGEROUS", "OVER")
_EVENT_STATUSES = ("NEW_DISCOVERY", "PROCESSING", "RESTORED", "IGNORED")


async def create_baseline(call: Call) -> Response:
    body = await call.document()
    name = text_of(body.get("name"), "name", 128, least=1)
    owner_name = text_of(body.get("owner_name"), "owner_name", 128, least=1)
    owner = call.parts.directory.user_named(call.actor.domain_id, owner_name)
    if owner is None:
        raise HttpRefusal(VALUE_NOT_FOUND, f"The value {owner_name} of the parameter owner_name does not exist.")
    if text_of(body.get("workspace_id"), "workspace_id", 64) not in ("", call.workspace.id):
        raise InvalidInput("workspace_id is not the workspace of the header.", field="workspace_id")
    _check(body)
    if any(each.name == name for each in await all_of(call, Kind.BASELINE, name_contains=name)):
        raise AlreadyExists(f"There is a baseline {name} already.", field="name")
    stored = {**body, "id": secrets.token_hex(16), "owner_id": owner.id, "instance_id": call.path["instance_id"]}
    write = write_of(call, name, stored, category=str(body.get("type") or "DAY"))
    await call.parts.store.create_definition(call.place, Kind.BASELINE, write)
    return empty(200)


async def list_baselines(call: Call) -> Response:
    priority = call.number("priority", least=1, most=5)
    enabled = call.flag("enable") if call.query.get("enable") else None
    found = [
        _baseline(call, each)
        for each in await all_of(call, Kind.BASELINE, name_contains=call.query.get("name", ""))
        if each.body.get("instance_id") == call.path["instance_id"]
        and contains(each.body.get("owner_name"), call.query.get("owner_name", ""))
        and (priority is None or int(each.body.get("priority") or 1) == priority)
        and (enabled is None or each.body.get("enable", True) is enabled)
    ]
    found = _ordered(call, found)
    return answer({"total": len(found), "baselines": page_of(call, found, first=1)})


async def list_baseline_instances(call: Call) -> Response:
    status = choice(call.query.get("status"), "status", _INSTANCE_STATUSES)
    kind = choice(call.query.get("type"), "type", ("DAY", "HOUR"))
    priority = call.number("priority", least=1, most=5)
    from_ms, to_ms = _window(call)
    found = [
        {**each.body, "id": each.name}
        for each in await all_of(call, Kind.BASELINE_INSTANCE)
        if each.body.get("instance_id") == call.path["instance_id"]
        and contains(each.body.get("baseline_name"), call.query.get("baseline_name", ""))
        and contains(each.body.get("owner_name"), call.query.get("owner_name", ""))
        and contains(each.body.get("finish_status"), call.query.get("finish_status", ""))
        and (not status or each.body.get("status") == status)
        and (not kind or each.body.get("instance_type") == kind)
        and (priority is None or each.body.get("priority") == priority)
        and from_ms <= int(each.body.get("start_time") or each.created_ms) <= to_ms
    ]
    found = _ordered(call, found)
    return answer({"total": len(found), "baseline_instances": page_of(call, found, first=1)})


async def list_events(call: Call) -> Response:
    status = choice(call.query.get("status"), "status", _EVENT_STATUSES)
    kind = choice(call.query.get("type"), "type", ("ERROR", "SLOW_DOWN"))
    from_ms, to_ms = _window(call)
    found = [
        {**each.body, "id": each.name}
        for each in await all_of(call, Kind.BASELINE_EVENT)
        if all(
            contains(each.body.get(field), call.query.get(field, "")) for field in ("name", "task_name", "owner_name")
        )
        and (not status or each.body.get("status") == status)
        and (not kind or each.body.get("type") == kind)
        and from_ms <= int(each.body.get("happen_time") or each.created_ms) <= to_ms
    ]
    found = _ordered(call, found)
    return answer({"total": len(found), "events": page_of(call, found, first=1)})


# ---------------------------------------------------------------- inside


def _check(body: Mapping[str, Any]) -> None:
    kind = choice(body.get("type"), "type", ("DAY", "HOUR")) or "DAY"
    tasks = list_(body.get("sla_task_ids"), "sla_task_ids", "ids of jobs")
    if not tasks:
        raise InvalidInput("sla_task_ids is missing.", field="sla_task_ids", hint="Ids of the jobs that are promised.")
    for index, each in enumerate(tasks):
        text_of(str(each), f"sla_task_ids[{index}]", 64, least=1)
    number_of(body.get("priority"), "priority", 1, 5)
    number_of(body.get("buffer"), "buffer", 0, 2**53 - 1)
    for field in ("enable", "alarm_enable", "baseline_alarm_enable", "sign_enable"):
        truth(body.get(field), field)
    hour = number_of(body.get("sla_hour"), "sla_hour", 0, 47)
    minute = number_of(body.get("sla_min"), "sla_min", 0, 59)
    periods = list_(body.get("period"), "period", "objects with period_num and period_time")
    if kind == "DAY" and (hour is None or minute is None):
        raise InvalidInput("sla_hour and sla_min are needed with type DAY.", field="sla_hour")
    if kind == "HOUR" and not periods:
        raise InvalidInput("period is needed with type HOUR.", field="period")
    for index, each in enumerate(periods):
        where = f"period[{index}]"
        each = object_(each, where)
        number_of(each.get("period_num"), f"{where}.period_num", 1, 24)
        at = text_of(each.get("period_time"), f"{where}.period_time", 8, least=1)
        if not _TIME.fullmatch(at):
            raise wrong(f"{where}.period_time", "must be hours and minutes such as 00:59", at)
    for field in ("smn_topics", "event_smn_topics"):
        for index, topic in enumerate(list_(body.get(field), field, "objects")):
            topic = object_(topic, f"{field}[{index}]")
            number_of(topic.get("max_send_times"), f"{field}[{index}].max_send_times", 1, 50)
            number_of(topic.get("send_interval"), f"{field}[{index}].send_interval", 5, 60)
    for index, event in enumerate(list_(body.get("event_alarm"), "event_alarm", "texts")):
        choice(event, f"event_alarm[{index}]", ("ERROR", "SLOW_DOWN"))


def _baseline(call: Call, baseline: Definition) -> dict[str, Any]:
    body = dict(baseline.body)
    for field in ("sla_hour", "sla_min"):
        if body.get(field) not in (None, ""):
            body[field] = int(body[field])  # sent as texts, answered as numbers
    return {
        "type": "DAY",
        "priority": 1,
        "buffer": 0,
        "enable": True,
        "alarm_enable": False,
        "baseline_alarm_enable": False,
        "sign_enable": False,
        **body,
        "name": baseline.name,
        "version": baseline.version,
        "create_time": baseline.created_ms,
        "last_update_time": baseline.updated_ms,
        "domain_id": call.actor.domain_id,
        "domain_name": call.actor.domain_name,
        "project_id": baseline.place.project_id,
        "workspace_id": baseline.place.workspace_id,
    }


def _window(call: Call) -> tuple[int, int]:
    to_ms = call.number("end_time", call.parts.now_ms()) or 0
    from_ms = call.number("start_time", max(to_ms - WINDOW_MS, 0)) or 0
    if from_ms > to_ms or to_ms - from_ms > WINDOW_MS:
        raise InvalidInput("start_time must be before end_time, by 180 days at most.", field="start_time")
    return from_ms, to_ms


def _ordered(call: Call, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By the field of `order_by` (`name`, `name desc`, `-name`); without it newest first, as stored."""
    given = call.query.get("order_by", "").strip()
    if not given:
        return found
    field, _, way = given.lstrip("-").partition(" ")
    known = [each for each in found if isinstance(each.get(field), int | str)]
    if len({type(each[field]) for each in known}) > 1:
        return found
    known.sort(key=lambda each: each[field], reverse=given.startswith("-") or way.strip().lower() == "desc")
    return known + [each for each in found if each not in known]


_EXAMPLE = {
    "name": "morning",
    "owner_name": "admin",
    "type": "DAY",
    "sla_task_ids": ["1001"],
    "priority": 3,
    "buffer": 600000,
    "enable": True,
    "sla_hour": "8",
    "sla_min": "30",
}
_FILTERS: tuple[Parameter, ...] = (
    text("owner_name", "A part of the owner's name."),
    text("order_by", "Field to sort by; `desc` after it turns the order round."),
)
_TIMES: tuple[Parameter, ...] = (
    number("start_time", "From, epoch milliseconds; none: 180 days before the end."),
    number("end_time", "To, epoch milliseconds; none: now."),
)

ROUTES: tuple[Route, ...] = (
    route(
        "POST",
        "/aiops/{instance_id}/baseline",
        create_baseline,
        "createFactoryBaseline",
        "Create a baseline.",
        Action.NOTIFICATION_CREATE,
        errors=(VALUE_NOT_FOUND,),
        example=_EXAMPLE,
        request=report_documents.NewBaseline,
    ),
    route(
        "GET",
        "/aiops/{instance_id}/baseline",
        list_baselines,
        "listSearchFactoryBaselines",
        "Baselines, newest first.",
        Action.NOTIFICATION_READ,
        text("name", "A part of the name."),
        number("priority", "Priority.", minimum=1, maximum=5),
        flag("enable", "Enabled ones, or the others."),
        *_FILTERS,
        PAGE_FROM_1,
        SIZE,
        response=report_documents.Baselines,
    ),
    route(
        "GET",
        "/aiops/{instance_id}/baselineinstance",
        list_baseline_instances,
        "listFactorySearchBaselineInstances",
        "How baselines were kept.",
        Action.NOTIFICATION_READ,
        text("baseline_name", "A part of the baseline's name."),
        text("type", "Kind of baseline.", enum=["DAY", "HOUR"]),
        number("priority", "Priority.", minimum=1, maximum=5),
        text("status", "State.", enum=list(_INSTANCE_STATUSES)),
        text("finish_status", "State at the end."),
        *_FILTERS,
        *_TIMES,
        PAGE_FROM_1,
        SIZE,
        response=report_documents.BaselineInstances,
    ),
    route(
        "GET",
        "/aiops/{instance_id}/event",
        list_events,
        "listSearchFactoryEvents",
        "What put baselines at risk.",
        Action.NOTIFICATION_READ,
        text("name", "A part of the event's name."),
        text("task_name", "A part of the job's name."),
        text("type", "Kind of event.", enum=["ERROR", "SLOW_DOWN"]),
        text("status", "State.", enum=list(_EVENT_STATUSES)),
        *_FILTERS,
        *_TIMES,
        PAGE_FROM_1,
        SIZE,
        response=report_documents.BaselineEvents,
    ),
)
