"""Reading logs and outputs of attempts, wherever they were run.

Rules: what lies in this server's own folders comes first: it is the freshest and costs least. What is not there is in
the object storage, if the installation keeps logs there (`archive`); else it is on the server that ran it, and here
it is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from arkwright.engine.archive import Archive, LogState
from arkwright.engine.folders import Folders
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


class RunFiles:
    def __init__(self, folders: Folders, archive: Archive | None = None) -> None:
        self._folders = folders
        self._archive = archive

    @property
    def everywhere(self) -> bool:
        """Whether every server can read what any of them ran."""
        return self._archive is not None

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

    async def read_log(self, now: LogNow, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Bytes from `start` up to `end`, as far as there are any."""
        if not now.local:
            if self._archive is not None:
                async for piece in self._archive.read_log(now.key, start, end, now.state):
                    yield piece
            return
        path = self._log(now.key)
        while start < end:
            data = await asyncio.to_thread(_read, path, start, min(CHUNK_BYTES, end - start))
            if not data:
                return
            start += len(data)
            yield data

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
