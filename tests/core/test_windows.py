"""Which upstream plan times a run waits for: every cell of factory-behaviour 4.5, midnights, month ends, clocks."""

from __future__ import annotations

import itertools
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import some

from arkwright.core.quartz import parse_quartz
from arkwright.core.schedule import Cron, Cycle, Dependency, DependencyPolicy, Take
from arkwright.core.windows import awaited, why_not, windows
from arkwright.errors import Code, InvalidInput

TRADITIONAL, NATURAL = DependencyPolicy.TRADITIONAL, DependencyPolicy.NATURAL
BERLIN = "Europe/Berlin"

PLANS = {
    "minute": ("0 0/5 * * * ?", Cycle.MINUTE),
    "quarter": ("0 0/15 * * * ?", Cycle.MINUTE),
    "office": ("0 0/15 9-17 * * ?", Cycle.MINUTE),
    "fifty": ("0 0/50 * * * ?", Cycle.MINUTE),
    "hour": ("0 10 * * * ?", Cycle.HOUR),
    "full hour": ("0 0 * * * ?", Cycle.HOUR),
    "six hours": ("0 0 0/6 * * ?", Cycle.HOUR),
    "some hours": ("0 0 1,8,20 * * ?", Cycle.HOUR),
    "day": ("0 0 2 * * ?", Cycle.DAY),
    "late day": ("0 0 23 * * ?", Cycle.DAY),
    "week": ("0 0 3 ? * 1", Cycle.WEEK),
    "month": ("0 0 4 1 * ?", Cycle.MONTH),
    "season": ("0 0 4 1 1/3 ?", Cycle.SEASON),
    "year": ("0 0 4 1 1 ?", Cycle.YEAR),
}


def plan(name: str, zone: str = BERLIN) -> Cron:
    expression, cycle = PLANS[name]
    return Cron(expression=expression, fields=parse_quartz(expression), zone=zone, cycle=cycle)


def at(text: str, zone: str = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def shown(ms: int, zone: str = BERLIN) -> str:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)).strftime("%m-%d %H:%M")


def spans(policy: DependencyPolicy, one: str, other: str, when: str, back: int = 0, take: Take = Take.DEFAULT) -> str:
    """The first and last awaited plan times of each window, how many, and what counts."""
    dependency = Dependency(job="other", periods_back=back, take=take)
    found = []
    for window in windows(policy, plan(one), plan(other), at(when), dependency):
        times = awaited(window, plan(other))
        if not times:
            found.append(f"{window.take}: none")
        elif len(times) == 1:
            found.append(f"{window.take}: {shown(times[0])}")
        else:
            found.append(f"{window.take}: {shown(times[0])} .. {shown(times[-1])} = {len(times)}")
    return "; ".join(found)


TRADITIONAL_CELLS = [
    # downstream, upstream, plan time, back, what is waited for
    # same granularity: (T - P, T]
    ("minute", "minute", "2026-11-22T10:05", 0, "ALL: 11-22 10:05"),
    ("quarter", "minute", "2026-11-22T10:15", 0, "ALL: 11-22 10:05 .. 11-22 10:15 = 3"),
    ("minute", "quarter", "2026-11-22T10:05", 0, "ALL: none"),
    ("minute", "quarter", "2026-11-22T10:15", 0, "ALL: 11-22 10:15"),
    ("quarter", "minute", "2026-11-22T00:00", 0, "ALL: 11-21 23:50 .. 11-22 00:00 = 3"),
    ("office", "minute", "2026-11-22T09:00", 0, "ALL: 11-22 08:50 .. 11-22 09:00 = 3"),
    ("fifty", "minute", "2026-11-22T10:00", 0, "ALL: 11-22 09:55 .. 11-22 10:00 = 2"),
    ("fifty", "minute", "2026-11-22T10:50", 0, "ALL: 11-22 10:05 .. 11-22 10:50 = 10"),
    ("full hour", "hour", "2026-11-22T10:00", 0, "ALL: 11-22 09:10"),
    ("hour", "full hour", "2026-11-22T10:10", 0, "ALL: 11-22 10:00"),
    ("six hours", "full hour", "2026-11-22T06:00", 0, "ALL: 11-22 01:00 .. 11-22 06:00 = 6"),
    ("some hours", "full hour", "2026-11-22T08:00", 0, "ALL: 11-22 02:00 .. 11-22 08:00 = 7"),
    ("some hours", "full hour", "2026-11-22T01:00", 0, "ALL: 11-21 21:00 .. 11-22 01:00 = 5"),
    ("day", "late day", "2026-11-22T02:00", 0, "ALL: 11-21 23:00"),
    ("late day", "day", "2026-11-22T23:00", 0, "ALL: 11-22 02:00"),
    ("day", "day", "2026-03-29T03:00", 0, "ALL: 03-29 03:00"),  # the day whose 02:00 does not exist
    ("day", "day", "2026-11-22T02:00", 1, "ALL: 11-21 02:00"),
    ("day", "day", "2026-11-22T02:00", 3, "ALL: 11-21 02:00; ALL: 11-20 02:00; ALL: 11-19 02:00"),
    ("minute", "minute", "2026-11-22T10:05", 2, "ALL: 11-22 10:00; ALL: 11-22 09:55"),
    # coarser on finer: the natural period before T's
    ("hour", "minute", "2026-11-22T10:10", 0, "ALL: 11-22 09:00 .. 11-22 09:55 = 12"),
    ("hour", "minute", "2026-11-22T00:10", 0, "ALL: 11-21 23:00 .. 11-21 23:55 = 12"),
    ("hour", "minute", "2026-11-22T10:10", 1, "ALL: 11-22 08:00 .. 11-22 08:55 = 12"),
    ("day", "hour", "2026-11-22T02:00", 0, "ALL: 11-21 00:10 .. 11-21 23:10 = 24"),
    ("day", "hour", "2026-03-30T02:00", 0, "ALL: 03-29 00:10 .. 03-29 23:10 = 23"),
    ("day", "hour", "2026-10-26T02:00", 0, "ALL: 10-25 00:10 .. 10-25 23:10 = 25"),
    ("day", "some hours", "2026-11-22T02:00", 0, "ALL: 11-21 01:00 .. 11-21 20:00 = 3"),
    ("day", "minute", "2026-11-22T02:00", 0, "ALL: 11-21 00:00 .. 11-21 23:55 = 288"),
    (
        "day",
        "minute",
        "2026-11-22T02:00",
        2,
        "ALL: 11-20 00:00 .. 11-20 23:55 = 288; ALL: 11-19 00:00 .. 11-19 23:55 = 288",
    ),
    ("month", "day", "2026-11-01T04:00", 0, "ALL: 10-01 02:00 .. 10-31 02:00 = 31"),
    ("month", "day", "2026-03-01T04:00", 0, "ALL: 02-01 02:00 .. 02-28 02:00 = 28"),
    ("month", "day", "2026-01-01T04:00", 1, "ALL: 11-01 02:00 .. 11-30 02:00 = 30"),
    ("season", "day", "2026-04-01T04:00", 0, "ALL: 01-01 02:00 .. 03-31 02:00 = 90"),
    ("year", "day", "2025-01-01T04:00", 0, "ALL: 01-01 02:00 .. 12-31 02:00 = 366"),
]


@pytest.mark.parametrize(("one", "other", "when", "back", "expected"), TRADITIONAL_CELLS)
def test_the_traditional_policy(one: str, other: str, when: str, back: int, expected: str) -> None:
    assert spans(TRADITIONAL, one, other, when, back) == expected


NATURAL_CELLS = [
    # minute on …
    ("minute", "minute", "2026-11-22T10:05", 0, "ALL: 11-22 10:05"),
    ("quarter", "minute", "2026-11-22T10:15", 0, "ALL: 11-22 10:05 .. 11-22 10:15 = 3"),
    ("minute", "hour", "2026-11-22T10:05", 0, "ALL: 11-22 09:10"),
    ("minute", "hour", "2026-11-22T00:00", 0, "ALL: 11-21 23:10"),
    ("minute", "six hours", "2026-11-22T10:05", 0, "ALL: none"),
    ("minute", "day", "2026-11-22T00:05", 0, "ALL: 11-22 02:00"),
    ("minute", "some hours", "2026-11-22T09:30", 0, "ALL: 11-22 08:00"),
    ("minute", "week", "2026-11-22T10:05", 0, "ALL: 11-22 03:00"),  # a Sunday
    ("minute", "week", "2026-11-23T10:05", 0, "ALL: none"),
    ("minute", "month", "2026-11-01T10:05", 0, "ALL: 11-01 04:00"),
    ("minute", "month", "2026-11-02T10:05", 0, "ALL: none"),
    # hour on …
    ("hour", "minute", "2026-11-22T10:10", 0, "ALL: 11-22 09:05 .. 11-22 10:00 = 12"),
    ("hour", "minute", "2026-11-22T00:10", 0, "ALL: 11-21 23:05 .. 11-22 00:00 = 12"),
    ("full hour", "hour", "2026-11-22T10:00", 0, "ALL: 11-22 10:10"),  # minutes do not matter
    ("hour", "full hour", "2026-11-22T10:10", 0, "ALL: 11-22 10:00"),
    ("hour", "six hours", "2026-11-22T10:10", 0, "ALL: none"),
    ("hour", "day", "2026-11-22T00:10", 0, "ALL: 11-22 02:00"),
    ("some hours", "day", "2026-11-22T01:00", 0, "ALL: 11-22 02:00"),
    ("hour", "week", "2026-11-22T10:10", 0, "ALL: 11-22 03:00"),
    ("hour", "month", "2026-11-22T10:10", 0, "ALL: none"),
    # day on …
    ("day", "minute", "2026-11-22T02:00", 0, "ALL: 11-22 00:00 .. 11-22 23:55 = 288"),
    ("day", "hour", "2026-11-22T02:00", 0, "ALL: 11-22 00:10 .. 11-22 23:10 = 24"),
    ("day", "hour", "2026-03-29T03:00", 0, "ALL: 03-29 00:10 .. 03-29 23:10 = 23"),
    ("day", "hour", "2026-10-25T02:00", 0, "ALL: 10-25 00:10 .. 10-25 23:10 = 25"),
    ("day", "some hours", "2026-11-22T02:00", 0, "ALL: 11-22 01:00 .. 11-22 20:00 = 3"),
    ("day", "late day", "2026-11-22T02:00", 0, "ALL: 11-22 23:00"),
    ("day", "week", "2026-11-22T02:00", 0, "ALL: 11-22 03:00"),
    ("day", "month", "2026-11-01T02:00", 0, "ALL: 11-01 04:00"),
    # week and month on …: by calendar day
    ("week", "minute", "2026-11-22T03:00", 0, "ALL: 11-22 00:00 .. 11-22 23:55 = 288"),
    ("week", "hour", "2026-11-22T03:00", 0, "ALL: 11-22 00:10 .. 11-22 23:10 = 24"),
    ("week", "day", "2026-11-22T03:00", 0, "ALL: 11-22 02:00"),
    ("week", "month", "2026-11-22T03:00", 0, "ALL: none"),
    ("month", "minute", "2026-11-01T04:00", 0, "ALL: 11-01 00:00 .. 11-01 23:55 = 288"),
    ("month", "hour", "2026-11-01T04:00", 0, "ALL: 11-01 00:10 .. 11-01 23:10 = 24"),
    ("month", "day", "2026-11-01T04:00", 0, "ALL: 11-01 02:00"),
    ("month", "week", "2026-11-01T04:00", 0, "ALL: 11-01 03:00"),
    ("season", "day", "2026-04-01T04:00", 0, "ALL: 04-01 02:00"),
    ("year", "month", "2026-01-01T04:00", 0, "ALL: 01-01 04:00"),
    # the cycle before
    ("quarter", "minute", "2026-11-22T10:15", 1, "ALL: 11-22 09:50 .. 11-22 10:00 = 3"),
    ("minute", "quarter", "2026-11-22T10:15", 1, "ALL: 11-22 10:00"),
    ("minute", "hour", "2026-11-22T10:05", 1, "ALL: 11-22 09:10"),
    ("minute", "day", "2026-11-22T10:05", 1, "ALL: 11-21 02:00"),
    ("hour", "minute", "2026-11-22T10:10", 1, "ALL: 11-22 09:05 .. 11-22 10:00 = 12"),
    ("hour", "full hour", "2026-11-22T10:10", 1, "ALL: 11-22 09:00"),
    ("hour", "full hour", "2026-11-22T00:10", 1, "ALL: 11-21 23:00"),
    ("hour", "day", "2026-11-22T10:10", 1, "ALL: 11-21 02:00"),
    ("day", "minute", "2026-11-22T02:00", 1, "LAST: 11-21 23:55"),
    ("day", "hour", "2026-11-22T02:00", 1, "LAST: 11-21 23:10"),
    ("day", "some hours", "2026-03-01T02:00", 1, "LAST: 02-28 20:00"),
    ("day", "day", "2026-11-22T02:00", 1, "ALL: 11-21 02:00"),
    ("day", "day", "2026-03-30T02:00", 1, "ALL: 03-29 03:00"),
    ("day", "week", "2026-11-23T02:00", 1, "ALL: 11-22 03:00"),
    ("day", "week", "2026-11-24T02:00", 1, "ALL: none"),
    ("day", "month", "2026-11-02T02:00", 1, "ALL: 11-01 04:00"),
    # N before: each of them
    ("day", "day", "2026-11-02T02:00", 3, "ALL: 11-01 02:00; ALL: 10-31 02:00; ALL: 10-30 02:00"),
    ("hour", "full hour", "2026-11-22T01:10", 2, "ALL: 11-22 00:00; ALL: 11-21 23:00"),
    ("minute", "hour", "2026-11-22T10:05", 2, "ALL: 11-22 09:10; ALL: 11-22 08:10"),
]


@pytest.mark.parametrize(("one", "other", "when", "back", "expected"), NATURAL_CELLS)
def test_the_policy_of_natural_periods(one: str, other: str, when: str, back: int, expected: str) -> None:
    assert spans(NATURAL, one, other, when, back) == expected


@pytest.mark.parametrize("policy", DependencyPolicy)
@pytest.mark.parametrize(
    ("take", "today", "yesterday"),
    [
        (Take.ALL, "ALL: 11-22 00:10 .. 11-22 23:10 = 24", "ALL: 11-21 00:10 .. 11-21 23:10 = 24"),
        (Take.ANY, "ANY: 11-22 00:10 .. 11-22 23:10 = 24", "ANY: 11-21 00:10 .. 11-21 23:10 = 24"),
        (Take.LAST, "LAST: 11-22 23:10", "LAST: 11-21 23:10"),
    ],
)
def test_a_daily_job_on_an_hourly_one_may_want_all_any_or_the_last(
    policy: DependencyPolicy, take: Take, today: str, yesterday: str
) -> None:
    expected = yesterday if policy is TRADITIONAL else today
    assert spans(policy, "day", "hour", "2026-11-22T02:00", 0, take) == expected


def test_an_hourly_job_may_want_only_the_nearest_minute() -> None:
    assert spans(NATURAL, "hour", "minute", "2026-11-22T10:10", 0, Take.LAST) == "LAST: 11-22 10:00"


FORBIDDEN = [
    ("minute", "hour", "coarser"),
    ("minute", "day", "coarser"),
    ("hour", "day", "coarser"),
    ("day", "month", "coarser"),
    ("day", "week", "weekly"),
    ("week", "day", "weekly"),
    ("week", "week", "weekly"),
    ("month", "week", "weekly"),
    ("month", "month", "daily jobs only"),
    ("month", "hour", "daily jobs only"),
    ("month", "minute", "daily jobs only"),
    ("season", "month", "daily jobs only"),
    ("year", "hour", "daily jobs only"),
]


@pytest.mark.parametrize(("one", "other", "words"), FORBIDDEN)
def test_the_traditional_policy_forbids_what_it_has_no_window_for(one: str, other: str, words: str) -> None:
    assert words in why_not(TRADITIONAL, plan(one), plan(other))
    assert why_not(NATURAL, plan(one), plan(other)) == ""
    with pytest.raises(InvalidInput) as caught:
        windows(TRADITIONAL, plan(one), plan(other), at("2026-11-22T10:00"), Dependency(job="other"))
    assert (caught.value.field, caught.value.code) == ("schedule.cron.dependJobs", Code.JOB_SCHEDULE_INVALID)


RULES = [
    (NATURAL, "day", "hour", 0, "all instances of the calendar day 2026-11-22 (Europe/Berlin)"),
    (NATURAL, "day", "hour", 1, "the last instance of the calendar day 2026-11-21 (Europe/Berlin)"),
    (NATURAL, "hour", "hour", 0, "all instances of the hour 2026-11-22 10:00 (Europe/Berlin)"),
    (
        NATURAL,
        "hour",
        "minute",
        0,
        "all instances later than 2026-11-22 09:00, up to 2026-11-22 10:00 (Europe/Berlin)",
    ),
    (TRADITIONAL, "month", "day", 0, "all instances of the month 2026-10, the one before (Europe/Berlin)"),
    (
        TRADITIONAL,
        "minute",
        "minute",
        0,
        "all instances later than 2026-11-22 10:05, up to 2026-11-22 10:10 (one period) (Europe/Berlin)",
    ),
]


@pytest.mark.parametrize(("policy", "one", "other", "back", "rule"), RULES)
def test_a_window_says_what_it_is(policy: DependencyPolicy, one: str, other: str, back: int, rule: str) -> None:
    [window] = windows(
        policy, plan(one), plan(other), at("2026-11-22T10:10"), Dependency(job="other", periods_back=back)
    )
    assert window.rule == rule


def test_periods_are_those_of_the_waiting_jobs_zone() -> None:
    one, other = plan("day", "Asia/Shanghai"), plan("hour", "UTC")
    [window] = windows(NATURAL, one, other, at("2026-11-22T02:00", "Asia/Shanghai"), Dependency(job="other"))
    times = awaited(window, other)
    assert (shown(times[0], "UTC"), shown(times[-1], "UTC")) == ("11-21 16:10", "11-22 15:10")


@given(
    policy=st.sampled_from(DependencyPolicy),
    one=st.sampled_from(sorted(PLANS)),
    other=st.sampled_from(sorted(PLANS)),
    zone=st.sampled_from([BERLIN, "Australia/Lord_Howe", "GMT+8", "America/Sao_Paulo", "Asia/Kolkata"]),
    when=st.datetimes(datetime(2018, 1, 1), datetime(2030, 1, 1)),
    back=st.integers(0, 30),
)
@settings(max_examples=some(300), deadline=None)
def test_windows_of_one_run_follow_each_other_without_overlap(
    policy: DependencyPolicy, one: str, other: str, zone: str, when: datetime, back: int
) -> None:
    down, up = plan(one, zone), plan(other, zone)
    if why_not(policy, down, up):
        return
    second = int(when.timestamp()) // 60 * 60
    found = windows(policy, down, up, second * 1000, Dependency(job="other", periods_back=back))
    assert len(found) == max(back, 1)
    for newer, older in itertools.pairwise(found):
        assert older.from_ms < older.to_ms <= newer.from_ms < newer.to_ms
        assert newer.take is older.take is not Take.DEFAULT
