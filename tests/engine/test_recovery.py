"""The engine dies at every call of the store, and while programs run: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest
from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, feed, living, node, statuses

from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.core.step import step
from arkwright.engine.plans import Plans
from arkwright.nodes.base import Context
from arkwright.store.base import InstanceFilter
from arkwright.testing.faulty_store import Crash


def _nodes(trace: Path) -> list[dict]:
    return [
        node("a", statement=f"echo a >> {trace}; echo 7"),
        node("b", after=["a"], statement=f"echo b >> {trace}"),
        node("c", after=["a"], statement=f"echo c$1 >> {trace}", arguments="#{Job.getNodeOutput('a')}"),
        node("join", "Dummy", after=["b", "c"]),
        node("d", after=["join"], statement=f"echo d >> {trace}"),
    ]


async def _run_until_crash(world: World, trace: Path, dispatch: int = 0, *, done: bool = False) -> bool:
    """Whether the submission was acknowledged before the crash: the store's, or one at this dispatch of an attempt,
    before or after it was `done`."""
    await world.open()
    _die_at(world, dispatch, done)
    await world.job("j", _nodes(trace))
    acknowledged = False
    try:
        accepted = await world.submit("j")
        acknowledged = True
        await world.crashed_or_ended(accepted.instance_id)
    except Crash:
        pass
    await world.close()
    return acknowledged


def _die_at(world: World, dispatch: int, done: bool) -> None:
    submit, left = world.executor.submit, dispatch

    def dying(type_name: str, context: Context) -> None:
        nonlocal left
        left -= 1
        if left == 0 and not done:
            world.store.crashed.set()
        if world.store.crashed.is_set():
            raise Crash
        submit(type_name, context)
        if left == 0:
            world.store.crashed.set()
            raise Crash

    world.executor.submit = dying  # type: ignore[method-assign]


def _calls(folder: Path) -> int:
    async def count() -> int:
        world = World(folder)
        await _run_until_crash(world, folder / "trace")
        return world.store.calls

    return asyncio.run(count())


@pytest.mark.parametrize("after", [False, True], ids=["before it is durable", "after it is durable"])
@in_loop
async def test_a_crash_at_every_commit_changes_nothing_about_the_end(tmp_path: Path, after: bool) -> None:
    (tmp_path / "count").mkdir()
    calls = await asyncio.to_thread(_calls, tmp_path / "count")
    assert calls >= 5
    for crash_at in range(1, calls + 1):
        folder = tmp_path / str(crash_at)
        folder.mkdir()
        trace = folder / "trace"
        acknowledged = await _run_until_crash(World(folder, crash_at=crash_at, after=after), trace)
        async with living(World(folder)) as world:
            stored = await _all_instances(world)
            assert len(stored) == (1 if acknowledged or after or crash_at > 1 else 0)
            for instance_id in stored:
                state = await world.ended(instance_id)
                assert state.status is InstanceStatus.SUCCESS, (crash_at, state)
                assert sorted(trace.read_text().split()) == ["a", "b", "c7", "d"], crash_at
                await _history_gives_the_state(world, instance_id)


@pytest.mark.parametrize("done", [False, True], ids=["before it is done", "after it is done"])
@in_loop
async def test_a_crash_at_every_dispatch_changes_nothing_about_the_end(tmp_path: Path, done: bool) -> None:
    """Also between two attempts of one commit."""
    for dispatch in range(1, 5):
        folder = tmp_path / str(dispatch)
        folder.mkdir()
        trace = folder / "trace"
        world = World(folder)
        await _run_until_crash(world, trace, dispatch, done=done)
        assert world.store.crashed.is_set(), dispatch
        async with living(World(folder)) as world:
            (instance_id,) = await _all_instances(world)
            state = await world.ended(instance_id)
            assert state.status is InstanceStatus.SUCCESS, (dispatch, state)
            assert sorted(trace.read_text().split()) == ["a", "b", "c7", "d"], dispatch
            await _history_gives_the_state(world, instance_id)


async def _all_instances(world: World) -> list[int]:
    where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53)
    return [each.id for each in (await world.store.real.list_instances(where)).items]


async def _history_gives_the_state(world: World, instance_id: int) -> None:
    stored = await world.store.real.load_instance(instance_id)
    assert stored is not None
    history = await world.store.real.read_events(instance_id)
    state = history[0][1].instance
    plans = Plans(world.store.real)
    for number, (sequence, event) in enumerate(history, start=1):
        assert sequence == number
        state, _ = step(await plans.of(stored), state, event)
    assert state.nodes == stored.nodes
    assert state.status == stored.status


@in_loop
async def test_programs_go_on_while_the_engine_is_away_and_are_found_again(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement=f"echo begin; cat {fifo}; echo end; exit 4", failPolicy="IGNORE")])
        accepted = await world.submit("j")
        state = await world.until(
            accepted.instance_id, lambda state: state.nodes and state.nodes[0].status is NodeStatus.RUNNING
        )
        await world.logged(state, "a", "begin")
    # A writer can open the fifo only once the program has it open: it runs although its engine is gone.
    await feed(fifo, "meanwhile\n")
    async with living(World(tmp_path)) as world:
        state = await world.ended(accepted.instance_id)
        assert statuses(state) == {"a": "fail"}
        assert state.nodes[0].exit_code == 4
        assert state.ignore_success
        assert world.log(state, "a") == "begin\nmeanwhile\nend\n"


@in_loop
async def test_a_stop_is_carried_out_by_the_next_engine_if_this_one_dies(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="sleep 1000")])
        accepted = await world.submit("j")
        await world.until(
            accepted.instance_id, lambda state: state.nodes and state.nodes[0].status is NodeStatus.RUNNING
        )
        calls = world.store.calls
    world = World(tmp_path, crash_at=1, after=True)
    assert calls == 1
    await world.open()
    stopping = asyncio.create_task(world.engine.stop(PLACE, accepted.instance_id, by="me", operation_id="1"))
    await world.store.crashed.wait()
    stopping.cancel()
    await world.close()
    async with living(World(tmp_path)) as world:
        state = await world.ended(accepted.instance_id)
        assert state.status is InstanceStatus.MANUAL_STOP


@in_loop
async def test_a_server_that_only_accepts_leaves_runs_for_the_next_engine(tmp_path: Path) -> None:
    async with living(World(tmp_path, runs=False)) as world:
        await world.job("j", [node("a", statement="echo ran")])
        accepted = [await world.submit("j") for _ in range(3)]
        state = await world.engine.wait(accepted[0].instance_id, 0.01)
        assert state is not None
        assert state.status is InstanceStatus.WAITING
    async with living(World(tmp_path)) as world:
        for each in accepted:
            state = await world.ended(each.instance_id)
            assert world.log(state, "a") == "ran\n"


@in_loop
async def test_an_instance_whose_job_can_not_be_read_any_more_ends_and_says_why(tmp_path: Path) -> None:
    async with living(World(tmp_path, runs=False)) as world:
        await world.job("j", [node("a", statement="true")])
        accepted = await world.submit("j")
        state = await world.store.real.load_instance(accepted.instance_id)
        assert state is not None
        await world.store.real.reserve_ids(1)
        lost = msgspec.structs.replace(state, id=world.store.real.next_id(), job_version=99)
        await world.store.real.create_instance(lost, owner=None)
    async with living(World(tmp_path)) as world:
        ended = await world.ended(lost.id)
        assert ended.status is InstanceStatus.FAIL
        assert "Version 99" in ended.message
        assert (await world.ended(accepted.instance_id)).status is InstanceStatus.SUCCESS
