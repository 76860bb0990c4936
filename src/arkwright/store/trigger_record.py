"""What starts runs by events, as the store keeps it.

Theory of operation
-------------------
A trigger is a row: of a job's own event schedule, of a node of a real-time job, or a webhook. What it has taken is kept
beside it: per source the next position (Kafka: partition and offset; a cron: the time), or per object the version that
was seen. `fire` makes an instance and moves these on in one transaction that begins by locking the trigger's row, so:

* kill -9 before the commit: neither instance nor position are there, the message is read again;
* kill -9 after it: both are there, the message is refused when it is read again (`Refusal.SEEN`);
* two servers that both believe to look after a trigger: the second one finds the position moved on, or is told that
  the trigger is another's (`Refusal.NOT_OWNER`).

A run that was started is in the trigger's list of runs until `settle` says that its end was dealt with, so that a
failure policy outlives a crash, and so that "at most N at once" counts the same on every server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from arkwright.core.instance import Instance
    from arkwright.store.answer_record import IdempotencyKey
    from arkwright.store.place import Place


class TriggerKind(StrEnum):
    KAFKA = "KAFKA"
    OBS = "OBS"
    CRON = "CRON"
    """A node of a real-time job that runs by the clock."""
    ONCE = "ONCE"
    """A node of a real-time job that runs from the job's start on."""
    WEBHOOK = "WEBHOOK"


class TriggerState(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    """A run failed and its failure policy says so, or an operator paused the job."""
    DISABLED = "DISABLED"
    """An operator disabled the node, or the webhook."""
    STOPPING = "STOPPING"
    """Nothing new starts; it is STOPPED when the last run has ended."""
    STOPPED = "STOPPED"
    """Kept for its position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    id: int
    place: Place
    job_id: int
    slot: str
    """Empty for the job's own, `node:NAME`, `hook:ID`."""
    kind: TriggerKind
    state: TriggerState
    owner: str | None
    """The engine that looks after it."""
    epoch: int
    """Counts starts: what an earlier start wanted is refused."""
    body: Mapping[str, Any]
    """What it was started with."""
    report: Mapping[str, Any]
    """How it fares, as its owner last wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStart:
    """A trigger to be active from now on; one of that job and slot is started again and keeps its id."""

    slot: str
    kind: TriggerKind
    body: Mapping[str, Any]
    fresh: bool = False
    """Forget the positions and versions of earlier starts."""
    state: TriggerState = TriggerState.ACTIVE


class Refusal(StrEnum):
    """Why nothing was started."""

    INACTIVE = "inactive"
    """It is stopped, suspended or disabled, or was started anew meanwhile."""
    NOT_OWNER = "not-owner"
    SEEN = "seen"
    """That position or version was taken before."""
    FULL = "full"
    """As many runs as are allowed at once are under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One event of one trigger."""

    trigger_id: int
    epoch: int
    owner: str | None
    """Who claims to look after it; None: anybody may fire (webhooks)."""
    limit: int
    """Most runs at once."""
    source: str = ""
    position: int | None = None
    """Of `source`; it is taken, and all before it."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Objects and the versions that are taken."""
    settled_by_end: bool = False
    """Nobody deals with the ends of its runs: ended ones don't count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    instance_id: int | None
    refusal: Refusal | None = None
    replayed: bool = False
    """True: an earlier event with the same idempotency key made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerChange:
    """What changes together: a run is dealt with, triggers change their state, and with them their job."""

    states: Mapping[int, TriggerState] = field(default_factory=dict)
    """By id of the trigger."""
    only_from: frozenset[TriggerState] | None = None
    """Change nothing at all unless every trigger of `states` is in one of these."""
    settled: Sequence[tuple[int, int]] = ()
    """(trigger, instance) whose end has been dealt with."""
    job_id: int | None = None
    job_status: str | None = None
    """The state of job `job_id`, with `job_id`."""
    bodies: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """By id of the trigger, in place of what it was started with."""
    wake: bool = False
    """Let every server look at its triggers."""


class TriggerStore(Protocol):
    """Part of `arkwright.store.base.Store`."""

    async def start_triggers(
        self, place: Place, job_id: int, starts: Sequence[TriggerStart], *, job_status: str | None = None
    ) -> Sequence[Trigger]:
        """Start these (and set the job's state) at once; answers them. Their runs of earlier starts stay listed."""
        ...

    async def change_triggers(self, change: TriggerChange) -> bool:
        """All or nothing; False: `only_from` did not hold."""
        ...

    async def delete_trigger(self, trigger_id: int) -> None:
        """With all that belongs to it. Its runs go on."""
        ...

    async def get_trigger(self, trigger_id: int) -> Trigger | None: ...

    async def list_triggers(self, *, job_id: int | None = None, slot: str | None = None) -> Sequence[Trigger]:
        """Those of a job, or of a slot, in the order of their ids."""
        ...

    async def triggers_of_place(self, place: Place, kind: TriggerKind) -> Sequence[Trigger]: ...

    async def claim_triggers(self, engine: str) -> Sequence[Trigger]:
        """Make this engine the owner of triggers that have something to do (they are active or stopping, or have
        runs) and whose engine's lease has run out, or that have none; answers all such that it owns. Webhooks have
        no owner."""
        ...

    async def release_triggers(self, engine: str) -> None:
        """Let go of all that this engine owns, so that others claim them."""
        ...

    async def report_trigger(self, trigger_id: int, epoch: int, report: Mapping[str, Any]) -> None: ...

    async def fire_trigger(
        self, instance: Instance, firing: Firing, *, owner: str | None, idempotency: IdempotencyKey | None = None
    ) -> Fired:
        """Make the instance (as `create_instance`), take the event, and list the run, in one transaction. Raises
        `IdempotencyConflict`."""
        ...

    async def open_positions(self, trigger_id: int, defaults: Mapping[str, int]) -> Mapping[str, int]:
        """All positions of the trigger; a source that has none begins at its default."""
        ...

    async def move_position(self, trigger_id: int, epoch: int, source: str, position: int) -> None:
        """Set it, forwards or back."""
        ...

    async def get_marks(self, trigger_id: int) -> Mapping[str, str]: ...

    async def change_marks(
        self, trigger_id: int, epoch: int, *, seen: Mapping[str, str], gone: Sequence[str] = ()
    ) -> None:
        """Objects that are not to fire (any more), and objects that don't exist any more."""
        ...

    async def trigger_runs(self, trigger_id: int) -> Sequence[int]:
        """Its runs whose end has not been dealt with, oldest first."""
        ...
