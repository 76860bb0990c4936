"""Operations with a real engine: durable, across a restart, and asked for at a server that only accepts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import PLACE, World, feed, living, node, statuses

from arkwright.core.instance import Instance, InstanceStatus, NodeStatus
from arkwright.errors import IllegalState, InvalidInput


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def operate(world: World, instance_id: int, operation: str, node_name: str = "", key: str = "") -> None:
    key = key or f"{operation} {node_name}"
    if node_name:
        await world.engine.operate_node(PLACE, instance_id, node_name, operation, by="me", operation_id=key)
    else:
        await world.engine.operate(PLACE, instance_id, operation, by="me", operation_id=key)


def is_(status: InstanceStatus) -> Callable[[Instance], bool]:
    return lambda state: state.status is status


@in_loop
async def test_a_paused_instance_is_still_paused_after_a_restart_of_the_engine(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        os.mkfifo(tmp_path / "fifo")
        await world.job("j", [node("a", statement=f"cat {tmp_path}/fifo"), node("b", after=["a"], statement="true")])
        instance_id = (await world.submit("j")).instance_id
        await world.until(instance_id, lambda state: state.nodes and state.nodes[0].status is NodeStatus.RUNNING)
        await operate(world, instance_id, "pause")
    async with living(World(tmp_path)) as world:
        await feed(tmp_path / "fifo", "go")
        state = await world.until(
            instance_id, lambda state: state.nodes and state.nodes[0].status is NodeStatus.SUCCESS
        )
        assert (state.status, statuses(state)) == (InstanceStatus.PAUSE, {"a": "success", "b": "waiting"})
        await operate(world, instance_id, "resume")
        assert statuses(await world.ended(instance_id)) == {"a": "success", "b": "success"}


@in_loop
async def test_a_suspended_node_is_retried_after_a_restart_of_the_engine(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement=f"test -e {tmp_path}/flag", failPolicy="SUSPEND")])
        instance_id = (await world.submit("j")).instance_id
        await world.until(instance_id, is_(InstanceStatus.RUNNING_EXCEPTION))
    (tmp_path / "flag").touch()
    async with living(World(tmp_path)) as world:
        await operate(world, instance_id, "retry", "a")
        state = await world.ended(instance_id)
        assert (state.status, state.nodes[0].attempt) == (InstanceStatus.SUCCESS, 2)


@in_loop
async def test_forcing_success_of_a_suspended_instance_stops_what_runs(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        nodes = [node("a", statement="exit 1", failPolicy="SUSPEND"), node("b", statement="sleep 1000")]
        await world.job("j", nodes)
        instance_id = (await world.submit("j")).instance_id
        await world.until(instance_id, is_(InstanceStatus.RUNNING_EXCEPTION))
        await operate(world, instance_id, "force-success")
        state = await world.ended(instance_id)
        assert (state.status, state.force_success) == (InstanceStatus.SUCCESS, True)
        assert statuses(state) == {"a": "success", "b": "manual-stop"}


@in_loop
async def test_a_failed_instance_is_forced_to_success_and_stays_so(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="exit 1")])
        state = await world.run("j")
        await operate(world, state.id, "force-success")
        await operate(world, state.id, "force-success")  # the same id: told twice
        assert world.engine.active_count == 0
    async with living(World(tmp_path)) as world:
        state = await world.ended(state.id)
        assert (state.status, state.force_success, state.nodes[0].forced) == (InstanceStatus.SUCCESS, True, True)
        with pytest.raises(IllegalState, match="this one is success"):
            await operate(world, state.id, "force-success", key="another")


@in_loop
async def test_a_server_that_only_accepts_hands_operations_on(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="exit 1", failPolicy="SUSPEND"), node("b", "Dummy", after=["a"])])
        instance_id = (await world.submit("j")).instance_id
        await world.until(instance_id, is_(InstanceStatus.RUNNING_EXCEPTION))
    async with living(World(tmp_path, runs=False, name="front")) as front:
        with pytest.raises(IllegalState, match="this one is running-exception"):
            await operate(front, instance_id, "pause")
        with pytest.raises(IllegalState, match="SUSPEND"):
            await operate(front, instance_id, "retry", "b")
        with pytest.raises(InvalidInput, match="no node 'x'"):
            await operate(front, instance_id, "retry", "x")
        await operate(front, instance_id, "continue")
    async with living(World(tmp_path)) as world:
        state = await world.ended(instance_id)
        assert (state.status, state.ignore_success) == (InstanceStatus.SUCCESS, True)
