"""The worker's hold on its guard (`guard`): starts it, tells it of folders, and starts another one if it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

from arkwright.worker import guard

log = logging.getLogger("arkwright.worker")

AGAIN_SECONDS = 0.5


class Guarding:
    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file
        self._folders: set[Path] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self._start()
        self._keeping = asyncio.get_running_loop().create_task(self._keep(), name="guard")

    async def close(self) -> None:
        """It stays for as long as it has something to watch."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def watch(self, folder: Path, until: float) -> None:
        """From now on what runs in the folder is killed at that moment (`guard.now_seconds`). Also moves it on. Raises
        `OSError`."""
        guard.write_deadline(folder, until)
        if folder not in self._folders:
            self._folders.add(folder)
            self._tell(folder)

    def forget(self, folder: Path) -> None:
        """Nothing runs there any more; the guard finds the folder gone."""
        self._folders.discard(folder)

    # -- inside
    def _tell(self, folder: Path) -> None:
        stdin = None if self._process is None else self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(os.fsencode(folder) + b"\n")

    async def _start(self) -> None:
        with self._log_file.open("ab") as log_file:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(Path(guard.__file__).resolve())),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log_file,
                start_new_session=True,
            )
        for folder in self._folders:
            self._tell(folder)

    async def _keep(self) -> None:
        while True:
            assert self._process is not None
            await self._process.wait()
            log.error("The guard of this worker ended (see %s); starting another one.", self._log_file)
            await asyncio.sleep(AGAIN_SECONDS)
            with contextlib.suppress(OSError):
                await self._start()
