"""What a node is given: parameters and expressions in its properties and its script (factory-behaviour 5.1)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.building import Run, plan

from arkwright.core.commands import LookUp
from arkwright.core.instance import NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.resolve import read_arguments


def given(text: str, *, own: dict[str, str] | None = None, run: dict[str, str] | None = None, name: str = "url") -> str:
    """What a property holding that text becomes."""
    started = Run(plan("a", a={"properties": {name: text}}, parameters=own), parameters=run or {})
    assert started.node("a").status is NodeStatus.RUNNING, started.node("a").message
    return started.given("a").properties[name]


def script(
    text: str, *, own: dict[str, str] | None = None, run: dict[str, str] | None = None, arguments: str = ""
) -> str:
    """What a script with that text becomes."""
    node = {"properties": {"scriptName": "s", "scriptArgs": arguments}}
    started = Run(plan("a", a=node, parameters=own, scripts={"s": text}), parameters=run or {})
    assert started.node("a").status is NodeStatus.RUNNING, started.node("a").message
    resolved = started.given("a").script
    assert resolved is not None
    return resolved.text


def failure(**fields: Any) -> str:
    run = Run(plan("a", **fields))
    assert run.node("a").status is NodeStatus.FAIL
    return run.node("a").message or ""


PROPERTIES = {
    "a text without marks stays": ("plain $x {y} #z", {}, {}, "plain $x {y} #z"),
    "a parameter of the job is inserted": ("x=${p}", {"p": "1"}, {}, "x=1"),
    "a value given for the run wins": ("x=${p}", {"p": "1"}, {"p": "2"}, "x=2"),
    "an empty value given for the run wins": ("x=${p}", {"p": "1"}, {"p": ""}, "x="),
    "a name that the job lacks is accepted": ("x=${q}", {"p": "1"}, {"q": "2"}, "x=2"),
    "a name defined nowhere stays": ("${HOME}/${p}", {"p": "1"}, {}, "${HOME}/1"),
    "a parameter is inserted as often as it stands there": ("${p}${p}-${p}", {"p": "1"}, {}, "11-1"),
    "a value given for the run is not scanned for parameters": ("${p}", {"q": "1"}, {"p": "${q}"}, "${q}"),
    "a value given for the run is not scanned for expressions": ("${p}", {}, {"p": "#{1+1}"}, "#{1+1}"),
    "a value of the job is not scanned for parameters": ("${p}", {"p": "${q}", "q": "1"}, {}, "${q}"),
    "a value of the job may be an expression": ("${p}", {"p": "#{1+1}"}, {}, "2"),
    "an expression may stand in the middle of a value of the job": ("${p}", {"p": "a#{1+1}b#{3}"}, {}, "a2b3"),
    "a value of the job that says ${p} means that text": ("${p}", {"p": "${p}"}, {}, "${p}"),
    "an expression in a property is evaluated": ("#{1+1} ${p}", {"p": "3"}, {}, "2 3"),
    "parameters come before expressions": ("#{${p}+1}", {"p": "41"}, {}, "42"),
    "an expression sees the job's own parameter": ('#{Job.getParam("p")}', {"p": "1"}, {}, "1"),
    "an expression sees the value given for the run": ('#{Job.getParam("p")}', {"p": "1"}, {"p": "2"}, "2"),
    "an expression sees a name that the job lacks": ('#{Job.getParam("q")}', {}, {"q": "2"}, "2"),
    "an expression sees the evaluated value": ('#{Job.getParam("p") + 1}', {"p": "#{2*3}"}, {}, "7"),
    "what an expression reads is not scanned": ('#{Job.getParam("p")}', {"q": "1"}, {"p": "${q}#{1}"}, "${q}#{1}"),
    "a parameter may use another one": (
        "${a}", {"a": '#{Job.getParam("b") + 1}', "b": '#{Job.getParam("c") * 10}', "c": "4"}, {}, "41"),
    "a parameter may use another one's value for the run": (
        "${a}", {"a": '#{Job.getParam("b")}', "b": "1"}, {"b": "2"}, "2"),
    "a value given for the run ends a circle": (
        "${a}", {"a": '#{Job.getParam("b")}', "b": '#{Job.getParam("a")}'}, {"b": "2"}, "2"),
    "letters beyond ASCII pass": ("${p}–#{Job.getParam('p')}", {"p": "Zürich 东"}, {}, "Zürich 东–Zürich 东"),
}  # fmt: skip


@pytest.mark.parametrize("sentence", PROPERTIES)
def test_in_a_property(sentence: str) -> None:
    text, own, run, expected = PROPERTIES[sentence]
    assert given(text, own=own, run=run) == expected


SCRIPTS = {
    "a parameter is inserted": ("echo ${p}", {"p": "1"}, {}, "", "echo 1"),
    "a shell's own variables stay": ("echo ${HOME} $HOME ${#x[@]}", {}, {}, "", "echo ${HOME} $HOME ${#x[@]}"),
    "an expression is evaluated": ("select #{1+1}", {}, {}, "", "select 2"),
    "parameters come before expressions": ("select #{${p} + 1}", {"p": "41"}, {}, "", "select 42"),
    "a value may be text in an expression": ('#{"${p}" == "x" ? "yes" : "no"}', {"p": "x"}, {}, "", "yes"),
    "text that is no expression stays": ("# a lone #{ here\necho ${p}", {"p": "1"}, {}, "", "# a lone #{ here\necho 1"),
    "expressions around text that is none are evaluated": (
        "# it's #{ ${p}\necho #{1+1} # #{}\necho '#{' \"#{${p}*2}\"", {"p": "3"}, {}, "",
        "# it's #{ 3\necho 2 # #{}\necho '#{' \"6\""),
    "a value does not complete an expression": ("#{ ${p}\n#{1+1}", {"p": "1}"}, {}, "", "#{ 1}\n2"),
    "a value is not scanned": ("${p}", {"q": "1"}, {"p": "${q} #{2}"}, "", "${q} #{2}"),
    "an argument of the script is inserted": ("echo ${x}", {}, {}, "x=1", "echo 1"),
    "the job's parameter wins over the script's argument": ("echo ${x}", {"x": "2"}, {}, "x=1", "echo 2"),
    "a value given for the run wins over the script's argument": ("echo ${x}", {}, {"x": "3"}, "x=1", "echo 3"),
    "an argument of the script may use a parameter": ("echo ${x}", {"p": "5"}, {}, "x=${p}0", "echo 50"),
    "an argument of the script may be an expression": ("echo ${x}", {}, {}, "x=#{2*3}", "echo 6"),
    "an argument of the script is not scanned again": ("echo ${x}", {"q": "1"}, {"p": "${q}"}, "x=${p}", "echo ${q}"),
    "an expression does not see the script's arguments": (
        "#{Job.getParam('x') == null}", {}, {}, "x=1", "true"),
}  # fmt: skip


@pytest.mark.parametrize("sentence", SCRIPTS)
def test_in_a_script(sentence: str) -> None:
    text, own, run, arguments, expected = SCRIPTS[sentence]
    assert script(text, own=own, run=run, arguments=arguments) == expected


@pytest.mark.parametrize("name", ["statement", "sql", "sqlStatement", "STATEMENT"])
def test_a_statement_typed_into_a_node_is_not_scanned(name: str) -> None:
    text = "select ${p}, #{1+1}, #{"
    assert given(text, own={"p": "1"}, name=name) == text


def test_a_script_keeps_everything_but_its_text() -> None:
    run = Run(plan("a", a={"properties": {"scriptName": "s"}}, parameters={"p": "1"}, scripts={"s": "${p}"}))
    resolved = run.given("a").script
    assert resolved is not None
    assert (resolved.name, resolved.type, resolved.version, resolved.text) == ("s", "shell", 1, "1")
    assert run.plan.scripts["s"].text == "${p}"


def test_a_node_without_a_script_is_given_none() -> None:
    assert Run(plan("a", scripts={"s": "x"})).given("a").script is None


def test_an_expression_error_in_a_script_fails_the_node() -> None:
    node = {"properties": {"scriptName": "s"}}
    assert "Job.nothing" in failure(a=node, scripts={"s": "echo #{Job.nothing}"})


def test_facts_of_all_expressions_of_a_script_are_asked_for_together() -> None:
    node = {"properties": {"scriptName": "s"}}
    text = "# #{\necho #{Job.getNodeOutput('a')} # #{\necho #{DateUtil.getYear(DateUtil.now())}"
    run = Run(plan("a > b", b=node, scripts={"s": text})).succeeds("a", output="4711/a/1/output")
    (look_up,) = run.commands
    assert isinstance(look_up, LookUp)
    assert look_up.facts == {"output:a", "clock"}
    resolved = run.finds("b", **{"output:a": "5", "clock": 0}).given("b").script
    assert resolved is not None
    assert resolved.text == "# #{\necho 5 # #{\necho 1970"


def test_a_script_full_of_text_that_is_no_expression_fails_the_node() -> None:
    node = {"properties": {"scriptName": "s"}}
    assert "'#{' without a complete expression" in failure(a=node, scripts={"s": "#{ " * 101})


def test_a_value_that_spoils_an_expression_in_a_script_fails_the_node_and_is_not_run_as_text() -> None:
    node = {"properties": {"scriptName": "s"}}
    assert "can't be evaluated" in failure(a=node, scripts={"s": "echo #{${p} > 5}"}, parameters={"p": ""})


def test_a_name_defined_nowhere_inside_an_expression_of_a_script_fails_the_node() -> None:
    node = {"properties": {"scriptName": "s"}}
    assert "can't be evaluated" in failure(a=node, scripts={"s": "echo #{${unknown} > 5}"})


@pytest.mark.parametrize(
    "own",
    [
        {"p": '#{Job.getParam("p")}'},
        {"p": '#{Job.getParam("q")}', "q": '#{Job.getParam("p")}'},
        {"p": '#{Job.getParam("q")}', "q": '#{Job.getParam("r")}', "r": 'x#{Job.getParam("q")}'},
    ],
    ids=["itself", "a circle of two", "a circle further on"],
)
def test_a_parameter_defined_by_itself_is_an_error_where_it_is_used(own: dict[str, str]) -> None:
    assert "is defined by itself" in failure(a={"properties": {"url": "${p}"}}, parameters=own)


def test_a_parameter_that_can_not_be_evaluated_does_no_harm_where_it_is_not_used() -> None:
    own = {"bad": "#{Job.nothing}", "worse": "#{", "self": '#{Job.getParam("self")}', "good": "#{1+1}"}
    run = Run(plan("a", a={"properties": {"url": "${good}"}}, parameters=own))
    assert run.given("a").parameters == {"good": "2"}
    assert run.given("a").properties == {"url": "2"}


def test_a_program_sees_all_parameters_with_this_runs_values() -> None:
    run = Run(plan("a", parameters={"p": "1", "q": "#{2*2}"}), parameters={"p": "9", "r": "#{1}"})
    assert run.given("a").parameters == {"p": "9", "q": "4", "r": "#{1}"}


def test_each_attempt_is_evaluated_afresh() -> None:
    text = "#{DateUtil.getTime(DateUtil.now())}"
    run = Run(plan("a", a={"properties": {"url": text}, "retry_times": 1})).finds("a", clock=5)
    assert run.given("a").properties == {"url": "5"}
    run.fails("a").retry_is_due("a")
    assert run.looked_up == ["a"]
    run.finds("a", clock=6)
    assert run.given("a").properties == {"url": "6"}
    assert run.node("a").attempt == 2


def test_expressions_know_the_instance() -> None:
    text = '#{Job.name} #{Job.projectId} #{DateUtil.format(Job.planTime, "yyyy-MM-dd HH:mm")}'
    node = {"properties": {"url": text}}
    started = Run(plan("a", a=node), time_zone="Asia/Shanghai", plan_time_ms=1_700_000_000_000)
    assert started.given("a").properties["url"] == f"tested {'p' * 32} 2023-11-15 06:13"


def test_an_expression_knows_when_the_instance_started() -> None:
    run = Run(plan("a > b", b={"properties": {"url": "#{DateUtil.getTime(Job.startTime)}"}})).succeeds("a")
    assert run.given("b").properties["url"] == str(run.state.start_time_ms)


def test_an_expression_knows_the_state_of_ended_nodes_only() -> None:
    text = "#{Job.getNodeStatus('a')} #{Job.getNodeStatus('x')} #{Job.getNodeStatus('w') == null}"
    run = Run(plan("a > b, x > b, w", b={"properties": {"url": text}}, x=FailPolicy.IGNORE))
    run.succeeds("a").fails("x")
    assert run.given("b").properties["url"] == "success fail true"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", {}),
        ("a=1\nb=2", {"a": "1", "b": "2"}),
        (" a = 1 \r\n b=2", {"a": "1", "b": "2"}),
        ("a=1=2", {"a": "1=2"}),
        ("a=", {"a": ""}),
        ("nothing\n\na=1", {"a": "1"}),
        ("a=1\na=2", {"a": "2"}),
    ],
)
def test_script_arguments_are_lines_of_name_and_value(text: str, pairs: dict[str, str]) -> None:
    assert read_arguments(text) == pairs
