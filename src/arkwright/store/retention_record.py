"""What the store does so that history ages out: the contract of the clearing away.

Rules
-----
* Everything here is done in small pieces: one call is one short transaction, and other writers come in between.
* An instance goes as a whole: its counters, node runs, attempts and history with it, in one transaction. Only ended
  ones go, and whether they are is asked in that transaction.
* A mark says how far a clearing has come; another `policy` begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from arkwright.store.place import Place

BEGINNING = (-1, -1)
"""Before every (time, id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldInstances:
    """Which ended instances to look for, oldest first by the time that lists compare, then id."""

    place: Place
    before_ms: int
    after: tuple[int, int] = BEGINNING
    """(time, id) of the last one of the piece before."""
    job_id: int | None = None
    except_jobs: Sequence[int] = ()


class RetentionStore(Protocol):
    async def old_instances(self, where: OldInstances, *, limit: int) -> Sequence[tuple[int, int]]:
        """(time, id) of each."""
        ...

    async def attempts_of(self, instance_ids: Sequence[int]) -> Sequence[tuple[int, int, int]]:
        """(instance, node, attempt) of all their attempts."""
        ...

    async def delete_instances(
        self, instance_ids: Sequence[int], *, before_ms: int, leave_history: bool = False
    ) -> int:
        """Those that have ended and are of before that time; how many they were. `leave_history`: where the history is
        in parts by time, leave it to the drop of its part."""
        ...

    async def retention_mark(self, scope: str, policy: str) -> tuple[int, int]: ...

    async def set_retention_mark(self, scope: str, policy: str, at: tuple[int, int]) -> None: ...

    async def purge_notices(self, place: Place, *, before_ms: int, limit: int) -> int:
        """Those that are settled; how many they were."""
        ...

    async def purge_audit(self, workspace_id: str, *, before_ms: int, limit: int) -> int: ...

    async def purge(self, *, now_ms: int, limit: int = 1000) -> int:
        """Drop expired tokens and idempotency keys, answers included, `limit` of each at most; how many they were."""
        ...

    async def prepare_history(self, *, now_ms: int) -> None:
        """Where tables are in parts by time: make those of the months to come, drop those that are empty."""
        ...

    async def old_parts(self, *, event_before_ms: int | None, audit_before_ms: int | None) -> Sequence[str]:
        """Parts by time all of which is before these times; None: nothing is. Retire them."""
        ...

    async def retire_part(self, part: str, *, after: int, limit: int) -> int | None:
        """A piece of a part's end: what is kept of its next `limit` instances moves elsewhere. Answers the id to go on
        after (begin with 0); None: the part is gone, or is in use and goes another time."""
        ...

    async def shrink(self, *, pages: int) -> None:
        """Give that much of what deletions left free back to the disk, where the database doesn't by itself."""
        ...
