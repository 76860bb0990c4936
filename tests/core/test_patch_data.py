"""Patches: which runs they have, in which order, and what may start next; and how their documents are read."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import some

from arkwright.core.patch_data import (
    DayWindow,
    Patch,
    PatchJob,
    PatchPlan,
    PatchState,
    RunState,
    RunWindow,
    Thinning,
    ThinningUnit,
    next_opening,
)
from arkwright.core.patch_document import WrongDate, read_patch_plan
from arkwright.core.quartz import parse_quartz
from arkwright.core.schedule import Cron, Cycle, Dependency, DependencyPolicy, DependFailPolicy
from arkwright.errors import InvalidInput

NEVER = 1 << 60
BERLIN = "Europe/Berlin"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def cron(expression: str, cycle: Cycle = Cycle.DAY, zone: str = "UTC", **more: Any) -> Cron:
    return Cron(expression=expression, fields=parse_quartz(expression), zone=zone, cycle=cycle, **more)


DAILY = cron("0 0 2 * * ?")
HOURLY = cron("0 0 * * * ?", Cycle.HOUR)
MARCH = (at("2026-03-01 00:00"), at("2026-03-31 23:59"))


def job(plan: Cron = DAILY, job_id: int = 1, **more: Any) -> PatchJob:
    return PatchJob(job_id=job_id, name=f"job{job_id}", cron=plan, **more)


def plan(*spans: tuple[int, int], zone: str = "UTC", **more: Any) -> PatchPlan:
    return PatchPlan(spans=spans or (MARCH,), zone=zone, **more)


def shown(patch: Patch) -> list[str]:
    return [datetime.fromtimestamp(run.plan_time_ms / 1000, UTC).strftime("%m-%d %H") for run in patch.runs]


# ---------------------------------------------------------------- which runs there are


def test_a_span_holds_both_its_ends_and_reaches_at_most_to_now() -> None:
    two = (at("2026-03-01 02:00"), at("2026-03-03 02:00"))
    assert shown(Patch(plan(two), [job()], NEVER)) == ["03-01 02", "03-02 02", "03-03 02"]
    assert shown(Patch(plan(two), [job()], at("2026-03-02 02:00"))) == ["03-01 02", "03-02 02"]


def test_days_before_the_schedule_took_effect_are_run() -> None:
    late = cron("0 0 2 * * ?", start_ms=at("2027-01-01 00:00"), end_ms=at("2027-02-01 00:00"))
    assert len(Patch(plan(), [job(late)], NEVER).runs) == 31


def test_several_spans_are_one_patch_and_no_time_is_in_it_twice() -> None:
    spans = [(at("2026-03-05 00:00"), at("2026-03-06 00:00")), (at("2026-03-01 00:00"), at("2026-03-05 12:00"))]
    assert shown(Patch(plan(*spans), [job()], NEVER)) == [f"03-0{day} 02" for day in range(1, 6)]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (DayWindow(from_minute=120, to_minute=300), ["02", "03", "04"]),
        (DayWindow(from_minute=22 * 60, to_minute=60), ["00", "22", "23"]),
    ],
)
def test_only_plan_times_in_a_part_of_the_day(hours: DayWindow, expected: list[str]) -> None:
    span = (at("2026-03-01 00:00"), at("2026-03-01 23:59"))
    assert [each[-2:] for each in shown(Patch(plan(span, instance_times=hours), [job(HOURLY)], NEVER))] == expected


THINNED = [
    (1, ThinningUnit.HOURS, HOURLY, "2026-03-01 00:00", ["03-01 00", "03-01 01", "03-01 02"]),
    (6, ThinningUnit.HOURS, HOURLY, "2026-03-01 00:00", ["03-01 00", "03-01 06", "03-01 12"]),
    (2, ThinningUnit.DAYS, HOURLY, "2026-03-01 00:00", ["03-01 00", "03-03 00", "03-05 00"]),
    (2, ThinningUnit.DAYS, DAILY, "2026-03-01 12:00", ["03-02 02", "03-04 02", "03-06 02"]),
    (1, ThinningUnit.WEEKS, DAILY, "2026-03-01 00:00", ["03-01 02", "03-08 02", "03-15 02"]),
    (1, ThinningUnit.MONTHS, DAILY, "2026-01-15 00:00", ["01-15 02", "02-15 02", "03-15 02"]),
    (1, ThinningUnit.MONTHS, DAILY, "2026-01-31 00:00", ["01-31 02", "02-28 02", "03-31 02"]),
    (1, ThinningUnit.MONTHS, DAILY, "2026-02-28 00:00", ["02-28 02", "03-31 02", "04-30 02"]),
    (2, ThinningUnit.MONTHS, DAILY, "2026-01-01 00:00", ["01-01 02", "03-01 02", "05-01 02"]),
]


@pytest.mark.parametrize(("every", "unit", "expression", "start", "expected"), THINNED)
def test_a_patch_may_be_thinned(
    every: int, unit: ThinningUnit, expression: Cron, start: str, expected: list[str]
) -> None:
    thinned = plan((at(start), at("2026-08-01 00:00")), thinning=Thinning(every=every, unit=unit))
    assert shown(Patch(thinned, [job(expression)], NEVER))[:3] == expected


def test_newest_day_first_and_ascending_inside_a_day_of_the_plans_zone() -> None:
    span = (at("2026-03-01 22:00"), at("2026-03-03 01:00"))
    six = cron("0 0 0/6 * * ?", Cycle.HOUR, BERLIN)
    found = Patch(plan(span, zone=BERLIN, reverse=True), [job(six)], NEVER)
    assert shown(found) == ["03-02 23", "03-01 23", "03-02 05", "03-02 11", "03-02 17"]


@pytest.mark.parametrize("thinning", [None, Thinning(every=1, unit=ThinningUnit.MONTHS)])
def test_a_patch_has_a_limit_also_where_few_of_its_times_are_run(thinning: Thinning | None) -> None:
    years = (at("2000-01-01 00:00"), at("2030-01-01 00:00"))
    with pytest.raises(InvalidInput, match="more") as caught:
        Patch(plan(years, thinning=thinning), [job(cron("0 * * * * ?", Cycle.MINUTE))], NEVER)
    assert caught.value.field == "end_date"


# ---------------------------------------------------------------- what may start


def started(patch: Patch, states: dict[tuple[int, int], RunState]) -> list[tuple[int, int]]:
    return [(run.job_id, run.plan_time_ms) for run in patch.decide(states).start]


def test_who_waits_inside_the_patch_comes_after_whom_it_waits_for() -> None:
    same = [
        job(job_id=1, dependencies=((2, Dependency(job="job2")),)),
        job(job_id=2, dependencies=((3, Dependency(job="job3")),)),
        job(job_id=3),
    ]
    found = Patch(plan((at("2026-03-01 00:00"), at("2026-03-01 12:00")), parallel=3), same, NEVER)
    assert [run.job_id for run in found.runs] == [3, 2, 1]
    assert [each[0] for each in started(found, {})] == [3]


@pytest.mark.parametrize(
    ("policy", "state", "starts"),
    [
        (DependFailPolicy.FAIL, PatchState.FAIL, 0),
        (DependFailPolicy.IGNORE, PatchState.RUNNING, 1),
        (DependFailPolicy.SUSPEND, PatchState.RUNNING, 0),
    ],
)
def test_a_failure_inside_the_patch_means_what_the_dependency_says(
    policy: DependFailPolicy, state: PatchState, starts: int
) -> None:
    jobs = [job(job_id=1, dependencies=((2, Dependency(job="job2", fail_policy=policy)),)), job(job_id=2)]
    found = Patch(plan((at("2026-03-01 00:00"), at("2026-03-01 12:00"))), jobs, NEVER)
    decision = found.decide({(2, at("2026-03-01 02:00")): RunState.FAILED})
    assert (decision.state, len(decision.start)) == (state, starts)


def test_in_reverse_order_nothing_waits_for_an_earlier_day() -> None:
    back = job(job_id=1, self_dependent=True, dependencies=((2, Dependency(job="job2", periods_back=1)),))
    span = (at("2026-03-01 00:00"), at("2026-03-02 12:00"))
    found = Patch(plan(span, reverse=True, parallel=5), [back, job(job_id=2)], NEVER)
    assert len(started(found, {})) == 4
    forwards = Patch(plan(span, parallel=5), [back, job(job_id=2)], NEVER)
    first, second = at("2026-03-01 02:00"), at("2026-03-02 02:00")
    assert started(forwards, {}) == [(1, first), (2, first), (2, second)]


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([job(job_id=1, dependencies=((1, Dependency(job="job1")),))], "job1 -> job1"),
        (
            [
                job(job_id=1, dependencies=((2, Dependency(job="job2")),)),
                job(job_id=2, dependencies=((1, Dependency(job="job1")),)),
            ],
            "job1 -> job2 -> job1",
        ),
        (
            [
                job(HOURLY, job_id=1, policy=DependencyPolicy.TRADITIONAL, dependencies=((2, Dependency(job="job2")),)),
                job(job_id=2),
            ],
            "coarser",
        ),
    ],
)
def test_jobs_that_can_not_wait_for_each_other_are_refused(jobs: list[PatchJob], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        Patch(plan(), jobs, NEVER)
    assert caught.value.field == "depend_jobs"


@given(
    seed=st.integers(0, 2**32),
    parallel=st.integers(1, 5),
    by_day=st.booleans(),
    stops=st.booleans(),
    reverse=st.booleans(),
    failures=st.sampled_from([0.0, 0.1, 0.5]),
)
@settings(max_examples=some(80), deadline=None)
def test_every_run_ends_once_and_all_rules_hold(
    seed: int, parallel: int, by_day: bool, stops: bool, reverse: bool, failures: float
) -> None:
    dice = random.Random(seed)
    hours = cron("0 0 0/4 * * ?", Cycle.HOUR)
    jobs = [job(job_id=1, dependencies=((2, Dependency(job="job2")),)), job(hours, job_id=2)]
    stops = stops and by_day
    wish = plan(
        (at("2026-03-01 00:00"), at("2026-03-04 23:00")),
        parallel=parallel,
        by_day=by_day,
        stop_on_failure=stops,
        reverse=reverse,
    )
    patch = Patch(wish, jobs, NEVER)
    days = {(run.job_id, run.plan_time_ms): run.day for run in patch.runs}
    states: dict[tuple[int, int], RunState] = {}
    while (decision := patch.decide(states)).state is PatchState.RUNNING:
        failed = RunState.FAILED in states.values()
        for run in decision.start:
            key = (run.job_id, run.plan_time_ms)
            assert key not in states
            assert not (stops and failed)
            if run.job_id == 1:
                ups = [(2, run.plan_time_ms + (4 * n - 2) * 3_600_000) for n in range(6)]
                assert all(states.get(up) is RunState.SUCCEEDED for up in ups)
            states[key] = RunState.RUNNING
        running = [key for key, state in states.items() if state is RunState.RUNNING]
        assert 0 < len(running) <= parallel
        if by_day:
            assert len({days[key] for key in running}) == 1
        states[dice.choice(running)] = RunState.FAILED if dice.random() < failures else RunState.SUCCEEDED
    assert RunState.RUNNING not in states.values()
    assert decision.done == len(patch.runs)
    assert (decision.state is PatchState.FAIL) == (RunState.FAILED in states.values())
    if decision.state is PatchState.SUCCESS:
        assert len(states) == len(patch.runs)


# ---------------------------------------------------------------- when runs may start

OPENINGS = [
    (RunWindow(time_of_day=DayWindow(from_minute=600, to_minute=660)), "2026-03-10 09:00", "2026-03-10 10:00"),
    (RunWindow(time_of_day=DayWindow(from_minute=600, to_minute=660)), "2026-03-10 10:30", "2026-03-10 10:30"),
    (RunWindow(time_of_day=DayWindow(from_minute=600, to_minute=660)), "2026-03-10 11:00", "2026-03-11 10:00"),
    (RunWindow(time_of_day=DayWindow(from_minute=1320, to_minute=120)), "2026-03-10 01:00", "2026-03-10 01:00"),
    (RunWindow(time_of_day=DayWindow(from_minute=1320, to_minute=120)), "2026-03-10 02:00", "2026-03-10 22:00"),
    (RunWindow(weekdays=(7,)), "2026-03-10 09:00", "2026-03-15 00:00"),
    (RunWindow(month_days=(1, 3)), "2026-03-10 09:00", "2026-04-01 00:00"),
    (RunWindow(month_days=(30,), weekdays=(1,)), "2026-01-31 00:00", "2026-03-30 00:00"),
    (
        RunWindow(month_days=(10,), time_of_day=DayWindow(from_minute=1320, to_minute=120)),
        "2026-03-11 01:00",
        "2026-03-11 01:00",
    ),
]


@pytest.mark.parametrize(("window", "now", "opens"), OPENINGS)
def test_runs_start_when_their_window_opens(window: RunWindow, now: str, opens: str) -> None:
    assert next_opening(window, "UTC", at(now)) == at(opens)


def test_a_window_may_never_open() -> None:
    rare = RunWindow(month_days=(31,), weekdays=(1,))
    assert next_opening(rare, "UTC", at("2026-09-01 00:00")) == at("2027-05-31 00:00")
    assert next_opening(RunWindow(month_days=(32,)), "UTC", at("2026-03-10 09:00")) is None


# ---------------------------------------------------------------- documents

BODY = {"start_date": "2023-08-21T00:00:00 +08", "end_date": "2023-08-23T00:00:00 +08", "parallel": 2}


def test_all_that_a_document_says_is_read() -> None:
    found = read_patch_plan(
        {
            **BODY,
            "parallel": "5",
            "is_day_granularity": True,
            "is_stop_when_fail": "true",
            "reverse_order": 1,
            "supplement_data_run_time": {"time_of_day": "10:15-23:30", "day_of_week": "1,7", "day_of_month": "1, 3"},
            "supplement_data_instance_time": {"days": ["2023-08-23", "20230821"], "time_of_day": "22:00-24:00"},
            "supplement_data_period": {"value": 2, "unit": "weeks"},
            "ignore_obs_listening": True,
        },
        zone="Asia/Shanghai",
    )
    assert found == PatchPlan(
        spans=(
            (at("2023-08-20 16:00"), at("2023-08-21 16:00") - 1),
            (at("2023-08-22 16:00"), at("2023-08-23 16:00") - 1),
        ),
        zone="Asia/Shanghai",
        parallel=5,
        by_day=True,
        stop_on_failure=True,
        reverse=True,
        thinning=Thinning(every=2, unit=ThinningUnit.WEEKS),
        instance_times=DayWindow(from_minute=1320, to_minute=1440),
        run_window=RunWindow(
            time_of_day=DayWindow(from_minute=615, to_minute=1410), weekdays=(6, 7), month_days=(1, 3)
        ),
        ignore_obs_listening=True,
    )


def test_a_window_of_no_length_is_none() -> None:
    found = read_patch_plan({**BODY, "supplement_data_run_time": {"time_of_day": "00:00-00:00"}}, zone="UTC")
    assert found == PatchPlan(spans=((at("2023-08-20 16:00"), at("2023-08-22 16:00")),), zone="UTC", parallel=2)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"start_date": "2023-08-21"}, "start_date"),
        ({"start_date": "2023-02-30T00:00:00 +08"}, "start_date"),
        ({"end_date": None}, "end_date"),
        ({"parallel": None}, "parallel"),
        ({"parallel": 6}, "parallel"),
        ({"parallel": True}, "parallel"),
        ({"is_stop_when_fail": True}, "is_stop_when_fail"),
        ({"reverse_order": 2}, "reverse_order"),
        ({"force": "maybe"}, "force"),
        ({"supplement_data_run_time": []}, "supplement_data_run_time"),
        ({"supplement_data_run_time": {"time_of_day": "9-10"}}, "supplement_data_run_time.time_of_day"),
        ({"supplement_data_run_time": {"day_of_week": "0"}}, "supplement_data_run_time.day_of_week"),
        ({"supplement_data_run_time": {"day_of_month": "1;3"}}, "supplement_data_run_time.day_of_month"),
        ({"supplement_data_instance_time": {"days": ["2023-13-01"]}}, "supplement_data_instance_time.days[0]"),
        ({"supplement_data_instance_time": {"days": "2023-08-21"}}, "supplement_data_instance_time.days"),
        ({"supplement_data_period": {"value": 0, "unit": "days"}}, "supplement_data_period.value"),
        ({"supplement_data_period": {"value": 1, "unit": "years"}}, "supplement_data_period.unit"),
    ],
)
def test_what_can_not_be_read_names_its_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_patch_plan({**BODY, **changed}, zone="UTC")
    assert caught.value.field == field
    assert isinstance(caught.value, WrongDate) == (field in ("start_date", "end_date"))
