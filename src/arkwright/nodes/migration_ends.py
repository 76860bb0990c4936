"""The contract between a migration and its two ends. All of it is called on the migration's own thread, but `stop`.

Theory of exactly once: an attempt has a token, kept in its folder before anything happens. The writer puts the token
and what it did into `arkwright_migration` **in the same transaction as the rows** (a file's writer: into a record in
the workspace's folder, after the file was put in its place as a whole). `begin` looks for the token first. So an
attempt may be begun again at any time, by anybody, without asking what became of it: either it is done, or nothing of
it is there. A session that its process left behind still holds its rows: `begin` waits for it.

The high-water mark of an incremental migration is a row of the same table, locked from `begin` to the commit, so two
runs of one task can't bring the same rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from arkwright.nodes.migration_types import Column, Store

BATCH = 10_000
"""Rows that are read, and written, at a time: what is held in memory."""
RECORDS = "arkwright_migration"
KEPT_DAYS = 30
LOCK_SECONDS = 60

Row = Sequence[Any]
Refuse = Callable[[Any, str], None]
"""Takes what was refused (a row, or the text of one that can't be read) and why. Raises `TooManyRefused`."""


class MigrationFailed(Exception):
    """One of the ends refused or broke off; the message says which and what."""


class RowsRefused(Exception):
    """At least one of these rows can't be taken, and none of them was."""


class TooManyRefused(MigrationFailed):
    """More rows were refused than may be."""


class FateUnknown(MigrationFailed):
    """The commit was not answered, and the target can't be asked what became of it."""


class Stopped(Exception):
    """It was stopped, and nothing was committed."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt has brought."""

    read: int
    written: int
    refused: int
    until: str | None = None
    """The new high-water mark."""


class Stop:
    """A request to stop, from any thread."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._ends: list[Callable[[], None]] = []
        self.committed = False

    def reaches(self, stop: Callable[[], None]) -> None:
        self._ends.append(stop)

    def check(self) -> None:
        if self._requested.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        if self._requested.wait(seconds):
            raise Stopped

    def request(self) -> None:
        """Call again until the migration has ended; not once the commit is under way."""
        self._requested.set()
        if self.committed:
            return
        for stop in self._ends:
            try:
                stop()
            except Exception:  # noqa: S112  # it may have ended by itself, or be gone
                continue


class Reader(Protocol):
    def open(self) -> None:
        """Find out what there is; may take long. `stop` reaches it."""
        ...

    @property
    def columns(self) -> Sequence[Column]: ...

    def limit(self, since: str | None) -> str | None:
        """Of an incremental migration: read only what is behind this mark; where the new one is."""
        ...

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class Writer(Protocol):
    store: Store

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        """These columns come; the target's columns for them, in their order. Makes the table as the plan says."""
        ...

    def begin(self, token: str, task: str) -> Done | str | None:
        """`Done`: this attempt was committed. Else the high-water mark, if the migration is incremental."""
        ...

    def write(self, rows: Sequence[Row]) -> None:
        """All of them or none. Raises `RowsRefused`, `MigrationFailed`."""
        ...

    def commit(self, done: Done) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


def matched(columns: Sequence[Column], there: Sequence[Column], target: str) -> list[Column]:
    """The target's columns by their names."""
    exact = {each.name: each for each in there}
    loose = {each.name.lower(): each for each in there}
    found = [exact.get(each.name) or loose.get(each.name.lower()) for each in columns]
    missing = [column.name for column, match in zip(columns, found, strict=True) if match is None]
    if missing:
        raise MigrationFailed(
            f"{target} has no column {', '.join(missing[:5])}; it has {', '.join(each.name for each in there[:20])}. "
            "Map them in columns (source:target), or leave them out there."
        )
    return [each for each in found if each is not None]
