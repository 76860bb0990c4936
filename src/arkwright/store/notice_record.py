"""What the store keeps of notices, and how they are asked for: the contract of the outbox.

Theory of operation
-------------------
* A notice is stored in the transaction of what it tells of (`Commit.notices`), or by itself (`add_notices`); its key
  makes it one, however often it is tried.
* Who sends claims first: a claim takes the due notices of one topic as a *batch*, counts the try, and makes them due
  again when the claim's lease has run out. A batch stays together through all its tries, so that whoever receives it
  can tell a repetition by the batch's number.
* Who has sent settles. A claim that took longer than its lease settles nothing: another one has the batch.

Crash cases: before the claim nothing was sent; after the settling it is not sent again. In between nobody can know
whether the message left; it is sent again with the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from arkwright.core.alerts import Notice

if TYPE_CHECKING:
    from arkwright.store.place import Place


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    """Given up; somebody may have it tried again."""
    DROPPED = "dropped"
    """No longer worth sending: a repetition whose trouble is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotice:
    id: int
    place: Place
    notice: Notice
    state: NoticeState = NoticeState.PENDING
    tries: int = 0
    due_ms: int
    batch: int | None = None
    settled_ms: int | None = None
    error: str = ""
    """Why the last try failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a claimed batch."""

    ids: Sequence[int]
    tries: int
    """As claimed: another claim in between makes this one void."""
    state: NoticeState
    at_ms: int
    due_ms: int
    """Of `PENDING`: when it is tried again."""
    error: str = ""
    following: Sequence[tuple[int, Notice, int]] = ()
    """(id, notice, due) of repetitions that follow, stored with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFilter:
    place: Place
    from_ms: int
    to_ms: int
    """Inclusive; they compare the time of what a notice tells of."""
    states: Sequence[NoticeState] = tuple(NoticeState)


class Outbox(Protocol):
    async def add_notices(self, place: Place, notices: Sequence[tuple[int, Notice]]) -> None:
        """(id, notice) of notices that belong to no instance's commit. Known keys change nothing."""
        ...

    async def due_topics(self, *, now_ms: int) -> Sequence[tuple[Place, str]]:
        """Topics for which something is due."""
        ...

    async def next_notice_ms(self) -> int | None:
        """When the next notice is due, or was. None: none waits."""
        ...

    async def claim_notices(
        self, place: Place, topic: str, *, now_ms: int, lease_until_ms: int, limit: int
    ) -> Sequence[StoredNotice]:
        """One batch, oldest first: one that was begun before, else a new one of everything due, at most `limit`."""
        ...

    async def settle_notices(self, place: Place, settled: Settled) -> None: ...

    async def revive_notice(self, place: Place, notice_id: int, *, now_ms: int) -> None:
        """Try a dead notice again. Raises `NotFound`, `IllegalState`."""
        ...

    async def list_notices(
        self, where: NoticeFilter, *, offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[StoredNotice]]:
        """(how many there are, one page of them), newest first."""
        ...

    def on_notice(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the event loop's thread when a notice was stored."""
        ...

    def on_rules_changed(self, changed: Callable[[], None]) -> None:
        """Call `changed` on the event loop's thread when an alarm rule was written, here or by another process."""
        ...
