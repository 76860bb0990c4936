"""The simulation against an oracle that shares no code with it, against the real scheduler, and its speed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from tests.core.oracle_fire_times import fires
from tests.scheduler.world import World, after, at, cron, living

from arkwright.core.calendar import Calendar
from arkwright.core.planning import PlanSettings, UpstreamJob
from arkwright.core.schedule_document import read_schedule
from arkwright.scheduler.simulation import simulate
from arkwright.scheduler.simulation_compare import compare, compare_history
from arkwright.scheduler.simulation_records import SimulatedJob, Simulation

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FROM, TO = at("2026-03-01 00:00"), at("2026-04-01 00:00")
SETTINGS = PlanSettings()


def jobs(documents: dict[str, dict[str, Any]], **more: dict[str, Any]) -> list[SimulatedJob]:
    """By name; keywords are fields of the simulated job of that name."""
    schedules = {name: read_schedule({"schedule": each}, default_zone="UTC") for name, each in documents.items()}
    ids = {name: number for number, name in enumerate(documents, 1)}
    found = []
    for name, schedule in schedules.items():
        assert schedule.cron is not None
        upstreams = []
        for dependency in schedule.dependencies:
            plan = schedules[dependency.job].cron
            assert plan is not None
            job = UpstreamJob(job_id=ids[dependency.job], job_name=dependency.job, workspace_id="w", cron=plan)
            upstreams.append((dependency, job))
        found.append(
            SimulatedJob(
                **{
                    "job_id": ids[name],
                    "name": name,
                    "workspace_id": "w",
                    "schedule": schedule,
                    "cron": schedule.cron,
                    "settings": SETTINGS,
                    "upstreams": upstreams,
                    **more.get(name, {}),
                }
            )
        )
    return found


def starts(found: Simulation, job: str) -> list[tuple[str, str]]:
    """(plan time, start) of a job's instances."""
    return [
        (clock(each.planTime), "" if each.startTime is None else clock(each.startTime))
        for each in found.instances
        if each.job == job
    ]


def clock(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%d %H:%M")


# ---------------------------------------------------------------- the oracle


def oracle(plans: dict[str, tuple[str, str, str]], durations: dict[str, int]) -> dict[tuple[str, int], tuple[int, int]]:
    """(job, plan time) to start and end. `plans`: expression, zone, upstream job or empty. A daily job waits for all
    of the upstream's instances of its calendar day (UTC); at most five instances of a job run at once, oldest first."""
    times = {
        name: fires(expression, zone, datetime.fromtimestamp(FROM / 1000, UTC), datetime.fromtimestamp(TO / 1000, UTC))
        for name, (expression, zone, _) in plans.items()
    }
    ends: dict[tuple[str, int], tuple[int, int]] = {}

    def work(name: str) -> None:
        if any(job == name for job, _ in ends):
            return
        upstream = plans[name][2]
        if upstream:
            work(upstream)
        ready = []
        for plan in times[name]:
            begin = plan
            if upstream:
                day = datetime.fromtimestamp(plan / 1000, UTC).replace(hour=0, minute=0)
                first, last = day.timestamp() * 1000, (day + timedelta(days=1)).timestamp() * 1000
                begin = max([plan, *(ends[upstream, each][1] for each in times[upstream] if first <= each < last)])
            ready.append((begin, plan))
        running: list[int] = []
        for begin, plan in sorted(ready):
            running = sorted(each for each in running if each > begin)
            start = begin if len(running) < 5 else running[-5]
            running.append(start + durations[name])
            ends[name, plan] = (start, start + durations[name])

    for name in plans:
        work(name)
    return ends


@pytest.mark.long
def test_a_month_of_a_hundred_jobs_is_simulated_in_seconds_and_right() -> None:
    pick = random.Random(5)
    plans: dict[str, tuple[str, str, str]] = {}
    durations: dict[str, int] = {}
    zones = ["UTC", "Europe/Berlin", "America/New_York"]
    for number in range(10):
        plans[f"minute{number}"] = (f"0 {number}/15 * * * ?", "UTC", "")
    for number in range(30):
        plans[f"hour{number}"] = (f"0 {number} * * * ?", pick.choice(zones), "")
    for number in range(60):
        upstream = pick.choice(["", f"hour{number % 30}", f"minute{number % 10}"])
        zone = "UTC" if upstream else pick.choice(zones)
        plans[f"day{number}"] = (f"0 {number} {number % 24} * * ?", zone, upstream)
    for name in plans:
        durations[name] = pick.choice([1, 7, 70, 200]) * MINUTE
    documents = {
        name: cron(
            expression,
            {"m": "minutes", "h": "hours", "d": "days"}[name[0]],
            expressionTimeZone=zone,
            **({"dependJobs": after(upstream)} if upstream else {}),
        )
        for name, (expression, zone, upstream) in plans.items()
    }
    started = process_time()
    found = simulate(jobs(documents, **{name: {"duration_ms": each} for name, each in durations.items()}), FROM, TO)
    took = process_time() - started
    expected = oracle(plans, durations)
    got = {(each.job, each.planTime): each for each in found.instances}
    assert got.keys() == expected.keys()
    for key, (start, end) in expected.items():
        each = got[key]
        assert (each.startTime, each.endTime) == (
            start if start < TO else None,
            end if end < TO else None,
        ), (key, clock(start), each)
    assert len(got) > 50_000
    assert took < 30  # CPU seconds; measured: 3


# ---------------------------------------------------------------- the real scheduler


@pytest.mark.anyio
async def test_the_real_scheduler_does_what_was_simulated(tmp_path: Path) -> None:
    documents = {
        "hourly": cron("0 0 * * * ?", "hours"),
        "self": cron("0 30 0/6 * * ?", "hours", dependPrePeriod=True),
        "daily": cron("0 0 8 * * ?", dependJobs=after("hourly", policy="IGNORE")),
        "before": cron("0 0 9 * * ?", dependJobs=after("daily", dependPeriod="PRE_PERIOD")),
    }
    first, last = at("2026-03-10 00:01"), at("2026-03-12 12:00")
    instant = {name: {"duration_ms": 0} for name in documents}
    expected = simulate(jobs(documents, **instant), first, last)
    async with living(World(tmp_path, now="2026-03-10 00:00")) as world:
        await world.until("2026-03-10 00:01")
        for name, schedule in documents.items():
            await world.scheduled(name, schedule)
        now = first
        while now < last - 30 * MINUTE:
            now += 30 * MINUTE - now % (30 * MINUTE)
            await world.until(datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%d %H:%M"))
        real = {
            (each.job_name, each.plan_time_ms): (each.status.value, each.start_time_ms)
            for each in await world.instances()
        }
    assert real == {(each.job, each.planTime): (each.status, each.startTime) for each in expected.instances}


# ---------------------------------------------------------------- single rules


def test_a_run_that_takes_longer_than_its_period_queues_and_says_so() -> None:
    found = simulate(
        jobs({"slow": cron("0 0 * * * ?", "hours", concurrent=1)}, slow={"duration_ms": 90 * MINUTE}),
        at("2026-03-01 00:00"),
        at("2026-03-01 04:00"),
    )
    assert starts(found, "slow") == [
        ("01 00:00", "01 00:00"),
        ("01 01:00", "01 01:30"),
        ("01 02:00", "01 03:00"),
        ("01 03:00", ""),
    ]
    kinds = {each.kind: each for each in found.conflicts}
    assert set(kinds) == {"queued", "late", "never-starts"}
    assert (kinds["queued"].count, kinds["queued"].planTime) == (3, at("2026-03-01 01:00"))


def test_what_waits_is_skipped_in_favour_of_the_newest() -> None:
    schedule = cron("0 0 * * * ?", "hours", concurrent=1, schedule={"skipWaiting": True})
    found = simulate(jobs({"slow": schedule}, slow={"duration_ms": 150 * MINUTE}), FROM, FROM + 5 * HOUR)
    states = ["success", "skip-by-depend", "running", "skip-by-depend", "waiting"]
    assert [each.status for each in found.instances] == states
    assert "skipped" in {each.kind for each in found.conflicts}


@pytest.mark.parametrize(("policy", "status"), [("FAIL", "manual-stop"), ("IGNORE", "success"), ("SUSPEND", "waiting")])
def test_a_failing_upstream_job_does_what_the_policy_says(policy: str, status: str) -> None:
    documents = {"up": cron("0 0 2 * * ?"), "down": cron("0 0 3 * * ?", dependJobs=after("up", policy=policy))}
    found = simulate(jobs(documents, up={"fails": True}), FROM, FROM + DAY)
    assert [(each.job, each.status) for each in found.instances] == [("up", "fail"), ("down", status)]


def test_windows_and_reasons_are_told() -> None:
    documents = {"up": cron("0 0 4 * * ?"), "down": cron("0 0 3 * * ?", dependJobs=after("up"))}
    found = simulate(jobs(documents), FROM, FROM + DAY)
    [down] = [each for each in found.instances if each.job == "down"]
    assert down.windows == ("up: all instances of the calendar day 2026-03-01 (UTC)",)
    assert "still to come" in down.waitedFor[0]
    assert down.startTime == at("2026-03-01 04:01")


def test_days_without_work_are_dry_runs() -> None:
    found = simulate(
        jobs({"daily": cron("0 0 2 * * ?")}, daily={"calendar": Calendar(name="work")}), FROM, FROM + 7 * DAY
    )
    assert [each.dryRun for each in found.instances] == [True, False, False, False, False, False, True]
    assert found.instances[0].endTime == found.instances[0].startTime


def test_what_can_not_be_scheduled_is_a_conflict_and_plans_nothing() -> None:
    found = simulate(jobs({"a": cron("0 0 2 * * ?")}, a={"problems": ["it waits for itself"]}), FROM, TO)
    assert (list(found.instances), [each.kind for each in found.conflicts]) == ([], ["not-schedulable"])


def test_a_change_is_shown_as_a_difference() -> None:
    before = simulate(jobs({"a": cron("0 0 2 * * ?"), "b": cron("0 0 3 * * ?")}), FROM, FROM + 2 * DAY)
    changed = {"a": cron("0 0 2 * * ?"), "b": cron("0 0 3 * * ?", dependJobs=after("a"))}
    same_times = compare(before, simulate(jobs(changed, a={"duration_ms": 2 * HOUR}), FROM, FROM + 2 * DAY))
    assert [(each.change, each.job, sorted(each.fields)) for each in same_times][:2] == [
        ("changed", "a", ["endTime"]),
        ("changed", "b", ["endTime", "startTime", "windows"]),
    ]
    moved = compare(before, simulate(jobs({"a": cron("0 0 2 * * ?"), "b": cron("0 0 5 * * ?")}), FROM, FROM + DAY))
    assert [(each.change, each.job, clock(each.planTime)) for each in moved] == [
        ("removed", "b", "01 03:00"),
        ("added", "b", "01 05:00"),
        ("removed", "a", "02 02:00"),
        ("removed", "b", "02 03:00"),
    ]
    assert compare(before, before) == []


def test_a_history_is_compared_by_its_plan_times() -> None:
    found = simulate(jobs({"a": cron("0 0 2 * * ?"), "b": cron("0 0 3 * * ?")}), FROM, FROM + 2 * DAY)
    history = [
        ("a", at("2026-03-01 02:00")),
        ("a", at("2026-03-01 02:30")),
        ("gone", FROM),
        ("a", at("2025-01-01 02:00")),
    ]
    shadow = compare_history(found, history, frozenset({"a", "b"}), FROM, FROM + 2 * DAY)
    assert shadow.matched == 1
    assert [each["planTime"] for each in shadow.missing] == [at("2026-03-01 02:30")]
    assert [each["planTime"] for each in shadow.extra] == [at("2026-03-02 02:00")]
    assert shadow.unknown == ["gone"]
