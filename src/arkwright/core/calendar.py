"""Scheduling calendars: which days are working days (factory-behaviour 4.4).

A calendar has default working days, Monday to Friday or Monday to Sunday, and single days that differ, as they are
edited month by month. On a day that is not a working day an instance is a dry run; its day is the one of its plan
time in the zone of its plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from arkwright.core.record import Record


class WorkingDays(StrEnum):
    MONDAY_TO_FRIDAY = "MON_TO_FRI"
    MONDAY_TO_SUNDAY = "MON_TO_SUN"


class Calendar(Record, frozen=True, kw_only=True):
    name: str
    default: WorkingDays = WorkingDays.MONDAY_TO_FRIDAY
    changed: Mapping[date, bool] = {}
    """Days that differ from the default: True is a working day."""


def is_working_day(calendar: Calendar, day: date) -> bool:
    changed = calendar.changed.get(day)
    if changed is not None:
        return changed
    return calendar.default is WorkingDays.MONDAY_TO_SUNDAY or day.weekday() < 5
