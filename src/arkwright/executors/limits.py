"""Limits of programs on this host: how they are set, and how it is told that one was reached.

* The shell that starts a program sets what the kernel checks for each process: its data (`ulimit -d`: memory that it
  could write to; not `-v`, which counts what Java and Go only reserve) and its open files. Without limits it does
  nothing, and a start costs nothing more.
* The guard (`local_guard`), which looks each second after programs that run longer than one, checks what no such limit
  can: the memory of all processes of a program together, how many they are, and its time. It kills all of them at once,
  also while the server is down, and leaves in `limit` what was reached.

Whatever leaves the program's session (`setsid`) is out of its reach.
"""

from __future__ import annotations

import contextlib
import os
import resource
from functools import lru_cache
from pathlib import Path

from arkwright.nodes.program_limits import ProgramLimits

REACHED = "limit"
"""In an attempt's folder: `<what> <taken> <allowed>`, written by the guard before it kills."""
_SIGNS = (
    *(b"MemoryError", b"Cannot allocate memory", b"out of memory", b"Out of memory", b"OutOfMemory"),
    *(b"bad_alloc", b"memory exhausted", b"Out Of Memory", b"failed to map", b"Cannot allocate"),
)
_TAIL = 8192
OTHERS = 4096
"""The kernel counts all processes of a user together, so this is left for those beside the program: what a fork bomb
can reach until the guard sees it."""


@lru_cache(maxsize=256)
def shell_text(limits: ProgramLimits) -> str:
    """What the wrapper does first: built into the shell, some microseconds. A limit that is lower already stays."""
    parts = []
    if limits.memory_bytes:
        parts.append(f"ulimit -d {_within(resource.RLIMIT_DATA, limits.memory_bytes) // 1024 or 1}; ")
    if limits.open_files:
        parts.append(f"ulimit -n {_within(resource.RLIMIT_NOFILE, limits.open_files)}; ")
    if limits.processes and os.getuid() != 0:  # of root the kernel takes any number
        name = "-u" if Path("/bin/sh").resolve().name == "bash" else "-p"
        parts.append(f"ulimit {name} {_within(resource.RLIMIT_NPROC, limits.processes + OTHERS)}; ")
    return "".join(parts)


def _within(what: int, wanted: int) -> int:
    """Nobody may set more than the hard limit."""
    hard = resource.getrlimit(what)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def reached(folder: str) -> str | None:
    """What the guard says, as a sentence; None: it killed nothing."""
    try:
        what, taken, allowed = Path(folder, REACHED).read_text("ascii").split()
    except (OSError, ValueError):
        return None
    match what:
        case "memory":
            more = f" (it took {_megabytes(int(taken))})" if taken != allowed else ""
            return f"It was killed: over its memory of {_megabytes(int(allowed))}{more}."
        case "memory-likely":
            return f"It was killed, most likely over its memory of {_megabytes(int(allowed))}."
        case "processes":
            return f"It was killed: over its {int(allowed):,} processes (there were {int(taken):,})."
        case "time":
            return f"It was stopped: over its time of {int(allowed):,} s."
        case _:
            return None


def out_of_memory(log: str, limits: ProgramLimits) -> str | None:
    """Of a program that failed: the limit that it seems to have met, judging by the end of its log."""
    if not limits.memory_bytes:
        return None
    try:
        with Path(log).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            tail = file.read()
    except OSError:
        return None
    if any(sign in tail for sign in _SIGNS):
        return f"Its memory is limited to {_megabytes(limits.memory_bytes)}."
    return None


def limit_this_process(memory_bytes: int) -> None:
    """Of a host: its data at most so much (0: no limit), so that what wants more fails in it; and should the machine
    run out of memory, the kernel is to take it before the server."""
    if memory_bytes:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("300")


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:,.0f} MB"
