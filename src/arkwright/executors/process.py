"""A process of this machine: who it is, whether it still lives, and when it ends. The one file for what is
special to an operating system.

* **Identity** is (boot id, process id, mark). A process id alone is reused, so each wrapper is given a random word
  among its arguments, its mark, and nothing is ever watched or signalled on the strength of an id read from a file
  before the mark was looked for there; on Linux the process is pinned by a pidfd *first* and compared then, which
  leaves no gap. (A start time would do, too, but a shell has to read it letter by letter: a tenth of a start.)
* `LinuxSystem`: pidfd, `/proc/<pid>/cmdline`, the kernel's boot id. Watching costs one file descriptor and no thread.
* `PortableSystem`: `ps -o args=` for the mark, a thread in `waitpid` for each child of our own, kqueue for adopted ones
  where there is one, and as the last resort a look every 0.2 s. macOS uses it; tests force it.
  Without a boot id from the system a restart of the machine shows only by marks.

Never here or elsewhere: `fork`, `preexec_fn`, `user=` (they leave the fast vfork path: ten times slower), and
PDEATHSIG (it would undo that programs survive the server).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

POLL_SECONDS = 0.2
"""How often the last resort looks whether an adopted process still lives."""

DEFAULTED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ)
"""Reset in the child: Python ignores SIGPIPE, a `nohup`ed server SIGHUP, and a program would inherit that."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process, over all boots of this machine."""

    boot: str
    pid: int
    mark: str


class Handle:
    """A process that was found alive, or was just spawned, and is kept in view until `release`."""

    __slots__ = ("fd", "open", "pid", "status")

    def __init__(self, pid: int, fd: int = -1) -> None:
        self.pid = pid
        self.fd = fd
        self.open = True
        self.status: int | None = None
        """Exit code (negative: signal) where a watching thread has reaped it."""


class System(Protocol):
    """What the executor needs of the operating system. All but `watch` and `release` may be called in any thread."""

    boot: str
    """Id of this boot; the same until the machine restarts."""

    def find(self, identity: Identity) -> Handle | None:
        """The process if it is alive and the same. Raises OSError if that can't be seen now: no descriptor is left."""
        ...

    def hold(self, pid: int) -> Handle:
        """A child just spawned, not yet reaped."""
        ...

    def exists(self, pid: int) -> bool:
        """Whether a living process has this id now."""
        ...

    def group_lives(self, pid: int) -> bool:
        """Whether anything still runs in the group that `pid` led."""
        ...

    def watch(self, loop: asyncio.AbstractEventLoop, handle: Handle, ended: Callable[[], None]) -> None:
        """Call `ended` once on the loop when the process has ended."""
        ...

    def reap(self, handle: Handle) -> int | None:
        """Exit code of an ended child of this process (negative: signal); None if it isn't our child."""
        ...

    def release(self, loop: asyncio.AbstractEventLoop | None, handle: Handle) -> None:
        """Stop watching; the process goes on. Twice is harmless."""
        ...


def spawn(
    argv: tuple[str, ...], environment: Mapping[str, str], log: str, *, passed: tuple[int, int] | None = None
) -> int:
    """Start a process in a session of its own, stdin empty, stdout and stderr appended to the file `log`. `passed`: one
    more descriptor of ours, and the number that it has there.

    Raises OSError (no such program, no descriptors, …) and ValueError (NUL or text that can't be encoded, or more text
    than a process takes).
    """
    actions: tuple[tuple[Any, ...], ...] = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    )
    if passed is not None:
        actions = ((os.POSIX_SPAWN_DUP2, *passed), *actions)
    try:
        return os.posix_spawn(
            argv[0], argv, environment, file_actions=actions, setsid=True, setsigmask=(), setsigdef=DEFAULTED
        )
    except NotImplementedError:  # a libc without POSIX_SPAWN_SETSID: a group of its own is what signals need
        return os.posix_spawn(
            argv[0], argv, environment, file_actions=actions, setpgroup=0, setsigmask=(), setsigdef=DEFAULTED
        )
    except OSError as error:
        if error.errno != errno.E2BIG:
            raise
        raise ValueError(
            "its arguments and parameters are more text than a process takes; give it less, or let it read a file"
        ) from None


def fresh_mark() -> str:
    """A word that no other process has among its arguments."""
    return os.urandom(12).hex()


def signal_group(pid: int, number: int) -> bool:
    """Signal the group that `pid` leads or led; False if nobody is left in it."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM where only zombies are left
        return False
    return True


def reap_child(pid: int) -> int | None:
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if done else None


class LinuxSystem:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()

    def find(self, identity: Identity) -> Handle | None:
        if identity.boot != self.boot:
            return None
        try:
            fd = os.pidfd_open(identity.pid)
        except (ProcessLookupError, ValueError, OverflowError):
            return None
        except OSError:  # no descriptor left (EMFILE): go on without one
            return Handle(identity.pid) if _has_mark(identity) else None
        same = False
        try:
            same = _has_mark(identity)
        finally:
            if not same:
                os.close(fd)
        return Handle(identity.pid, fd) if same else None

    def hold(self, pid: int) -> Handle:
        try:
            return Handle(pid, os.pidfd_open(pid))
        except OSError:  # no descriptor left: a thread watches it
            return Handle(pid)

    def exists(self, pid: int) -> bool:
        try:
            return _standing(pid) is not None
        except OSError:  # whom nobody can see is not taken for dead
            return True

    def group_lives(self, pid: int) -> bool:
        # the dead that nobody reaps (containers often have no init) still count for killpg, so look at each member
        try:
            members = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())
            return signal_group(pid, 0) and any(_standing(each) == pid for each in members)
        except OSError:
            return signal_group(pid, 0)

    def watch(self, loop: asyncio.AbstractEventLoop, handle: Handle, ended: Callable[[], None]) -> None:
        if handle.fd < 0:
            PORTABLE_FALLBACK.watch(loop, handle, ended)
            return

        def readable() -> None:
            loop.remove_reader(handle.fd)
            ended()

        loop.add_reader(handle.fd, readable)

    def reap(self, handle: Handle) -> int | None:
        return handle.status if handle.status is not None else reap_child(handle.pid)

    def release(self, loop: asyncio.AbstractEventLoop | None, handle: Handle) -> None:
        if not handle.open:
            return
        handle.open = False
        if handle.fd >= 0:
            if loop is not None:
                loop.remove_reader(handle.fd)
            os.close(handle.fd)


class PortableSystem:
    """See the module's docstring."""

    def __init__(self) -> None:
        self._boot: str | None = None

    @property
    def boot(self) -> str:
        if self._boot is None:
            self._boot = _first_word(["sysctl", "-n", "kern.bootsessionuuid"]) or "unknown"
        return self._boot

    @boot.setter
    def boot(self, value: str) -> None:
        self._boot = value

    def find(self, identity: Identity) -> Handle | None:
        if identity.boot != self.boot:
            return None
        arguments = _output(["ps", "-ww", "-o", "args=", "-p", str(identity.pid)])
        return Handle(identity.pid) if identity.mark in arguments.split() else None

    def hold(self, pid: int) -> Handle:
        return Handle(pid)

    def exists(self, pid: int) -> bool:
        return _alive(pid)

    def group_lives(self, pid: int) -> bool:
        return signal_group(pid, 0)

    def watch(self, loop: asyncio.AbstractEventLoop, handle: Handle, ended: Callable[[], None]) -> None:
        def wait() -> None:
            try:
                _, status = os.waitpid(handle.pid, 0)
                handle.status = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                _wait_for_stranger(handle)
            if handle.open:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    loop.call_soon_threadsafe(lambda: ended() if handle.open else None)

        threading.Thread(target=wait, name=f"arkwright-watch-{handle.pid}", daemon=True).start()

    def reap(self, handle: Handle) -> int | None:
        return handle.status if handle.status is not None else reap_child(handle.pid)

    def release(self, loop: asyncio.AbstractEventLoop | None, handle: Handle) -> None:
        handle.open = False


def _has_mark(identity: Identity) -> bool:
    """Raises OSError if that can't be seen now: no descriptor is left."""
    try:
        arguments = Path(f"/proc/{identity.pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return identity.mark.encode() in arguments.split(b"\0")


def _standing(pid: int) -> int | None:
    """The process group of a living process. The dead that nobody has reaped are not among the living. Raises OSError
    if that can't be seen now."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    state, _, group = stat.rpartition(")")[2].split()[:3]  # the name in brackets may hold blanks
    return None if state in "ZX" else int(group)


PORTABLE_FALLBACK = PortableSystem()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _wait_for_stranger(handle: Handle) -> None:
    """Return when the process has ended, or was released."""
    if sys.platform != "linux" and hasattr(select, "kqueue"):
        queue = select.kqueue()
        try:
            event = select.kevent(
                handle.pid, filter=select.KQ_FILTER_PROC, flags=select.KQ_EV_ADD, fflags=select.KQ_NOTE_EXIT
            )
            queue.control([event], 1)
        except ProcessLookupError:
            pass
        finally:
            queue.close()
        return
    while handle.open and _alive(handle.pid):
        time.sleep(POLL_SECONDS)


def _output(argv: list[str]) -> str:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC0"}
    try:
        result = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=10)  # noqa: S603 - fixed commands
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout


def _first_word(argv: list[str]) -> str:
    return (_output(argv).split() or [""])[0]


def this_system(*, portable: bool = False) -> System:
    """The best system for this machine; `portable` forces the fallback."""
    if not portable and hasattr(os, "pidfd_open"):
        try:
            os.close(os.pidfd_open(os.getpid()))
            return LinuxSystem()
        except OSError:  # an old kernel, or a sandbox that forbids it
            pass
    return PortableSystem()
