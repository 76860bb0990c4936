"""The folder of one attempt: what is in it, and what that says.

| File     | Written by            | Says |
|----------|-----------------------|------|
| `child`  | the wrapper, O_EXCL   | first line: it is started, and by which process: `<boot id> <pid> <mark>` |
|          | the wrapper, appended (or the server after a KILL) | second line: it has ended: `<exit code> .` |
|          | the server, O_EXCL    | `barred`: it was cancelled before it started, and never will be |
| `log`    | the program           | its stdout and stderr |
| `output` | the node              | what the next nodes see of it |
| `cancel` | the server            | somebody asked it to stop |
| `work/`  | the program           | its working folder, unless the node names another |

plus the files that the node gives its program. Reading:

* no `child`: not started. Whoever creates it starts; the other one leaves. So starting twice is harmless, also while a
  wrapper of a dead server is still on its way.
* a whole second line: ended, whatever else.
* a whole first line alone: running if that very process lives, else lost. Read once more after the process was found
  missing: it may have ended in between.
* no whole line: somebody is claiming it this very moment. If it stays so, its writer was killed in the middle or the
  disk is full, and nobody can tell: lost.
* After a power cut files that were not synced may be missing or empty. A claim of another boot without an end is lost;
  a missing claim proves nothing then (`rebooted`), so it is lost, too.

One file for claim and end, since making a file is what costs on a disk: about as much as a tenth of a start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from arkwright.executors.process import Handle, Identity, System
from arkwright.executors.spread import spread

BARRED = b"barred"
_END = re.compile(rb"(\d{1,3}) \.\n")


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Nobody has claimed it."""


@dataclass(frozen=True, slots=True)
class Claiming:
    """Its claim is not whole (yet)."""


@dataclass(frozen=True, slots=True)
class Barred:
    """Cancelled before it started."""


@dataclass(frozen=True, slots=True)
class Running:
    """It runs; the handle is the caller's to release."""

    handle: Handle


@dataclass(frozen=True, slots=True)
class Ended:
    exit_code: int


@dataclass(frozen=True, slots=True)
class Lost:
    reason: str
    pid: int | None = None
    """Leader of the process group that it ran in, if something of it may still be there in this boot."""


State = NotStarted | Claiming | Barred | Running | Ended | Lost


class AttemptFolder:
    """Paths and the small files of one attempt."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = str(path.absolute())

    def file(self, name: str) -> str:
        return f"{self.path}/{name}"

    def prepare(self, files: Mapping[str, bytes], directory: str | None) -> str:
        """Make the folder, its program files and the working folder; the working folder's path."""
        # one mkdir in the common case; os.makedirs would stat first
        try:
            os.mkdir(self.path, 0o700)  # noqa: PTH102 - hot path
        except FileNotFoundError:  # the first of its instance
            _prepare_instance(os.path.dirname(self.path))  # noqa: PTH120
            os.makedirs(self.path, 0o700, exist_ok=True)  # noqa: PTH103
        except FileExistsError:
            pass
        for name, data in files.items():
            self._write_program_file(name, data)
        if directory is None:
            return self.path
        if directory == self.file("work"):
            try:
                os.mkdir(directory, 0o700)  # noqa: PTH102
            except FileExistsError:
                pass
        return directory

    def _write_program_file(self, name: str, data: bytes) -> None:
        if "/" in name or name in ("", ".", "..", "child", "log", "output", "cancel", "work"):
            raise ValueError(f"{name!r} can't be the name of a program file.")
        try:
            fd = os.open(self.file(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700)
        except FileExistsError:
            # A server died here before. Never write into the old file: a late wrapper may be running it.
            fresh = self.file(f".{name}.{os.getpid()}")
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o700)
            _write_all(fd, data)
            os.replace(fresh, self.file(name))  # noqa: PTH105
            return
        _write_all(fd, data)

    def bar(self) -> bool:
        """Claim it so that it never starts. False: it is started, or barred already."""
        os.makedirs(self.path, 0o700, exist_ok=True)  # noqa: PTH103
        # Whole or not at all: a server that is killed in the middle must not leave a claim that tells nothing.
        fresh = self.file(f".child.{os.getpid()}")
        _write_all(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), BARRED + b"\n")
        try:
            os.link(fresh, self.file("child"))
        except FileExistsError:
            return False
        finally:
            os.unlink(fresh)  # noqa: PTH108
        return True

    def record_end(self, code: int) -> None:
        """Write the exit code in the place of a wrapper that can't any more."""
        fd = os.open(self.file("child"), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        _write_all(fd, f"{code} .\n".encode())

    def request_cancel(self) -> None:
        os.close(os.open(self.file("cancel"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def cancel_requested(self) -> bool:
        return os.access(self.file("cancel"), os.F_OK)

    def read(self) -> Identity | NotStarted | Claiming | Barred | Ended:
        """What `child` says."""
        try:
            fd = os.open(self.file("child"), os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return NotStarted()
        try:
            text = os.read(fd, 4096)
        finally:
            os.close(fd)
        first, whole, rest = text.partition(b"\n")
        if not whole:
            return Claiming()
        if first == BARRED:
            return Barred()
        # A wrapper killed between making the claim and writing it leaves the first line to whoever records its end.
        end = _END.match(rest) or _END.match(text)
        if end:
            return Ended(int(end[1]))
        try:
            boot, pid, mark = first.decode("utf-8", "replace").split(" ")
            return Identity(boot, int(pid), mark)
        except ValueError:
            return Claiming()


def examine(folder: AttemptFolder, system: System, *, rebooted: bool = False) -> State:
    """What became of the attempt. `rebooted`: the machine restarted since it may have been started."""
    said = folder.read()
    if isinstance(said, Ended | Barred):
        return said
    if rebooted and not (isinstance(said, Identity) and said.boot == system.boot):
        return Lost("the machine was restarted, and what was not yet on disk then is gone")
    if not isinstance(said, Identity):
        return said
    handle = system.find(said)
    if handle is not None:
        return Running(handle)
    again = folder.read()  # it may have ended between the two looks
    if isinstance(again, Ended):
        return again
    if said.boot != system.boot:
        return Lost("the machine was restarted while it ran")
    reason = "its supervising process is gone and left no exit code (killed from outside, or out of memory)"
    return Lost(reason, said.pid)


def _prepare_instance(instance: str) -> None:
    """Those of many instances are kept apart from each other; the attempts of one are together."""
    try:
        os.mkdir(instance, 0o700)  # noqa: PTH102
    except FileNotFoundError:  # the first of many
        above = os.path.dirname(instance)  # noqa: PTH120
        os.makedirs(above, 0o700, exist_ok=True)  # noqa: PTH103
        spread(above)
        os.makedirs(instance, 0o700, exist_ok=True)  # noqa: PTH103
    except FileExistsError:
        pass


def _write_all(fd: int, data: bytes) -> None:
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
    finally:
        os.close(fd)
