"""Hosted nodes: every attempt runs once and its end is known, whoever is killed, and whenever."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import (
    LIMIT_SECONDS,
    THIS,
    DoomedServer,
    Meeting,
    Stage,
    host_environment,
    play,
    watched,
)

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
        address = HostFiles(stage.hosts, "steps").read_address()
        assert address is not None
        place = Path(address.socket).parent
        assert len(address.socket) <= 100
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        stage.close()
        Path(address.socket).unlink()
        place.rmdir()

    play(scene)


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


# -- the server dies


def test_kill_9_of_the_server_leaves_attempts_running_and_the_next_learns_every_outcome(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting:
            contexts = [stage.context({"port": str(meeting.port)}) for _ in range(6)]
            doomed = await asyncio.to_thread(DoomedServer, stage, "Step", contexts)
            for _ in contexts:
                await meeting.arrival()
            doomed.kill()
            for context in contexts[:3]:  # these end while no server is there
                meeting.let_go(str(context.key))
            async with stage.server() as server:
                for context in contexts:
                    server.executor.attach("Step", context)
                for context in contexts[:3]:
                    assert await server.outcome(context) == DONE
                assert len(server.reports) == 3
                meeting.let_go()
                for context in contexts[3:]:
                    assert await server.outcome(context) == DONE
        assert sorted(stage.effects()) == sorted(str(each.key) for each in contexts)

    play(scene)


def test_an_outcome_is_known_although_server_and_host_are_gone(stage: Stage) -> None:
    async def scene() -> None:
        context = stage.context()
        async with stage.server() as server:
            assert await server.run("Step", context) == DONE
        stage.kill("steps")
        async with stage.server() as server:
            server.executor.attach("Step", context)
            assert await server.outcome(context) == DONE
        with pytest.raises(ProcessLookupError):
            os.kill(stage.pid("steps"), 0)  # no new one was needed

    play(scene)


def test_close_lets_go_and_the_next_server_takes_over(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting:
            context = stage.context({"port": str(meeting.port)})
            async with stage.server() as server:
                server.executor.submit("Step", context)
                await meeting.arrival()
            assert not server.reports
            async with stage.server() as server:
                server.executor.attach("Step", context)
                meeting.let_go()
                assert await server.outcome(context) == DONE
        assert stage.effects() == [str(context.key)]

    play(scene)


# -- the host dies


@pytest.mark.parametrize("recall", ["none", "done", "lost", "raise"])
def test_kill_9_of_the_host_asks_the_node_what_became_of_it(stage: Stage, recall: str) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            context = stage.context({"port": str(meeting.port), "recall": recall})
            server.executor.submit("Step", context)
            await meeting.arrival()
            stage.kill("steps")
            if recall == "none":
                await meeting.arrival()
                meeting.let_go()
            outcome = await server.outcome(context)
        match recall:
            case "none":
                assert outcome == DONE
            case "done":
                assert outcome == Succeeded(message="recalled")
            case _:
                assert kind(outcome) is FailureKind.LOST
        assert len(stage.effects()) == (2 if recall == "none" else 1)
        assert len(server.reports) == 1

    play(scene)


def test_host_and_server_both_killed_is_no_different(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting:
            context = stage.context({"port": str(meeting.port)})
            doomed = await asyncio.to_thread(DoomedServer, stage, "Step", [context])
            await meeting.arrival()
            doomed.kill()
            stage.kill("steps")
            async with stage.server() as server:
                server.executor.attach("Step", context)
                await meeting.arrival()
                meeting.let_go()
                assert await server.outcome(context) == DONE
        assert "no effect; it runs again" in (context.folder / "log").read_text()

    play(scene)


def test_a_node_that_kills_its_host_each_time_is_given_up(stage: Stage) -> None:
    async def scene() -> None:
        context = stage.context({"die": "yes"})
        async with stage.server() as server:
            outcome = await server.run("Step", context)
        assert kind(outcome) is FailureKind.ERROR
        assert "died 3 times" in outcome.message  # type: ignore[union-attr]
        assert len(stage.effects()) == 3

    play(scene)


def test_a_host_that_cannot_start_fails_the_attempt_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident_link, "BARREN_CONVERSATIONS", 2)
    stage = Stage(tmp_path, registry_name="broken_registry")

    async def scene() -> None:
        begun = stage.context()
        begun.folder.mkdir(parents=True)
        (begun.folder / "claim").touch()
        async with stage.server() as server:
            outcome = await server.run("Step", stage.context())
            assert kind(outcome) is FailureKind.ERROR
            assert "no registry today" in outcome.message  # type: ignore[union-attr]
            server.executor.attach("Step", begun)
            assert kind(await server.outcome(begun)) is FailureKind.LOST

    play(scene)


def test_after_a_restart_of_the_machine_a_missing_claim_proves_nothing(stage: Stage) -> None:
    stage.hosts.mkdir()
    (stage.hosts / "boot").write_text("an earlier boot\n")

    async def scene() -> None:
        attached, submitted = stage.context({"recall": "lost"}), stage.context({"recall": "lost"})
        async with stage.server() as server:
            server.executor.attach("Step", attached)
            assert kind(await server.outcome(attached)) is FailureKind.LOST
            assert await server.run("Step", submitted) == DONE
        assert stage.effects() == [str(submitted.key)]

    play(scene)


# -- stopping


def test_cancel_stops_the_work_and_reports_it(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            context = stage.context({"port": str(meeting.port)})
            server.executor.submit("Step", context)
            await meeting.arrival()
            server.executor.cancel(context.key)
            assert kind(await server.outcome(context)) is FailureKind.CANCELLED
            server.executor.cancel(context.key)
            server.executor.cancel(stage.context().key)
            assert len(server.reports) == 1

    play(scene)


def test_cancel_before_the_host_is_there_starts_nothing(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            submitted, attached = stage.context(), stage.context()
            server.executor.submit("Step", submitted)
            server.executor.cancel(submitted.key)
            server.executor.attach("Step", attached)
            server.executor.cancel(attached.key)
            assert kind(await server.outcome(submitted)) is FailureKind.CANCELLED
            assert kind(await server.outcome(attached)) is FailureKind.CANCELLED
        assert stage.effects() == []

    play(scene)


def test_an_attempt_of_a_dead_server_can_be_cancelled(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting:
            context = stage.context({"port": str(meeting.port)})
            doomed = await asyncio.to_thread(DoomedServer, stage, "Step", [context])
            await meeting.arrival()
            doomed.kill()
            async with stage.server() as server:
                server.executor.attach("Step", context)
                server.executor.cancel(context.key)
                assert kind(await server.outcome(context)) is FailureKind.CANCELLED

    play(scene)


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
