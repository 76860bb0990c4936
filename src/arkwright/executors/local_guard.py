"""Keeps the logs of running programs below their cap, and programs to their limits, also while the server is down.

A program writes straight into its log file, and no limit of the operating system fits: RLIMIT_FSIZE would fail the
program, and all its other files. A process between program and file would cost each run about as much as the program
itself (half as many runs a second), and would have to outlive both. So nobody stands in the way; the log is cut
*behind* the program, which appends and never notices:

* `cap_log` keeps the beginning, a note where the cut is, and the last 64 KiB. The executor calls it when a program has
  ended, so a log over the cap is always cut then.
* For programs that run longer than a moment the guard calls it each second: a process of its own (started with the
  first such program; short ones never cost anything), told by the server over a pipe which logs to watch. When the
  server dies or leaves, it goes on until the last of those programs has ended. Killing the guard is noticed at the
  next line, and the server starts another.

So a log takes at most its cap plus what its program writes in about two seconds, and a reader of a growing log must be
ready for it to become shorter (go on from the new end).

Limits (`limits`) are looked at in the same second: the memory and number of all processes of a program together, and
its time.

This file runs by itself with `python -I -S`, importing nothing else of Arkwright, to be small and quick to start.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from arkwright.nodes.program_limits import ProgramLimits

TAIL = 64 * 1024
PERIOD_SECONDS = 1.0
YOUNG_SECONDS, YOUNG_PERIOD_SECONDS = 2.0, 0.25
"""Programs that just began are looked at more often: that is when a fork bomb goes off."""
TERM_SECONDS = 5.0
"""What a program that is over its time has for its end."""


def note(cap: int) -> bytes:
    return f"\n[Arkwright: the log is longer than {cap:,} bytes; what was here is cut out]\n".encode()


def cut_offset(cap: int) -> int:
    """Where the note stands in a log that was cut; what is before it never changes."""
    return max(0, cap - min(TAIL, cap // 2) - len(note(cap)))


def cut_end(path: str, cap: int) -> bytes:
    """What will stand behind `cut_offset` once a log that is over the cap is cut: the note, and its last bytes. Empty:
    it is not over the cap any more."""
    size = min(TAIL, cap // 2)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            tail = os.pread(fd, size, max(0, os.fstat(fd).st_size - size))
        finally:
            os.close(fd)
    except OSError:
        return b""
    return note(cap) + tail if len(tail) == size else b""


def cap_log(path: str, cap: int, slack: int = 0) -> bool:
    """Cut the middle out of a log over `cap` + `slack` bytes; afterwards it is `cap` long. True: it was cut."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # no log, or no longer ours to change
        return False
    try:
        size = os.fstat(fd).st_size
        if size <= cap + slack:
            return False
        text = note(cap)
        tail_size = min(TAIL, cap // 2)
        head = cut_offset(cap)
        tail = os.pread(fd, tail_size, size - tail_size)
        # overwrite first, shorten then: what the program appends in between is lost, never out of order
        os.pwrite(fd, text + tail, head)
        os.ftruncate(fd, head + len(text) + len(tail))
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def _running(folder: str, pid: int) -> bool:
    try:
        with open(f"{folder}/child", "rb") as child:  # noqa: PTH123 - no pathlib: this must start quickly
            if child.read().count(b"\n") > 1:
                return False
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


class Watched:
    """A program, and what it may take (0: anything)."""

    __slots__ = ("begun", "folder", "memory", "pid", "processes", "seconds", "stopping")

    def __init__(self, numbers: list[str], folder: str) -> None:
        self.pid, self.memory, self.processes, self.seconds = map(int, numbers)
        self.folder = folder
        self.stopping = 0.0
        try:
            self.begun = os.stat(f"{folder}/child").st_mtime  # noqa: PTH116
        except OSError:
            self.begun = time.time()

    @property
    def limited(self) -> bool:
        return bool(self.memory or self.processes or self.seconds)


def guard(source: int, cap: int) -> None:
    """Lines from `source`: `+<pid> <memory> <processes> <seconds> <folder>` watches, `-…` forgets. Ends when both are
    over."""
    watched: dict[str, Watched] = {}
    rest = b""
    open_ = True
    slack = max(cap // 30, 1)
    due = 0.0
    while open_ or watched:
        timeout = max(0.0, due - time.monotonic()) if watched else None
        ready, _, _ = select.select([source] if open_ else [], [], [], timeout)
        if ready:
            data = os.read(source, 65536)
            open_ = bool(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                *numbers, folder = os.fsdecode(line[1:]).split(" ", 4)
                if line[:1] == b"+":
                    watched[folder] = each = Watched(numbers, folder)
                    _prefer_to_kill(each.pid)
                    if each.processes:
                        due = 0.0
                else:
                    watched.pop(folder, None)
        if time.monotonic() < due:
            continue
        young = any(each.processes and time.time() - each.begun < YOUNG_SECONDS for each in watched.values())
        due = time.monotonic() + (YOUNG_PERIOD_SECONDS if young else PERIOD_SECONDS)
        for each in list(watched.values()):
            cap_log(f"{each.folder}/log", cap, slack)
            if not _running(each.folder, each.pid):
                del watched[each.folder]
        _hold_to_limits([each for each in watched.values() if each.limited])


# ---------------------------------------------------------------- limits


def _prefer_to_kill(pid: int) -> None:
    """Should the machine run out of memory, the kernel is to take a program before the server."""
    try:
        for member in _sessions({pid})[pid]:
            with open(f"/proc/{member}/oom_score_adj", "w") as file:  # noqa: PTH123
                file.write("500")
    except OSError:
        pass


def _sessions(wanted: set[int]) -> dict[int, list[int]]:
    """The processes of these sessions; a program's is named by the id of its wrapper. Empty where there is no /proc."""
    found: dict[int, list[int]] = {pid: [] for pid in wanted}
    try:
        names = os.listdir("/proc")  # noqa: PTH208
    except OSError:
        return found
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    state, _, _, session = file.read().rpartition(b")")[2].split(None, 4)[:4]
            except (OSError, ValueError):
                continue
            if int(session) in found and state not in b"ZX":
                found[int(session)].append(int(name))
    return found


def _memory(pids: list[int]) -> int:
    """Bytes that are theirs alone, as far as the kernel tells cheaply: in memory, and not of a file."""
    pages = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123
                _, resident, shared = file.read().split()[:3]
        except (OSError, ValueError):
            continue
        pages += int(resident) - int(shared)
    return pages * os.sysconf("SC_PAGE_SIZE")


def _hold_to_limits(limited: list[Watched]) -> None:
    if not limited:
        return
    sessions = _sessions({each.pid for each in limited})
    for each in limited:
        members = sessions[each.pid]
        taken = _memory(members) if each.memory else 0
        age = time.time() - each.begun
        if each.stopping:
            if time.monotonic() > each.stopping:
                _kill(each, members)
        elif len(members) > each.processes > 0:
            _note(each, "processes", len(members), each.processes)
            _kill(each, members)
        elif taken > each.memory > 0:
            _note(each, "memory", taken, each.memory)
            _kill(each, members)
        elif age > each.seconds > 0:
            _note(each, "time", int(age), each.seconds)
            each.stopping = time.monotonic() + TERM_SECONDS
            _signal(os.killpg, each.pid, signal.SIGTERM)


def _note(each: Watched, what: str, taken: int, allowed: int) -> None:
    try:
        with open(f"{each.folder}/limit", "x") as file:  # noqa: PTH123
            file.write(f"{what} {taken} {allowed}\n")
    except OSError:  # a full disk must not keep it alive
        pass


def _kill(each: Watched, members: list[int]) -> None:
    """All of it, its wrapper too, whose end is written down first: whoever sees it dead finds out how. A group is
    stopped, and killed, at one stroke, so that nothing in it can be faster; who made a group of his own is looked for
    again."""
    _signal(os.killpg, each.pid, signal.SIGSTOP)
    try:
        with open(f"{each.folder}/child", "rb+") as child:  # noqa: PTH123
            if child.read().count(b"\n") == 1:
                child.write(b"%d .\n" % (128 + signal.SIGKILL))
    except OSError:
        pass
    for _ in range(20):
        _signal(os.killpg, each.pid, signal.SIGKILL)
        for pid in members:
            _signal(os.kill, pid, signal.SIGKILL)
        members = _sessions({each.pid})[each.pid]
        if not members:
            break


def _signal(send: Callable[[int, int], None], number: int, what: int) -> None:
    try:
        send(number, what)
    except OSError:
        pass


class LogGuard:
    """The server's end: starts the guard when it is first needed, and again should it be gone."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._pipe = -1
        self._pid = 0
        self._watched: dict[str, str] = {}
        """Of a folder the numbers that the guard is told."""

    def ready(self) -> None:
        """Be there before it is needed: beside a fork bomb a start takes too long."""
        if self._pipe < 0:
            self._start()

    def watch(self, pid: int, folder: str, limits: ProgramLimits | None = None) -> None:
        numbers = f"{pid} 0 0 0"
        if limits is not None:
            numbers = f"{pid} {limits.memory_bytes} {limits.processes} {limits.seconds}"
        self._watched[folder] = numbers
        if self._pipe < 0:
            self._start()
        else:
            self._send("+", numbers, folder)

    def forget(self, folder: str) -> None:
        numbers = self._watched.pop(folder, None)
        if numbers is not None and self._pipe >= 0:
            self._send("-", numbers, folder)

    def close(self) -> None:
        """The guard goes on by itself until its programs have ended."""
        if self._pipe >= 0:
            os.close(self._pipe)
        self._pipe = -1

    def _send(self, sign: str, numbers: str, folder: str) -> None:
        try:
            os.write(self._pipe, os.fsencode(f"{sign}{numbers} {folder}\n"))
        except BrokenPipeError:
            self.close()
            os.waitpid(self._pid, 0)
            if self._watched:
                self._start()
        except BlockingIOError:  # stopped by somebody: a log may grow until its program ends, and is cut then
            pass

    def _start(self) -> None:
        read, write = os.pipe()
        actions = (
            (os.POSIX_SPAWN_DUP2, read, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        )
        argv = (sys.executable, "-I", "-S", __file__, str(self._cap))
        try:
            # a group of its own: what stops the server's group must not stop the guard
            self._pid = os.posix_spawn(argv[0], argv, {}, file_actions=actions, setpgroup=0, setsigmask=())
        except OSError:  # no processes or descriptors left: logs are cut when their programs end
            os.close(write)
            return
        finally:
            os.close(read)
        os.set_blocking(write, False)
        self._pipe = write
        for folder, numbers in self._watched.items():
            self._send("+", numbers, folder)


if __name__ == "__main__":
    os.chdir("/")
    guard(0, int(sys.argv[1]))
