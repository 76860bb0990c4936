"""A defect of ours that concerns one run ends that run, one that concerns all ends the process: none is silent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, feed, living, node

from arkwright.core.alerts import AlertPolicy
from arkwright.core.commands import Command
from arkwright.core.instance import Instance, InstanceStatus, NodeStatus
from arkwright.core.job import Plan
from arkwright.engine import recovery
from arkwright.engine.alerts import AlertRules, Alerts
from arkwright.engine.presence import Presence
from arkwright.store.base import DefinitionWrite, Kind
from arkwright.store.server_record import ServerEntry

SECONDS = 20
RULE = {"topic_name": "ops", "remind_type": 1}


def poison(of: Any, name: str, meant: Callable[..., bool] = lambda *_: True) -> None:
    """From now on this method fails as no caller expects, where it is meant."""
    real = getattr(of, name)

    async def later(*args: Any, **given: Any) -> Any:
        if meant(*args):
            raise KeyError("poison")
        return await real(*args, **given)

    def at_once(*args: Any, **given: Any) -> Any:
        if meant(*args):
            raise KeyError("poison")
        return real(*args, **given)

    setattr(of, name, later if asyncio.iscoroutinefunction(real) else at_once)


async def held(world: World, folder: Path, name: str) -> int:
    """A run whose program waits for its fifo."""
    os.mkfifo(folder / name)
    await world.job(name, [node("only", statement=f"cat {folder / name}")])
    instance_id = (await world.submit(name)).instance_id
    await world.until(instance_id, lambda state: state.nodes and state.nodes[0].status is NodeStatus.RUNNING)
    return instance_id


async def other_goes_on(world: World) -> None:
    await world.job("other", [node("only", statement="true")])
    assert (await world.run("other")).status is InstanceStatus.SUCCESS
    assert not world.engine.failed.is_set()


@in_loop
async def test_a_first_step_that_fails_with_the_making_is_told_once_and_taken_by_the_loop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def policy(workspace_id: str) -> AlertPolicy:
        raise KeyError(workspace_id)

    world = World(tmp_path)
    store = world.store.store()
    world.options["alerts"] = Alerts(store, AlertRules(store), policy)
    async with living(world):
        rule = DefinitionWrite(name="r", category="", directory="/", body=RULE, submit=True, actor="ada", at_ms=1)
        await world.store.real.create_definition(PLACE, Kind.ALARM_RULE, rule)
        await world.job("j", [node("a", statement="true")])
        await world.run("j")  # from now on the rules are in hand
        caplog.clear()
        state = await world.run("j")
        assert state.status is InstanceStatus.SUCCESS
        told = [each for each in caplog.records if "first step" in each.message]
        assert [str(state.id) in each.message for each in told] == [True]
        assert told[0].exc_info


@in_loop
async def test_an_attempt_that_cant_be_begun_ends_and_says_so(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        contexts = world.engine._dispatch._contexts
        poison(contexts, "texts", lambda state, command: command.node_name == "bad")
        await world.job("first", [node("bad", statement="true")])
        await world.job("later", [node("good", statement="true"), node("bad", after=["good"], statement="true")])
        for job in ("first", "later"):
            state = await world.run(job)
            assert state.status is InstanceStatus.FAIL
            assert "Internal error: KeyError('poison')" in (state.message or "")
        await other_goes_on(world)


@in_loop
async def test_an_attempt_that_cant_be_looked_for_after_a_restart_is_lost_and_holds_up_no_other(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        instance_id = await held(world, tmp_path, "fifo")
    world = World(tmp_path)
    poison(world.store, "get_attempt")
    async with living(world):
        state = await world.ended(instance_id)
        assert state.status is InstanceStatus.FAIL
        assert "Internal error: KeyError('poison')" in (state.nodes[0].message or "")
        await other_goes_on(world)
    await feed(tmp_path / "fifo", "")


@in_loop
async def test_a_run_that_cant_be_taken_up_by_a_defect_ends_and_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(World(tmp_path)) as world:
        bad, good = [await held(world, tmp_path, name) for name in ("bad", "good")]

    def outstanding(plan: Plan, state: Instance) -> Sequence[Command]:
        if state.id == bad and plan.job.nodes[0].type:  # not when it is given up
            raise KeyError("poison")
        return known(plan, state)

    known = recovery.outstanding
    monkeypatch.setattr(recovery, "outstanding", outstanding)
    async with living(World(tmp_path)) as world:
        await feed(tmp_path / "good", "")
        assert (await world.ended(good)).status is InstanceStatus.SUCCESS
        state = await world.ended(bad)
        assert state.status is InstanceStatus.FAIL
        assert "Internal error: KeyError('poison')" in (state.message or "")
        await other_goes_on(world)


@in_loop
async def test_a_run_whose_facts_cant_be_looked_up_ends_and_says_so(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        poison(world.engine._dispatch._lookups, "find")
        await world.job(
            "j",
            [
                node("a", statement="echo 7"),
                node("b", after=["a"], statement="true", arguments="#{Job.getNodeOutput('a')}"),
            ],
        )
        state = await world.run("j")
        assert state.status is InstanceStatus.FAIL
        assert "Internal error: KeyError('poison')" in (state.message or "")
        await other_goes_on(world)


@in_loop
async def test_an_engine_that_cant_hand_over_any_more_is_at_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("waits", [node("only", statement="false", retryTimes=1, retryInterval=600)])
        waits = (await world.submit("waits")).instance_id
        await world.until(waits, lambda state: state.nodes and state.nodes[0].retry_at_ms)
        poison(world.store, "hand_over")
        world.engine.empty(True)
        async with asyncio.timeout(SECONDS):
            await world.engine.failed.wait()
        assert not world.engine.ready
    assert any("handover" in each.message for each in caplog.records)


@in_loop
async def test_a_server_that_cant_tell_that_it_is_there_any_more_is_at_fault(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        entry = ServerEntry(name="engine", roles=("engine",), version="1", url="", since_ms=1)
        presence = Presence(
            world.store.store(),
            entry,
            lease_seconds=None,
            owns=False,
            clock=None,
            empty=lambda _: None,
            defect=world.engine.defect,
        )
        await presence.open()
        poison(world.store, "register_server")
        presence.tell_again()
        async with asyncio.timeout(SECONDS):
            await world.engine.failed.wait()
        await presence.close()
