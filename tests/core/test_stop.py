"""Stopping an instance in whatever it is doing."""

from __future__ import annotations

from tests.core.building import Run, plan

from arkwright.core.events import EngineFault
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.outcome import FailureKind

STOPPED = InstanceStatus.MANUAL_STOP
RETRIED = {"retry_times": 2}
NEEDS_CLOCK = {"properties": {"arguments": "#{DateUtil.format(DateUtil.now(), 'yyyy')}"}}


def test_a_stopped_instance_asks_running_nodes_to_stop_and_ends_with_the_last_of_them() -> None:
    run = Run(plan("a > c, b > c")).is_stopped()
    assert run.cancelled == ["a", "b"]
    assert (run.status, run.state.stopping) == (InstanceStatus.RUNNING, STOPPED)
    run.is_cancelled("a")
    assert run.status is InstanceStatus.RUNNING
    run.is_cancelled("b")
    assert (run.status, run.state.stopping, run.nodes) == (STOPPED, None, "a=manual-stop c=manual-stop b=manual-stop")
    assert run.state.message == "Stopped by anna."
    assert run.state.end_time_ms == run.now_ms


def test_a_cancelled_instance_starts_no_more_nodes() -> None:
    run = Run(plan("a > b, c")).is_stopped().succeeds("a")
    assert run.started == []
    run.is_cancelled("c")
    assert (run.status, run.nodes) == (STOPPED, "a=success b=manual-stop c=manual-stop")


def test_a_node_that_fails_while_it_is_stopped_was_stopped() -> None:
    run = Run(plan("a > b", a=RETRIED)).is_stopped().fails("a", FailureKind.ERROR, "exit code 143", exit_code=143)
    assert (run.status, run.nodes, run.retry_timers) == (STOPPED, "a=manual-stop b=manual-stop", [])
    assert run.node("a").exit_code == 143


def test_a_node_that_waits_for_its_retry_is_stopped_at_once() -> None:
    run = Run(plan("a > b", a=RETRIED)).fails("a").is_stopped()
    assert (run.status, run.nodes, run.cancelled) == (STOPPED, "a=manual-stop b=manual-stop", [])
    assert run.node("a").retry_at_ms is None
    ended = run.state
    run.retry_is_due("a", attempt=1)
    assert run.state is ended


def test_a_node_that_is_stopped_for_its_time_is_not_asked_twice() -> None:
    run = Run(plan("a")).deadline_passes("a").is_stopped()
    assert run.cancelled == []
    run.is_cancelled("a")
    assert (run.status, run.node("a").status) == (STOPPED, NodeStatus.FAIL)


def test_a_timeout_is_not_retried_while_the_instance_is_stopped() -> None:
    run = Run(plan("a", a={**RETRIED, "retry_on_timeout": True})).deadline_passes("a").is_stopped().is_cancelled("a")
    assert (run.status, run.retry_timers) == (STOPPED, [])


def test_a_deadline_that_passes_while_the_instance_is_stopped_changes_nothing() -> None:
    run = Run(plan("a")).is_stopped()
    state = run.state
    run.deadline_passes("a")
    assert run.state is state


def test_a_suspended_instance_that_runs_nothing_is_stopped_at_once() -> None:
    run = Run(plan("a > b", a=FailPolicy.SUSPEND)).fails("a").is_stopped()
    assert (run.status, run.nodes) == (STOPPED, "a=fail b=manual-stop")


def test_a_suspending_failure_while_the_instance_is_stopped_does_not_make_it_abnormal() -> None:
    run = Run(plan("a > b, c", a=FailPolicy.SUSPEND)).deadline_passes("a").is_stopped().is_cancelled("a")
    assert run.status is InstanceStatus.RUNNING
    run.is_cancelled("c")
    assert (run.status, run.state.message) == (STOPPED, "Stopped by anna.")


def test_a_failure_while_the_instance_is_stopped_does_not_make_it_failed() -> None:
    run = Run(plan("a, b")).deadline_passes("a").is_stopped().is_cancelled("a", "b")
    assert (run.status, run.state.message) == (STOPPED, "Stopped by anna.")


def test_a_node_whose_expressions_are_being_looked_up_is_stopped_at_once() -> None:
    run = Run(plan("a > b", a=NEEDS_CLOCK))
    assert run.looked_up == ["a"]
    run.is_stopped()
    assert (run.status, run.nodes) == (STOPPED, "a=manual-stop b=manual-stop")
    ended = run.state
    run.finds("a", clock=0)
    assert run.state is ended


def test_the_answer_to_a_look_up_starts_nothing_while_the_instance_is_stopped() -> None:
    for failure in (None, "no object storage"):
        run = Run(plan("a > b, c", a=NEEDS_CLOCK)).is_stopped()
        run.finds("a", failure, **({} if failure else {"clock": 0}))
        assert (run.started, run.nodes) == ([], "a=waiting b=waiting c=running")
        run.is_cancelled("c")
        assert (run.status, run.nodes) == (STOPPED, "a=manual-stop b=manual-stop c=manual-stop")


def test_a_second_stop_asks_nobody_again() -> None:
    run = Run(plan("a")).is_stopped().is_stopped()
    assert run.commands == ()
    run.is_cancelled("a")
    assert run.status is STOPPED


def test_a_stop_while_a_failed_instance_still_stops_its_nodes_asks_nobody_again() -> None:
    run = Run(plan("a, b")).fails("a").is_stopped()
    assert run.commands == ()
    run.is_cancelled("b")
    assert run.status is STOPPED


def test_a_defect_of_the_engine_stops_the_nodes_and_fails_the_instance() -> None:
    run = Run(plan("a > b, c", c=RETRIED)).fails("c")
    run.tell(EngineFault(at_ms=run.now_ms, message="Internal error."))
    assert run.cancelled == ["a"]
    run.is_cancelled("a")
    assert (run.status, run.state.message) == (InstanceStatus.FAIL, "Internal error.")
    assert run.nodes == "a=manual-stop b=skip c=manual-stop"
