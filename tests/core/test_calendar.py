"""Working days."""

from __future__ import annotations

from datetime import date

import pytest

from arkwright.core.calendar import Calendar, WorkingDays, is_working_day

CHANGED = {date(2026, 11, 21): True, date(2026, 11, 23): False}


@pytest.mark.parametrize(
    ("default", "working"),
    [
        (WorkingDays.MONDAY_TO_FRIDAY, [20, 21, 24, 25]),
        (WorkingDays.MONDAY_TO_SUNDAY, [20, 21, 22, 24, 25]),
    ],
)
def test_single_days_differ_from_the_default(default: WorkingDays, working: list[int]) -> None:
    calendar = Calendar(name="work", default=default, changed=CHANGED)
    days = [day for day in range(20, 26) if is_working_day(calendar, date(2026, 11, day))]
    assert days == working
