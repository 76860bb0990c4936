"""Reads the schedule of a stored job document into `core.schedule`, in the older and the newer API's spelling.

This is the one place that knows the rules of a schedule's fields (factory-api 6.2): the API checks a document by
reading it. Every complaint is an `InvalidInput(JOB_SCHEDULE_INVALID)` naming the field and the rule.

Beyond the documents (whose console has these, and whose API does not show them) a schedule may hold, beside its
`cron`: `skipWaiting`, `manualConfirmation`, `waitForEnd` (true or false), `calendar` and `taskGroup` (names),
`catchUp` (ALL, LATEST, NONE) and `obsListening` (`path`, `interval` and `timeout` in minutes). They are also
understood inside of `cron`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final, NoReturn, TypeVar

from arkwright.core.quartz import CronFields, parse_quartz
from arkwright.core.schedule import (
    CatchUp,
    Cron,
    Cycle,
    Dependency,
    DependFailPolicy,
    Event,
    EventFailPolicy,
    EventType,
    ObsListening,
    ReadPolicy,
    Schedule,
    ScheduleType,
    Take,
)
from arkwright.core.zone_changes import check_zone, instant_of
from arkwright.errors import Code, InvalidInput

TYPE_ALIASES: Final = {"EVENT_TRIGGER": "EVENT", "RUN_ONCE": "EXECUTE_ONCE", "SCHEDULE": "CRON"}
MOST_PERIODS_BACK: Final = 30
MOST_CONCURRENT: Final = 128

_CYCLES: Final = {
    "minutes": Cycle.MINUTE,
    "hours": Cycle.HOUR,
    "days": Cycle.DAY,
    "weeks": Cycle.WEEK,
    "months": Cycle.MONTH,
    "seasons": Cycle.SEASON,
    "years": Cycle.YEAR,
}
_TIME: Final = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    r"(?:(Z)|([+-])(\d{2})(?::?(\d{2}))?)?"
)
_SNAKE: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_EPOCH: Final = datetime(1970, 1, 1)
_SECOND: Final = timedelta(seconds=1)
Value = TypeVar("Value", bound=str)


def read_schedule(body: Mapping[str, Any], *, default_zone: str) -> Schedule:
    """The schedule in a job's whole document (its `schedule`, `cleanOverdueDays`, `basicConfig.priority`, …).

    `default_zone`: the workspace's, for plans without `expressionTimeZone` and times without an offset. Raises
    `InvalidInput(JOB_SCHEDULE_INVALID)` naming the field. A document without a schedule is one that is run by hand.
    """
    given = _object(body.get("schedule"), "schedule")
    kind = _type(given) if given else ScheduleType.EXECUTE_ONCE
    cron_given = _object(given.get("cron"), "schedule.cron")
    cron = read_cron(cron_given, "schedule.cron", default_zone=default_zone)
    event = read_event(given.get("event"), "schedule.event")
    dependencies = _dependencies(_get(cron_given, "dependJobs"), "schedule.cron.dependJobs")
    more = _More(given, cron_given)
    basic = body.get("basicConfig")
    basic = basic if isinstance(basic, Mapping) else {}
    periodic = kind is ScheduleType.CRON and cron is not None
    return Schedule(
        type=kind,
        cron=cron if periodic else None,
        event=event if kind is ScheduleType.EVENT else None,
        dependencies=dependencies if periodic else (),
        self_dependent=periodic and _truth(_get(cron_given, "dependPrePeriod"), "schedule.cron.dependPrePeriod"),
        concurrent=_number(_get(cron_given, "concurrent"), "schedule.cron.concurrent", 1, MOST_CONCURRENT),
        wait_for_end=more.truth("waitForEnd"),
        skip_waiting=more.truth("skipWaiting"),
        manual_confirmation=more.truth("manualConfirmation"),
        calendar=more.name("calendar"),
        catch_up=more.choice("catchUp", CatchUp),
        waiting_days=_waiting_days(body),
        obs_listening=_obs_listening(more),
        task_group=more.name("taskGroup") or _lenient_text(_get(basic, "taskGroup")),
        priority=_lenient_number(basic.get("priority", body.get("priority")), 2),
        dry_run=_lenient_truth(_get(body, "emptyRunningJob")),
    )


def read_cron(document: Any, where: str, *, default_zone: str) -> Cron | None:
    """A cron object alone: of a schedule, of a real-time node's `cronTrigger`, of the preview. None: an empty one."""
    given = _object(document, where)
    if not given:
        return None
    zone_field = f"{where}.expressionTimeZone"
    named = _text(_get(given, "expressionTimeZone"), zone_field, 64)
    zone = check_zone(named, zone_field) if named else default_zone
    start_ms = _time(_get(given, "startTime"), f"{where}.startTime", zone)
    if start_ms is None:
        _refuse(f"{where}.startTime", "is missing", hint="A time such as 2018-10-22T23:59:59+08.")
    end_ms = _time(_get(given, "endTime"), f"{where}.endTime", zone)
    if end_ms is not None and end_ms < start_ms:
        _refuse(f"{where}.endTime", "is before startTime", hint="Leave it out for a plan without an end.")
    expression = _text(given.get("expression"), f"{where}.expression", 255)
    fields = parse_quartz(expression, f"{where}.expression")
    interval = _choice(_get(given, "intervalType"), f"{where}.intervalType", _CYCLES)
    _number(_get(given, "concurrent"), f"{where}.concurrent", 1, MOST_CONCURRENT)
    _truth(_get(given, "dependPrePeriod"), f"{where}.dependPrePeriod")
    _dependencies(_get(given, "dependJobs"), f"{where}.dependJobs")
    return Cron(
        expression=expression,
        fields=fields,
        zone=zone,
        cycle=_CYCLES[interval] if interval else cycle_of(fields),
        discrete=fields.discrete,
        start_ms=start_ms,
        end_ms=end_ms,
        period=_text(given.get("period"), f"{where}.period", 64),
    )


def read_event(document: Any, where: str) -> Event | None:
    """An event object: of a schedule or of a real-time node's `eventTrigger`. None: an empty one."""
    given = _object(document, where)
    if not given:
        return None
    kind = _choice(_get(given, "eventType"), f"{where}.eventType", tuple(EventType))
    if not kind:
        _refuse(f"{where}.eventType", f"is missing; it must be one of {', '.join(EventType)}")
    fail_policy = _choice(_get(given, "failPolicy"), f"{where}.failPolicy", tuple(EventFailPolicy))
    read_policy = _choice(_get(given, "readPolicy"), f"{where}.readPolicy", tuple(ReadPolicy))
    return Event(
        type=EventType(kind),
        channel=_text(given.get("channel"), f"{where}.channel", 1024),
        connection=_text(_get(given, "connectionName"), f"{where}.connectionName", 128),
        fail_policy=EventFailPolicy(fail_policy or EventFailPolicy.SUSPEND),
        concurrent=_number(given.get("concurrent"), f"{where}.concurrent", 1, MOST_CONCURRENT) or 1,
        read_policy=ReadPolicy(read_policy or ReadPolicy.LAST),
        interval_seconds=_number(_get(given, "intervalSeconds"), f"{where}.intervalSeconds", 1, 3600) or 0,
    )


def cycle_of(fields: CronFields) -> Cycle:
    """The granularity that an expression has by itself, where its document does not say it (`intervalType`)."""
    if len(fields.minutes) > 1 or len(fields.seconds) > 1:
        return Cycle.MINUTE
    if len(fields.hours) > 1:
        return Cycle.HOUR
    if len(fields.months) == 1 and not fields.days.every:
        return Cycle.YEAR
    if fields.days.every:
        return Cycle.DAY
    if fields.by_weekday and not fields.days.last_weekdays and not fields.days.numbered_weekdays:
        return Cycle.WEEK
    return Cycle.SEASON if 1 < len(fields.months) <= 4 else Cycle.MONTH


# ---------------------------------------------------------------- parts of a schedule


def _type(given: Mapping[str, Any]) -> ScheduleType:
    kind = given.get("type")
    if kind is None:
        kind = _get(given, "scheType")
    if isinstance(kind, str):
        kind = TYPE_ALIASES.get(kind, kind)
    found = _choice(kind, "schedule.type", tuple(ScheduleType))
    if not found:
        _refuse("schedule.type", f"is missing; it must be one of {', '.join(ScheduleType)}")
    return ScheduleType(found)


class _More:
    """What the documents' API does not show: read from the schedule, or from its cron."""

    def __init__(self, schedule: Mapping[str, Any], cron: Mapping[str, Any]) -> None:
        self._places = (("schedule", schedule), ("schedule.cron", cron))

    def find(self, name: str) -> tuple[Any, str]:
        for where, place in self._places:
            value = _get(place, name)
            if value is not None:
                return value, f"{where}.{name}"
        return None, f"schedule.{name}"

    def truth(self, name: str) -> bool:
        return _truth(*self.find(name))

    def name(self, name: str) -> str:
        return _text(*self.find(name), 128)

    def choice(self, name: str, kind: type[CatchUp]) -> CatchUp | None:
        found = _choice(*self.find(name), tuple(kind))
        return kind(found) if found else None


def _obs_listening(more: _More) -> ObsListening | None:
    value, where = more.find("obsListening")
    given = _object(value, where)
    if not given:
        return None
    path = _text(given.get("path"), f"{where}.path", 1024)
    if not path:
        _refuse(f"{where}.path", "is missing", hint="A path such as obs://bucket/folder/; it may hold EL.")
    interval = _number(given.get("interval"), f"{where}.interval", 1, 60)
    timeout = _number(given.get("timeout"), f"{where}.timeout", 1, 1440)
    return ObsListening(path=path, interval_seconds=(interval or 1) * 60, timeout_seconds=(timeout or 1440) * 60)


def _waiting_days(body: Mapping[str, Any]) -> int | None:
    clean = _get(body, "cleanWaitingJob")
    if clean is not None and str(clean).strip().lower() in {"false", "no", "0"}:
        return 0
    given = _get(body, "cleanOverdueDays")
    if isinstance(given, bool) or given is None:
        return None
    return int(given) or None if str(given).strip().isascii() and str(given).strip().isdigit() else None


def _dependencies(value: Any, where: str) -> tuple[Dependency, ...]:
    found: dict[tuple[str, str, str], Dependency] = {}
    for at, group in _groups(value, where):
        period = _choice(_get(group, "dependPeriod"), f"{at}.dependPeriod", ("SAME_PERIOD", "PRE_PERIOD"))
        policy = _choice(_get(group, "dependFailPolicy"), f"{at}.dependFailPolicy", tuple(DependFailPolicy))
        back = 1 if period == "PRE_PERIOD" else 0
        fail_policy = DependFailPolicy(policy or DependFailPolicy.FAIL)
        for index, name in enumerate(_list(group.get("jobs"), f"{at}.jobs", "names of jobs")):
            job = _name(name, f"{at}.jobs[{index}]")
            found.setdefault((job, "", ""), Dependency(job=job, periods_back=back, fail_policy=fail_policy))
        others = [
            (f"{at}.{key}[{index}]", each)
            for key in ("sameWorkSpaceJobs", "otherWorkSpaceJobs")
            for index, each in enumerate(_list(_get(group, key), f"{at}.{key}", "objects with jobName"))
        ]
        if _get(group, "jobName") is not None:  # the newer API lists them one by one
            others.append((at, group))
        for place, each in others:
            one = _dependency(_object(each, place), place, back, fail_policy, same="sameWorkSpaceJobs" in place)
            found[one.job, one.workspace, one.workspace_name] = one  # says more than a bare name in `jobs`
    return tuple(found.values())


def _dependency(
    given: Mapping[str, Any], where: str, back: int, fail_policy: DependFailPolicy, *, same: bool
) -> Dependency:
    before = _get(given, "dependOnLastPeriod")
    number = _number(_get(given, "dependOnLastNPeriodValue"), f"{where}.dependOnLastNPeriodValue", 0, MOST_PERIODS_BACK)
    if before is not None:
        back = 1 if _truth(before, f"{where}.dependOnLastPeriod") else 0
    if number and (before is None or back):
        back = number
    return Dependency(
        job=_name(_get(given, "jobName"), f"{where}.jobName"),
        workspace="" if same else _text(_get(given, "workSpaceId"), f"{where}.workSpaceId", 128),
        workspace_name="" if same else _text(_get(given, "workSpace"), f"{where}.workSpace", 128),
        periods_back=back,
        take=_take(_get(given, "dependType")),
        fail_policy=fail_policy,
    )


def _take(given: Any) -> Take:
    """The documents type it as a text and list no values, so what isn't known is the default."""
    text = str(given or "").upper()
    return next((each for each in (Take.ALL, Take.ANY, Take.LAST) if each.value in text), Take.DEFAULT)


def _groups(value: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, list | tuple):  # the newer API types it as a list
        for index, each in enumerate(value):
            yield f"{where}[{index}]", _object(each, f"{where}[{index}]")
    else:
        yield where, _object(value, where)


# ---------------------------------------------------------------- single values


def _get(given: Mapping[str, Any], name: str) -> Any:
    """A field in the older spelling, or else in the newer one."""
    value = given.get(name)
    return given.get(_newer(name)) if value is None and given else value


@cache
def _newer(name: str) -> str:
    return _SNAKE.sub(lambda match: f"_{match[1].lower()}", name)


def _time(value: Any, field: str, zone: str) -> int | None:
    given = _text(value, field, 64)
    if not given:
        return None
    match = _TIME.fullmatch(given)
    try:
        wall = (datetime.fromisoformat(match[1]) - _EPOCH) // _SECOND if match else None
    except ValueError:
        wall = None
    if match is None or wall is None:
        _refuse(field, f"must be a time such as 2018-10-22T23:59:59+08, not {_short(value)}")
    if match[2]:
        return wall * 1000
    if match[3]:
        hours, minutes = int(match[4]), int(match[5] or "0")
        try:
            shift = timezone(timedelta(hours=hours, minutes=minutes)).utcoffset(None) // _SECOND
        except ValueError:
            _refuse(field, f"has an offset beyond a day: {_short(value)}")
        return (wall - shift if match[3] == "+" else wall + shift) * 1000
    return instant_of(zone, wall) * 1000


def _refuse(field: str, rule: str, *, hint: str = "") -> NoReturn:
    raise InvalidInput(f"{field} {rule}.", field=field, hint=hint, code=Code.JOB_SCHEDULE_INVALID)


def _object(value: Any, field: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        _refuse(field, f"must be an object, not {_short(value)}")
    return value


def _list(value: Any, field: str, of: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        _refuse(field, f"must be a list of {of}, not {_short(value)}")
    return list(value)


def _text(value: Any, field: str, most: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        _refuse(field, f"must be a text, not {_short(value)}")
    if len(value) > most:
        _refuse(field, f"must have at most {most} characters, not {len(value)}")
    return value


def _name(value: Any, field: str) -> str:
    found = _text(value, field, 128)
    if not found:
        _refuse(field, "must be the name of a job")
    return found


def _choice(value: Any, field: str, choices: Collection[str]) -> str:
    """Missing or empty: empty."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or value not in choices:
        _refuse(field, f"must be one of {', '.join(choices)}, not {_short(value)}")
    return value


def _number(value: Any, field: str, least: int, most: int) -> int | None:
    if value is None or value == "":
        return None
    found: int | None = None
    match value:
        case bool():
            pass
        case int():
            found = value
        case float() if value.is_integer():
            found = int(value)
        case str() if _WHOLE.fullmatch(value):
            found = int(value)
    if found is None or not least <= found <= most:
        _refuse(field, f"must be a whole number from {least} to {most}, not {_short(value)}")
    return found


def _truth(value: Any, field: str) -> bool:
    match value:
        case None | "":
            return False
        case bool():
            return value
        case str() if value.lower() in {"true", "1"}:
            return True
        case str() if value.lower() in {"false", "0"}:
            return False
        case 1 | 0:
            return bool(value)
    _refuse(field, f"must be true or false, not {_short(value)}")


# What other parts of the document check: here it only must not fail.


def _lenient_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _lenient_number(value: Any, most: int) -> int:
    text = str(value).strip()
    return min(int(text), most) if not isinstance(value, bool) and _WHOLE.fullmatch(text) else 0


def _lenient_truth(value: Any) -> bool:
    return str(value).strip().lower() in {"true", "1"}


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
