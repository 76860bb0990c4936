"""What operators may do to an instance and its nodes (factory-behaviour 2.1, 2.2)."""

from __future__ import annotations

import pytest
from tests.core.building import Run, failed, new_instance, plan

from arkwright.core.commands import CancelAttempt
from arkwright.core.events import EngineFault, RetryDue
from arkwright.core.instance import ConditionPolicy, InstanceStatus, NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.outcome import FailureKind
from arkwright.core.step import outstanding, step
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS, TRANSITIONS, Answer, allowed_operations
from arkwright.errors import IllegalState, IllegalTransition, InvalidInput

SUSPEND = FailPolicy.SUSPEND


class Operated(Run):
    """`does("pause")`, `does("skip", "b")`."""

    def does(self, operation: str, node: str | None = None) -> Operated:
        self.now_ms += 1000
        more = {"at_ms": self.now_ms, "operation_id": f"o{self.now_ms}", "by": "anna"}
        if node is None:
            self.tell(OPERATIONS[operation](**more))  # type: ignore[arg-type]
        else:
            self.tell(NODE_OPERATIONS[operation](**more, node_name=node))  # type: ignore[arg-type]
        return self

    def may_not(self, operation: str, node: str | None = None) -> str:
        before, length = self.state, len(self.history)
        with pytest.raises((IllegalState, IllegalTransition, InvalidInput)) as caught:
            self.does(operation, node)
        assert self.state is before
        assert len(self.history) == length
        return str(caught.value)


def suspended() -> Operated:
    run = Operated(plan("a > b > c", b=SUSPEND))
    run.succeeds("a").fails("b")
    assert run.status is InstanceStatus.RUNNING_EXCEPTION
    return run


# ---------------------------------------------------------------- continue


def test_continue_goes_on_past_the_failed_node_as_if_its_failure_were_ignored() -> None:
    run = suspended().does("continue")
    assert (run.status, run.nodes, run.state.message) == (
        InstanceStatus.RUNNING,
        "a=success b=fail c=running",
        None,
    )
    run.succeeds("c")
    assert (run.status, run.state.ignore_success, run.state.force_success) == (InstanceStatus.SUCCESS, True, False)


def test_continue_goes_past_all_that_suspend_and_a_condition_on_failure_holds_then() -> None:
    bad = {"conditions": {"a": "#{Job.getNodeStatus('a') == 'fail'}"}}
    run = Operated(plan("a > bad, b > c, x", a=SUSPEND, b=SUSPEND, bad=bad))
    run.fails("a").fails("b")
    run.does("continue")
    assert run.nodes == "a=fail bad=running b=fail c=running x=running"


def test_what_fails_after_a_continue_suspends_again() -> None:
    run = Operated(plan("a > b", a=SUSPEND, b=SUSPEND))
    run.fails("a")
    run.does("continue").fails("b")
    assert run.status is InstanceStatus.RUNNING_EXCEPTION


# ---------------------------------------------------------------- manual retry


def test_a_manual_retry_is_a_new_attempt_with_all_its_retries() -> None:
    run = Operated(plan("a > b", a={"fail_policy": SUSPEND, "retry_times": 1}))
    run.fails("a").retry_is_due("a").fails("a", exit_code=3)
    run.does("retry", "a")
    node = run.node("a")
    assert (run.status, node.status, node.attempt, node.retries) == (
        InstanceStatus.RUNNING,
        NodeStatus.RUNNING,
        3,
        0,
    )
    assert (node.exit_code, node.message, node.end_time_ms, node.start_time_ms) == (None, None, None, run.now_ms)
    run.fails("a").retry_is_due("a").succeeds("a", "b")
    assert (run.status, run.state.ignore_success) == (InstanceStatus.SUCCESS, False)


def test_an_instance_stays_suspended_while_another_node_suspends_it() -> None:
    run = Operated(plan("a, b", a=SUSPEND, b=SUSPEND))
    run.fails("a").fails("b")
    assert run.does("retry", "a").status is InstanceStatus.RUNNING_EXCEPTION
    run.succeeds("a")
    assert run.does("force-success", "b").status is InstanceStatus.SUCCESS


def test_a_node_that_failed_under_another_policy_is_not_retried() -> None:
    run = Operated(plan("a, b, c", a=SUSPEND, b=FailPolicy.IGNORE))
    run.fails("a").fails("b")
    assert "SUSPEND" in run.may_not("retry", "b")
    assert "running" in run.may_not("retry", "c")
    assert "no node 'x'" in run.may_not("retry", "x")


# ---------------------------------------------------------------- forced success


def test_a_failed_instance_is_forced_to_success_and_its_failed_nodes_turn_green() -> None:
    run = Operated(plan("a > b, c"))
    run.succeeds("c").fails("a", message="exit code 7")
    ended = run.state.end_time_ms
    run.does("force-success")
    assert (run.status, run.state.force_success, run.state.end_time_ms) == (InstanceStatus.SUCCESS, True, ended)
    assert (run.node("a").status, run.node("a").forced) == (NodeStatus.SUCCESS, True)
    assert "exit code 7" in (run.node("a").message or "")
    assert run.node("b").status is NodeStatus.SKIP
    assert not run.node("c").forced
    assert run.commands == ()


def test_a_stopped_instance_is_forced_to_success() -> None:
    run = Operated(plan("a"))
    run.is_stopped().is_cancelled("a")
    run.does("force-success")
    assert (run.status, run.nodes) == (InstanceStatus.SUCCESS, "a=manual-stop")


def test_a_suspended_instance_is_forced_to_success_once_what_runs_has_been_stopped() -> None:
    run = Operated(plan("a > b, c > d", a=SUSPEND))
    run.fails("a")
    run.does("force-success")
    assert [type(command) for command in run.commands] == [CancelAttempt]
    assert run.state.stopping is InstanceStatus.SUCCESS
    assert "being stopped" in run.may_not("continue")
    run.is_cancelled("c")
    assert (run.status, run.state.force_success) == (InstanceStatus.SUCCESS, True)
    assert run.nodes == "a=success b=skip c=manual-stop d=skip"


def test_a_stop_or_a_defect_while_success_is_being_forced_wins() -> None:
    for how, ending in (("stop", InstanceStatus.MANUAL_STOP), ("fault", InstanceStatus.FAIL)):
        run = Operated(plan("a, c", a=SUSPEND))
        run.fails("a")
        run.does("force-success")
        if how == "stop":
            run.is_stopped()
        else:
            run.tell(EngineFault(at_ms=run.now_ms, message="Internal error."))
        run.is_cancelled("c")
        assert (run.status, run.state.force_success) == (ending, False)


def test_a_node_forced_to_success_lets_its_successors_run() -> None:
    run = suspended().does("force-success", "b")
    assert (run.status, run.nodes, run.node("b").forced) == (
        InstanceStatus.RUNNING,
        "a=success b=success c=running",
        True,
    )


def test_a_restart_forgets_what_was_forced() -> None:
    run = Operated(plan("a"))
    run.fails("a")
    run.does("force-success").is_restarted()
    assert (run.state.force_success, run.node("a").forced, run.nodes) == (False, False, "a=running")


# ---------------------------------------------------------------- skip


def test_a_skipped_node_counts_as_done_for_what_comes_after_it() -> None:
    run = Operated(plan("a > b > c"))
    run.does("skip", "b")
    assert run.nodes == "a=running b=skip c=waiting" or run.nodes == "a=running b=skip c=running"
    run.succeeds("a", "c")
    assert run.status is InstanceStatus.SUCCESS


def test_a_paused_node_may_be_skipped_but_a_running_one_and_the_only_one_may_not() -> None:
    run = Operated(plan("a > b > c"))
    run.does("pause", "b").succeeds("a")
    run.does("skip", "b")
    assert run.nodes == "a=success b=skip c=running"
    assert "running" in run.may_not("skip", "c")
    alone = Operated(plan("a", a={"properties": {"url": "#{DateUtil.now()}"}}))
    assert alone.node("a").status is NodeStatus.WAITING
    assert "only node" in alone.may_not("skip", "a")


# ---------------------------------------------------------------- pause and resume a node


def test_a_paused_node_holds_up_what_comes_after_it_and_nothing_else() -> None:
    run = Operated(plan("a > b > c, a > d"))
    run.does("pause", "b").succeeds("a", "d")
    assert (run.nodes, run.status) == ("a=success b=pause c=waiting d=success", InstanceStatus.RUNNING)
    run.does("resume", "b")
    assert run.started == ["b"]
    run.succeeds("b", "c")
    assert run.status is InstanceStatus.SUCCESS


def test_a_node_that_is_resumed_before_its_turn_waits_for_it() -> None:
    run = Operated(plan("a > b"))
    assert run.does("pause", "b").does("resume", "b").nodes == "a=running b=waiting"
    assert "paused" in run.may_not("resume", "b")
    assert "waits" in run.may_not("pause", "a")


def test_what_a_paused_node_was_looking_up_is_asked_for_anew() -> None:
    run = Operated(plan("a", a={"properties": {"url": "#{DateUtil.getTime(DateUtil.now())}"}}))
    first = run.state
    run.does("pause", "a").finds("a", clock=5)
    assert run.node("a").status is NodeStatus.PAUSE
    run.does("resume", "a")
    assert run.looked_up == ["a"]
    assert run.node("a").look_ups == first.nodes[0].look_ups + 1
    assert run.finds("a", clock=6).given("a").properties == {"url": "6"}


# ---------------------------------------------------------------- pause and resume an instance


def test_a_paused_instance_starts_no_node_while_those_that_run_go_on() -> None:
    run = Operated(plan("a > b, c > d", c={"retry_times": 1}))
    run.does("pause").succeeds("a").fails("c").retry_is_due("c")
    assert (run.status, run.nodes) == (InstanceStatus.PAUSE, "a=success b=waiting c=waiting d=waiting")
    assert outstanding(run.plan, run.state) == ()
    run.does("resume")
    assert (run.status, run.started) == (InstanceStatus.RUNNING, ["b", "c"])
    assert (run.node("c").attempt, run.node("c").retries) == (2, 1)


def test_a_paused_instance_ends_with_the_last_of_its_nodes() -> None:
    run = Operated(plan("a"))
    assert run.does("pause").succeeds("a").status is InstanceStatus.SUCCESS
    run = Operated(plan("a > b"))
    assert run.does("pause").fails("a").status is InstanceStatus.FAIL


def test_a_node_that_suspends_a_paused_instance_does_so_when_that_is_resumed() -> None:
    run = Operated(plan("a > b, c > d", a=SUSPEND))
    run.does("pause").fails("a")
    assert run.status is InstanceStatus.PAUSE
    run.succeeds("c").does("resume")
    assert (run.status, run.started) == (InstanceStatus.RUNNING_EXCEPTION, ["d"])
    assert "'a'" in (run.state.message or "")


def test_facts_that_come_while_an_instance_is_paused_are_kept() -> None:
    run = Operated(plan("a", a={"properties": {"url": "#{DateUtil.getTime(DateUtil.now())}"}}))
    run.does("pause").finds("a", clock=5)
    assert run.nodes == "a=waiting"
    assert run.does("resume").given("a").properties == {"url": "5"}


def test_a_paused_instance_is_stopped_with_what_it_holds_up() -> None:
    run = Operated(plan("a > b > c"))
    run.does("pause", "b").does("pause").is_stopped().is_cancelled("a")
    assert (run.status, run.nodes) == (InstanceStatus.MANUAL_STOP, "a=manual-stop b=manual-stop c=manual-stop")


# ---------------------------------------------------------------- confirm, freeze


def test_an_instance_that_waits_for_confirmation_starts_when_it_is_confirmed() -> None:
    run = Operated(plan("a > b"), status=InstanceStatus.WAITING_CONFIRM)
    assert run.nodes == ""
    run.does("confirm")
    assert (run.status, run.nodes, run.state.start_time_ms) == (
        InstanceStatus.RUNNING,
        "a=running b=waiting",
        run.now_ms,
    )


def test_a_frozen_instance_does_not_start_until_it_is_unfrozen() -> None:
    job = plan("a")
    waiting = new_instance(job)
    freeze = OPERATIONS["freeze"](at_ms=1, operation_id="1", by="anna")
    frozen, commands = step(job, waiting, freeze)  # type: ignore[arg-type]
    assert (frozen.status, commands) == (InstanceStatus.FREEZE, ())
    run = Operated(job, status=InstanceStatus.FREEZE)
    assert run.status is InstanceStatus.FREEZE
    assert run.does("unfreeze").nodes == "a=running"


# ---------------------------------------------------------------- refusals, and the setting for conditions


@pytest.mark.parametrize("status", list(InstanceStatus))
def test_what_is_allowed_in_a_state_is_what_the_table_says(status: InstanceStatus) -> None:
    allowed = allowed_operations(status)
    for name, kind in OPERATIONS.items():
        assert (name in allowed) is (TRANSITIONS[status, kind] is Answer.HANDLED)  # type: ignore[index]


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (InstanceStatus.WAITING_CONFIRM, ["stop", "confirm", "run-without-dependencies", "run-preferentially"]),
        (InstanceStatus.WAITING, ["stop", "freeze", "run-without-dependencies", "run-preferentially"]),
        (InstanceStatus.PAUSE, ["stop", "resume"]),
        (InstanceStatus.SUCCESS, ["restart"]),
        (InstanceStatus.FAIL, ["restart", "force-success"]),
        (InstanceStatus.MANUAL_STOP, ["restart", "force-success"]),
        (InstanceStatus.FREEZE, ["stop", "unfreeze"]),
        (InstanceStatus.SKIP_BY_DEPEND, []),
    ],
)
def test_the_operations_of_a_state_are_the_documented_ones(status: InstanceStatus, allowed: list[str]) -> None:
    assert allowed_operations(status) == allowed


def test_news_of_a_retry_that_was_overtaken_by_a_manual_one_changes_nothing() -> None:
    run = Operated(plan("a", a={"fail_policy": SUSPEND, "retry_times": 1}))
    run.fails("a").retry_is_due("a").ends("a", failed(FailureKind.ERROR))
    run.does("retry", "a")
    before = run.state
    run.tell(RetryDue(at_ms=run.now_ms, node=0, attempt=1))
    assert run.state is before


@pytest.mark.parametrize(
    ("policy", "first", "second", "then"),
    [
        (ConditionPolicy.OR, "true", "false", "running"),
        (ConditionPolicy.AND, "true", "false", "skip"),
        (ConditionPolicy.AND, "true", "true", "running"),
        (ConditionPolicy.OR, "false", "false", "skip"),
        (ConditionPolicy.AND, "#{DateUtil.getTime(DateUtil.now()) == 5}", "true", "running"),
        (ConditionPolicy.AND, "#{DateUtil.getTime(DateUtil.now()) == 5}", "false", "skip"),
        (ConditionPolicy.AND, "#{DateUtil.getTime(DateUtil.now()) == 6}", "true", "skip"),
    ],
)
def test_the_workspace_says_whether_one_condition_will_do(
    policy: ConditionPolicy, first: str, second: str, then: str
) -> None:
    run = Run(plan("a > c, b > c", c={"conditions": {"a": first, "b": second}}), condition_policy=policy)
    run.succeeds("a", "b")
    if run.looked_up:
        run.finds("c", clock=5)
    assert run.node("c").status.value == then


def test_a_skipped_predecessor_counts_as_false_among_conditions_that_must_all_hold() -> None:
    nodes = {"s": {"conditions": {"a": "false"}}, "c": {"conditions": {"s": "true", "b": "true"}}}
    run = Run(plan("a > s > c, b > c", **nodes), condition_policy=ConditionPolicy.AND).succeeds("a", "b")
    assert run.node("c").status is NodeStatus.SKIP
    assert "not every condition" in (run.node("c").message or "")
