"""Several servers on one PostgreSQL: one plans, another takes over, nothing is made twice, no limit is exceeded."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.scheduler.world import PLACE, World, after, cron
from tests.servers.postgres import run_statements

from arkwright.core.events import Released
from arkwright.core.instance import InstanceStatus
from arkwright.engine.interface import RunRequest
from arkwright.errors import LeaseLost
from arkwright.scheduler.scheduler import LEASE
from arkwright.store.base import DefinitionWrite, Kind
from arkwright.store.schedule_record import GateQuestions
from arkwright.store.server_record import Fence

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


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


async def test_one_server_plans_and_another_one_takes_over(tmp_path: Path, postgres_ready: str) -> None:
    one, two = pair(tmp_path, postgres_ready)
    async with both(one, two):
        await one.scheduled("up", cron("0 * * * * ?", "minutes"))
        await one.scheduled("down", cron("0 * * * * ?", "minutes", dependJobs=after("up")))
        await one.until("2026-03-10 08:00")
        assert await states(one, "down", 1) == [("08:00", "success")]
        assert not two.scheduler.plans
        two.clock.jump(10 * 60_000)
        await one.scheduler.close()  # it gives its lease back, so nobody waits for its end
        await leads(two)
        times = [time for time, _ in await states(two, "down", 11)]
        assert times == [f"08:{minute:02}" for minute in range(11)]
        assert [time for time, _ in await states(two, "up", 11)] == times


async def taken_over(new: World, address: str) -> None:
    """The lease ends while its holder is frozen, and the other one takes it."""
    await run_statements(address, "UPDATE lease SET until_ms = 0")
    new.scheduler.stand_by(False)  # as its timer would
    await leads(new)


async def test_a_scheduler_whose_lease_was_taken_over_writes_nothing_more(tmp_path: Path, postgres_ready: str) -> None:
    one, two = pair(tmp_path, postgres_ready)
    async with both(one, two):
        await one.scheduled("job", cron("0 * * * * ?", "minutes"))
        one.clock.jump(60_000)
        await one.quiet()
        await taken_over(two, postgres_ready)
        assert one.scheduler.plans, "it does not know yet"
        with one.store.fenced(Fence(lease=LEASE, epoch=1, lost=lambda: None)), pytest.raises(LeaseLost):
            await one.store.plan([], owner=None)
        one.scheduler.planner.wake()
        one.clock.jump(5 * 60_000)
        async with asyncio.timeout(30):
            while one.scheduler.plans:
                await one.store.ping()
        await two.quiet()
        assert [time for time, _ in await states(two, "job", 6)] == [f"08:0{minute}" for minute in range(6)]
        await two.scheduler.close()
        await leads(one)  # and it can plan again, under another hold


async def test_two_schedulers_that_both_believe_to_plan_exceed_no_limit_of_a_job(
    tmp_path: Path, postgres_ready: str
) -> None:
    one, two = pair(tmp_path, postgres_ready)
    async with both(one, two):
        await one.scheduled("job", cron("0 * * * * ?", "minutes", concurrent=1), node="Held")
        one.clock.jump(3 * 60_000 + 1)  # 08:00, 08:01, 08:02: one runs, two wait
        [(world, running_id)] = await running(one, two, 1)
        for old, new in ((one, two), (two, one), (one, two)):
            await taken_over(new, postgres_ready)
            # Both look: the old one has heard nothing yet.
            for each in (old, new):
                each.scheduler.gates.heard(None)
            world.hands.end(running_id)
            [(world, running_id)] = await running(new, old, 1, but=running_id)
            found = [each.status.value for each in await two.instances("job")]
            assert found.count("running") == 1, found
            one.clock.jump(60_000)


async def test_who_was_told_to_start_by_a_scheduler_that_died_then_counts_as_started(
    tmp_path: Path, postgres_ready: str
) -> None:
    one, two = pair(tmp_path, postgres_ready)
    async with both(one, two):
        job = await one.scheduled("job", cron("0 * * * * ?", "minutes", concurrent=1), node="Held")
        one.clock.jump(2 * 60_000 + 1)
        [(world, running_id)] = await running(one, two, 1)
        waiting = next(each for each in await one.instances("job") if each.status is InstanceStatus.WAITING)
        facts = await one.store.answer_gates(GateQuestions(jobs=frozenset({job.id})))
        assert {each.status for each in facts.jobs[job.id]} == {InstanceStatus.RUNNING, InstanceStatus.WAITING}
        # Its owner hears nothing: as if it were busy, or dead.
        await one.engine.recovery.close()
        await two.engine.recovery.close()
        await one.store.post(waiting.id, Released(at_ms=one.clock.now_ms()))
        facts = await two.store.answer_gates(GateQuestions(jobs=frozenset({job.id})))
        assert {each.status for each in facts.jobs[job.id]} == {InstanceStatus.RUNNING}
        world.hands.end(running_id)


async def test_a_limit_holds_over_all_servers(tmp_path: Path, postgres_ready: str) -> None:
    one, two = pair(tmp_path, postgres_ready)
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


async def running(plans: World, other: World, count: int, *, but: int = 0) -> list[tuple[World, int]]:
    """What runs on both, once it is so many, and not that one. `plans`: who has the lease; the other one may not know
    yet, and has nothing to be quiet about once it does."""
    async with asyncio.timeout(30):
        while True:
            found = [(world, instance_id) for world in (plans, other) for instance_id in world.hands.running]
            if len(found) == count and but not in {instance_id for _, instance_id in found}:
                await plans.quiet()
                return [(world, instance_id) for world in (plans, other) for instance_id in world.hands.running]
            await plans.store.ping()


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
