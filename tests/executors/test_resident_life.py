"""The life of a resident host: whom it listens to, and when it ends."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.executors.hosts import watched
from tests.executors.test_resident_kit import Meeting, Stage, play

from arkwright import __version__
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors import resident_link
from arkwright.executors.resident_wire import Hello, HostFiles, Ping, Pong, Run, Welcome, receive, send

DONE = Succeeded(output="output")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


def kind(outcome: Outcome) -> FailureKind:
    assert isinstance(outcome, Failed), outcome
    return outcome.kind


# -- the host's own life


def test_an_idle_host_without_a_server_ends_by_itself(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings={"idle_seconds": 0.05})

    async def scene() -> None:
        async with stage.server() as server:
            assert await server.run("Step", stage.context()) == DONE
            pid = stage.pid("steps")
            with watched(pid) as end:
                await server.executor.close()
                await asyncio.to_thread(end)
        assert not list(stage.hosts.glob("steps.json")) + list(stage.hosts.glob("steps.sock"))
        async with stage.server() as server:
            assert await server.run("Step", stage.context()) == DONE

    play(scene)


def test_a_server_lets_go_of_a_host_that_it_does_not_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident_link, "LINGER_SECONDS", 0.05)
    stage = Stage(tmp_path, settings={"idle_seconds": 0.05})

    async def scene() -> None:
        async with stage.server() as server:
            for _ in range(2):  # also when it comes back for more
                assert await server.run("Step", stage.context()) == DONE
                with watched(stage.pid("steps")) as end:
                    await asyncio.to_thread(end)

    play(scene)


async def converse(stage: Stage, **hello: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = HostFiles(stage.hosts, "steps").read_address()
    assert address is not None
    reader, writer = await asyncio.open_unix_connection(address.socket)
    send(writer, Hello(**{"token": address.token, "version": __version__, "settings": stage.settings} | hello))
    return reader, writer


def test_only_who_knows_the_token_is_listened_to(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            assert await server.run("Step", stage.context()) == DONE
            reader, writer = await converse(stage, token="guess")
            assert await receive(reader) is None
            writer.close()
            reader, writer = await converse(stage)
            assert isinstance(await receive(reader), Welcome)
            send(writer, Ping())
            assert await receive(reader) == Pong()
            writer.write(b"\0\0\0\4nope")
            assert await receive(reader) is None
            writer.close()
        files = HostFiles(stage.hosts, "steps")
        assert stat.S_IMODE(files.address.stat().st_mode) == 0o600
        assert stat.S_IMODE(stage.hosts.stat().st_mode) == 0o700

    play(scene)


def test_an_idle_host_makes_way_for_another_version(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            assert await server.run("Step", stage.context()) == DONE
            with watched(stage.pid("steps")) as end:
                reader, writer = await converse(stage, version="another")
                assert await receive(reader) is None
                await asyncio.to_thread(end)
                writer.close()
            assert await server.run("Step", stage.context()) == DONE  # by a new host

    play(scene)


def test_a_busy_host_serves_another_version_until_its_work_is_done(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            context = stage.context({"port": str(meeting.port)})
            server.executor.submit("Step", context)
            await meeting.arrival()
            with watched(stage.pid("steps")) as end:
                reader, writer = await converse(stage, version="another")
                assert isinstance(await receive(reader), Welcome)
                send(writer, Run(type="Step", context=replace(context)))
                meeting.let_go()
                assert await server.outcome(context) == DONE
                assert "Ended" in repr(await receive(reader))
                await asyncio.to_thread(end)
                writer.close()

    play(scene)
