"""DLISQL side by side, stopped and killed: each attempt happens exactly once, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import DoomedServer, Meeting, Stage, log_of, message, output_of, play
from tests.nodes.test_dlisql_kit import scalar, sql

from arkwright.core.outcome import FailureKind, Succeeded

ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE hash(a.range + b.range) = 1"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One host for all tests that don't kill it."""
    stage = Stage(tmp_path_factory.mktemp("shared"))
    yield stage
    stage.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


# -- side by side


def test_one_endless_node_does_not_hold_up_the_others_and_stops_when_cancelled(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            here = {"meet_at": "before statement", "port": str(meeting.port)}
            endless = stage.context({"statement": f"CREATE TABLE never AS {ENDLESS}", **here})
            server.executor.submit("dlisql", endless)
            await meeting.arrival()
            meeting.let_go()
            quick = stage.context({"statement": "SELECT 1"})
            assert await server.run("dlisql", quick) == Succeeded(output="output", output_row_count=1)
            loop = asyncio.get_running_loop()
            asked = loop.time()
            server.executor.cancel(endless.key)
            outcome = await server.outcome(endless)
            assert loop.time() - asked < 2
            message(outcome, FailureKind.CANCELLED)
            assert "rolled back" in log_of(endless)
            gone = await server.run("dlisql", stage.context({"statement": "FROM never"}))
            assert "never" in message(gone, FailureKind.ERROR)

    play(scene)


@pytest.mark.parametrize("point", ["before begin", "before record", "before commit"])
def test_cancel_between_statements_is_noticed(stage: Stage, point: str) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            here = {"meet_at": point, "port": str(meeting.port)}
            context = stage.context({"statement": "CREATE TABLE made AS SELECT 1 AS a", **here})
            server.executor.submit("dlisql", context)
            await meeting.arrival()
            server.executor.cancel(context.key)
            # the next message is answered after the cancel was taken up
            assert await server.run("dlisql", stage.context({"statement": "SELECT 1"})) is not None
            meeting.let_go()
            outcome = await server.outcome(context)
            there = await server.run("dlisql", stage.context({"statement": "FROM made"}))
            if point == "before commit":  # too late: it has happened, and it is said so
                assert outcome == Succeeded(output_row_count=1)
                assert isinstance(there, Succeeded)
            else:
                message(outcome, FailureKind.CANCELLED)
                message(there, FailureKind.ERROR)

    play(scene)


def test_conflicting_nodes_are_begun_again_until_all_have_happened(shared: Stage) -> None:
    async def scene() -> None:
        async with shared.server() as server:
            await server.run("dlisql", shared.context({"statement": "CREATE TABLE tally AS SELECT 0 AS n"}))
            text = "UPDATE tally SET n = n + 1; CREATE TABLE IF NOT EXISTS raced (a INT); INSERT INTO raced VALUES (1)"
            contexts = [shared.context({"statement": text}) for _ in range(10)]
            for context in contexts:
                server.executor.submit("dlisql", context)
            for context in contexts:
                assert isinstance(await server.outcome(context), Succeeded), log_of(context)
            assert any("begins again" in log_of(context) for context in contexts)

    play(scene)
    assert scalar(shared, "SELECT n FROM tally") == "10"
    assert scalar(shared, "SELECT count(*) FROM raced") == "10"


# -- exactly once


def test_kill_9_of_the_server_right_after_submitting_loses_and_doubles_nothing(stage: Stage) -> None:
    sql(stage, "CREATE TABLE once (n INT)")

    async def scene() -> None:
        texts = [f"INSERT INTO once VALUES ({n}); SELECT {n}" for n in range(12)]
        contexts = [stage.context({"statement": text}, number=100 + n) for n, text in enumerate(texts)]
        doomed = await asyncio.to_thread(DoomedServer, stage, "dlisql", contexts)
        doomed.kill()
        async with stage.server() as server:
            for context in contexts:
                server.executor.attach("dlisql", context)
            for n, context in enumerate(contexts):
                outcome = await server.outcome(context)
                assert output_of(context, outcome) == f'[["{n}"]]', outcome

    play(scene)
    assert scalar(stage, "SELECT [count(*), count(DISTINCT n)] FROM once") == "[12, 12]"


def test_kill_9_of_the_host_at_any_point_happens_exactly_once(stage: Stage) -> None:
    points = [f"{when} {what}" for what in ("begin", "statement", "record", "commit") for when in ("before", "after")]
    points.append("after run")
    sql(stage, "CREATE TABLE once (point VARCHAR)")

    async def scene() -> None:
        async with stage.server() as server:
            for point in points:
                text = f"INSERT INTO once VALUES ('{point}'); SELECT '{point}'"
                context = stage.context({"statement": text, "die_at": point})
                outcome = await server.run("dlisql", context)
                assert (stage.workspace / f"died-{context.key.instance_id}").exists(), point
                assert outcome == Succeeded(output="output", output_row_count=1), point
                assert output_of(context, outcome) == f'[["{point}"]]'
                again = "runs again" in log_of(context)
                assert again == (point not in ("after commit", "after run")), point

    play(scene)
    assert scalar(stage, "SELECT [count(*), count(DISTINCT point)] FROM once") == f"[{len(points)}, {len(points)}]"


def test_attempts_beside_one_that_kills_the_host_happen_exactly_once(stage: Stage) -> None:
    sql(stage, "CREATE TABLE once (n INT)")

    async def scene() -> None:
        async with stage.server() as server:
            contexts = [stage.context({"statement": f"INSERT INTO once VALUES ({n})"}) for n in range(8)]
            contexts[4:4] = [stage.context({"statement": "INSERT INTO once VALUES (99)", "die_at": "after record"})]
            for context in contexts:
                server.executor.submit("dlisql", context)
            for context in contexts:
                assert await server.outcome(context) == Succeeded(output_row_count=1)

    play(scene)
    assert scalar(stage, "SELECT [count(*), count(DISTINCT n)] FROM once") == "[9, 9]"


def test_a_repeated_attempt_whose_files_are_gone_does_not_happen_again(stage: Stage) -> None:
    """After a power cut: the database was synced, the small files of the attempt were not."""
    sql(stage, "CREATE TABLE once (n INT)")

    async def scene() -> None:
        context = stage.context({"statement": "INSERT INTO once VALUES (1); SELECT 7"}, number=500)
        async with stage.server() as server:
            first = await server.run("dlisql", context)
        for path in context.folder.iterdir():
            path.unlink()
        async with stage.server() as server:
            server.executor.attach("dlisql", context)
            assert await server.outcome(context) == first
        assert output_of(context, first) == '[["7"]]'

    play(scene)
    assert scalar(stage, "SELECT count(*) FROM once") == "1"


def test_a_warehouse_that_cannot_be_opened_fails_the_node_with_the_reason(stage: Stage) -> None:
    (stage.workspace / "warehouse.duckdb").write_text("this is no database")
    assert "warehouse.duckdb" in message(sql(stage, "SELECT 1")[0], FailureKind.ERROR)
