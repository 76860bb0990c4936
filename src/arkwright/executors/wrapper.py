"""The shell text that starts each program, registers itself first and leaves the exit code behind.

It lives in its own session, as the parent of the program, so it outlives the server. In order:

1. `cd` into the working folder (125: can't; nothing has happened), set the program's limits, if it has any, and leave
   if it is too late to begin (124: nothing has happened; `beginning`).
2. Claim the attempt: create `child` exclusively and write one line `<boot id> <pid> <mark>` (123: somebody else
   claimed it; nothing has happened). From here on the attempt counts as started, whoever asks.
3. Run the program. Until now TERM still kills the wrapper, so a cancel before the start starts nothing; from now on
   the trap keeps it alive to write down how the program ended. A trap that does something is reset in the program
   (`trap ''` would be inherited as "ignored").
4. Append `<exit code> .` to `child`: a reader wants the whole line. It exits with the same code, so that a server still
   there learns it even when the disk is full.

stdout and stderr are the log already (spawn opened it for appending), never a pipe to the server: a pipe would lose
the log, and kill the program with SIGPIPE, when the server dies. Nothing is synced: after a power cut nothing runs any
more, and `folder.examine` tells those attempts by their boot id.
"""

from __future__ import annotations

from arkwright.executors.limits import shell_text
from arkwright.executors.process import System, fresh_mark
from arkwright.nodes.base import Program
from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits

SHELL = "/bin/sh"
CLAIMED_BY_OTHER = 123
NO_FOLDER = 125

TEXT = """\
cd "$3" || exit 125
{limits}{late}set -C; {{ echo "$1 $$ $2" >"$0/child"; }} 2>/dev/null || exit 123
set +C; shift 3; trap : TERM INT HUP
"$@"; c=$?; echo "$c ." >>"$0/child"; exit $c"""


def wrapper_argv(
    system: System, folder: str, directory: str, program: Program, limits: ProgramLimits = NO_LIMITS, late: str = ""
) -> tuple[str, ...]:
    """What to spawn for a program; `folder` is absolute. `late`: shell text that leaves if it is too late."""
    text = TEXT.format(limits=shell_text(limits), late=late)
    return (SHELL, "-c", text, folder, system.boot, fresh_mark(), directory, *program.argv)
