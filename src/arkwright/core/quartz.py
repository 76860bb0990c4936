"""Cron expressions as Quartz 2.3 writes them, parsed to a record: `second minute hour day month weekday [year]`.

Rules: Sunday is 1; exactly one of day and weekday is `?`; `,` lists, `-` ranges (one that ends before it starts goes
round), `/` steps below the field's size; in the day `L`, `L-3`, `LW`, `L-3W`, `15W`; in the weekday `5L`, `6#3`, and
`L` alone for Saturday; `5C` is 5, since no calendar is tied to an expression. Beyond Quartz, `L`, `nL` and `n#k` may
stand in a list. What can never come (31 February) is refused. Every complaint names the field, the character and the
rule.
"""

from __future__ import annotations

import re
from calendar import monthrange
from functools import lru_cache
from typing import Final, NoReturn

from arkwright.core.record import Record
from arkwright.errors import Code, InvalidInput

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2299
_HINT: Final = "Six fields: second minute hour day month weekday, for instance `0 0 2 * * ?` for every day at two."


class LastDay(Record, frozen=True, kw_only=True):
    """`L-3`, `LW`: days before the last day of the month, perhaps moved to a working day."""

    before: int = 0
    working_day: bool = False


class DayRule(Record, frozen=True, kw_only=True):
    """Which days of a month match: of the day field or of the weekday field, the other one being `?`."""

    every: bool = False
    days: tuple[int, ...] = ()
    nearest_working_day: tuple[int, ...] = ()
    """`15W`: that day, or the nearest one from Monday to Friday in the same month."""
    last: tuple[LastDay, ...] = ()
    weekdays: tuple[int, ...] = ()
    """ISO numbers, Monday is 1."""
    last_weekdays: tuple[int, ...] = ()
    """ISO numbers: the last such day of the month."""
    numbered_weekdays: tuple[tuple[int, int], ...] = ()
    """ISO number and which one of the month: (5, 3) is the third Friday."""


class CronFields(Record, frozen=True, kw_only=True):
    """A parsed expression: ascending values of each field."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    days: DayRule
    years: tuple[int, ...] | None = None
    """None: every year."""
    by_elapsed_time: bool
    """`*` or a step in minutes or hours: what counts is the time that passes, also when the clocks change."""
    discrete: bool
    """Hours (of an hourly plan) or minutes are a list of single values."""
    by_weekday: bool
    """The weekday field decides, and the day is `?`."""


class _Field:
    """What may stand in one field."""

    def __init__(
        self, name: str, least: int, most: int, *, step: int, marks: str = "", names: tuple[str, ...] = ()
    ) -> None:
        self.name, self.least, self.most, self.step, self.marks = name, least, most, step, marks
        self.names = {each: index for index, each in enumerate(names, least)}


_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: Final = (
    _Field("second", 0, 59, step=59),
    _Field("minute", 0, 59, step=59),
    _Field("hour", 0, 23, step=23),
    _Field("day", 1, 31, step=31, marks="?LWC"),
    _Field("month", 1, 12, step=12, names=_MONTH_NAMES),
    _Field("weekday", 1, 7, step=7, marks="?LC#", names=_DAY_NAMES),
    _Field("year", FIRST_YEAR, LAST_YEAR, step=LAST_YEAR - FIRST_YEAR),
)
_WORD = re.compile(r"\S+")
_VALUE = re.compile(r"[0-9]+|[A-Z]{3}")
_LAST_DAY = re.compile(r"L(?:-([0-9]+))?(W)?")


class _Part:
    """One comma-separated part of a field, with where it stands."""

    def __init__(self, field: _Field, text: str, position: int, whole: str, where: str) -> None:
        self.field, self.text, self.position, self.whole, self.where = field, text, position, whole, where

    def refuse(self, rule: str) -> NoReturn:
        raise InvalidInput(
            f"{self.where}: the {self.field.name} {self.whole!r} can't be used at character {self.position + 1}: "
            f"{rule}.",
            field=self.where,
            hint=_HINT,
            code=Code.JOB_SCHEDULE_INVALID,
        )

    def value(self, text: str) -> int:
        field = self.field
        if text in field.names:
            return field.names[text]
        if not text.isascii() or not text.isdigit() or len(text) > 4:
            known = f" or a name ({', '.join(field.names)})" if field.names else ""
            self.refuse(f"{text!r} is no value; it takes {field.least} to {field.most}{known}")
        number = int(text)
        if not field.least <= number <= field.most:
            sunday = " (Sunday is 1)" if field.name == "weekday" else ""
            self.refuse(f"{number} is outside {field.least} to {field.most}{sunday}")
        return number


@lru_cache(maxsize=4096)
def parse_quartz(expression: str, where: str = "expression") -> CronFields:
    """The fields of an expression. `where` names the document's field in complaints (`schedule.cron.expression`)."""
    words = [(match.start(), match[0].upper()) for match in _WORD.finditer(expression)]
    if not 6 <= len(words) <= 7:
        raise InvalidInput(
            f"{where} must have six fields (second minute hour day month weekday) as Quartz writes them, not "
            f"{len(words)}.",
            field=where,
            hint=_HINT,
            code=Code.JOB_SCHEDULE_INVALID,
        )
    parts = [_parts(field, text, position, where) for field, (position, text) in zip(_FIELDS, words, strict=False)]
    seconds, minutes, hours = (_numbers(each) for each in parts[:3])
    months = _numbers(parts[4])
    years = _numbers(parts[6]) if len(parts) == 7 and words[6][1] != "*" else None
    by_weekday = _decider(parts[3], parts[5], words)
    days = _weekday_rule(parts[5]) if by_weekday else _day_rule(parts[3])
    minute_text, hour_text = words[1][1], words[2][1]
    fields = CronFields(
        seconds=seconds,
        minutes=minutes,
        hours=hours,
        months=months,
        days=days,
        years=years,
        by_elapsed_time=any(mark in text for text in (minute_text, hour_text) for mark in "*/"),
        discrete="," in hour_text or (len(hours) == 1 and "," in minute_text),
        by_weekday=by_weekday,
    )
    _check_it_comes(fields, parts[4][0])
    return fields


def days_of(rule: DayRule, year: int, month: int) -> tuple[int, ...]:
    """The days of a month that match, ascending."""
    if rule.every:
        return _EVERY_DAY[monthrange(year, month)[1]]
    return _days_of(rule, year, month)


_EVERY_DAY: Final = {length: tuple(range(1, length + 1)) for length in (28, 29, 30, 31)}


@lru_cache(maxsize=16384)
def _days_of(rule: DayRule, year: int, month: int) -> tuple[int, ...]:
    first, length = monthrange(year, month)  # Monday is 0
    found = {day for day in rule.days if day <= length}
    found.update(_nearest_working_day(day, first, length) for day in rule.nearest_working_day if day <= length)
    for last in rule.last:
        day = length - last.before
        if day >= 1:
            found.add(_nearest_working_day(day, first, length) if last.working_day else day)
    for weekday in rule.weekdays:
        found.update(range((weekday - 1 - first) % 7 + 1, length + 1, 7))
    for weekday in rule.last_weekdays:
        found.add(length - (first + length - weekday) % 7)
    for weekday, nth in rule.numbered_weekdays:
        day = (weekday - 1 - first) % 7 + 1 + 7 * (nth - 1)
        if day <= length:
            found.add(day)
    return tuple(sorted(found))


def _nearest_working_day(day: int, first: int, length: int) -> int:
    """Monday to Friday nearest to a day, never in another month."""
    match (first + day - 1) % 7:
        case 5:
            return day - 1 if day > 1 else day + 2
        case 6:
            return day + 1 if day < length else day - 2
    return day


# ---------------------------------------------------------------- one field


def _parts(field: _Field, text: str, position: int, where: str) -> list[_Part]:
    found = []
    for each in text.split(","):
        part = _Part(field, each, position, text, where)
        if not each:
            part.refuse("there is a comma without a value")
        found.append(part)
        position += len(each) + 1
    for part in found:
        if "?" in part.text and (part.text != "?" or len(found) > 1 or "?" not in field.marks):
            part.refuse("? stands alone, in the day or in the weekday")
    return found


def _decider(days: list[_Part], weekdays: list[_Part], words: list[tuple[int, str]]) -> bool:
    """Whether the weekday decides."""
    no_day, no_weekday = words[3][1] == "?", words[5][1] == "?"
    if no_day == no_weekday:
        weekdays[0].refuse(
            "one of day and weekday must be given, the other be ?"
            if no_day
            else f"of day and weekday one must be ?, and the day is {words[3][1]!r}"
        )
    return no_day


def _numbers(parts: list[_Part]) -> tuple[int, ...]:
    found: set[int] = set()
    for part in parts:
        found.update(_range(part))
    return tuple(sorted(found))


def _range(part: _Part) -> list[int]:
    """`*`, `5`, `1-5`, each perhaps with a step."""
    field = part.field
    text, slash, step_text = part.text.partition("/")
    step = 1
    if slash:
        if not step_text.isascii() or not step_text.isdigit() or len(step_text) > 4:
            part.refuse("/ is followed by a whole number")
        step = int(step_text)
        if not 1 <= step <= field.step:
            part.refuse(f"the step {step} is outside 1 to {field.step}")
    if text in ("*", ""):  # Quartz takes /5 for */5
        return list(range(field.least, field.most + 1, step))
    start_text, dash, end_text = text.partition("-")
    for each in (start_text, end_text) if dash else (start_text,):
        if not _VALUE.fullmatch(each):
            part.refuse(f"{each!r} is no value{_taken(field)}" if each else "- stands between two values")
    start = part.value(start_text)
    if not dash:
        return list(range(start, field.most + 1, step)) if slash else [start]
    end = part.value(end_text)
    if start <= end:
        return list(range(start, end + 1, step))
    if field.name == "year":
        part.refuse("the first year is after the last")
    size = field.most - field.least + 1
    return [(each - field.least) % size + field.least for each in range(start, end + size + 1, step)]


def _taken(field: _Field) -> str:
    marks = " ".join((",", "-", "*", "/", *field.marks))
    return f"; it takes {field.least} to {field.most} with {marks}"


# ---------------------------------------------------------------- days


def _day_rule(parts: list[_Part]) -> DayRule:
    days: set[int] = set()
    nearest: list[int] = []
    last: list[LastDay] = []
    every = False
    for part in parts:
        text = part.text
        found = _LAST_DAY.fullmatch(text)
        if found is not None:
            before = int(found[1]) if found[1] and len(found[1]) < 4 else 0 if not found[1] else 99
            if before > 30:
                part.refuse("L-n goes back at most 30 days from the end of the month")
            if found[2] and len(parts) > 1:
                part.refuse("W stands alone, not in a list")
            last.append(LastDay(before=before, working_day=found[2] is not None))
        elif "L" in text:
            part.refuse("L is written L, L-3, LW or L-3W in the day")
        elif text.endswith("W"):
            if len(parts) > 1:
                part.refuse("W stands alone, not in a list")
            if not text[:-1].isdigit():
                part.refuse("W belongs to one single day, as in 15W")
            nearest.append(part.value(text[:-1]))
        elif text.endswith("C"):
            days.add(_of_calendar(part))
        elif text == "*":
            every = True
        else:
            days.update(_range(part))
    if every or (len(days) == 31):
        return DayRule(every=True)
    return DayRule(days=tuple(sorted(days)), nearest_working_day=tuple(nearest), last=tuple(last))


def _weekday_rule(parts: list[_Part]) -> DayRule:
    weekdays: set[int] = set()
    last: list[int] = []
    numbered: list[tuple[int, int]] = []
    for part in parts:
        text = part.text
        if text == "L":
            weekdays.add(7)
        elif text.endswith("L") and text not in part.field.names:
            last.append(_iso(part.value(text[:-1])))
        elif "#" in text:
            day, _, nth = text.partition("#")
            weekday = part.value(day)
            if nth not in ("1", "2", "3", "4", "5"):
                part.refuse(f"behind # stands which one of the month, 1 to 5, not {nth!r}")
            numbered.append((_iso(weekday), int(nth)))
        elif text.endswith("C") and text not in part.field.names:
            weekdays.add(_of_calendar(part))
        else:
            weekdays.update(_range(part))
    if len(weekdays) == 7:
        return DayRule(every=True)
    return DayRule(
        weekdays=tuple(sorted(_iso(each) for each in weekdays)),
        last_weekdays=tuple(last),
        numbered_weekdays=tuple(numbered),
    )


def _of_calendar(part: _Part) -> int:
    return part.value(part.text[:-1])


def _iso(weekday: int) -> int:
    """Sunday is 1 in an expression, and 7 in ISO 8601, where Monday is 1."""
    return (weekday - 2) % 7 + 1


def _check_it_comes(fields: CronFields, month: _Part) -> None:
    # 29 February on a given weekday comes back after 28 years, around 2100 after 40.
    years = fields.years or range(2000, 2041)
    if not any(days_of(fields.days, year, each) for year in years for each in fields.months):
        month.refuse("no such day comes in these months and years")
