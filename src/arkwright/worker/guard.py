"""Kills what a worker runs once its lease is about to run out. A process of its own, so that a worker which froze, was
killed, or hangs can't keep a program going that somebody else may start again.

Theory of operation: each attempt's folder holds the file `lease`: two moments (by this machine's own clock since boot,
which nobody sets). At the first the program is asked to end, at the second it is killed. The worker moves them on with
each renewed lease, counted from the moment at which it *asked*, so they lie before the server's own by the way of the
question. The guard is told of folders on its stdin, sleeps until the first of these moments, reads the file again, and
ends the program's group if they were not moved on. A program on its way that has not claimed its folder yet is barred
from starting. A node that runs inside the worker itself (`HOSTED`) can be ended only with the worker.

When its worker is gone, the guard stays until nothing is left to watch: a worker that was restarted in time goes on
moving the same files on.

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
HOSTED = "hosted"
"""In the folder of an attempt that runs inside the worker."""
FENCED = "fenced"
"""In the folder of one that the guard has stopped: however it ended, that was not its own end."""
_LOOK = 1.0
"""Waits are by a clock that stands still while the machine sleeps: looked at again after so long, what ran out
meanwhile is ended soon after it wakes."""
_NEVER = 3600.0


def now_seconds() -> float:
    """Since the boot of this machine; goes on while it sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def write_deadlines(folder: Path, stop: float, kill: float) -> None:
    """Both by `now_seconds`. Whole at any moment: it is one write of one length."""
    descriptor = os.open(folder / LEASE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, b"%020.6f %020.6f\n" % (stop, kill), 0)
    finally:
        os.close(descriptor)


def read_deadlines(folder: Path) -> tuple[float, float] | None:
    """When to stop it, and when to kill it."""
    try:
        stop, kill = (folder / LEASE).read_bytes().split()
        return float(stop), float(kill)
    except (OSError, ValueError):
        return None


def stop(folder: Path) -> None:
    """Ask what runs in an attempt's folder to end."""
    from arkwright.executors.folder import AttemptFolder
    from arkwright.executors.process import Identity

    if isinstance(AttemptFolder(folder).read(), Identity):
        with contextlib.suppress(OSError):  # a full disk keeps nothing alive
            (folder / FENCED).touch()
        _signal(folder, signal.SIGTERM)


def kill(folder: Path) -> bool:
    """End what runs in an attempt's folder, for good: nothing of it goes on, and nothing of it starts later. False:
    there was nothing to end."""
    from arkwright.executors.folder import AttemptFolder, Claiming, NotStarted

    attempt = AttemptFolder(folder)
    if isinstance(attempt.read(), NotStarted | Claiming):
        attempt.bar()
    return _signal(folder, signal.SIGKILL)


def _signal(folder: Path, number: int) -> bool:
    """False: nothing runs there."""
    from arkwright.executors.folder import AttemptFolder
    from arkwright.executors.process import Identity, signal_group, this_system

    system = this_system()
    said = AttemptFolder(folder).read()
    if not isinstance(said, Identity):
        return False
    handle = system.find(said)
    if handle is not None:
        signal_group(said.pid, number)
        system.release(None, handle)
    elif said.boot == system.boot and not system.exists(said.pid):
        # Its leader is gone. An id that a group still has is given to nobody, so the group is its own.
        signal_group(said.pid, number)
    return True


class Watched:
    """A folder, and what is due in it."""

    __slots__ = ("folder", "kill", "stop", "stopped")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stopped = False
        self.stop, self.kill = read_deadlines(folder) or (now_seconds(), now_seconds())

    @property
    def due(self) -> float:
        return self.kill if self.stopped else self.stop

    def look(self, worker: int) -> bool:
        """Do what is due. `worker`: its process. True: there is nothing left to watch."""
        self.stop, self.kill = read_deadlines(self.folder) or (self.stop, self.kill)
        now = now_seconds()
        if self.stop > now:
            self.stopped = False
            return False
        if not self.folder.exists():
            return True
        if not self.stopped:
            self.stopped = True
            with contextlib.suppress(OSError):
                stop(self.folder)
        if self.kill > now_seconds():
            return False
        with contextlib.suppress(OSError):
            kill(self.folder)
        if (self.folder / HOSTED).exists() and os.getppid() == worker:
            os.kill(worker, signal.SIGKILL)
        return True


def main() -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import arkwright.executors.folder  # noqa: F401  now, and not when there is no memory, or another version, any more

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when there is nothing left to watch
    worker = os.getppid()
    watched: dict[Path, Watched] = {}
    rest, there = b"", True
    while there or watched:
        first = min((each.due for each in watched.values()), default=now_seconds() + _NEVER)
        wait = min(max(0.0, first - now_seconds()), _LOOK if watched else _NEVER)
        if there and select.select([0], [], [], wait)[0]:
            data = os.read(0, 65536)
            there = bool(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                folder = Path(os.fsdecode(line))
                watched[folder] = Watched(folder)
        elif not there:
            time.sleep(wait)
        for each in list(watched.values()):
            if each.due <= now_seconds() and each.look(worker):
                del watched[each.folder]
    return 0


if __name__ == "__main__":
    sys.exit(main())
