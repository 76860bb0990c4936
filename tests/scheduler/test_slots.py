"""Task groups and the limit of a workspace: how many nodes run at once, who comes first, and that nothing leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.scheduler.world import PLACE, World, living

from arkwright.core.rules import Rules
from arkwright.engine.interface import RunRequest
from arkwright.store.base import DefinitionWrite, Kind

pytestmark = pytest.mark.anyio

ONCE = {"type": "EXECUTE_ONCE"}


async def group(world: World, name: str, limit: int) -> None:
    write = DefinitionWrite(
        name=name, category="", directory="/", body={"limit": limit}, submit=True, actor="ada", at_ms=0
    )
    if await world.store.get_definition(PLACE, Kind.TASK_GROUP, name) is None:
        await world.store.create_definition(PLACE, Kind.TASK_GROUP, write)
    else:
        await world.store.save_definition(PLACE, Kind.TASK_GROUP, name, write)
    await world.quiet()


async def run(world: World, name: str) -> int:
    accepted = await world.engine.submit(RunRequest(place=PLACE, job_name=name, by="ada", time_zone="UTC"))
    await world.quiet()
    return accepted.instance_id


async def stop(world: World, instance_id: int) -> None:
    await world.engine.stop(PLACE, instance_id, by="ada", operation_id=f"stop {instance_id}")
    await world.quiet()


def running(world: World) -> list[int]:
    return list(world.hands.running)


async def grouped(world: World, name: str, task_group: str, **document: Any) -> None:
    await world.job(name, ONCE, node="Held", taskGroup=task_group, **document)


async def test_of_a_task_group_only_so_many_nodes_run_at_once(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await group(world, "g", 2)
        await grouped(world, "job", "g")
        first, second, third, fourth = [await run(world, "job") for _ in range(4)]
        assert running(world) == [first, second]
        found = await world.scheduler.why(PLACE, third)
        assert found is not None
        [unmet] = found.unmet
        assert (unmet.kind, unmet.instances) == ("slot", (first, second))
        assert "task group g: 2 nodes" in unmet.text
        world.hands.end(first)
        await world.quiet()
        assert running(world) == [second, third]
        world.hands.fail(second)
        await world.quiet()
        assert running(world) == [third, fourth]
        assert [(each.group, each.held, each.waiting) for each in await world.store.count_slots(PLACE)] == [("g", 2, 0)]


async def test_a_new_limit_counts_at_once(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await group(world, "g", 1)
        await grouped(world, "job", "g")
        ids = [await run(world, "job") for _ in range(3)]
        assert running(world) == ids[:1]
        await group(world, "g", 3)
        assert running(world) == ids
        await group(world, "g", 1)
        for each in ids[:2]:
            world.hands.end(each)
        late = await run(world, "job")
        assert running(world) == ids[2:]
        world.hands.end(ids[2])
        await world.quiet()
        assert running(world) == [late]


async def test_priority_zero_comes_first_and_a_starving_low_one_still_moves(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await group(world, "g", 1)
        await grouped(world, "high", "g")
        await grouped(world, "low", "g", basicConfig={"priority": 2})
        holder = await run(world, "high")
        low = await run(world, "low")
        high = await run(world, "high")
        world.hands.end(holder)
        await world.quiet()
        assert running(world) == [high]
        world.clock.jump(10 * 60_000)
        await world.quiet()
        late = await run(world, "high")
        world.hands.end(high)
        await world.quiet()
        assert running(world) == [low]
        world.hands.end(low)
        await world.quiet()
        assert running(world) == [late]


async def test_a_full_group_holds_up_nobody_in_another_one(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        for name in ("g", "h"):
            await group(world, name, 1)
            await grouped(world, name, name)
        first = await run(world, "g")
        await run(world, "g")
        other = await run(world, "h")
        assert running(world) == [first, other]


async def test_the_limit_of_a_workspace_holds_for_all_its_nodes(tmp_path: Path) -> None:
    async with living(World(tmp_path, nodeLimit=2)) as world:
        await world.job("job", ONCE, node="Held")
        await group(world, "g", 1)
        await grouped(world, "grouped", "g")
        limited = Rules(node_limit=True)
        world.rules = limited
        ids = [
            await run(world, "grouped"),
            await run(world, "grouped"),
            await run(world, "job"),
            await run(world, "job"),
        ]
        assert running(world) == [ids[0], ids[2]]
        world.hands.end(ids[2])
        await world.quiet()
        assert running(world) == [ids[0], ids[3]]


async def test_whoever_stops_waiting_leaves_the_queue(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await group(world, "g", 1)
        await grouped(world, "job", "g")
        first, second, third = [await run(world, "job") for _ in range(3)]
        await stop(world, second)
        await stop(world, first)
        assert running(world) == [third]
        await stop(world, third)
        assert await world.store.count_slots(PLACE) == []
        assert await world.store.leaked_slots() == 0


async def test_a_node_between_two_retries_holds_no_slot(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await group(world, "g", 1)
        retried = {"name": "only", "type": "Held", "retryTimes": 1, "retryInterval": 60}
        await world.job("job", ONCE, taskGroup="g", nodes=[retried])
        first, second = [await run(world, "job") for _ in range(2)]
        world.hands.fail(first)
        await world.quiet()
        assert running(world) == [second]
        world.clock.jump(60_000)
        await world.quiet()
        assert running(world) == [second]
        world.hands.end(second)
        await world.quiet()
        assert running(world) == [first]


async def test_slots_outlive_the_server_and_are_given_on(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await group(world, "g", 1)
        await grouped(world, "job", "g")
        first, second = [await run(world, "job") for _ in range(2)]
    async with living(World(tmp_path)) as world:
        assert running(world) == [first]
        world.hands.end(first)
        await world.quiet()
        assert running(world) == [second]
        assert await world.store.leaked_slots() == 0
