"""What waiting instances wait for, what releases them, and how they tell why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.scheduler.world import PLACE, World, after, cron, living

from arkwright.errors import IllegalState, InvalidInput
from arkwright.store.base import DefinitionWrite, Kind, Place

pytestmark = pytest.mark.anyio

EIGHT, NINE = "2026-03-10 08:00", "2026-03-10 09:00"
HOURLY = cron("0 0 * * * ?", "hours")


def below(*jobs: str, expression: str = "0 0 9 * * ?", policy: str = "FAIL", **more: object) -> dict[str, object]:
    return cron(expression, dependJobs=after(*jobs, policy=policy), **more)


async def pair(world: World, policy: str = "FAIL") -> None:
    """`up` at eight, whose attempts are ended by hand, and `down` at nine, which waits for it."""
    await world.scheduled("up", cron("0 0 8 * * ?"), node="Held")
    await world.scheduled("down", below("up", policy=policy))


# ---------------------------------------------------------------- other jobs


async def test_an_instance_waits_for_the_upstream_instance_of_its_window(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await pair(world)
        await world.until(NINE)
        assert await world.states("down") == [("09:00", "waiting")]
        up = await world.only("up")
        [unmet] = (await world.scheduler.why(PLACE, (await world.only("down")).id)).unmet  # type: ignore[union-attr]
        assert (unmet.key, unmet.kind, unmet.instances) == ("job:up", "upstream", (up.id,))
        assert f"{up.id} (2026-03-10 08:00:00 UTC) is running" in unmet.text
        assert "2026-03-10" in unmet.text
        await world.ends(up)
        assert await world.states("down") == [("09:00", "success")]


async def test_an_upstream_instance_that_is_still_to_come_is_waited_for(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.scheduled("late", cron("0 0 20 * * ?"))
        await world.scheduled("down", below("late"))
        await world.until(NINE)
        [unmet] = (await world.scheduler.why(PLACE, (await world.only("down")).id)).unmet  # type: ignore[union-attr]
        assert "planned for 2026-03-10 20:00:00 UTC is still to come" in unmet.text
        await world.until("2026-03-10 20:00")
        assert await world.states("down") == [("09:00", "success")]


@pytest.mark.parametrize(("policy", "state"), [("FAIL", "manual-stop"), ("IGNORE", "success"), ("SUSPEND", "waiting")])
async def test_what_an_upstream_failure_means_is_the_policys_choice(tmp_path: Path, policy: str, state: str) -> None:
    async with living(World(tmp_path)) as world:
        await pair(world, policy)
        await world.until(NINE)
        up = await world.only("up")
        await world.fails(up)
        assert await world.states("down") == [("09:00", state)]
        down = await world.only("down")
        if policy == "FAIL":
            assert f"instance {up.id} of job up" in (down.message or "")
            assert "is fail" in (down.message or "")
        if policy == "SUSPEND":
            await world.does("force-success", up)
            assert await world.states("down") == [("09:00", "success")]


async def test_a_day_waits_for_all_hours_of_its_day(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 00:30")) as world:
        await world.scheduled("hourly", HOURLY)
        await world.scheduled("daily", below("hourly", expression="0 0 22 * * ?"))
        await world.until("2026-03-10 22:00")
        assert await world.states("daily") == [("22:00", "waiting")]
        await world.until("2026-03-10 23:00")
        assert await world.states("daily") == [("22:00", "success")]


async def test_stopping_the_upstream_schedule_cancels_those_that_wait_for_it(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await pair(world)
        await world.until(NINE)
        await world.stop("up")
        down = await world.only("down")
        assert down.status.value == "manual-stop"
        assert "whose schedule was stopped" in (down.message or "")


async def test_a_frozen_upstream_instance_counts_as_failed(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.scheduled("top", cron("0 0 7 * * ?"), node="Held")
        await world.scheduled("up", cron("0 0 8 * * ?", dependJobs=after("top")), node="Held")
        await world.scheduled("down", below("up", policy="SUSPEND"))
        await world.until("2026-03-11 09:00")
        up = (await world.instances("up"))[-1]
        assert up.status.value == "waiting"
        await world.does("freeze", up)
        assert await world.why(up) == ["frozen", "upstream"]
        down = (await world.instances("down"))[-1]
        [unmet] = (await world.scheduler.why(PLACE, down.id)).unmet  # type: ignore[union-attr]
        assert "is freeze" in unmet.text
        await world.ends((await world.instances("top"))[-1])
        assert (await world.instances("up"))[-1].status.value == "freeze"
        await world.does("unfreeze", up)
        await world.ends(up)
        assert (await world.instances("down"))[-1].status.value == "success"


async def test_a_circle_of_jobs_is_refused_with_the_circle(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.scheduled("a", cron("0 0 8 * * ?"))
        await world.scheduled("b", below("a"))
        await world.job("a", cron("0 0 8 * * ?", dependJobs=after("b")))
        await world.stop("a")
        with pytest.raises(InvalidInput, match="a waits for b, b waits for a"):
            await world.start("a")


async def test_the_upstream_must_be_scheduled_when_a_job_is_started(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.job("up", cron("0 0 8 * * ?"))
        await world.job("down", below("up"))
        with pytest.raises(IllegalState, match=r"depend job \[up\] is not running or pause"):
            await world.start("down")
        await world.start("up")
        await world.start("down")


@pytest.mark.parametrize(("dependents", "allowed"), [("ALL", True), ("NONE", False), (["w" * 32], True), ([], False)])
async def test_a_job_of_another_workspace_is_waited_for_if_that_allows_it(
    tmp_path: Path, dependents: object, allowed: bool
) -> None:
    async with living(World(tmp_path, dependents=dependents)) as world:
        there = Place(project_id=PLACE.project_id, workspace_id="v" * 32)
        await world.scheduled("up", cron("0 0 8 * * ?"), place=there, node="Held")
        other = {"jobName": "up", "workSpaceId": there.workspace_id}
        await world.job("down", cron("0 0 9 * * ?", dependJobs={"otherWorkSpaceJobs": [other]}))
        if not allowed:
            with pytest.raises(IllegalState, match="does not let jobs of this workspace depend"):
                await world.start("down")
            return
        await world.start("down")
        await world.until(NINE)
        assert await world.states("down") == [("09:00", "waiting")]
        [instance_id] = world.hands.running
        world.hands.end(instance_id)
        await world.quiet()
        assert await world.states("down") == [("09:00", "success")]


async def test_a_dependency_can_be_taken_away_from_an_instance(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.scheduled("one", cron("0 0 8 * * ?"), node="Held")
        await world.scheduled("two", cron("0 0 8 * * ?"), node="Held")
        await world.scheduled("down", below("one", "two"))
        await world.until(NINE)
        down = await world.only("down")
        assert len(await world.why(down)) == 2
        await world.engine.remove_dependency(PLACE, down.id, "job:one", by="ada", operation_id="o1")
        await world.quiet()
        [unmet] = (await world.scheduler.why(PLACE, down.id)).unmet  # type: ignore[union-attr]
        assert unmet.key == "job:two"
        with pytest.raises(InvalidInput, match="no dependency 'job:three'"):
            await world.engine.remove_dependency(PLACE, down.id, "job:three", by="ada", operation_id="o2")
        await world.does("run-without-dependencies", down)
        assert await world.states("down") == [("09:00", "success")]
        with pytest.raises(IllegalState):
            await world.does("run-preferentially", down)


# ---------------------------------------------------------------- the job itself


async def test_five_instances_of_a_job_run_at_once_and_the_next_starts_when_one_ends(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", cron("0 * * * * ?", "minutes"), node="Held")
        await world.until("2026-03-10 08:07")
        states = [state for _, state in await world.states("often")]
        assert states == ["running"] * 5 + ["waiting"] * 2
        found = await world.instances("often")
        [unmet] = (await world.scheduler.why(PLACE, found[5].id)).unmet  # type: ignore[union-attr]
        assert (unmet.kind, unmet.instances) == ("job-slots", tuple(each.id for each in found[:5]))
        assert not unmet.removable
        await world.does("run-preferentially", found[6])
        await world.ends(found[2])
        states = [state for _, state in await world.states("often")]
        assert states == ["running", "running", "success", "running", "running", "waiting", "running"]


async def test_with_a_concurrency_of_one_instances_follow_each_other_whatever_their_end(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", cron("0 * * * * ?", "minutes", concurrent=1), node="Held")
        await world.until("2026-03-10 08:03")
        first, second, third = await world.instances("often")
        assert list(world.hands.running) == [first.id]
        await world.fails(first)
        assert list(world.hands.running) == [second.id]
        await world.ends(second)
        assert list(world.hands.running) == [third.id]


async def test_a_self_dependent_job_waits_for_its_previous_cycle(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", cron("0 * * * * ?", "minutes", dependPrePeriod=True), node="Held")
        await world.until("2026-03-10 08:03")
        first, second, third = await world.instances("often")
        assert [await world.why(each) for each in (first, second, third)] == [
            [],
            ["previous-cycle"],
            ["previous-cycle"],
        ]
        await world.fails(first)
        assert [state for _, state in await world.states("often")] == ["fail", "waiting", "waiting"]
        await world.does("force-success", first)
        assert [state for _, state in await world.states("often")] == ["success", "running", "waiting"]


@pytest.mark.parametrize(("ignored", "state"), [(True, "running"), (False, "waiting")])
async def test_the_first_instance_after_a_start_may_ignore_its_previous_cycle(
    tmp_path: Path, ignored: bool, state: str
) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", cron("0 * * * * ?", "minutes", dependPrePeriod=True), node="Held")
        await world.until("2026-03-10 08:01")
        await world.fails(await world.only("often"))
        await world.stop("often")
        await world.start("often", ignore_first_self_dep=ignored)
        await world.until("2026-03-10 08:02")
        assert [each for _, each in await world.states("often")] == ["fail", state]


async def test_waiting_instances_are_skipped_in_favour_of_the_newest(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        plan = cron("0 * * * * ?", "minutes", concurrent=1, schedule={"skipWaiting": True})
        await world.scheduled("often", plan, node="Held")
        for minute in range(1, 5):
            await world.until(f"2026-03-10 08:0{minute}")
        assert [state for _, state in await world.states("often")] == [
            "running",
            "skip-by-depend",
            "skip-by-depend",
            "waiting",
        ]
        found = await world.instances("often")
        assert f"newer instance {found[2].id}" in (found[1].message or "")
        await world.ends(found[0])
        assert list(world.hands.running) == [found[3].id]


async def test_an_instance_waits_for_its_confirmation_and_then_for_the_rest(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.scheduled("up", cron("0 0 8 * * ?"), node="Held")
        await world.scheduled("down", below("up", schedule={"manualConfirmation": True}))
        await world.until(NINE)
        down = await world.only("down")
        assert down.status.value == "waiting-confirm"
        assert await world.why(down) == ["confirmation", "upstream"]
        await world.does("confirm", down)
        assert (await world.only("down")).status.value == "waiting"
        await world.ends(await world.only("up"))
        assert (await world.only("down")).status.value == "success"


async def test_a_restarted_instance_is_confirmed_again_and_waits_for_nothing_else(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await world.scheduled("up", cron("0 0 8 * * ?"), node="Held")
        await world.scheduled("down", below("up", schedule={"manualConfirmation": True}), node="Held")
        await world.until(NINE)
        await world.does("confirm", await world.only("down"))
        await world.ends(await world.only("up"))
        await world.fails(await world.only("down"))
        down = await world.only("down")
        await world.engine.restart(PLACE, down.id, by="ada", operation_id="again")
        await world.quiet()
        again = await world.only("down")
        assert (again.status.value, again.start_time_ms) == ("waiting-confirm", None)
        assert await world.why(again) == ["confirmation"]
        await world.engine.operate(PLACE, down.id, "confirm", by="ada", operation_id="confirmed again")
        await world.quiet()
        assert (await world.only("down")).status.value == "running"
        await world.ends(down)
        assert (await world.only("down")).status.value == "success"


@pytest.mark.parametrize("days", [2, 60])
async def test_an_instance_that_waits_for_too_long_is_cancelled(tmp_path: Path, days: int) -> None:
    async with living(World(tmp_path, waitingDays=days)) as world:
        await pair(world, "SUSPEND")
        await world.until(NINE)
        await world.stop("down")
        down = await world.only("down")
        world.clock.jump(days * 86_400_000 - 1)
        await world.quiet()
        assert (await world.only("down")).status.value == "waiting"
        world.clock.jump(1)
        await world.quiet()
        ended = (await world.instances("down"))[0]
        assert (ended.id, ended.status.value) == (down.id, "manual-stop")
        assert f"longer than {days} days" in (ended.message or "")


async def test_on_a_day_without_work_nothing_is_executed(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        calendar = DefinitionWrite(
            name="work",
            category="",
            directory="/",
            body={"default": "MON_TO_FRI", "changed": {"2026-03-11": False}},
            submit=True,
            actor="ada",
            at_ms=0,
        )
        await world.store.create_definition(PLACE, Kind.CALENDAR, calendar)
        await world.scheduled("daily", cron("0 0 8 * * ?", schedule={"calendar": "work"}), node="Held")
        await world.until(EIGHT)
        works = await world.only("daily")
        assert (works.dry_run, works.status.value) == (False, "running")
        await world.until("2026-03-11 08:00")
        _, holiday = await world.instances("daily")
        assert (holiday.dry_run, holiday.status.value) == (True, "success")


@pytest.mark.parametrize("named", ['"work", ', ""])
async def test_expressions_count_working_days_by_the_calendar(tmp_path: Path, named: str) -> None:
    function = "getCalendarPreviousWorkday" if named else "getPreviousWorkday"
    async with living(World(tmp_path, now="2026-03-13 07:00")) as world:
        calendar = DefinitionWrite(
            name="work",
            category="",
            directory="/",
            body={"default": "MON_TO_FRI", "changed": {"2026-03-12": False}},
            submit=True,
            actor="ada",
            at_ms=0,
        )
        await world.store.create_definition(PLACE, Kind.CALENDAR, calendar)
        text = f'#{{Job.{function}({named}1, "yyyy-MM-dd")}}'
        node = {"name": "only", "type": "Held", "properties": [{"name": "day", "value": text}]}
        await world.scheduled("daily", cron("0 0 8 * * ?", schedule={"calendar": "work"}), nodes=[node])
        await world.until("2026-03-13 08:00")
        instance = await world.only("daily")
        async with asyncio.timeout(30):  # the calendar is looked up first
            while not (attempts := await world.store.list_attempts(instance.id)):
                await asyncio.sleep(0.01)
        assert [each.request["properties"]["day"] for each in attempts] == ["2026-03-11"]


# ---------------------------------------------------------------- crashes


async def test_after_a_restart_gates_are_judged_anew(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await pair(world)
        await world.until(NINE)
        up = await world.only("up")
    async with living(World(tmp_path, now=NINE)) as world:
        assert await world.states("down") == [("09:00", "waiting")]
        await world.ends(up)
        assert await world.states("down") == [("09:00", "success")]


async def test_what_ended_while_nobody_looked_releases_its_waiters_after_a_restart(tmp_path: Path) -> None:
    async with living(World(tmp_path)) as world:
        await pair(world)
        await world.until(NINE)
        await world.scheduler.close()  # the gates are gone, the engine goes on
        world.hands.end((await world.only("up")).id)
        async with asyncio.timeout(10):
            while (await world.only("up")).status.value != "success":
                await world.store.ping()
        assert await world.states("down") == [("09:00", "waiting")]
    async with living(World(tmp_path, now=NINE)) as world:
        assert await world.states("down") == [("09:00", "success")]


async def test_the_limit_of_a_job_holds_over_a_restart(tmp_path: Path) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", cron("0 * * * * ?", "minutes"), node="Held")
        await world.until("2026-03-10 08:07")
    async with living(World(tmp_path, now="2026-03-10 08:07")) as world:
        await world.until("2026-03-10 08:08")
        assert [state for _, state in await world.states("often")] == ["running"] * 5 + ["waiting"] * 3
