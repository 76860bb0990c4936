"""The data folder's lock: one server per folder, and proof that the last one is dead.

The lock is the kernel's (flock), so it ends with its holder however that ends. It is not inherited by programs of
nodes: Python opens files close-on-exec.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from arkwright.errors import FolderLocked


class FolderLock:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises `FolderLocked` naming the holder's process id."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise FolderLocked(
                f"Another server (process {holder or 'unknown'}) is using the data folder {self._path.parent}.",
                hint="Stop it first, or start this one with another --data folder.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
