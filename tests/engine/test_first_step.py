"""A run is begun by the commit that makes it, unless that needs more than the run itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, node

from arkwright.core.events import InstanceRequested
from arkwright.core.instance import InstanceStatus, NodeStatus


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
