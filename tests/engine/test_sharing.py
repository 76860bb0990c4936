"""Programs that wait for their turn go to an engine that would begin them at once: never twice, never to and fro."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.engine.test_several_engines import both, ended, in_loop, until, world
from tests.engine.world import World, feed, living, node

from arkwright.core.instance import InstanceStatus, NodeStatus

pytestmark = pytest.mark.postgres

RUNS = 200
SLOTS = 4


async def held(world: World, fifo: Path) -> int:
    """A run whose program goes on until the fifo is fed."""
    os.mkfifo(fifo)
    await world.job(f"held-{fifo.name}", [node("a", statement=f"cat {fifo}")])
    instance_id = (await world.submit(f"held-{fifo.name}")).instance_id
    await world.until(instance_id, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
    return instance_id


@pytest.mark.long
@in_loop
async def test_an_engine_that_comes_later_gets_its_share_of_a_queue_and_each_run_is_stepped_once(
    tmp_path: Path, postgres_ready: str
) -> None:
    go, trace = tmp_path / "go", tmp_path / "trace"
    first, second = (world(tmp_path, postgres_ready, name, slots=SLOTS) for name in ("first", "second"))
    text = f"until [ -e {go} ]; do sleep 0.02; done; echo $ARKWRIGHT_INSTANCE_ID >> {trace}"
    async with living(first):
        await first.job("j", [node("a", statement=text)])
        made = [(await first.submit("j")).instance_id for _ in range(RUNS)]
        await until(lambda: first.executor.queued == RUNS - SLOTS, "they wait")
        async with living(second):
            await until(lambda: second.executor.queued, "it is full, too")
            share = (RUNS - SLOTS) // 2
            assert first.engine.handover.handed_over == share
            await until(lambda: second.engine.active_count == share, "it has all of its share")
            assert first.engine.active_count == RUNS - share
            go.touch()
            await ended(first, RUNS)
            owners = [await first.store.real.owner_of(each) for each in made]
            assert min(owners.count("first"), owners.count("second")) >= RUNS // 4
            assert sorted(map(int, trace.read_text().split())) == sorted(made), "each once"
            for each in made:
                attempts = await first.store.real.list_attempts(each)
                assert [row.attempt for row in attempts] == [1]
            for each in made[::20]:
                kinds = [type(event).__name__ for _, event in await first.store.real.read_events(each)]
                assert kinds == ["InstanceRequested", "AttemptEnded"]


@in_loop
async def test_one_program_that_waits_behind_a_long_one_goes_where_there_is_room_and_is_not_taken_back(
    tmp_path: Path, postgres_ready: str
) -> None:
    first, second = world(tmp_path, postgres_ready, "first", slots=1), world(tmp_path, postgres_ready, "second")
    async with both(first, second):
        long = await held(first, tmp_path / "fifo")
        await first.job("j", [node("a", statement="true")])
        for number in range(1, 4):
            instance_id = (await first.submit("j")).instance_id
            assert (await first.ended(instance_id)).status is InstanceStatus.SUCCESS
            assert await first.store.real.owner_of(instance_id) == "second"
            assert first.engine.handover.handed_over == number
        await feed(tmp_path / "fifo", "on\n")
        assert (await first.ended(long)).status is InstanceStatus.SUCCESS
        assert second.engine.handover.handed_over == 0


@in_loop
async def test_where_nobody_has_room_everything_stays(tmp_path: Path, postgres_ready: str) -> None:
    first, second = worlds = [world(tmp_path, postgres_ready, name, slots=1) for name in ("first", "second")]
    async with both(*worlds):
        for number, each in enumerate(worlds):
            await held(each, tmp_path / f"fifo{number}")
            await each.job(f"j{number}", [node("a", statement="true")])
        for each in worlds:
            await each.engine.lease.renew()  # it tells that it has no room
        made = [[(await each.submit(f"j{number}")).instance_id for _ in range(3)] for number, each in enumerate(worlds)]
        for each in worlds:
            await until(lambda each=each: each.executor.queued == 3, "they wait")  # type: ignore[misc]
            await each.engine.recovery.look_around()
            assert each.engine.lease.room_elsewhere == 0
            await each.engine.sharing._give()
            assert each.engine.handover.handed_over == 0
        await feed(tmp_path / "fifo0", "on\n")
        for each in (*made[0], *made[1]):
            assert (await first.ended(each)).status is InstanceStatus.SUCCESS
        assert first.engine.handover.handed_over == 0
        assert second.engine.handover.handed_over > 0, "once the other one has room, it gets them"
        await feed(tmp_path / "fifo1", "on\n")


@in_loop
async def test_an_instance_of_which_something_runs_stays_with_all_that_waits_of_it(
    tmp_path: Path, postgres_ready: str
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    first, second = world(tmp_path, postgres_ready, "first", slots=1), world(tmp_path, postgres_ready, "second")
    async with both(first, second):
        await first.job("two", [node("a", statement=f"cat {fifo}"), node("b", statement="true")])
        await first.job("j", [node("a", statement="true")])
        two = (await first.submit("two")).instance_id
        await until(lambda: first.executor.queued == 1, "its second node waits")
        one = (await first.submit("j")).instance_id
        assert (await first.ended(one)).status is InstanceStatus.SUCCESS
        assert await first.store.real.owner_of(one) == "second"
        assert first.executor.queued == 1
        await feed(fifo, "on\n")
        assert (await first.ended(two)).status is InstanceStatus.SUCCESS
        assert {row.runner for row in await first.store.real.list_attempts(two)} == {"first"}
