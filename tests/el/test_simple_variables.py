"""The simple variable set: the guide's tables, what they leave open, and what must stay untouched."""

from __future__ import annotations

import calendar
import contextlib
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkwright.el import ElError, Evaluated, Missing, Scope, SimpleVariables, resolve, substitute

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def variables(plan: str = "2023-01-01T01:05:09", zone: str = BERLIN) -> SimpleVariables:
    return SimpleVariables(plan_time_ms=at(plan, zone), time_zone=zone, job_id="17", instance_id="132343")


def replaced(text: str, plan: str = "2023-01-01T01:05:09", zone: str = BERLIN, **values: str) -> str:
    return substitute(text, values, simple=variables(plan, zone))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # the business date: the day before the plan time
        ("${yyyymmdd}", "20221231"),
        ("${yyyy}", "2022"),
        ("${yyyymm}", "202212"),
        ("${yyyy-mm-dd}", "2022-12-31"),
        ("${yy}", "22"),
        ("${mm}/${dd}", "12/31"),
        ("${yyyy-1}", "2021"),
        ("${yyyy+2}", "2024"),
        ("${yyyymm-1}", "202211"),
        ("${yyyymm+2}", "202302"),
        ("${yyyymmdd+7*2}", "20230114"),
        ("${yyyymmdd-7*1}", "20221224"),
        ("${yyyymmdd-1}", "20221230"),
        ("${yyyy-mm-dd-1}", "2022-12-30"),
        ("${yyyy-mm-1}", "2022-11"),
        ("${yy-1}", "21"),
        ("${mm-1}", "11"),
        ("${dd+1}", "01"),
        # the plan time
        ("$[yyyymmddhh24miss]", "20230101010509"),
        ("$[yyyy-mm-dd]", "2023-01-01"),
        ("$[hh24miss]", "010509"),
        ("$[hh24:mi:ss]", "01:05:09"),
        ("$[hh:mi]", "01:05"),
        ("$[yyyymmdd-1]", "20221231"),
        ("$[yyyymmdd+7*1]", "20230108"),
        ("$[add_months(yyyymmdd,12*1)]", "20240101"),
        ("$[add_months(yyyymmdd,-12*2)]", "20210101"),
        ("$[add_months(yyyymmdd,1)]", "20230201"),
        ("$[add_months(yyyymm, -1)]", "202212"),
        ("$[hh24miss-1/24]", "000509"),
        ("$[mm-2/24]", "12"),
        ("$[yyyy-2/24]", "2022"),
        ("$[yyyymm-2/24]", "202212"),
        ("$[yyyymmdd-2/24]", "20221231"),
        ("$[yyyymmdd-1-2/24]", "20221230"),
        ("$[yyyymmddhh24miss-1-1/24-5/24/60]", "20221231000009"),
        ("$[hh24miss+3/24/60]", "010809"),
        ("$[mi-15/24/60]", "50"),
        ("$[hh24-15/24/60]", "00"),
        ("$[yyyy-1]", "2022"),
        # ids
        ("$job_id/$instance_id", "17/132343"),
        ("a$instance_id-b", "a132343-b"),
    ],
)
def test_a_variable_has_the_value_that_the_guide_describes(text: str, value: str) -> None:
    assert replaced(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "${HOME}", "${}", "${yyyyMMdd}", "${yyyymmddhh}", "${ yyyymmdd}", "${yyyymmdd-}", "${yyyymmdd-x}",
        "${yyyymmdd-1/24}",
        "${#yyyy}", "${yyyy:-2020}", "${mmm}", "$[1 + 2]", "$[]", "$[yyyymmdd", "$[count]", "$[yyyymmdd/24]", "$[hh25]",
        "$[add_months(yyyymmdd)]", "$[add_months(foo,1)]", "$job_id2", "$instance_ids", "${job_id}", "$yyyymmdd",
        "yyyymmdd",
        "[[ $a == 1 ]]", "$((1+2))", "$$", "${a[0]}",
    ],
)  # fmt: skip
def test_what_is_not_of_the_set_stays_as_it_is(text: str) -> None:
    assert replaced(text) == text


def test_without_the_set_nothing_is_replaced() -> None:
    text = "${yyyymmdd} $[yyyymmdd] $job_id"
    assert substitute(text, {}) == text


def test_a_parameter_of_the_same_name_wins() -> None:
    assert replaced("${yyyymmdd} ${dd}", yyyymmdd="mine") == "mine 31"


def test_what_a_parameter_brings_is_not_looked_at() -> None:
    assert replaced("${a}", a="$[yyyy] $job_id ${yyyy}") == "$[yyyy] $job_id ${yyyy}"


def test_the_day_is_that_of_the_zone() -> None:
    assert replaced("${yyyymmdd} $[yyyymmddhh24]", "2023-01-01T01:00:00", "Asia/Shanghai") == "20221231 2023010101"
    moment = variables("2023-01-01T01:00:00", "Asia/Shanghai").plan_time_ms
    elsewhere = SimpleVariables(plan_time_ms=moment, time_zone="UTC", job_id="", instance_id="")
    assert substitute("${yyyymmdd} $[yyyymmddhh24]", {}, simple=elsewhere) == "20221230 2022123117"


def test_days_keep_the_wall_time_and_hours_are_elapsed_time() -> None:
    plan = "2024-03-31T12:00:00"  # clocks went forward at two
    assert replaced("$[yyyymmddhh24-1]", plan) == "2024033012"
    assert replaced("$[yyyymmddhh24-24/24]", plan) == "2024033011"
    assert replaced("${yyyymmdd}", "2024-04-01T00:30:00") == "20240331"


def test_a_month_that_is_too_short_gives_its_last_day() -> None:
    assert replaced("$[add_months(yyyymmdd,1)]", "2024-01-31T00:00:00") == "20240229"
    assert replaced("${yyyymm-1}", "2024-03-31T00:00:00") == "202402"


def test_an_expression_may_hold_one_and_errors_keep_their_places() -> None:
    scope = Scope(time_zone=BERLIN, plan_time_ms=at("2023-01-01T01:05:09"))
    found = resolve("#{'$[yyyy]' + 'd${mm}'} ${dd}", {}, scope, simple=variables())
    assert isinstance(found, Evaluated)
    assert found.text == "2023d12 31"
    with pytest.raises(ElError) as caught:
        resolve("$[yyyymmdd] #{nobody}", {}, scope, simple=variables())
    assert caught.value.position == len("$[yyyymmdd] #{")


@pytest.mark.parametrize("text", ["a ${yyyy-999999999}", "a $[yyyymmdd-999999999]", "a $[add_months(yyyy,99999999*9)]"])
def test_a_date_that_does_not_exist_is_an_error_with_its_place(text: str) -> None:
    with pytest.raises(ElError) as caught:
        resolve(text, {}, Scope(time_zone=BERLIN), simple=variables())
    assert (caught.value.position, caught.value.expression) == (2, text[2:])


def test_a_long_text_without_an_end_takes_no_time() -> None:
    for text in ("${" + "y" * 50_000, "${" + "yyyy-" * 10_000 + "x}", "$[" + "mi" * 30_000 + "!]", "${" * 20_000):
        assert replaced(text) == text


times = st.integers(0, 4_102_444_800_000)
zones = st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"])


@given(times, zones, st.integers(-4000, 4000))
def test_the_business_date_is_a_calendar_day(plan: int, zone: str, days: int) -> None:
    simple = SimpleVariables(plan_time_ms=plan, time_zone=zone, job_id="1", instance_id="2")
    today = dt.datetime.fromtimestamp(plan / 1000, ZoneInfo(zone)).date()
    expected = today - dt.timedelta(days=1) + dt.timedelta(days=days)
    assert substitute(f"${{yyyy-mm-dd{days:+d}}}", {}, simple=simple) == expected.isoformat()


@given(times, zones, st.integers(-500, 500))
def test_months_of_the_plan_time_are_those_of_the_calendar(plan: int, zone: str, months: int) -> None:
    simple = SimpleVariables(plan_time_ms=plan, time_zone=zone, job_id="1", instance_id="2")
    today = dt.datetime.fromtimestamp(plan / 1000, ZoneInfo(zone)).date()
    years, month = divmod(today.month - 1 + months, 12)
    last = calendar.monthrange(today.year + years, month + 1)[1]
    expected = dt.date(today.year + years, month + 1, min(today.day, last))
    assert substitute(f"$[add_months(yyyy/mm/dd,{months})]", {}, simple=simple) == expected.strftime("%Y/%m/%d")


@given(times, zones, st.integers(-5000, 5000), st.integers(-5000, 5000))
def test_hours_and_minutes_are_elapsed_time(plan: int, zone: str, hours: int, minutes: int) -> None:
    simple = SimpleVariables(plan_time_ms=plan, time_zone=zone, job_id="1", instance_id="2")
    moved = dt.datetime.fromtimestamp(plan // 1000, dt.UTC) + dt.timedelta(hours=hours, minutes=minutes)
    expected = moved.astimezone(ZoneInfo(zone)).strftime("%Y%m%d %H:%M:%S")
    text = f"$[yyyymmdd hh24:mi:ss{hours:+d}/24{minutes:+d}/24/60]"
    assert substitute(text, {}, simple=simple) == expected


pieces = st.sampled_from(
    ["$", "[", "]", "{", "}", "#", "yyyy", "yy", "mm", "dd", "hh24", "hh", "mi", "ss", "add_months(", ",", ")", "-",
     "+",
     "1", "24", "/", "*", ":", " ", "job_id", "instance_id", "'", '"', "x", "9" * 9]
)  # fmt: skip


@given(st.lists(pieces, max_size=30).map("".join), times)
def test_no_text_raises_anything_but_the_el_error(text: str, plan: int) -> None:
    simple = SimpleVariables(plan_time_ms=plan, time_zone=BERLIN, job_id="1", instance_id="2")
    with contextlib.suppress(ElError):
        found = resolve(text, {"x": "1"}, Scope(time_zone=BERLIN, plan_time_ms=plan), simple=simple)
        assert isinstance(found, Evaluated | Missing)
