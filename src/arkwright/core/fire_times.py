"""The plan times of a cron: pure arithmetic on the wall clock of its zone.

Change of clocks: a plan whose minutes and hours are fixed values runs once for each of its wall times: one that does
not exist at the first instant after the gap, one that exists twice the first time. A plan over `*` or stepped hours
or minutes runs at each instant whose wall time matches, so by elapsed time through both. A day whose wall times all
fall into a gap still runs once, at the first instant after it. Start and end are inclusive. All times are epoch
milliseconds.

How: a wall time is a number of seconds since 1970-01-01 00:00 on the wall, found field by field, without stepping.
Between two changes of the clocks an instant is its wall time minus a constant: the search goes from one such stretch
to the next, and nearly always ends in the first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date
from typing import Final

from arkwright.core.quartz import FIRST_YEAR, CronFields, days_of
from arkwright.core.schedule import Cron
from arkwright.core.zone_changes import Change, first_change, instant_of, last_change, offset_at

_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST_YEAR: Final = 9_000
_FIRST_WALL: Final = (date(FIRST_YEAR - 70, 1, 1).toordinal() - _EPOCH) * _DAY
_LAST_WALL: Final = (date(_LAST_YEAR, 12, 31).toordinal() - _EPOCH) * _DAY
"""Outside of these nothing is looked for."""


def next_fire(cron: Cron, after_ms: int) -> int | None:
    """The first plan time strictly after an instant. None: there is none any more."""
    at = after_ms // 1000 + 1
    if cron.start_ms is not None and at * 1000 < cron.start_ms:
        at = -(-cron.start_ms // 1000)
    found = _next(cron.fields, cron.zone, at)
    if found is None or (cron.end_ms is not None and found * 1000 > cron.end_ms):
        return None
    return found * 1000


def previous_fire(cron: Cron, before_ms: int) -> int | None:
    """The last plan time strictly before an instant. None: there was none."""
    at = (before_ms - 1) // 1000
    if cron.end_ms is not None and at * 1000 > cron.end_ms:
        at = cron.end_ms // 1000
    found = _previous(cron.fields, cron.zone, at)
    if found is None or (cron.start_ms is not None and found * 1000 < cron.start_ms):
        return None
    return found * 1000


def fire_times(cron: Cron, after_ms: int) -> Iterator[int]:
    """All plan times strictly after an instant, ascending, without end where the cron has none."""
    at = next_fire(cron, after_ms)
    while at is not None:
        yield at
        at = next_fire(cron, at)


def fire_times_between(cron: Cron, from_ms: int, to_ms: int) -> Iterator[int]:
    """The plan times in `from_ms <= plan time < to_ms`, ascending."""
    for at in fire_times(cron, from_ms - 1):
        if at >= to_ms:
            return
        yield at


# ---------------------------------------------------------------- instants


def _next(fields: CronFields, zone: str, at: int) -> int | None:
    """The first fire at `at` or later, in seconds."""
    at = max(at, _FIRST_WALL + _DAY)
    if at > _LAST_WALL - _DAY:
        return None
    offset = offset_at(zone, at)
    if not fields.by_elapsed_time:
        doubled = last_change(zone, at - _DAY, at)
        wall = at + offset
        if doubled is not None and wall < doubled.at + doubled.before:
            wall = doubled.at + doubled.before  # the second pass through a doubled hour: its times have been
        found = _wall_from(fields, wall)
        return None if found is None else instant_of(zone, found)
    start = at
    while True:
        found = _wall_from(fields, at + offset)
        if found is None:
            return None
        change = first_change(zone, start, found - offset)
        if change is None:
            return found - offset
        if _loses_a_day(fields, change):
            return change.at
        at, offset, start = change.at, change.after, change.at + 1


def _previous(fields: CronFields, zone: str, at: int) -> int | None:
    """The last fire at `at` or earlier, in seconds."""
    if at > _LAST_WALL - _DAY:
        at = _LAST_WALL - _DAY
    if at < _FIRST_WALL + _DAY:
        return None
    offset = offset_at(zone, at)
    if not fields.by_elapsed_time:
        change = last_change(zone, at - _DAY, at)
        wall = at + offset
        if change is not None:
            # In the second pass through a doubled hour all its times have been.
            wall = max(wall, change.at + change.before - 1)
        found = _wall_until(fields, wall)
        return None if found is None else instant_of(zone, found)
    while True:
        found = _wall_until(fields, at + offset)
        if found is None:
            return None
        change = last_change(zone, found - offset, at)
        if change is None or change.at == found - offset:
            return found - offset
        if _loses_a_day(fields, change):
            return change.at
        at, offset = change.at - 1, change.before


def _loses_a_day(fields: CronFields, change: Change) -> bool:
    """Whether a gap swallows all wall times that the plan has on some day."""
    start, end = change.at + change.before, change.at + change.after
    for day in range(start // _DAY, (end - 1) // _DAY + 1) if start < end else ():
        first = _wall_from(fields, day * _DAY)
        if first is not None and start <= first < end and first // _DAY == day:
            last = _wall_until(fields, day * _DAY + _DAY - 1)
            if last is not None and start <= last < end:
                return True
    return False


# ---------------------------------------------------------------- wall times


def _wall_from(fields: CronFields, wall: int) -> int | None:
    """The first wall time of the plan at `wall` or later."""
    day, second = divmod(wall, _DAY)
    every_day = fields.days.every and fields.years is None and len(fields.months) == 12
    if every_day or _has_day(fields, day):
        time = _time_from(fields, second)
        if time is not None:
            return day * _DAY + time
    later = day + 1 if every_day else _day_from(fields, day + 1)
    if later is None:
        return None
    return later * _DAY + fields.hours[0] * 3600 + fields.minutes[0] * 60 + fields.seconds[0]


def _wall_until(fields: CronFields, wall: int) -> int | None:
    """The last wall time of the plan at `wall` or earlier."""
    day, second = divmod(wall, _DAY)
    every_day = fields.days.every and fields.years is None and len(fields.months) == 12
    if every_day or _has_day(fields, day):
        time = _time_until(fields, second)
        if time is not None:
            return day * _DAY + time
    earlier = day - 1 if every_day else _day_until(fields, day - 1)
    if earlier is None:
        return None
    return earlier * _DAY + fields.hours[-1] * 3600 + fields.minutes[-1] * 60 + fields.seconds[-1]


def _time_from(fields: CronFields, second: int) -> int | None:
    """The first time of day at `second` or later."""
    hour, rest = divmod(second, 3600)
    hours, minutes, seconds = fields.hours, fields.minutes, fields.seconds
    index = bisect_left(hours, hour)
    if index < len(hours) and hours[index] == hour:
        minute, rest = divmod(rest, 60)
        place = bisect_left(minutes, minute)
        if place < len(minutes) and minutes[place] == minute:
            at = bisect_left(seconds, rest)
            if at < len(seconds):
                return hour * 3600 + minute * 60 + seconds[at]
            place += 1
        if place < len(minutes):
            return hour * 3600 + minutes[place] * 60 + seconds[0]
        index += 1
    if index < len(hours):
        return hours[index] * 3600 + minutes[0] * 60 + seconds[0]
    return None


def _time_until(fields: CronFields, second: int) -> int | None:
    """The last time of day at `second` or earlier."""
    hour, rest = divmod(second, 3600)
    hours, minutes, seconds = fields.hours, fields.minutes, fields.seconds
    index = bisect_right(hours, hour) - 1
    if index >= 0 and hours[index] == hour:
        minute, rest = divmod(rest, 60)
        place = bisect_right(minutes, minute) - 1
        if place >= 0 and minutes[place] == minute:
            at = bisect_right(seconds, rest) - 1
            if at >= 0:
                return hour * 3600 + minute * 60 + seconds[at]
            place -= 1
        if place >= 0:
            return hour * 3600 + minutes[place] * 60 + seconds[-1]
        index -= 1
    if index >= 0:
        return hours[index] * 3600 + minutes[-1] * 60 + seconds[-1]
    return None


def _has_day(fields: CronFields, day: int) -> bool:
    on = date.fromordinal(day + _EPOCH)
    if on.month not in fields.months or (fields.years is not None and on.year not in fields.years):
        return False
    return fields.days.every or on.day in days_of(fields.days, on.year, on.month)


def _day_from(fields: CronFields, day: int) -> int | None:
    """The first day of the plan at `day` or later, counted from 1970-01-01."""
    on = date.fromordinal(day + _EPOCH)
    year, month, least = on.year, on.month, on.day
    last = min(_LAST_YEAR, fields.years[-1]) if fields.years is not None else _LAST_YEAR
    while year <= last:
        if fields.years is None or year in fields.years:
            for each in fields.months[bisect_left(fields.months, month) :]:
                days = days_of(fields.days, year, each)
                index = bisect_left(days, least) if each == month else 0
                if index < len(days):
                    return date(year, each, days[index]).toordinal() - _EPOCH
        year, month, least = year + 1, 1, 1
    return None


def _day_until(fields: CronFields, day: int) -> int | None:
    """The last day of the plan at `day` or earlier."""
    on = date.fromordinal(day + _EPOCH)
    year, month, most = on.year, on.month, on.day
    first = FIRST_YEAR - 70 if fields.years is None else fields.years[0]
    while year >= first:
        if fields.years is None or year in fields.years:
            for each in reversed(fields.months[: bisect_right(fields.months, month)]):
                days = days_of(fields.days, year, each)
                index = (bisect_right(days, most) if each == month else len(days)) - 1
                if index >= 0:
                    return date(year, each, days[index]).toordinal() - _EPOCH
        year, month, most = year - 1, 12, 31
    return None
