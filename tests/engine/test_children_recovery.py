"""The engine dies at every call of the store while nodes run other jobs: no child twice, none lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, living, node

from arkwright.core.events import ChildEnded, RestartRequested
from arkwright.core.instance import Instance, InstanceStatus, InstanceType
from arkwright.core.step import step
from arkwright.engine.plans import Plans
from arkwright.store.base import InstanceFilter
from arkwright.testing.faulty_store import Crash


async def _save(world: World, trace: Path) -> None:
    await world.job("leaf", [node("a", statement=f"echo $1 >> {trace}", arguments="${n}")])
    await world.job("middle", [node("call", "SubJob", jobName="leaf", params="n=${n}")])
    rows = json.dumps([[number] for number in range(3)])
    each = node("each", "ForEach", jobName="middle", dataset=rows, concurrency="2", params="n=#{Loop.current[0]}")
    await world.job("j", [each, node("end", "Dummy", after=["each"])])


async def _run_until_crash(world: World, trace: Path) -> None:
    await world.open()
    await _save(world, trace)
    try:
        accepted = await world.submit("j")
        await world.crashed_or_ended(accepted.instance_id)
    except Crash:
        pass
    await world.close()


def _calls(folder: Path) -> int:
    async def count() -> int:
        world = World(folder)
        await _run_until_crash(world, folder / "trace")
        return world.store.calls

    return asyncio.run(count())


async def check_family(world: World, root: int) -> None:
    """Everything below has ended, each row of each attempt is one instance, and the histories give the states."""
    work = [root]
    while work:
        parent = await world.store.real.load_instance(work.pop())
        assert parent.ended
        made = (await world.store.real.children_of(parent.id)).items
        links = [msgspec.structs.astuple(child.parent) for child in made]
        assert len(links) == len(set(links))
        heard = [e.child for _, e in await world.store.real.read_events(parent.id) if isinstance(e, ChildEnded)]
        assert len(heard) == len(set(heard)) == len(made)
        await history_gives_the_state(world, parent)
        work += [child.id for child in made]


async def history_gives_the_state(world: World, stored: Instance) -> None:
    history = await world.store.real.read_events(stored.id)
    state, plans = history[0][1].instance, Plans(world.store.real)
    plan = await plans.of(state)
    for _, event in history:
        if isinstance(event, RestartRequested):
            plan = await plans.plan(state.job_id, event.job_version, event.script_versions)
        state, _ = step(plan, state, event)
    assert msgspec.structs.replace(state, version=stored.version) == stored


@pytest.mark.parametrize("after", [False, True], ids=["before it is durable", "after it is durable"])
@in_loop
async def test_a_crash_at_every_commit_makes_no_child_twice_and_loses_none(tmp_path: Path, after: bool) -> None:
    (tmp_path / "count").mkdir()
    calls = await asyncio.to_thread(_calls, tmp_path / "count")
    assert calls >= 8
    for crash_at in range(1, calls + 1):
        folder = tmp_path / str(crash_at)
        folder.mkdir()
        trace = folder / "trace"
        await _run_until_crash(World(folder, crash_at=crash_at, after=after), trace)
        async with living(World(folder)) as world:
            where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53, instance_types=[InstanceType.MANUAL])
            roots = (await world.store.real.list_instances(where)).items
            for root in roots:
                state = await world.ended(root.id)
                assert state.status is InstanceStatus.SUCCESS, (crash_at, state)
                assert sorted(trace.read_text().split()) == ["0", "1", "2"], crash_at
                await check_family(world, root.id)
            assert len(roots) == (1 if after or crash_at > 1 else 0)
