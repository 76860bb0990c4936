"""Fire times against an oracle that walks over days, against two other libraries, and in tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core import oracle_fire_times as oracle
from tests.examples import some

from arkwright.core.fire_times import fire_times, fire_times_between, next_fire, previous_fire
from arkwright.core.quartz import parse_quartz
from arkwright.core.schedule import Cron, Cycle
from arkwright.core.zone_changes import instant_of, offset_at
from arkwright.errors import InvalidInput

BERLIN = "Europe/Berlin"


def plan(expression: str, zone: str = BERLIN, start: datetime | None = None, end: datetime | None = None) -> Cron:
    return Cron(
        expression=expression,
        fields=parse_quartz(expression),
        zone=zone,
        cycle=Cycle.DAY,
        start_ms=None if start is None else ms(start),
        end_ms=None if end is None else ms(end),
    )


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def wall(zone: str, *parts: int) -> int:
    return ms(datetime(*parts, tzinfo=ZoneInfo(zone)))  # type: ignore[arg-type]


def shown(times: list[int], zone: str) -> list[str]:
    return [datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%m-%d %H:%M%z")[:-2] for at in times]


# ---------------------------------------------------------------- the oracle

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # its clocks changed at midnight, until 2019
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Shanghai",
    "Pacific/Apia",  # had no 30 December 2011
    "Africa/Casablanca",  # four changes a year
    "America/St_Johns",
    "Asia/Kolkata",
    "UTC",
]
NEAR = [
    datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 0, tzinfo=UTC),
    datetime(2026, 3, 8, 6, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 5, 10, tzinfo=UTC),
    datetime(2018, 11, 4, 2, 0, tzinfo=UTC),
    datetime(2018, 2, 18, 1, 30, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 0, tzinfo=UTC),
    datetime(2026, 4, 4, 14, 45, tzinfo=UTC),
    datetime(2011, 12, 30, 9, 0, tzinfo=UTC),
    datetime(2026, 2, 15, 2, 0, tzinfo=UTC),
    datetime(2024, 2, 28, 22, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 22, 0, tzinfo=UTC),
]


def number(least: int, most: int) -> st.SearchStrategy[str]:
    value = st.integers(least, most)
    one = value.map(str)
    span = st.tuples(value, value).map(lambda pair: f"{pair[0]}-{pair[1]}")
    step = st.tuples(st.one_of(st.just("*"), one, span), st.integers(1, most)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    several = st.lists(st.one_of(one, span), min_size=2, max_size=3).map(",".join)
    return st.one_of(one, one, st.just("*"), step, span, several)


DAYS = st.one_of(
    number(1, 31),
    st.sampled_from(["*", "L", "L-3", "LW", "L-2W", "15W", "1W", "31W", "28C", "1,L"]),
    st.integers(1, 31).map(lambda day: f"{day}W"),
)
WEEKDAYS = st.one_of(
    number(1, 7),
    st.sampled_from(["L", "MON-FRI", "SAT,SUN", "FRI-MON", "5C", "FRIL", "2#1,2#3"]),
    st.integers(1, 7).map(lambda day: f"{day}L"),
    st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}"),
)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    seconds = draw(st.sampled_from(["0", "0", "0", "30", "0/20"]))
    months = draw(st.one_of(st.just("*"), st.just("*"), number(1, 12), st.sampled_from(["FEB", "JAN-MAR", "2,10"])))
    hour = draw(st.one_of(st.sampled_from(["0", "1", "2", "3", "0-3", "1/1"]), number(0, 23)))
    minute = draw(st.one_of(st.just("0"), st.just("30"), number(0, 59)))
    if draw(st.booleans()):
        return f"{seconds} {minute} {hour} {draw(DAYS)} {months} ?"
    return f"{seconds} {minute} {hour} ? {months} {draw(WEEKDAYS)}"


@given(
    expression=expressions(),
    zone=st.sampled_from(ZONES),
    near=st.sampled_from(NEAR),
    minutes=st.integers(-60 * 40, 60 * 3),
)
@settings(max_examples=some(300), deadline=None)
@example(expression="0 0/30 0 * * ?", zone="America/Sao_Paulo", near=NEAR[4], minutes=-30)
@example(expression="0 30 2 * * ?", zone="Europe/Berlin", near=NEAR[0], minutes=-30)
@example(expression="0 15 9 * * ?", zone="Pacific/Apia", near=NEAR[8], minutes=-3000)
def test_fire_times_are_those_of_walking_over_the_days(
    expression: str, zone: str, near: datetime, minutes: int
) -> None:
    first = near + timedelta(minutes=minutes)
    last = first + timedelta(days=4)
    expected = oracle.fires(expression, zone, first, last)
    try:
        cron = plan(expression, zone)
    except InvalidInput:
        assert expected == []  # a day that never comes
        return
    assert list(fire_times_between(cron, ms(first), ms(last))) == expected
    backwards = []
    at = previous_fire(cron, ms(last))
    while at is not None and at >= ms(first):
        backwards.append(at)
        at = previous_fire(cron, at)
    assert backwards[::-1] == expected


@given(
    expression=expressions(),
    zone=st.sampled_from(ZONES),
    at=st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
)
@settings(max_examples=some(300), deadline=None)
def test_before_what_comes_next_is_what_was_last(expression: str, zone: str, at: datetime) -> None:
    try:
        cron = plan(expression, zone)
    except InvalidInput:
        return
    now = ms(at)
    following = next_fire(cron, now)
    assert following is not None
    assert following > now
    assert next_fire(cron, following - 1) == following
    before = previous_fire(cron, following)
    assert before is None or before <= now
    assert before is None or next_fire(cron, before) == following


@given(
    expression=expressions(),
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),
    days=st.integers(0, 40),
)
@settings(max_examples=some(150), deadline=None)
def test_start_and_end_are_inclusive_and_cut_the_plan(expression: str, zone: str, start: datetime, days: int) -> None:
    try:
        whole = plan(expression, zone)
    except InvalidInput:
        return
    first = next_fire(whole, ms(start))
    assert first is not None
    bounds = first, first + days * 86_400_000
    cut = Cron(
        expression=expression, fields=whole.fields, zone=zone, cycle=Cycle.DAY, start_ms=bounds[0], end_ms=bounds[1]
    )
    expected = [each for each in islice(fire_times(whole, first - 1), 50) if each <= bounds[1]]
    assert list(islice(fire_times(cut, 0), 50)) == expected
    assert previous_fire(cut, first) is None
    last = previous_fire(cut, 1 << 45)
    assert last is not None
    assert next_fire(cut, last) is None
    assert next_fire(cut, bounds[1]) is None


# ---------------------------------------------------------------- other libraries

COMMON = [
    # (ours, five fields of the others)
    ("0 0 2 * * ?", "0 2 * * *"),
    ("0 0/30 * * * ?", "*/30 * * * *"),
    ("0 0/50 * * * ?", "*/50 * * * *"),
    ("0 5/15 9-17 * * ?", "5-59/15 9-17 * * *"),
    ("0 0 0/6 * * ?", "0 */6 * * *"),
    ("0 10,20 1,13 * * ?", "10,20 1,13 * * *"),
    ("0 0 4 L * ?", "0 4 L * *"),
    ("0 0 4 31 * ?", "0 4 31 * *"),
    ("0 0 4 29 2 ?", "0 4 29 2 *"),
    ("0 0 4 1,15 1/3 ?", "0 4 1,15 1-12/3 *"),
    ("0 0 4 ? * 2-6", "0 4 * * 1-5"),
    ("0 0 4 ? * 1", "0 4 * * 0"),
    ("0 0 4 ? * SAT,SUN", "0 4 * * 6,0"),
    ("0 0 4 ? * 6#3", "0 4 * * 5#3"),
    ("0 0 4 ? * 2#5", "0 4 * * 1#5"),
]
"""Plans that have no fixed time between two and three at night, when clocks change."""


@pytest.mark.parametrize(("ours", "theirs"), COMMON, ids=[row[0] for row in COMMON])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_croniter_says_the_same(ours: str, theirs: str, zone: str) -> None:
    start = datetime(2023, 11, 20, 3, 7, tzinfo=ZoneInfo(zone))
    other = croniter(theirs, start, second_at_beginning=False)
    expected = [ms(other.get_next(datetime)) for _ in range(60)]
    assert list(islice(fire_times(plan(ours, zone), ms(start)), 60)) == expected


@pytest.mark.parametrize(("ours", "theirs"), COMMON, ids=[row[0] for row in COMMON])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "America/St_Johns"])
def test_cronsim_says_the_same(ours: str, theirs: str, zone: str) -> None:
    start = datetime(2025, 10, 20, 3, 7, tzinfo=ZoneInfo(zone))
    other = CronSim(theirs, start)
    expected = [ms(next(other)) for _ in range(1500 if "/" in ours else 60)]
    assert list(islice(fire_times(plan(ours, zone), ms(start)), len(expected))) == expected


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("0 30 2 * * ?", "30 2 * * *"), ("0 0 4 LW * ?", "0 4 LW * *"), ("0 0 4 ? * 6L", "0 4 * * 5L")],
)
def test_cronsim_agrees_on_gaps_and_last_working_days(ours: str, theirs: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(BERLIN))
    other = CronSim(theirs, start)
    assert list(islice(fire_times(plan(ours), ms(start)), 400)) == [ms(next(other)) for _ in range(400)]


# ---------------------------------------------------------------- tables

CHANGES = [
    # zone, expression, after, the next ones with their offsets
    (BERLIN, "0 30 2 * * ?", (2026, 3, 28, 12), ["03-29 03:00+02", "03-30 02:30+02"]),
    (BERLIN, "0 30 2 * * ?", (2026, 10, 24, 12), ["10-25 02:30+02", "10-26 02:30+01"]),
    (BERLIN, "0 0 2,3 * * ?", (2026, 3, 28, 12), ["03-29 03:00+02", "03-30 02:00+02"]),
    (BERLIN, "0 0 * * * ?", (2026, 3, 29, 0), ["03-29 01:00+01", "03-29 03:00+02", "03-29 04:00+02"]),
    (BERLIN, "0 0 * * * ?", (2026, 10, 25, 1), ["10-25 02:00+02", "10-25 02:00+01", "10-25 03:00+01"]),
    (BERLIN, "0 0/30 * * * ?", (2026, 10, 25, 2), ["10-25 02:30+02", "10-25 02:00+01", "10-25 02:30+01"]),
    (BERLIN, "0 0/30 2 * * ?", (2026, 3, 28, 12), ["03-29 03:00+02", "03-30 02:00+02", "03-30 02:30+02"]),
    (BERLIN, "0 0/30 2 * * ?", (2026, 10, 24, 12), ["10-25 02:00+02", "10-25 02:30+02", "10-25 02:00+01"]),
    (BERLIN, "0 0 2 ? * 1", (2026, 3, 27, 0), ["03-29 03:00+02", "04-05 02:00+02"]),
    (BERLIN, "0 0 2 L 3 ?", (2026, 3, 27, 0), ["03-31 02:00+02"]),
    ("America/New_York", "0 15 2 * * ?", (2026, 3, 7, 12), ["03-08 03:00-04", "03-09 02:15-04"]),
    ("America/New_York", "0 15 1 * * ?", (2026, 10, 31, 12), ["11-01 01:15-04", "11-02 01:15-05"]),
    ("America/Sao_Paulo", "0 0 0 * * ?", (2018, 11, 3, 12), ["11-04 01:00-02", "11-05 00:00-02"]),
    ("America/Sao_Paulo", "0 30 23 * * ?", (2018, 2, 17, 12), ["02-17 23:30-02", "02-18 23:30-03"]),
    ("Australia/Lord_Howe", "0 10 2 * * ?", (2026, 10, 3, 12), ["10-04 02:30+11", "10-05 02:10+11"]),
    ("Pacific/Apia", "0 0 9 * * ?", (2011, 12, 29, 12), ["12-31 00:00+14", "12-31 09:00+14"]),
]


@pytest.mark.parametrize(
    ("zone", "expression", "after", "expected"), CHANGES, ids=[f"{row[0]} {row[1]} {row[2]}" for row in CHANGES]
)
def test_changing_clocks_lose_and_double_no_day(
    zone: str, expression: str, after: tuple[int, ...], expected: list[str]
) -> None:
    found = list(islice(fire_times(plan(expression, zone), wall(zone, *after)), len(expected)))
    assert shown(found, zone) == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
@pytest.mark.parametrize("time", ["0 30 2", "0 0 0", "0 59 23", "0 0 3", "0 15 1"])
def test_a_daily_job_runs_once_each_day_of_ten_years(zone: str, time: str) -> None:
    info = ZoneInfo(zone)
    start = datetime(2020, 1, 1, tzinfo=info)
    found = list(islice(fire_times(plan(f"{time} * * ?", zone), ms(start) - 1), 3653))
    days = [datetime.fromtimestamp(at / 1000, info).date() for at in found]
    assert days == [(start + timedelta(days=day)).date() for day in range(3653)]


MONTHS = [
    ("0 0 1 L * ?", ["01-31", "02-28", "03-31", "04-30"]),
    ("0 0 1 L-3 * ?", ["01-28", "02-25", "03-28", "04-27"]),
    ("0 0 1 LW * ?", ["01-30", "02-27", "03-31", "04-30"]),
    ("0 0 1 L-1W * ?", ["01-30", "02-27", "03-30", "04-29"]),
    ("0 0 1 1W * ?", ["01-01", "02-02", "03-02", "04-01"]),  # 1 February and March are Sundays
    ("0 0 1 15W * ?", ["01-15", "02-16", "03-16", "04-15"]),
    ("0 0 1 31W * ?", ["01-30", "03-31", "05-29"]),
    ("0 0 1 29 * ?", ["01-29", "03-29", "04-29"]),
    ("0 0 1 ? * 6#3", ["01-16", "02-20", "03-20", "04-17"]),
    ("0 0 1 ? * FRI#5", ["01-30", "05-29"]),
    ("0 0 1 ? * 5L", ["01-29", "02-26", "03-26"]),
    ("0 0 1 ? * L", ["01-03", "01-10"]),  # alone it is Saturday
    ("0 0 1 ? * 1", ["01-04", "01-11"]),
    ("0 0 1 ? * 1-7/3", ["01-03", "01-04", "01-07"]),
    ("0 0 1 1,L * ?", ["01-01", "01-31", "02-01", "02-28"]),
    ("0 0 1 28-2 * ?", ["01-01", "01-02", "01-28", "01-29", "01-30", "01-31", "02-01"]),
    ("0 0 1 5C * ?", ["01-05", "02-05"]),
    ("0 0 1 1 1/3 ?", ["01-01", "04-01", "07-01"]),
]


@pytest.mark.parametrize(("expression", "expected"), MONTHS, ids=[row[0] for row in MONTHS])
def test_days_of_months(expression: str, expected: list[str]) -> None:
    found = list(islice(fire_times(plan(expression), wall(BERLIN, 2026, 1, 1)), len(expected)))
    assert [each[:5] for each in shown(found, BERLIN)] == expected


def test_a_minute_plan_starts_again_with_each_hour() -> None:
    after = wall("Asia/Shanghai", 2024, 6, 19, 14, 20)
    half = list(islice(fire_times(plan("0 30/30 0-23 * * ?", "Asia/Shanghai"), after), 3))
    assert [each[6:11] for each in shown(half, "Asia/Shanghai")] == ["14:30", "15:30", "16:30"]
    fifty = list(islice(fire_times(plan("0 0/50 0-23 * * ?", "Asia/Shanghai"), after), 4))
    assert [each[6:11] for each in shown(fifty, "Asia/Shanghai")] == ["14:50", "15:00", "15:50", "16:00"]


def test_29_february_comes_every_four_years_and_not_in_2100() -> None:
    found = list(islice(fire_times(plan("0 0 0 29 2 ?", "UTC"), wall("UTC", 2092, 3, 1)), 2))
    assert [datetime.fromtimestamp(at / 1000, UTC).year for at in found] == [2096, 2104]


def test_years_end_a_plan() -> None:
    cron = plan("0 0 0 1 1 ? 2027,2029", "UTC")
    assert [datetime.fromtimestamp(at / 1000, UTC).year for at in fire_times(cron, wall("UTC", 2026, 1, 1))] == [
        2027,
        2029,
    ]
    assert previous_fire(cron, wall("UTC", 2027, 1, 1)) is None


@pytest.mark.parametrize("at", [-(1 << 60), 1 << 60, -62_135_596_800_000, 253_402_300_799_999, 0])
def test_any_instant_may_be_asked_about(at: int) -> None:
    cron = plan("0 0 2 ? * 6#3")
    assert next_fire(cron, at) is None or at < 1 << 50
    assert previous_fire(cron, at) is None or at >= 0
    assert next_fire(plan("0 * * * * ?"), at) is None or at < 1 << 50


def test_fixed_zones_are_east_of_greenwich_with_a_plus() -> None:
    found = next_fire(plan("0 0 2 * * ?", "GMT+8"), wall("UTC", 2026, 1, 1))
    assert found == wall("UTC", 2026, 1, 1, 18)


@pytest.mark.parametrize("zone", ZONES)
def test_wall_times_become_the_instants_that_zoneinfo_knows(zone: str) -> None:
    info = ZoneInfo(zone)
    for near in NEAR:
        for minutes in range(-3000, 3000, 15):
            at = near + timedelta(minutes=minutes)
            second = int(at.timestamp())
            offset = offset_at(zone, second)
            assert timedelta(seconds=offset) == at.astimezone(info).utcoffset()
            first = instant_of(zone, second + offset)
            assert first == second or (first < second and offset_at(zone, first) > offset)


def test_a_hundred_thousand_plans_are_computed_in_seconds() -> None:
    texts = [f"0 {minute} {hour} * * ?" for minute in range(60) for hour in range(24)]
    texts += [f"0 {minute}/15 * ? * 2-6" for minute in range(15)] + [f"0 {minute} 4 L * ?" for minute in range(60)]
    crons = [plan(text) for text in texts]
    now = wall(BERLIN, 2026, 11, 22, 12)
    started = perf_counter()
    for _ in range(10):
        for cron in crons:
            next_fire(cron, now)
    each = (perf_counter() - started) / (10 * len(crons))
    assert each < 100e-6  # measured: about 8 µs
