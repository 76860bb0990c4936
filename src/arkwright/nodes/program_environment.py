"""The environment of a node's program: clean, and the same whoever started the server.

* From the server only what says where programs, the home folder and the language are (`ALLOWED`). Nothing
  that begins with `ARKWRIGHT_`: those hold the server's settings and secrets.
* `ARKWRIGHT_JOB`, `ARKWRIGHT_NODE`, `ARKWRIGHT_INSTANCE_ID`, `ARKWRIGHT_ATTEMPT`, `ARKWRIGHT_PLAN_TIME` (epoch
  milliseconds) and `ARKWRIGHT_WORKSPACE_FOLDER` say which run this is and where the workspace's files are (on a worker
  they are not: there it is a path below which nothing can be).
* Each parameter as `ARKWRIGHT_PARAM_<NAME>`: upper case, and every other character than A-Z, 0-9 and `_` becomes
  `_`. Names that meet in one variable (`a-b`, `A_B`): the parameter last in the alphabet wins, so that the result
  doesn't depend on their order in the job. A value that no environment takes (`unfit`) is not in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from arkwright.nodes.base import Context

LOCALE = ("ALL", "ADDRESS", "COLLATE", "CTYPE", "IDENTIFICATION", "MEASUREMENT", "MESSAGES", "MONETARY", "NAME",
          "NUMERIC", "PAPER", "TELEPHONE", "TIME")  # fmt: skip
ALLOWED = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TZ", "TMPDIR", "LANG", "LANGUAGE"),
        *(f"LC_{part}" for part in LOCALE),
    )
)
PREFIX = "ARKWRIGHT_PARAM_"
WORKSPACE_FOLDER = "ARKWRIGHT_WORKSPACE_FOLDER"
LONGEST_BYTES = 131_071
"""What Linux takes in one text of a process's arguments or environment (MAX_ARG_STRLEN, but for the closing zero)."""

_NOT_PLAIN = re.compile(r"[^A-Z0-9_]")


def parameter_variable(name: str) -> str:
    return PREFIX + _NOT_PLAIN.sub("_", name.upper())


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    return {key: environment[key] for key in ALLOWED if key in environment}


SERVERS = allowed(os.environ)
"""What programs get of the server's own. Read once: to look it up costs as much as a whole step of an instance."""


def unfit(name: str, value: str) -> str | None:
    """Why a parameter can't be a variable; None: it can."""
    if "\0" in value:
        return "it holds a NUL character"
    if len(value) < LONGEST_BYTES // 8:  # whatever its characters, and its name
        return None
    size = len(parameter_variable(name)) + 1 + len(value.encode("utf-8", "surrogatepass"))
    return f"with its name it has {size:,} bytes, and it takes {LONGEST_BYTES:,}" if size > LONGEST_BYTES else None


def program_environment(context: Context) -> dict[str, str]:
    environment = dict(SERVERS)
    environment.setdefault("PATH", os.defpath)
    for name in sorted(context.parameters):
        value = context.parameters[name]
        if unfit(name, value) is None:
            environment[parameter_variable(name)] = value
        else:
            environment.pop(parameter_variable(name), None)
    environment["ARKWRIGHT_JOB"] = context.job_name
    environment["ARKWRIGHT_NODE"] = context.node_name
    environment["ARKWRIGHT_INSTANCE_ID"] = str(context.key.instance_id)
    environment["ARKWRIGHT_ATTEMPT"] = str(context.key.attempt)
    environment["ARKWRIGHT_PLAN_TIME"] = str(context.plan_time_ms)
    environment[WORKSPACE_FOLDER] = str(context.workspace_folder)
    return environment
