"""failPolicy x graph shape (factory-behaviour 3.1): what a failed node means for the others and for the instance."""

from __future__ import annotations

import pytest
from tests.core.building import Run, plan

from arkwright.core.instance import InstanceStatus
from arkwright.core.job import FailPolicy
from arkwright.core.outcome import FailureKind

FAIL, FAIL_CHILD, IGNORE, SUSPEND = FailPolicy.FAIL, FailPolicy.FAIL_CHILD, FailPolicy.IGNORE, FailPolicy.SUSPEND

CHAIN = "x > b > c"
DIAMOND = "a > x > d, a > c > d"
PARALLEL = "a > x > b, a > p > q"
JOIN = "x > j, p > j, q > j, j > k"

# sentence: (graph, policy of x, events in order, node states then, instance state then)
# An event is `x!` (fails), `p` (succeeds), `p~` (its cancelled attempt ends).
TABLE: dict[str, tuple[str, FailPolicy, str, str, str]] = {
    "FAIL in a chain ends the instance at once and runs nothing after it": (
        CHAIN, FAIL, "x!", "x=fail b=skip c=skip", "fail"),
    "FAIL_CHILD in a chain skips everything after it and fails the instance": (
        CHAIN, FAIL_CHILD, "x!", "x=fail b=skip c=skip", "fail"),
    "IGNORE in a chain starts the next node": (
        CHAIN, IGNORE, "x!", "x=fail b=running c=waiting", "running"),
    "IGNORE in a chain ends in success": (
        CHAIN, IGNORE, "x! b c", "x=fail b=success c=success", "success"),
    "SUSPEND in a chain leaves everything after it waiting": (
        CHAIN, SUSPEND, "x!", "x=fail b=waiting c=waiting", "running-exception"),
    "FAIL in a diamond stops the other branch and waits for it": (
        DIAMOND, FAIL, "a x!", "a=success x=fail d=waiting c=running", "running"),
    "FAIL in a diamond ends when the other branch has been stopped": (
        DIAMOND, FAIL, "a x! c~", "a=success x=fail d=skip c=manual-stop", "fail"),
    "FAIL in a diamond keeps the success of a branch that could not be stopped in time": (
        DIAMOND, FAIL, "a x! c", "a=success x=fail d=skip c=success", "fail"),
    "FAIL in a diamond keeps the success of a branch that ended before": (
        DIAMOND, FAIL, "a c x!", "a=success x=fail d=skip c=success", "fail"),
    "FAIL_CHILD in a diamond lets the other branch run on": (
        DIAMOND, FAIL_CHILD, "a x!", "a=success x=fail d=waiting c=running", "running"),
    "FAIL_CHILD in a diamond skips the join although the other branch succeeded": (
        DIAMOND, FAIL_CHILD, "a x! c", "a=success x=fail d=skip c=success", "fail"),
    "IGNORE in a diamond lets the join wait for the other branch": (
        DIAMOND, IGNORE, "a x!", "a=success x=fail d=waiting c=running", "running"),
    "IGNORE in a diamond starts the join when both branches have ended": (
        DIAMOND, IGNORE, "a x! c", "a=success x=fail d=running c=success", "running"),
    "IGNORE in a diamond ends in success": (
        DIAMOND, IGNORE, "a c x! d", "a=success x=fail d=success c=success", "success"),
    "SUSPEND in a diamond lets the other branch finish and the join wait": (
        DIAMOND, SUSPEND, "a x! c", "a=success x=fail d=waiting c=success", "running-exception"),
    "FAIL beside a parallel branch stops it and never starts its next node": (
        PARALLEL, FAIL, "a x! p~", "a=success x=fail b=skip p=manual-stop q=skip", "fail"),
    "FAIL beside a parallel branch never starts its next node although the stop came too late": (
        PARALLEL, FAIL, "a x! p", "a=success x=fail b=skip p=success q=skip", "fail"),
    "FAIL_CHILD beside a parallel branch skips only its own descendants": (
        PARALLEL, FAIL_CHILD, "a x!", "a=success x=fail b=skip p=running q=waiting", "running"),
    "FAIL_CHILD beside a parallel branch fails the instance when that branch has finished": (
        PARALLEL, FAIL_CHILD, "a x! p q", "a=success x=fail b=skip p=success q=success", "fail"),
    "IGNORE beside a parallel branch changes nothing for it": (
        PARALLEL, IGNORE, "a x! p b q", "a=success x=fail b=success p=success q=success", "success"),
    "SUSPEND beside a parallel branch lets that branch finish": (
        PARALLEL, SUSPEND, "a x! p q", "a=success x=fail b=waiting p=success q=success", "running-exception"),
    "FAIL before a join stops all other branches": (
        JOIN, FAIL, "x! p~ q~", "x=fail j=skip p=manual-stop q=manual-stop k=skip", "fail"),
    "FAIL_CHILD before a join skips it when the last branch has ended": (
        JOIN, FAIL_CHILD, "x! p", "x=fail j=waiting p=success q=running k=waiting", "running"),
    "FAIL_CHILD before a join skips it and what follows": (
        JOIN, FAIL_CHILD, "x! p q", "x=fail j=skip p=success q=success k=skip", "fail"),
    "IGNORE before a join starts it when the last branch has ended": (
        JOIN, IGNORE, "p q x!", "x=fail j=running p=success q=success k=waiting", "running"),
    "SUSPEND before a join holds it": (
        JOIN, SUSPEND, "p x! q", "x=fail j=waiting p=success q=success k=waiting", "running-exception"),
}  # fmt: skip


def play(run: Run, events: str) -> Run:
    for event in events.split():
        name = event.rstrip("!~")
        match event[len(name) :]:
            case "!":
                run.fails(name)
            case "~":
                run.is_cancelled(name)
            case _:
                run.succeeds(name)
    return run


@pytest.mark.parametrize("sentence", TABLE)
def test_fail_policy_and_graph_shape(sentence: str) -> None:
    graph, policy, events, nodes, status = TABLE[sentence]
    run = play(Run(plan(graph, x=policy)), events)
    assert (run.nodes, run.status.value) == (nodes, status)


def test_fail_asks_every_running_node_to_stop_and_says_why_it_ended() -> None:
    run = Run(plan("a > x, a > b, a > c, a > d", x=FAIL)).succeeds("a", "d").fails("x", message="exit code 3")
    assert run.cancelled == ["b", "c"]
    run.is_cancelled("b", "c")
    assert run.state.message == "Node 'x' failed: exit code 3"


def test_fail_child_names_the_failed_nodes_in_the_end() -> None:
    run = Run(plan("a > b, c > d, e", a=FAIL_CHILD, c=FAIL_CHILD)).fails("a").fails("c").succeeds("e")
    assert run.state.message == "Failed nodes: 'a', 'c'."


def test_a_failure_that_was_ignored_is_not_named_as_the_reason() -> None:
    run = Run(plan("a > b, c > d", a=IGNORE, c=FAIL_CHILD)).fails("a").succeeds("b").fails("c")
    assert run.status is InstanceStatus.FAIL
    assert run.state.message == "Failed nodes: 'c'."


def test_ignored_failures_end_in_success_that_says_so() -> None:
    run = Run(plan("a > b", a=IGNORE)).fails("a").succeeds("b")
    assert (run.status, run.state.ignore_success, run.state.force_success) == (InstanceStatus.SUCCESS, True, False)
    run = Run(plan("a > b", a=IGNORE)).succeeds("a", "b")
    assert (run.status, run.state.ignore_success) == (InstanceStatus.SUCCESS, False)


def test_an_ignored_failure_of_the_last_node_is_a_success_too() -> None:
    run = Run(plan("a", a=IGNORE)).fails("a")
    assert (run.nodes, run.status) == ("a=fail", InstanceStatus.SUCCESS)


def test_fail_child_after_a_skipped_node_says_which_node_failed() -> None:
    run = Run(plan(CHAIN, x=FAIL_CHILD)).fails("x")
    assert [node.message for node in run.state.nodes] == ["exit code 1"] + ["Not run: node 'x' before it failed."] * 2


def test_a_second_suspended_node_keeps_the_instance_abnormal() -> None:
    run = Run(plan("a > b, c > d", a=SUSPEND, c=SUSPEND)).fails("a").fails("c")
    assert (run.nodes, run.status.value) == ("a=fail b=waiting c=fail d=waiting", "running-exception")


def test_fail_in_another_branch_ends_a_suspended_instance() -> None:
    run = Run(plan("a > b, c, d", a=SUSPEND, c=FAIL)).fails("a").fails("c").is_cancelled("d")
    assert (run.nodes, run.status.value) == ("a=fail b=skip c=fail d=manual-stop", "fail")


def test_fail_child_in_another_branch_leaves_a_suspended_instance_abnormal() -> None:
    run = Run(plan("a > b, c > d", a=SUSPEND, c=FAIL_CHILD)).fails("a").fails("c")
    assert (run.nodes, run.status.value) == ("a=fail b=waiting c=fail d=skip", "running-exception")


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_falls_under_the_fail_policy(kind: FailureKind) -> None:
    run = Run(plan("x > b", x=IGNORE)).fails("x", kind)
    assert run.nodes == "x=fail b=running"


def test_a_failed_node_keeps_its_exit_code_and_its_output() -> None:
    run = Run(plan("x > b", x=IGNORE)).fails("x", exit_code=3, output="4711/x/1/output")
    assert (run.node("x").exit_code, run.node("x").output) == (3, "4711/x/1/output")


def test_a_successful_node_keeps_what_it_reported() -> None:
    run = Run(plan("x > b")).succeeds("x", output="o", input_row_count=5, output_row_count=4, message="fine")
    x = run.node("x")
    assert (x.output, x.input_row_count, x.output_row_count, x.message) == ("o", 5, 4, "fine")
    assert x.end_time_ms == run.now_ms
