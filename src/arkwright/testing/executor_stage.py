"""The stage on which `executor_suite` plays: a node type, named pipes to meet at, an executor that can be awaited, and
a server to kill (`python -m arkwright.testing.executor_stage FACTORY ROOT COUNT TEXT`).
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors.base import Executor
from arkwright.nodes.base import AttemptKey, Context, NodeType, Program, Work
from arkwright.nodes.registry import Registry

TIME_LIMIT_SECONDS = 30.0


class Step:
    """The node type of the suite: runs the shell text in its property `text`; refuses when `refuse` is set."""

    type = NodeType(name="SuiteStep", title="Step", work=Work.PROGRAM, summary="A step of the executor suite.")

    def check(self, context: Context) -> Failed | None:
        reason = context.properties.get("refuse")
        return Failed(kind=FailureKind.REFUSED, message=reason) if reason else None

    def program(self, context: Context) -> Program:
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        return Program(argv=("/bin/sh", "-c", context.properties["text"]), environment=environment)

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        if exit_code == 0:
            return Succeeded()
        return Failed(kind=FailureKind.ERROR, message=f"Exit code {exit_code}.", exit_code=exit_code)


def suite_registry() -> Registry:
    registry = Registry(group=None)
    registry.add(Step())
    return registry


def step_context(root: Path, instance_id: int, text: str, **properties: str) -> Context:
    key = AttemptKey(instance_id=instance_id, node=0, attempt=1)
    return Context(
        key=key,
        project_id="project",
        workspace_id="default",
        job_name="job",
        node_name="node",
        properties={"text": text, **properties},
        folder=root / str(key),
        workspace_folder=root,
        local_programs_allowed=True,
    )


class Gate:
    """A named pipe on which programs say that they are there, and one on which they are let go."""

    def __init__(self, folder: Path) -> None:
        self.arrived, self.go = folder / "arrived", folder / "go"
        os.mkfifo(self.arrived)
        os.mkfifo(self.go)
        # held open in both directions, so that opening them never blocks a program or the test
        self._arrived = os.open(self.arrived, os.O_RDWR | os.O_NONBLOCK)
        self._go = os.open(self.go, os.O_RDWR | os.O_NONBLOCK)

    @property
    def text(self) -> str:
        """Shell text: report, then wait for one line. It opens the pipe first: once it has reported, nothing that
        happens to the gate can leave it blocked."""
        return f"exec 9<{self.go}; echo $$ >{self.arrived}; read -r _ <&9; exec 9<&-; "

    def wait(self, count: int = 1) -> list[int]:
        """Block until so many programs have reported; their process ids."""
        data = b""
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        while data.count(b"\n") < count:
            if not select.select([self._arrived], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"{len(data.split())} of {count} programs reported.")
            data += os.read(self._arrived, 65536)
        return [int(line) for line in data.split()]

    async def arrive(self, count: int = 1) -> list[int]:
        return await asyncio.to_thread(self.wait, count)

    def open(self, count: int = 1) -> None:
        os.write(self._go, b"go\n" * count)

    def close(self) -> None:
        """Programs that still wait read the end of the pipe and go on: no test leaves one behind."""
        os.close(self._arrived)
        os.close(self._go)


class Live:
    """An open executor whose outcomes can be awaited."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.reports: list[tuple[AttemptKey, Outcome]] = []
        self._futures: dict[AttemptKey, asyncio.Future[Outcome]] = {}

    def finished(self, key: AttemptKey, outcome: Outcome) -> None:
        self.reports.append((key, outcome))
        future = self._future(key)
        if not future.done():
            future.set_result(outcome)

    def _future(self, key: AttemptKey) -> asyncio.Future[Outcome]:
        return self._futures.setdefault(key, asyncio.get_running_loop().create_future())

    def submit(self, context: Context) -> None:
        self.executor.submit("SuiteStep", context)

    def attach(self, context: Context) -> None:
        self.executor.attach("SuiteStep", context)

    async def outcome(self, context: Context) -> Outcome:
        return await asyncio.wait_for(asyncio.shield(self._future(context.key)), TIME_LIMIT_SECONDS)

    async def run(self, context: Context) -> Outcome:
        self.submit(context)
        return await self.outcome(context)


@asynccontextmanager
async def opened(executor: Executor) -> AsyncIterator[Live]:
    live = Live(executor)
    await executor.open(live.finished)
    try:
        yield live
    finally:
        await executor.close()


def log_of(context: Context) -> str:
    return (context.folder / "log").read_text(encoding="utf-8", errors="replace")


def group_is_empty(group: int) -> bool:
    """Whether nothing of a process group runs any more; what only waits to be reaped doesn't."""
    listing = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    members = (line.split() for line in listing.splitlines())
    return not any(member[0] == str(group) and not member[1].startswith("Z") for member in members)


async def until(condition: Callable[[], bool]) -> None:
    """For what nobody can be told of (the end of a stranger's process): look again until it is so."""
    deadline = time.monotonic() + TIME_LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.01)


def load(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), attribute)
    return found


@contextmanager
def doomed_server(factory: str, root: Path, count: int, text: str) -> Iterator[None]:
    """A server of its own that has started `count` programs of `step_context(root, i, text)` (`{i}` in the text is the
    number); it dies by SIGKILL at the end of the block."""
    command = [sys.executable, "-m", "arkwright.testing.executor_stage", factory, str(root), str(count), text]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    server = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - our own
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


async def _serve(factory: str, root: Path, count: int, text: str) -> None:
    """The server that the suite kills."""
    async with opened(load(factory)(suite_registry(), root)) as live:
        for i in range(count):
            live.submit(step_context(root, i, text.replace("{i}", str(i))))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
