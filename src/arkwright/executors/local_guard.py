"""Keeps the logs of running programs below their cap, also while the server is down.

A program writes straight into its log file, and no limit of the operating system fits: RLIMIT_FSIZE would fail the
program, and all its other files. A process between program and file would cost each run about as much as the program
itself (half as many runs a second), and would have to outlive both. So nobody stands in the way; the log is cut
*behind* the program, which appends and never notices:

* `cap_log` keeps the beginning, a note where the cut is, and the last 64 KiB. The executor calls it when a program has
  ended, so a log over the cap is always cut then.
* For programs that run longer than a second the guard calls it each second: a process of its own (started with the
  first such program; short ones never cost anything), told by the server over a pipe which logs to watch. When the
  server dies or leaves, it goes on until the last of those programs has ended. Killing the guard is noticed at the
  next line, and the server starts another.

So a log takes at most its cap plus what its program writes in about two seconds, and a reader of a growing log must be
ready for it to become shorter (go on from the new end).

This file runs by itself with `python -I -S`, importing nothing else of Arkwright, to be small and quick to start.
"""

from __future__ import annotations

import os
import select
import sys
import time

TAIL = 64 * 1024
PERIOD_SECONDS = 1.0


def note(cap: int) -> bytes:
    return f"\n[Arkwright: the log is longer than {cap:,} bytes; what was here is cut out]\n".encode()


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
        head = max(0, cap - tail_size - len(text))
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


def guard(source: int, cap: int) -> None:
    """Lines from `source`: `+<pid> <folder>` watches, `-<pid> <folder>` forgets. Ends when both are over."""
    watched: dict[str, int] = {}
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
                pid, _, folder = os.fsdecode(line[1:]).partition(" ")
                if line[:1] == b"+":
                    watched[folder] = int(pid)
                else:
                    watched.pop(folder, None)
        if time.monotonic() < due:
            continue
        due = time.monotonic() + PERIOD_SECONDS
        for folder, number in list(watched.items()):
            cap_log(f"{folder}/log", cap, slack)
            if not _running(folder, number):
                del watched[folder]


class LogGuard:
    """The server's end: starts the guard when it is first needed, and again should it be gone."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._pipe = -1
        self._pid = 0
        self._watched: dict[str, int] = {}

    def watch(self, pid: int, folder: str) -> None:
        self._watched[folder] = pid
        if self._pipe < 0:
            self._start()
        else:
            self._send("+", pid, folder)

    def forget(self, folder: str) -> None:
        pid = self._watched.pop(folder, None)
        if pid is not None and self._pipe >= 0:
            self._send("-", pid, folder)

    def close(self) -> None:
        """The guard goes on by itself until its programs have ended."""
        if self._pipe >= 0:
            os.close(self._pipe)
        self._pipe = -1

    def _send(self, sign: str, pid: int, folder: str) -> None:
        try:
            os.write(self._pipe, os.fsencode(f"{sign}{pid} {folder}\n"))
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
        for folder, pid in self._watched.items():
            self._send("+", pid, folder)


if __name__ == "__main__":
    os.chdir("/")
    guard(0, int(sys.argv[1]))
