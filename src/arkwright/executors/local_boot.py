"""Whether the machine was restarted since programs were started here, told by one file beside their folders.

A claim file that is missing after a power cut proves nothing: it may have been written and never synced. Syncing each
claim would cost every run a disk flush, so instead the runs folder remembers in `boot` the boot that its programs
belong to, synced once per boot. While that is another boot than the present one, an attempt without a claim counts as
lost, not as "not started".

The file is brought up to date only after recovery is over (`settle`), since a server that dies in the middle of it must
find the restart again. What it then takes for lost may include attempts of the short time in between that never
started: that errs on the side that starts nothing twice.
"""

from __future__ import annotations

import os
from pathlib import Path


class BootMark:
    def __init__(self, root: Path, boot: str) -> None:
        self._path = root / "boot"
        self._boot = boot
        self.rebooted = False

    def read(self) -> None:
        """A missing file means that nothing was ever started here."""
        try:
            earlier = self._path.read_text("utf-8").strip()
        except FileNotFoundError:
            self._write()
            return
        self.rebooted = earlier != self._boot

    def settle(self) -> None:
        """Recovery is over: all attempts of the earlier boot are accounted for."""
        if self.rebooted:
            self._write()
            self.rebooted = False

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(f"{self._boot}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
