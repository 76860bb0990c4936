"""The store's contract: everything that must survive a crash, and the only place that knows SQL.

Theory of operation
-------------------
* Every method that writes returns only after its transaction is synced to disk. Writers that arrive together share
  one commit (group commit); each of them still succeeds or fails alone.
* One writer of instance state: an instance is owned by one engine (`owner`), and every commit compares
  the owner and the instance's `version`. A lost comparison is reported, never overwritten.
* Ownership is by lease: an engine renews one row for all that it owns. When the lease has run out, others may
  claim its instances; a new process of the same engine, whose start proves that the old one is dead, at once.
* Ids are allocated in durable blocks: never used twice, below 2^53, unique over the installation.
* Totals come from counters kept in the same transaction; no read counts history. Reads use indexes only.
* The history (`event`) is written once and never changed; it can be partitioned by time.
* Times are epoch milliseconds given by the caller, so that tests own the clock; only leases are lengths, which the
  database's own clock ends (`server_record`).

Both databases pass the suite in `tests/store`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from arkwright.core.alerts import Notice
from arkwright.core.events import Event
from arkwright.core.identity import IdentityRecord, IdentitySnapshot, Token
from arkwright.core.instance import Instance, InstanceStatus, NodeRun
from arkwright.core.outcome import Outcome
from arkwright.store.attempt_record import AttemptStore
from arkwright.store.audit_record import AuditFilter, AuditRecord
from arkwright.store.change_record import ChangeStore
from arkwright.store.notice_record import Outbox
from arkwright.store.patch_record import PatchStore
from arkwright.store.retention_record import RetentionStore
from arkwright.store.schedule_record import ScheduleStore
from arkwright.store.sealed_record import SealedStore
from arkwright.store.server_record import ServerStore
from arkwright.store.trigger_record import TriggerStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A slice of a list, and how long the whole list is."""

    total: int
    items: Sequence[T]


# ---------------------------------------------------------------- definitions: jobs, scripts, …


class Kind(StrEnum):
    """Kinds of definitions; names are unique per workspace and kind."""

    JOB = "job"
    SCRIPT = "script"
    RESOURCE = "resource"
    CONNECTION = "connection"
    SCHEDULE = "schedule"
    """What a job's schedule was last started with; named by the job's id."""
    ENVIRONMENT = "environment"
    """The workspace's variables, one document."""
    PATCH_DATA = "patch-data"
    PENDING_ITEM = "pending-item"
    RELEASE_PACKAGE = "release-package"
    APPROVAL = "approval"
    ALARM_RULE = "alarm-rule"
    ALERT_TOPIC = "alert-topic"
    """Whom notices go to."""
    BASELINE = "baseline"
    BASELINE_INSTANCE = "baseline-instance"
    BASELINE_EVENT = "baseline-event"
    SCRIPT_RUN = "script-run"
    """The hidden job of one node that a script is executed with; named as the script."""
    REAL_TIME_NODE = "real-time-node"
    """The hidden job that a node of a real-time job runs as; named `JOB_NODE`."""
    CALENDAR = "calendar"
    """Which days are working days: `{"default", "changed": {day: works}}`."""
    TASK_GROUP = "task-group"
    """How many nodes of a group run at once: `{"limit"}`."""
    SYSTEM_TASK = "system-task"
    """An asynchronous task (an import) with its subtasks; its category is its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Every key carries project and workspace."""

    project_id: str
    workspace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A named, versioned document. Versions count from 1 and are immutable."""

    id: int
    place: Place
    kind: Kind
    name: str
    category: str
    """Jobs: BATCH or REAL_TIME. Scripts: the script type."""
    directory: str
    status: str
    """Jobs: the scheduling state (STOPPED, SCHEDULING, PAUSED, …); empty otherwise."""
    version: int
    """The version of `body`."""
    latest_version: int
    submitted_version: int | None
    created_ms: int
    created_by: str
    updated_ms: int
    updated_by: str
    body: Mapping[str, Any]
    """The document as it was sent, unknown fields included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionWrite:
    name: str
    category: str
    directory: str
    body: Mapping[str, Any]
    submit: bool
    """Whether this version becomes the submitted one too."""
    actor: str
    at_ms: int
    status: str = ""
    submitted_body: Mapping[str, Any] | None = None
    """A version that is written just before this one, in the same transaction, and becomes the submitted one; `submit`
    is then False."""
    expected_version: int | None = None
    """What must be the newest version for this to be written: what the writer has seen. None: whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVersion:
    """One version of a definition, as lists show it."""

    version: int
    created_ms: int
    created_by: str
    body: Mapping[str, Any]


# ---------------------------------------------------------------- instances


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A client's promise that requests under one key are the same request."""

    scope: str
    """User, project, workspace and route in one text."""
    key: str
    request_digest: str
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a request with an Idempotency-Key was answered."""

    request_digest: str
    status: int
    """Of HTTP; 0: what was asked was done, and then the server was killed before it could keep the answer."""
    sealed_body: bytes = b""
    """Whoever keeps it seals it: it may hold secrets."""


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


class Store(
    TriggerStore,
    ScheduleStore,
    PatchStore,
    Outbox,
    RetentionStore,
    SealedStore,
    AttemptStore,
    ChangeStore,
    ServerStore,
    Protocol,
):
    """See the module's theory of operation. `StoreUnavailable` may be raised by every method.

    A caller that is cancelled while it waits for a write can't know whether it was made. What is answered may be
    shared with other callers and must not be changed."""

    # -- life
    async def open(self) -> None:
        """Connect, create or migrate the schema (forward only), refuse a newer schema than this program's."""
        ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        """Raise `StoreUnavailable` unless a write could be made now."""
        ...

    async def installation_id(self) -> str:
        """A random id made with the schema."""
        ...

    # -- ids
    def next_id(self) -> int:
        """The next id of the block in hand. Never blocks: a new block is fetched before the old one is used up
        (the caller awaits `reserve_ids` first where it takes many)."""
        ...

    async def reserve_ids(self, count: int) -> None:
        """Make sure that `count` calls of `next_id` can follow."""
        ...

    # -- definitions
    async def create_definition(self, place: Place, kind: Kind, write: DefinitionWrite) -> Definition:
        """Raises `AlreadyExists` if the name is taken."""
        ...

    async def save_definition(self, place: Place, kind: Kind, name: str, write: DefinitionWrite) -> Definition:
        """A new version; `write.name` other than `name` renames, an empty `write.status` keeps the status. Raises
        `NotFound`, `AlreadyExists`, and `StaleWrite` if `write.expected_version` is no longer the newest one."""
        ...

    async def set_definition_status(self, place: Place, kind: Kind, name: str, status: str) -> None:
        """Raises `NotFound`."""
        ...

    async def delete_definition(self, place: Place, kind: Kind, name: str) -> None:
        """Raises `NotFound`. Versions stay for the instances pinned to them; the name is free again."""
        ...

    async def get_definition(
        self, place: Place, kind: Kind, name: str, *, version: int | None = None, submitted: bool = False
    ) -> Definition | None:
        """The latest version, that version, or the submitted one. Always current, and as cheap as a cache can
        make it: it is on the path of run-immediate."""
        ...

    def definition_in_hand(self, place: Place, kind: Kind, name: str, *, submitted: bool = False) -> Definition | None:
        """As `get_definition`, without waiting. Raises `LookupError` when that is not possible just now."""
        ...

    async def get_definition_version(self, definition_id: int, version: int) -> Definition | None:
        """By identity, also after deletion: for pinned instances."""
        ...

    async def definition_versions(self, definition_id: int, *, offset: int, limit: int) -> Sequence[SavedVersion]:
        """Versions of a definition, newest first."""
        ...

    async def list_definitions(
        self,
        place: Place,
        kind: Kind,
        *,
        category: str | None = None,
        name_contains: str = "",
        offset: int = 0,
        limit: int = 10,
    ) -> Page[Definition]:
        """Newest first. `offset` counts records. `name_contains` compares without case."""
        ...

    async def definition_ids(self, place: Place, kind: Kind, *, name: str, precise: bool) -> Sequence[int]:
        """Ids of definitions, deleted ones included, whose current or former name is `name`; if not `precise`,
        contains it without regard to case."""
        ...

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
        """The instances that an instance's nodes run, by node, newest attempt first, and row; without node runs."""
        ...

    async def list_instances(self, where: InstanceFilter, *, offset: int = 0, limit: int = 10) -> Page[Instance]:
        """Newest first by the compared time, then id; without node runs. `offset` counts records."""
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

    # -- identity
    async def read_identity(self) -> IdentitySnapshot: ...

    async def write_identity(self, rows: Sequence[IdentityRecord]) -> None:
        """Insert or replace by key, all or nothing. Keys: id; (workspace, user); access key."""
        ...

    def on_identity_changed(self, changed: Callable[[], None]) -> None:
        """Call `changed` on the event loop's thread when another process wrote identity records."""
        ...

    async def put_token(self, token: Token) -> None: ...

    async def get_token(self, token_hash: bytes) -> Token | None: ...

    async def list_tokens(self, user_id: str, *, now_ms: int) -> Sequence[Token]: ...

    async def delete_token(self, token_hash: bytes) -> None: ...

    # -- audit
    async def append_audit(self, record: AuditRecord) -> None:
        """Durable when it returns."""
        ...

    async def list_audit(self, where: AuditFilter, *, limit: int = 100) -> Sequence[AuditRecord]:
        """Newest first. Pages go on from the last record, so that none is counted or stepped over."""
        ...

    # -- answers to requests that carry an Idempotency-Key
    def promising(self, promise: IdempotencyKey, *, now_ms: int) -> AbstractContextManager[None]:
        """The first definition or identity record that this task writes inside carries the promise in its
        transaction: both are there, or neither. That write raises `IdempotencyConflict` if somebody else's promise of
        that scope and key is there already. A write that fails leaves the promise to the next one."""
        ...

    async def find_answer(self, scope: str, key: str, *, now_ms: int) -> KeptAnswer | None:
        """None: no promise, or an expired one."""
        ...

    async def find_promised(self, promise: IdempotencyKey, *, now_ms: int) -> Accepted | None:
        """The instance that `create_instance` made under this key; None: none, or the key has expired. Raises
        `IdempotencyConflict` if that was another request."""
        ...

    async def keep_answer(self, promise: IdempotencyKey, answer: KeptAnswer) -> None:
        """Durable when it returns."""
        ...

    # -- care
    async def backup(self, target: str) -> None:
        """Write a consistent copy of a running store to a file that must not exist yet (embedded only). Raises
        `AlreadyExists`, and `IllegalState` where the database has tools of its own."""
        ...


def changed_nodes(commit: Commit) -> list[NodeRun]:
    """The node runs of a commit that must be written."""
    before = commit.before.nodes if commit.before is not None else ()
    return [run for i, run in enumerate(commit.after.nodes) if i >= len(before) or before[i] is not run]
