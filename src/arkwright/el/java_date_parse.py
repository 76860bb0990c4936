"""Reading dates from text with the patterns of Java's SimpleDateFormat, leniently.

Lenient means: 30 February is 1 or 2 March, hour 25 is the next day, text after the pattern is ignored. Fields may
contradict each other; then the ones read last win, in the groups in which Java's calendar looks at them (month and
day; month, week and weekday; day of the year; week of the year and weekday).

Two digits for a year (pattern ``yy``) mean a year at most 80 years before and less than 20 after a reference, which
Java takes from the clock. Here the caller gives it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.java_dates import (
    ERAS,
    HALF_DAYS,
    MONTHS,
    SHORT_MONTHS,
    SHORT_WEEKDAYS,
    WEEKDAYS,
    PatternPart,
    read_pattern,
)
from arkwright.el.java_zones import DAY_MS, HOUR_MS, MINUTE_MS, Zone, find_zone, out_of_range
from arkwright.el.zone_names import ZoneNames, all_names

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_NUMBER: Final = re.compile(r"-?\d+")
_DIGIT: Final = re.compile(r"\d")
_OFFSET: Final = re.compile(r"(\d\d)(\d\d)", re.ASCII)
_OFFSET_COLON: Final = re.compile(r"(\d\d?):(\d\d)", re.ASCII)
_OFFSET_HOURS: Final = re.compile(r"(\d\d)", re.ASCII)
_OFFSET_COLON_ISO: Final = re.compile(r"(\d\d):(\d\d)", re.ASCII)

# Java holds fields in 32 bits and wraps; a number that large is a mistake in the text.
_LARGEST_FIELD: Final = 2**31 - 1

# Which field of the calendar a letter sets, for letters that simply set a number.
_SIMPLE: Final = {
    "d": "day", "H": "hour", "m": "minute", "s": "second", "S": "millisecond", "K": "hour12", "D": "day_of_year",
    "F": "weekday_in_month", "w": "week_of_year", "W": "week_of_month",
}  # fmt: skip


def parse_date(text: str, pattern: str, zone: Zone, *, reference_ms: int) -> int:
    """The instant that a text stands for; ElError if it doesn't fit the pattern."""
    fields = _Fields(century_start=_century_start(reference_ms, zone))
    position = 0
    parts = read_pattern(pattern)
    for number, part in enumerate(parts):
        if not part.letter:
            if not text.startswith(part.text, position):
                raise _mismatch(text, pattern, position)
            position += len(part.text)
            continue
        following = parts[number + 1] if number + 1 < len(parts) else None
        adjoins = following is not None and _is_number(following)
        end = _read_field(text, position, part, adjoins, fields, zone)
        if end is None:
            raise _mismatch(text, pattern, position)
        position = end
    return _instant(fields, zone)


@dataclass(slots=True)
class _Fields:
    """What was read: values by field name, and for each when it was set (later wins)."""

    century_start: tuple[int, int]
    values: dict[str, int] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    latest_stamp: int = 0
    offset_ms: int | None = None
    named_zone: Zone | None = None
    named_saving_ms: int | None = None
    is_year_ambiguous: bool = False

    def set(self, name: str, value: int) -> None:
        self.values[name] = value
        self.latest_stamp += 1
        self.stamps[name] = self.latest_stamp

    def stamp(self, name: str) -> int:
        return self.stamps.get(name, 0)


def _century_start(reference_ms: int, zone: Zone) -> tuple[int, int]:
    """The first moment that a two-digit year can mean: its year, and its instant."""
    moment = zone.at(reference_ms)
    start_year = max(moment.year - 80, 1)
    day = min(moment.day, 28) if moment.month == 2 else moment.day
    ordinal = date(start_year, moment.month, day).toordinal()
    of_day = (moment.hour * 3600 + moment.minute * 60 + moment.second) * 1000 + reference_ms % 1000
    return start_year, zone.instant((ordinal - _EPOCH_DAY) * DAY_MS + of_day)


def _mismatch(text: str, pattern: str, position: int) -> ElError:
    shown = text if len(text) <= 60 else text[:57] + "…"
    message = f"'{shown}' doesn't fit the date pattern '{pattern}' from character {position + 1} on"
    return ElError(ErrorKind.DATE_VALUE, message)


def _is_number(part: PatternPart) -> bool:
    return part.letter != "" and part.letter not in "GEazZX" and not (part.letter in "ML" and part.count > 2)


def _read_field(text: str, start: int, part: PatternPart, adjoins: bool, fields: _Fields, zone: Zone) -> int | None:
    """Read one field and return where it ends, or None if the text has something else there."""
    position = start
    while position < len(text) and text[position] in " \t":
        position += 1
    if position >= len(text):
        return None
    letter = part.letter
    match letter:
        case "G":
            return _read_name(text, start, "era", (ERAS,), 0, fields)
        case "E":
            return _read_name(text, start, "weekday", (WEEKDAYS, SHORT_WEEKDAYS), 1, fields)
        case "a":
            return _read_name(text, start, "half_day", (HALF_DAYS,), 0, fields)
        case "M" | "L" if part.count > 2:
            return _read_name(text, start, "month", (MONTHS, SHORT_MONTHS), 0, fields)
        case "z" | "Z":
            return _read_zone(text, start, position, fields, zone)
        case "X":
            return _read_iso_offset(text, position, part.count, fields)
        case _:
            return _read_number(text, start, position, part, adjoins, fields)


def _read_number(text: str, start: int, position: int, part: PatternPart, adjoins: bool, fields: _Fields) -> int | None:
    # "yyyyMMdd": a number directly before another field takes exactly as many characters as it has letters.
    limit = start + part.count if adjoins else len(text)
    if limit > len(text):
        return None
    found = _NUMBER.match(text, position, limit)
    if found is None or len(found[0]) > 18:
        return None
    value = int(found[0])
    if abs(value) > _LARGEST_FIELD:
        return None
    match part.letter:
        case "y" | "Y":
            if part.count <= 2 and found.end() - position == 2 and _DIGIT.match(text, position):
                value = _full_year(value, fields)
            fields.set("year" if part.letter == "y" else "week_year", value)
        case "M" | "L":
            fields.set("month", value - 1)
        case "k":
            fields.set("hour", 0 if value == 24 else value)
        case "h":
            fields.set("hour12", 0 if value == 12 else value)
        case "u":
            # Sunday is 1 inside the calendar; numbers that are no weekday stay as they are.
            fields.set("weekday", value % 7 + 1 if 1 <= value <= 7 else value)
        case letter:
            fields.set(_SIMPLE[letter], value)
    return found.end()


def _full_year(two_digits: int, fields: _Fields) -> int:
    start_year = fields.century_start[0]
    boundary = start_year % 100
    fields.is_year_ambiguous = two_digits == boundary
    return two_digits + start_year // 100 * 100 + (100 if two_digits < boundary else 0)


def _read_name(
    text: str, start: int, name: str, lists: Sequence[Sequence[str]], first: int, fields: _Fields
) -> int | None:
    for names in lists:
        best = -1
        for index, known in enumerate(names):
            longer = best < 0 or len(known) > len(names[best])
            if longer and text[start : start + len(known)].lower() == known.lower():
                best = index
        if best >= 0:
            fields.set(name, best + first)
            return start + len(names[best])
    return None


def _read_zone(text: str, start: int, position: int, fields: _Fields, zone: Zone) -> int | None:
    sign = text[position]
    if sign in "+-":
        return _read_offset(text, position + 1, sign, _OFFSET, fields)
    if text[start : start + 3].lower() == "gmt":
        end = start + 3
        if end < len(text) and text[end] in "+-":
            return _read_offset(text, end + 1, text[end], _OFFSET_COLON, fields)
        fields.offset_ms = 0
        return end
    return _read_zone_name(text, position, fields, zone)


def _read_offset(text: str, position: int, sign: str, form: re.Pattern[str], fields: _Fields) -> int | None:
    found = form.match(text, position)
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2]) if form.groups > 1 else 0
    if hours > 23 or minutes > 59:
        return None
    offset = hours * HOUR_MS + minutes * MINUTE_MS
    fields.offset_ms = -offset if sign == "-" else offset
    fields.named_zone = None
    return found.end()


def _read_iso_offset(text: str, position: int, count: int, fields: _Fields) -> int | None:
    if text[position] == "Z":
        fields.offset_ms = 0
        return position + 1
    if text[position] not in "+-":
        return None
    form = (_OFFSET_HOURS, _OFFSET, _OFFSET_COLON_ISO)[count - 1]
    return _read_offset(text, position + 1, text[position], form, fields)


def _read_zone_name(text: str, position: int, fields: _Fields, zone: Zone) -> int | None:
    own = (zone.names._replace(zone=zone.name),) if zone.names is not None else ()
    for names in (*own, *all_names()):
        # Long names first: "GMT" must not win over a longer name that begins like it.
        for index in (2, 0, 3, 1):
            name = names[index]
            if text[position : position + len(name)].lower() == name.lower():
                _take_zone(names, index, fields)
                return position + len(name)
    return None


def _take_zone(names: ZoneNames, index: int, fields: _Fields) -> None:
    fields.named_zone = find_zone(names.zone)
    same = (names.long_standard == names.long_daylight) if index >= 2 else names.short_standard == names.short_daylight
    saving = _daylight_saving(names.zone) if index in (1, 3) else 0
    if not same and (saving or index in (0, 2)):
        fields.offset_ms = None
        fields.named_saving_ms = saving


@lru_cache(maxsize=256)
def _daylight_saving(name: str) -> int:
    """How much a zone saves in summer nowadays; 0 for zones that have given it up."""
    info = find_zone(name).info
    savings = [abs(datetime(2024, month, 20, tzinfo=info).dst() or timedelta()) for month in range(1, 13)]
    return max(savings) // timedelta(milliseconds=1)


def _instant(fields: _Fields, zone: Zone) -> int:
    """Put the fields together as Java's lenient calendar does."""
    day = _week_date(fields) if fields.stamp("week_year") > fields.stamp("year") else _day(fields)
    wall = (day - _EPOCH_DAY) * DAY_MS + _time_of_day(fields)
    instant = _to_instant(wall, fields, zone)
    if fields.is_year_ambiguous and instant < fields.century_start[1]:
        fields.is_year_ambiguous = False
        for name in ("year", "week_year"):
            fields.values[name] = fields.values.get(name, 1970) + 100
        return _instant(fields, zone)
    return instant


def _to_instant(wall: int, fields: _Fields, zone: Zone) -> int:
    if fields.offset_ms is not None:
        instant = wall - fields.offset_ms
    elif fields.named_zone is None:
        instant = zone.instant(wall)
    elif fields.named_saving_ms is None:
        instant = fields.named_zone.instant(wall)
    else:
        named = fields.named_zone
        there = named.at(named.instant(wall))
        offset = there.utcoffset() or timedelta()
        if named.is_daylight(there):
            offset -= there.dst() or timedelta(hours=1)
        instant = wall - offset // timedelta(milliseconds=1) - fields.named_saving_ms
    zone.at(instant)  # refuses years that don't exist here
    return instant


def _time_of_day(fields: _Fields) -> int:
    values = fields.values
    twelve = _both(fields.stamp("hour12"), fields.stamp("half_day"))
    best = max(twelve, fields.stamp("hour")) or max(fields.stamp("hour12"), fields.stamp("half_day"))
    if best and best == fields.stamp("hour"):
        hours = values["hour"]
    else:
        hours = values.get("hour12", 0) + 12 * values.get("half_day", 0)
    of_day = hours * HOUR_MS + values.get("minute", 0) * MINUTE_MS
    return of_day + values.get("second", 0) * 1000 + values.get("millisecond", 0)


def _day(fields: _Fields) -> int:
    """The day's ordinal, from whichever group of fields was set last."""
    values, stamp = fields.values, fields.stamp
    weekday_stamp = stamp("weekday")
    of_month = stamp("day")
    of_week_of_month = _both(stamp("week_of_month"), weekday_stamp)
    of_weekday_in_month = _both(stamp("weekday_in_month"), weekday_stamp)
    of_year = stamp("day_of_year")
    of_week = _both(stamp("week_of_year"), weekday_stamp)
    best = max(of_month, of_week_of_month, of_weekday_in_month, of_year, of_week)
    if not best:
        of_week_of_month = stamp("week_of_month")
        of_weekday_in_month = max(stamp("weekday_in_month"), weekday_stamp)
        of_week = stamp("week_of_year")
        best = max(of_week_of_month, of_weekday_in_month, of_week)
        if not best:
            best = of_month = stamp("month")
    by_month_week = best == of_week_of_month and stamp("week_of_month") >= stamp("week_of_year")
    by_month_weekday = best == of_weekday_in_month and stamp("weekday_in_month") >= stamp("week_of_year")
    weekday = values.get("weekday", 1)
    if best == of_month:
        return _first_of_month(fields) + values.get("day", 1) - 1
    if by_month_week or by_month_weekday:
        prefers_week = stamp("week_of_month") >= stamp("weekday_in_month")
        if of_week_of_month == of_weekday_in_month:
            by_month_week = prefers_week
        if by_month_week:
            return _in_week(_first_of_month(fields), values["week_of_month"], weekday)
        return _weekday_in_month(fields, weekday)
    first_of_year = _ordinal(_year(fields), 1)
    if best == of_year:
        return first_of_year + values["day_of_year"] - 1
    return _in_week(first_of_year, values["week_of_year"], weekday)


def _week_date(fields: _Fields) -> int:
    """Week year, week and weekday together name a day."""
    week = fields.values.get("week_of_year", 1)
    weekday = fields.values.get("weekday", 1)
    if not 1 <= weekday <= 7:
        # Only "u" can get here; Java counts such numbers on from Monday into the following or preceding weeks.
        weeks, iso_day = divmod(weekday - 1, 7)
        week, weekday = week + weeks, (iso_day + 1) % 7 + 1
    first = _ordinal(fields.values["week_year"], 1)
    return _in_week(first, 1, 1) + 7 * (week - 1) + weekday - 1


def _in_week(first: int, week: int, weekday: int) -> int:
    """A weekday (Sunday is 1) in a week counted from the one that holds the day ``first``."""
    sunday = first - first % 7
    return sunday + 7 * (week - 1) + (weekday - 1) % 7


def _weekday_in_month(fields: _Fields, weekday: int) -> int:
    first = _first_of_month(fields)
    which = fields.values.get("weekday_in_month", 1)
    if which >= 0:
        return _on_or_before(first + 7 * which - 1, weekday)
    following = _ordinal(_year(fields), fields.values.get("month", 0) + 2)
    return _on_or_before(following - 1 + 7 * (which + 1), weekday)


def _on_or_before(day: int, weekday: int) -> int:
    # Ordinal days: day 7 (0001-01-07) was a Sunday, so the remainder by 7 is 0 on Sundays.
    return day - (day - (weekday - 1)) % 7


def _first_of_month(fields: _Fields) -> int:
    return _ordinal(_year(fields), fields.values.get("month", 0) + 1)


def _year(fields: _Fields) -> int:
    year = fields.values.get("year", 1970)
    return 1 - year if fields.values.get("era") == 0 else year


def _ordinal(year: int, month: int) -> int:
    """The first day of a month, which may lie outside of 1 to 12."""
    years, month0 = divmod(month - 1, 12)
    if not 1 <= year + years <= 9999:
        raise out_of_range()
    return date(year + years, month0 + 1, 1).toordinal()


def _both(one: int, other: int) -> int:
    return max(one, other) if one and other else 0
