"""The engine with a real store and real programs: what a run does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import PLACE, World, feed, living, node, statuses

from arkwright.core.events import RestartFrom
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.errors import Code, IdempotencyConflict, IllegalState, InvalidInput, NotFound
from arkwright.store.base import IdempotencyKey


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@in_loop
async def test_a_chain_runs_in_order_and_hands_its_output_on(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job(
            "j",
            [
                node("first", statement="echo 5"),
                node("join", "Dummy", after=["first"]),
                node("last", after=["join"], statement="echo got $1", arguments="#{Job.getNodeOutput('first')}"),
            ],
        )
        state = await world.run("j")
        assert statuses(state) == {"first": "success", "join": "success", "last": "success"}
        assert world.log(state, "last") == "got 5\n"
        assert state.status is InstanceStatus.SUCCESS
        assert state.end_time_ms >= state.start_time_ms >= state.plan_time_ms


@in_loop
async def test_values_of_a_run_win_and_are_never_scanned_again(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job(
            "j",
            [node("a", statement="printf '%s|' \"$@\" ${HOME:+home}", arguments="${aaa} '${bbb}' ${missing}")],
            params=[{"name": "aaa", "value": "own"}, {"name": "bbb", "value": "#{DateUtil.getYear(Job.planTime)}"}],
        )
        state = await world.run("j", aaa="${bbb}#{1+1}")
        year = world.log(state, "a").split("|")[1]
        assert world.log(state, "a") == f"${{bbb}}#{{1+1}}|{year}|${{missing}}|home|"
        assert 2020 < int(year) < 2200


@in_loop
async def test_a_parameter_reaches_a_program_by_its_environment(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement='echo "$ARKWRIGHT_PARAM_AAA"')])
        assert world.log(await world.run("j", aaa="1 2"), "a") == "1 2\n"


@in_loop
async def test_a_failing_node_fails_the_instance_with_its_reason(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="echo bad >&2; exit 3"), node("b", after=["a"], statement="true")])
        state = await world.run("j")
        assert state.status is InstanceStatus.FAIL
        assert statuses(state) == {"a": "fail", "b": "skip"}
        assert state.nodes[0].exit_code == 3
        assert "'a'" in state.message
        assert "3" in state.nodes[0].message


@in_loop
async def test_a_connection_that_is_not_honoured_fails_the_node_and_is_named(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="touch ran", connectionName="host-7")])
        state = await world.run("j")
        assert state.status is InstanceStatus.FAIL
        assert "host-7" in state.nodes[0].message
        assert not list(tmp_path.rglob("ran"))


@in_loop
async def test_an_unknown_node_type_fails_the_node_and_is_named(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", "Teleport")])
        state = await world.run("j")
        assert state.status is InstanceStatus.FAIL
        assert "teleport" in state.nodes[0].message.lower()


@in_loop
async def test_an_instance_runs_the_version_it_was_made_with(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job(
            "j", [node("wait", statement=f"cat {tmp_path}/fifo"), node("b", after=["wait"], statement="echo old")]
        )
        os.mkfifo(tmp_path / "fifo")
        accepted = await world.submit("j")
        await world.until(
            accepted.instance_id, lambda state: state.nodes and state.nodes[0].status is NodeStatus.RUNNING
        )
        await world.job("j", [node("b", statement="echo new")])
        await feed(tmp_path / "fifo", "go")
        state = await world.ended(accepted.instance_id)
        assert world.log(state, "b") == "old\n"
        again = await world.run("j")
        assert world.log(again, "b") == "new\n"


@in_loop
async def test_one_idempotency_key_makes_one_instance(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", "Dummy")])
        key = IdempotencyKey(scope="s", key="k", request_digest="d", expires_ms=world.clock.now_ms() + 60_000)
        many = await asyncio.gather(*(world.submit("j", idempotency=key) for _ in range(20)))
        assert len({each.instance_id for each in many}) == 1
        assert sum(not each.replayed for each in many) == 1
        other = IdempotencyKey(scope="s", key="k", request_digest="other", expires_ms=key.expires_ms)
        with pytest.raises(IdempotencyConflict):
            await world.submit("j", idempotency=other)


@in_loop
async def test_a_job_that_does_not_exist_is_named(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        with pytest.raises(NotFound) as caught:
            await world.submit("nope")
        assert caught.value.code is Code.JOB_NOT_FOUND
        assert "nope" in caught.value.message


@in_loop
async def test_a_stopped_instance_starts_no_more_nodes_and_kills_what_runs(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="sleep 1000"), node("b", after=["a"], statement="true")])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda state: state.nodes)
        await world.engine.stop(PLACE, accepted.instance_id, by="me", operation_id="1")
        state = await world.ended(accepted.instance_id)
        assert state.status is InstanceStatus.MANUAL_STOP
        assert statuses(state) == {"a": "manual-stop", "b": "manual-stop"}
        with pytest.raises(IllegalState, match="manual-stop"):
            await world.engine.stop(PLACE, accepted.instance_id, by="me", operation_id="2")


@in_loop
async def test_a_restart_from_the_error_node_runs_only_what_did_not_succeed(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job(
            "j",
            [
                node("a", statement=f"echo a >> {tmp_path}/trace"),
                node("b", after=["a"], statement=f"echo b >> {tmp_path}/trace; test -e {tmp_path}/repaired"),
                node("c", after=["b"], statement=f"echo c >> {tmp_path}/trace"),
            ],
        )
        state = await world.run("j")
        assert state.status is InstanceStatus.FAIL
        (tmp_path / "repaired").touch()
        await world.engine.restart(PLACE, state.id, by="me", operation_id="1", position=RestartFrom.ERROR_NODE)
        state = await world.ended(state.id)
        assert state.status is InstanceStatus.SUCCESS
        assert (tmp_path / "trace").read_text().split() == ["a", "b", "b", "c"]
        await world.engine.restart(PLACE, state.id, by="me", operation_id="2")
        await world.ended(state.id)
        assert (tmp_path / "trace").read_text().split() == ["a", "b", "b", "c", "a", "b", "c"]


@in_loop
async def test_a_wait_that_is_over_answers_the_state_as_it_is(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement="sleep 1000")])
        accepted = await world.submit("j")
        state = await world.engine.wait(accepted.instance_id, 0.05)
        assert state is not None
        assert not state.ended
        await world.engine.stop(PLACE, accepted.instance_id, by="me", operation_id="1")
        await world.ended(accepted.instance_id)


@in_loop
async def test_a_real_time_job_is_not_run_once(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", "Dummy")], category="REAL_TIME")
        with pytest.raises(InvalidInput) as caught:
            await world.submit("j")
        assert caught.value.code is Code.JOB_NOT_BATCH
