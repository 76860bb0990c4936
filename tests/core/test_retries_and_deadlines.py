"""Retries, and nodes that take too long (factory-behaviour 3)."""

from __future__ import annotations

import pytest
from tests.core.building import START_MS, Run, plan

from arkwright.core.commands import CancelAttempt, SetDeadline, SetRetryTimer, StartAttempt
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.outcome import FailureKind

RETRIED = {"retry_times": 2, "retry_interval_seconds": 30}


def test_a_failed_node_is_tried_again_after_its_interval() -> None:
    run = Run(plan("a > b", a=RETRIED)).fails("a")
    assert run.retry_timers == [30_000]
    assert (run.nodes, run.started) == ("a=running b=waiting", [])
    assert run.node("a").deadline_ms is None
    run.retry_is_due("a")
    assert run.started == ["a"]
    assert run.node("a").attempt == 2
    run.succeeds("a")
    assert run.nodes == "a=success b=running"


def test_retries_are_counted_and_then_the_fail_policy_decides() -> None:
    run = Run(plan("a > b", a=RETRIED))
    for attempt in (1, 2):
        assert run.node("a").attempt == attempt
        run.fails("a").retry_is_due("a")
    run.fails("a", exit_code=9)
    assert (run.nodes, run.status) == ("a=fail b=skip", InstanceStatus.FAIL)
    assert (run.node("a").attempt, run.node("a").retries, run.node("a").exit_code) == (3, 2, 9)


def test_a_node_that_waits_for_its_retry_says_so() -> None:
    run = Run(plan("a", a=RETRIED)).fails("a", message="exit code 1")
    assert run.node("a").message == "exit code 1 (retry 1 of 2 follows)"
    run.retry_is_due("a")
    assert run.node("a").message is None


def test_a_retried_node_keeps_its_first_start_and_gets_a_new_deadline() -> None:
    run = Run(plan("a", a={**RETRIED, "max_execution_seconds": 600})).fails("a").retry_is_due("a")
    assert run.node("a").start_time_ms == START_MS
    assert run.node("a").deadline_ms == run.now_ms + 600_000
    assert run.given("a").deadline_ms == run.now_ms + 600_000


def test_retries_of_one_node_do_not_hold_up_others() -> None:
    run = Run(plan("a > b, c > d", a=RETRIED)).fails("a").succeeds("c", "d")
    assert (run.nodes, run.status.value) == ("a=running b=waiting c=success d=success", "running")


@pytest.mark.parametrize(
    ("kind", "retried"),
    [
        (FailureKind.ERROR, True),
        (FailureKind.LOST, True),
        (FailureKind.REFUSED, False),
    ],
)
def test_an_error_or_a_lost_attempt_is_retried_and_a_refusal_never(kind: FailureKind, retried: bool) -> None:
    run = Run(plan("a", a=RETRIED)).fails("a", kind)
    assert bool(run.retry_timers) is retried
    assert (run.status is InstanceStatus.FAIL) is not retried


def test_the_timer_of_an_earlier_retry_starts_nothing() -> None:
    run = Run(plan("a", a=RETRIED)).fails("a").retry_is_due("a").fails("a")
    waiting = run.state
    run.retry_is_due("a", attempt=1)
    assert run.state is waiting


def test_the_end_of_an_earlier_attempt_means_nothing_for_the_present_one() -> None:
    run = Run(plan("a", a=RETRIED)).fails("a").retry_is_due("a")
    state = run.state
    run.succeeds("a").node("a")
    assert run.status is InstanceStatus.SUCCESS
    run.state = state
    run.ends("a", run.history[1].outcome, attempt=1)  # type: ignore[union-attr]
    assert run.state is state


def test_each_attempt_has_a_deadline_by_the_nodes_maximum_time() -> None:
    run = Run(plan("a", a={"max_execution_seconds": 300}))
    start, timer = run.commands
    assert isinstance(start, StartAttempt)
    assert timer == SetDeadline(instance_id=4711, node=0, attempt=1, at_ms=START_MS + 300_000)
    assert start.deadline_ms == START_MS + 300_000


def test_a_node_that_takes_too_long_is_stopped_and_fails() -> None:
    run = Run(plan("a > b", a={"max_execution_seconds": 300})).deadline_passes("a")
    assert run.commands == (CancelAttempt(instance_id=4711, node=0, attempt=1),)
    assert run.nodes == "a=running b=waiting"
    run.is_cancelled("a")
    assert (run.nodes, run.status) == ("a=fail b=skip", InstanceStatus.FAIL)
    assert run.node("a").message == "Stopped after its maximum execution time of 5 minutes."


def test_a_node_that_ends_well_while_it_is_being_stopped_for_its_time_has_succeeded() -> None:
    run = Run(plan("a > b")).deadline_passes("a").succeeds("a")
    assert run.nodes == "a=success b=running"
    assert not run.node("a").timed_out
    assert not run.node("a").cancelling


def test_a_timeout_is_not_retried_unless_the_node_says_so() -> None:
    run = Run(plan("a", a=RETRIED)).deadline_passes("a").is_cancelled("a")
    assert run.status is InstanceStatus.FAIL


def test_a_timeout_is_retried_where_the_node_says_so() -> None:
    run = Run(plan("a", a={**RETRIED, "retry_on_timeout": True})).deadline_passes("a").is_cancelled("a")
    assert run.retry_timers == [30_000]
    run.retry_is_due("a")
    assert (run.node("a").timed_out, run.node("a").cancelling) == (False, False)
    run.deadline_passes("a")
    assert run.cancelled == ["a"]


def test_retry_on_timeout_alone_is_no_retry() -> None:
    run = Run(plan("a", a={"retry_on_timeout": True})).deadline_passes("a").is_cancelled("a")
    assert run.status is InstanceStatus.FAIL


def test_a_deadline_that_passes_between_two_attempts_means_nothing() -> None:
    run = Run(plan("a", a=RETRIED)).fails("a")
    waiting = run.state
    run.deadline_passes("a", attempt=1)
    assert run.state is waiting
    run.retry_is_due("a")
    running = run.state
    run.deadline_passes("a", attempt=1)
    assert run.state is running


def test_a_timeout_falls_under_the_fail_policy() -> None:
    run = Run(plan("a > b", a={"fail_policy": FailPolicy.IGNORE})).deadline_passes("a").is_cancelled("a")
    assert run.nodes == "a=fail b=running"


@pytest.mark.parametrize("kind", FailureKind)
def test_however_an_attempt_ends_that_was_stopped_for_its_time_it_is_a_timeout(kind: FailureKind) -> None:
    run = Run(plan("a", a=RETRIED)).deadline_passes("a").fails("a", kind)
    assert run.node("a").status is NodeStatus.FAIL
    assert "maximum execution time" in (run.node("a").message or "")


def test_a_retry_timer_names_the_attempt_that_failed() -> None:
    run = Run(plan("a", a=RETRIED)).fails("a")
    assert run.commands == (SetRetryTimer(instance_id=4711, node=0, attempt=1, at_ms=run.now_ms + 30_000),)
