"""The process dies at every point where something is written: planned times are neither lost nor made twice."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from tests.scheduler.world import World, after, at, cron, living

from arkwright.testing.faulty_store import Crash

pytestmark = pytest.mark.anyio

START, FIRST, SECOND = "2026-03-10 07:59:30", "2026-03-10 08:00", "2026-03-10 08:01"


async def set_up(world: World) -> None:
    await world.scheduled("up", cron("0 * * * * ?", "minutes"))
    await world.scheduled("down", cron("0 * * * * ?", "minutes", dependJobs=after("up"), dependPrePeriod=True))
    await world.scheduled("other", cron("0 0 8 * * ?"))


async def two_minutes(world: World) -> None:
    """Let the two minutes pass, from wherever the world is."""
    for time in (FIRST, SECOND):
        if at(time) >= world.clock.now_ms():
            await world.until(time)


async def crash(folder: Path, number: int, when_durable: bool) -> int:
    """A process that dies at that write (0: at none); how many writes there were, and its time."""
    folder.mkdir()
    async with living(World(folder, now=START)) as world:
        await set_up(world)
    world = World(folder, now=START, crash_at=number, after=when_durable)
    await world.open()
    with contextlib.suppress(Crash):
        await two_minutes(world)
    with contextlib.suppress(BaseException):
        await world.engine.close()
    with contextlib.suppress(BaseException):
        await world.scheduler.close()
    await world.store.close()
    return world.faulty.calls


async def check(folder: Path) -> None:
    async with living(World(folder, now=FIRST)) as world:
        await two_minutes(world)
        for name, times in {"up": ["08:00", "08:01"], "down": ["08:00", "08:01"], "other": ["08:00"]}.items():
            assert await world.states(name) == [(time, "success") for time in times]


@pytest.mark.parametrize("when_durable", [False, True], ids=["before", "after"])
async def test_every_plan_time_has_one_instance_wherever_the_process_died(tmp_path: Path, when_durable: bool) -> None:
    points = await crash(tmp_path / "none", 0, when_durable)
    await check(tmp_path / "none")
    assert points > 4
    for number in range(1, points + 1):
        folder = tmp_path / str(number)
        await crash(folder, number, when_durable)
        await check(folder)
