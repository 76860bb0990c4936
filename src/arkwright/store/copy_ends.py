# ruff: noqa: S608 -- names of tables and columns come from the schema itself
"""The two ends of a copy between databases: rows out of one, rows into another, in batches of constant size.

Rules: an end reads one moment (a snapshot), whatever goes on beside it, and writes all or nothing. Values cross as
plain Python ones (whole numbers, texts, bytes, None), which both databases hold alike. What belongs to living
processes (`LIVING`) stays where it is, and so does history of instances that are gone, which waits to be dropped with
its month (`partitions`).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from arkwright.errors import InvalidInput, StoreUnavailable
from arkwright.store import migration
from arkwright.store.installation import MOVED_TO
from arkwright.store.sqlite_work import drive
from arkwright.store.sqlite_work import migrate as migrate_sqlite
from arkwright.store.work import Work

T = TypeVar("T")

BATCH = 2000
LIVING = frozenset({"schema_version", "lease", "server", "worker"})
"""Who is there at this moment, and what the schema is: the target has its own."""
REPLACED = frozenset({"installation", "id_block"})
"""A new database has rows of these already, which the copied ones replace."""
Row = tuple[Any, ...]


def source(table: str) -> str:
    """What is read of a table."""
    return f"{table} WHERE instance_id IN (SELECT id FROM instance)" if table == "event" else table


class End(Protocol):
    """One database. Await `open` first, `close` at last."""

    name: str
    """For people; without a password."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def schema_level(self) -> int:
        """0: an empty database."""
        ...

    async def tables(self) -> Mapping[str, Sequence[str]]:
        """Columns in the order of their names, by table, without `LIVING`."""
        ...

    async def count(self, table: str) -> int: ...

    def rows(self, table: str, columns: Sequence[str]) -> AsyncGenerator[list[Row], None]: ...

    async def value(self, name: str) -> str | None:
        """One of the installation's own values."""
        ...

    async def running(self) -> str | None:
        """What uses it at this moment, in words. None: nothing."""
        ...

    async def do(self, work: Work[T]) -> T:
        """Other reading (`store/work.py`), of the same moment."""
        ...

    async def begin(self, spans: Mapping[str, tuple[int, int]]) -> None:
        """Make the schema and begin writing. `spans`: from when to when the rows of a table that is kept in parts by
        time are, in milliseconds."""
        ...

    async def write(self, table: str, columns: Sequence[str], batches: AsyncIterable[list[Row]]) -> None: ...

    async def finish(self) -> None:
        """From now on it is there."""
        ...


# ---------------------------------------------------------------- SQLite


class SqliteEnd:
    """A database file. As a target it is made beside its place and put there by `finish`."""

    def __init__(self, path: Path, *, target: bool = False) -> None:
        self.name = str(path)
        self._path = path
        self._target = target
        self._draft = path.with_name(f".{path.name}.unfinished")
        self._connection: sqlite3.Connection | None = None

    @property
    def _open(self) -> sqlite3.Connection:
        assert self._connection is not None
        return self._connection

    async def open(self) -> None:
        try:
            if self._target:
                return
            if not self._path.is_file():
                raise StoreUnavailable(
                    f"There is no database {self._path}.", hint="Name the data folder of a server, or a database's URL."
                )
            self._connection = sqlite3.connect(
                f"file:{self._path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT count(*) FROM sqlite_master")  # the moment that is read
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The database {self._path} can't be read: {error}.") from error

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._target:
            self._remove_draft()

    def _remove_draft(self) -> None:
        for ending in ("", "-journal", "-wal", "-shm"):
            Path(f"{self._draft}{ending}").unlink(missing_ok=True)

    async def schema_level(self) -> int:
        if self._connection is None:
            return 0
        return sqlite_level(self._connection)

    async def tables(self) -> Mapping[str, Sequence[str]]:
        found = {}
        names = [
            row[0]
            for row in self._open.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            )
        ]
        for name in sorted(set(names) - LIVING):
            found[name] = sorted(row[1] for row in self._open.execute(f"PRAGMA table_info({name})"))
        return found

    async def count(self, table: str) -> int:
        found: int = (await self._do(lambda: self._open.execute(f"SELECT count(*) FROM {source(table)}").fetchone()))[0]
        return found

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncGenerator[list[Row], None]:
        cursor = await self._do(lambda: self._open.execute(f"SELECT {', '.join(columns)} FROM {source(table)}"))
        while batch := await self._do(lambda: cursor.fetchmany(BATCH)):
            yield batch

    async def value(self, name: str) -> str | None:
        rows = self._open.execute("SELECT value FROM installation WHERE name = ?", (name,)).fetchall()
        return rows[0][0] if rows else None

    async def running(self) -> str | None:
        return None  # the data folder's lock tells

    async def do(self, work: Work[T]) -> T:
        found: T = await self._do(lambda: drive(self._open, work))
        return found

    async def begin(self, spans: Mapping[str, tuple[int, int]]) -> None:
        try:
            self._draft.unlink(missing_ok=True)
            self._draft.touch(0o600)
            self._connection = sqlite3.connect(self._draft, isolation_level=None, check_same_thread=False)
            for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = OFF", "synchronous = OFF"):
                self._connection.execute(f"PRAGMA {pragma}")
            migrate_sqlite(self._connection, migration.migrations("sqlite"))
            self._connection.execute("BEGIN")
            for table in (*REPLACED, *LIVING - {"schema_version"}):
                self._connection.execute(f"DELETE FROM {table}")
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"The database {self._draft} can't be made: {error}.") from error

    async def write(self, table: str, columns: Sequence[str], batches: AsyncIterable[list[Row]]) -> None:
        text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        async for batch in batches:
            await self._do(lambda batch=batch: self._open.executemany(text, batch))

    async def finish(self) -> None:
        def put() -> None:
            self._open.execute("COMMIT")
            self._open.execute("PRAGMA synchronous = FULL")
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.close()
            self._connection = None
            sync(self._draft)
            self._draft.rename(self._path)
            sync(self._path.parent)

        await self._do(put)

    async def _do(self, work: Any) -> Any:
        try:
            return await asyncio.to_thread(work)
        except (sqlite3.Error, OverflowError, UnicodeError, OSError) as error:
            raise StoreUnavailable(f"The database {self.name} failed: {error}.") from error


def sqlite_level(connection: sqlite3.Connection) -> int:
    """Number of the newest migration; 0: an empty database."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").fetchall():
        return 0
    level: int = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0]
    return level


def sync(path: Path) -> None:
    import os

    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- what happens to rows on their way


def moved(table: str, columns: Sequence[str], lease_until_ms: int) -> Any:
    """How a row of the table changes: a function, or None. Engines count as gone from `lease_until_ms` on, so that
    their instances find another one if they don't come back; one that is embedded would else never be gone."""
    if table == "engine":
        position = list(columns).index("lease_until_ms")
        return lambda row: (*row[:position], lease_until_ms, *row[position + 1 :])
    return None


def skipped(table: str, columns: Sequence[str]) -> Any:
    """Which rows of a table stay: a function, or None."""
    if table == "installation":
        position = list(columns).index("name")
        return lambda row: row[position] == MOVED_TO
    return None


def now_ms() -> int:
    return int(time.time() * 1000)


def refused(name: str, table: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"A row of the table {table} can't be held by {name}: {error}",
        hint="Nothing was copied. `arkwright db check` may say more about the source.",
    )
