"""Try a node type without a server: make a context, run the node as an executor would, look at what it left.

    harness = NodeHarness(Shell(), tmp_path)
    result = harness.run(statement="echo $1", arguments="'a b'")
    assert result.output == "a b"

Program nodes run as a plain child process with exactly the environment and files they ask for; hosted nodes run in an
event loop of their own. Control nodes have nothing to run.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from arkwright.core.job import Script
from arkwright.core.outcome import Outcome
from arkwright.nodes.base import (
    AttemptKey,
    Context,
    HostedNode,
    NodeImplementation,
    ProgramNode,
    Work,
)

TIME_LIMIT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    outcome: Outcome
    log: str
    output: str | None
    """The text behind `outcome.output`."""
    folder: Path


class NodeHarness:
    """One node type and a folder for its attempts."""

    def __init__(self, node: NodeImplementation, folder: Path) -> None:
        self.node = node
        self.folder = folder
        self._ids = itertools.count(1)

    def context(
        self,
        properties: Mapping[str, str] | None = None,
        *,
        script: Script | None = None,
        parameters: Mapping[str, str] | None = None,
        local_programs_allowed: bool = True,
        plan_time_ms: int = 1_700_000_000_000,
    ) -> Context:
        """A context of a fresh attempt, in the workspace `default`."""
        key = AttemptKey(instance_id=next(self._ids), node=0, attempt=1)
        return Context(
            key=key,
            project_id="project",
            workspace_id="default",
            job_name="job",
            node_name="node",
            properties=properties or {},
            script=script,
            parameters=parameters or {},
            plan_time_ms=plan_time_ms,
            folder=self.folder / "runs" / str(key),
            workspace_folder=self.folder / "workspace",
            local_programs_allowed=local_programs_allowed,
        )

    def run(self, context: Context | None = None, **properties: str) -> Result:
        """Run an attempt to its end. Without a context one is made of these properties."""
        context = context or self.context(properties)
        context.folder.mkdir(parents=True, exist_ok=True)
        context.workspace_folder.mkdir(parents=True, exist_ok=True)
        refusal = self.node.check(context)
        if refusal is not None:
            return self._result(context, refusal)
        match self.node.type.work:
            case Work.PROGRAM:
                outcome = _run_program(cast(ProgramNode, self.node), context)
            case Work.HOSTED:
                outcome = asyncio.run(_run_hosted(cast(HostedNode, self.node), context))
            case Work.CONTROL | Work.MESSAGE:
                raise TypeError(f"{self.node.type.name} is the server's own business; there is nothing to run.")
        return self._result(context, outcome)

    def _result(self, context: Context, outcome: Outcome) -> Result:
        log = context.folder / "log"
        output = None
        if outcome.output is not None:
            output = (context.folder / outcome.output).read_text(encoding="utf-8")
        return Result(
            outcome=outcome,
            log=log.read_text(encoding="utf-8", errors="replace") if log.exists() else "",
            output=output,
            folder=context.folder,
        )


def _run_program(node: ProgramNode, context: Context) -> Outcome:
    program = node.program(context)
    for name, data in program.files.items():
        file = context.folder / name
        file.write_bytes(data)
        file.chmod(0o700)
    directory = program.directory or context.folder
    directory.mkdir(exist_ok=True)
    with (context.folder / "log").open("ab") as log:
        done = subprocess.run(  # noqa: S603 - the node under test
            program.argv,
            env=dict(program.environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=TIME_LIMIT_SECONDS,
            check=False,
        )
    code = done.returncode
    return node.outcome(context, code if code >= 0 else 128 - code)


async def _run_hosted(node: HostedNode, context: Context) -> Outcome:
    with (context.folder / "log").open("ab", buffering=0) as log:
        return await asyncio.wait_for(node.run(context, lambda text: (log.write(text), None)[1]), TIME_LIMIT_SECONDS)
