"""What is done with one SQLite connection: work, migrations, the checkpoint of its log."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from arkwright.errors import AlreadyExists, ArkwrightError, InvalidInput, StoreUnavailable
from arkwright.store import migration
from arkwright.store.migration import Migration
from arkwright.store.work import MANY, ONE, Dialect, Work

T = TypeVar("T")

log = logging.getLogger("arkwright.store")

_CHECKPOINT_PAGES = 4000  # 16 MB of WAL: fewer, larger checkpoints, by the writer thread

DIALECT = Dialect(
    {
        "{now_ms}": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        "{for_update}": "",
        "{for_share}": "",
        "{skip_locked}": "",
        "{in_ids}": "IN (SELECT value FROM json_each(?))",
        "{ranges}": "(SELECT json_extract(value, '$[0]') AS low, json_extract(value, '$[1]') AS high "
        "FROM json_each(?))",
        "{per_range}": "",
        "{/per_range}": "",
        "{contains}": "instr(name_folded, ?) > 0",
    },
    numbered=False,
)
_translate = DIALECT.translate


def drive(connection: sqlite3.Connection, work: Work[T]) -> T:
    """Do the work: run each statement it asks for. A statement's error is raised inside the work first."""
    rows: Any = None
    error: Exception | None = None
    while True:
        try:
            if error is None:
                text, params, mode = work.send(rows)
            else:
                failed, error = error, None
                text, params, mode = work.throw(failed)
        except StopIteration as stop:
            result: T = stop.value
            return result
        text = _translate(text)
        try:
            if mode == ONE:
                rows = connection.execute(text, params).fetchall()
            elif mode == MANY:
                connection.executemany(text, params)
                rows = ()
            else:
                rows = [row for values in params for row in connection.execute(text, values).fetchall()]
        except (sqlite3.Error, OverflowError, ValueError) as caught:
            error = caught


def as_ours(error: BaseException) -> BaseException:
    """A database error as one of ours; bugs stay what they are."""
    if isinstance(error, sqlite3.IntegrityError):
        return AlreadyExists(f"The database refused the row: {error}.")
    if isinstance(error, OverflowError):
        return InvalidInput("A number is too large for the database.")
    if isinstance(error, UnicodeError):
        return InvalidInput(f"The database can't hold a text: {error}.")
    if isinstance(error, sqlite3.Error):
        return StoreUnavailable(f"The database can't be used: {error}.")
    return error


class Wal:
    """How long the write-ahead log is, from the header of its index, whose format is documented
    (https://www.sqlite.org/walformat.html): one read of four bytes."""

    def __init__(self, path: Path) -> None:
        self._index = os.open(f"{path}-shm", os.O_RDONLY | os.O_CLOEXEC)
        self._from = 0

    def due(self) -> bool:
        """A checkpoint is to be made, which is taken as done."""
        frames = int.from_bytes(os.pread(self._index, 4, 16), sys.byteorder)
        if frames < self._from:  # it has begun anew
            self._from = 0
        if frames - self._from < _CHECKPOINT_PAGES:
            return False
        self._from = frames
        return True

    def close(self) -> None:
        os.close(self._index)


def checkpoint(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error as error:  # nothing is lost: it stays in the log, until the next checkpoint
        log.warning("The database's log can't be brought in now: %s", error)


def migrate(connection: sqlite3.Connection, known: Sequence[Migration]) -> None:
    """Bring the schema to this program's version, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL)"
        )
        # One process uses the file, so no older program has to work on this schema: each needs its own level.
        applied = {row[0]: row[0] for row in connection.execute("SELECT version FROM schema_version")}
        for step in migration.outstanding(known, applied):
            for statement in step.statements():
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version VALUES (?, ?)", (step.number, step.name))
        connection.execute(
            "INSERT INTO installation (name, value) VALUES ('id', ?) ON CONFLICT DO NOTHING", (uuid.uuid4().hex,)
        )
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        if isinstance(error, ArkwrightError):
            raise
        raise StoreUnavailable(f"The database's schema can't be brought up to date: {error}.") from error
