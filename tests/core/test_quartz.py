"""Which expressions are refused, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import some

from arkwright.core.quartz import CronFields, days_of, parse_quartz
from arkwright.errors import Code, InvalidInput

REFUSED = [
    # expression, words of the message
    ("", ["six fields", "not 0"]),
    ("0 0 2 * *", ["six fields", "not 5"]),
    ("0 0 2 * * ? * *", ["six fields", "not 8"]),
    ("0 0 2 * * *", ["weekday", "character 11", "one must be ?"]),
    ("0 0 2 ? * ?", ["weekday", "must be given"]),
    ("0 0 ? * * ?", ["hour", "character 5", "? stands alone"]),
    ("0 0 2 1,? * MON", ["day", "? stands alone"]),
    ("60 0 2 * * ?", ["second", "character 1", "60 is outside 0 to 59"]),
    ("0 60 2 * * ?", ["minute", "character 3", "60 is outside 0 to 59"]),
    ("0 0 24 * * ?", ["hour", "24 is outside 0 to 23"]),
    ("0 0 2 0 * ?", ["day", "0 is outside 1 to 31"]),
    ("0 0 2 32 * ?", ["day", "32 is outside 1 to 31"]),
    ("0 0 2 * 13 ?", ["month", "13 is outside 1 to 12"]),
    ("0 0 2 ? * 0", ["weekday", "0 is outside 1 to 7", "Sunday is 1"]),
    ("0 0 2 ? * 8", ["weekday", "8 is outside 1 to 7"]),
    ("0 0 2 * * ? 1969", ["year", "1969 is outside 1970"]),
    ("0 0/60 * * * ?", ["minute", "the step 60 is outside 1 to 59"]),
    ("0 0 0/24 * * ?", ["hour", "the step 24 is outside 1 to 23"]),
    ("0 0 2 1/32 * ?", ["day", "the step 32 is outside 1 to 31"]),
    ("0 */0 * * * ?", ["minute", "the step 0"]),
    ("0 0/0 * * * ?", ["minute", "the step 0"]),
    ("0 0/ * * * ?", ["minute", "/ is followed by a whole number"]),
    ("0 0,30, * * * ?", ["minute", "'0,30,'", "character 8", "comma without a value"]),
    ("0 ,30 * * * ?", ["minute", "character 3", "comma without a value"]),
    ("0 5- * * * ?", ["minute", "- stands between two values"]),
    ("0 -5 * * * ?", ["minute", "- stands between two values"]),
    ("0 1-2-3 * * * ?", ["minute", "'2-3' is no value"]),
    ("0 x * * * ?", ["minute", "'X' is no value", "0 to 59"]),
    ("0 ١ * * * ?", ["minute", "is no value"]),
    ("0 0 2 1-5W * ?", ["day", "one single day"]),
    ("0 0 2 15W,20 * ?", ["day", "W stands alone"]),
    ("0 0 2 LW,1 * ?", ["day", "W stands alone"]),
    ("0 0 2 W * ?", ["day", "one single day"]),
    ("0 0 2 32W * ?", ["day", "32 is outside"]),
    ("0 0 2 L-31 * ?", ["day", "at most 30"]),
    ("0 0 2 L3 * ?", ["day", "L is written"]),
    ("0 0 2 5L * ?", ["day", "L is written"]),
    ("0 0 2 L 2,L ?", ["month", "'L' is no value"]),
    ("0 0 2 ? * 6#6", ["weekday", "1 to 5, not '6'"]),
    ("0 0 2 ? * 6#0", ["weekday", "1 to 5"]),
    ("0 0 2 ? * 6#", ["weekday", "1 to 5"]),
    ("0 0 2 ? * #2", ["weekday", "is no value"]),
    ("0 0 2 ? * 15W", ["weekday", "is no value"]),
    ("0 0 2 ? * MONDAY", ["weekday", "MON"]),
    ("0 0 2 3#2 * ?", ["day", "is no value"]),
    ("0 0 2 31 2 ?", ["month", "no such day comes"]),
    ("0 0 2 31 4,6,9,11 ?", ["month", "no such day comes"]),
    ("0 0 2 29 2 ? 2025", ["month", "no such day comes"]),
    ("0 0 2 * * ? 2030-2028", ["year", "first year is after the last"]),
]


@pytest.mark.parametrize(("expression", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_an_expression_that_is_refused_says_where_and_why(expression: str, words: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_quartz(expression, "schedule.cron.expression")
    assert caught.value.field == "schedule.cron.expression"
    assert caught.value.code is Code.JOB_SCHEDULE_INVALID
    assert "0 0 2 * * ?" in caught.value.hint
    assert [word for word in words if word not in caught.value.message] == []


SAME = [
    ("0 0 2 * * ?", "0 0 2 ? * *"),
    ("0 0 2 * * ?", "  0 0  2 * * ?\t"),
    ("0 0 2 ? * MON-FRI", "0 0 2 ? * 2-6"),
    ("0 0 2 ? jan,Feb mon", "0 0 2 ? 1,2 2"),
    ("0 0 2 ? * FRI#3", "0 0 2 ? * 6#3"),
    ("0 0 2 ? * FRIL", "0 0 2 ? * 6L"),
    ("0 0 2 ? * L", "0 0 2 ? * 7"),
    ("0 0 2 ? * FRI-MON", "0 0 2 ? * 6,7,1,2"),
    ("0 0 2 5C * ?", "0 0 2 5 * ?"),
    ("0 /15 * * * ?", "0 */15 * * * ?"),
    ("0 0 2 * * ? *", "0 0 2 * * ?"),
    ("0 0 2 28-2 * ?", "0 0 2 28,29,30,31,1,2 * ?"),
    ("0 0 2 1-31 * ?", "0 0 2 * * ?"),
]


def same_days(one: CronFields, other: CronFields) -> bool:
    return all(
        days_of(one.days, year, month) == days_of(other.days, year, month)
        for year in (2024, 2025, 2026)
        for month in range(1, 13)
    )


@pytest.mark.parametrize(("one", "other"), SAME, ids=[row[0] for row in SAME])
def test_two_spellings_are_one_plan(one: str, other: str) -> None:
    first, second = parse_quartz(one), parse_quartz(other)
    assert (first.seconds, first.minutes, first.hours, first.months, first.years) == (
        second.seconds,
        second.minutes,
        second.hours,
        second.months,
        second.years,
    )
    assert same_days(first, second)


def test_a_span_that_ends_before_it_starts_goes_round() -> None:
    fields = parse_quartz("0 50-10/5 22-2/2 * 11-2 ?")
    assert fields.minutes == (0, 5, 10, 50, 55)
    assert fields.hours == (0, 2, 22)
    assert fields.months == (1, 2, 11, 12)


@given(st.text(alphabet="0123456789*?/,-LWC#MONFRIJA \u0661é", max_size=40))
@settings(max_examples=some(500), deadline=None)
def test_any_text_is_a_plan_or_refused(text: str) -> None:
    try:
        fields = parse_quartz(text)
    except InvalidInput as error:
        refused = error
    else:
        assert all((fields.seconds, fields.minutes, fields.hours, fields.months))
        return
    assert refused.message
    assert refused.hint
