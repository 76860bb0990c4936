"""The machine's own limits, measured in the same run as our figures: a spawn, a sync to disk, in seconds."""

from __future__ import annotations

import os
import time
from pathlib import Path


def spawn_seconds(rounds: int) -> list[float]:
    """Starting /bin/true and waiting for its end, one after another."""
    true = "/bin/true" if Path("/bin/true").exists() else "/usr/bin/true"
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        os.waitpid(os.posix_spawn(true, [true], {}, setsid=True), 0)
        times.append(time.perf_counter() - start)
    return times


def sync_seconds(folder: Path, rounds: int) -> list[float]:
    """Appending 4 KiB to a file and fdatasync."""
    path = folder / "limit"
    block = b"x" * 4096
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(rounds):
            start = time.perf_counter()
            file.write(block)
            os.fdatasync(file.fileno()) if hasattr(os, "fdatasync") else os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    path.unlink()
    return times
