"""Shell: runs a script or a statement on the server's host.

A first line `#!…` is honoured as the kernel does (one program, at most one argument); otherwise `/bin/sh` runs the
text. The program is started by name with the file as its argument rather than executed itself: that also works on a
disk mounted `noexec`, and never meets "text file busy". The working folder is `work/` in the attempt's own folder, so
that a script which writes a file called `log` spoils nothing.
"""

from __future__ import annotations

from arkwright.nodes.base import Context, Failed, NodeType, Outcome, Program, Work
from arkwright.nodes.program_environment import program_environment
from arkwright.nodes.program_script import (
    SCRIPT_PROPERTIES,
    check_script,
    script_arguments,
    script_outcome,
    script_text,
)

SHELL = "/bin/sh"
FILE = "script"


class Shell:
    type = NodeType(
        name="Shell",
        title="Shell",
        work=Work.PROGRAM,
        summary="Runs a shell script, or a script with another interpreter in its first line.",
        properties=SCRIPT_PROPERTIES,
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

    def check(self, context: Context) -> Failed | None:
        return check_script(context, self.type.name)

    def program(self, context: Context) -> Program:
        text = script_text(context, self.type.name)
        arguments = script_arguments(context)
        assert isinstance(text, str)
        assert isinstance(arguments, list)
        return Program(
            argv=(*interpreter(text), str(context.folder / FILE), *arguments),
            environment=program_environment(context),
            files={FILE: text.encode("utf-8", "surrogateescape")},
            directory=context.folder / "work",
        )

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        return script_outcome(context, exit_code)


def interpreter(text: str) -> tuple[str, ...]:
    """What runs this text: its `#!` line, or the shell."""
    first = text.split("\n", 1)[0].rstrip("\r")
    if not first.startswith("#!"):
        return (SHELL,)
    program, _, argument = first[2:].strip(" \t").replace("\t", " ").partition(" ")
    if not program:
        return (SHELL,)
    argument = argument.strip()
    return (program, argument) if argument else (program,)
