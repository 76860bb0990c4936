"""`step(plan, state, event) -> (state, commands)`: the one function that decides what an instance does.

Theory of operation
-------------------
The core is pure. Times and ids arrive inside events; what needs a clock, an output or the outside leaves as a command
whose answer returns as an event. The table in `transitions` is asked first: an illegal event raises
`IllegalTransition` and changes nothing, an ignored one (late or repeated news) changes nothing either.

Crash cases. The engine commits state and event before it acts on a command. If it dies in between, the command
is worked out again from the state by `outstanding`: an attempt that is running is attached to (its claim
file says whether it ever started), timers are set again from the times in the state, look-ups are asked again. If
it dies before the commit, the event was never acknowledged and whoever holds it tells it again; told twice, the second
one finds a state that has moved on and changes nothing.

Invariants: a node run ends in at most one outcome; no successor starts before its condition holds; an ended instance
changes only by `RestartRequested`
and `ForceSuccessRequested`; replaying the history gives the stored state.
"""

from __future__ import annotations

from typing import assert_never

from arkwright.core.commands import (
    AttachAttempt,
    CancelAttempt,
    Command,
    Finish,
    SetDeadline,
    SetRetryTimer,
)
from arkwright.core.draft import Draft
from arkwright.core.events import (
    AttemptEnded,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    InstanceRequested,
    Operation,
    RestartRequested,
    RetryDue,
    StopRequested,
)
from arkwright.core.flow import advance, begin, fail, look_up, settle, start_again, wanted_facts
from arkwright.core.instance import ENDED_INSTANCE, Instance, InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import Plan
from arkwright.core.operations import operate
from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.core.restart import restart
from arkwright.core.transitions import TRANSITIONS, Answer
from arkwright.errors import IllegalTransition


def step(plan: Plan, state: Instance, event: Event) -> tuple[Instance, tuple[Command, ...]]:
    """The state after the event, and what is to be done once it is durable.

    Returns `state` itself where the event changes nothing. Raises `IllegalTransition`; operations also `InvalidInput`.
    """
    if isinstance(event, StopRequested | RestartRequested | Operation) and event.operation_id in state.operations:
        return state, ()
    match TRANSITIONS[state.status, type(event)]:
        case Answer.IGNORED:
            return state, ()
        case Answer.ILLEGAL:
            raise IllegalTransition(state.status.value, type(event).__name__)
        case Answer.HANDLED:
            pass
    draft = Draft(plan, state, event.at_ms)
    changed = _apply(draft, event)
    if not changed:
        return state, ()
    if draft.status not in ENDED_INSTANCE and settle(draft):
        draft.commands.append(Finish(instance_id=state.id, status=draft.status))
    return draft.result(), tuple(draft.commands)


def _apply(draft: Draft, event: Event) -> bool:
    """Answers whether the event meant anything for this state."""
    match event:
        case InstanceRequested():
            return begin(draft)
        case AttemptEnded():
            return _attempt_ended(draft, event)
        case FactsFound():
            return _facts_found(draft, event)
        case RetryDue():
            return _retry_due(draft, event)
        case DeadlinePassed():
            return _deadline_passed(draft, event)
        case StopRequested():
            draft.set(operations=(*draft.state.operations, event.operation_id))
            _stop(draft, InstanceStatus.MANUAL_STOP, f"Stopped by {event.by}.")
            return True
        case RestartRequested():
            draft.set(operations=(*draft.state.operations, event.operation_id))
            advance(draft, restart(draft, event))
            return True
        case Operation():
            operate(draft, event)
            return True
        case EngineFault():
            _stop(draft, InstanceStatus.FAIL, event.message)
            return True
    assert_never(event)


def _stop(draft: Draft, ending: InstanceStatus, message: str) -> None:
    draft.set(stopping=ending, message=message)
    draft.cancel_running()


def _current(draft: Draft, index: int, attempt: int) -> NodeRun | None:
    """The run if this very attempt is under way (not one of an earlier run, not one that waits for its retry)."""
    if index >= len(draft.runs):
        return None
    run = draft.runs[index]
    under_way = run.status is NodeStatus.RUNNING and run.attempt == attempt and run.retry_at_ms is None
    return run if under_way else None


def _attempt_ended(draft: Draft, event: AttemptEnded) -> bool:
    run = _current(draft, event.node, event.attempt)
    if run is None:
        return False
    node = draft.plan.job.nodes[event.node]
    match event.outcome:
        case Succeeded() as success:
            draft.end(
                run.index,
                NodeStatus.SUCCESS,
                success.message,
                output=success.output,
                input_row_count=success.input_row_count,
                output_row_count=success.output_row_count,
                exit_code=None,
                cancelling=False,
                timed_out=False,
            )
            advance(draft, list(node.successors))
        case Failed() as failure:
            if run.timed_out:
                minutes = node.max_execution_seconds / 60
                late = Failed(
                    kind=FailureKind.ERROR,
                    message=f"Stopped after its maximum execution time of {minutes:g} minutes.",
                    exit_code=failure.exit_code,
                    output=failure.output,
                )
                fail(draft, node, late, timed_out=True)
                advance(draft, list(node.successors))
            elif run.cancelling:
                draft.end(
                    run.index, NodeStatus.MANUAL_STOP, failure.message, exit_code=failure.exit_code, cancelling=False
                )
            else:
                fail(draft, node, failure)
                advance(draft, list(node.successors))
    return True


def _facts_found(draft: Draft, event: FactsFound) -> bool:
    run = draft.runs[event.node] if event.node < len(draft.runs) else None
    if run is None or not run.looking_up or run.look_ups != event.number or run.status is not NodeStatus.WAITING:
        return False
    draft.change(
        run.index,
        looking_up=False,
        facts={**run.facts, **event.facts},
        look_up_failure=event.failure or run.look_up_failure,
    )
    advance(draft, [run.index])
    return True


def _retry_due(draft: Draft, event: RetryDue) -> bool:
    run = draft.runs[event.node] if event.node < len(draft.runs) else None
    if run is None or run.attempt != event.attempt or run.retry_at_ms is None:
        return False
    start_again(draft, run.index)
    return True


def _deadline_passed(draft: Draft, event: DeadlinePassed) -> bool:
    run = _current(draft, event.node, event.attempt)
    if run is None or run.cancelling:
        return False
    draft.change(run.index, timed_out=True, cancelling=True)
    draft.commands.append(CancelAttempt(instance_id=draft.state.id, node=run.index, attempt=run.attempt))
    return True


def outstanding(plan: Plan, state: Instance) -> tuple[Command, ...]:
    """What a new owner of this state has to do: the commands that the last one may have died before."""
    if state.ended or not state.nodes:
        return ()
    commands: list[Command] = []
    draft = Draft(plan, state, 0)
    for run in state.nodes:
        if run.status is NodeStatus.RUNNING:
            where = {"instance_id": state.id, "node": run.index, "attempt": run.attempt}
            if run.retry_at_ms is not None:
                commands.append(SetRetryTimer(**where, at_ms=run.retry_at_ms))
                continue
            commands.append(AttachAttempt(**where))
            if run.cancelling:
                commands.append(CancelAttempt(**where))
            elif run.deadline_ms is not None:
                commands.append(SetDeadline(**where, at_ms=run.deadline_ms))
        elif run.status is NodeStatus.WAITING and run.looking_up and state.stopping is None:
            facts = wanted_facts(draft, plan.job.nodes[run.index])
            commands.append(look_up(state.id, run, facts))
    return tuple(commands)
