"""Several servers on one PostgreSQL: one plans, another takes over, nothing is made twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.scheduler.world import PLACE, World, after, cron

from arkwright.engine.interface import RunRequest
from arkwright.store.base import DefinitionWrite, Kind

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

LEASE_MS = 600_000


def pair(tmp_path: Path, address: str) -> tuple[World, World]:
    """Two servers with one clock."""
    worlds = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        worlds.append(World(folder, url=address, name=name))
    worlds[1].clock = worlds[0].clock
    return worlds[0], worlds[1]


async def leads(world: World) -> None:
    async with asyncio.timeout(30):
        while not world.scheduler.plans:
            await world.store.ping()
    await world.quiet()


async def states(world: World, name: str, count: int) -> list[tuple[str, str]]:
    """Once there are so many and all have ended: it may be another server that runs them."""
    async with asyncio.timeout(30):
        while True:
            found = await world.states(name)
            if len(found) >= count and all(state == "success" for _, state in found):
                return found
            await world.store.ping()


async def test_one_server_plans_and_another_one_takes_over(tmp_path: Path, postgres_address: str) -> None:
    one, two = pair(tmp_path, postgres_address)
    async with both(one, two):
        await one.scheduled("up", cron("0 * * * * ?", "minutes"))
        await one.scheduled("down", cron("0 * * * * ?", "minutes", dependJobs=after("up")))
        await one.until("2026-03-10 08:00")
        assert await states(one, "down", 1) == [("08:00", "success")]
        assert not two.scheduler.plans
        await one.scheduler.close()  # as if it had died: its lease is not given back
        two.clock.jump(LEASE_MS + 30_000)
        await two.scheduler._hold(two.clock.now_ms() + LEASE_MS)
        assert two.scheduler.plans
        await two.quiet()
        times = [time for time, _ in await states(two, "down", 11)]
        assert times == [f"08:{minute:02}" for minute in range(11)]
        assert [time for time, _ in await states(two, "up", 11)] == times


async def test_a_limit_holds_over_all_servers(tmp_path: Path, postgres_address: str) -> None:
    one, two = pair(tmp_path, postgres_address)
    async with both(one, two):
        group = DefinitionWrite(
            name="g", category="", directory="/", body={"limit": 2}, submit=True, actor="ada", at_ms=0
        )
        await one.store.create_definition(PLACE, Kind.TASK_GROUP, group)
        await one.job("job", {"type": "EXECUTE_ONCE"}, node="Held", taskGroup="g")
        for world in (one, two, one, two):
            await world.engine.submit(RunRequest(place=PLACE, job_name="job", by="ada", time_zone="UTC"))
        for ended in range(4):
            now = await running(one, two, min(2, 4 - ended))
            assert len(now) == min(2, 4 - ended)
            world, instance_id = now[0]
            world.hands.end(instance_id)
        await running(one, two, 0)
        assert await one.store.leaked_slots() == 0


async def running(one: World, two: World, count: int) -> list[tuple[World, int]]:
    """What runs on both, once it is so many."""
    async with asyncio.timeout(30):
        while True:
            found = [(world, instance_id) for world in (one, two) for instance_id in world.hands.running]
            if len(found) == count:
                await one.quiet()
                return [(world, instance_id) for world in (one, two) for instance_id in world.hands.running]
            await one.store.ping()


@contextlib.asynccontextmanager
async def both(one: World, two: World) -> AsyncIterator[None]:
    """Both servers; the first one plans."""
    await one.open()
    await leads(one)
    await two.open()
    try:
        yield
    finally:
        await two.close()
        await one.close()
