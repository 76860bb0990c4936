"""Shell: runs a script or a statement on the server's host.

A first line `#!…` is honoured as the kernel does (one program, at most one argument); otherwise `/bin/sh` runs the
text. The program is started by name with the file as its argument rather than executed itself: that also works on a
disk mounted `noexec`, and never meets "text file busy". The working folder is `work/` in the attempt's own folder, so
that a script which writes a file called `log` spoils nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from arkwright.nodes.base import Category, NodeType, Work
from arkwright.nodes.program_script import SCRIPT_PROPERTIES, SCRIPT_REPEATED, SCRIPT_SERVER, ScriptNode
from arkwright.nodes.ssh_program import HOST

SHELL = "/bin/sh"


class Shell(ScriptNode):
    type = NodeType(
        name="Shell",
        title="Shell",
        work=Work.PROGRAM,
        portable=True,
        category=Category.PROGRAM,
        icon="terminal-2",
        summary="Runs a shell script, or a script with another interpreter in its first line.",
        properties=SCRIPT_PROPERTIES,
        connections=(HOST,),
        server=SCRIPT_SERVER,
        repeated=SCRIPT_REPEATED,
        example={
            "name": "hello",
            "type": "Shell",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "statement", "value": 'echo "Hello, $1"'},
                {"name": "arguments", "value": "world"},
            ],
        },
    )
    file = "script"

    def interpreter(self, text: str, environment: Mapping[str, str]) -> tuple[str, ...]:
        """Its `#!` line, or the shell."""
        first = text.split("\n", 1)[0].rstrip("\r")
        if not first.startswith("#!"):
            return (SHELL,)
        program, _, argument = first[2:].strip(" \t").replace("\t", " ").partition(" ")
        if not program:
            return (SHELL,)
        argument = argument.strip()
        return (program, argument) if argument else (program,)
