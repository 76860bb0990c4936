"""The table of the core: per instance state and event, whether it is handled, ignored on purpose, or illegal.

`step` asks this table before anything else; the test walks every pair; the diagram in the documentation is made
from it. Ignored pairs are late or repeated news about a run that has ended: normal after crashes.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from arkwright.core.events import (
    AttemptEnded,
    ChildEnded,
    ConditionMet,
    ConfirmRequested,
    ContinueRequested,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    ForceSuccessRequested,
    FreezeRequested,
    InstanceOverdue,
    InstanceRequested,
    NodeForceSuccessRequested,
    NodeOperation,
    NodePauseRequested,
    NodeResumeRequested,
    NodeRetryRequested,
    NodeSkipRequested,
    Operation,
    ParentStopped,
    PauseRequested,
    Released,
    RemoveDependencyRequested,
    RestartRequested,
    ResumeRequested,
    RetryDue,
    RunPreferentiallyRequested,
    RunWithoutDependenciesRequested,
    SlotGranted,
    StopRequested,
    UnfreezeRequested,
    Withdrawn,
)
from arkwright.core.instance import ENDED_INSTANCE, InstanceStatus


class Answer(Enum):
    HANDLED = "handled"
    IGNORED = "ignored"
    ILLEGAL = "illegal"


_ACTIVE = frozenset({InstanceStatus.RUNNING, InstanceStatus.RUNNING_EXCEPTION, InstanceStatus.PAUSE})
_RERUNNABLE = frozenset({InstanceStatus.SUCCESS, InstanceStatus.FAIL, InstanceStatus.MANUAL_STOP})
_SUSPENDED = frozenset({InstanceStatus.RUNNING_EXCEPTION})
_NOT_GREEN = frozenset({InstanceStatus.FAIL, InstanceStatus.MANUAL_STOP, InstanceStatus.RUNNING_EXCEPTION})
_STARTING_NODES = frozenset({InstanceStatus.RUNNING, InstanceStatus.RUNNING_EXCEPTION})
_GATED = frozenset({InstanceStatus.WAITING, InstanceStatus.WAITING_CONFIRM})
_UNENDED = frozenset(InstanceStatus) - ENDED_INSTANCE

# Event type: (states in which it is handled, what it means in all others).
_RULES: dict[type[Event], tuple[frozenset[InstanceStatus], Answer]] = {
    InstanceRequested: (frozenset({InstanceStatus.WAITING}), Answer.IGNORED),
    AttemptEnded: (_ACTIVE, Answer.IGNORED),
    ChildEnded: (_ACTIVE, Answer.IGNORED),
    ParentStopped: (_UNENDED, Answer.IGNORED),
    FactsFound: (_ACTIVE, Answer.IGNORED),
    SlotGranted: (_ACTIVE, Answer.IGNORED),
    RetryDue: (_ACTIVE, Answer.IGNORED),
    DeadlinePassed: (_ACTIVE, Answer.IGNORED),
    InstanceOverdue: (_UNENDED, Answer.IGNORED),
    StopRequested: (_UNENDED, Answer.ILLEGAL),
    RestartRequested: (_RERUNNABLE, Answer.ILLEGAL),
    ContinueRequested: (_SUSPENDED, Answer.ILLEGAL),
    ForceSuccessRequested: (_NOT_GREEN, Answer.ILLEGAL),
    PauseRequested: (frozenset({InstanceStatus.RUNNING}), Answer.ILLEGAL),
    ResumeRequested: (frozenset({InstanceStatus.PAUSE}), Answer.ILLEGAL),
    ConfirmRequested: (frozenset({InstanceStatus.WAITING_CONFIRM}), Answer.ILLEGAL),
    FreezeRequested: (frozenset({InstanceStatus.WAITING}), Answer.ILLEGAL),
    UnfreezeRequested: (frozenset({InstanceStatus.FREEZE}), Answer.ILLEGAL),
    RunWithoutDependenciesRequested: (_GATED, Answer.ILLEGAL),
    RunPreferentiallyRequested: (_GATED, Answer.ILLEGAL),
    RemoveDependencyRequested: (_GATED, Answer.ILLEGAL),
    Released: (frozenset({InstanceStatus.WAITING}), Answer.IGNORED),
    Withdrawn: (_GATED, Answer.IGNORED),
    ConditionMet: (_GATED | {InstanceStatus.FREEZE}, Answer.IGNORED),
    NodeRetryRequested: (_SUSPENDED, Answer.ILLEGAL),
    NodeForceSuccessRequested: (_SUSPENDED, Answer.ILLEGAL),
    NodeSkipRequested: (_STARTING_NODES, Answer.ILLEGAL),
    NodePauseRequested: (_STARTING_NODES, Answer.ILLEGAL),
    NodeResumeRequested: (_STARTING_NODES, Answer.ILLEGAL),
    EngineFault: (_UNENDED, Answer.IGNORED),
}

OPERATIONS: dict[str, type[Operation]] = {
    "continue": ContinueRequested,
    "force-success": ForceSuccessRequested,
    "pause": PauseRequested,
    "resume": ResumeRequested,
    "confirm": ConfirmRequested,
    "freeze": FreezeRequested,
    "unfreeze": UnfreezeRequested,
    "run-without-dependencies": RunWithoutDependenciesRequested,
    "run-preferentially": RunPreferentiallyRequested,
}
"""What an operator may do to an instance beside stop and restart, by the names that the API and the command line
give it."""

NODE_OPERATIONS: dict[str, type[NodeOperation]] = {
    "retry": NodeRetryRequested,
    "force-success": NodeForceSuccessRequested,
    "skip": NodeSkipRequested,
    "pause": NodePauseRequested,
    "resume": NodeResumeRequested,
}
"""And to one of its nodes."""

TRANSITIONS: dict[tuple[InstanceStatus, type[Event]], Answer] = {
    (status, event): Answer.HANDLED if status in handled else otherwise
    for event, (handled, otherwise) in _RULES.items()
    for status in InstanceStatus
}


def allowed_operations(status: InstanceStatus) -> list[str]:
    """What may be done to an instance in that state, by name; those of its nodes are led by `node`."""
    named: dict[str, Any] = {"stop": StopRequested, "restart": RestartRequested, **OPERATIONS}
    named |= {f"node {name}": kind for name, kind in NODE_OPERATIONS.items()}
    return [name for name, kind in named.items() if TRANSITIONS[status, kind] is Answer.HANDLED]
