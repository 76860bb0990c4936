"""Instances, their commits, attempts, owners and posted events, as the store keeps them (theory: `base`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from arkwright.core.alerts import Notice
from arkwright.core.events import Event
from arkwright.core.instance import Instance, InstanceStatus, NodeRun
from arkwright.core.outcome import Outcome
from arkwright.store.answer_record import IdempotencyKey
from arkwright.store.place import Page, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    instance_id: int
    replayed: bool
    """True: an earlier call with the same key made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt: its request, its claim and its end."""

    instance_id: int
    node: int
    attempt: int
    type: str
    request: Mapping[str, Any]
    """The `StartAttempt` command as JSON, so that a restarted server can submit it again."""
    runner: str
    """Who claimed it; empty: nobody yet."""
    group: str | None = None
    """The workers that it is offered to."""
    epoch: int = 0
    """Counts claims; a claim with an old epoch can't renew or finish."""
    lease_until_ms: int | None = None
    cancel_requested: bool = False
    started_ms: int
    ended_ms: int | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One instance's share of an engine tick; all shares of a tick go into one transaction."""

    before: Instance | None
    """State the step began with (None: only `after.version == 0` rows exist); its `version` is compared."""
    after: Instance
    """New state, `version` counted up by the engine. Node runs that are not identical (`is`) to those of
    `before` at the same index are written; the others are not."""
    events: Sequence[Event]
    started: Sequence[AttemptRow] = ()
    ended: Sequence[tuple[int, int, Outcome]] = ()
    """(node, attempt, outcome) of attempts that ended: at the time of their `AttemptEnded` among the events, else of
    the newest event."""
    cancelled: Sequence[tuple[int, int]] = ()
    """(node, attempt) of attempts that were asked to stop."""
    posted: Sequence[int] = ()
    """Ids of posted events (`post`) that these events came from; deleted with this commit."""
    notices: Sequence[tuple[int, Notice]] = ()
    """(id, notice): what is told of this change (`notice_record`)."""
    children: Sequence[Instance] = ()
    """New instances that this one's nodes run, made with this commit; they belong to its owner."""
    informs: Sequence[tuple[int, Event]] = ()
    """(instance, event): what this change means for another instance. Left as a posted event with this commit, unless
    that instance's share of the same tick has taken it in (`heard`)."""
    heard: Sequence[int] = ()
    """Ids of instances of the same tick whose `informs` these events are. If one of those shares can't be written,
    neither can this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFilter:
    """Which instances to list. Times compare the start time, or the planned time while there is none."""

    place: Place
    job_ids: Sequence[int] | None = None
    from_ms: int
    to_ms: int
    """Inclusive."""
    statuses: Sequence[InstanceStatus] = ()
    instance_types: Sequence[int] = ()
    force_success: bool | None = None
    ignore_success: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedEvent:
    """An event left for the engine that owns the instance, by somebody who is not that engine."""

    id: int
    instance_id: int
    event: Event


def changed_nodes(commit: Commit) -> list[NodeRun]:
    """The node runs of a commit that must be written."""
    before = commit.before.nodes if commit.before is not None else ()
    return [run for i, run in enumerate(commit.after.nodes) if i >= len(before) or before[i] is not run]


class InstanceStore(Protocol):
    """Part of `arkwright.store.base.Store`."""

    # -- instances
    async def create_instance(
        self,
        instance: Instance,
        *,
        owner: str | None,
        idempotency: IdempotencyKey | None = None,
        first: Commit | None = None,
    ) -> Accepted:
        """Store a new instance (its version is 0, no node runs). `first`: with its first step (of `instance`, version
        1; nothing in it ends, is cancelled, told or made), so that both are one commit. With a known key the earlier
        instance is answered; the same key with another digest raises `IdempotencyConflict`."""
        ...

    def create_instance_soon(
        self,
        instance: Instance,
        *,
        owner: str | None,
        told: Callable[[Accepted | None, BaseException | None], None],
        first: Commit | None = None,
    ) -> None:
        """As `create_instance`, for callers that can't wait: once the instance is durable, or could not be made, `told`
        is called on the event loop's thread. Raises `LookupError` when only `create_instance` can do it: nothing has
        happened then."""
        ...

    async def commit(self, owner: str, tick: Sequence[Commit]) -> Sequence[int]:
        """One transaction for the tick. Answers the ids whose owner or version did not compare: nothing of
        those was written, all others are durable. An ended instance is nobody's: of it only the version is compared,
        and who commits it owns it. The history begins with the events of the first commit."""
        ...

    async def load_instance(self, instance_id: int) -> Instance | None: ...

    async def get_instance(self, place: Place, instance_id: int) -> Instance | None:
        """As `load_instance`, if it belongs to that place."""
        ...

    async def children_of(
        self,
        parent_id: int,
        *,
        node: int | None = None,
        attempt: int | None = None,
        statuses: Sequence[InstanceStatus] = (),
        offset: int = 0,
        limit: int | None = None,
    ) -> Page[Instance]:
        """The instances that an instance's nodes run, by node, newest attempt first, and row; without node runs. Of
        what can't be read, see `list_instances`."""
        ...

    async def list_instances(self, where: InstanceFilter, *, offset: int = 0, limit: int = 10) -> Page[Instance]:
        """Newest first by the compared time, then id; without node runs. `offset` counts records.

        One that can't be read (of a newer version, or damaged) is counted, left out of the items, and told in the log:
        it keeps nobody from the others."""
        ...

    async def newest_instances(
        self, place: Place, job_ids: Sequence[int], statuses: Sequence[InstanceStatus]
    ) -> Sequence[Instance]:
        """Of each of these jobs the newest instance in one of these statuses, if there is one; without node runs."""
        ...

    async def read_events(self, instance_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Event]]:
        """The history in order: (sequence number from 1, event)."""
        ...

    # -- attempts
    async def get_attempt(self, instance_id: int, node: int, attempt: int) -> AttemptRow | None: ...

    async def list_attempts(self, instance_id: int) -> Sequence[AttemptRow]: ...

    async def claim_attempt(
        self,
        instance_id: int,
        node: int,
        attempt: int,
        *,
        runner: str,
        now_ms: int,
        lease_until_ms: int | None,
    ) -> AttemptRow | None:
        """Claim an attempt that nobody has, whose lease has run out, or that this runner has already. None:
        somebody else has it, or it has ended. Counts the epoch up."""
        ...

    async def renew_attempt(
        self, instance_id: int, node: int, attempt: int, *, epoch: int, lease_until_ms: int
    ) -> AttemptRow | None:
        """None: the claim is no longer this one's. `cancel_requested` in the answer asks to stop."""
        ...

    # -- engines and ownership
    async def register_engine(self, engine: str, *, lease_ms: int | None, takes: bool = True, room: int = 0) -> None:
        """Come alive, or stay alive (also the renewal), for so long from the database's now; 0 ends it at once. No
        lease: alive until another process of the same name takes over (embedded: the data folder's lock proves it).
        `takes`: whether it counts among those that instances are shared between. `room`: how many more programs it
        would begin at once; if any, the others are told (`on_room`)."""
        ...

    async def claim_instances(
        self, engine: str, *, limit: int, takes: bool = True, has_room: bool = False
    ) -> Sequence[int]:
        """Make this engine the owner of unended instances that it owned before and, if it takes any, of its share of
        those that nobody owns or whose engine's lease has run out; answers ids not yet answered to this process,
        oldest first, at most `limit`. Its share: there may be more while other engines live, until nothing is answered.
        `has_room`: it would begin more at once; then engines that would not get no share.

        What this process created or committed itself counts as answered, unless the caller of `create_instance` was
        cancelled before it heard. Ended instances are answered only if an event was posted for them and no living
        engine owns them. An owner that never registered counts as alive."""
        ...

    async def owner_of(self, instance_id: int) -> str | None: ...

    # -- events from others
    async def post(self, instance_id: int, event: Event) -> None:
        """Leave an event for the owner and wake it. Durable when this returns. Raises `NotFound`."""
        ...

    async def posted(self, engine: str) -> Sequence[PostedEvent]:
        """Events left for instances that this engine owns, oldest first."""
        ...

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the event loop's thread when something was posted or an unowned instance was made."""
        ...
