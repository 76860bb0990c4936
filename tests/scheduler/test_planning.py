"""Schedules become instances: each plan time once, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.scheduler.world import PLACE, World, at, cron, living

from arkwright.core.instance import InstanceType
from arkwright.errors import IllegalState, InvalidInput
from arkwright.store.base import Kind

pytestmark = pytest.mark.anyio

DAILY = cron("0 0 8 * * ?")
MINUTELY = cron("0 * * * * ?", "minutes")


async def test_a_started_schedule_makes_an_instance_at_its_plan_time(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        job = await world.scheduled("daily", DAILY)
        assert await world.instances() == []
        await world.until("2026-03-10 08:00")
        instance = await world.only("daily")
        assert (instance.plan_time_ms, instance.instance_type) == (at("2026-03-10 08:00"), InstanceType.NORMAL)
        assert (instance.job_id, instance.job_version, instance.created_by) == (job.id, 1, "ada")
        assert instance.status.value == "success"
        await world.until("2026-03-11 08:00")
        assert await world.states("daily") == [("08:00", "success")] * 2


async def test_a_stopped_schedule_plans_nothing_more_and_a_start_plans_from_now_on(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", MINUTELY)
        await world.until("2026-03-10 08:02")
        await world.stop("often")
        assert (await world.store.get_definition(PLACE, Kind.JOB, "often")).status == "STOPPED"  # type: ignore[union-attr]
        await world.until("2026-03-10 08:10")
        await world.start("often")
        await world.until("2026-03-10 08:11")
        assert [time for time, _ in await world.states("often")] == ["08:01", "08:02", "08:11"]


async def test_a_schedule_starts_at_its_start_date(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("daily", DAILY)
        await world.start("daily", start_date=20260312)
        await world.until("2026-03-12 08:00")
        assert (await world.only("daily")).plan_time_ms == at("2026-03-12 08:00")


async def test_a_paused_schedule_goes_on_without_making_up(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        job = await world.scheduled("often", MINUTELY)
        await world.scheduler.pause(job)
        await world.until("2026-03-10 08:05")
        assert await world.instances() == []
        await world.scheduler.resume(job)
        await world.until("2026-03-10 08:06")
        assert [time for time, _ in await world.states("often")] == ["08:06"]
        with pytest.raises(IllegalState):
            await world.scheduler.resume(job)


async def test_an_instance_is_pinned_to_the_version_submitted_when_it_was_planned(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", MINUTELY)
        await world.until("2026-03-10 08:01")
        await world.job("often", MINUTELY)
        await world.until("2026-03-10 08:02")
        assert [each.job_version for each in await world.instances("often")] == [1, 2]


async def test_a_new_recurrence_counts_from_its_submission_on(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:30")) as world:
        await world.scheduled("job", DAILY)
        await world.until("2026-03-10 12:30")
        await world.job("job", cron("0 0 * * * ?", "hours"))
        await world.quiet()
        await world.until("2026-03-10 13:00")
        assert await world.states("job") == [("13:00", "success")]


async def test_a_plan_without_a_time_left_is_not_started(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("over", cron("0 0 8 * * ?", endTime="2021-01-01T00:00:00Z"))
        with pytest.raises(InvalidInput, match="no time left"):
            await world.start("over")


# ---------------------------------------------------------------- crashes, downtime


async def test_after_a_restart_each_plan_time_has_one_instance(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", MINUTELY)
        await world.until("2026-03-10 08:01")
    async with living(World(tmp_path, now="2026-03-10 08:01")) as world:
        assert [time for time, _ in await world.states("often")] == ["08:01"]
        await world.until("2026-03-10 08:02")
        assert [time for time, _ in await world.states("often")] == ["08:01", "08:02"]


@pytest.mark.parametrize(
    ("policy", "made"),
    [("ALL", ["08:01", "08:02", "08:03", "08:04", "08:05"]), ("LATEST", ["08:05"]), ("NONE", ["08:05"])],
)
async def test_missed_times_are_made_up_for_as_the_job_says(tmp_path: Path, policy: str, made: list[str]) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", cron("0 * * * * ?", "minutes", schedule={"catchUp": policy}))
    async with living(World(tmp_path, now="2026-03-10 08:05")) as world:
        await world.until("2026-03-10 08:05")
        assert [time for time, _ in await world.states("often")] == made
        assert world.scheduler.planner.catching_up is None


@pytest.mark.parametrize(("policy", "made"), [("LATEST", ["08:00"]), ("NONE", [])])
async def test_a_missed_daily_run_is_made_up_for_as_the_workspace_says(
    tmp_path: Path, policy: str, made: list[str]
) -> None:
    async with living(World(tmp_path, catchUp=policy)) as world:
        await world.scheduled("daily", DAILY)
    async with living(World(tmp_path, now="2026-03-13 09:00", catchUp=policy)) as world:
        assert [time for time, _ in await world.states("daily")] == made
        await world.until("2026-03-14 08:00")
        assert (await world.instances("daily"))[-1].plan_time_ms == at("2026-03-14 08:00")


async def test_missed_times_are_made_up_for_at_a_bounded_rate_and_the_oldest_first(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 00:00")) as world:
        await world.scheduled("often", MINUTELY, node="Held")
    async with living(World(tmp_path, now="2026-03-10 04:00:30")) as world:
        first = await world.instances("often")
        assert [each.plan_time_ms for each in first] == [at("2026-03-10 00:01") + i * 60_000 for i in range(100)]
        assert world.scheduler.planner.catching_up is not None
        assert world.scheduler.planner.catching_up.schedules == 1
        for _ in range(2):
            world.clock.jump(1000)
            await world.quiet()
        assert len(await world.instances("often")) == 240
        assert len(world.hands.running) == 5


async def test_nothing_is_made_up_for_beyond_the_waiting_days(tmp_path: Path) -> None:
    async with living(World(tmp_path, waitingDays=3)) as world:
        await world.scheduled("daily", DAILY)
    async with living(World(tmp_path, now="2026-04-10 07:00", waitingDays=3)) as world:
        plans = [each.plan_time_ms for each in await world.instances("daily")]
        assert plans == [at(f"2026-04-0{day} 08:00") for day in (7, 8, 9)]
