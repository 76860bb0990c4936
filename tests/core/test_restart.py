"""Running an ended instance again (factory-behaviour 2.3)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.building import Run, plan

from arkwright.core.events import RestartFrom
from arkwright.core.instance import InstanceStatus, NodeRun
from arkwright.core.job import FailPolicy
from arkwright.errors import IllegalTransition, InvalidInput

FIRST, ERROR, SPECIFIED = RestartFrom.FIRST_NODE, RestartFrom.ERROR_NODE, RestartFrom.SPECIFIED_NODE


def failed_in_the_middle() -> Run:
    """`a > b > c` beside `d > e`: b failed, c was not run, the others succeeded."""
    run = Run(plan("a > b > c, d > e", b=FailPolicy.FAIL_CHILD)).succeeds("a", "d", "e").fails("b")
    assert (run.nodes, run.status.value) == ("a=success b=fail c=skip d=success e=success", "fail")
    return run


def test_from_the_first_node_everything_runs_again() -> None:
    run = failed_in_the_middle().is_restarted()
    assert run.nodes == "a=running b=waiting c=waiting d=running e=waiting"
    run.succeeds("a", "b", "c", "d", "e")
    assert run.status is InstanceStatus.SUCCESS


def test_from_the_error_node_what_succeeded_stays() -> None:
    run = failed_in_the_middle()
    kept = [run.node(name) for name in "ade"]
    run.is_restarted(ERROR)
    assert run.nodes == "a=success b=running c=waiting d=success e=success"
    assert all(run.node(old.name) is old for old in kept)
    run.succeeds("b", "c")
    assert run.status is InstanceStatus.SUCCESS


def test_from_a_specified_node_it_and_everything_after_it_runs_again_and_so_do_failed_ones() -> None:
    run = failed_in_the_middle().is_restarted(SPECIFIED, "d")
    assert run.nodes == "a=success b=running c=waiting d=running e=waiting"
    run = failed_in_the_middle().is_restarted(SPECIFIED, "a")
    assert run.nodes == "a=running b=waiting c=waiting d=success e=success"


def test_an_unknown_node_is_refused_and_nothing_changes() -> None:
    run = failed_in_the_middle()
    state = run.state
    with pytest.raises(InvalidInput) as caught:
        run.is_restarted(SPECIFIED, "nobody")
    assert caught.value.field == "node_name"
    assert "'nobody'" in str(caught.value)
    assert "a, b, c, d, e" in str(caught.value)
    assert run.state is state


def test_a_specified_restart_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidInput):
        failed_in_the_middle().is_restarted(SPECIFIED)


@pytest.mark.parametrize("position", RestartFrom)
def test_an_instance_that_had_succeeded_starts_from_the_first_node_whatever_was_asked(position: RestartFrom) -> None:
    run = Run(plan("a > b > c")).succeeds("a", "b", "c").is_restarted(position, "c")
    assert run.nodes == "a=running b=waiting c=waiting"


@pytest.mark.parametrize(
    "changed", ["a > b", "a > b > c > d", "a > b > x", "b > a > c"], ids=["fewer", "more", "renamed", "other order"]
)
@pytest.mark.parametrize("position", RestartFrom)
def test_when_the_nodes_changed_it_starts_from_the_first_node_whatever_was_asked(
    position: RestartFrom, changed: str
) -> None:
    run = Run(plan("a > b > c")).succeeds("a").fails("b").is_restarted(position, "b", plan=plan(changed), job_version=2)
    assert {node.status.value for node in run.state.nodes} == {"running", "waiting"}
    assert len(run.started) == 1
    assert run.state.job_version == 2


def test_when_only_the_lines_changed_what_succeeded_stays_and_the_new_lines_hold() -> None:
    run = Run(plan("a > b, c > d", b=FailPolicy.FAIL_CHILD)).succeeds("a", "c", "d").fails("b")
    run.is_restarted(ERROR, plan=plan("a > b, c > d, b > d"), job_version=2)
    assert run.nodes == "a=success b=running c=success d=waiting"


def test_attempts_go_on_counting_so_that_no_attempt_is_run_twice() -> None:
    run = failed_in_the_middle().is_restarted()
    assert [run.node(name).attempt for name in "ad"] == [2, 2]
    run.succeeds("a")
    assert run.node("b").attempt == 2
    run.succeeds("b")
    assert run.node("c").attempt == 1


def test_after_a_change_of_nodes_attempts_count_on_from_the_highest() -> None:
    run = Run(plan("a > b", a={"retry_times": 3})).fails("a").retry_is_due("a").succeeds("a").fails("b")
    run.is_restarted(plan=plan("b > a"), job_version=2)
    assert run.node("b").attempt == 3
    run.succeeds("b")
    assert run.node("a").attempt == 3


def test_news_of_the_earlier_run_means_nothing_to_the_new_one() -> None:
    run = failed_in_the_middle().is_restarted()
    state = run.state
    for event in run.history[1:5]:
        run.tell(event)
    assert run.state is state


def test_a_node_runs_again_with_nothing_left_of_its_earlier_run() -> None:
    run = Run(plan("a > b", b={"retry_times": 1})).succeeds("a", output="o").fails("b", exit_code=2).retry_is_due("b")
    run.fails("b", exit_code=2, output="p").is_restarted(ERROR)
    b = run.node("b")
    assert b == NodeRun(
        index=1, name="b", status=b.status, attempt=3, start_time_ms=run.now_ms, deadline_ms=b.deadline_ms
    )
    assert run.node("a").output == "o"


def test_the_instance_forgets_how_it_ended() -> None:
    run = Run(plan("a > b", a=FailPolicy.IGNORE)).fails("a").succeeds("b")
    assert run.state.ignore_success
    run.is_restarted(job_version=5)
    state = run.state
    assert (state.status.value, state.end_time_ms, state.message) == ("running", None, None)
    assert (state.ignore_success, state.force_success, state.stopping) == (False, False, None)
    assert (state.start_time_ms, state.job_version) == (run.now_ms, 5)
    assert state.plan_time_ms == run.history[0].instance.plan_time_ms  # type: ignore[union-attr]


def test_a_stopped_instance_goes_on_from_where_it_was_stopped() -> None:
    run = Run(plan("a > b > c, d")).succeeds("a").is_stopped().is_cancelled("b").succeeds("d")
    assert (run.status.value, run.nodes) == ("manual-stop", "a=success b=manual-stop c=manual-stop d=success")
    run.is_restarted(ERROR)
    assert run.nodes == "a=success b=running c=waiting d=success"


def test_an_instance_stopped_when_everything_had_succeeded_is_successful_at_once() -> None:
    run = Run(plan("a")).is_stopped().succeeds("a")
    assert run.status is InstanceStatus.MANUAL_STOP
    run.is_restarted(ERROR)
    assert (run.status, run.nodes) == (InstanceStatus.SUCCESS, "a=success")


def test_from_the_error_node_a_join_after_a_branch_not_taken_is_not_run_again() -> None:
    graph = "a > no > j, a > yes > j, x > y"
    conditions: dict[str, Any] = {"no": {"conditions": {"a": "false"}}, "yes": {"conditions": {"a": "true"}}}
    run = Run(plan(graph, **conditions, x=FailPolicy.FAIL_CHILD)).succeeds("a", "yes", "j").fails("x")
    assert run.nodes == "a=success no=skip j=success yes=success x=fail y=skip"
    run.is_restarted(ERROR)
    assert run.nodes == "a=success no=skip j=success yes=success x=running y=waiting"


def test_from_the_error_node_a_branch_not_taken_is_decided_again_when_what_is_before_it_runs_again() -> None:
    run = (
        Run(plan("a > b, a > c", b={"conditions": {"a": "false"}}))
        .succeeds("a")
        .fails("c")
        .is_restarted(SPECIFIED, "a")
    )
    assert run.nodes == "a=running b=waiting c=waiting"


def test_a_failure_that_was_ignored_runs_again_from_the_error_node() -> None:
    run = Run(plan("a > b, c", a=FailPolicy.IGNORE, c=FailPolicy.FAIL_CHILD)).fails("a").succeeds("b").fails("c")
    run.is_restarted(ERROR)
    assert run.nodes == "a=running b=waiting c=running"


def test_an_instance_that_runs_can_not_be_restarted() -> None:
    run = Run(plan("a"))
    with pytest.raises(IllegalTransition):
        run.is_restarted()


def test_an_instance_stopped_before_it_ever_ran_can_be_restarted() -> None:
    run = Run(plan("a > b"))
    waiting = run.history[0].instance  # type: ignore[union-attr]
    run.state = waiting
    run.is_stopped()
    assert run.status is InstanceStatus.MANUAL_STOP
    run.is_restarted(ERROR)
    assert run.nodes == "a=running b=waiting"


def test_an_instance_can_be_restarted_again_and_again() -> None:
    run = Run(plan("a > b"))
    for attempt in range(1, 6):
        assert run.node("a").attempt == attempt
        run.fails("a").is_restarted(ERROR)
    assert run.succeeds("a", "b").status is InstanceStatus.SUCCESS
