"""What an operator may do to an instance that runs, waits or has ended, and to its nodes (factory-behaviour 2.1, 2.2).

Which operation is allowed in which state of the instance is in the table of `transitions`; what it needs of a node
is checked here, and a refusal (`IllegalState`) changes nothing. Rules:

* Continue goes on past the nodes that suspended the instance, as if their failure were ignored.
* A manual retry runs a failed node with failPolicy SUSPEND once more, with all of its retries.
* Forced success turns failed nodes green (`forced`), though their logs say otherwise. Of an instance that still runs
  it stops what runs, and skips what waits.
* A paused instance starts no node; what runs goes on. A paused node holds up what comes after it.
* A skipped node counts as done: what comes after it runs, unlike after a node that a condition skipped.
* Nothing is done to an instance that is being stopped.
"""

from __future__ import annotations

from arkwright.core.control.running import start_rows
from arkwright.core.draft import Draft
from arkwright.core.events import (
    ConfirmRequested,
    ContinueRequested,
    ForceSuccessRequested,
    FreezeRequested,
    NodeForceSuccessRequested,
    NodeOperation,
    NodePauseRequested,
    NodeResumeRequested,
    NodeRetryRequested,
    NodeSkipRequested,
    Operation,
    PauseRequested,
    RemoveDependencyRequested,
    ResumeRequested,
    RunPreferentiallyRequested,
    RunWithoutDependenciesRequested,
    UnfreezeRequested,
)
from arkwright.core.flow import advance, begin
from arkwright.core.gate_steps import change_gate, confirm, wait_again
from arkwright.core.instance import ENDED_INSTANCE, InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import FailPolicy, Node
from arkwright.errors import IllegalState, InvalidInput


def operate(draft: Draft, event: Operation) -> None:
    """Raises `IllegalState`, or `InvalidInput` for a node that the instance doesn't have."""
    if draft.stopping is not None:
        raise IllegalState(
            f"The instance is {draft.status.value} and is just being stopped.",
            field="instance_id",
            hint="Wait until it has ended; it can be restarted then.",
        )
    draft.set(operations=(*draft.state.operations, event.operation_id))
    match event:
        case ContinueRequested():
            _continue(draft)
        case ForceSuccessRequested():
            _force_success(draft, event)
        case PauseRequested():
            draft.set(status=InstanceStatus.PAUSE)
        case ResumeRequested():
            _resume(draft)
        case ConfirmRequested():
            if not confirm(draft, event.by) and not begin(draft):
                _run_again(draft)
        case UnfreezeRequested():
            if not wait_again(draft):
                begin(draft)
        case RunWithoutDependenciesRequested() | RunPreferentiallyRequested() | RemoveDependencyRequested():
            change_gate(draft, event)
        case FreezeRequested():
            draft.set(status=InstanceStatus.FREEZE)
        case NodeOperation():
            _operate_node(draft, event)
        case _:
            raise AssertionError(event)


# ---------------------------------------------------------------- the instance


def _continue(draft: Draft) -> None:
    passed = [run.index for run in draft.runs if _suspends(draft, run)]
    for index in passed:
        draft.change(index, failure_ignored=True)
    _go_on(draft)
    advance(draft, [after for index in passed for after in draft.plan.job.nodes[index].successors])


def _force_success(draft: Draft, event: Operation) -> None:
    for run in list(draft.runs):
        if run.status is NodeStatus.FAIL:
            _turn_green(draft, run, event.by)
    message = f"Set to success by {event.by}."
    if draft.status in ENDED_INSTANCE:
        draft.set(status=InstanceStatus.SUCCESS, force_success=True, message=message)
        return
    draft.set(stopping=InstanceStatus.SUCCESS, message=message)
    draft.cancel_running()


def _resume(draft: Draft) -> None:
    draft.set(status=InstanceStatus.RUNNING)
    if any(_suspends(draft, run) for run in draft.runs):
        draft.set(status=InstanceStatus.RUNNING_EXCEPTION)
    advance(draft, [run.index for run in draft.runs if run.status is NodeStatus.WAITING])
    for run in list(draft.runs):
        start_rows(draft, run.index)


def _run_again(draft: Draft) -> None:
    """A restarted instance whose job wants every run confirmed."""
    draft.set(status=InstanceStatus.RUNNING, start_time_ms=draft.at_ms)
    advance(draft, [run.index for run in draft.runs if run.status is NodeStatus.WAITING])


def _go_on(draft: Draft) -> None:
    """An instance that no node suspends any more runs."""
    if not any(_suspends(draft, run) for run in draft.runs):
        draft.set(status=InstanceStatus.RUNNING, message=None)


def _suspends(draft: Draft, run: NodeRun) -> bool:
    policy = draft.plan.job.nodes[run.index].fail_policy
    return run.status is NodeStatus.FAIL and policy is FailPolicy.SUSPEND and not run.failure_ignored


# ---------------------------------------------------------------- nodes


def _operate_node(draft: Draft, event: NodeOperation) -> None:
    run = next((run for run in draft.runs if run.name == event.node_name), None)
    if run is None:
        raise InvalidInput(
            f"The instance has no node {event.node_name!r}.",
            field="node_name",
            hint=f"Its nodes are: {', '.join(run.name for run in draft.runs[:10])}.",
        )
    node = draft.plan.job.nodes[run.index]
    match event:
        case NodeRetryRequested():
            _check(_suspends(draft, run), run, "retry", "it has failed and its failPolicy is SUSPEND")
            draft.change(
                run.index,
                status=NodeStatus.WAITING,
                retries=0,
                start_time_ms=None,
                end_time_ms=None,
                output=None,
                exit_code=None,
                message=None,
            )
            _go_on(draft)
            advance(draft, [run.index])
        case NodeForceSuccessRequested():
            _check(_suspends(draft, run), run, "force-success", "it has failed and its failPolicy is SUSPEND")
            _turn_green(draft, run, event.by)
            _go_on(draft)
            advance(draft, list(node.successors))
        case NodeSkipRequested():
            waits = run.status in (NodeStatus.WAITING, NodeStatus.PAUSE)
            _check(waits and len(draft.runs) > 1, run, "skip", "it waits or is paused, and is not the only node")
            draft.end(run.index, NodeStatus.SKIP, f"Skipped by {event.by}.", forced=True)
            advance(draft, list(node.successors))
        case NodePauseRequested():
            _check(run.status is NodeStatus.WAITING, run, "pause", "it waits")
            _hold(draft, node, event.by)
        case NodeResumeRequested():
            _check(run.status is NodeStatus.PAUSE, run, "resume", "it is paused")
            draft.change(run.index, status=NodeStatus.WAITING, message=None)
            advance(draft, [run.index])
        case _:
            raise AssertionError(event)


def _hold(draft: Draft, node: Node, by: str) -> None:
    """What it is looking up is asked for anew when it goes on: it may be another answer by then."""
    draft.change(
        node.index,
        status=NodeStatus.PAUSE,
        looking_up=False,
        look_up_failure=None,
        facts={},
        slot=None,
        message=f"Paused by {by}.",
    )


def _turn_green(draft: Draft, run: NodeRun, by: str) -> None:
    message = f"Set to success by {by}; it had failed: {run.message}" if run.message else f"Set to success by {by}."
    draft.change(run.index, status=NodeStatus.SUCCESS, forced=True, failure_ignored=False, message=message)


def _check(allowed: bool, run: NodeRun, operation: str, rule: str) -> None:
    if not allowed:
        raise IllegalState(
            f"The node {run.name!r} is {run.status.value}: {operation} is allowed when {rule}.", field="node_name"
        )
