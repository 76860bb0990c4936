"""Patches on the whole scheduler: real store, real engine, a clock that stands still."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.scheduler.world import LIMIT_SECONDS, PLACE, World, after, cron, living

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.errors import IllegalState, InvalidInput
from arkwright.scheduler.patch_data import PatchWish
from arkwright.store.base import Definition, DefinitionWrite, InstanceFilter, Kind

pytestmark = pytest.mark.anyio

NOW = "2026-03-10 07:59"


class PatchWorld(World):
    async def quiet(self) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            calm = 0
            # A patch that waits for a time, or for nobody, looks like one whose news is on its way: look longer.
            while calm < 3 or (calm < 40 and not await self.settled()):
                await super().quiet()
                calm = calm + 1 if self.scheduler.patches.idle.is_set() else 0

    async def settled(self) -> bool:
        """Nothing is on its way: what runs is held by the test, and a patch that goes on has somebody to wait for."""
        unended = [each for each in await self.patched() if not each.ended]
        if any(each.status is InstanceStatus.RUNNING and each.id not in self.hands.running for each in unended):
            return False
        if any(each.version == 0 and (each.gate is None or each.gate.open) for each in unended):
            return False  # it is about to begin
        return bool(unended) or not await self.store.open_patches()

    async def patch(self, name: str, *jobs: str, place: Any = PLACE, force: bool = False, **body: Any) -> Definition:
        given = {
            "start_date": "2026-03-01T00:00:00 +00",
            "end_date": "2026-03-03T23:59:59 +00",
            "parallel": 1,
            **body,
        }
        found = []
        for each in jobs:
            job = await self.store.get_definition(PLACE, Kind.JOB, each, submitted=True)
            assert job is not None
            found.append(job)
        made = await self.scheduler.patches.make(
            PatchWish(place=place, name=name, body=given, jobs=found, force=force, by="ada")
        )
        await self.quiet()
        return made

    async def status(self, name: str) -> str:
        found = await self.store.get_definition(PLACE, Kind.PATCH_DATA, name)
        assert found is not None
        return found.status

    async def patched(self) -> list[Instance]:
        where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53, instance_types=[5])
        page = await self.store.list_instances(where, limit=10_000)
        return sorted(page.items, key=lambda each: each.id)

    async def plan_times(self) -> list[str]:
        """Of the instances in the order in which they were made: `03-01 02:00 success`."""
        return [shown(each) for each in await self.patched()]

    async def end_running(self) -> list[str]:
        """Lets those that run end well, and answers which they were."""
        running = [each for each in await self.patched() if each.id in self.hands.running]
        for each in running:
            self.hands.end(each.id)
        await self.quiet()
        return [shown(each)[:11] for each in running]


def shown(instance: Instance) -> str:
    return f"{clock(instance.plan_time_ms)} {instance.status.value}"


def clock(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%m-%d %H:%M}"


DAILY = cron("0 0 2 * * ?")
SIX_HOURS = cron("0 0 0/6 * * ?", "hours")


async def test_a_patch_runs_the_plan_of_the_past_in_order(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        job = await world.job("daily", DAILY)
        patch = await world.patch("P1", "daily")
        assert await world.plan_times() == ["03-01 02:00 success", "03-02 02:00 success", "03-03 02:00 success"]
        assert await world.status("P1") == "SUCCESS"
        first = (await world.patched())[0]
        assert (first.name, first.job_name) == (f"P_daily_{patch.created_ms}", "daily")
        assert (first.instance_type, first.job_id, first.created_by) == (5, job.id, "ada")
        assert await world.store.open_patches() == []


@pytest.mark.parametrize("parallel", [1, 2, 5])
async def test_so_many_runs_go_on_at_once(tmp_path: Path, parallel: int) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("six", SIX_HOURS, node="Held")
        await world.patch("P1", "six", parallel=parallel)
        assert await world.status("P1") == "RUNNING"
        ends = 0
        while world.hands.running:
            assert len(world.hands.running) == min(parallel, 12 - ends)
            ends += len(await world.end_running())
        assert (ends, await world.status("P1")) == (12, "SUCCESS")


async def test_by_day_a_day_begins_when_the_one_before_has_ended(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("six", SIX_HOURS, node="Held")
        await world.patch("P1", "six", parallel=5, is_day_granularity=True)
        for day in ("03-01", "03-02", "03-03"):
            assert await world.end_running() == [f"{day} {hour:02d}:00" for hour in (0, 6, 12, 18)]
        assert await world.status("P1") == "SUCCESS"


async def test_in_reverse_order_the_newest_day_comes_first_and_days_ascend(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("six", SIX_HOURS)
        await world.patch("P1", "six", reverse_order=1)
        assert [each[:8] for each in await world.plan_times()] == [
            f"{day} {hour:02d}" for day in ("03-03", "03-02", "03-01") for hour in (0, 6, 12, 18)
        ]


async def test_a_failure_stops_what_comes_after_it_if_it_is_to(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY, node="Held")
        await world.patch("P1", "daily", is_day_granularity=True, is_stop_when_fail=True)
        world.hands.fail((await world.patched())[0].id)
        await world.quiet()
        assert await world.plan_times() == ["03-01 02:00 fail"]
        assert await world.status("P1") == "FAIL"


async def test_otherwise_the_patch_goes_on_and_fails_at_its_end(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY, node="Held")
        await world.patch("P1", "daily")
        world.hands.fail((await world.patched())[0].id)
        await world.quiet()
        await world.end_running()
        assert await world.status("P1") == "RUNNING"
        await world.end_running()
        assert await world.plan_times() == ["03-01 02:00 fail", "03-02 02:00 success", "03-03 02:00 success"]
        assert await world.status("P1") == "FAIL"


async def test_related_jobs_wait_for_each_other_inside_the_patch(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("up", SIX_HOURS, node="Held")
        await world.job("down", cron("0 0 22 * * ?", dependJobs=after("up")), node="Held")
        await world.patch("P1", "down", "up", parallel=5, end_date="2026-03-02T23:59:59 +00")
        order = []
        while world.hands.running:
            order += await world.end_running()
        assert order.index("03-01 22:00") > order.index("03-01 18:00")
        assert (len(order), await world.status("P1")) == (10, "SUCCESS")
        assert {each.name.rpartition("_")[0] for each in await world.patched()} == {"P_up", "P_down"}


async def test_a_patch_fails_when_a_related_job_fails(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("up", DAILY, node="Held")
        await world.job("down", cron("0 0 3 * * ?", dependJobs=after("up")))
        await world.patch("P1", "down", "up", end_date="2026-03-01T23:59:59 +00")
        world.hands.fail((await world.patched())[0].id)
        await world.quiet()
        assert await world.plan_times() == ["03-01 02:00 fail"]
        assert await world.status("P1") == "FAIL"


async def test_a_self_dependent_job_waits_until_its_failed_run_succeeds(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", cron("0 0 2 * * ?", dependPrePeriod=True), node="Held")
        await world.patch("P1", "daily", parallel=3)
        [first] = await world.patched()
        await world.fails(first)
        assert await world.plan_times() == ["03-01 02:00 fail"]
        await world.does("force-success", first)
        assert (await world.plan_times())[:2] == ["03-01 02:00 success", "03-02 02:00 running"]


async def test_runs_start_only_in_their_window(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY)
        await world.patch("P1", "daily", supplement_data_run_time={"time_of_day": "22:00-23:00"})
        assert (await world.plan_times(), await world.status("P1")) == ([], "WAITING")
        await world.until("2026-03-10 21:59")
        assert await world.plan_times() == []
        await world.until("2026-03-10 22:00")
        assert len(await world.plan_times()) == 3


async def test_a_stopped_patch_stops_what_runs_and_starts_nothing_more(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY, node="Held")
        await world.patch("P1", "daily")
        await world.scheduler.patches.stop(PLACE, "P1")
        await world.quiet()
        assert await world.plan_times() == ["03-01 02:00 manual-stop"]
        assert (await world.status("P1"), await world.store.open_patches()) == ("CANCEL", [])
        with pytest.raises(IllegalState, match="is over"):
            await world.scheduler.patches.stop(PLACE, "P1")


TODAY = {"start_date": "2026-03-10T00:00:00 +00", "end_date": "2026-03-10T23:59:59 +00"}


async def waiting(world: PatchWorld) -> Instance:
    """The one run of a patch, which waits for a planned instance of a job that is not of the patch."""
    await world.scheduled("up", cron("0 0 8 * * ?"), node="Held")
    await world.job("daily", cron("0 0 2 * * ?", dependJobs=after("up")))
    await world.until("2026-03-10 08:00")
    await world.patch("P1", "daily", **TODAY)
    [run] = await world.patched()
    assert await world.why(run) == ["upstream"]
    return run


async def test_a_run_waits_for_planned_instances_of_other_jobs(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await waiting(world)
        await world.ends(await world.only("up"))
        assert (await world.plan_times(), await world.status("P1")) == (["03-10 02:00 success"], "SUCCESS")


async def test_a_run_goes_on_without_a_dependency_that_is_taken_away(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        run = await waiting(world)
        await world.engine.remove_dependency(PLACE, run.id, "job:up", by="ada", operation_id="1")
        await world.quiet()
        assert (await world.plan_times(), await world.status("P1")) == (["03-10 02:00 success"], "SUCCESS")


async def test_a_frozen_run_of_a_stopped_patch_ends_when_it_is_unfrozen(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        run = await waiting(world)
        await world.does("freeze", run)
        await world.scheduler.patches.stop(PLACE, "P1")
        await world.quiet()
        if await world.plan_times() == ["03-10 02:00 freeze"]:
            await world.does("unfreeze", run)
        assert (await world.plan_times(), await world.status("P1")) == (["03-10 02:00 manual-stop"], "CANCEL")
        assert await world.store.open_patches() == []


async def test_a_second_patch_of_the_same_days_is_refused_unless_it_is_forced(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY, node="Held")
        await world.patch("P1", "daily")
        with pytest.raises(IllegalState, match="P1"):
            await world.patch("P2", "daily", start_date="2026-03-03T00:00:00 +00")
        await world.patch("P3", "daily", start_date="2026-03-04T00:00:00 +00", end_date="2026-03-05T00:00:00 +00")
        await world.patch("P2", "daily", start_date="2026-03-03T00:00:00 +00", force=True)
        assert (await world.status("P1"), await world.status("P2")) == ("CANCEL", "RUNNING")


async def test_what_can_not_be_run_is_refused(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY)
        with pytest.raises(InvalidInput, match="No plan time"):
            await world.patch("P1", "daily", start_date="2026-04-01T00:00:00 +00", end_date="2026-04-02T00:00:00 +00")
        await world.job("minute", cron("0 * * * * ?", "minutes"))
        with pytest.raises(InvalidInput, match="20000"):
            await world.patch("P1", "minute", start_date="2026-01-01T00:00:00 +00")


async def test_a_day_without_work_is_a_dry_run(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        write = DefinitionWrite(
            name="work", category="", directory="/", body={}, submit=True, actor="ada", at_ms=world.clock.now_ms()
        )
        await world.store.create_definition(PLACE, Kind.CALENDAR, write)
        await world.job("daily", cron("0 0 2 * * ?", schedule={"calendar": "work"}))
        await world.patch("P1", "daily")
        assert [each.dry_run for each in await world.patched()] == [True, False, False]  # 1 March is a Sunday


async def test_a_patch_runs_the_version_that_it_was_made_with(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY, node="Held")
        await world.patch("P1", "daily")
        await world.job("daily", cron("0 0 5 * * ?"))
        while world.hands.running:
            await world.end_running()
        assert [each.job_version for each in await world.patched()] == [1, 1, 1]


@pytest.mark.parametrize("ends_before", [0, 1, 2])
async def test_after_a_crash_a_patch_goes_on_where_it_was(tmp_path: Path, ends_before: int) -> None:
    world = PatchWorld(tmp_path)
    async with living(world):
        await world.job("daily", DAILY, node="Held")
        await world.patch("P1", "daily")
        for _ in range(ends_before):
            await world.end_running()
        made = len(await world.patched())
    async with living(world):
        assert len(await world.patched()) == made
        while world.hands.running:
            await world.end_running()
        assert await world.plan_times() == ["03-01 02:00 success", "03-02 02:00 success", "03-03 02:00 success"]
        assert await world.status("P1") == "SUCCESS"


async def test_a_stop_that_was_only_stored_is_carried_out_after_a_crash(tmp_path: Path) -> None:
    world = PatchWorld(tmp_path)
    async with living(world):
        await world.job("daily", DAILY, node="Held")
        await world.patch("P1", "daily")
        await world.scheduler.patches.close()
        await world.store.stop_patch(PLACE, "P1")
    async with living(world):
        assert await world.plan_times() == ["03-01 02:00 manual-stop"]
        assert await world.store.open_patches() == []


async def test_one_plan_time_of_a_patch_is_made_once(tmp_path: Path) -> None:
    async with living(PatchWorld(tmp_path)) as world:
        await world.job("daily", DAILY, node="Held")
        patch = await world.patch("P1", "daily")
        [first] = await world.patched()
        again = replace(first, id=world.store.next_id(), status=InstanceStatus.WAITING, version=0)
        assert await world.store.start_patch_runs(patch.id, [again], owner="one") == frozenset()
        await world.store.stop_patch(PLACE, "P1")
        later = replace(again, id=world.store.next_id(), plan_time_ms=first.plan_time_ms + 86_400_000)
        assert await world.store.start_patch_runs(patch.id, [later], owner="one") == frozenset()


@pytest.mark.postgres
async def test_on_one_database_another_server_takes_a_patch_over(tmp_path: Path, postgres_ready: str) -> None:
    worlds = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        worlds.append(PatchWorld(folder, url=postgres_ready, name=name))
    one, two = worlds
    two.clock = one.clock
    await one.open()
    await two.open()
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not one.scheduler.plans:
                await one.store.ping()
        await one.job("daily", DAILY, node="Held")
        wish = await one.patch("P1", "daily")
        assert not two.scheduler.plans
        await end_one(one, two)
        await one.scheduler.close()
        async with asyncio.timeout(LIMIT_SECONDS):
            while not two.scheduler.plans:
                await two.store.ping()
        await end_one(one, two)
        await end_one(one, two)
        async with asyncio.timeout(LIMIT_SECONDS):
            while await two.status("P1") != "SUCCESS":
                await two.store.ping()
        times = sorted(each.plan_time_ms for each in await two.patched())
        assert [clock(each) for each in times] == ["03-01 02:00", "03-02 02:00", "03-03 02:00"]
        assert {each.name for each in await two.patched()} == {f"P_daily_{wish.created_ms}"}
    finally:
        await two.close()
        await one.close()


async def end_one(*worlds: PatchWorld) -> None:
    """Lets the one run that goes on somewhere end, once it does."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            for world in worlds:
                for id_ in list(world.hands.running):
                    world.hands.end(id_)
                    return
            await worlds[-1].store.ping()
