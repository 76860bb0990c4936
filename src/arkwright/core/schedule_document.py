"""Reads the schedule of a stored job document into `core.schedule`, in the older and the newer API's spelling.

This is the one place that knows the rules of a schedule's fields (factory-api 6.2): the API checks a document by
reading it. Every complaint is an `InvalidInput(JOB_SCHEDULE_INVALID)` naming the field and the rule.

Beyond the documents (whose console has these, and whose API does not show them) a schedule may hold, beside its
`cron`: `skipWaiting`, `manualConfirmation`, `waitForEnd` (true or false), `calendar` and `taskGroup` (names),
`catchUp` (ALL, LATEST, NONE) and `obsListening` (`path`, `interval` and `timeout` in minutes). They are also
understood inside of `cron`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

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
from arkwright.core.schedule_values import (
    choice_of,
    field_of,
    lenient_number,
    lenient_text,
    lenient_truth,
    list_of,
    name_of,
    number_of,
    object_of,
    refuse,
    text_of,
    time_of,
    truth_of,
)
from arkwright.core.zone_changes import check_zone

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


def read_schedule(body: Mapping[str, Any], *, default_zone: str) -> Schedule:
    """The schedule in a job's whole document (its `schedule`, `cleanOverdueDays`, `basicConfig.priority`, …).

    `default_zone`: the workspace's, for plans without `expressionTimeZone` and times without an offset. Raises
    `InvalidInput(JOB_SCHEDULE_INVALID)` naming the field. A document without a schedule is one that is run by hand.
    """
    given = object_of(body.get("schedule"), "schedule")
    kind = _type(given) if given else ScheduleType.EXECUTE_ONCE
    cron_given = object_of(given.get("cron"), "schedule.cron")
    cron = read_cron(cron_given, "schedule.cron", default_zone=default_zone)
    event = read_event(given.get("event"), "schedule.event")
    dependencies = _dependencies(field_of(cron_given, "dependJobs"), "schedule.cron.dependJobs")
    more = _More(given, cron_given)
    basic = body.get("basicConfig")
    basic = basic if isinstance(basic, Mapping) else {}
    periodic = kind is ScheduleType.CRON and cron is not None
    return Schedule(
        type=kind,
        cron=cron if periodic else None,
        event=event if kind is ScheduleType.EVENT else None,
        dependencies=dependencies if periodic else (),
        self_dependent=periodic and truth_of(field_of(cron_given, "dependPrePeriod"), "schedule.cron.dependPrePeriod"),
        concurrent=number_of(field_of(cron_given, "concurrent"), "schedule.cron.concurrent", 1, MOST_CONCURRENT),
        wait_for_end=more.truth("waitForEnd"),
        skip_waiting=more.truth("skipWaiting"),
        manual_confirmation=more.truth("manualConfirmation"),
        calendar=more.name("calendar"),
        catch_up=more.choice("catchUp", CatchUp),
        waiting_days=_waiting_days(body),
        obs_listening=_obs_listening(more),
        task_group=more.name("taskGroup") or lenient_text(field_of(basic, "taskGroup")),
        priority=lenient_number(basic.get("priority", body.get("priority")), 2),
        dry_run=lenient_truth(field_of(body, "emptyRunningJob")),
    )


def read_cron(document: Any, where: str, *, default_zone: str) -> Cron | None:
    """A cron object alone: of a schedule, of a real-time node's `cronTrigger`, of the preview. None: an empty one."""
    given = object_of(document, where)
    if not given:
        return None
    zone_field = f"{where}.expressionTimeZone"
    named = text_of(field_of(given, "expressionTimeZone"), zone_field, 64)
    zone = check_zone(named, zone_field) if named else default_zone
    start_ms = time_of(field_of(given, "startTime"), f"{where}.startTime", zone)
    if start_ms is None:
        refuse(f"{where}.startTime", "is missing", hint="A time such as 2018-10-22T23:59:59+08.")
    end_ms = time_of(field_of(given, "endTime"), f"{where}.endTime", zone)
    if end_ms is not None and end_ms < start_ms:
        refuse(f"{where}.endTime", "is before startTime", hint="Leave it out for a plan without an end.")
    expression = text_of(given.get("expression"), f"{where}.expression", 255)
    fields = parse_quartz(expression, f"{where}.expression")
    interval = choice_of(field_of(given, "intervalType"), f"{where}.intervalType", _CYCLES)
    number_of(field_of(given, "concurrent"), f"{where}.concurrent", 1, MOST_CONCURRENT)
    truth_of(field_of(given, "dependPrePeriod"), f"{where}.dependPrePeriod")
    _dependencies(field_of(given, "dependJobs"), f"{where}.dependJobs")
    return Cron(
        expression=expression,
        fields=fields,
        zone=zone,
        cycle=_CYCLES[interval] if interval else cycle_of(fields),
        discrete=fields.discrete,
        start_ms=start_ms,
        end_ms=end_ms,
        period=text_of(given.get("period"), f"{where}.period", 64),
    )


def read_event(document: Any, where: str) -> Event | None:
    """An event object: of a schedule or of a real-time node's `eventTrigger`. None: an empty one."""
    given = object_of(document, where)
    if not given:
        return None
    kind = choice_of(field_of(given, "eventType"), f"{where}.eventType", tuple(EventType))
    if not kind:
        refuse(f"{where}.eventType", f"is missing; it must be one of {', '.join(EventType)}")
    fail_policy = choice_of(field_of(given, "failPolicy"), f"{where}.failPolicy", tuple(EventFailPolicy))
    read_policy = choice_of(field_of(given, "readPolicy"), f"{where}.readPolicy", tuple(ReadPolicy))
    return Event(
        type=EventType(kind),
        channel=text_of(given.get("channel"), f"{where}.channel", 1024),
        connection=text_of(field_of(given, "connectionName"), f"{where}.connectionName", 128),
        fail_policy=EventFailPolicy(fail_policy or EventFailPolicy.SUSPEND),
        concurrent=number_of(given.get("concurrent"), f"{where}.concurrent", 1, MOST_CONCURRENT) or 1,
        read_policy=ReadPolicy(read_policy or ReadPolicy.LAST),
        interval_seconds=number_of(field_of(given, "intervalSeconds"), f"{where}.intervalSeconds", 1, 3600) or 0,
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
        kind = field_of(given, "scheType")
    if isinstance(kind, str):
        kind = TYPE_ALIASES.get(kind, kind)
    found = choice_of(kind, "schedule.type", tuple(ScheduleType))
    if not found:
        refuse("schedule.type", f"is missing; it must be one of {', '.join(ScheduleType)}")
    return ScheduleType(found)


class _More:
    """What the documents' API does not show: read from the schedule, or from its cron."""

    def __init__(self, schedule: Mapping[str, Any], cron: Mapping[str, Any]) -> None:
        self._places = (("schedule", schedule), ("schedule.cron", cron))

    def find(self, name: str) -> tuple[Any, str]:
        for where, place in self._places:
            value = field_of(place, name)
            if value is not None:
                return value, f"{where}.{name}"
        return None, f"schedule.{name}"

    def truth(self, name: str) -> bool:
        return truth_of(*self.find(name))

    def name(self, name: str) -> str:
        return text_of(*self.find(name), 128)

    def choice(self, name: str, kind: type[CatchUp]) -> CatchUp | None:
        found = choice_of(*self.find(name), tuple(kind))
        return kind(found) if found else None


def _obs_listening(more: _More) -> ObsListening | None:
    value, where = more.find("obsListening")
    given = object_of(value, where)
    if not given:
        return None
    path = text_of(given.get("path"), f"{where}.path", 1024)
    if not path:
        refuse(f"{where}.path", "is missing", hint="A path such as obs://bucket/folder/; it may hold EL.")
    interval = number_of(given.get("interval"), f"{where}.interval", 1, 60)
    timeout = number_of(given.get("timeout"), f"{where}.timeout", 1, 1440)
    return ObsListening(path=path, interval_seconds=(interval or 1) * 60, timeout_seconds=(timeout or 1440) * 60)


def _waiting_days(body: Mapping[str, Any]) -> int | None:
    clean = field_of(body, "cleanWaitingJob")
    if clean is not None and str(clean).strip().lower() in {"false", "no", "0"}:
        return 0
    given = field_of(body, "cleanOverdueDays")
    if isinstance(given, bool) or given is None:
        return None
    return int(given) or None if str(given).strip().isascii() and str(given).strip().isdigit() else None


def _dependencies(value: Any, where: str) -> tuple[Dependency, ...]:
    found: dict[tuple[str, str, str], Dependency] = {}
    for at, group in _groups(value, where):
        period = choice_of(field_of(group, "dependPeriod"), f"{at}.dependPeriod", ("SAME_PERIOD", "PRE_PERIOD"))
        policy = choice_of(field_of(group, "dependFailPolicy"), f"{at}.dependFailPolicy", tuple(DependFailPolicy))
        back = 1 if period == "PRE_PERIOD" else 0
        fail_policy = DependFailPolicy(policy or DependFailPolicy.FAIL)
        for index, name in enumerate(list_of(group.get("jobs"), f"{at}.jobs", "names of jobs")):
            job = name_of(name, f"{at}.jobs[{index}]")
            found.setdefault((job, "", ""), Dependency(job=job, periods_back=back, fail_policy=fail_policy))
        others = [
            (f"{at}.{key}[{index}]", each)
            for key in ("sameWorkSpaceJobs", "otherWorkSpaceJobs")
            for index, each in enumerate(list_of(field_of(group, key), f"{at}.{key}", "objects with jobName"))
        ]
        if field_of(group, "jobName") is not None:  # the newer API lists them one by one
            others.append((at, group))
        for place, each in others:
            one = _dependency(object_of(each, place), place, back, fail_policy, same="sameWorkSpaceJobs" in place)
            found[one.job, one.workspace, one.workspace_name] = one  # says more than a bare name in `jobs`
    return tuple(found.values())


def _dependency(
    given: Mapping[str, Any], where: str, back: int, fail_policy: DependFailPolicy, *, same: bool
) -> Dependency:
    before = field_of(given, "dependOnLastPeriod")
    number = number_of(
        field_of(given, "dependOnLastNPeriodValue"), f"{where}.dependOnLastNPeriodValue", 0, MOST_PERIODS_BACK
    )
    if before is not None:
        back = 1 if truth_of(before, f"{where}.dependOnLastPeriod") else 0
    if number and (before is None or back):
        back = number
    return Dependency(
        job=name_of(field_of(given, "jobName"), f"{where}.jobName"),
        workspace="" if same else text_of(field_of(given, "workSpaceId"), f"{where}.workSpaceId", 128),
        workspace_name="" if same else text_of(field_of(given, "workSpace"), f"{where}.workSpace", 128),
        periods_back=back,
        take=_take(field_of(given, "dependType")),
        fail_policy=fail_policy,
    )


def _take(given: Any) -> Take:
    """The documents type it as a text and list no values, so what isn't known is the default."""
    text = str(given or "").upper()
    return next((each for each in (Take.ALL, Take.ANY, Take.LAST) if each.value in text), Take.DEFAULT)


def _groups(value: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, list | tuple):  # the newer API types it as a list
        for index, each in enumerate(value):
            yield f"{where}[{index}]", object_of(each, f"{where}[{index}]")
    else:
        yield where, object_of(value, where)
