"""Time zones with the rules of Java's calendar.

Wall times are resolved as Java does when it parses: a wall time in a gap moves forward by the gap, a doubled one is
taken as the later (standard time). Instants are milliseconds since 1970; only the years 1 to 9999 exist here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.zone_names import ZoneNames, names_of

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
_QUARTER_MS: Final = 15 * MINUTE_MS

_EPOCH: Final = datetime(1970, 1, 1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_CUSTOM: Final = re.compile(r"(?:GMT|UTC)([+-])(\d{1,2})(?::?(\d\d))?", re.ASCII)

# tzdata describes these with winter time as the exception; Java counts the other way round.
_NEGATIVE_DST: Final = frozenset({"Europe/Dublin", "Eire", "Africa/Casablanca", "Africa/El_Aaiun"})


# These files say what the machine is set to, so they would make answers differ between machines.
_MACHINE_DEPENDENT: Final = frozenset({"localtime", "posixrules", "Factory"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zone:
    """A time zone; ``fixed_ms`` is set when its offset never changes (``GMT+8``)."""

    name: str
    info: tzinfo
    fixed_ms: int | None
    names: ZoneNames | None

    def at(self, milliseconds: int) -> datetime:
        """The wall clock at an instant (to the second: milliseconds are cut off)."""
        try:
            return datetime.fromtimestamp(milliseconds // 1000, self.info)
        except (ValueError, OverflowError, OSError):
            raise out_of_range() from None

    def offset_ms(self, milliseconds: int) -> int:
        """What the zone adds to UTC at an instant."""
        if self.fixed_ms is not None:
            return self.fixed_ms
        steady = _steady_offset(self, milliseconds // _QUARTER_MS)
        return _offset(self.at(milliseconds)) if steady is None else steady

    def instant(self, wall_ms: int) -> int:
        """The instant of a wall time, given as milliseconds since 1970-01-01 00:00 on the wall."""
        if self.fixed_ms is not None:
            return wall_ms - self.fixed_ms
        try:
            wall = (_EPOCH + timedelta(milliseconds=wall_ms)).replace(tzinfo=self.info)
        except OverflowError:
            raise out_of_range() from None
        before = _offset(wall)
        after = _offset(wall.replace(fold=1))
        # Gap: the offset before it, which moves the wall time forward. Doubled time: the offset after it.
        return wall_ms - (before if before < after else after)

    def is_daylight(self, moment: datetime) -> bool:
        """True if Java says daylight saving time is in force."""
        saving = moment.dst()
        if self.name in _NEGATIVE_DST:
            ahead = moment.utcoffset() or timedelta()
            return ahead > _standard_of_negative(self.name)
        return bool(saving)

    def display_name(self, moment: datetime, *, long: bool) -> str:
        """The zone's name at a moment, as Java prints it."""
        if self.names is None:
            return offset_name(_offset(moment))
        daylight = self.is_daylight(moment)
        if long:
            return self.names.long_daylight if daylight else self.names.long_standard
        return self.names.short_daylight if daylight else self.names.short_standard


@lru_cache(maxsize=512)
def find_zone(name: str) -> Zone:
    """The zone of an IANA name or of the form ``GMT+8``, ``GMT-03:30``, ``UTC+8``; ElError if there is none."""
    custom = _CUSTOM.fullmatch(name)
    if custom is not None:
        return _fixed_zone(name, custom)
    try:
        if name in _MACHINE_DEPENDENT:
            raise ValueError(name)
        info = ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        hint = "use an IANA name such as Europe/Berlin, or GMT+8"
        raise ElError(ErrorKind.TIME_ZONE, f"there is no time zone '{name}'", hint=hint) from None
    fixed = 0 if name in ("UTC", "GMT", "Etc/UTC", "Etc/GMT") else None
    return Zone(name=name, info=info, fixed_ms=fixed, names=names_of(name))


def offset_name(offset_ms: int) -> str:
    """A zone without a name of its own, as Java prints it: ``GMT+08:00``."""
    sign, minutes = ("-", -offset_ms // MINUTE_MS) if offset_ms < 0 else ("+", offset_ms // MINUTE_MS)
    return f"GMT{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def wall_ms(moment: datetime, milliseconds: int) -> int:
    """The wall time of an instant whose wall clock is already known, as milliseconds since 1970 on the wall."""
    return milliseconds + _offset(moment)


def out_of_range() -> ElError:
    """The error for dates that this calendar doesn't have."""
    return ElError(ErrorKind.DATE_VALUE, "the date is outside the years 1 to 9999")


def _fixed_zone(name: str, custom: re.Match[str]) -> Zone:
    hours, minutes = int(custom[2]), int(custom[3] or "0")
    if hours > 23 or minutes > 59:
        hint = "hours go from 0 to 23, minutes from 0 to 59"
        raise ElError(ErrorKind.TIME_ZONE, f"there is no time zone '{name}'", hint=hint)
    shift = timedelta(hours=hours, minutes=minutes)
    if custom[1] == "-":
        shift = -shift
    names = names_of("GMT") if not shift else None
    return Zone(name=name, info=timezone(shift), fixed_ms=shift // _MILLISECOND, names=names)


@lru_cache(maxsize=8192)
def _steady_offset(zone: Zone, quarter: int) -> int | None:
    """The offset in a quarter of an hour, or None if it changes within (it hardly ever does)."""
    start = quarter * _QUARTER_MS
    before = _offset(zone.at(start))
    return before if before == _offset(zone.at(start + _QUARTER_MS - 1)) else None


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else offset // _MILLISECOND


@lru_cache(maxsize=8)
def _standard_of_negative(name: str) -> timedelta:
    info = ZoneInfo(name)
    offsets = [datetime(2024, month, 20, tzinfo=info).utcoffset() or timedelta() for month in range(1, 13)]
    return min(offsets)
