"""A gate that a node's program waits at until the test opens it."""

from __future__ import annotations

import os
from pathlib import Path


class Gate:
    def __init__(self, folder: Path, name: str = "gate") -> None:
        self._path = folder / name
        os.mkfifo(self._path)
        self.statement = f"cat '{self._path}' > /dev/null"
        """Shell: go on when the gate opens."""

    def open(self) -> None:
        """Waits for the program to arrive, and lets it go on."""
        self._path.write_bytes(b"")
