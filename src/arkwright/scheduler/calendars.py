"""Calendars as they are stored: one document per name and workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from arkwright.core.calendar import Calendar, WorkingDays
from arkwright.store.base import Kind, Place, Store


async def find_calendar(store: Store, place: Place, name: str) -> Calendar | None:
    found = await store.get_definition(place, Kind.CALENDAR, name)
    return None if found is None else read_calendar(name, found.body)


def read_calendar(name: str, body: Mapping[str, Any]) -> Calendar:
    return Calendar(
        name=name,
        default=WorkingDays(body.get("default") or WorkingDays.MONDAY_TO_FRIDAY),
        changed={date.fromisoformat(day): bool(works) for day, works in (body.get("changed") or {}).items()},
    )
