"""Where the logs and outputs of attempts that run elsewhere arrive.

The contract is small so that they may go to object storage as well; here they go where the server keeps those of its
own attempts, into the attempt's folder. Pieces may come twice and are the same bytes then; a piece may not leave a gap.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Protocol

from arkwright.engine.folders import Folders
from arkwright.errors import IllegalState, InvalidInput
from arkwright.executors.attempt_wire import OUTPUTS
from arkwright.nodes.base import AttemptKey


class AttemptFiles(Protocol):
    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        """Bytes of the log from that offset on. Raises `IllegalState` for a gap; it names where to go on."""
        ...

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        """From that offset on the log is this, and nothing else."""
        ...

    async def log_end(self, key: AttemptKey) -> int:
        """How far the log has arrived."""
        ...

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        """A whole file of the attempt; replaces an older one. Raises `InvalidInput` for a name that is none of
        `OUTPUTS`."""
        ...

    async def ended(self, key: AttemptKey) -> None:
        """All of it has arrived; called before the attempt is reported."""
        ...


class FolderFiles:
    """`AttemptFiles` in the attempts' folders of this server."""

    def __init__(self, folders: Folders, log_cap_bytes: int) -> None:
        self._folders = folders
        self._cap = log_cap_bytes

    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await asyncio.to_thread(self._write_log, self._folders.attempt(key), offset, data)

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await asyncio.to_thread(self._write_log, self._folders.attempt(key), offset, data, cut=True)

    async def log_end(self, key: AttemptKey) -> int:
        try:
            return (self._folders.attempt(key) / "log").stat().st_size
        except OSError:
            return 0

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        if name not in OUTPUTS:
            raise InvalidInput(f"name must be one of {', '.join(OUTPUTS)}, not {name[:64]!r}.", field="name")
        await asyncio.to_thread(_replace, self._folders.attempt(key), name, data)

    async def ended(self, key: AttemptKey) -> None:
        """Nothing to be done: each piece was written when it came."""

    def _write_log(self, folder: Path, offset: int, data: bytes, *, cut: bool = False) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = os.fstat(descriptor).st_size
            if end < offset < self._cap:
                raise IllegalState(f"The log goes on at {end}, not at {offset}.", field="offset")
            view = memoryview(data)[: max(0, self._cap - offset)]
            if cut and offset < end:
                os.ftruncate(descriptor, offset)
            while view:
                written = os.pwrite(descriptor, view, offset)
                view, offset = view[written:], offset + written
        finally:
            os.close(descriptor)


def _replace(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f".{name}.{os.getpid()}"
    fresh.write_bytes(data)
    fresh.replace(folder / name)
