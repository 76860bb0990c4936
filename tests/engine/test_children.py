"""Nodes that run other jobs, on a real engine: For Each and Subjob."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, feed, living, node, statuses

from arkwright.core.control.children import Parent
from arkwright.core.events import RestartFrom, ResumeRequested, StopRequested
from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeStatus
from arkwright.engine.plans import Plans
from arkwright.engine.subjobs import Nesting
from arkwright.errors import IllegalTransition, InvalidInput, NotFound
from arkwright.store.base import Kind

ROWS = json.dumps([[str(number)] for number in range(5)])


def loop(name: str, job: str, dataset: str, *, after: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return node(name, "For Each", after=after, jobName=job, dataset=dataset, **more)


async def children(world: World, parent: int) -> list[Instance]:
    return list((await world.store.real.children_of(parent)).items)


@in_loop
async def test_a_for_each_runs_its_job_once_per_row(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", statement=f"echo $1 >> {trace}", arguments="${day}")])
        await world.job("j", [loop("each", "child", ROWS, concurrency="2", params="day=#{Loop.current[0]}")])
        state = await world.run("j")
        assert state.status is InstanceStatus.SUCCESS, state
        assert sorted(trace.read_text().split()) == ["0", "1", "2", "3", "4"]
        made = await children(world, state.id)
        assert [child.name for child in made] == [f"each_{row}" for row in range(5)]
        assert {child.instance_type for child in made} == {InstanceType.SUBJOB}
        assert [child.parameters for child in made] == [{"day": str(row)} for row in range(5)]
        assert all(child.status is InstanceStatus.SUCCESS for child in made)


@in_loop
async def test_the_output_of_a_node_is_the_dataset_and_the_rows_are_texts(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", statement=f"echo $1 >> {trace}", arguments="${code}")])
        await world.job(
            "j",
            [
                node("rows", statement="echo '[[00],[\"01\"], [null]]'"),
                loop(
                    "each", "child", "#{Job.getNodeOutput('rows')}", after=["rows"], params="code=<#{Loop.current[0]}>"
                ),
            ],
        )
        state = await world.run("j")
        assert state.status is InstanceStatus.SUCCESS, state
        assert [child.parameters["code"] for child in await children(world, state.id)] == ["<00>", "<01>", "<>"]


@in_loop
async def test_no_more_children_than_allowed_run_at_a_time_and_the_next_one_follows_at_once(tmp_path: Path) -> None:
    for row in range(5):
        os.mkfifo(tmp_path / f"fifo{row}")
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", statement=f"read line < {tmp_path}/fifo$1", arguments="${n}")])
        await world.job("j", [loop("each", "child", ROWS, concurrency="2", params="n=#{Loop.offset}")])
        accepted = await world.submit("j")
        for ended in range(5):
            state = await world.until(accepted.instance_id, lambda s, n=ended: s.nodes and _done(s) >= n)
            made = await children(world, state.id)
            assert len(made) == min(5, ended + 2)
            running = [child for child in made if not child.ended]
            assert [child.parent.row for child in running] == [row for row in (ended, ended + 1) if row < 5]
            await feed(tmp_path / f"fifo{ended}", "on\n")
        state = await world.ended(accepted.instance_id)
        assert state.status is InstanceStatus.SUCCESS


def _done(state: Instance) -> int:
    each = state.nodes[0].children
    return each.succeeded_count + each.failed_count if each else 0


async def _whole(world: World, child: Instance) -> Instance:
    async with asyncio.timeout(30):
        while True:
            state = await world.store.real.load_instance(child.id)
            if state.nodes and state.nodes[0].attempt:
                return state
            await asyncio.sleep(0.01)


def _failing(trace: Path, good: Path) -> list[dict[str, Any]]:
    """Fails in rows 1 and 3 until the file `good` is there."""
    command = f"echo $1 >> {trace}; case $1 in 1|3) test -e {good};; esac"
    return [node("a", statement=command, arguments="${n}")]


@in_loop
async def test_a_failed_row_holds_up_no_other_and_a_restart_runs_only_the_failed_ones(tmp_path: Path) -> None:
    trace, good = tmp_path / "trace", tmp_path / "good"
    async with living(World(tmp_path)) as world:
        await world.job("child", _failing(trace, good))
        await world.job(
            "j", [loop("each", "child", ROWS, params="n=#{Loop.offset}"), node("after", "Dummy", after=["each"])]
        )
        state = await world.run("j")
        assert statuses(state) == {"each": "fail", "after": "skip"}
        assert "2 of 5 runs of job 'child' did not succeed (row 1, 3, counted from 0)" in state.nodes[0].message
        assert trace.read_text().split() == ["0", "1", "2", "3", "4"]
        good.touch()
        await world.engine.restart(PLACE, state.id, by="me", operation_id="1", position=RestartFrom.ERROR_NODE)
        state = await world.ended(state.id)
        assert statuses(state) == {"each": "success", "after": "success"}
        assert trace.read_text().split() == ["0", "1", "2", "3", "4", "1", "3"]
        assert [child.parent.row for child in await children(world, state.id)] == [1, 3, 0, 1, 2, 3, 4]
        await world.engine.restart(PLACE, state.id, by="me", operation_id="2")
        await world.ended(state.id)
        assert len(trace.read_text().split()) == 12, "from the first node all rows run"


@in_loop
async def test_a_stop_of_the_parent_stops_its_children_and_theirs(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("leaf", [node("a", statement="echo begin; sleep 1000")])
        await world.job("middle", [loop("inner", "leaf", '[["1"],["2"]]', concurrency="2")])
        await world.job("j", [loop("outer", "middle", '[["1"],["2"]]', concurrency="2")])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
        middles = await children(world, accepted.instance_id)
        for middle in middles:
            await world.until(middle.id, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
        leaves = [leaf for middle in middles for leaf in await children(world, middle.id)]
        for leaf in leaves:
            await world.logged(await _whole(world, leaf), "a", "begin")
        await world.engine.stop(PLACE, accepted.instance_id, by="me", operation_id="1")
        state = await world.ended(accepted.instance_id)
        assert (state.status, state.nodes[0].status) == (InstanceStatus.MANUAL_STOP, NodeStatus.MANUAL_STOP)
        assert len(leaves) == 4
        for each in [*middles, *leaves]:
            stored = await world.store.real.load_instance(each.id)
            assert stored.status is InstanceStatus.MANUAL_STOP
            assert "which runs it" in stored.message
        assert world.engine.active_count == 0


@in_loop
async def test_a_paused_parent_starts_no_child_until_it_is_resumed(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", statement=f"echo begin; read line < {fifo}")])
        await world.job("j", [loop("each", "child", '[["1"],["2"]]')])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
        await world.engine.operate(PLACE, accepted.instance_id, "pause", by="me", operation_id="1")
        await feed(fifo, "on\n")
        state = await world.until(accepted.instance_id, lambda s: _done(s) == 1)
        assert state.status is InstanceStatus.PAUSE
        assert len(await children(world, state.id)) == 1
        await world.engine.operate(PLACE, accepted.instance_id, "resume", by="me", operation_id="2")
        await feed(fifo, "on\n")
        assert (await world.ended(accepted.instance_id)).status is InstanceStatus.SUCCESS


@in_loop
async def test_a_subjob_gets_parameters_and_get_param_sees_only_its_own(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with living(World(tmp_path)) as world:
        await world.job(
            "child",
            [node("a", statement=f"echo $1 $2 $3 >> {trace}", arguments="${p} #{Job.getParam('p')} ${kept}")],
            params=[{"name": "p", "value": "own"}, {"name": "kept", "value": "mine"}],
        )
        given = json.dumps([{"name": "p", "value": "${day}-#{Job.getParam('day')}"}, {"name": "kept", "value": ""}])
        await world.job(
            "j", [node("call", "SubJob", jobName="child", params=given)], params=[{"name": "day", "value": "d1"}]
        )
        state = await world.run("j", day="d2")
        assert state.status is InstanceStatus.SUCCESS, state
        assert trace.read_text() == "d2-d2 own mine\n"
        (child,) = await children(world, state.id)
        assert (child.name, child.job_name, child.plan_time_ms) == ("child", "child", state.plan_time_ms)


@in_loop
async def test_a_change_of_the_child_job_in_the_middle_of_a_loop_is_not_seen_by_it(tmp_path: Path) -> None:
    fifo, trace = tmp_path / "fifo", tmp_path / "trace"
    os.mkfifo(fifo)
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", statement=f"read line < {fifo}; echo old >> {trace}")])
        await world.job("j", [loop("each", "child", '[["1"],["2"]]')])
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
        await world.job("child", [node("a", statement=f"echo new >> {trace}")])
        for row in range(2):
            await feed(fifo, "on\n")
            await world.until(accepted.instance_id, lambda s, n=row: _done(s) > n or s.ended)
        state = await world.ended(accepted.instance_id)
        assert trace.read_text().split() == ["old", "old"]
        assert {child.job_version for child in await children(world, state.id)} == {1}
        await world.run("j")
        assert trace.read_text().split() == ["old", "old", "new", "new"]


@in_loop
async def test_jobs_that_run_each_other_in_a_circle_are_refused_and_the_circle_is_shown(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("a", [loop("n", "b", "[[1]]")])
        await world.job("b", [loop("n", "c", "[[1]]")])
        await world.job("c", [loop("n", "b", "[[1]]")])
        with pytest.raises(InvalidInput, match="in a circle: b -> c -> b") as refusal:
            await world.submit("a")
        assert refusal.value.field == "nodes"
        await world.job("self", [node("n", "SubJob", jobName="self")])
        with pytest.raises(InvalidInput, match="self -> self"):
            await world.submit("self")


@in_loop
async def test_what_can_not_be_run_is_refused_before_anything_starts(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("leaf", [node("a", "Dummy")])
        await world.job("real", [node("a", "Dummy")], category="REAL_TIME")
        await world.job("calls", [node("n", "SubJob", jobName="leaf")])
        await world.job("missing", [loop("n", "nowhere", "[[1]]")])
        await world.job("unnamed", [node("n", "SubJob")])
        await world.job("computed", [node("n", "SubJob", jobName="${x}")])
        await world.job("on_real", [node("n", "SubJob", jobName="real")])
        await world.job("nested", [node("n", "SubJob", jobName="calls")])
        with pytest.raises(NotFound, match="The node 'n' of job 'missing' can't run the job 'nowhere'"):
            await world.submit("missing")
        for name, reason in {
            "unnamed": "does not say which job",
            "computed": "its name must be fixed",
            "on_real": "real-time job",
            "nested": "has a Subjob node itself",
        }.items():
            with pytest.raises(InvalidInput, match=reason):
                await world.submit(name)


@in_loop
async def test_a_for_each_may_run_a_job_that_has_a_for_each(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with living(World(tmp_path)) as world:
        await world.job("leaf", [node("a", statement=f"echo $1 >> {trace}", arguments="${x}/${y}")])
        await world.job("middle", [loop("inner", "leaf", "${ys}", params="x=${x}\ny=#{Loop.current[0]}")])
        rows = json.dumps([["a", "[['1'],['2']]"], ["b", "[['3']]"]])
        await world.job(
            "j", [loop("outer", "middle", rows, params="x=#{Loop.current[0]}\nys=#{Loop.current[1]}", concurrency="2")]
        )
        state = await world.run("j")
        assert state.status is InstanceStatus.SUCCESS, state
        assert sorted(trace.read_text().split()) == ["a/1", "a/2", "b/3"]


@in_loop
async def test_nothing_to_loop_over_is_a_success_and_a_bad_dataset_a_failure_that_says_where(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", "Dummy")])
        for dataset, status, message in (
            ("[]", "success", "There was nothing to run."),
            ("[[1],[2", "fail", "The dataset can't be read at its end"),
            ("plain text", "fail", "The dataset can't be read at position 0 ('plain text')"),
            (json.dumps([[1]] * 1001), "fail", "has 1001 rows; a For Each node takes at most 1000"),
        ):
            await world.job("j", [loop("each", "child", dataset)])
            state = await world.run("j")
            assert statuses(state) == {"each": status}
            assert message in state.nodes[0].message
            assert await children(world, state.id) == []


@in_loop
async def test_in_a_dry_run_no_child_is_made(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", "Dummy")])
        await world.job("j", [loop("each", "child", "[[1]]")], emptyRunningJob=True)
        state = await world.run("j")
        assert state.status is InstanceStatus.SUCCESS
        assert await children(world, state.id) == []


@in_loop
async def test_a_thousand_children_leave_nothing_behind_in_the_engine(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", "Dummy")])
        await world.job("j", [loop("each", "child", json.dumps([[n] for n in range(1000)]), concurrency="50")])
        before = world.store.calls
        state = await world.run("j")
        assert state.status is InstanceStatus.SUCCESS
        assert state.nodes[0].children.succeeded_count == 1000
        assert (await world.store.real.children_of(state.id, limit=0)).total == 1000
        assert world.store.calls - before < 60, "children share their commits"
        assert world.engine.active_count == 0
        tracemalloc.start()
        await world.run("j")
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        await world.run("j")
        await world.run("j")
        gc.collect()
        now_held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert now_held - held < 2000 * 100, "nothing of a finished child stays in memory"


@in_loop
async def test_children_begin_and_end_though_the_event_that_came_first_is_refused(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", "Dummy")])
        await world.job("j", [loop("each", "child", "[[1],[2]]")])
        first = await world.run("j")
        made = (await world.store.real.read_events(first.id))[0][1].instance
        waiting = msgspec.structs.replace(made, id=world.store.real.next_id())
        await world.store.real.create_instance(waiting, owner="engine")
        resume = ResumeRequested(at_ms=1, operation_id="1", by="me")
        with pytest.raises(IllegalTransition):
            await world.engine._loop.tell_durably(waiting.id, resume)
        state = await world.ended(waiting.id)
        assert state.status is InstanceStatus.SUCCESS
        assert [child.status for child in await children(world, waiting.id)] == [InstanceStatus.SUCCESS] * 2

        link = Parent(instance_id=waiting.id, node=0, attempt=1, row=5)
        (child, _) = await children(world, waiting.id)
        orphan = msgspec.structs.replace(
            child,
            id=world.store.real.next_id(),
            parent=link,
            status=InstanceStatus.WAITING,
            end_time_ms=None,
            version=0,
        )
        await world.store.real.create_instance(orphan, owner="engine")
        with pytest.raises(IllegalTransition):
            await world.engine._loop.tell_durably(orphan.id, StopRequested(at_ms=1, operation_id="2", by="me"))
        assert (await world.ended(orphan.id)).status is InstanceStatus.SUCCESS


@in_loop
async def test_a_forced_success_and_a_skip_leave_no_child_behind(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("child", [node("a", statement="sleep 1000")])
        failing = node("b", statement="exit 1", failPolicy="SUSPEND")
        await world.job(
            "j", [loop("each", "child", "[[1],[2]]"), failing, loop("later", "child", "[[1]]", after=["b"])]
        )
        accepted = await world.submit("j")
        await world.until(accepted.instance_id, lambda s: s.status is InstanceStatus.RUNNING_EXCEPTION)
        await world.engine.operate_node(PLACE, accepted.instance_id, "later", "skip", by="me", operation_id="1")
        await world.engine.operate(PLACE, accepted.instance_id, "force-success", by="me", operation_id="2")
        state = await world.ended(accepted.instance_id)
        assert (state.status, state.force_success) == (InstanceStatus.SUCCESS, True)
        assert statuses(state) == {"each": "manual-stop", "b": "success", "later": "skip"}
        assert [child.status for child in await children(world, state.id)] == [InstanceStatus.MANUAL_STOP]
        assert world.engine.active_count == 0


@in_loop
async def test_a_setting_allows_deeper_subjobs(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("c", [node("n", "Dummy")])
        await world.job("b", [node("n", "SubJob", jobName="c")])
        await world.job("a", [node("n", "SubJob", jobName="b")])
        place_job = await world.store.real.get_definition(PLACE, Kind.JOB, "a", submitted=True)
        assert place_job is not None
        with pytest.raises(InvalidInput, match="has a Subjob node itself"):
            await Plans(world.store.store()).subjobs(PLACE, place_job)
        deeper = Plans(world.store.store(), Nesting(subjob_levels=2))
        assert sorted(await deeper.subjobs(PLACE, place_job)) == ["b", "c"]
        with pytest.raises(InvalidInput, match="Below the job 'a' are 2 levels of jobs; 1 are allowed"):
            await Plans(world.store.store(), Nesting(subjob_levels=2, levels=1)).subjobs(PLACE, place_job)
