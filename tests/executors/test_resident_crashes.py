"""Hosted nodes whose server or host dies, or that are stopped: the end of every attempt is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import (
    DoomedServer,
    Meeting,
    Stage,
    play,
)

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors import resident_link

DONE = Succeeded(output="output")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


def kind(outcome: Outcome) -> FailureKind:
    assert isinstance(outcome, Failed), outcome
    return outcome.kind


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
        killed = stage.pid("steps")
        stage.kill("steps")
        async with stage.server() as server:
            server.executor.attach("Step", context)
            assert await server.outcome(context) == DONE
        assert stage.pid("steps") == killed  # no new one was needed

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


def test_a_defect_in_the_conversation_is_told_and_leaves_no_attempt_without_an_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receive, calls = resident_link.receive, 0

    async def poisoned(reader: asyncio.StreamReader) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:  # the first one says that we are welcome
            raise KeyError("poison")
        return await receive(reader)

    monkeypatch.setattr(resident_link, "receive", poisoned)

    async def scene() -> None:
        context = stage.context()
        async with stage.server() as server:
            assert await server.run("Step", context) == DONE
        assert stage.effects() == [str(context.key)]

    play(scene)
    assert "the conversation with the host steps" in caplog.text
