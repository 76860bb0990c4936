"""``Job``: what the running instance knows about itself and its nodes.

Names of parameters, nodes and variables that don't exist give null, as in the original. Working days: the day of
the plan time itself doesn't count; the result keeps the plan time's time of day; null if the calendar has no such
day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from arkwright.el.coerce import argument_integer, argument_needed_text, wrong_type
from arkwright.el.context import Context
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.functions.date_util import add_days
from arkwright.el.functions.signature import BuiltIn, Kind, Method, method, table
from arkwright.el.java_dates import format_date
from arkwright.el.java_zones import HOUR_MS
from arkwright.el.scope import Calendar, Fact, InsertJobId, NodeOutput, RunningData, WorkCalendar
from arkwright.el.values import Date


def _plan_time(context: Context) -> Date:
    return Date(context.scope.plan_time_ms)


def _start_time(context: Context) -> Date | None:
    started = context.scope.start_time_ms
    return None if started is None else Date(started)


def _obs_new_files(context: Context) -> object:
    files = context.scope.obs_new_files
    return files if files is None or isinstance(files, str) else list(files)


def _get_node_status(context: Context, node: str) -> str | None:
    return context.scope.node_status.get(node)


def _get_node_output(context: Context, node: str) -> object:
    return _text_fact(context, NodeOutput(node))


def _get_param(context: Context, name: str) -> str | None:
    return context.scope.parameters.get(name)


def _get_plan_time(context: Context, pattern: str) -> str:
    return format_date(context.scope.plan_time_ms, pattern, context.zone)


def _get_yesterday(context: Context, pattern: str) -> str:
    return format_date(add_days(context.scope.plan_time_ms, -1, context.zone), pattern, context.zone)


def _get_last_hour(context: Context, pattern: str) -> str:
    return format_date(context.scope.plan_time_ms - HOUR_MS, pattern, context.zone)


def _get_running_data(context: Context, node: str) -> object:
    return _text_fact(context, RunningData(node))


def _get_insert_job_id(context: Context, node: str | None = None) -> object:
    return _text_fact(context, InsertJobId(node))


def _text_fact(context: Context, fact: Fact) -> str | None:
    value = context.fact(fact)
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"the fact {fact} is a text or None, not {value!r}")


def _workday_method(name: str, *, direction: int, is_work: bool, takes_calendar: bool) -> Method:
    """One of the methods that look for the n-th working or free day before or after the plan time.

    The published examples call those that take a calendar also without one; that means the job's own calendar.
    """

    def run(context: Context, *arguments: object) -> str | None:
        calendar_name = argument_needed_text(arguments[0]) if len(arguments) == 3 else None
        count = argument_integer(arguments[-2])
        pattern = argument_needed_text(arguments[-1])
        if count < 1:
            raise wrong_type(f"expected a positive number of days, got {count}")
        today = context.zone.at(context.scope.plan_time_ms).date()
        days = _find_day(context, _work_calendar(context, calendar_name), today, count, direction, is_work=is_work)
        if days is None:
            return None
        return format_date(add_days(context.scope.plan_time_ms, days, context.zone), pattern, context.zone)

    optional = (Kind.ANY,) if takes_calendar else ()
    return method(name, Kind.ANY, Kind.ANY, optional=optional, run=run)


def _work_calendar(context: Context, name: str | None) -> WorkCalendar:
    value = context.fact(Calendar(name))
    if isinstance(value, WorkCalendar):
        return value
    if value is not None:
        raise TypeError(f"the fact Calendar is a WorkCalendar or None, not {value!r}")
    which = "the job has no calendar" if name is None else f"there is no calendar '{name}'"
    raise ElError(ErrorKind.NOT_AVAILABLE, which)


def _find_day(
    context: Context, work_calendar: WorkCalendar, today: date, count: int, direction: int, *, is_work: bool
) -> int | None:
    """How many days from today the n-th wanted day is; None if there are fewer."""
    for day in _candidates(work_calendar, today, direction, is_work=is_work):
        context.work(1)
        if work_calendar.is_workday(day) == is_work:
            count -= 1
            if not count:
                return (day - today).days
    return None


def _candidates(work_calendar: WorkCalendar, today: date, direction: int, *, is_work: bool) -> Iterator[date]:
    """Days that may be wanted, nearest first."""
    wanted_weekdays = work_calendar.weekdays if is_work else frozenset(range(1, 8)) - work_calendar.weekdays
    if not wanted_weekdays:
        # No weekday is one, so only the exceptions can be; otherwise the search would never end.
        yield from sorted(
            (day for day in work_calendar.exceptions if (day - today).days * direction > 0), reverse=direction < 0
        )
        return
    step = timedelta(days=direction)
    last = date.max if direction > 0 else date.min
    day = today
    while day != last:
        day += step
        yield day


_TRIGGER: Final = BuiltIn(name="Job.trigger", properties={"obsNewFiles": _obs_new_files})

JOB: Final = BuiltIn(
    name="Job",
    properties={
        "name": lambda context: context.scope.job_name,
        "projectId": lambda context: context.scope.project_id,
        "planTime": _plan_time,
        "startTime": _start_time,
        "eventData": lambda context: context.scope.event_data,
    },
    children={"trigger": _TRIGGER},
    methods=table(
        method("getNodeStatus", Kind.NEEDED_TEXT, run=_get_node_status),
        method("getNodeOutput", Kind.NEEDED_TEXT, run=_get_node_output),
        method("getParam", Kind.NEEDED_TEXT, run=_get_param),
        method("getPlanTime", Kind.NEEDED_TEXT, run=_get_plan_time),
        method("getYesterday", Kind.NEEDED_TEXT, run=_get_yesterday),
        method("getLastHour", Kind.NEEDED_TEXT, run=_get_last_hour),
        method("getRunningData", Kind.NEEDED_TEXT, run=_get_running_data),
        method("getInsertJobId", optional=(Kind.NEEDED_TEXT,), run=_get_insert_job_id),
        _workday_method("getPreviousWorkday", direction=-1, is_work=True, takes_calendar=False),
        _workday_method("getPreviousNonWorkday", direction=-1, is_work=False, takes_calendar=False),
        _workday_method("getCalendarPreviousWorkday", direction=-1, is_work=True, takes_calendar=True),
        _workday_method("getCalendarPreviousNonWorkday", direction=-1, is_work=False, takes_calendar=True),
        _workday_method("getCalendarNextWorkday", direction=1, is_work=True, takes_calendar=True),
        _workday_method("getCalendarNextNonWorkday", direction=1, is_work=False, takes_calendar=True),
    ),
)
