"""Reads the document of a patch (V2 `supplement-data`) into a `PatchPlan`.

Rules: dates have the one documented spelling, `2023-08-21T00:00:00 +08`; a window of `00:00-00:00` is none; days of
the week count from Sunday = 1, as in cron expressions. Ours, in no document: `supplement_data_period` (`{"value": 2,
"unit": "days"}`) and `ignore_obs_listening`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from arkwright.core.patch_data import DayWindow, PatchPlan, RunWindow, Thinning, ThinningUnit
from arkwright.core.zone_changes import instant_of
from arkwright.errors import InvalidInput

_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d) ([+-]\d\d)")
_DAY: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)|([01]\d|2[0-3]):([0-5]\d)-24:00")
_EPOCH: Final = date(1970, 1, 1)


class WrongDate(InvalidInput):
    """A date that can't be read."""


def read_patch_date(value: Any, field: str) -> int:
    """Epoch milliseconds. Raises `WrongDate`."""
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        try:
            zone = timezone(timedelta(hours=int(match[2])))
            return int(datetime.fromisoformat(match[1]).replace(tzinfo=zone).timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
    raise WrongDate(f"{field} is no date.", field=field, hint=f"{field} is written as in 2023-08-21T00:00:00 +08.")


def read_patch_plan(body: Mapping[str, Any], *, zone: str) -> PatchPlan:
    """`zone`: of the job's plan; days are its days. Raises `InvalidInput` naming the field."""
    by_day = _truth(body, "is_day_granularity")
    stop_on_failure = _truth(body, "is_stop_when_fail")
    if stop_on_failure and not by_day:
        raise InvalidInput(
            "is_stop_when_fail needs is_day_granularity.",
            field="is_stop_when_fail",
            hint="Only days that run one after the other can be stopped at a failure.",
        )
    from_ms, to_ms = (
        read_patch_date(body.get("start_date"), "start_date"),
        read_patch_date(body.get("end_date"), "end_date"),
    )
    instance_time = _object(body, "supplement_data_instance_time")
    days = _days(instance_time, "supplement_data_instance_time.days", zone)
    parallel = _number(body, "parallel", 1, 5)
    if parallel is None:
        raise InvalidInput("parallel is missing.", field="parallel", hint="A whole number from 1 to 5.")
    _number(body, "priority", 0, 5)
    _truth(body, "force")
    return PatchPlan(
        spans=days or ((from_ms, to_ms),),
        zone=zone,
        parallel=parallel,
        by_day=by_day,
        stop_on_failure=stop_on_failure,
        reverse=bool(_number(body, "reverse_order", 0, 1)),
        thinning=_thinning(_object(body, "supplement_data_period")),
        instance_times=_hours(instance_time, "supplement_data_instance_time.time_of_day"),
        run_window=_run_window(_object(body, "supplement_data_run_time")),
        ignore_obs_listening=_truth(body, "ignore_obs_listening"),
    )


def _days(given: Mapping[str, Any], field: str, zone: str) -> tuple[tuple[int, int], ...]:
    days = given.get("days")
    if days is None:
        return ()
    if not isinstance(days, list):
        raise InvalidInput(f"{field} must be a list of days.", field=field)
    found = set()
    for index, each in enumerate(days):
        match = _DAY.match(each) if isinstance(each, str) else None
        try:
            day = date(int(match[1]), int(match[2]), int(match[3])) if match else None
        except ValueError:
            day = None
        if day is None:
            raise InvalidInput(f"{field}[{index}] must be a day such as 2023-08-21.", field=f"{field}[{index}]")
        found.add(day)
    spans = []
    for day in sorted(found):
        start = (day - _EPOCH).days * 86_400
        spans.append((instant_of(zone, start) * 1000, instant_of(zone, start + 86_400) * 1000 - 1))
    return tuple(spans)


def _run_window(given: Mapping[str, Any]) -> RunWindow | None:
    field = "supplement_data_run_time"
    window = RunWindow(
        time_of_day=_hours(given, f"{field}.time_of_day"),
        weekdays=tuple(sorted((each - 2) % 7 + 1 for each in _numbers(given, f"{field}.day_of_week", 7))),
        month_days=_numbers(given, f"{field}.day_of_month", 31),
    )
    return None if window == RunWindow() else window


def _hours(given: Mapping[str, Any], field: str) -> DayWindow | None:
    text = given.get("time_of_day")
    if text is None or text == "":
        return None
    match = _HOURS.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidInput(f"{field} must be a span such as 10:15-23:30, not {str(text)[:60]!r}.", field=field)
    if match[5] is not None:
        start, end = int(match[5]) * 60 + int(match[6]), 1440
    else:
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return None if start == end or (start, end) == (0, 1440) else DayWindow(from_minute=start, to_minute=end)


def _thinning(given: Mapping[str, Any]) -> Thinning | None:
    if not given:
        return None
    field = "supplement_data_period"
    every = _number(given, "value", 1, 1000, where=f"{field}.")
    unit = given.get("unit")
    if every is None:
        raise InvalidInput(f"{field}.value is missing.", field=f"{field}.value", hint="Run every so many units.")
    if unit not in set(ThinningUnit):
        raise InvalidInput(f"{field}.unit must be one of {', '.join(ThinningUnit)}.", field=f"{field}.unit")
    return Thinning(every=every, unit=ThinningUnit(unit))


def _object(body: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = body.get(field)
    if value is not None and not isinstance(value, Mapping):
        raise InvalidInput(f"{field} must be an object.", field=field)
    return value or {}


def _numbers(given: Mapping[str, Any], field: str, most: int) -> tuple[int, ...]:
    """Of a text such as "1,3"."""
    text = given.get(field.rpartition(".")[2])
    if text is None or text == "":
        return ()
    parts = [each.strip() for each in str(text).split(",") if each.strip()]
    if not parts or not all(each.isascii() and each.isdigit() and 1 <= int(each[:4]) <= most for each in parts):
        raise InvalidInput(f"{field} must be numbers from 1 to {most}, such as 1,3.", field=field)
    return tuple(sorted({int(each) for each in parts}))


def _number(body: Mapping[str, Any], field: str, least: int, most: int, *, where: str = "") -> int | None:
    value = body.get(field)
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
        raise InvalidInput(f"{where}{field} must be a whole number from {least} to {most}.", field=f"{where}{field}")
    return int(text)


def _truth(body: Mapping[str, Any], field: str) -> bool:
    match body.get(field):
        case None | "":
            return False
        case bool() as value:
            return value
        case str() as text if text.lower() in {"true", "1", "false", "0"}:
            return text.lower() in {"true", "1"}
        case (1 | 0) as number:
            return bool(number)
    raise InvalidInput(f"{field} must be true or false.", field=field)
