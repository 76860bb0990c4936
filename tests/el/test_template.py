"""Texts with parameters and expressions: the order of things, the ends of things, and what stays literal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.el.kit import SCOPE, mistake, text

from arkwright.el import (
    ElError,
    ErrorKind,
    Evaluated,
    Limits,
    Missing,
    NodeOutput,
    Scope,
    evaluate_expression,
    evaluate_template,
    parse_template,
    references,
    resolve,
    substitute,
)

RESOLVED = [
    ("", {}, ""),
    ("plain", {}, "plain"),
    ("#{1+1}", {}, "2"),
    ("a#{1}b#{2}c", {}, "a1b2c"),
    ("#{1}#{2}", {}, "12"),
    ("#{null}", {}, ""),
    ("a#{null}b", {}, "ab"),
    ("#{'}'}", {}, "}"),
    ('#{"}"}', {}, "}"),
    ("#{'#{'}x}", {}, "#{x}"),
    ('#{"a" + \'b}\' + "c"}', {}, "ab}c"),
    ("it's #{1}", {}, "it's 1"),
    ('say "#{1}"', {}, 'say "1"'),
    ("{#} # $ {1} ${", {}, "{#} # $ {1} ${"),
    ("${a}", {"a": "1"}, "1"),
    ("${a}${b}", {"a": "1", "b": "2"}, "12"),
    ("${a} ${unknown}", {"a": "1"}, "1 ${unknown}"),
    ("${a.b-c_d}", {"a.b-c_d": "1"}, "1"),
    ("${ a }", {"a": "1"}, "${ a }"),
    ("${a", {"a": "1"}, "${a"),
    ("$${a}}", {"a": "1"}, "$1}"),
    # Values go in once and are not read again
    ("${a}", {"a": "${b}", "b": "x"}, "${b}"),
    ("${a}b}", {"a": "${", "b": "x"}, "${b}"),
    ("${a}", {"a": "#{1+1}"}, "#{1+1}"),
    ("${a}1}", {"a": "#{"}, "#{1}"),
    ("#${a}", {"a": "{1}"}, "#{1}"),
    ("${a} #{1}", {"a": "#{"}, "#{ 1"),
    # Parameters inside of expressions are text before the expression is read
    ('#{${result} > 5 ? "true" : "false"}', {"result": "6"}, "true"),
    ('#{${result} > 5 ? "true" : "false"}', {"result": "5"}, "false"),
    ('#{(${result} >= 19 || ${result} <=9) ? "true" : "false"}', {"result": "10"}, "false"),
    ('#{"${a}" == "x"}', {"a": "x"}, "true"),
    ('#{"${a}"}', {"a": "has } brace"}, "has } brace"),
    ("#{${a}}", {"a": '"}"'}, "}"),
    ("#{${a}} and #{${a}}", {"a": "1+1"}, "2 and 2"),
    ("#{'${a}'}", {"a": "#{1}"}, "#{1}"),
    ("#{'${unknown}'}", {}, "${unknown}"),
    ("#{1${a}2}", {"a": "+"}, "3"),
    ("#{${a}}", {"a": "Job.name"}, "daily_load"),
    ("#{'${a}${b}'}", {"a": "${b}", "b": "x"}, "${b}x"),
    ("#{'a'}${a}#{'b'}", {"a": "-"}, "a-b"),
]


@pytest.mark.parametrize(("source", "values", "expected"), RESOLVED)
def test_a_text_resolves_to(source: str, values: dict[str, str], expected: str) -> None:
    assert text(source, values) == expected


def test_with_a_prefix_only_the_prefixed_form_is_a_parameter() -> None:
    result = resolve("${dlf.a} ${a} #{'${dlf.a}${a}'}", {"a": "1"}, SCOPE, prefix="dlf.")
    assert isinstance(result, Evaluated)
    assert result.text == "1 ${a} 1${a}"
    assert substitute("${dlf.a} ${a}", {"a": "1"}, prefix="dlf.") == "1 ${a}"
    assert substitute("${dlfxa}", {"a": "1"}, prefix="dlf.") == "${dlfxa}"


def test_references_are_listed_once_in_order() -> None:
    assert references("${b} ${a} ${b} #{${c}} ${ x } $d ${e") == ("b", "a", "c")
    assert references("${dlf.a} ${b}", "dlf.") == ("a",)
    assert references("nothing") == ()


def test_a_text_that_is_one_expression_keeps_its_type() -> None:
    alone = resolve("#{1+1}", {}, SCOPE)
    inside = resolve("#{1+1} ", {}, SCOPE)
    assert isinstance(alone, Evaluated)
    assert isinstance(inside, Evaluated)
    assert (alone.value, alone.type) == (2, "Long")
    assert (inside.value, inside.type) == ("2 ", "String")


def test_a_parsed_text_can_be_evaluated_again_in_other_scopes() -> None:
    template = parse_template("#{Job.name} at #{Job.getPlanTime('HH')}")
    assert template is parse_template("#{Job.name} at #{Job.getPlanTime('HH')}")
    assert template.expressions == ("Job.name", "Job.getPlanTime('HH')")
    for name, hour in (("a", 0), ("b", 5)):
        scope = Scope(job_name=name, plan_time_ms=hour * 3_600_000)
        result = evaluate_template(template, scope)
        assert isinstance(result, Evaluated)
        assert result.text == f"{name} at {hour:02d}"


def test_all_parts_say_what_they_miss() -> None:
    result = resolve("#{Job.getNodeOutput('a')} and #{Job.getNodeOutput('b')}", {}, Scope())
    assert result == Missing(frozenset({NodeOutput("a"), NodeOutput("b")}))


def test_a_fact_of_none_is_a_fact() -> None:
    result = evaluate_expression("empty Job.getNodeOutput('a')", Scope(facts={NodeOutput("a"): None}))
    assert isinstance(result, Evaluated)
    assert result.value is True


UNREADABLE = [
    ("#{", ErrorKind.UNCLOSED_EXPRESSION, 0),
    ("abc #{1", ErrorKind.UNCLOSED_EXPRESSION, 4),
    ("#{'a}", ErrorKind.UNCLOSED_STRING, 2),
    ("#{}", ErrorKind.SYNTAX, 2),
    ("x #{1 +} y", ErrorKind.SYNTAX, 7),
    ("x #{1} #{foo}", ErrorKind.UNKNOWN_NAME, 9),
    ("#{${a}}", ErrorKind.SYNTAX, 2),
    ("#{{}}", ErrorKind.SYNTAX, 2),
]


@pytest.mark.parametrize(("source", "kind", "position"), UNREADABLE)
def test_a_text_that_cant_be_read_says_where(source: str, kind: ErrorKind, position: int) -> None:
    with pytest.raises(ElError) as caught:
        parse_template(source)
    assert (caught.value.kind, caught.value.position) == (kind, position)
    assert (mistake(source).kind, mistake(source).position) == (kind, position)


def test_places_are_those_of_the_text_as_it_was_written() -> None:
    error = mistake("${a} #{1 + ${b} * foo}", {"a": "long value", "b": "22"})
    assert error.position == "${a} #{1 + ${b} * foo}".index("foo")
    error = mistake("${a} #{1 + ${b} * 'x'}", {"a": "long value", "b": "22"})
    assert error.position == "${a} #{1 + ${b} * 'x'}".index("${b}")
    error = mistake("#{'a' * 2 + ${b}${b}}", {"b": "1"})
    assert error.position == 2


def test_an_error_names_the_innermost_expression() -> None:
    error = mistake('path/#{StringUtil.left("abc", 1 + 2 / 0)}')
    assert error.expression == "2 / 0"
    assert error.position == 'path/#{StringUtil.left("abc", 1 + 2 / 0)}'.index("2 / 0")
    assert error.code == "ARK.EL.0009"
    error = mistake('#{StringUtil.left("abc", StringUtil.trim("x"))}')
    assert error.expression == 'StringUtil.trim("x")'
    error = mistake("#{Job.getNodeOutpt('x')}")
    assert "getNodeOutput" in error.hint
    assert "Job.getNodeOutpt" in str(error)
    assert "did you mean Env?" in mistake("#{Evn.get('x')}").hint
    assert "leftPad(String, int[, String])" in mistake("#{StringUtil.leftPad('x')}").hint


def test_a_trace_lists_the_steps_from_the_inside_out() -> None:
    result = resolve("x #{1 + StringUtil.length('ab')}", {}, replace(SCOPE, trace=True))
    assert isinstance(result, Evaluated)
    assert [(step.expression, step.position, step.text, step.type) for step in result.steps] == [
        ("StringUtil.length('ab')", 8, "2", "Integer"),
        ("1 + StringUtil.length('ab')", 4, "3", "Long"),
    ]
    assert resolve("#{1+1}", {}, SCOPE) == Evaluated("2", 2, "Long", ())


def test_limits_are_errors_of_their_own() -> None:
    few_steps = replace(SCOPE, limits=Limits(steps=10))
    assert mistake("#{" + "+".join("1" * 20) + "}", scope=few_steps).kind is ErrorKind.LIMIT
    flat = replace(SCOPE, limits=Limits(depth=5))
    assert mistake("#{((((((1))))))}", scope=flat).kind is ErrorKind.LIMIT
    short = replace(SCOPE, limits=Limits(result_chars=10))
    assert mistake("#{'abcde'+'fghijk'}", scope=short).kind is ErrorKind.LIMIT
    assert mistake("#{'123456'}#{'789012'}", scope=short).kind is ErrorKind.LIMIT
    assert mistake("#{'${a}'}", {"a": "x" * 11}, scope=short).kind is ErrorKind.LIMIT
    assert mistake("${a}${a}", {"a": "x" * 6}, scope=short).kind is ErrorKind.LIMIT
    assert mistake("#{Job.getNodeOutput('rows')}", scope=short).kind is ErrorKind.LIMIT


def test_literal_text_may_be_longer_than_any_limit() -> None:
    short = replace(SCOPE, limits=Limits(result_chars=10))
    script = "-- a long script\n" * 100
    assert text(script + "${a}#{1}", {"a": "x"}, scope=short) == script + "x1"
    assert text(script, scope=short) == script


@pytest.mark.parametrize(
    "source",
    ["(" * 5000 + "1" + ")" * 5000, "!" * 5000 + "true", "-" * 5000 + "1", "1" + "[0]" * 5000, "1 ? 2 : " * 5000 + "3"],
)
def test_nesting_without_end_is_refused_before_the_stack_is_full(source: str) -> None:
    assert mistake("#{" + source + "}").kind is ErrorKind.LIMIT


def test_a_hundred_levels_are_fine() -> None:
    assert text("#{" + "(" * 90 + "1" + ")" * 90 + "}") == "1"
    nested = "'x'"
    for _ in range(90):
        nested = f"StringUtil.trim({nested})"
    assert text("#{" + nested + "}") == "x"


def test_what_leaves_is_text_that_can_be_stored() -> None:
    result = text("#{JSONUtil.parse('\"\\\\ud83d\"')} #{JSONUtil.parse('[\"\\\\ud83d\"]')}")
    result.encode()
    assert result == '? ["?"]'
