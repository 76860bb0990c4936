"""When the clocks of a time zone change, as whole seconds since 1970.

Looked up in stretches of about a year, each searched once and remembered: a fire time then costs two look-ups.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from arkwright.core.record import Record
from arkwright.el.errors import ElError
from arkwright.el.java_zones import find_zone
from arkwright.errors import Code, InvalidInput

_STRETCH: Final = 1 << 25
"""Seconds, about 388 days."""
_STEP: Final = 43_200
"""Two changes within half a day would be missed: no zone has ever had any."""
_FIRST: Final = -62_000_000_000
_LAST: Final = 253_000_000_000
"""What the calendar holds, with room for any offset."""


class Change(Record, frozen=True, kw_only=True):
    """From `at` on the wall shows UTC plus `after` seconds, and until then plus `before`."""

    at: int
    before: int
    after: int


class _Stretch(Record, frozen=True, kw_only=True):
    offset: int
    """At its start."""
    changes: tuple[Change, ...]


def check_zone(name: str, field: str) -> str:
    """The name, if there is such a zone. Raises `InvalidInput` naming the field."""
    try:
        return find_zone(name).name
    except ElError:
        raise InvalidInput(
            f"{field} {name[:64]!r} is no time zone.",
            field=field,
            hint="Use an IANA name such as Europe/Berlin, or GMT+8.",
            code=Code.JOB_SCHEDULE_INVALID,
        ) from None


def offset_at(zone: str, at: int) -> int:
    """What the wall adds to UTC at an instant."""
    stretch = _stretch(zone, at // _STRETCH)
    offset = stretch.offset
    for change in stretch.changes:
        if at < change.at:
            break
        offset = change.after
    return offset


def first_change(zone: str, first: int, last: int) -> Change | None:
    """The earliest change with `first <= at <= last`."""
    for index in range(first // _STRETCH, last // _STRETCH + 1):
        for change in _stretch(zone, index).changes:
            if first <= change.at <= last:
                return change
    return None


def last_change(zone: str, first: int, last: int) -> Change | None:
    """The latest change with `first <= at <= last`."""
    for index in range(last // _STRETCH, first // _STRETCH - 1, -1):
        for change in reversed(_stretch(zone, index).changes):
            if first <= change.at <= last:
                return change
    return None


def instant_of(zone: str, wall: int) -> int:
    """The instant of a wall time: in a gap the first instant after it, of a doubled one the first."""
    # Offsets reach from -12 to +14 hours, so whatever changes this wall time lies within a day of it.
    change = last_change(zone, wall - 86_400, wall + 86_400)
    if change is None:
        return wall - offset_at(zone, wall)
    if wall >= change.at + max(change.before, change.after):
        return wall - change.after
    if wall < change.at + change.before:
        return wall - change.before
    return change.at


@lru_cache(maxsize=8192)
def _stretch(zone: str, index: int) -> _Stretch:
    found = find_zone(zone)
    start = min(max(index * _STRETCH, _FIRST), _LAST)
    if found.fixed_ms is not None:
        return _Stretch(offset=found.fixed_ms // 1000, changes=())
    info = found.info

    def offset(at: int) -> int:
        shift = (_EPOCH + timedelta(seconds=at)).astimezone(info).utcoffset() or timedelta()
        return shift // _SECOND

    end = min(max((index + 1) * _STRETCH, _FIRST), _LAST)
    # One step earlier, so that a change exactly at the start is seen.
    before = offset(start - 1)
    at_start = offset(start)
    changes: list[Change] = []
    if at_start != before:
        changes.append(Change(at=start, before=before, after=at_start))
    known = at_start
    low = start
    while low < end - 1:
        high = min(low + _STEP, end - 1)
        new = offset(high)
        if new != known:
            left, right = low, high
            while right - left > 1:
                middle = (left + right) // 2
                if offset(middle) == known:
                    left = middle
                else:
                    right = middle
            changes.append(Change(at=right, before=known, after=new))
            known = new
        low = high
    return _Stretch(offset=at_start, changes=tuple(changes))


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
