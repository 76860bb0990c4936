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

from collections.abc import Callable, Sequence
from typing import Protocol

from arkwright.core.identity import IdentityRecord, IdentitySnapshot, Token
from arkwright.store.answer_record import AnswerStore, IdempotencyKey, KeptAnswer
from arkwright.store.attempt_record import AttemptStore
from arkwright.store.audit_record import AuditFilter, AuditRecord
from arkwright.store.change_record import ChangeStore
from arkwright.store.definition_record import Definition, DefinitionStore, DefinitionWrite, Kind, SavedVersion
from arkwright.store.instance_record import (
    Accepted,
    AttemptRow,
    Commit,
    InstanceFilter,
    InstanceStore,
    PostedEvent,
    changed_nodes,
)
from arkwright.store.notice_record import Outbox
from arkwright.store.patch_record import PatchStore
from arkwright.store.place import Page, Place
from arkwright.store.retention_record import RetentionStore
from arkwright.store.schedule_record import ScheduleStore
from arkwright.store.sealed_record import SealedStore
from arkwright.store.server_record import ServerStore
from arkwright.store.trigger_record import TriggerStore

__all__ = [
    "Accepted",
    "AttemptRow",
    "Commit",
    "Definition",
    "DefinitionWrite",
    "IdempotencyKey",
    "InstanceFilter",
    "KeptAnswer",
    "Kind",
    "Page",
    "Place",
    "PostedEvent",
    "SavedVersion",
    "Store",
    "changed_nodes",
]


class Store(
    DefinitionStore,
    InstanceStore,
    AnswerStore,
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

    # -- care
    async def backup(self, target: str) -> None:
        """Write a consistent copy of a running store to a file that must not exist yet (embedded only). Raises
        `AlreadyExists`, and `IllegalState` where the database has tools of its own."""
        ...
