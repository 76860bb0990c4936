"""StringUtil against the results of Commons Lang, and what holds beyond single examples."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.el.kit import SCOPE, answer, mistake, table

from arkwright.el import ElError, ErrorKind, Scope, evaluate_expression
from arkwright.el.functions import BUILT_INS

ROWS = table("string_util")


@pytest.mark.parametrize(("expression", "outcome", "expected"), ROWS, ids=[str(row[0]) for row in ROWS])
def test_a_method_gives_what_commons_lang_gives(expression: str, outcome: str, expected: object) -> None:
    if outcome == "error":
        assert mistake("#{" + expression + "}").kind is ErrorKind.WRONG_TYPE
        return
    assert answer(expression).value == expected


def test_every_method_has_an_example() -> None:
    shown = {str(row[0]).partition("(")[0].removeprefix("StringUtil.") for row in ROWS}
    assert set(BUILT_INS["StringUtil"].methods) - shown == {"toCodePoints"}


def test_null_stays_null() -> None:
    for call in ("trim(null)", "substring(null,1)", "split(null,',')", "leftPad(null,2)", "upperCase(null)"):
        assert answer("StringUtil." + call).type == "null"


def test_lengths_and_indexes_count_utf16_units() -> None:
    assert answer("StringUtil.length('a😀')").value == 3
    assert answer("StringUtil.indexOf('😀b','b')").value == 2
    assert answer("StringUtil.substring('😀b',2)").text == "b"
    assert answer("StringUtil.left('😀b',2)").text == "😀"
    assert answer("StringUtil.reverse('a😀')").text == "😀a"
    assert answer("StringUtil.split('a😀b','😀')").value == ["a", "b"]
    assert answer("StringUtil.toCodePoints('a😀')").value == [97, 128512]


def test_half_a_character_is_a_question_mark_and_two_halves_are_whole_again() -> None:
    assert answer("StringUtil.left('😀b',1)").text == "?"
    assert answer("StringUtil.left('😀b',1)+StringUtil.substring('😀b',1)").text == "😀b"


def test_numbers_and_lists_are_joined_as_text() -> None:
    assert answer("StringUtil.join(JSONUtil.parse('[1,2.5,true,null]'),'-')").text == "1-2.5-true-"
    assert answer("StringUtil.join('a',1,'b')").text == "a1b"
    assert answer("StringUtil.joinWith('/', 'a', 2024)").text == "a/2024"


def test_replacements_that_go_in_circles_are_an_error() -> None:
    swap = 'StringUtil.replaceEachRepeatedly(\'ab\',JSONUtil.parse(\'["a","b"]\'),JSONUtil.parse(\'["b","a"]\'))'
    assert mistake("#{" + swap + "}").kind is ErrorKind.WRONG_TYPE


def test_lists_of_different_length_cant_be_paired() -> None:
    call = "StringUtil.replaceEach('ab',JSONUtil.parse('[\"a\",\"b\"]'),JSONUtil.parse('[\"b\"]'))"
    assert mistake("#{" + call + "}").kind is ErrorKind.WRONG_TYPE


def test_strings_beyond_the_limit_are_refused_before_they_are_made() -> None:
    for call in (
        "repeat('a',2000000000)",
        "leftPad('a',2000000000)",
        "rightPad('a',2000000000,'xy')",
        "center('a',2000000000)",
        "replace(StringUtil.repeat('a',100000),'a',StringUtil.repeat('b',100000))",
        "replaceAll(StringUtil.repeat('a',1000),'a',StringUtil.repeat('b',100000))",
        "join(StringUtil.split(StringUtil.repeat('a ',10000)),StringUtil.repeat('b',100000))",
        "replaceIgnoreCase(StringUtil.repeat('a',100000),'A',StringUtil.repeat('b',100000))",
    ):
        assert mistake("#{StringUtil." + call + "}").kind is ErrorKind.LIMIT, call


def test_costly_functions_run_out_of_steps_instead_of_time() -> None:
    for call in (
        "getLevenshteinDistance(StringUtil.repeat('a',100000),StringUtil.repeat('b',100000))",
        "getJaroWinklerDistance(StringUtil.repeat('a',100000),StringUtil.repeat('b',100000))",
        "replaceAll(StringUtil.repeat('a',1000000),'(a*)*b','')",
        "replaceEachRepeatedly('a' + StringUtil.repeat('b',1000000),"
        "JSONUtil.parse('[\"ab\"]'),JSONUtil.parse('[\"a\"]'))",
    ):
        assert mistake("#{StringUtil." + call + "}").kind is ErrorKind.LIMIT, call


REGEXES = [
    ("'aaa','a{2}','x'", "xa"),
    ("'aXbX','X(.)?','[$1]'", "a[b][]"),
    ("'2024-01','(?<year>\\d+)-(?<month>\\d+)','${month}/${year}'", "01/2024"),
    ("'abAB','(?i)ab','x'", "xx"),
    ("'abAB','(?i:a)b','x'", "xAB"),
    ("'a\nb','(?m)^','> '", "> a\n> b"),
    ("'a\nb','(?s)a.b','x'", "x"),
    ("'a.b*c','\\\\Q.b*\\\\E','-'", "a-c"),
    ("'x]y','[]]','-'", "x-y"),
    ("'a-b','[a-]','x'", "xxb"),
    ("'äöü','\\p{L}','x'", "xxx"),
    ("'a😀b','.','x'", "xxx"),
    ("'foo bar','\\b','|'", "|foo| |bar|"),
    ("'cost','cost','\\$5'", "$5"),
    ("'aaa','a+?','x'", "xxx"),
    ("'abab','(?:ab)+','x'", "x"),
    ("'abc','a|ab|abc','x'", "xbc"),
    ("'tab\there','\\t','_'", "tab_here"),
]


@pytest.mark.parametrize(("arguments", "expected"), REGEXES)
def test_a_regular_expression_replaces_as_in_java(arguments: str, expected: str) -> None:
    assert answer(f"StringUtil.replaceAll({arguments})").text == expected


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a", "a)", "[a", "*a", "a**+", "a{3,1}", "a{x}", "(?=a)", "(?<!a)b", "(?>a)", "a++", r"(a)\1", "[a[b]]"),
        *("[a&&b]", r"\y", r"\p{Nonsense}", "[z-a]", r"\x4", "(?z)a", "(?<1>a)", "\\", "(" * 100, "a{9999}{9999}"),
    ],
)
def test_a_regular_expression_that_cant_be_read_is_an_error(pattern: str) -> None:
    expression = "StringUtil.removeAll('aaa', Job.getParam('p'))"
    with pytest.raises(ElError) as caught:
        evaluate_expression(expression, _with_parameter(pattern))
    assert caught.value.kind in (ErrorKind.REGEX, ErrorKind.LIMIT)


@pytest.mark.parametrize("replacement", ["$", "$2", "${x}", "a\\"])
def test_a_replacement_that_names_no_group_is_an_error(replacement: str) -> None:
    with pytest.raises(ElError) as caught:
        evaluate_expression("StringUtil.replaceAll('a','(a)',Job.getParam('p'))", _with_parameter(replacement))
    assert caught.value.kind is ErrorKind.REGEX


def _with_parameter(value: str) -> Scope:
    return replace(SCOPE, parameters={"p": value})
