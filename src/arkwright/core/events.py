"""What has happened to an instance: facts, in the past tense. Times and ids arrive inside them.

Every change of an instance is one of these; there is no second way. `at_ms` is epoch milliseconds by the
clock of whoever saw it happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from arkwright.core.control.children import PinnedJob
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.outcome import Outcome
from arkwright.core.record import Tagged


class InstanceRequested(Tagged, frozen=True, kw_only=True):
    """Somebody asked for a run; `instance` is the new instance as it was stored, without node runs.

    It is in the event so that the history alone gives the state.
    """

    at_ms: int
    instance: Instance


class AttemptEnded(Tagged, frozen=True, kw_only=True):
    """An attempt of a node ended. One attempt ends once; a repeat changes nothing."""

    at_ms: int
    node: int
    attempt: int
    outcome: Outcome


class ChildEnded(Tagged, frozen=True, kw_only=True):
    """An instance that a node runs has ended. A row ends once; a repeat changes nothing."""

    at_ms: int
    node: int
    attempt: int
    row: int
    child: int
    """Id of the instance."""
    status: InstanceStatus
    message: str | None = None


class ParentStopped(Tagged, frozen=True, kw_only=True):
    """The node that runs this instance is being stopped, and so is the instance."""

    at_ms: int
    message: str


class FactsFound(Tagged, frozen=True, kw_only=True):
    """The answers to a `LookUp`: key (see `core/facts.py`) to JSON value, and why others could not be found."""

    at_ms: int
    node: int
    number: int = 1
    """Of the look-up that this answers."""
    facts: Mapping[str, Any] = {}
    failure: str | None = None


class RetryDue(Tagged, frozen=True, kw_only=True):
    """The retry interval of a node has passed."""

    at_ms: int
    node: int
    attempt: int


class DeadlinePassed(Tagged, frozen=True, kw_only=True):
    """An attempt has run for longer than its node's maximum time."""

    at_ms: int
    node: int
    attempt: int


class InstanceOverdue(Tagged, frozen=True, kw_only=True):
    """The instance has exceeded the time limit of its job. It runs on: somebody is to be told."""

    at_ms: int


class StopRequested(Tagged, frozen=True, kw_only=True):
    at_ms: int
    operation_id: str
    by: str


class RestartFrom(StrEnum):
    FIRST_NODE = "first_node"
    ERROR_NODE = "error_node"
    SPECIFIED_NODE = "specified_node"


class RestartRequested(Tagged, frozen=True, kw_only=True):
    """An ended instance is to run again.

    `job_version` and `script_versions` are those to run from now on: the original ones, or the latest
    submitted ones when the caller asked for these.
    """

    at_ms: int
    operation_id: str
    by: str
    position: RestartFrom = RestartFrom.FIRST_NODE
    node_name: str | None = None
    job_version: int
    script_versions: Mapping[str, tuple[int, int]] = {}
    subjobs: Mapping[str, PinnedJob] = {}


class Operation(Tagged, frozen=True, kw_only=True):
    """Base of what operators ask for (`core/operations.py` has the rules). One `operation_id` is applied once."""

    at_ms: int
    operation_id: str
    by: str


class ContinueRequested(Operation, frozen=True, kw_only=True):
    """Go on past the failed nodes that suspended the instance."""


class ForceSuccessRequested(Operation, frozen=True, kw_only=True):
    """The instance is to count as successful."""


class PauseRequested(Operation, frozen=True, kw_only=True):
    """Start no more nodes until it is resumed."""


class ResumeRequested(Operation, frozen=True, kw_only=True):
    """A paused instance is to go on."""


class ConfirmRequested(Operation, frozen=True, kw_only=True):
    """An instance that waits for a confirmation may start."""


class FreezeRequested(Operation, frozen=True, kw_only=True):
    """A waiting instance is not to start until it is unfrozen."""


class UnfreezeRequested(Operation, frozen=True, kw_only=True):
    """A frozen instance may start, or waits again."""


class RunWithoutDependenciesRequested(Operation, frozen=True, kw_only=True):
    """A waiting instance is to wait for no other instance and no file any more."""


class RunPreferentiallyRequested(Operation, frozen=True, kw_only=True):
    """A waiting instance is to start before the others that wait for the same."""


class RemoveDependencyRequested(Operation, frozen=True, kw_only=True):
    """A waiting instance is not to wait any more for one of its dependencies, which is named by its key."""

    key: str


class NodeOperation(Operation, frozen=True, kw_only=True):
    """Base of what operators ask for about one node, which is named: a restart may have moved its position."""

    node_name: str


class NodeRetryRequested(NodeOperation, frozen=True, kw_only=True):
    """Run a failed node again that suspends the instance."""


class NodeForceSuccessRequested(NodeOperation, frozen=True, kw_only=True):
    """A failed node that suspends the instance is to count as successful."""


class NodeSkipRequested(NodeOperation, frozen=True, kw_only=True):
    """Don't run a node that waits or is paused; what comes after it runs."""


class NodePauseRequested(NodeOperation, frozen=True, kw_only=True):
    """Don't start a waiting node until it is resumed."""


class NodeResumeRequested(NodeOperation, frozen=True, kw_only=True):
    """A paused node may start."""


class Released(Tagged, frozen=True, kw_only=True):
    """The scheduler found the instance's gate open: all that it waited for is there."""

    at_ms: int


class Withdrawn(Tagged, frozen=True, kw_only=True):
    """The scheduler gave a waiting instance up: it ends cancelled (`manual-stop`) or skipped, with the reason."""

    at_ms: int
    ending: InstanceStatus
    message: str


class ConditionMet(Tagged, frozen=True, kw_only=True):
    """Something outside that an instance waits for is there, such as a file."""

    at_ms: int
    key: str
    """Of the condition in its gate."""


class SlotGranted(Tagged, frozen=True, kw_only=True):
    """A node that waited for a slot of its task group or workspace has one."""

    at_ms: int
    node: int
    since_ms: int
    """Of the waiting that this ends."""


class EngineFault(Tagged, frozen=True, kw_only=True):
    """The engine could not work out this instance's next state (a defect): it ends as failed, with the reason."""

    at_ms: int
    message: str


Event = (
    InstanceRequested
    | AttemptEnded
    | ChildEnded
    | ParentStopped
    | FactsFound
    | RetryDue
    | DeadlinePassed
    | InstanceOverdue
    | StopRequested
    | RestartRequested
    | ContinueRequested
    | ForceSuccessRequested
    | PauseRequested
    | ResumeRequested
    | ConfirmRequested
    | FreezeRequested
    | UnfreezeRequested
    | RunWithoutDependenciesRequested
    | RunPreferentiallyRequested
    | RemoveDependencyRequested
    | Released
    | Withdrawn
    | ConditionMet
    | SlotGranted
    | NodeRetryRequested
    | NodeForceSuccessRequested
    | NodeSkipRequested
    | NodePauseRequested
    | NodeResumeRequested
    | EngineFault
)
