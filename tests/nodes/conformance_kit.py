"""The stage of the conformance suite: one executor per kind of work, attempts of any type, and a server to kill
(`python -m tests.nodes.conformance_kit`, the order on its stdin).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from tests.executors.test_resident_kit import LIMIT_SECONDS, Server, host_environment, log_of
from tests.nodes.hosted_kit import HostedStage

from arkwright.core.job import Script
from arkwright.core.outcome import Outcome
from arkwright.executors import resident_wire
from arkwright.executors.base import Executor
from arkwright.executors.local import LocalExecutor
from arkwright.nodes.base import SCRIPT_TEXT, Connection, Context, Work
from arkwright.nodes.registry import Registry

SECRET = "Masked-Value-77"
THIS = "tests.nodes.conformance_kit"
TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the suite needs to know of a type."""

    type: str
    connection: Connection | None = None
    good: Mapping[str, str]
    bad: Mapping[str, str]
    """Fails with an ERROR."""
    slow: Mapping[str, str]
    """Takes for ever."""
    at_work: Callable[[Context], bool]
    """Whether the slow one has come to where it stays."""
    bad_connection: Connection | None = None
    slow_connection: Connection | None = None
    left: Callable[[], int]
    """How much of it is there beside the attempt's folder: processes, connections, drafts."""
    lasting: Mapping[str, str]
    """Goes on for a moment, and succeeds; while it does, its server is killed."""
    leak: Mapping[str, str]
    """Says the secret aloud."""
    script_type: str = ""
    """Where `leak` has the text of a script of this type, in `script`."""
    leaks_as: str = "Succeeded"
    """Or `Failed`; or `Refused`: what it is given stands in the arguments of a process, so it may hold no secret."""
    seconds: float = LIMIT_SECONDS
    """How long one may take."""
    lingers: float = 0.0
    """So many seconds later it lets go of its connection, when it was stopped."""
    at_once: bool = False
    """One or few calls: there is nothing to stop."""
    never_fails: str = ""
    """Why it can't."""
    no_server: str = ""
    """Why there is none for it here. What needs one is skipped then; what can be seen without, is seen."""


def any_case(type_name: str, seconds: float = LIMIT_SECONDS) -> Case:
    """For tests that bring their own attempts."""
    nothing: dict[str, str] = {}
    return Case(
        type=type_name,
        good=nothing,
        bad=nothing,
        slow=nothing,
        at_work=lambda _: True,
        left=lambda: 0,
        lasting=nothing,
        leak=nothing,
        seconds=seconds,
    )


def context_of(stage: HostedStage, case: Case, properties: Mapping[str, str], **more: Any) -> Context:
    connection = more.pop("connection", case.connection)
    given = {**properties, **({"connectionName": connection.name} if connection is not None else {})}
    if "script" in given:
        text = given.pop("script")
        more["script"] = Script(name="s", type=case.script_type, text=text, version=1)
        more["secret_places"] = frozenset({SCRIPT_TEXT})
    else:
        more["secret_places"] = frozenset(name for name, value in given.items() if SECRET in value)
    passwords = tuple(
        str(value)
        for key, value in (connection.config if connection else {}).items()
        if key in ("password", "privateKey")
    )
    secrets = (*more.pop("secrets", ()), *passwords)
    context = stage.context(given)
    folder = stage.folder / "runs" / str(context.key)
    named = {connection.name: connection} if connection is not None else {}
    return replace(
        context,
        connection=connection,
        connections=named,
        folder=folder,
        local_programs_allowed=True,
        secrets=secrets,
        **more,
    )


def executor_of(stage: HostedStage, type_name: str) -> Executor:
    if Registry(group=None).work(type_name) is Work.PROGRAM:
        return LocalExecutor(Registry(group=None), root=stage.folder / "runs", settings=stage.settings)
    return stage.executor()


@contextlib.asynccontextmanager
async def server(stage: HostedStage, type_name: str, seconds: float = LIMIT_SECONDS) -> AsyncIterator[Server]:
    executor = executor_of(stage, type_name)
    made = Server(executor)  # type: ignore[arg-type]
    made.seconds = seconds
    await executor.open(made.finished)
    try:
        yield made
    finally:
        await executor.close()


def run(stage: HostedStage, case: Case, context: Context) -> Outcome:
    async def scene() -> Outcome:
        async with server(stage, case.type, case.seconds) as made:
            return await made.run(case.type, context)

    return asyncio.run(scene())


def stop(stage: HostedStage, case: Case, context: Context) -> tuple[Outcome, float]:
    """Cancel the slow one once it is at work; how long that took."""

    async def scene() -> tuple[Outcome, float]:
        async with server(stage, case.type, case.seconds) as made:
            made.executor.submit(case.type, context)
            async with asyncio.timeout(case.seconds):
                while not case.at_work(context):
                    assert not made.reports, (made.reports, log_of(context))
                    await asyncio.sleep(0.01)
            begun = time.monotonic()
            made.executor.cancel(context.key)
            return await made.outcome(context), time.monotonic() - begun

    return asyncio.run(scene())


def nothing_left(case: Case, seconds: float = 5.0) -> int:
    """Once it is zero, or what it is then: a server notices a little later that somebody has gone."""
    end = time.monotonic() + seconds + case.lingers
    while (count := case.left()) and time.monotonic() < end:
        time.sleep(0.05)
    return count


def attach(stage: HostedStage, case: Case, context: Context) -> Outcome:
    async def scene() -> Outcome:
        async with server(stage, case.type, case.seconds) as made:
            made.executor.attach(case.type, context)
            return await made.outcome(context)

    return asyncio.run(scene())


def kill_its_server(stage: HostedStage, case: Case, context: Context) -> None:
    """Submit it in a server of its own, which is killed while it is at work."""
    order = resident_wire.encode(resident_wire.Run(type=case.type, context=context))
    line = msgspec.json.encode({"stage": str(stage.folder), "settings": stage.settings, "run": order.decode()})
    with subprocess.Popen(
        [sys.executable, "-m", THIS], env=host_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TOP
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        process.stdin.close()
        assert process.stdout.readline() == b"submitted\n"
        end = time.monotonic() + case.seconds
        while not log_of(context) and not (context.folder / "outcome").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        process.kill()


def stop_after_kill(stage: HostedStage, case: Case, context: Context) -> Outcome:
    """A server finds the attempt of one that was killed, and stops it."""

    async def scene() -> Outcome:
        async with server(stage, case.type, case.seconds) as made:
            made.executor.attach(case.type, context)
            made.executor.cancel(context.key)
            return await made.outcome(context)

    return asyncio.run(scene())


def programs_of(stage: HostedStage) -> int:
    """Processes of programs of the stage's workspace."""
    mark = f"ARKWRIGHT_WORKSPACE_FOLDER={stage.workspace}\0".encode()
    count = 0
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += mark in path.read_bytes()
    return count


def holding(stage: HostedStage, context: Context, *words: str) -> list[str]:
    """Files of the attempt and of hosts that hold one of the words."""
    return [
        str(path.relative_to(stage.folder))
        for folder in (context.folder, stage.hosts)
        for path in folder.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes() for word in words)
    ]


def processes(mark: str) -> int:
    """Whose command line holds the mark."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            count += mark.encode() in path.read_bytes()
    return count


def connections_to(port: int) -> int:
    """Open ones from this host to a port of its loopback."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f"0100007F:{port:04X}"
    return sum(1 for line in lines if line.split()[2] == wanted and line.split()[3] == "01")


@dataclass
class Silence:
    """A port that takes connections and never answers; how many are open."""

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    taken: int = 0
    open: int = 0
    heard: int = 0
    """Bytes."""

    def __post_init__(self) -> None:
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.taken += 1
                self.open += 1
                threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while said := connection.recv(65536):
                self.heard += len(said)
        self.open -= 1


async def _serve() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read())
    message = resident_wire._message_decoder.decode(order["run"])
    assert isinstance(message, resident_wire.Run)
    stage = HostedStage(Path(order["stage"]))
    stage.settings = order["settings"]
    async with server(stage, message.type) as made:
        made.executor.submit(message.type, message.context)
        print("submitted", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
