"""Retries and deadlines, on a clock that the test owns."""

from __future__ import annotations

from pathlib import Path

from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, living, node

from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.testing.fake_clock import FakeClock


@in_loop
async def test_a_failed_node_is_tried_again_after_its_interval_and_no_sooner(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(World(tmp_path, clock=clock)) as world:
        await world.job(
            "j",
            [node("a", statement=f"echo x >> {tmp_path}/t; test -e {tmp_path}/ok", retryTimes=2, retryInterval=30)],
        )
        accepted = await world.submit("j")
        state = await world.until(accepted.instance_id, lambda state: state.nodes and state.nodes[0].retry_at_ms)
        assert state.nodes[0].status is NodeStatus.RUNNING
        assert state.nodes[0].retry_at_ms == clock.now_ms() + 30_000
        assert "retry 1 of 2" in state.nodes[0].message
        clock.jump(29_999)
        assert (tmp_path / "t").read_text() == "x\n"
        (tmp_path / "ok").touch()
        clock.jump(1)
        state = await world.ended(accepted.instance_id)
        assert state.status is InstanceStatus.SUCCESS
        assert state.nodes[0].attempt == 2
        assert (tmp_path / "t").read_text() == "x\nx\n"
        assert clock.waiting == []


@in_loop
async def test_a_retry_interval_goes_on_over_a_restart_of_the_engine(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(World(tmp_path, clock=clock)) as world:
        await world.job("j", [node("a", statement=f"test -e {tmp_path}/ok", retryTimes=1, retryInterval=60)])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda state: state.nodes and state.nodes[0].retry_at_ms)
    clock.jump(10_000)
    (tmp_path / "ok").touch()
    async with living(World(tmp_path, clock=clock)) as world:
        await world.until(accepted.instance_id, lambda state: state.nodes[0].retry_at_ms)
        assert clock.waiting == [clock.now_ms() + 50_000]
        clock.jump(50_000)
        assert (await world.ended(accepted.instance_id)).status is InstanceStatus.SUCCESS


@in_loop
async def test_a_node_that_exceeds_its_time_is_stopped_and_says_so(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(World(tmp_path, clock=clock)) as world:
        await world.job("j", [node("a", statement="sleep 1000", maxExecutionTime=5, retryTimes=3)])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda state: state.nodes)
        assert clock.waiting == [clock.now_ms() + 5 * 60_000]
        clock.jump(5 * 60_000)
        state = await world.ended(accepted.instance_id)
        assert state.status is InstanceStatus.FAIL
        assert "maximum execution time of 5 minutes" in state.nodes[0].message
        assert state.nodes[0].attempt == 1


@in_loop
async def test_a_stop_ends_a_node_that_waits_for_its_retry_at_once(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(World(tmp_path, clock=clock)) as world:
        await world.job("j", [node("a", statement="exit 1", retryTimes=1)])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda state: state.nodes and state.nodes[0].retry_at_ms)
        await world.engine.stop(PLACE, accepted.instance_id, by="me", operation_id="1")
        state = await world.ended(accepted.instance_id)
        assert state.status is InstanceStatus.MANUAL_STOP
        assert clock.waiting == []


@in_loop
async def test_an_instance_that_exceeds_its_time_is_marked_and_runs_on_also_over_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    wait = f"while [ ! -e {tmp_path}/ok ]; do sleep 0.05; done"
    async with living(World(tmp_path, clock=clock)) as world:
        await world.job("j", [node("a", statement=wait)], basicConfig={"instanceTimeout": 10})
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda state: state.nodes)
        assert clock.now_ms() + 10 * 60_000 in clock.waiting
    clock.jump(9 * 60_000)
    async with living(World(tmp_path, clock=clock)) as world:
        await world.until(accepted.instance_id, lambda state: state.nodes)
        assert clock.now_ms() + 60_000 in clock.waiting
        clock.jump(60_000)
        state = await world.until(accepted.instance_id, lambda state: state.overdue)
        assert state.status is InstanceStatus.RUNNING
        (tmp_path / "ok").touch()
        state = await world.ended(accepted.instance_id)
        assert (state.status, state.overdue) == (InstanceStatus.SUCCESS, True)
        assert clock.waiting == []
        events = [type(event).__name__ for _, event in await world.store.real.read_events(accepted.instance_id)]
        assert events.count("InstanceOverdue") == 1


@in_loop
async def test_only_a_named_exit_code_is_retried(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(World(tmp_path, clock=clock)) as world:
        retried = {"retryTimes": 2, "retryInterval": 30, "retryExitCodes": "70-79"}
        await world.job("j", [node("a", statement=f"test -e {tmp_path}/no && exit 3; exit 75", **retried)])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda state: state.nodes and state.nodes[0].retry_at_ms)
        (tmp_path / "no").touch()
        clock.jump(30_000)
        state = await world.ended(accepted.instance_id)
        assert (state.nodes[0].exit_code, state.nodes[0].attempt) == (3, 2)
