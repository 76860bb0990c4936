"""The stage for the tests of hosted nodes: real hosts, a meeting point instead of waiting times, a server to kill.

Nodes in a host meet the test at a TCP socket (`Meeting`): they say where they are, and go on when told. A server to be
killed is this file run as a program: it submits what it is given, and waits for its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from tests.executors.hosts import LIMIT_SECONDS, end_hosts, kill_process

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors.resident import ResidentExecutor
from arkwright.executors.resident_wire import HostFiles, encode
from arkwright.nodes.base import AttemptKey, Context, Log, NodeType, Work
from arkwright.nodes.dlisql import DliSql
from arkwright.nodes.registry import Registry

TOP = Path(__file__).resolve().parents[2]
THIS = "tests.executors.test_resident_kit"


def _meet(port: int, word: str) -> bool:
    """Say a word to the test and wait for its nod. False: nobody is there any more."""
    try:
        with socket.create_connection(("127.0.0.1", port)) as meeting:
            meeting.sendall(word.encode() + b"\n")
            return meeting.recv(100) != b""
    except OSError:
        return False


class Step:
    """Writes a line into `effects` in the workspace, meets the test, ends as `then` says. `recall` says what a fresh
    host is told; `die` kills the host at that point, as often as it is run."""

    type = NodeType(name="Step", title="Step", work=Work.HOSTED, summary="A step of these tests.")

    def check(self, context: Context) -> Failed | None:
        reason = context.properties.get("refuse")
        return Failed(kind=FailureKind.REFUSED, message=reason) if reason else None

    def host(self, context: Context) -> str:
        return context.properties.get("host", "steps")

    async def run(self, context: Context, log: Log) -> Outcome:
        given = context.properties
        log(b"begin\n")
        with (context.workspace_folder / "effects").open("a") as effects:
            effects.write(f"{context.key}\n")
        if given.get("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if "port" in given:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(given["port"]))
            try:
                writer.write(f"{context.key}\n".encode())
                await reader.readline()
            finally:
                writer.close()
        log(given.get("text", "end\n").encode() * int(given.get("times", "1")))
        if given.get("raise"):
            raise RuntimeError(given["raise"])
        if given.get("fail"):
            return Failed(kind=FailureKind.ERROR, message=given["fail"])
        (context.folder / "output").write_text("done")
        if "spoil" in given:  # no file of that name can be written any more
            (context.folder / given["spoil"]).mkdir()
        return Succeeded(output="output")

    async def recall(self, context: Context) -> Outcome | None:
        match context.properties.get("recall"):
            case "done":
                return Succeeded(message="recalled")
            case "lost":
                return Failed(kind=FailureKind.LOST, message="nobody knows")
            case "raise":
                raise RuntimeError("recall is broken")
            case _:
                return None


class _Told:
    """A connection that dies, or meets the test, at named points of a transaction."""

    def __init__(self, connection: Any, context: Context) -> None:
        self._connection = connection
        self._context = context

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, text: str, *rest: Any) -> Any:
        point = "statement"
        for word in ("BEGIN", "COMMIT", "ROLLBACK"):
            point = word.lower() if text == word else point
        if text.startswith("INSERT INTO warehouse.arkwright"):
            point = "record"
        if text.startswith("SELECT output, row_count"):
            return self._connection.execute(text, *rest)
        reach(self._context, f"before {point}")
        answer = self._connection.execute(text, *rest)
        reach(self._context, f"after {point}")
        return answer


def reach(context: Context, point: str) -> None:
    """Die here if the context asks for it, once; or meet the test."""
    if context.properties.get("die_at") == point:
        mark = context.workspace_folder / f"died-{context.key.instance_id}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if context.properties.get("meet_at") == point:
        # threads that run SQL may not use the network; those of the loop may
        meeting = asyncio.to_thread(_meet, int(context.properties["port"]), f"{context.key}")
        asyncio.run_coroutine_threadsafe(meeting, ToldDliSql.loop).result()


class ToldDliSql(DliSql):
    """DLISQL whose process can be killed at a chosen point."""

    loop: asyncio.AbstractEventLoop

    async def run(self, context: Context, log: Log) -> Outcome:
        from arkwright.nodes import duckdb_warehouse

        ToldDliSql.loop = asyncio.get_running_loop()
        original = duckdb_warehouse.Warehouse._transact

        def told(self: Any, connection: Any, key: str, *rest: Any) -> Any:
            if key == str(context.key):
                connection = _Told(connection, context)
            return original(self, connection, key, *rest)

        if {"die_at", "meet_at"} & set(context.properties):
            duckdb_warehouse.Warehouse._transact = told  # type: ignore[method-assign]
        if context.properties.get("unconfined"):
            self._warehouse(context)._confined = False
        outcome = await super().run(context, log)
        reach(context, "after run")
        return outcome


def registry() -> Registry:
    """Also made inside of each host."""
    made = Registry(group=None)
    made.add(Step())
    made.add(ToldDliSql())
    return made


def broken_registry() -> Registry:
    raise RuntimeError("no registry today")


class Meeting:
    """Where nodes say that they are there, and wait to be let go."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[tuple[str, asyncio.StreamWriter]] = asyncio.Queue()
        self._there: dict[str, asyncio.StreamWriter] = {}
        self._all: list[asyncio.StreamWriter] = []
        self.port = 0

    async def _arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._all.append(writer)
        await self._arrived.put(((await reader.readline()).decode().strip(), writer))

    async def arrival(self) -> str:
        """The key of the next node that is there."""
        key, writer = await asyncio.wait_for(self._arrived.get(), LIMIT_SECONDS)
        self._there[key] = writer
        return key

    def let_go(self, key: str | None = None) -> None:
        for each in [key] if key is not None else list(self._there):
            writer = self._there.pop(each)
            writer.write(b"go\n")
            writer.close()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Meeting]:
        server = await asyncio.start_server(self._arrive, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._all:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in self._all), return_exceptions=True)


class Stage:
    """A data folder with its hosts; `close` ends them all.

    `hosts`: where they are if other stages use them, too (`shared_hosts`); nobody calls `close` then. Each server tells
    them its own folders and settings.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, Any] | None = None,
        registry_name: str = "registry",
        hosts: Path | None = None,
    ) -> None:
        self.folder = folder
        self.hosts = hosts or folder / "hosts"
        self.workspace = folder / "workspace"
        self.workspace.mkdir(exist_ok=True)
        self.settings = dict(settings or {})
        self.own: frozenset[tuple[str, int]] = frozenset()
        self.registry_name = registry_name
        self._next = 0

    def context(
        self, properties: Mapping[str, str] | None = None, *, script: Script | None = None, number: int | None = None
    ) -> Context:
        """A fresh attempt, or the one of this number."""
        self._next += 1
        key = AttemptKey(instance_id=number or self._next, node=0, attempt=1)
        return Context(
            key=key,
            project_id="project",
            workspace_id="default",
            job_name="job",
            node_name="node",
            properties=properties or {},
            script=script,
            folder=self.folder / "runs" / str(key),
            workspace_folder=self.workspace,
        )

    def executor(self) -> ResidentExecutor:
        return ResidentExecutor(
            registry(),
            self.hosts,
            host_registry=f"{THIS}:{self.registry_name}",
            own_addresses=self.own,
            settings=self.settings,
            environment=host_environment(),
        )

    @contextlib.asynccontextmanager
    async def server(self) -> AsyncIterator[Server]:
        executor = self.executor()
        server = Server(executor)
        await executor.open(server.finished)
        try:
            yield server
        finally:
            await executor.close()

    def pid(self, name: str) -> int:
        address = HostFiles(self.hosts, name).read_address()
        assert address is not None
        return address.pid

    def kill(self, name: str) -> None:
        """kill -9, and wait until it is gone."""
        kill_process(self.pid(name))

    def effects(self) -> list[str]:
        path = self.workspace / "effects"
        return path.read_text().splitlines() if path.exists() else []

    def close(self) -> None:
        end_hosts(self.hosts)


class Server:
    """An open executor whose outcomes can be awaited."""

    def __init__(self, executor: ResidentExecutor) -> None:
        self.executor = executor
        self.seconds = LIMIT_SECONDS
        """How long an outcome is waited for."""
        self.reports: list[tuple[AttemptKey, Outcome]] = []
        self._futures: dict[AttemptKey, asyncio.Future[Outcome]] = {}

    def finished(self, key: AttemptKey, outcome: Outcome) -> None:
        self.reports.append((key, outcome))
        future = self._future(key)
        if not future.done():
            future.set_result(outcome)

    def _future(self, key: AttemptKey) -> asyncio.Future[Outcome]:
        return self._futures.setdefault(key, asyncio.get_running_loop().create_future())

    async def outcome(self, context: Context) -> Outcome:
        return await asyncio.wait_for(asyncio.shield(self._future(context.key)), self.seconds)

    async def run(self, type_name: str, context: Context) -> Outcome:
        self.executor.submit(type_name, context)
        return await self.outcome(context)


def log_of(context: Context) -> str:
    path = context.folder / "log"
    return path.read_text() if path.exists() else ""


def output_of(context: Context, outcome: Outcome) -> str | None:
    return None if outcome.output is None else (context.folder / outcome.output).read_text()


def message(outcome: Outcome, kind: FailureKind) -> str:
    """Of a failure of this kind."""
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is kind, outcome
    return outcome.message


def host_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": f"{TOP / 'src'}{os.pathsep}{TOP}"}


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


class DoomedServer:
    """A server in a process of its own that has submitted attempts, and can be killed."""

    def __init__(self, stage: Stage, type_name: str, contexts: list[Context]) -> None:
        order = {"stage": str(stage.folder), "type": type_name, "settings": stage.settings}
        order["contexts"] = [{"number": each.key.instance_id, "properties": dict(each.properties)} for each in contexts]
        command = [sys.executable, "-m", THIS]
        self._process = subprocess.Popen(
            command, env=host_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TOP
        )
        assert self._process.stdin is not None
        self._process.stdin.write(encode(order))
        self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.readline()  # submitted

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


async def _serve() -> None:
    order = json.loads(sys.stdin.read())
    stage = Stage(Path(order["stage"]), settings=order["settings"])
    async with stage.server() as server:
        for each in order["contexts"]:
            server.executor.submit(order["type"], stage.context(each["properties"], number=each["number"]))
        print("submitted", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
