"""The guide's walk-throughs that run other jobs, as they lie in `examples/guide`, on a real engine."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tests.engine.test_guide import Guide, guide, in_loop
from tests.engine.world import statuses

from arkwright.core.instance import Instance, InstanceStatus


async def family(world: Guide, parent: Instance) -> list[Instance]:
    """Its children with their nodes."""
    found = (await world.store.real.children_of(parent.id)).items
    whole = [await world.store.real.load_instance(each.id) for each in found]
    return [each for each in whole if each is not None]


@in_loop
async def test_a_branch_follows_the_result_of_a_query_through_a_for_each(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        for limit, taken, said in (
            ("5", "less", "3 is less than 5\n"),
            ("3", "equal", "3 is 3\n"),
            ("2", "more", None),
        ):
            state = await world.run("branch_on_count", limit=limit)
            assert statuses(state) == {"count": "success", "judge": "success"}, state
            (judge,) = await family(world, state)
            expected = {name: "success" if name == taken else "skip" for name in ("more", "equal", "less")}
            assert statuses(judge) == {"compare": "success", **expected}
            if said is not None:
                assert world.log(judge, taken) == said


@in_loop
async def test_a_for_each_inside_of_a_for_each(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        state = await world.run("loop_nested")
        assert state.status is InstanceStatus.SUCCESS, state
        regions = await family(world, state)
        assert [each.name for each in regions] == ["regions_eu", "regions_us"]
        said = [world.log(day, "load") for region in regions for day in await family(world, region)]
        assert said == [
            "load 2026-01-01 of eu, number 1\n",
            "load 2026-01-02 of eu, number 2\n",
            "load 2026-01-01 of us, number 1\n",
        ]


@in_loop
async def test_a_subjob_is_given_parameters_and_keeps_its_own(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        state = await world.run("subjob_with_parameters")
        assert statuses(state) == {"greet": "success", "done": "success"}, state
        (child,) = await family(world, state)
        day = dt.datetime.fromtimestamp(state.plan_time_ms / 1000, dt.UTC).strftime("%Y-%m-%d")
        assert world.log(child, "say") == f"hello, it is {day}, world; my own greeting is hi\n"
