"""What the store does so that sealed values can get another key: the contract of going through all of them.

Rules
-----
* `COLUMNS` names every column that can hold sealed values. What is not in it never does; a test holds this list against
  the schema, so that a new column is thought about.
* Values are read in pieces, each a short statement, and replaced only if they are still what was read. Nobody is kept
  waiting, and two servers that do the same at once do it once.
* What belongs to an instance is replaced once it has ended: its engine has it in memory until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from arkwright.store.place import Place

COLUMNS: dict[str, tuple[str, ...]] = {
    "identity": ("body",),
    "definition_version": ("body",),
    "schedule": ("body",),
    "event_trigger": ("body", "report"),
    "notice": ("body",),
    "answer": ("sealed_body",),
    "instance": ("body",),
    "node_run": ("body",),
    "attempt": ("request", "outcome"),
    "event": ("body",),
    "event_kept": ("body",),
    "posted": ("body",),
}

PARTS = ("identity", "definition_version", "schedule", "event_trigger", "notice", "answer", "instance")
"""What is gone through one after another; an instance comes with the rows that belong to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """A row that may hold sealed values."""

    table: str
    column: str
    key: tuple[Any, ...]
    """Its primary key."""
    value: str | bytes = field(repr=False)
    place: Place | None = None
    """Whose it is; None: the installation's."""
    name: str = ""
    """Of a definition its kind, of a trigger its slot, of an answer scope and key in one text."""
    ended: bool = True
    """False: it belongs to an instance that has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPage:
    rows: Sequence[SealedRow]
    after: Sequence[Any] | None
    """Where the next piece begins; None: this was the last."""


class SealedStore(Protocol):
    async def sealing_key(self) -> str | None:
        """Id of the key that seals; None: nobody has chosen one."""
        ...

    async def set_sealing_key(self, key_id: str) -> None: ...

    def on_sealing_changed(self, changed: Callable[[], None]) -> None:
        """Call `changed` on the event loop's thread when another process has set the key."""
        ...

    async def sealed_rows(
        self, part: str, *, after: Sequence[Any] | None = None, limit: int = 200, unended: bool = False
    ) -> SealedPage:
        """Rows of one of `PARTS` that may hold sealed values. `limit` counts what is looked at, not what is found.
        `unended`: of the part `instance` only those that have not ended."""
        ...

    async def replace_sealed(self, changes: Sequence[tuple[SealedRow, str | bytes]], *, unended: bool = False) -> int:
        """Write the new values of rows that still hold what was read; how many they were. Of instances that have not
        ended only with `unended`, for a process that has none in memory. Cached definitions are forgotten, here and in
        other processes, also without any change."""
        ...

    async def resealing_mark(self) -> str:
        """What was last set; empty: nothing."""
        ...

    async def set_resealing_mark(self, mark: str) -> None: ...
