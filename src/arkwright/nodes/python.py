"""Python: runs a script or a statement with `python3` from the PATH, else with the server's own interpreter.

The interpreter is not the server's by intent: a node sees the packages of the host's `python3`, and never Arkwright's.
It runs unbuffered, so that the log grows while the node runs. All other rules are Shell's.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping

from arkwright.nodes.base import Category, NodeType, Work
from arkwright.nodes.program_script import SCRIPT_PROPERTIES, SCRIPT_REPEATED, SCRIPT_SERVER, ScriptNode
from arkwright.nodes.ssh_program import HOST


class Python(ScriptNode):
    type = NodeType(
        name="Python",
        title="Python",
        work=Work.PROGRAM,
        portable=True,
        category=Category.PROGRAM,
        icon="brand-python",
        summary="Runs a Python script.",
        properties=SCRIPT_PROPERTIES,
        connections=(HOST,),
        server=SCRIPT_SERVER,
        repeated=SCRIPT_REPEATED,
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
    file = "script.py"

    def interpreter_elsewhere(self, text: str) -> tuple[str, ...]:
        return ("python3", "-u")

    def interpreter(self, text: str, environment: Mapping[str, str]) -> tuple[str, ...]:
        return (shutil.which("python3", path=environment["PATH"]) or sys.executable, "-u")
