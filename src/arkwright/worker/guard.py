"""Kills what a worker runs once its lease is about to run out. A process of its own, so that a worker which froze, was
killed, or hangs can't keep a program going that somebody else may start again.

Theory of operation: each attempt's folder holds the file `lease`: the moment (by this machine's own clock since boot,
which nobody sets) until which the program may run. The worker moves it on with each renewed lease, counted from the
moment at which it *asked*, so it lies before the server's own by the way of the question. The guard is told of folders
on its stdin, sleeps until the first of these moments, reads the file again, and kills the program's group if it was not
moved on. A program on its way that has not claimed its folder yet is barred from starting. When its worker is gone, the
guard stays until nothing is left to watch: a worker that was restarted in time goes on moving the same files on.

Started by path, without site-packages: the standard library and the executors' own files alone.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path

LEASE = "lease"
_NEVER = 3600.0


def now_seconds() -> float:
    """Since the boot of this machine; goes on while it sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def write_deadline(folder: Path, seconds: float) -> None:
    """`seconds` by `now_seconds`. Whole at any moment: it is one write of one length."""
    descriptor = os.open(folder / LEASE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, b"%020.6f\n" % seconds, 0)
    finally:
        os.close(descriptor)


def read_deadline(folder: Path) -> float | None:
    try:
        return float((folder / LEASE).read_bytes())
    except (OSError, ValueError):
        return None


def kill(folder: Path) -> bool:
    """End what runs in an attempt's folder, for good: nothing of it goes on, and nothing of it starts later. False:
    there was nothing to end."""
    from arkwright.executors.folder import AttemptFolder, Claiming, NotStarted
    from arkwright.executors.process import Identity, signal_group, this_system

    system, attempt = this_system(), AttemptFolder(folder)
    said = attempt.read(system)
    if isinstance(said, NotStarted | Claiming) and not attempt.bar():
        said = attempt.read(system)
    if not isinstance(said, Identity):
        return False
    handle = system.find(said)
    if handle is not None:
        signal_group(said.pid, signal.SIGKILL)
        system.release(None, handle)
    elif said.boot == system.boot and not system.exists(said.pid):
        # Its leader is gone. An id that a group still has is given to nobody, so the group is its own.
        signal_group(said.pid, signal.SIGKILL)
    return True


def main() -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import arkwright.executors.folder  # noqa: F401  now, and not when there is no memory, or another version, any more

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when there is nothing left to watch
    watched: dict[Path, float] = {}
    rest, there = b"", True
    while there or watched:
        first = min(watched.values(), default=now_seconds() + _NEVER)
        wait = max(0.0, first - now_seconds())
        if there and select.select([0], [], [], wait)[0]:
            data = os.read(0, 65536)
            there = bool(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                folder = Path(os.fsdecode(line))
                watched[folder] = read_deadline(folder) or now_seconds()
        elif not there:
            time.sleep(wait)
        for folder, deadline in list(watched.items()):
            if deadline <= now_seconds():
                again = read_deadline(folder)
                if again is not None and again > now_seconds():
                    watched[folder] = again
                    continue
                del watched[folder]
                if folder.exists():
                    with contextlib.suppress(OSError):
                        kill(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
