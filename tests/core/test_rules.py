"""What a workspace decides beside OR and AND: how far a condition skips, how parameters are written, what time counts;
and what nodes decide in words of their own: exit codes to retry, values taken out of answers, the time limit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.core.building import MINUTE_MS, START_MS, Run, plan

from arkwright.core.commands import SetInstanceTimer
from arkwright.core.events import InstanceOverdue
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.core.job import Plan
from arkwright.core.job_document import read_job
from arkwright.core.outcome import FailureKind
from arkwright.core.rules import Rules, SkipPolicy
from arkwright.core.step import outstanding
from arkwright.errors import InvalidInput

NEXT, ALL = SkipPolicy.NEXT, SkipPolicy.ALL
NO = "#{1 == 2}"


# ---------------------------------------------------------------- what a condition skips


def test_a_condition_skips_everything_after_its_node_by_default() -> None:
    run = Run(plan("a > b > c", b={"conditions": {"a": NO}})).succeeds("a")
    assert (run.nodes, run.status) == ("a=success b=skip c=skip", InstanceStatus.SUCCESS)


def test_a_line_may_say_that_only_the_next_node_is_skipped() -> None:
    node = {"conditions": {"a": NO}, "skip_policies": {"a": NEXT}}
    run = Run(plan("a > b > c", b=node)).succeeds("a")
    assert (run.nodes, run.started) == ("a=success b=skip c=running", ["c"])


def test_the_workspace_decides_for_lines_that_do_not_say_it() -> None:
    rules = Rules(skip_policy=NEXT)
    run = Run(plan("a > b > c", b={"conditions": {"a": NO}}), rules=rules).succeeds("a")
    assert run.nodes == "a=success b=skip c=running"
    node = {"conditions": {"a": NO}, "skip_policies": {"a": ALL}}
    run = Run(plan("a > b > c", b=node), rules=rules).succeeds("a")
    assert run.nodes == "a=success b=skip c=skip"


def test_of_several_lines_one_that_skips_everything_is_enough() -> None:
    node = {"conditions": {"a": NO, "b": NO}, "skip_policies": {"a": NEXT}}
    run = Run(plan("a > c > d, b > c", c=node)).succeeds("a", "b")
    assert run.nodes == "a=success c=skip d=skip b=success"


def test_what_is_skipped_with_all_that_follows_goes_on_being_skipped() -> None:
    nodes: dict[str, Any] = {
        "b": {"conditions": {"a": NO}},
        "c": {"conditions": {"b": "true"}, "skip_policies": {"b": NEXT}},
    }
    run = Run(plan("a > b > c > d", **nodes)).succeeds("a")
    assert run.nodes == "a=success b=skip c=skip d=skip"


def test_a_condition_behind_a_node_that_was_skipped_alone_is_asked() -> None:
    nodes: dict[str, Any] = {
        "b": {"conditions": {"a": NO}, "skip_policies": {"a": NEXT}},
        "c": {"conditions": {"b": "true"}},
    }
    run = Run(plan("a > b > c", **nodes)).succeeds("a")
    assert run.nodes == "a=success b=skip c=running"


# ---------------------------------------------------------------- retries by exit code

RETRIED = {"retry_times": 2, "retry_interval_seconds": 30, "retry_exit_codes": ((1, 5), (137, 137))}


@pytest.mark.parametrize(
    ("code", "retried"), [(1, True), (5, True), (137, True), (6, False), (0, False), (None, False)]
)
def test_a_failure_is_retried_when_its_exit_code_is_named(code: int | None, retried: bool) -> None:
    run = Run(plan("a", a=RETRIED)).fails("a", exit_code=code)
    assert (run.retry_timers == [30_000]) is retried
    assert (run.node("a").status is NodeStatus.FAIL) is not retried


def test_an_end_that_nobody_knows_has_no_exit_code_and_is_not_retried() -> None:
    run = Run(plan("a", a=RETRIED)).fails("a", FailureKind.LOST)
    assert run.node("a").status is NodeStatus.FAIL


def test_a_timeout_is_retried_by_its_own_setting_whatever_the_exit_code() -> None:
    run = Run(plan("a", a={**RETRIED, "retry_on_timeout": True})).deadline_passes("a")
    run.fails("a", FailureKind.CANCELLED, exit_code=143)
    assert run.retry_timers == [30_000]


# ---------------------------------------------------------------- the time limit of an instance


def limited(minutes: int = 10, graph: str = "a > b") -> Plan:
    made = plan(graph)
    return msgspec.structs.replace(made, job=msgspec.structs.replace(made.job, timeout_seconds=60 * minutes))


def timers(run: Run) -> list[int]:
    return [command.at_ms for command in run.commands if isinstance(command, SetInstanceTimer)]


def overdue(run: Run, at_ms: int) -> Run:
    run.tell(InstanceOverdue(at_ms=at_ms))
    return run


def test_an_instance_that_takes_too_long_is_overdue_and_runs_on() -> None:
    run = Run(limited())
    due = START_MS + 10 * MINUTE_MS
    assert timers(run) == [due]
    overdue(run, due)
    assert (run.state.overdue, run.status, run.nodes) == (True, InstanceStatus.RUNNING, "a=running b=waiting")
    run.succeeds("a", "b")
    assert (run.state.overdue, run.status) == (True, InstanceStatus.SUCCESS)


def test_a_job_without_a_limit_sets_no_timer() -> None:
    assert timers(Run(plan("a"))) == []


def test_an_instance_that_ends_in_time_is_never_overdue() -> None:
    run = Run(limited()).succeeds("a", "b")
    overdue(run, START_MS + 10 * MINUTE_MS)
    assert run.state.overdue is False


def test_the_time_counts_from_when_the_instance_was_made_or_planned() -> None:
    run = Run(limited(), submit_time_ms=START_MS - 5 * MINUTE_MS, plan_time_ms=START_MS - 60 * MINUTE_MS)
    assert timers(run) == [START_MS + 5 * MINUTE_MS]


def test_or_from_its_start_where_the_workspace_says_so() -> None:
    rules = Rules(timeout_without_waiting=True)
    run = Run(limited(), submit_time_ms=START_MS - 5 * MINUTE_MS, rules=rules)
    assert timers(run) == [START_MS + 10 * MINUTE_MS]


def test_a_restart_begins_the_time_anew_and_the_old_timer_means_nothing() -> None:
    run = Run(limited())
    overdue(run, START_MS + 10 * MINUTE_MS).succeeds("a", "b").is_restarted()
    assert (run.state.overdue, timers(run)) == (False, [run.now_ms + 10 * MINUTE_MS])
    overdue(run, run.now_ms + 9 * MINUTE_MS)
    assert run.state.overdue is False


def test_a_new_owner_sets_the_timer_again_until_it_has_passed() -> None:
    run = Run(limited())
    due = START_MS + 10 * MINUTE_MS
    assert SetInstanceTimer(instance_id=4711, at_ms=due) in outstanding(run.plan, run.state)
    overdue(run, due)
    assert not [each for each in outstanding(run.plan, run.state) if isinstance(each, SetInstanceTimer)]


# ---------------------------------------------------------------- how texts name things


def given(text: str, rules: Rules, **parameters: str) -> str:
    run = Run(plan("a", a={"properties": {"url": text}}, parameters=parameters), rules=rules)
    assert run.node("a").status is NodeStatus.RUNNING, run.node("a").message
    return run.given("a").properties["url"]


DLF = Rules(variable_prefix="dlf.")


def test_with_dlf_names_only_they_are_parameters() -> None:
    assert given("${dlf.day} ${day} ${HOME}", DLF, day="monday") == "monday ${day} ${HOME}"


def test_the_name_with_dlf_in_it_is_looked_for_first() -> None:
    assert given("${dlf.day} ${dlf.dlf.day}", DLF, **{"day": "monday", "dlf.day": "tuesday"}) == "tuesday tuesday"


def test_dlf_names_may_stand_in_expressions_and_scripts() -> None:
    assert given("#{${dlf.n} + 1}", DLF, n="41") == "42"
    node = {"properties": {"scriptName": "s", "scriptArgs": "b=2"}}
    made = plan("a", a=node, parameters={"a": "1"}, scripts={"s": "${dlf.a} ${dlf.b} ${a} #{${dlf.a} + 1}"})
    script = Run(made, rules=DLF).given("a").script
    assert script is not None
    assert script.text == "1 2 ${a} 2"


def test_environment_variables_follow_the_same_form() -> None:
    run = Run(plan("a", a={"properties": {"url": "${dlf.e} ${e}"}}), rules=DLF, environment={"e": "x"})
    assert run.given("a").properties["url"] == "x ${e}"


SIMPLE = Rules(simple_variables=True)


def test_the_simple_variables_are_replaced_where_the_workspace_says_so() -> None:
    text = "${yyyy-mm-dd}|$[yyyy-mm-dd]|$job_id|$instance_id"
    assert given(text, SIMPLE) == "2023-11-13|2023-11-14|7|4711"
    assert given(text, Rules()) == text


def test_a_value_of_the_job_may_be_a_simple_variable_and_one_of_the_run_may_not() -> None:
    assert given("${day}", SIMPLE, day="${yyyymmdd-1}") == "20231112"
    made = plan("a", a={"properties": {"url": "${day}"}})
    run = Run(made, rules=SIMPLE, parameters={"day": "${yyyymmdd-1}"})
    assert run.given("a").properties["url"] == "${yyyymmdd-1}"


def test_a_parameter_named_as_a_simple_variable_wins() -> None:
    assert given("${yyyymmdd}", SIMPLE, yyyymmdd="mine") == "mine"


def test_scripts_and_conditions_know_the_simple_variables() -> None:
    made = plan(
        "a > b",
        a={"properties": {"scriptName": "s"}},
        b={"conditions": {"a": '#{"${yyyymmdd}" == "20231113" && $[yyyy] == 2023}'}},
        scripts={"s": "load ${yyyymmdd} ${HOME} $[1+1] #{${yyyymmdd} + 1}"},
    )
    run = Run(made, rules=SIMPLE)
    script = run.given("a").script
    assert script is not None
    assert script.text == "load 20231113 ${HOME} $[1+1] 20231114"
    assert run.succeeds("a").nodes == "a=success b=running"


def test_the_date_is_fixed_when_the_instance_is_made() -> None:
    run = Run(
        plan("a", a={"properties": {"url": "$[yyyymmdd]"}}), rules=SIMPLE, plan_time_ms=START_MS - 30 * 86_400_000
    )
    assert run.given("a").properties["url"] == "20231015"


# ---------------------------------------------------------------- values taken out of answers


def rest_job(*, use: str = "${id}", after: list[str] | None = None, **more: Any) -> Plan:
    nodes = [
        {"name": "ask", "type": "RESTAPI", "properties": [{"name": "extract", "value": "id=clusters[0].id"}]},
        {"name": "aside", "type": "Shell"},
        {
            "name": "use",
            "type": "Shell",
            "preNodeName": ["aside"] if after is None else after,
            "properties": [{"name": "arguments", "value": use}],
        },
    ]
    return Plan(job=read_job({"name": "j", "nodes": nodes, **more}))


def test_a_later_node_uses_what_was_taken_out_of_an_answer() -> None:
    run = Run(rest_job(after=["ask"])).succeeds("ask", output="o")
    assert run.looked_up == ["use"]
    run.finds("use", **{"output:ask": '{"clusters": [{"id": "c-1"}]}'})
    assert run.given("use").properties["arguments"] == "c-1"


@pytest.mark.parametrize(
    ("output", "value"),
    [('{"clusters": []}', ""), ('{"clusters": [{"id": 7}]}', "7"), ('{"clusters": [{"id": {"a": [1]}}]}', '{"a":[1]}')],
)
def test_what_was_taken_is_text(output: str, value: str) -> None:
    run = Run(rest_job(after=["ask"])).succeeds("ask", output="o").finds("use", **{"output:ask": output})
    assert run.given("use").properties["arguments"] == value


def test_a_node_that_does_not_come_after_sees_nothing_of_it() -> None:
    run = Run(rest_job()).succeeds("ask", output="o").succeeds("aside")
    assert run.given("use").properties["arguments"] == "${id}"


def test_an_answer_without_output_gives_an_empty_value() -> None:
    run = Run(rest_job(after=["ask"])).succeeds("ask")
    assert run.given("use").properties["arguments"] == ""


def test_a_name_that_is_taken_twice_or_is_a_parameter_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a parameter of the job too"):
        rest_job(params=[{"name": "id", "value": ""}])


# ---------------------------------------------------------------- reading the documents


def read(**fields: Any) -> Any:
    node = {"name": "b", "type": "Shell", "preNodeName": ["a"], **fields}
    return read_job({"name": "j", "nodes": [{"name": "a", "type": "Shell"}, node]}).nodes[1]


@pytest.mark.parametrize(
    ("given", "ranges"),
    [
        ("1-5,137", ((1, 5), (137, 137))),
        ("3", ((3, 3),)),
        (" 1 ; 2-4 ", ((1, 1), (2, 4))),
        (["1-2", 9], ((1, 2), (9, 9))),
        (7, ((7, 7),)),
        ("", ()),
        (None, ()),
    ],
)
def test_exit_codes_are_read(given: Any, ranges: tuple[tuple[int, int], ...]) -> None:
    assert read(retryExitCodes=given).retry_exit_codes == ranges


@pytest.mark.parametrize("wrong", ["x", "5-1", "256", "1-", "1--2", "-1", [True], "1-300"])
def test_exit_codes_that_are_none_are_refused_by_name(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match=r"nodes\[1\]\.retryExitCodes must be exit codes"):
        read(retryExitCodes=wrong)


def test_exit_codes_of_a_node_without_any_are_refused() -> None:
    with pytest.raises(InvalidInput, match="has no exit code"):
        read(type="DLISQL", retryExitCodes="1")


def test_the_skip_policy_of_a_line_is_read() -> None:
    line = {"preNodeName": "a", "expression": "#{false}"}
    assert read(conditions=[{**line, "skipPolicy": "next"}]).skip_policies == {0: NEXT}
    assert read(conditions=[line]).skip_policies == {}
    with pytest.raises(InvalidInput, match="must be ALL or NEXT"):
        read(conditions=[{**line, "skipPolicy": "SOME"}])


@pytest.mark.parametrize(("minutes", "seconds"), [(60, 3600), ("5", 300), (0, None), (None, None), ("", None)])
def test_the_time_limit_of_a_job_is_in_minutes(minutes: Any, seconds: int | None) -> None:
    document = {"name": "j", "nodes": [{"name": "a", "type": "Dummy"}], "basicConfig": {"instanceTimeout": minutes}}
    assert read_job(document).timeout_seconds == seconds
