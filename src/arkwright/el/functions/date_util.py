"""``DateUtil``: formatting, parsing and moving dates, in the zone of the workspace.

Days and months keep the wall time. If that doesn't exist on the new day (clocks go forward), it moves forward by the
gap; if it exists twice, days keep the offset they had and months take the later one. Hours and minutes are elapsed
time.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date
from typing import Final

from arkwright.el.context import Context
from arkwright.el.functions.signature import BuiltIn, Kind, method, table
from arkwright.el.java_date_parse import parse_date
from arkwright.el.java_dates import format_date
from arkwright.el.java_zones import DAY_MS, HOUR_MS, MINUTE_MS, Zone, out_of_range, wall_ms
from arkwright.el.scope import ClockNow
from arkwright.el.values import Date, Integer

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def add_days(milliseconds: int, days: int, zone: Zone) -> int:
    """The same wall time, some days later."""
    moved = milliseconds + days * DAY_MS
    if zone.fixed_ms is not None:
        return moved
    shift = zone.offset_ms(milliseconds)
    if zone.offset_ms(moved) == shift:
        return moved
    return zone.instant(moved + shift)


def add_months(milliseconds: int, months: int, zone: Zone) -> int:
    """The same day of the month and wall time, some months later; the month's last day if it is too short."""
    if not months:
        return milliseconds
    wall = wall_ms(zone.at(milliseconds), milliseconds)
    days, of_day = divmod(wall, DAY_MS)
    day = date.fromordinal(days + _EPOCH_DAY)
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if not 1 <= year <= 9999:
        raise out_of_range()
    day_of_month = min(day.day, calendar.monthrange(year, month + 1)[1])
    ordinal = date(year, month + 1, day_of_month).toordinal()
    return zone.instant((ordinal - _EPOCH_DAY) * DAY_MS + of_day)


def _format(context: Context, moment: Date, pattern: str) -> str:
    return format_date(moment.milliseconds, pattern, context.zone)


def _parse_date(context: Context, text: str, pattern: str) -> Date:
    # Java takes the century of two-digit years from the clock; the plan time keeps the answer the same forever.
    return Date(parse_date(text, pattern, context.zone, reference_ms=context.scope.plan_time_ms))


def _add_months(context: Context, moment: Date, months: int) -> Date:
    return _checked(add_months(moment.milliseconds, months, context.zone))


def _add_days(context: Context, moment: Date, days: int) -> Date:
    return _checked(add_days(moment.milliseconds, days, context.zone))


def _add_hours(context: Context, moment: Date, hours: int) -> Date:
    return _checked(moment.milliseconds + hours * HOUR_MS)


def _add_minutes(context: Context, moment: Date, minutes: int) -> Date:
    return _checked(moment.milliseconds + minutes * MINUTE_MS)


def _now(context: Context) -> Date:
    now = context.fact(ClockNow())
    if not isinstance(now, int):
        raise TypeError(f"the fact ClockNow is a number of milliseconds, not {now!r}")
    return Date(now)


def _get_time(context: Context, moment: Date) -> int:
    return moment.milliseconds


def _part(read: Callable[[date], int]) -> Callable[[Context, Date], Integer]:
    return lambda context, moment: Integer(read(context.zone.at(moment.milliseconds)))


# About the years 1 to 9999, less a day at either end so that every zone can show them.
_EARLIEST: Final = (1 - _EPOCH_DAY + 1) * DAY_MS
_LATEST: Final = (date.max.toordinal() - _EPOCH_DAY - 1) * DAY_MS


def _checked(milliseconds: int) -> Date:
    if _EARLIEST <= milliseconds <= _LATEST:
        return Date(milliseconds)
    raise out_of_range()


DATE_UTIL: Final = BuiltIn(
    name="DateUtil",
    methods=table(
        method("format", Kind.DATE, Kind.NEEDED_TEXT, run=_format),
        method("parseDate", Kind.NEEDED_TEXT, Kind.NEEDED_TEXT, run=_parse_date),
        method("addMonths", Kind.DATE, Kind.INTEGER, run=_add_months),
        method("addDays", Kind.DATE, Kind.INTEGER, run=_add_days),
        method("addHours", Kind.DATE, Kind.INTEGER, run=_add_hours),
        method("addMinutes", Kind.DATE, Kind.INTEGER, run=_add_minutes),
        method("getDay", Kind.DATE, run=_part(lambda day: day.day)),
        method("getMonth", Kind.DATE, run=_part(lambda day: day.month)),
        method("getQuarter", Kind.DATE, run=_part(lambda day: (day.month + 2) // 3)),
        method("getYear", Kind.DATE, run=_part(lambda day: day.year)),
        method("now", run=_now),
        method("getTime", Kind.DATE, run=_get_time),
    ),
)
