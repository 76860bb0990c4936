"""Several engines on one PostgreSQL: parents and children of different owners, an engine that dies at any commit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.engine.test_children import children, loop
from tests.engine.test_children_recovery import check_family, history_gives_the_state
from tests.engine.world import PLACE, World, feed, living, node
from tests.servers.postgres import run_statements

from arkwright.core.instance import Instance, InstanceStatus, NodeStatus
from arkwright.testing.faulty_store import Crash

pytestmark = pytest.mark.postgres

LEASE_SECONDS = 600
ROWS = json.dumps([[row] for row in range(6)])


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def engine(folder: Path, address: str, name: str, **more: Any) -> World:
    (folder / name).mkdir(exist_ok=True)
    return World(folder / name, url=address, name=name, lease_seconds=LEASE_SECONDS, **more)


async def hand_over(address: str, instance_id: int, owner: str) -> None:
    """As after a lease that ran out: somebody else owns it, and the old owner doesn't know yet."""
    connection = await asyncpg.connect(address)
    await connection.execute("UPDATE instance SET owner = $1, session = 0 WHERE id = $2", owner, instance_id)
    await connection.close()


async def _blocked(world: World, folder: Path, rows: int) -> int:
    """A loop of one row at a time, each of which reads from a fifo of its own; answers the parent's id."""
    for row in range(rows):
        os.mkfifo(folder / f"fifo{row}")
    await world.job("child", [node("a", statement=f"read line < {folder}/fifo$1", arguments="${n}")])
    dataset = json.dumps([[row] for row in range(rows)])
    await world.job(
        "j", [loop("each", "child", dataset, params="n=#{Loop.offset}"), node("end", "Dummy", after=["each"])]
    )
    accepted = await world.submit("j")
    await world.until(accepted.instance_id, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
    return accepted.instance_id


async def _owners(world: World, family: list[Instance]) -> list[str | None]:
    return [await world.store.real.owner_of(each.id) for each in family]


@in_loop
async def test_a_child_of_another_engines_parent_tells_it_of_its_end(tmp_path: Path, postgres_ready: str) -> None:
    async with living(engine(tmp_path, postgres_ready, "a")) as first:
        parent = await _blocked(first, tmp_path, 3)
        await hand_over(postgres_ready, parent, "b")
        async with living(engine(tmp_path, postgres_ready, "b")) as second:
            await feed(tmp_path / "fifo0", "on\n")
            await second.until(parent, lambda s: s.nodes[0].children.succeeded_count == 1)
            assert await _owners(second, await children(second, parent)) == ["a", "b"]
            await feed(tmp_path / "fifo1", "on\n")
            await feed(tmp_path / "fifo2", "on\n")
            state = await second.ended(parent)
            assert state.status is InstanceStatus.SUCCESS
            await check_family(second, parent)
            assert await second.store.real.posted("b") == []


@in_loop
async def test_a_stop_reaches_the_children_that_another_engine_runs(tmp_path: Path, postgres_ready: str) -> None:
    async with living(engine(tmp_path, postgres_ready, "a")) as first:
        parent = await _blocked(first, tmp_path, 2)
        await hand_over(postgres_ready, parent, "b")
        async with living(engine(tmp_path, postgres_ready, "b")) as second:
            await second.engine.stop(PLACE, parent, by="me", operation_id="1")
            state = await second.ended(parent)
            assert state.status is InstanceStatus.MANUAL_STOP
            (child,) = await children(second, parent)
            assert child.status is InstanceStatus.MANUAL_STOP
            await check_family(second, parent)


@in_loop
async def test_a_child_that_ended_while_its_parent_had_no_engine_is_found_by_the_next_one(
    tmp_path: Path, postgres_ready: str
) -> None:
    async with living(engine(tmp_path, postgres_ready, "a")) as first:
        parent = await _blocked(first, tmp_path, 2)
        await hand_over(postgres_ready, parent, "nobody")
        await feed(tmp_path / "fifo0", "on\n")
        (child,) = await children(first, parent)
        await first.ended(child.id)
    await hand_over(postgres_ready, parent, "b")
    async with living(engine(tmp_path, postgres_ready, "b")) as second:
        await second.until(parent, lambda s: s.nodes[0].children.succeeded_count == 1)
        await feed(tmp_path / "fifo1", "on\n")
        assert (await second.ended(parent)).status is InstanceStatus.SUCCESS
        await check_family(second, parent)


async def _dummies(world: World) -> int:
    await world.job("leaf", [node("a", "Dummy"), node("b", "Dummy", after=["a"])])
    await world.job("middle", [node("call", "SubJob", jobName="leaf")])
    await world.job("j", [loop("each", "middle", ROWS, concurrency="2")])
    return (await world.submit("j")).instance_id


@pytest.mark.parametrize("after", [False, True], ids=["before it is durable", "after it is durable"])
@in_loop
async def test_another_engine_goes_on_with_the_family_of_one_that_died_at_any_commit(
    tmp_path: Path, postgres_ready: str, after: bool
) -> None:
    async with living(engine(tmp_path, postgres_ready, "counting")) as world:
        before = world.store.calls
        await world.ended(await _dummies(world))
        calls = world.store.calls - before
    assert calls >= 6
    for crash_at in range(2, calls + 1):
        name = f"dying{crash_at}"
        dying = engine(tmp_path, postgres_ready, name, crash_at=crash_at, after=after)
        await dying.open()
        parent = 0
        try:
            parent = await _dummies(dying)
            await dying.crashed_or_ended(parent)
        except Crash:
            pass
        with contextlib.suppress(Crash):
            await dying.close()
        assert parent
        await run_statements(postgres_ready, "UPDATE engine SET lease_until_ms = 0")
        async with living(engine(tmp_path, postgres_ready, f"next{crash_at}")) as world:
            assert (await world.ended(parent)).status is InstanceStatus.SUCCESS, crash_at
            await check_family(world, parent)
            assert (await world.store.real.children_of(parent, limit=0)).total == 6


@in_loop
async def test_two_engines_that_both_believe_to_own_a_family_make_no_child_twice(
    tmp_path: Path, postgres_ready: str
) -> None:
    async with living(engine(tmp_path, postgres_ready, "a")) as first:
        await first.job("leaf", [node("a", "Dummy")])
        dataset = json.dumps([[row] for row in range(300)])
        await first.job("j", [loop("each", "leaf", dataset, concurrency="3")])
        async with living(engine(tmp_path, postgres_ready, "b")) as second:
            parents = []
            for owner in ("b", "a", "b"):
                parent = (await first.submit("j")).instance_id
                parents.append(parent)
                for each in (owner, "a", "b"):
                    await hand_over(postgres_ready, parent, each)
                    second.store.real._wake()
                    first.store.real._wake()
            for parent in parents:
                state = await second.ended(parent)
                assert state.status is InstanceStatus.SUCCESS
                assert (await second.store.real.children_of(parent, limit=0)).total == 300
                await check_family(second, parent)
                await history_gives_the_state(second, state)
