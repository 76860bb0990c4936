"""Python: runs a script or a statement with `python3` from the PATH, else with the server's own interpreter.

The interpreter is not the server's by intent: a node sees the packages of the host's `python3`, and never Arkwright's.
It runs unbuffered, so that the log grows while the node runs. All other rules are Shell's.
"""

from __future__ import annotations

import shutil
import sys

from arkwright.nodes.base import Context, Failed, NodeType, Outcome, Program, Work
from arkwright.nodes.program_environment import program_environment
from arkwright.nodes.program_script import (
    SCRIPT_PROPERTIES,
    check_script,
    script_arguments,
    script_outcome,
    script_text,
)

FILE = "script.py"


class Python:
    type = NodeType(
        name="Python",
        title="Python",
        work=Work.PROGRAM,
        summary="Runs a Python script.",
        properties=SCRIPT_PROPERTIES,
        example={
            "name": "hello",
            "type": "Python",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "statement", "value": 'import sys\nprint("Hello,", sys.argv[1])'},
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
        environment = program_environment(context)
        python = shutil.which("python3", path=environment["PATH"]) or sys.executable
        return Program(
            argv=(python, "-u", str(context.folder / FILE), *arguments),
            environment=environment,
            files={FILE: text.encode("utf-8", "surrogateescape")},
            directory=context.folder / "work",
        )

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        return script_outcome(context, exit_code)
