"""Which nodes run: conditions, skipped predecessors, dry runs, expression errors (factory-behaviour 3, 3.2)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.building import Run, plan

from arkwright.core.instance import InstanceStatus
from arkwright.core.job import FailPolicy


def when(**conditions: str) -> dict[str, Any]:
    return {"conditions": conditions}


# sentence: (graph, conditions per node, node states when all running nodes have succeeded)
TABLE: dict[str, tuple[str, dict[str, Any], str]] = {
    "a line without a condition runs the next node": ("a > b", {}, "a=success b=success"),
    "a condition that holds runs the next node": ("a > b", {"b": when(a="true")}, "a=success b=success"),
    "a condition that does not hold skips the next node": ("a > b", {"b": when(a="false")}, "a=success b=skip"),
    "an expression decides": ("a > b", {"b": when(a='#{Job.name == "tested"}')}, "a=success b=success"),
    "TRUE in capitals and with blanks holds": ("a > b", {"b": when(a=" TRUE\n")}, "a=success b=success"),
    "a text that is not true does not hold": ("a > b", {"b": when(a="yes")}, "a=success b=skip"),
    "a number does not hold": ("a > b", {"b": when(a="#{1}")}, "a=success b=skip"),
    "an empty condition does not hold": ("a > b", {"b": when(a="")}, "a=success b=skip"),
    "one condition of several is enough": (
        "a > c, b > c", {"c": when(a="false", b="true")}, "a=success c=success b=success"),
    "no condition of several holds": ("a > c, b > c", {"c": when(a="false", b="false")}, "a=success c=skip b=success"),
    "a skipped predecessor counts as false": (
        "r > a > c, r > b > c", {"a": when(r="false"), "c": when(a="true", b="false")},
        "r=success a=skip c=skip b=success"),
    "a skipped predecessor does not spoil another condition": (
        "r > a > c, r > b > c", {"a": when(r="false"), "c": when(a="true", b="true")},
        "r=success a=skip c=success b=success"),
    "what follows only skipped nodes is skipped": (
        "a > b > c > d", {"b": when(a="false")}, "a=success b=skip c=skip d=skip"),
    "a join of a taken and a skipped branch runs": (
        "a > b > d, a > c > d", {"b": when(a="true"), "c": when(a="false")},
        "a=success b=success d=success c=skip"),
    "a join of skipped branches is skipped": (
        "a > b > d, a > c > d", {"b": when(a="false"), "c": when(a="false")},
        "a=success b=skip d=skip c=skip"),
    "a line with a condition that holds beside a line without one runs the node": (
        "a > c, b > c", {"c": when(a="true")}, "a=success c=success b=success"),
    "a line with a condition that does not hold skips the node although another line has none": (
        "a > c, b > c", {"c": when(a="false")}, "a=success c=skip b=success"),
    "a line without a condition from a skipped node skips the node although a condition holds": (
        "r > a > c, r > b > c", {"a": when(r="false"), "c": when(b="true")},
        "r=success a=skip c=skip b=success"),
    "an if and its else take different ways": (
        "a > yes, a > no",
        {"yes": when(a='#{Job.getNodeStatus("a") == "success"}'), "no": when(a='#{Job.getNodeStatus("a") == "fail"}')},
        "a=success yes=success no=skip"),
}  # fmt: skip


@pytest.mark.parametrize("sentence", TABLE)
def test_conditions_and_graph_shape(sentence: str) -> None:
    graph, conditions, nodes = TABLE[sentence]
    run = Run(plan(graph, **conditions))
    while not run.state.ended:
        run.succeeds(next(node.name for node in run.state.nodes if node.status.value == "running"))
    assert (run.nodes, run.status) == (nodes, InstanceStatus.SUCCESS)


def test_a_condition_is_asked_only_when_all_predecessors_have_ended() -> None:
    run = Run(plan("a > c, b > c", c=when(a="true"))).succeeds("a")
    assert run.nodes == "a=success c=waiting b=running"


def test_a_job_can_branch_on_a_failure_that_is_ignored() -> None:
    bad = when(a='#{Job.getNodeStatus("a") == "fail"}')
    good = when(a='#{Job.getNodeStatus("a") == "success"}')
    run = Run(plan("a > bad, a > good", a=FailPolicy.IGNORE, bad=bad, good=good)).fails("a")
    assert run.nodes == "a=fail bad=running good=skip"


def test_parameters_are_replaced_before_a_condition_is_read() -> None:
    condition = when(a='#{${result} > 5 ? "true" : "false"}')
    run = Run(plan("a > b", b=condition, parameters={"result": "3"}), parameters={"result": "7"}).succeeds("a")
    assert run.nodes == "a=success b=running"


def test_a_node_skipped_by_its_condition_says_so() -> None:
    run = Run(plan("a > b", b=when(a="false"))).succeeds("a")
    assert run.node("b").message == "Skipped: no condition on a line to it holds."
    assert run.node("b").attempt == 0


def test_an_instance_whose_nodes_are_all_skipped_but_the_first_is_successful_without_ignoring_anything() -> None:
    run = Run(plan("a > b", b=when(a="false"))).succeeds("a")
    assert (run.status, run.state.ignore_success) == (InstanceStatus.SUCCESS, False)


# ---------------------------------------------------------------- nothing is executed


def test_a_control_node_succeeds_at_once() -> None:
    run = Run(plan("a > b > c", a={"type": "dummy"}, c={"type": "dummy"}))
    assert (run.nodes, run.started) == ("a=success b=running c=waiting", ["b"])
    run.succeeds("b")
    assert (run.status, run.node("c").attempt) == (InstanceStatus.SUCCESS, 0)


def test_a_job_of_control_nodes_ends_in_the_event_that_starts_it() -> None:
    run = Run(plan("a > b > d, a > c > d", **{name: {"type": "dummy"} for name in "abcd"}))
    assert run.status is InstanceStatus.SUCCESS
    assert len(run.history) == len(run.commands) == 1


def test_a_dry_run_of_a_node_executes_nothing_of_it_and_says_so() -> None:
    run = Run(plan("a > b", a={"dry_run": True}))
    assert (run.nodes, run.started) == ("a=success b=running", ["b"])
    assert run.node("a").message == "Dry run: nothing was executed."


def test_a_dry_run_of_a_job_executes_nothing_and_follows_its_conditions() -> None:
    broken = {"properties": {"arguments": "#{Job.nothing}"}}
    run = Run(plan("a > b, a > c", a=broken, b=when(a="false"), dry_run=True))
    assert (run.nodes, run.status) == ("a=success b=skip c=success", InstanceStatus.SUCCESS)
    assert not any(run.node(name).attempt for name in "abc")


# ---------------------------------------------------------------- expressions that can't be evaluated

BROKEN = {
    "in a property": {"properties": {"arguments": "#{Job.nothing}"}},
    "in a condition": {"conditions": {"a": "#{Job.nothing}"}},
    "that has no end": {"properties": {"arguments": "#{Job.name"}},
}


@pytest.mark.parametrize("where", BROKEN)
@pytest.mark.parametrize(
    ("policy", "nodes", "status"),
    [
        (FailPolicy.FAIL, "a=success x=fail b=skip p=running q=waiting", "running"),
        (FailPolicy.FAIL_CHILD, "a=success x=fail b=skip p=running q=waiting", "running"),
        (FailPolicy.IGNORE, "a=success x=fail b=running p=running q=waiting", "running"),
        (FailPolicy.SUSPEND, "a=success x=fail b=waiting p=running q=waiting", "running-exception"),
    ],
)
def test_an_expression_error_falls_under_the_fail_policy(
    where: str, policy: FailPolicy, nodes: str, status: str
) -> None:
    fields: dict[str, Any] = {**BROKEN[where], "fail_policy": policy, "retry_times": 3}
    run = Run(plan("a > x > b, p > q", x=fields)).succeeds("a")
    if policy is FailPolicy.FAIL:
        assert run.state.stopping is InstanceStatus.FAIL
        assert run.cancelled == ["p"]
        nodes = nodes.replace("b=skip", "b=waiting")
    assert (run.nodes, run.status.value) == (nodes, status)
    assert (run.retry_timers, run.node("x").attempt) == ([], 0)
    message = run.node("x").message or ""
    assert message.startswith("An expression can't be evaluated: ARK.EL.")
    assert "Job.n" in message
    assert run.node("x").start_time_ms == run.node("x").end_time_ms == run.now_ms


def test_the_first_condition_that_holds_decides_and_later_ones_are_not_asked() -> None:
    run = Run(plan("a > c, b > c", c=when(a="true", b="#{Job.nothing}"))).succeeds("a", "b")
    assert run.nodes == "a=success c=running b=success"


@pytest.mark.parametrize("length", [2, 1100])  # more than the frames that Python lets calls nest
def test_a_chain_of_ignored_expression_errors_fails_from_end_to_end(length: int) -> None:
    names = [f"n{index}" for index in range(length)]
    broken: dict[str, Any] = {"properties": {"arguments": "#{Job.nothing}"}, "fail_policy": FailPolicy.IGNORE}
    run = Run(plan(" > ".join(names), **dict.fromkeys(names, broken)))
    assert {node.status.value for node in run.state.nodes} == {"fail"}
    assert (run.status, run.state.ignore_success) == (InstanceStatus.SUCCESS, True)
