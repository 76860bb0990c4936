"""The simple variable set: dates and ids that a text may name without an expression.

    ${yyyymmdd}  ${yyyy-mm-dd-1}  ${yyyymm+2}  ${yyyymmdd-7*2}        the business date: the day before the plan time
    $[yyyymmddhh24miss]  $[hh24:mi-1/24]  $[yyyymmdd-1-15/24/60]      the plan time, moved by days, hours, minutes
    $[add_months(yyyymmdd,-12*1)]                                     the plan time, moved by months
    $job_id  $instance_id

Rules (factory-behaviour 5.1, and the guide's tables; what they leave open is decided here):

* A number behind a business date counts in the smallest unit of its format: years, months or days. Behind a plan time
  it counts days whatever the format, `/24` makes it hours and `/24/60` minutes.
* Days and months keep the time on the wall of the workspace, hours and minutes are elapsed time, as in `DateUtil`; a
  day that the month doesn't have becomes its last one.
* Between the letters of a format may be what separates dates: `-`, `/`, `.`, `:`, `_`, a comma, a blank. Anything else
  in `${…}` or `$[…]` is not of this set and stays as it is, so a script keeps its own `${HOME}` and `$[1 + 2]`.
* All of it follows from the plan time and ids, so it is the same whenever it is worked out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from arkwright.el.functions.date_util import add_days, add_months
from arkwright.el.java_zones import DAY_MS, Zone, find_zone, out_of_range

_SEPARATOR: Final = r"[-/.:_, ]?"
_DAY_FORMAT: Final = rf"(?:(?>yyyy|yy|mm|dd){_SEPARATOR})*(?>yyyy|yy|mm|dd)"
_TIME_FORMAT: Final = rf"(?:(?>yyyy|yy|mm|dd|hh24|hh|mi|ss){_SEPARATOR})*(?>yyyy|yy|mm|dd|hh24|hh|mi|ss)"
_NUMBER: Final = r"\d{1,9}(?:\*\d{1,9})?"
_BUSINESS: Final = re.compile(rf"({_DAY_FORMAT})([+-]{_NUMBER})?", re.ASCII)
_PLAN: Final = re.compile(rf"({_TIME_FORMAT})((?:[+-]{_NUMBER}(?:/24(?:/60)?)?)*)", re.ASCII)
_MONTHS: Final = re.compile(rf"add_months\( *({_TIME_FORMAT}) *, *([+-]?{_NUMBER}) *\)", re.ASCII)
_TERM: Final = re.compile(rf"([+-]{_NUMBER})(/24)?(/60)?", re.ASCII)
_LETTERS: Final = re.compile(r"yyyy|yy|mm|dd|hh24|hh|mi|ss")
_HOUR_MS: Final = DAY_MS // 24
_MINUTE_MS: Final = _HOUR_MS // 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleVariables:
    """The values of one instance. ``time_zone`` is an IANA name or the ``GMT+8`` form."""

    plan_time_ms: int
    time_zone: str
    job_id: str
    instance_id: str

    def in_braces(self, inside: str) -> str | None:
        """The value of ``${inside}``; None if it is not of this set. ElError for a date that doesn't exist."""
        if "yy" not in inside and "mm" not in inside and "dd" not in inside:
            return None
        found = _BUSINESS.fullmatch(inside)
        if found is None:
            return None
        zone = find_zone(self.time_zone)
        day = zone.at(self.plan_time_ms).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        try:
            return _shown(_moved(day - timedelta(days=1), found[1], _number(found[2])), found[1])
        except (OverflowError, ValueError):
            raise out_of_range() from None

    def in_brackets(self, inside: str) -> str | None:
        """The value of ``$[inside]``."""
        zone = find_zone(self.time_zone)
        months = _MONTHS.fullmatch(inside)
        if months is not None:
            moment = add_months(self.plan_time_ms, _number(months[2]), zone)
            return _shown(zone.at(moment), months[1])
        found = _PLAN.fullmatch(inside)
        if found is None:
            return None
        moment = self.plan_time_ms
        for number, by_hours, by_minutes in _TERM.findall(found[2]):
            moment = _later(moment, _number(number), bool(by_hours), bool(by_minutes), zone)
        return _shown(zone.at(moment), found[1])

    def named(self, name: str) -> str | None:
        """The value of ``$name``."""
        return {"job_id": self.job_id, "instance_id": self.instance_id}.get(name)


def _number(text: str | None) -> int:
    """Of `-7*2`; 0 of nothing."""
    if not text:
        return 0
    first, _, second = text.partition("*")
    return int(first) * int(second or 1)


def _moved(day: datetime, format_: str, count: int) -> datetime:
    units = _LETTERS.findall(format_)
    if "dd" in units:
        return day + timedelta(days=count)
    months = count if "mm" in units else 12 * count
    years, month = divmod(day.month - 1 + months, 12)
    # Only year and month are shown.
    return day.replace(year=day.year + years, month=month + 1, day=1)


def _later(moment: int, count: int, by_hours: bool, by_minutes: bool, zone: Zone) -> int:
    if abs(count) > 10**12:
        raise out_of_range()
    if by_minutes:
        return moment + count * _MINUTE_MS
    return moment + count * _HOUR_MS if by_hours else add_days(moment, count, zone)


def _shown(moment: datetime, format_: str) -> str:
    values = {
        "yyyy": f"{moment.year:04d}",
        "yy": f"{moment.year % 100:02d}",
        "mm": f"{moment.month:02d}",
        "dd": f"{moment.day:02d}",
        "hh24": f"{moment.hour:02d}",
        "hh": f"{(moment.hour - 1) % 12 + 1:02d}",
        "mi": f"{moment.minute:02d}",
        "ss": f"{moment.second:02d}",
    }
    return _LETTERS.sub(lambda found: values[found[0]], format_)
