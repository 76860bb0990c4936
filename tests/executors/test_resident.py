"""Hosted nodes: each attempt runs once, in a process of its own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import (
    LIMIT_SECONDS,
    THIS,
    Meeting,
    Stage,
    host_environment,
    play,
)

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors import resident_link
from arkwright.executors.resident_wire import HostFiles

DONE = Succeeded(output="output")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


def kind(outcome: Outcome) -> FailureKind:
    assert isinstance(outcome, Failed), outcome
    return outcome.kind


# -- running


def test_an_attempt_runs_in_a_process_of_its_own_and_leaves_its_files(stage: Stage) -> None:
    async def scene() -> None:
        context = stage.context({"text": "hello\n"})
        async with stage.server() as server:
            assert await server.run("Step", context) == DONE
        assert (context.folder / "log").read_text() == "begin\nhello\n"
        assert (context.folder / "output").read_text() == "done"
        assert (context.folder / "outcome.json").exists()
        assert stage.pid("steps") != os.getpid()

    play(scene)


def test_failures_and_faults_of_the_node_are_reported(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            failed = await server.run("Step", stage.context({"fail": "no luck"}))
            assert failed == Failed(kind=FailureKind.ERROR, message="no luck")
            context = stage.context({"raise": "oh"})
            assert await server.run("Step", context) == Failed(kind=FailureKind.ERROR, message="RuntimeError: oh")
            assert "Traceback" in (context.folder / "log").read_text()

    play(scene)


def test_what_is_refused_or_unknown_starts_no_host(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            refused = await server.run("Step", stage.context({"refuse": "not here"}))
            assert refused == Failed(kind=FailureKind.REFUSED, message="not here")
            unknown = await server.run("Teapot", stage.context())
            assert kind(unknown) is FailureKind.REFUSED
            assert "Teapot" in unknown.message  # type: ignore[union-attr]
            program = await server.run("Shell", stage.context({"statement": "true"}))
            assert kind(program) is FailureKind.REFUSED
            bad_name = await server.run("Step", stage.context({"host": "../up"}))
            assert kind(bad_name) is FailureKind.ERROR
        assert not list(stage.hosts.glob("*.lock"))

    play(scene)


def test_attempts_of_one_host_run_side_by_side(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            first, second = (stage.context({"port": str(meeting.port)}) for _ in range(2))
            server.executor.submit("Step", first)
            server.executor.submit("Step", second)
            assert {await meeting.arrival(), await meeting.arrival()} == {str(first.key), str(second.key)}
            meeting.let_go(str(second.key))
            assert await server.outcome(second) == DONE
            meeting.let_go(str(first.key))
            assert await server.outcome(first) == DONE

    play(scene)


def test_a_log_is_cut_at_the_cap_with_a_note(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings={"log_cap_bytes": 1000})

    async def scene() -> None:
        context = stage.context({"text": "x" * 99 + "\n", "times": "30"})
        async with stage.server() as server:
            assert await server.run("Step", context) == DONE
        text = (context.folder / "log").read_text()
        assert text.endswith("[log cut at 1000 bytes; the node ran on]\n")
        assert len(text) < 1100

    play(scene)
    stage.close()


def test_a_hosts_folder_with_a_long_path_works(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    stage = Stage(folder)

    async def scene() -> None:
        async with stage.server() as server:
            assert await server.run("Step", stage.context()) == DONE
        first = HostFiles(stage.hosts, "steps").read_address()
        assert first is not None
        assert len(first.socket) <= 100
        assert stat.S_IMODE(Path(first.socket).parent.stat().st_mode) == 0o700
        stage.kill("steps")
        async with stage.server() as server:
            assert await server.run("Step", stage.context()) == DONE
        second = HostFiles(stage.hosts, "steps").read_address()
        assert second is not None
        assert (second.socket, second.pid == first.pid) == (first.socket, False)

    play(scene)
    stage.close()


def test_a_host_gets_nothing_of_the_servers_environment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARKWRIGHT_SECRET_KEY", "hush")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    environment = resident_link.clean_environment()
    assert not [name for name in environment if "ARKWRIGHT" in name or "PROXY" in name]
    assert "PATH" in environment


# -- exactly once


def test_a_key_submitted_twice_and_from_two_servers_runs_once(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as first, stage.server() as second:
            context = stage.context({"port": str(meeting.port)})
            first.executor.submit("Step", context)
            first.executor.submit("Step", context)
            second.executor.submit("Step", context)
            second.executor.attach("Step", context)
            await meeting.arrival()
            meeting.let_go()
            assert await first.outcome(context) == await second.outcome(context) == DONE
            assert stage.effects() == [str(context.key)]
            assert len(first.reports) == 1
            # and once more after its end
            first.executor.submit("Step", context)
        async with stage.server() as third:
            assert await third.run("Step", context) == DONE
        assert stage.effects() == [str(context.key)]

    play(scene)


def test_many_servers_starting_one_host_at_the_same_moment_get_one(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as a, stage.server() as b, stage.server() as c:
            contexts = [stage.context() for _ in range(6)]
            for context in contexts:
                for server in (a, b, c):
                    server.executor.submit("Step", context)
            for context in contexts:
                for server in (a, b, c):
                    assert await server.outcome(context) == DONE
        assert sorted(stage.effects()) == sorted(str(each.key) for each in contexts)

    play(scene)


def test_attach_starts_what_was_never_started(stage: Stage) -> None:
    async def scene() -> None:
        context = stage.context()
        async with stage.server() as server:
            server.executor.attach("Step", context)
            assert await server.outcome(context) == DONE

    play(scene)


def test_a_second_host_of_the_same_name_leaves(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            assert await server.run("Step", stage.context()) == DONE

    play(scene)
    module = "arkwright.executors.resident_host"
    command = [sys.executable, "-m", module, "--folder", str(stage.hosts), "--name", "steps"]
    command += ["--registry", f"{THIS}:registry"]
    second = subprocess.run(command, env=host_environment(), capture_output=True, timeout=LIMIT_SECONDS, check=True)
    assert second.stdout == b"claimed\n"
