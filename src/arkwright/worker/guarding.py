"""The worker's hold on its guard (`guard`): starts it, tells it of folders, and starts another one if it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

from arkwright.executors.process import Handle, this_system
from arkwright.worker import guard

log = logging.getLogger("arkwright.worker")

AGAIN_SECONDS = 0.5


class Guarding:
    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file
        self._folders: set[Path] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._handle: Handle | None = None
        self._again: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Raises `OSError`."""
        loop = asyncio.get_running_loop()
        with self._log_file.open("ab") as log_file:
            self._process = subprocess.Popen(  # noqa: S603 - our own
                (sys.executable, "-I", "-S", str(Path(guard.__file__).resolve())),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log_file,
                bufsize=0,
                start_new_session=True,
            )
        for folder in self._folders:
            self._tell(folder)
        self._handle = this_system().hold(self._process.pid)
        this_system().watch(loop, self._handle, self._ended)

    def close(self) -> None:
        """It stays for as long as it has something to watch."""
        if self._again is not None:
            self._again.cancel()
        if self._handle is not None:
            this_system().release(asyncio.get_running_loop(), self._handle)
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.returncode = 0  # nobody waits for it: it outlives us, or the system sees to it

    def watch(self, folder: Path, *, stop: float, kill: float) -> None:
        """From now on what runs in the folder is stopped and killed at these moments (`guard.now_seconds`). Also moves
        them on. Raises `OSError`."""
        guard.write_deadlines(folder, stop, kill)
        if folder not in self._folders:
            self._folders.add(folder)
            self._tell(folder)

    def forget(self, folder: Path) -> None:
        """Nothing runs there any more; the guard finds the folder gone."""
        self._folders.discard(folder)

    # -- inside
    def _tell(self, folder: Path) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it has just ended: the next one is told
                self._process.stdin.write(os.fsencode(folder) + b"\n")

    def _ended(self) -> None:
        assert self._handle is not None
        system, loop = this_system(), asyncio.get_running_loop()
        system.reap(self._handle)
        system.release(loop, self._handle)
        self._handle = None
        log.error("The guard of this worker ended (see %s); starting another one.", self._log_file)
        self._again = loop.call_later(AGAIN_SECONDS, self._start_again)

    def _start_again(self) -> None:
        try:
            self.open()
        except OSError as error:
            log.error("The guard can't be started: %s; trying again.", error)
            self._again = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._start_again)
