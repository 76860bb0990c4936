"""The table of the core: per instance state and event, whether it is handled, ignored on purpose, or illegal.

`step` asks this table before anything else; the test walks every pair; the diagram in the documentation is made
from it. Ignored pairs are late or repeated news about a run that has ended: normal after crashes.
"""

from __future__ import annotations

from enum import Enum

from arkwright.core.events import (
    AttemptEnded,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    InstanceRequested,
    RestartRequested,
    RetryDue,
    StopRequested,
)
from arkwright.core.instance import ENDED_INSTANCE, InstanceStatus


class Answer(Enum):
    HANDLED = "handled"
    IGNORED = "ignored"
    ILLEGAL = "illegal"


_ACTIVE = frozenset({InstanceStatus.RUNNING, InstanceStatus.RUNNING_EXCEPTION, InstanceStatus.PAUSE})
_RERUNNABLE = frozenset({InstanceStatus.SUCCESS, InstanceStatus.FAIL, InstanceStatus.MANUAL_STOP})
_UNENDED = frozenset(InstanceStatus) - ENDED_INSTANCE

# Event type: (states in which it is handled, what it means in all others).
_RULES: dict[type[Event], tuple[frozenset[InstanceStatus], Answer]] = {
    InstanceRequested: (frozenset({InstanceStatus.WAITING}), Answer.IGNORED),
    AttemptEnded: (_ACTIVE, Answer.IGNORED),
    FactsFound: (_ACTIVE, Answer.IGNORED),
    RetryDue: (_ACTIVE, Answer.IGNORED),
    DeadlinePassed: (_ACTIVE, Answer.IGNORED),
    StopRequested: (_UNENDED, Answer.ILLEGAL),
    RestartRequested: (_RERUNNABLE, Answer.ILLEGAL),
    EngineFault: (_UNENDED, Answer.IGNORED),
}

TRANSITIONS: dict[tuple[InstanceStatus, type[Event]], Answer] = {
    (status, event): Answer.HANDLED if status in handled else otherwise
    for event, (handled, otherwise) in _RULES.items()
    for status in InstanceStatus
}
