"""Hosted nodes begin only while their lease holds, also where their host was frozen on its way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import Meeting, Server, Stage, message, play

from arkwright.core.outcome import FailureKind, Succeeded
from arkwright.executors.beginning import since_boot
from arkwright.executors.warehouse_reader import WarehouseReader
from arkwright.nodes.base import AttemptKey, Context
from arkwright.testing.executor_stage import until

DONE = Succeeded(output="output")
HOUR = 3600.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


class Leases:
    """Of attempts, by hand: an hour, but for those that are named."""

    def __init__(self, server: Server) -> None:
        self.ends: dict[AttemptKey, float] = {}
        server.executor.beginning.until = lambda key: self.ends.get(key, since_boot() + HOUR)

    def end(self, *contexts: Context, in_seconds: float = 0.0) -> float:
        end = since_boot() + in_seconds
        self.ends.update({context.key: end for context in contexts})
        return end


def test_what_comes_too_late_waits_for_the_next_lease_and_may_be_cancelled_meanwhile(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            leases = Leases(server)
            late, dropped, attached = (stage.context() for _ in range(3))
            leases.end(late, dropped, attached)
            server.executor.submit("Step", late)
            server.executor.submit("Step", dropped)
            server.executor.attach("Step", attached)
            assert await server.run("Step", stage.context()) == DONE, "one in time begins in the same host"
            server.executor.cancel(dropped.key)
            assert "before it began" in message(await server.outcome(dropped), FailureKind.CANCELLED)
            assert not any((each.folder / "claim").exists() for each in (late, dropped, attached))
            leases.ends.clear()
            assert [await server.outcome(each) for each in (late, attached)] == [DONE, DONE]
            assert stage.effects().count(str(late.key)) == stage.effects().count(str(attached.key)) == 1

    play(scene)


@pytest.mark.parametrize("begun", [False, True], ids=["never begun", "begun by a host that died"])
def test_a_host_that_was_frozen_past_the_lease_begins_nothing_before_the_next_one(stage: Stage, begun: bool) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            leases = Leases(server)
            assert await server.run("Step", stage.context()) == DONE
            late = stage.context()
            if begun:
                late.folder.mkdir(parents=True)
                (late.folder / "claim").write_text("1\n")
            pid = stage.pid("steps")
            os.kill(pid, signal.SIGSTOP)
            end = leases.end(late, in_seconds=0.2)
            server.executor.submit("Step", late)
            await until(lambda: since_boot() > end)
            os.kill(pid, signal.SIGCONT)
            assert await server.run("Step", stage.context()) == DONE, "the host has seen to what came before"
            assert str(late.key) not in stage.effects()
            assert (late.folder / "claim").exists() is begun
            leases.ends.clear()
            assert await server.outcome(late) == DONE
            assert stage.effects().count(str(late.key)) == 1

    play(scene)


def test_one_that_is_cancelled_while_its_host_says_that_it_is_too_late_ends(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            leases = Leases(server)
            assert await server.run("Step", stage.context()) == DONE
            late = stage.context()
            pid = stage.pid("steps")
            os.kill(pid, signal.SIGSTOP)
            end = leases.end(late, in_seconds=0.2)
            server.executor.submit("Step", late)
            await until(lambda: since_boot() > end)
            server.executor.cancel(late.key)
            os.kill(pid, signal.SIGCONT)
            assert "before it began" in message(await server.outcome(late), FailureKind.CANCELLED)
            assert str(late.key) not in stage.effects()

    play(scene)


def test_what_runs_when_the_lease_ends_goes_on(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            leases = Leases(server)
            running = stage.context({"port": str(meeting.port)})
            server.executor.submit("Step", running)
            await meeting.arrival()
            leases.end(running)
            meeting.let_go()
            assert await server.outcome(running) == DONE

    play(scene)


def test_who_asks_questions_beside_it_passes_the_lease_on(stage: Stage) -> None:
    executor = stage.executor()
    assert WarehouseReader(executor, stage.folder / "questions", lambda: 1).beginning is executor.beginning


# -- a folder that can't be used


def test_an_outcome_that_cant_be_written_down_is_told(stage: Stage) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            context = stage.context({"spoil": "outcome.json"})
            assert await server.run("Step", context) == DONE
        assert stage.effects() == [str(context.key)]

    play(scene)


@pytest.mark.parametrize("begun", [False, True], ids=["never begun", "begun by a host that died"])
def test_where_the_folder_cant_be_used_only_what_never_began_is_said_to_have_not(stage: Stage, begun: bool) -> None:
    async def scene() -> None:
        context = stage.context()
        (context.folder / "log").mkdir(parents=True)  # no file: it can't be written to
        if begun:
            (context.folder / "claim").write_text("1\n")
        async with stage.server() as server:
            server.executor.attach("Step", context)
            outcome = await server.outcome(context)
        if begun:
            assert "What became of it can't be known" in message(outcome, FailureKind.LOST)
        else:
            assert "It was not begun" in message(outcome, FailureKind.ERROR)
        assert stage.effects() == []

    play(scene)
