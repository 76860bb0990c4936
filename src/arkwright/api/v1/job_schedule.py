"""The schedule of a job: one spelling, and the rules of its fields (factory-api 6.2). Broken ones are DLF.3025."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from arkwright.api.v1.fields import choice, list_, number, object_, renamed, text, truth, wrong
from arkwright.errors import Code, InvalidInput

_CODE = Code.JOB_SCHEDULE_INVALID

_TYPES = ("EXECUTE_ONCE", "CRON", "EVENT")
_TYPE_ALIASES = {"EVENT_TRIGGER": "EVENT", "RUN_ONCE": "EXECUTE_ONCE", "SCHEDULE": "CRON"}
_INTERVALS = ("minutes", "hours", "days", "weeks", "months", "seasons", "years")
_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(Z|[+-]\d{2}(:?\d{2})?)?"
)
_CRON_FIELD = re.compile(r"[0-9A-Za-z*?/,#-]+")


def plain_schedule(schedule: dict[str, Any]) -> dict[str, Any]:
    plain = renamed(schedule, {"scheType": "type"}, "schedule.")
    kind = plain.get("type")
    if isinstance(kind, str) and kind in _TYPE_ALIASES:
        plain["type"] = _TYPE_ALIASES[kind]
    return plain


def check_schedule(value: Any) -> None:
    if value is None:
        raise InvalidInput(
            "schedule is missing.",
            field="schedule",
            hint='A job that is only run by hand has {"type": "EXECUTE_ONCE"}.',
            code=_CODE,
        )
    schedule = object_(value, "schedule", code=_CODE)
    kind = choice(schedule.get("type"), "schedule.type", _TYPES, code=_CODE)
    if not kind:
        raise InvalidInput(
            f"schedule.type is missing; it must be one of {', '.join(_TYPES)}.", field="schedule.type", code=_CODE
        )
    # CRON without cron is "no plan yet": the documents' own example sends it.
    check_cron(schedule.get("cron"), "schedule.cron")
    check_event(schedule.get("event"), "schedule.event")


def check_cron(value: Any, where: str) -> None:
    cron = object_(value, where, code=_CODE)
    if not cron:
        return
    start = _time(cron.get("startTime"), f"{where}.startTime")
    if not start:
        raise InvalidInput(f"{where}.startTime is missing.", field=f"{where}.startTime", code=_CODE)
    _time(cron.get("endTime"), f"{where}.endTime")
    _check_expression(cron.get("expression"), f"{where}.expression")
    text(cron.get("expressionTimeZone"), f"{where}.expressionTimeZone", 64, code=_CODE)
    choice(cron.get("intervalType"), f"{where}.intervalType", _INTERVALS, code=_CODE)
    truth(cron.get("dependPrePeriod"), f"{where}.dependPrePeriod", code=_CODE)
    text(cron.get("period"), f"{where}.period", 64, code=_CODE)
    number(cron.get("concurrent"), f"{where}.concurrent", 1, 128, code=_CODE)
    depend = cron.get("dependJobs")
    if isinstance(depend, list):  # the newer API types it as a list
        for index, each in enumerate(depend):
            _check_dependence(object_(each, f"{where}.dependJobs[{index}]", code=_CODE), f"{where}.dependJobs[{index}]")
    else:
        _check_dependence(object_(depend, f"{where}.dependJobs", code=_CODE), f"{where}.dependJobs")


def check_event(value: Any, where: str) -> None:
    event = object_(value, where, code=_CODE)
    if not event:
        return
    if not choice(event.get("eventType"), f"{where}.eventType", ("KAFKA", "DIS", "OBS"), code=_CODE):
        raise InvalidInput(
            f"{where}.eventType is missing; it must be one of KAFKA, DIS, OBS.", field=f"{where}.eventType", code=_CODE
        )
    text(event.get("channel"), f"{where}.channel", 1024, code=_CODE)
    choice(event.get("failPolicy"), f"{where}.failPolicy", ("SUSPEND", "IGNORE"), code=_CODE)
    number(event.get("concurrent"), f"{where}.concurrent", 1, 128, code=_CODE)
    choice(event.get("readPolicy"), f"{where}.readPolicy", ("LAST", "NEW"), code=_CODE)


def _check_dependence(depend: Mapping[str, Any], where: str) -> None:
    for index, name in enumerate(list_(depend.get("jobs"), f"{where}.jobs", "names of jobs", code=_CODE)):
        text(name, f"{where}.jobs[{index}]", 128, least=1, code=_CODE)
    choice(depend.get("dependPeriod"), f"{where}.dependPeriod", ("SAME_PERIOD", "PRE_PERIOD"), code=_CODE)
    choice(depend.get("dependFailPolicy"), f"{where}.dependFailPolicy", ("FAIL", "IGNORE", "SUSPEND"), code=_CODE)


def _time(value: Any, field: str) -> str:
    given = text(value, field, 64, code=_CODE)
    if given and not _TIME.fullmatch(given):
        raise wrong(field, "must be a time such as 2018-10-22T23:59:59+08", value, code=_CODE)
    return given


def _check_expression(value: Any, field: str) -> None:
    given = text(value, field, 255, least=1, code=_CODE) if value is not None else ""
    parts = given.split()
    if len(parts) not in {6, 7} or not all(_CRON_FIELD.fullmatch(part) for part in parts):
        raise wrong(
            field,
            "must have six fields (second minute hour day month weekday) as Quartz writes them",
            value,
            hint="For instance `0 0 2 * * ?` for every day at two.",
            code=_CODE,
        )
