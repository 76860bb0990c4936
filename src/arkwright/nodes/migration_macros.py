"""Macros of dates in a CDM job's JSON: `${dateformat(yyyy-MM-dd,-1,DAY)}`, `${timestamp(…)}`, by the plan time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from arkwright.el.errors import ElError
from arkwright.el.functions.date_util import add_days, add_months
from arkwright.el.java_date_parse import parse_date
from arkwright.el.java_dates import format_date
from arkwright.el.java_zones import Zone, find_zone
from arkwright.nodes.migration_plan import PlanWrong

_DATE = r"dateformat\((?P<inside>[^()]*)\)"
_MACRO = re.compile(
    rf"\$\{{\s*(?:{_DATE}"
    rf"|timestamp\(\s*(?:(?P<stamp>{_DATE.replace('inside', 'of')})|(?P<offset>[^()]*))\s*\))\s*\}}"
)
_UNITS = {"SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000}
_DAYS = {"DAY": 1}
_MONTHS = {"MONTH": 1, "YEAR": 12}


def expanded(value: Any, when_ms: int, zone_name: str, parameters: Mapping[str, str]) -> Any:
    """Macros, and then parameters of the Factory's job; what nobody knows stays as it is."""
    if isinstance(value, dict):
        return {key: expanded(each, when_ms, zone_name, parameters) for key, each in value.items()}
    if isinstance(value, list):
        return [expanded(each, when_ms, zone_name, parameters) for each in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    text = _MACRO.sub(lambda found: _macro(found, when_ms, zone_name), value)
    return _PARAMETER.sub(lambda found: parameters.get(found[1], found[0]), text)


_PARAMETER = re.compile(r"\$\{([^${}()]{1,128})\}")


def _macro(found: re.Match[str], when_ms: int, zone_name: str) -> str:
    try:
        zone = find_zone(zone_name)
    except ElError:
        raise PlanWrong(f"timeZone {zone_name!r} is not known; write one as Europe/Berlin.") from None
    pattern = found["inside"] if found["inside"] is not None else found["of"]
    try:
        if pattern is None:
            parts = [part.strip() for part in (found["offset"] or "").split(",") if part.strip()]
            return str(_moved(parts, when_ms, zone, found[0]))
        first, *parts = (part.strip() for part in pattern.split(","))
        text = format_date(_moved(parts, when_ms, zone, found[0]), first, zone)
        if found["stamp"] is None:
            return text
        return str(parse_date(text, first, zone, reference_ms=when_ms))
    except ElError as error:
        raise PlanWrong(f"{found[0]}: {error}") from None


def _moved(parts: list[str], when_ms: int, zone: Zone, macro: str) -> int:
    if not parts:
        return when_ms
    unit = parts[-1].upper()
    if len(parts) != 2 or not re.fullmatch(r"[+-]?\d{1,6}", parts[0]) or unit not in {*_UNITS, *_DAYS, *_MONTHS}:
        units = ", ".join((*_UNITS, *_DAYS, *_MONTHS))
        raise PlanWrong(f"{macro}: behind the pattern come a whole number and a unit ({units}).")
    count = int(parts[0])
    if unit in _MONTHS:
        return add_months(when_ms, count * _MONTHS[unit], zone)
    return add_days(when_ms, count, zone) if unit in _DAYS else when_ms + count * _UNITS[unit]
