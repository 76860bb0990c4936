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

import msgspec

from arkwright.core.commands import (
    AttachAttempt,
    AttachChildren,
    CancelAttempt,
    Command,
    Finish,
    SetDeadline,
    SetRetryTimer,
    StopChildren,
)
from arkwright.core.control.running import outcome_of, take_end
from arkwright.core.draft import Draft
from arkwright.core.events import (
    AttemptEnded,
    ChildEnded,
    ConditionMet,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    InstanceOverdue,
    InstanceRequested,
    Operation,
    ParentStopped,
    Released,
    RestartRequested,
    RetryDue,
    SlotGranted,
    StopRequested,
    Withdrawn,
)
from arkwright.core.flow import advance, begin, fail, look_up, settle, start_again, wanted_facts
from arkwright.core.gate_steps import gated, meet, release, wait
from arkwright.core.instance import ENDED_INSTANCE, Instance, InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import Plan
from arkwright.core.operations import operate
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.core.overdue import take_lateness, timer_of, watch_time
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
    watch_time(draft, event)
    if draft.status not in ENDED_INSTANCE and settle(draft):
        draft.commands.append(Finish(instance_id=state.id, status=draft.status))
    return draft.result(), tuple(draft.commands)


def _apply(draft: Draft, event: Event) -> bool:
    """Answers whether the event meant anything for this state."""
    match event:
        case InstanceRequested():
            return begin(draft) if not gated(draft.state) else wait(draft)
        case Released():
            return release(draft) and begin(draft)
        case Withdrawn():
            _stop(draft, event.ending, event.message)
            return True
        case ConditionMet():
            return meet(draft, event.key)
        case SlotGranted():
            return _slot_granted(draft, event)
        case AttemptEnded():
            return _attempt_ended(draft, event)
        case ChildEnded():
            return _child_ended(draft, event)
        case ParentStopped():
            return _parent_stopped(draft, event)
        case FactsFound():
            return _facts_found(draft, event)
        case RetryDue():
            return _retry_due(draft, event)
        case DeadlinePassed():
            return _deadline_passed(draft, event)
        case InstanceOverdue():
            return take_lateness(draft, event)
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
    if run is None or run.children is not None:
        return False
    _end_attempt(draft, run, event.outcome)
    return True


def _child_ended(draft: Draft, event: ChildEnded) -> bool:
    run = take_end(draft, event)
    if run is None:
        return False
    outcome = outcome_of(draft, draft.plan.job.nodes[run.index])
    if outcome is not None:
        _end_attempt(draft, draft.runs[run.index], outcome)
    return True


def _parent_stopped(draft: Draft, event: ParentStopped) -> bool:
    if draft.stopping is not None:
        return False
    _stop(draft, InstanceStatus.MANUAL_STOP, event.message)
    return True


def _end_attempt(draft: Draft, run: NodeRun, outcome: Outcome) -> None:
    node = draft.plan.job.nodes[run.index]
    match outcome:
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


def _slot_granted(draft: Draft, event: SlotGranted) -> bool:
    run = draft.runs[event.node] if event.node < len(draft.runs) else None
    if run is None or run.slot is None or run.slot.held or run.slot.since_ms != event.since_ms:
        return False
    draft.change(run.index, slot=msgspec.structs.replace(run.slot, held=True))
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
    run = draft.change(run.index, timed_out=True, cancelling=True)
    outcome = outcome_of(draft, draft.plan.job.nodes[run.index])
    if outcome is None:
        draft.cancel(run)
    else:  # paused between two rows
        _end_attempt(draft, run, outcome)
    return True


def outstanding(plan: Plan, state: Instance) -> tuple[Command, ...]:
    """What a new owner of this state has to do: the commands that the last one may have died before."""
    if state.ended:
        return ()
    commands: list[Command] = list(timer_of(state))
    draft = Draft(plan, state, 0)
    for run in state.nodes:
        if run.status is NodeStatus.RUNNING:
            where = {"instance_id": state.id, "node": run.index, "attempt": run.attempt}
            if run.retry_at_ms is not None:
                commands.append(SetRetryTimer(**where, at_ms=run.retry_at_ms))
                continue
            commands.append(AttachAttempt(**where) if run.children is None else AttachChildren(**where))
            if run.cancelling:
                commands.append(CancelAttempt(**where) if run.children is None else StopChildren(**where))
            elif run.deadline_ms is not None:
                commands.append(SetDeadline(**where, at_ms=run.deadline_ms))
        elif run.status is NodeStatus.WAITING and run.looking_up and state.stopping is None:
            facts = wanted_facts(draft, plan.job.nodes[run.index])
            commands.append(look_up(state.id, run, facts))
    return tuple(commands)
