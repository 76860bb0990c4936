"""A run is begun by the commit that makes it, unless that needs more than the run itself."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, living, node
from tests.servers.database import ON_POSTGRES

from arkwright.core.events import InstanceRequested
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.engine.interface import RunRequest
from arkwright.store.base import InstanceFilter
from arkwright.testing.faulty_store import Crash

EMBEDDED = pytest.mark.skipif(
    ON_POSTGRES, reason="the short way is there for the embedded database alone (decision 0006)"
)


@in_loop
async def test_a_run_of_one_node_is_two_commits(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.open()
    try:
        await world.job("j", [node("a", statement="echo hello")])
        state = await world.run("j")
        assert state.status is InstanceStatus.SUCCESS
        assert world.store.calls == 2, "made and begun; ended"
        events = [event for _, event in await world.store.real.read_events(state.id)]
        assert isinstance(events[0], InstanceRequested)
        assert len(events) == 2
    finally:
        await world.close()


@in_loop
async def test_what_is_durable_when_a_run_is_acknowledged_has_begun(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.open()
    try:
        await world.job("j", [node("a", statement="sleep 60"), node("b", after=["a"])])
        accepted = await world.submit("j")
        stored = await world.store.real.load_instance(accepted.instance_id)
        assert stored is not None
        assert (stored.version, stored.status) == (1, InstanceStatus.RUNNING)
        assert [run.status for run in stored.nodes] == [NodeStatus.RUNNING, NodeStatus.WAITING]
        (attempt,) = await world.store.real.list_attempts(accepted.instance_id)
        assert (attempt.node, attempt.attempt, attempt.ended_ms) == (0, 1, None)
        await world.engine.stop(PLACE, accepted.instance_id, by="tester", operation_id="stop")
        assert (await world.ended(accepted.instance_id)).status is InstanceStatus.MANUAL_STOP
    finally:
        await world.close()


@in_loop
async def test_a_run_that_starts_other_jobs_is_made_alone_and_begun_then(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.open()
    try:
        await world.job("child", [node("c", statement="true")])
        await world.job("parent", [node("sub", "SubJob", jobName="child")])
        accepted = await world.submit("parent")
        assert (await world.ended(accepted.instance_id)).status is InstanceStatus.SUCCESS
        assert (await world.store.real.children_of(accepted.instance_id)).total == 1
    finally:
        await world.close()


@in_loop
async def test_a_run_of_dummies_alone_ends_and_every_watcher_hears_of_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.open()
    try:
        await world.job("j", [node("a", "Dummy"), node("b", "Dummy", after=["a"])])
        states = await asyncio.gather(*[world.run("j") for _ in range(5)])
        assert {state.status for state in states} == {InstanceStatus.SUCCESS}
    finally:
        await world.close()


@EMBEDDED
@in_loop
async def test_a_run_begins_although_who_asked_for_it_fails_on_hearing_of_it(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="true")])
        await world.run("j")  # from now on all that it needs is in hand
        made: asyncio.Queue[int] = asyncio.Queue()

        def told(instance_id: int | None, error: BaseException | None) -> None:
            assert instance_id is not None, error
            made.put_nowait(instance_id)
            raise OSError("the client is gone")

        world.engine.submit_soon(RunRequest(place=PLACE, job_name="j", by="tester", time_zone="UTC"), told)
        assert (await world.ended(await made.get())).status is InstanceStatus.SUCCESS


@EMBEDDED
@pytest.mark.parametrize("after", [False, True], ids=["before it is durable", "after it is durable"])
@in_loop
async def test_a_run_whose_server_dies_as_it_is_made_begins_once_if_it_was_made_at_all(
    tmp_path: Path, after: bool
) -> None:
    """By the short way of run-immediate."""
    trace = tmp_path / "trace"
    request = RunRequest(place=PLACE, job_name="j", by="tester", time_zone="UTC")
    told: list[int | None] = []
    world = World(tmp_path, crash_at=3, after=after)
    async with living(world):
        await world.job("j", [node("a", statement=f"echo ran >> {trace}")])
        await world.run("j")  # two commits; from now on all that it needs is in hand
        with contextlib.suppress(Crash):
            world.engine.submit_soon(request, lambda instance_id, error: told.append(instance_id))
        await world.store.crashed.wait()
    assert told == []
    async with living(World(tmp_path)) as again:
        where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53)
        made = (await again.store.real.list_instances(where)).items
        assert len(made) == 1 + after
        for each in made:
            assert (await again.ended(each.id)).status is InstanceStatus.SUCCESS
    assert trace.read_text() == "ran\n" * (1 + after)
