"""What the core wants done: imperatives. Nothing here acts; `engine/dispatch` carries them out after the commit.

Each command can be worked out again from the state (`core.step.outstanding`), so a crash between the commit and
the act loses nothing, and each is safe to carry out twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from arkwright.core.control.children import ChildRequest
from arkwright.core.instance import InstanceStatus
from arkwright.core.job import Script
from arkwright.core.record import Tagged


class StartAttempt(Tagged, frozen=True, kw_only=True):
    """Run a node: everything it needs, expressions and parameters already replaced."""

    instance_id: int
    node: int
    node_name: str
    attempt: int
    type: str
    properties: Mapping[str, str] = {}
    script: Script | None = None
    parameters: Mapping[str, str] = {}
    """The job's parameters with this run's values, for programs' environments."""
    deadline_ms: int | None = None
    group: str = ""
    """Where it runs, as was decided before its commit: a group of workers, or `local`. Empty: not decided yet."""


class AttachAttempt(Tagged, frozen=True, kw_only=True):
    """After a restart of the engine: find the attempt again, or start it if it never started."""

    instance_id: int
    node: int
    attempt: int


class CancelAttempt(Tagged, frozen=True, kw_only=True):
    instance_id: int
    node: int
    attempt: int


class OpenChildren(Tagged, frozen=True, kw_only=True):
    """Keep what each child of a node is given; nothing is started by it. It is stored with the commit."""

    instance_id: int
    node: int
    node_name: str
    attempt: int
    type: str
    job_name: str
    requests: tuple[ChildRequest, ...] = ()
    deadline_ms: int | None = None


class StartChildren(Tagged, frozen=True, kw_only=True):
    """Create the instances of these rows, in the commit of this very step: once and only once."""

    instance_id: int
    node: int
    attempt: int
    rows: tuple[int, ...]


class AttachChildren(Tagged, frozen=True, kw_only=True):
    """After a restart of the engine: find out which children have ended meanwhile."""

    instance_id: int
    node: int
    attempt: int


class StopChildren(Tagged, frozen=True, kw_only=True):
    """Stop the children of a node that have not ended."""

    instance_id: int
    node: int
    attempt: int


class LookUp(Tagged, frozen=True, kw_only=True):
    """Find out the facts that a node's expressions need; the answer comes back as `FactsFound`."""

    instance_id: int
    node: int
    number: int
    facts: frozenset[str]
    """Keys, see `core/facts.py`."""


class SetRetryTimer(Tagged, frozen=True, kw_only=True):
    instance_id: int
    node: int
    attempt: int
    at_ms: int


class SetDeadline(Tagged, frozen=True, kw_only=True):
    instance_id: int
    node: int
    attempt: int
    at_ms: int


class SetInstanceTimer(Tagged, frozen=True, kw_only=True):
    """Tell when the instance exceeds its time limit."""

    instance_id: int
    at_ms: int


class Finish(Tagged, frozen=True, kw_only=True):
    """The instance has ended: whoever waits for it is told, and the engine forgets it."""

    instance_id: int
    status: InstanceStatus


Command = (
    StartAttempt
    | AttachAttempt
    | CancelAttempt
    | OpenChildren
    | StartChildren
    | AttachChildren
    | StopChildren
    | LookUp
    | SetRetryTimer
    | SetDeadline
    | SetInstanceTimer
    | Finish
)
