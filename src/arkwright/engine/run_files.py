"""Reading logs and outputs of attempts, wherever they were run.

Rules: what lies in this server's own folders comes first: it is the freshest and costs least. What is not there is in
the object storage, if the installation keeps logs there (`archive`); else it is on the server that ran it, and here
it is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

from arkwright.engine.archive import Archive, LogState
from arkwright.engine.folders import Folders
from arkwright.engine.followed_log import FollowedLog
from arkwright.executors.local_guard import cut_end
from arkwright.nodes.base import AttemptKey

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class LogNow:
    """A log as it is at a moment: what is read of it belongs together."""

    key: AttemptKey
    size: int
    modified_ms: int = 0
    local: bool = True
    state: LogState | None = None
    end: bytes = b""
    """Its last bytes, if they are not read from where it lies."""


class RunFiles:
    def __init__(self, folders: Folders, archive: Archive | None = None, *, log_cap_bytes: int = 30_000_000) -> None:
        self._folders = folders
        self._archive = archive
        self._log_cap_bytes = log_cap_bytes

    def is_here(self, key: AttemptKey) -> bool:
        """Whether its folder is this server's own, or nowhere else."""
        return self._archive is None or self._log(key).exists()

    async def log(self, key: AttemptKey) -> LogNow:
        """A log that is not there (yet) is an empty one."""
        status = await asyncio.to_thread(_status, self._log(key))
        if status is not None:
            return LogNow(key, *status)
        if self._archive is None:
            return LogNow(key, 0)
        state = await self._archive.log_state(key)
        return LogNow(key, state.size, state.modified_ms, local=False, state=state)

    async def steady_log(self, key: AttemptKey) -> LogNow:
        """As `log`, for one that a program still writes to: it keeps its length while it is read. One over the cap,
        whose middle may be cut out at any moment, is shown as it will be then."""
        now = await self.log(key)
        if not now.local or now.size <= self._log_cap_bytes:
            return now
        end = await asyncio.to_thread(cut_end, str(self._log(key)), self._log_cap_bytes)
        return replace(now, size=self._log_cap_bytes, end=end) if end else await self.log(key)

    def follow(self, key: AttemptKey, offset: int) -> FollowedLog:
        return FollowedLog(self, key, offset, self._log_cap_bytes)

    async def read_log(self, now: LogNow, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Bytes from `start` up to `end`, as far as there are any."""
        if not now.local:
            if self._archive is not None:
                async for piece in self._archive.read_log(now.key, start, end, now.state):
                    yield piece
            return
        head = now.size - len(now.end) if now.end else end
        async for piece in _pieces(self._log(now.key), start, min(end, head)):
            yield piece
        if now.end and end > head:
            yield now.end[max(start - head, 0) : end - head]

    async def size(self, key: AttemptKey, name: str) -> int | None:
        """Of a file of the attempt that is in this server's own folders. None: it is not here."""
        status = await asyncio.to_thread(_status, self._folders.attempt(key) / name)
        return None if status is None else status[0]

    def read(self, key: AttemptKey, name: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Bytes of such a file from `start` up to `end`, as far as there are any."""
        return _pieces(self._folders.attempt(key) / name, start, end)

    async def output(self, key: AttemptKey, name: str, limit: int) -> bytes | None:
        """At most `limit` bytes of a file of the attempt. None: there is none."""
        found = await asyncio.to_thread(_whole, self._folders.attempt(key) / name, limit)
        if found is None and self._archive is not None:
            if name != "log":
                return await self._archive.read_output(key, name, limit)
            now = await self.log(key)
            return (
                b"".join([piece async for piece in self.read_log(now, 0, min(limit, now.size))]) if now.size else None
            )
        return found

    async def referenced(self, reference: str, limit: int) -> bytes | None:
        """As `output`, for an outcome's reference to one (`Folders.reference`)."""
        try:
            key, name = Folders.referenced(reference)
        except ValueError:
            return None
        return await self.output(key, name, limit)

    def _log(self, key: AttemptKey) -> Path:
        return self._folders.attempt(key) / "log"


def _status(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns // 1_000_000


async def _pieces(path: Path, start: int, end: int) -> AsyncGenerator[bytes, None]:
    while start < end:
        data = await asyncio.to_thread(_read, path, start, min(CHUNK_BYTES, end - start))
        if not data:
            return
        start += len(data)
        yield data


def _read(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except FileNotFoundError:
        return b""


def _whole(path: Path, limit: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError:
        return None
