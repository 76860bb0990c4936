"""The ends of a migration in a SQLite file of the workspace. The writer is one transaction; values are stored as what
their column says, which SQLite itself would not insist on."""

from __future__ import annotations

# ruff: noqa: S608  # names are quoted, values are parameters or literals made by the driver
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from arkwright.nodes.migration_ends import (
    BATCH,
    KEPT_DAYS,
    LOCK_SECONDS,
    RECORDS,
    Done,
    MigrationFailed,
    Refuse,
    Row,
    RowsRefused,
    matched,
)
from arkwright.nodes.migration_plan import Making, Mode, Plan
from arkwright.nodes.migration_sql import (
    RECORDED,
    clearing,
    done_of,
    keys_and_rest,
    mark_of,
    may_be_made,
    names_of,
    on_conflict,
    primary_key,
    select,
    telling,
)
from arkwright.nodes.migration_types import Column, Kind, Store, made_type, named, typed


class SqliteReader:
    def __init__(self, path: Path, plan: Plan) -> None:
        self._plan = plan
        self._range = ""
        if not path.is_file():
            raise MigrationFailed(f"There is no SQLite file {plan.source.path} in the workspace.")
        self._database = _open(path, "ro")
        self._names = [source for source, _ in plan.columns]
        self._columns: list[Column] = []

    def open(self) -> None:
        with _telling(f"The source {self._plan.source}"):
            self._database.execute("BEGIN")
            self._columns = self._describe()

    def _describe(self) -> list[Column]:
        """A result has no types in SQLite: those of the table's columns, by name; else texts."""
        found = self._database.execute(f"{select(self._plan.source, self._names, _quoted)} LIMIT 0")
        declared = {each.name: each for each in _declared(self._database, self._plan.source.table)}
        return [declared.get(each[0], Column(name=each[0])) for each in found.description]

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    def limit(self, since: str | None) -> str | None:
        name, rows = _quoted(self._plan.incremental), select(self._plan.source, [], _quoted)
        numeric = "typeof(x) IN ('integer', 'real')"
        behind = f"{name} > {_mark(since)}" if since is not None else f"{name} IS NOT NULL"
        with _telling(f"incrementalColumn {self._plan.incremental}"):
            found = self._database.execute(
                f"SELECT x, {numeric} FROM (SELECT max({name}) AS x FROM ({rows}) WHERE {behind})"
            ).fetchone()
        if found[0] is None:
            self._range = "0"
            return since
        until = str(found[0])
        self._range = f"{behind} AND {name} <= {_mark(until)}"
        return until

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]:
        query = select(self._plan.source, self._names, _quoted)
        if self._range:
            whole = select(self._plan.source, [], _quoted)
            query = f"SELECT {names_of(self._columns, _quoted)} FROM ({whole}) WHERE {self._range}"
        kinds = [each.kind for each in self._columns]
        with _telling(f"The source {self._plan.source}"):
            cursor = self._database.execute(query)
            while rows := cursor.fetchmany(BATCH):
                yield [[_canonical(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in rows]

    def stop(self) -> None:
        self._database.interrupt()

    def close(self) -> None:
        self._database.close()


class SqliteWriter:
    store = Store.SQLITE

    def __init__(self, path: Path, plan: Plan) -> None:
        self._plan = plan
        self._table = _quoted(plan.target.table)
        self._insert = ""
        self._key = self._task = ""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = _open(path, "rwc")

    def _telling(self, what: str = "") -> AbstractContextManager[None]:
        return _telling(f"The target {self._plan.target}{what}")

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        execute = self._database.execute
        with self._telling():
            execute("BEGIN IMMEDIATE")
            execute(
                f"CREATE TABLE IF NOT EXISTS {RECORDS} (key TEXT PRIMARY KEY, task TEXT, read_rows INTEGER,"
                " written_rows INTEGER, refused_rows INTEGER, until_mark TEXT,"
                " at TEXT NOT NULL DEFAULT (datetime('now')))"
            )
            there = list(_declared(self._database, self._plan.target.table))
            if not there or self._plan.making is Making.RECREATE:
                may_be_made(self._plan)
                execute(f"DROP TABLE IF EXISTS {self._table}")
                self._make(columns)
                there = typed(columns, self._plan.types)
        found = matched(columns, there, str(self._plan.target))
        holes = ", ".join("?" for _ in found)
        self._insert = f"INSERT INTO {self._table} ({names_of(found, _quoted)}) VALUES ({holes})"
        if self._plan.mode is Mode.MERGE:
            self._insert += on_conflict(*keys_and_rest(found, self._plan), _quoted)
        return found

    def _make(self, columns: Sequence[Column]) -> None:
        made = typed(columns, self._plan.types)
        parts = [f"{_quoted(each.name)} {made_type(each, Store.SQLITE)}" for each in made]
        parts += primary_key(columns, self._plan, _quoted)
        self._database.execute(f"CREATE TABLE {self._table} ({', '.join(parts)})")

    def begin(self, token: str, task: str) -> Done | str | None:
        self._key, self._task = token, task
        execute = self._database.execute
        with self._telling():
            row = execute(f"SELECT {RECORDED} FROM {RECORDS} WHERE key = ?", (token,)).fetchone()
            if row is not None:
                return done_of(row)
            since = None
            if self._plan.incremental:
                found = execute(f"SELECT until_mark FROM {RECORDS} WHERE key = ?", (mark_of(task),)).fetchone()
                since = found[0] if found is not None else None
            if statement := clearing(self._plan, self._table):
                execute(statement)
        return since

    def write(self, rows: Sequence[Row]) -> None:
        execute = self._database.execute
        with self._telling():
            execute("SAVEPOINT batch")
            try:
                self._database.executemany(self._insert, rows)
            except (sqlite3.IntegrityError, sqlite3.DataError) as error:
                execute("ROLLBACK TO batch")
                raise RowsRefused(str(error)) from None
            execute("RELEASE batch")

    def commit(self, done: Done) -> None:
        put = f"INSERT OR REPLACE INTO {RECORDS} VALUES (?, ?, ?, ?, ?, ?, datetime('now'))"
        values = (done.read, done.written, done.refused, done.until)
        with self._telling(" refused the commit"):
            self._database.execute(put, (self._key, self._task, *values))
            if self._plan.incremental:
                self._database.execute(put, (mark_of(self._task), None, *values))
            self._database.execute(
                f"DELETE FROM {RECORDS} WHERE task = ? AND at < datetime('now', '-{KEPT_DAYS} days')", (self._task,)
            )
            self._database.execute("COMMIT")

    def stop(self) -> None:
        self._database.interrupt()

    def close(self) -> None:
        self._database.close()  # what was not committed is undone


def _open(path: Path, mode: str) -> sqlite3.Connection:
    from urllib.parse import quote

    address = f"file:{quote(str(path))}?mode={mode}"
    with _telling(f"The SQLite file {path.name} can't be opened"):
        database = sqlite3.connect(
            address, uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        database.execute("PRAGMA synchronous = FULL")
    return database


def _telling(what: str) -> AbstractContextManager[None]:
    return telling(what, sqlite3.Error, str)


def _declared(database: sqlite3.Connection, table: str) -> Iterator[Column]:
    if table:
        for row in database.execute(f"PRAGMA table_info({_quoted(table)})"):
            yield named(row[1], row[2] or "")


def _canonical(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value if kind is Kind.BYTES else f"\\x{value.hex()}"
    if kind is Kind.BOOLEAN:
        return bool(value) if isinstance(value, int) else str(value).strip().lower() in ("true", "t", "yes", "1")
    text = repr(value) if isinstance(value, float) else str(value)
    return text.encode() if kind is Kind.BYTES else text


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _mark(value: str) -> str:
    try:
        float(value)
    except ValueError:
        return "'" + value.replace("'", "''") + "'"
    return value if value.lstrip("-").replace(".", "", 1).isdigit() else f"'{value}'"
