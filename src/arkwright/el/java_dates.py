"""Date patterns: the letters of Java's SimpleDateFormat, read once and used to format and to parse.

Locale en_US. Weeks start on Sunday and the first week of a year or month may have a single day. ``Y`` is the week
year, ``u`` the ISO day number (Monday is 1), ``S`` a number of milliseconds (not a fraction). Parsing is in
``java_date_parse``; both work on the ``PatternPart`` list that ``read_pattern`` gives.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.java_zones import MINUTE_MS, Zone, wall_ms

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SHORT_MONTHS: Final = tuple(month[:3] for month in MONTHS)
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
SHORT_WEEKDAYS: Final = tuple(day[:3] for day in WEEKDAYS)
ERAS: Final = ("BC", "AD")
HALF_DAYS: Final = ("AM", "PM")

LETTERS: Final = "GyYMLdHkKhmsSEuDFwWazZX"
# No date needs more; Java's own limits are far higher, but a pattern is typed by hand.
LONGEST_PATTERN: Final = 1000

_PARTS: Final = re.compile(r"([A-Za-z])\1*|'((?:[^']|'')*)'|([^A-Za-z']+)|(')", re.DOTALL)

Field = Callable[[datetime, int, Zone], str]


@dataclass(frozen=True, slots=True)
class PatternPart:
    """Either a field (a letter and how often it stands there) or literal text (letter is "")."""

    letter: str
    count: int
    text: str = ""


@lru_cache(maxsize=1024)
def read_pattern(pattern: str) -> tuple[PatternPart, ...]:
    """Split a pattern into fields and literal text; ElError for unknown letters and open quotes."""
    if len(pattern) > LONGEST_PATTERN:
        raise ElError(ErrorKind.LIMIT, f"a date pattern has at most {LONGEST_PATTERN} characters")
    parts: list[PatternPart] = []
    for found in _PARTS.finditer(pattern):
        letter, quoted, plain, open_quote = found.groups()
        if open_quote:
            hint = "write '' for a single quote"
            raise ElError(ErrorKind.DATE_PATTERN, f"a quote is never closed in the date pattern '{pattern}'", hint=hint)
        if letter:
            parts.append(_field_part(pattern, letter, len(found[0])))
            continue
        # Two quotes outside of a quoted stretch are one quote, and so are two inside of it.
        text = plain if plain is not None else (quoted.replace("''", "'") if quoted else "'")
        parts.append(PatternPart("", 0, text))
    return tuple(parts)


def format_date(milliseconds: int, pattern: str, zone: Zone) -> str:
    """An instant as text, in a zone."""
    return formatter(pattern)(milliseconds, zone)


@lru_cache(maxsize=1024)
def formatter(pattern: str) -> Callable[[int, Zone], str]:
    """A function from instant and zone to text. Patterns of plain numbers take a short cut."""
    parts = read_pattern(pattern)
    return _number_formatter(parts) or _general_formatter(parts)


def java_text(milliseconds: int, zone: Zone) -> str:
    """A date as Java prints it without being told how: ``Sat Jan 06 00:00:00 CET 2024``."""
    return format_date(milliseconds, "EEE MMM dd HH:mm:ss zzz yyyy", zone)


def week_of_year(day: date) -> tuple[int, int]:
    """Week year and week: weeks start on Sunday, week 1 is the one with 1 January."""
    sunday = day.toordinal() - day.isoweekday() % 7
    next_year = date(day.year + 1, 1, 1).toordinal() if day.year < 9999 else date.max.toordinal() + 1
    if sunday + 6 >= next_year:
        return day.year + 1, 1
    first_day = date(day.year, 1, 1)
    return day.year, (day.timetuple().tm_yday + first_day.isoweekday() % 7 - 1) // 7 + 1


def _field_part(pattern: str, letter: str, count: int) -> PatternPart:
    if letter not in LETTERS:
        message = f"the letter '{letter}' means nothing in the date pattern '{pattern}'"
        hint = "put text between single quotes; letters with a meaning: " + " ".join(LETTERS)
        raise ElError(ErrorKind.DATE_PATTERN, message, hint=hint)
    if letter == "X" and count > 3:
        message = f"X stands at most three times in a row, not {count} times, in the date pattern '{pattern}'"
        raise ElError(ErrorKind.DATE_PATTERN, message, hint="X is +08, XX is +0800, XXX is +08:00")
    return PatternPart(letter, count)


_PLAIN_NUMBERS: Final = {"y": "year", "M": "month", "L": "month", "d": "day", "H": "hour", "m": "minute", "s": "second"}


def _number_formatter(parts: tuple[PatternPart, ...]) -> Callable[[int, Zone], str] | None:
    """One ``%`` operation for patterns such as ``yyyy-MM-dd HH:mm:ss``; None for others."""
    layout: list[str] = []
    names: list[str] = []
    for part in parts:
        if not part.letter:
            layout.append(part.text.replace("%", "%%"))
            continue
        name = _PLAIN_NUMBERS.get(part.letter)
        is_text = (part.letter == "y" and part.count == 2) or (part.letter in "ML" and part.count > 2)
        if name is None or is_text:
            return None
        layout.append(f"%0{part.count}d")
        names.append(name)
    if not names:
        return None
    text, fields = "".join(layout), operator.attrgetter(*names)

    def run(milliseconds: int, zone: Zone) -> str:
        return text % fields(zone.at(milliseconds))

    return run


def _general_formatter(parts: tuple[PatternPart, ...]) -> Callable[[int, Zone], str]:
    fields = tuple(_field(part) for part in parts)

    def run(milliseconds: int, zone: Zone) -> str:
        moment, fraction = zone.at(milliseconds), milliseconds % 1000
        return "".join([field(moment, fraction, zone) for field in fields])

    return run


def _field(part: PatternPart) -> Field:
    """The function that prints one part of a pattern."""
    letter, count = part.letter, part.count
    match letter:
        case "":
            return lambda moment, ms, zone: part.text
        case "G":
            return lambda moment, ms, zone: ERAS[1]
        case "M" | "L" if count >= 4:
            return lambda moment, ms, zone: MONTHS[moment.month - 1]
        case "M" | "L" if count == 3:
            return lambda moment, ms, zone: SHORT_MONTHS[moment.month - 1]
        case "E":
            names = WEEKDAYS if count >= 4 else SHORT_WEEKDAYS
            return lambda moment, ms, zone: names[moment.isoweekday() % 7]
        case "a":
            return lambda moment, ms, zone: HALF_DAYS[moment.hour // 12]
        case "z":
            return lambda moment, ms, zone: zone.display_name(moment, long=count >= 4)
        case "Z":
            return lambda moment, ms, zone: _signed(_offset_minutes(moment), "")
        case "X":
            return lambda moment, ms, zone: _iso_offset(_offset_minutes(moment), count)
        case "y" | "Y" if count == 2:
            year = _NUMBERS[letter]
            return lambda moment, ms, zone: f"{year(moment) % 100:02d}"
        case "S":
            return lambda moment, ms, zone: str(ms).zfill(count)
        case _:
            number = _NUMBERS[letter]
            return lambda moment, ms, zone: str(number(moment)).zfill(count)


_NUMBERS: Final[dict[str, Callable[[datetime], int]]] = {
    "y": lambda moment: moment.year,
    "Y": lambda moment: week_of_year(moment.date())[0],
    "M": lambda moment: moment.month,
    "L": lambda moment: moment.month,
    "d": lambda moment: moment.day,
    "H": lambda moment: moment.hour,
    "k": lambda moment: moment.hour or 24,
    "K": lambda moment: moment.hour % 12,
    "h": lambda moment: moment.hour % 12 or 12,
    "m": lambda moment: moment.minute,
    "s": lambda moment: moment.second,
    "u": lambda moment: moment.isoweekday(),
    "D": lambda moment: moment.timetuple().tm_yday,
    "F": lambda moment: (moment.day - 1) // 7 + 1,
    "w": lambda moment: week_of_year(moment.date())[1],
    "W": lambda moment: (moment.day - 1 + moment.replace(day=1).isoweekday() % 7) // 7 + 1,
}


def _offset_minutes(moment: datetime) -> int:
    # The difference of wall time and instant, in whole minutes towards zero as Java has it.
    return int(wall_ms(moment, 0) / MINUTE_MS)


def _signed(minutes: int, separator: str) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{separator}{abs(minutes) % 60:02d}"


def _iso_offset(minutes: int, count: int) -> str:
    if minutes == 0:
        return "Z"
    if count == 1:
        return _signed(minutes, "")[:3]
    return _signed(minutes, ":" if count == 3 else "")
