"""Engines whose store goes away at a bad moment: nothing is guessed, nothing is forgotten, and it is no defect."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_several_engines import end_lease, ended, in_loop, until, world
from tests.engine.world import World, feed, living, node
from tests.servers.postgres import run_statements
from tests.store.test_postgres import LosesTheAnswer

from arkwright.core.events import StopRequested
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.errors import StoreUnavailable
from arkwright.testing.faulty_store import Crash

pytestmark = pytest.mark.postgres


def away(world: World, method: str, times: int) -> asyncio.Event:
    """So often the store can't be reached when it is asked for this; set once it has been."""
    call: Callable[..., Any] = getattr(world.store, method)
    met = asyncio.Event()
    left = times

    async def fails(*args: Any, **given: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            met.set()
            raise StoreUnavailable("The database can't be used: it is away.")
        return await call(*args, **given)

    setattr(world.store, method, fails)
    return met


async def held(world: World, fifo: Path) -> int:
    os.mkfifo(fifo)
    await world.job("held", [node("a", statement=f"cat {fifo}")])
    instance_id = (await world.submit("held")).instance_id
    await world.until(instance_id, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
    return instance_id


@in_loop
async def test_what_was_handed_over_when_the_answer_was_lost_is_begun_by_the_other_engine_alone(
    tmp_path: Path, postgres_address: str
) -> None:
    fifo, trace = tmp_path / "fifo", tmp_path / "trace"
    first, second = world(tmp_path, postgres_address, "first", slots=1), world(tmp_path, postgres_address, "second")
    async with living(first):
        long = await held(first, fifo)
        await first.job("j", [node("a", statement=f"echo done >> {trace}")])
        waiting = (await first.submit("j")).instance_id
        await until(lambda: first.executor.queued == 1, "it waits for its turn")
        store: Any = first.store.real
        store._connection = LosesTheAnswer(store._connection)
        assert await first.engine.handover.give([waiting]) == 1
        assert first.executor.queued == 0
        async with living(second):
            await ended(second, 1)
            await feed(fifo, "on\n")
            assert (await first.ended(long)).status is InstanceStatus.SUCCESS
            assert [row.attempt for row in await store.list_attempts(waiting)] == [1]
    assert trace.read_text() == "done\n"


@pytest.mark.parametrize("after", [False, True], ids=["before it is durable", "after it is durable"])
@in_loop
async def test_what_waited_on_a_server_that_dies_in_a_handover_is_begun_at_most_once(
    tmp_path: Path, postgres_address: str, after: bool
) -> None:
    fifo, trace = tmp_path / "fifo", tmp_path / "trace"
    first, second = world(tmp_path, postgres_address, "first", slots=1), world(tmp_path, postgres_address, "second")
    await first.open()
    await held(first, fifo)
    await first.job("j", [node("a", statement=f"echo done >> {trace}")])
    waiting = (await first.submit("j")).instance_id
    await until(lambda: first.executor.queued == 1, "it waits for its turn")
    first.store.crash_at, first.store.after = first.store.calls + 1, after
    with pytest.raises(Crash):
        await first.engine.handover.give([waiting])
    with contextlib.suppress(Crash):
        await first.close()
    async with living(second):
        await end_lease(postgres_address, "first", second)
        state = await second.ended(waiting)
        if after:
            assert state.status is InstanceStatus.SUCCESS, "it was let go of, so it is known that nobody began it"
            assert trace.read_text() == "done\n"
        else:
            assert "can't be known" in (state.nodes[0].message or ""), "all that is known is whose it was"
            assert not trace.exists()
        await feed(fifo, "on\n")


@in_loop
async def test_what_stays_after_a_handover_that_could_not_be_stored_goes_on(
    tmp_path: Path, postgres_address: str
) -> None:
    fifo = tmp_path / "fifo"
    first = world(tmp_path, postgres_address, "first", slots=1)
    async with living(first):
        long = await held(first, fifo)
        await first.job("j", [node("a", statement="true")])
        waiting = (await first.submit("j")).instance_id
        await until(lambda: first.executor.queued == 1, "it waits for its turn")
        met = away(first, "hand_over", 1)
        giving = asyncio.create_task(first.engine.handover.give([waiting]))
        await met.wait()
        # Somebody wants something of it meanwhile: its state is another one when the store is back.
        first.engine._loop.tell(waiting, StopRequested(at_ms=first.clock.now_ms(), operation_id="1", by="tester"))
        await until(lambda: first.engine._loop.active[waiting].state.version > 1, "the stop is durable")
        assert await giving == 0
        assert (await first.ended(waiting)).status is InstanceStatus.MANUAL_STOP
        await feed(fifo, "on\n")
        await first.ended(long)


@in_loop
async def test_an_engine_that_could_not_look_what_is_left_looks_again(tmp_path: Path, postgres_address: str) -> None:
    fifo = tmp_path / "fifo"
    first = world(tmp_path, postgres_address, "first")
    async with living(first):
        await held(first, fifo)
        await run_statements(postgres_address, "UPDATE instance SET owner = 'second'")
        first.engine.lease._until = 0.0  # as after a freeze
        away(first, "still_owned", 1)
        with pytest.raises(StoreUnavailable):
            await first.engine.recovery.renew()
        assert first.engine.lease.begins_until == 0.0, "nothing begins before it knows"
        await first.engine.recovery.renew()
        assert first.engine.active_count == 0
        assert not first.engine.lease.in_doubt


@in_loop
async def test_an_engine_that_is_closed_while_its_store_is_away_has_no_defect(
    tmp_path: Path, postgres_address: str
) -> None:
    first = world(tmp_path, postgres_address, "first")
    async with living(first):
        await first.job("j", [node("a", "Dummy"), node("b", "Dummy", after=["a"])])
        fifo = tmp_path / "fifo"
        await held(first, fifo)
        met = away(first, "commit", 1_000_000)
        await feed(fifo, "on\n")
        await met.wait()
    assert not first.engine.failed.is_set()


@in_loop
async def test_an_event_that_comes_while_the_store_is_away_is_not_forgotten(
    tmp_path: Path, postgres_address: str
) -> None:
    fifo = tmp_path / "fifo"
    first = world(tmp_path, postgres_address, "first")
    async with living(first):
        instance_id = await held(first, fifo)
        first.engine._loop.forget(instance_id)
        met = away(first, "load_instance", 1)
        first.engine._loop.tell(instance_id, StopRequested(at_ms=first.clock.now_ms(), operation_id="1", by="tester"))
        await met.wait()
        assert (await first.ended(instance_id)).status is InstanceStatus.MANUAL_STOP


@in_loop
async def test_a_lease_is_renewed_although_a_look_at_the_others_is_never_answered(
    tmp_path: Path, postgres_address: str
) -> None:
    first = world(tmp_path, postgres_address, "first", lease_seconds=1.5)
    async with living(first):
        asked = 0

        async def never(*args: Any, **given: Any) -> Any:
            nonlocal asked
            asked += 1
            await asyncio.Event().wait()

        first.store.neighbours = never  # type: ignore[attr-defined]
        await until(lambda: asked > 2, "it is renewed, and they are looked at again")
