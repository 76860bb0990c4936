"""A log that somebody reads while it grows.

A log is appended to, and when it is over its cap its middle is cut out behind the program's back (`local_guard`): then
what was read last no longer stands where it stood, and reading goes on where the note about the cut stands, behind
which is the newest end. So whoever follows sees the note and the end, a part of it for the second time perhaps, and
never silently less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arkwright.executors.local_guard import cut_offset
from arkwright.nodes.base import AttemptKey

if TYPE_CHECKING:
    from arkwright.engine.run_files import RunFiles

_REMEMBERED = 64
"""Bytes by which it is seen whether the log was cut."""


class FollowedLog:
    def __init__(self, files: RunFiles, key: AttemptKey, offset: int, log_cap_bytes: int) -> None:
        self._files = files
        self._key = key
        self.offset = offset
        """How much of the log, in bytes from its beginning, was taken."""
        self._last = b""
        self._cut_offset = cut_offset(log_cap_bytes)

    async def read(self, limit: int) -> bytes:
        """What follows the offset by now, at most `limit` bytes; the same again until it is taken."""
        now = await self._files.log(self._key)
        start = self.offset - len(self._last)
        data = b"".join([each async for each in self._files.read_log(now, start, self.offset + limit)])
        if now.size >= self.offset and data.startswith(self._last):
            return data[len(self._last) :]
        if now.size <= self._cut_offset:  # not cut: a copy elsewhere is not as far yet
            return b""
        self.offset, self._last = self._cut_offset, b""
        return b"".join([each async for each in self._files.read_log(now, self.offset, self.offset + limit)])

    def take(self, data: bytes) -> None:
        """Go on behind `data`, the beginning of what was read."""
        self.offset += len(data)
        self._last = (self._last + data)[-_REMEMBERED:]
