"""What of a log that a program is writing has not been shipped yet: the next piece of it, read from its file.

A log is appended to, but for one thing: when it is over its cap, its middle is cut out behind the program's back
(`local_guard`). What is before the cut never changes; from there on the log is replaced as a whole, however often it is
cut. A log that became shorter for another reason (the program emptied it) is replaced from its beginning.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from arkwright.executors.local_guard import cut_offset, note

LARGEST = 4 * 1024 * 1024
"""Bytes of a piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    offset: int
    data: bytes
    replaces: bool = False
    """Whether the log ends with it, whatever was said to be behind `offset` before."""
    mark: tuple[int, int] = (0, 0)
    """Of one that replaces: size and time of the file that it was read from."""

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


def next_piece(path: Path, end: int, cap: int, mark: tuple[int, int] = (0, 0), *, seen: bool = True) -> Piece | None:
    """What follows `end`. None: nothing (yet). `mark`: of the last piece that replaced. `seen`: whether this process
    has seen the log as long as that. If not, a shorter one proves nothing: it may be an old copy, from a backup."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None  # nothing has been written
    try:
        for _ in range(3):
            piece = _read(descriptor, end, cap, mark, seen)
            # What was read as appended is whole unless the log was cut at this very moment.
            if piece is None or piece.replaces or piece.end <= cut_offset(cap) or not _is_cut(descriptor, cap):
                return piece
        return None
    finally:
        os.close(descriptor)


def _read(descriptor: int, end: int, cap: int, mark: tuple[int, int], seen: bool) -> Piece | None:
    status = os.fstat(descriptor)
    head = cut_offset(cap)
    if _is_cut(descriptor, cap) and end >= head:
        now = (status.st_size, status.st_mtime_ns)
        if now == mark:
            return None
        data = os.pread(descriptor, min(LARGEST, status.st_size - head), head)
        return Piece(offset=head, data=data, replaces=True, mark=now)
    until = min(status.st_size, head) if _is_cut(descriptor, cap) else status.st_size
    if until < end:
        if not seen:
            return None
        return Piece(offset=0, data=os.pread(descriptor, LARGEST, 0), replaces=True)
    data = os.pread(descriptor, min(LARGEST, until - end), end)
    return Piece(offset=end, data=data) if data else None


def _is_cut(descriptor: int, cap: int) -> bool:
    text = note(cap)
    return os.pread(descriptor, len(text), cut_offset(cap)) == text
