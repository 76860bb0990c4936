"""The `Range` header of a request for a part of a file (RFC 9110, section 14): one range of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]{0,32})\s*-\s*([0-9]{0,32})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to, not including, `end`."""

    start: int
    end: int


class NotSatisfiable(Exception):
    """The range lies outside of the file."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The part that is asked for. None: the whole file, also for what we don't understand, and several ranges (both
    as the RFC allows). Raises `NotSatisfiable`."""
    match = _RANGE.fullmatch(header) if header else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start = int(first)
        end = min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    elif last:
        start, end = max(0, size - int(last)), size
        if not int(last):
            raise NotSatisfiable
    else:
        return None
    if start >= size:
        raise NotSatisfiable
    return ByteRange(start, end)
