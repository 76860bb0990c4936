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
        self.is_new = False
        """Whether the folder had no lock before; known once it is acquired."""

    def acquire(self) -> None:
        """Raises `FolderLocked` naming the holder's process id."""
        self.is_new = not self._path.exists()
        descriptor = self._locked()
        while not self._is_there(descriptor):  # its last holder has discarded it meanwhile
            os.close(descriptor)
            descriptor = self._locked()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def _locked(self) -> int:
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
        return descriptor

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def discard(self) -> None:
        """Release it and leave no file of it: the folder has come to nothing."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
