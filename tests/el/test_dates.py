"""Date patterns against the results of Java, round trips, and moving dates across changes of clocks."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.el.kit import PLAN_TIME_MS, SCOPE, answer, mistake, table, text
from tests.examples import some

from arkwright.el import ElError, ErrorKind
from arkwright.el.java_date_parse import parse_date
from arkwright.el.java_dates import LETTERS, format_date
from arkwright.el.java_zones import find_zone

ROWS = table("dates")
BERLIN = replace(SCOPE, time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("verb", "zone", "pattern", "given_value", "expected"), ROWS, ids=["|".join(map(str, row[:4])) for row in ROWS]
)
def test_a_pattern_does_what_java_does(
    verb: str, zone: str, pattern: str, given_value: int | str, expected: str | int | None
) -> None:
    if verb == "format":
        assert isinstance(given_value, int)
        assert format_date(given_value, pattern, find_zone(zone)) == expected
    elif expected is None:
        with pytest.raises(ElError) as caught:
            parse_date(str(given_value), pattern, find_zone(zone), reference_ms=PLAN_TIME_MS)
        assert caught.value.kind is ErrorKind.DATE_VALUE
    else:
        assert parse_date(str(given_value), pattern, find_zone(zone), reference_ms=PLAN_TIME_MS) == expected


@pytest.mark.parametrize("pattern", ["b", "yyyy-MM-dd'T", "c", "XXXX", "yyyy 'o'' clock", "n", "T"])
def test_a_pattern_that_cant_be_read_is_an_error(pattern: str) -> None:
    with pytest.raises(ElError) as caught:
        format_date(0, pattern, find_zone("UTC"))
    assert caught.value.kind is ErrorKind.DATE_PATTERN


MOVES = [
    # From, in which zone, moved how, to
    ("2024-03-30 02:30 +0100", "DateUtil.addDays(D,1)", "2024-03-31 03:30 +0200"),
    ("2024-04-01 02:30 +0200", "DateUtil.addDays(D,-1)", "2024-03-31 03:30 +0200"),
    ("2024-03-30 12:00 +0100", "DateUtil.addDays(D,1)", "2024-03-31 12:00 +0200"),
    ("2024-03-30 12:00 +0100", "DateUtil.addHours(D,24)", "2024-03-31 13:00 +0200"),
    ("2024-03-31 01:30 +0100", "DateUtil.addHours(D,1)", "2024-03-31 03:30 +0200"),
    ("2024-03-31 01:59 +0100", "DateUtil.addMinutes(D,1)", "2024-03-31 03:00 +0200"),
    ("2024-10-26 02:30 +0200", "DateUtil.addDays(D,1)", "2024-10-27 02:30 +0200"),
    ("2024-10-28 02:30 +0100", "DateUtil.addDays(D,-1)", "2024-10-27 02:30 +0100"),
    ("2024-10-26 12:00 +0200", "DateUtil.addDays(D,1)", "2024-10-27 12:00 +0100"),
    ("2024-09-27 02:30 +0200", "DateUtil.addMonths(D,1)", "2024-10-27 02:30 +0100"),
    ("2024-02-29 02:30 +0100", "DateUtil.addMonths(D,12)", "2025-02-28 02:30 +0100"),
    ("2024-05-31 02:30 +0200", "DateUtil.addMonths(D,-2)", "2024-03-31 03:30 +0200"),
    ("2024-01-31 00:00 +0100", "DateUtil.addMonths(D,1)", "2024-02-29 00:00 +0100"),
    ("2024-01-31 00:00 +0100", "DateUtil.addMonths(D,-1)", "2023-12-31 00:00 +0100"),
    ("2024-12-31 23:00 +0100", "DateUtil.addMonths(D,14)", "2026-02-28 23:00 +0100"),
    ("2024-10-27 02:30 +0200", "DateUtil.addMonths(D,0)", "2024-10-27 02:30 +0200"),
    ("2024-01-01 00:00 +0100", "DateUtil.addDays(D,-1)", "2023-12-31 00:00 +0100"),
    ("2024-02-28 10:00 +0100", "DateUtil.addDays(D,2)", "2024-03-01 10:00 +0100"),
]


@pytest.mark.parametrize(("start", "move", "expected"), MOVES, ids=[f"{row[0]} {row[1]}" for row in MOVES])
def test_a_date_moves_to(start: str, move: str, expected: str) -> None:
    date = f"DateUtil.parseDate('{start}','yyyy-MM-dd HH:mm Z')"
    moved = answer(f"DateUtil.format({move.replace('D,', date + ',')},'yyyy-MM-dd HH:mm Z')", BERLIN)
    assert moved.text == expected


def test_yesterday_is_a_calendar_day_and_last_hour_sixty_minutes() -> None:
    scope = replace(BERLIN, plan_time_ms=parse_date("2024-03-31 04:00", "yyyy-MM-dd HH:mm", find_zone("Europe/Berlin"),
                                                    reference_ms=0))  # fmt: skip
    assert text('#{Job.getYesterday("yyyy-MM-dd HH:mm")}', scope=scope) == "2024-03-30 04:00"
    assert text('#{Job.getLastHour("yyyy-MM-dd HH:mm")}', scope=scope) == "2024-03-31 03:00"


def test_a_date_without_format_prints_as_in_java() -> None:
    assert answer("Job.planTime").text == "Sun Jan 07 00:00:00 UTC 2024"
    assert answer("Job.planTime", BERLIN).text == "Sun Jan 07 01:00:00 CET 2024"
    assert answer("Job.planTime", replace(SCOPE, time_zone="GMT+8")).text == "Sun Jan 07 08:00:00 GMT+08:00 2024"


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("GMT+8", "+0800"),
        ("GMT-8", "-0800"),
        ("GMT+05:30", "+0530"),
        ("GMT+530", "+0530"),
        ("UTC+8", "+0800"),
        ("GMT+0", "+0000"),
        ("Etc/GMT-8", "+0800"),
        ("Asia/Shanghai", "+0800"),
        ("GMT+24", None),
        ("Mars/Base", None),
        ("", None),
        ("localtime", None),
        ("../etc/passwd", None),
        ("America", None),
    ],
)
def test_a_zone_east_of_greenwich_has_a_plus(zone: str, offset: str | None) -> None:
    scope = replace(SCOPE, time_zone=zone)
    if offset is None:
        assert mistake("#{Job.getPlanTime('Z')}", scope=scope).kind is ErrorKind.TIME_ZONE
    else:
        assert text("#{Job.getPlanTime('Z')}", scope=scope) == offset


def test_a_bad_zone_only_matters_to_dates() -> None:
    assert text("#{1+1}", scope=replace(SCOPE, time_zone="nowhere")) == "2"


def test_two_digit_years_lie_around_the_plan_time() -> None:
    scope = replace(SCOPE, plan_time_ms=PLAN_TIME_MS)
    for digits, year in (("43", 2043), ("44", 1944), ("45", 1945), ("24", 2024)):
        assert answer(f"DateUtil.getYear(DateUtil.parseDate('{digits}-06-01','yy-MM-dd'))", scope).value == year


def test_four_letters_read_two_digits_as_an_old_year() -> None:
    assert answer("DateUtil.format(DateUtil.parseDate('18-01-07','yyyy-MM-dd'),'yyyy-MM-dd')").text == "0018-01-07"


@pytest.mark.parametrize(
    "expression",
    [
        "DateUtil.addMonths(Job.planTime,2000000)",
        "DateUtil.addDays(Job.planTime,2000000000)",
        "DateUtil.addHours(Job.planTime,-2000000000)",
        "DateUtil.parseDate('0000-01-01','yyyy-MM-dd')",
        "DateUtil.parseDate('99999-01-01','yyyy-MM-dd')",
        "DateUtil.parseDate('2024-01-01 999999999','yyyy-MM-dd HH')",
    ],
)
def test_a_date_outside_of_the_years_1_to_9999_is_an_error(expression: str) -> None:
    assert mistake("#{" + expression + "}").kind is ErrorKind.DATE_VALUE


@pytest.mark.parametrize("milliseconds", [-(2**63), -62135596800000, 253402300799999, 2**63 - 1])
@pytest.mark.parametrize("zone", ["GMT+23", "GMT-23", "Europe/Berlin"])
@pytest.mark.parametrize(
    "template", ["#{Job.planTime}", "#{Job.getYesterday('YYYY ww W F u')}", "#{DateUtil.addDays(Job.planTime,1)}"]
)
def test_at_the_ends_of_the_calendar_there_are_dates_or_errors(milliseconds: int, zone: str, template: str) -> None:
    scope = replace(SCOPE, plan_time_ms=milliseconds, time_zone=zone)
    kinds = {ErrorKind.DATE_VALUE}
    try:
        text(template, scope=scope)
    except ElError as error:
        kinds.add(error.kind)
    assert kinds == {ErrorKind.DATE_VALUE}


ZONES = st.sampled_from(["UTC", "GMT+8", "GMT-03:30", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
INSTANTS = st.integers(-2_000_000_000_000, 4_000_000_000_000)
# Each of these names an instant completely.
COMPLETE = st.sampled_from(
    [
        "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "yyyyMMddHHmmssSSSZ",
        "d MMMM yyyy, h:mm:ss a SSS XX",
        "EEE, dd MMM yyyy kk:mm:ss.SSS Z",
        "yyyy-D HH mm ss SSS X:XX",
        "YYYY-ww-u K:mm:ss a SSS Z",
        "yyyy-MM W E HH:mm:ss SSS Z",
        "yyyy-MM F E HH:mm:ss SSS Z",
        "G yyyy''MM''dd HH.mm.ss,SSS XXX",
    ]
)


@given(INSTANTS, COMPLETE, ZONES)
@settings(max_examples=some(300), deadline=None)
@example(1729990800000, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "Europe/Berlin")
def test_formatting_and_parsing_give_the_instant_back(milliseconds: int, pattern: str, zone_name: str) -> None:
    zone = find_zone(zone_name)
    # Old offsets have seconds, which no pattern shows.
    if "X:XX" in pattern or zone.offset_ms(milliseconds) % 60_000:
        return
    shown = format_date(milliseconds, pattern, zone)
    assert parse_date(shown, pattern, zone, reference_ms=PLAN_TIME_MS) == milliseconds


@given(INSTANTS, ZONES)
@settings(max_examples=some(200), deadline=None)
def test_the_week_year_agrees_with_a_calendar_made_by_hand(milliseconds: int, zone_name: str) -> None:
    shown = format_date(milliseconds, "yyyy-MM-dd YYYY w W F u", find_zone(zone_name))
    date_text, week_year, week, week_of_month, which, iso_day = shown.split()
    day = dt.date.fromisoformat(date_text)
    sunday = day - dt.timedelta(days=day.isoweekday() % 7)
    saturday = sunday + dt.timedelta(days=6)
    assert int(week_year) == saturday.year
    new_year = dt.date(saturday.year, 1, 1)
    first_sunday = new_year - dt.timedelta(days=new_year.isoweekday() % 7)
    assert int(week) == (sunday - first_sunday).days // 7 + 1
    first = day.replace(day=1)
    assert int(week_of_month) == (sunday - (first - dt.timedelta(days=first.isoweekday() % 7))).days // 7 + 1
    assert int(which) == sum(first + dt.timedelta(days=n) <= day for n in range(31)
                             if (first + dt.timedelta(days=n)).weekday() == day.weekday())  # fmt: skip
    assert int(iso_day) == day.isoweekday()


@given(st.text(st.sampled_from(LETTERS + " '-:/,.x1"), max_size=12), st.text(max_size=20), INSTANTS, ZONES)
@settings(max_examples=some(300), deadline=None)
def test_any_pattern_formats_or_is_an_error(pattern: str, garbage: str, milliseconds: int, zone_name: str) -> None:
    zone = find_zone(zone_name)
    try:
        shown = format_date(milliseconds, pattern, zone)
    except ElError:
        return
    for candidate in (shown, garbage, shown[:-1], garbage + shown):
        try:
            assert isinstance(parse_date(candidate, pattern, zone, reference_ms=milliseconds), int)
        except ElError:
            continue


@given(INSTANTS, st.integers(-3000, 3000), ZONES)
@settings(max_examples=some(200), deadline=None)
def test_adding_days_keeps_the_wall_clock_or_moves_it_into_the_gap(start: int, days: int, zone_name: str) -> None:
    scope = replace(SCOPE, plan_time_ms=start, time_zone=zone_name)
    moved = text(f"#{{DateUtil.format(DateUtil.addDays(Job.planTime,{days}),'yyyy-MM-dd HH:mm')}}", scope=scope)
    before = dt.datetime.fromisoformat(text("#{Job.getPlanTime('yyyy-MM-dd HH:mm')}", scope=scope))
    shift = dt.datetime.fromisoformat(moved) - (before + dt.timedelta(days=days))
    assert dt.timedelta(0) <= shift <= dt.timedelta(hours=1)
