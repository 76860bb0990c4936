"""Keeps a thread, and all that it starts, inside a few folders: Landlock, the kernel's sandbox for the unprivileged.

Why beside DuckDB's own lock-down: DuckDB compares paths as text, so `link/../etc/passwd` passes as a path below the
allowed folder while the kernel follows `link` first. Where there is no Landlock (macOS, old kernels, some containers)
`outward_link` finds such links before an attempt begins instead.

Nothing of this keeps out somebody who may run programs as the server's user; it is about SQL alone.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

# Numbers of the system calls are the same on all architectures (they are newer than the unified table).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_READ = _READ_FILE | _READ_DIR
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | 1 << 15
_RIGHTS_OF_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK_RIGHTS = 0b11
"""Bind and connect of TCP, known since version 4; no rule allows any."""
_SYMLINKS_AND_DEVICES = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12


_SYSTEM = (
    "/usr/lib",
    "/usr/share/zoneinfo",
    "/etc/localtime",
    "/dev/urandom",
    "/proc/stat",
    "/proc/meminfo",
    "/proc/self/cgroup",  # DuckDB ends the whole process when it can't read this
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
)


def libraries() -> list[Path]:
    """What Python and DuckDB may still want to read in a confined thread; none of it is secret."""
    return [Path(place) for place in (sys.prefix, sys.base_prefix, *sys.path, *_SYSTEM) if place]


def confine_thread(*, writable: Iterable[Path], readable: Iterable[Path]) -> bool:
    """Confine the calling thread and every thread it starts, for good. False: this system can't; nothing is changed.

    Files that are already open stay usable.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    if version < 1:
        return False
    handled = _RIGHTS_OF_VERSION[max(known for known in _RIGHTS_OF_VERSION if known <= version)]
    attributes = struct.pack("=QQ", handled, _NETWORK_RIGHTS) if version >= 4 else struct.pack("=Q", handled)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for path in writable:
            if not _allow(libc, ruleset, path, handled & ~_SYMLINKS_AND_DEVICES & ~_EXECUTE):
                return False
        for path in readable:
            _allow(libc, ruleset, path, handled & (_READ | _EXECUTE))
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> bool:
    try:
        descriptor = os.open(path, getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not path.is_dir():
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, descriptor)
        return bool(
            libc.syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0)) == 0
        )
    finally:
        os.close(descriptor)


def outward_link(folder: Path) -> Path | None:
    """A symbolic link below the folder that leads out of it."""
    root = os.path.realpath(folder)
    for parent, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(parent, name)
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                return path
    return None
