"""The ends of a migration in DuckDB: the workspace's own database (connection `local`), or a file of its own.

Theory: DuckDB has no savepoints, and one failing statement ends its transaction. So rows go into a temporary table with
the target's own constraints first, each batch by itself; a row that is at fault is refused there. The commit is one
short transaction that makes the table, empties it, takes all rows over and writes the record. The temporary table
belongs to the connection and is gone with it.

The workspace's database belongs to one process, and in it to threads that the kernel confines (`duckdb_warehouse`): so
a migration that has it as an end runs in that process, and every call goes through those threads.
"""

from __future__ import annotations

# ruff: noqa: S608  # names are quoted, values are parameters or literals made by the driver
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import duckdb

from arkwright.nodes.duckdb_warehouse import Warehouse
from arkwright.nodes.migration_ends import (
    BATCH,
    KEPT_DAYS,
    LOCK_SECONDS,
    RECORDS,
    Done,
    Refuse,
    Row,
    RowsRefused,
    matched,
)
from arkwright.nodes.migration_plan import Making, Mode, Place, Plan
from arkwright.nodes.migration_sql import (
    RECORDED,
    clearing,
    done_of,
    keys_and_rest,
    mark_of,
    may_be_made,
    name_of,
    names_of,
    on_conflict,
    primary_key,
    select,
    telling,
    type_of,
)
from arkwright.nodes.migration_types import Column, Kind, Store, named

MEMORY = "256MB"
CONFLICT_TRIES = 10
_ORDER = "arkwright_order"
_ROWS_FAULT = (
    duckdb.ConstraintException,
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.TypeMismatchException,
)
_COPIED_CONSTRAINTS = ("NOT NULL", "CHECK", "PRIMARY KEY", "UNIQUE")

T = TypeVar("T")


class Database(Protocol):
    def connect(self) -> duckdb.DuckDBPyConnection: ...

    def call(self, work: Callable[[], T]) -> T:
        """In a thread that may touch the database."""
        ...


class OwnFile:
    """A DuckDB file that nobody else has open; who has it is waited for."""

    def __init__(self, path: Path, folder: Path, wait: Callable[[float], None]) -> None:
        self._path = path
        self._folder = folder
        self._wait = wait

    def connect(self) -> duckdb.DuckDBPyConnection:
        end = time.monotonic() + LOCK_SECONDS
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            try:
                return self._open()
            except duckdb.IOException as error:
                if "lock" not in str(error).lower() or time.monotonic() > end:
                    raise
                self._wait(0.2)  # DuckDB tells nobody when a file comes free

    def _open(self) -> duckdb.DuckDBPyConnection:
        database = duckdb.connect(
            str(self._path),
            config={
                "memory_limit": MEMORY,
                "threads": 2,
                "temp_directory": str(self._folder / "duckdb"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        database.execute("SET enable_external_access = false; SET lock_configuration = true")
        return database

    def call(self, work: Callable[[], T]) -> T:
        return work()


class OfWorkspace:
    """The workspace's own database."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def connect(self) -> duckdb.DuckDBPyConnection:
        return self._warehouse.connect()

    def call(self, work: Callable[[], T]) -> T:
        return self._warehouse.pool.submit(work).result()


class _End:
    """A connection, and a way to stop what it does."""

    def __init__(self, database: Database, place: Place, side: str) -> None:
        self._database = database
        self._side = f"The {side} {place}"
        with self._telling():
            self._connection = database.call(database.connect)

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._database.call(lambda: self._connection.execute(query, list(values)).fetchall())

    def _described(self, query: str) -> list[Column]:
        return [named(row[0], row[1]) for row in self._ask(f"DESCRIBE {query}")]

    def _telling(self, what: str = "") -> AbstractContextManager[None]:
        return telling(self._side + what, duckdb.Error, _said)

    def stop(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._database.call(self._connection.close)  # what was not committed is undone


class DuckReader(_End):
    def __init__(self, database: Database, plan: Plan) -> None:
        super().__init__(database, plan.source, "source")
        self._plan = plan
        self._columns: list[Column] = []
        self._where = ""

    def open(self) -> None:
        names = [source for source, _ in self._plan.columns]
        with self._telling():
            self._ask("BEGIN TRANSACTION READ ONLY")
            self._columns = self._described(select(self._plan.source, names, _quoted))

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    def limit(self, since: str | None) -> str | None:
        name, rows = _quoted(self._plan.incremental), select(self._plan.source, [], _quoted)
        with self._telling(f", incrementalColumn {self._plan.incremental}"):
            kind = self._ask(f"DESCRIBE SELECT {name} FROM ({rows})")[0][1]
            behind = f"{name} > {_literal(since)}::{kind}" if since is not None else f"{name} IS NOT NULL"
            (found,) = self._ask(f"SELECT max({name})::VARCHAR FROM ({rows}) WHERE {behind}")[0]
        self._where = (
            f" WHERE {behind} AND {name} <= {_literal(found)}::{kind}" if found is not None else " WHERE false"
        )
        return since if found is None else str(found)

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]:
        values = ", ".join(_read(each) for each in self._columns)
        query = f"SELECT {values} FROM ({select(self._plan.source, [], _quoted)}){self._where}"
        connection = self._connection
        with self._telling():
            self._database.call(lambda: connection.execute(query))
            while rows := self._database.call(lambda: connection.fetchmany(BATCH)):
                yield rows


class DuckWriter(_End):
    store = Store.DUCKDB

    def __init__(self, database: Database, plan: Plan) -> None:
        super().__init__(database, plan.target, "target")
        self._plan = plan
        schema = plan.target.schema or "main"
        self._schema = schema
        self._table = name_of(_quoted, schema, plan.target.table)
        self._records = name_of(_quoted, schema, RECORDS)
        self._stage = f"temp.main.stage_{secrets.token_hex(8)}"
        self._making: list[str] = []
        self._columns: list[Column] = []
        self._insert = self._doubled = self._token = self._task = ""
        self._since: str | None = None
        self._rows = 0

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        with self._telling():
            self._ask(
                f"CREATE TABLE IF NOT EXISTS {self._records} (key VARCHAR PRIMARY KEY, task VARCHAR, read_rows BIGINT,"
                " written_rows BIGINT, refused_rows BIGINT, until_mark VARCHAR, committed TIMESTAMP)"
            )
            there = self._there()
            constraints = self._constraints() if there else []
            if not there or self._plan.making is Making.RECREATE:
                may_be_made(self._plan)
                there = [(each.name, type_of(each, self._plan, Store.DUCKDB)) for each in columns]
                constraints = [("PRIMARY KEY", text) for text in primary_key(columns, self._plan, _quoted)]
                parts = [*(f"{_quoted(name)} {kind}" for name, kind in there), *(text for _, text in constraints)]
                self._making = [
                    f"DROP TABLE IF EXISTS {self._table}",
                    f"CREATE TABLE {self._table} ({', '.join(parts)})",
                ]
            self._columns = matched(columns, [named(*each) for each in there], str(self._plan.target))
            self._make_stage(dict(there), constraints)
        return self._columns

    def _there(self) -> list[tuple[str, str]]:
        found = self._ask(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database()"
            " AND schema_name = ? AND lower(table_name) = lower(?) ORDER BY column_index",
            (self._schema, self._plan.target.table),
        )
        return [(str(name), str(kind)) for name, kind in found]

    def _constraints(self) -> list[tuple[str, str]]:
        """Kind and text of each that rows can offend by themselves."""
        found = self._ask(
            "SELECT constraint_type, constraint_text, constraint_column_names FROM duckdb_constraints()"
            " WHERE database_name = current_database() AND schema_name = ? AND lower(table_name) = lower(?)",
            (self._schema, self._plan.target.table),
        )
        return [
            (kind, f"CHECK ({_quoted(names[0])} IS NOT NULL)" if kind == "NOT NULL" else text)
            for kind, text, names in found
            if kind in _COPIED_CONSTRAINTS
        ]

    def _make_stage(self, kinds: dict[str, str], constraints: Sequence[tuple[str, str]]) -> None:
        """With all columns of the target: a constraint may speak of one that does not come."""
        unique = [text for kind, text in constraints if kind in ("PRIMARY KEY", "UNIQUE")]
        merge = self._plan.mode is Mode.MERGE
        kept = [text for _, text in constraints if not merge or text not in unique]
        parts = [*(f"{_quoted(name)} {kind}" for name, kind in kinds.items()), f"{_ORDER} BIGINT", *kept]
        self._ask(f"CREATE TEMP TABLE {self._stage.rpartition('.')[2]} ({', '.join(parts)})")
        names = names_of(self._columns, _quoted)
        holes = ", ".join(f"unnest(?::{_parameter(each.kind)}[])" for each in self._columns)
        self._insert = (
            f"INSERT INTO {self._stage} ({names}, {_ORDER}) SELECT *, ? + row_number() OVER () FROM (SELECT {holes})"
        )
        if unique and not merge and not self._making and not self._plan.cleared and self._plan.mode is Mode.APPEND:
            same = " OR ".join(_same_key(text) for text in unique)
            self._doubled = f"SELECT 1 FROM {self._stage} AS s JOIN {self._table} AS t ON {same} WHERE s.{_ORDER} > ?"

    def begin(self, token: str, task: str) -> Done | str | None:
        self._token, self._task = token, task
        asked = f"SELECT {RECORDED} FROM {self._records} WHERE key = ?"
        with self._telling():
            found = self._ask(asked, (token,))
            if found:
                return done_of(found[0])
            mark = self._ask(asked, (mark_of(task),)) if self._plan.incremental else []
        self._since = mark[0][3] if mark else None
        return self._since

    def write(self, rows: Sequence[Row]) -> None:
        before = self._rows
        values: list[Any] = [before, *map(list, zip(*rows, strict=True))]
        with self._telling():
            try:
                self._ask(self._insert, values)
            except _ROWS_FAULT as error:
                raise RowsRefused(_said(error)) from None
            if self._doubled and self._ask(f"{self._doubled} LIMIT 1", (before,)):
                self._ask(f"DELETE FROM {self._stage} WHERE {_ORDER} > ?", (before,))
                raise RowsRefused("a row of the same key is there already")
        self._rows += len(rows)

    def commit(self, done: Done) -> None:
        with self._telling(" refused the commit"):
            for tries in range(1, CONFLICT_TRIES + 1):
                try:
                    self._database.call(lambda: self._take_over(done))
                    return
                except duckdb.TransactionException as error:
                    if "conflict" not in str(error).lower() or tries == CONFLICT_TRIES:
                        raise
                time.sleep(0.02 * tries)

    def _take_over(self, done: Done) -> None:
        execute = self._connection.execute
        execute("BEGIN")
        try:
            for statement in self._making:
                execute(statement)
            if not self._making and (clears := clearing(self._plan, self._table)):
                execute(clears)
            execute(self._taking)
            values = [done.read, done.written, done.refused, done.until]
            execute(f"INSERT INTO {self._records} VALUES (?, ?, ?, ?, ?, ?, now()::TIMESTAMP)",
                    [self._token, self._task, *values])  # fmt: skip
            if self._plan.incremental:
                self._move_mark(values)
            old = f"committed < now()::TIMESTAMP - INTERVAL {KEPT_DAYS} DAY"
            execute(f"DELETE FROM {self._records} WHERE task = ? AND {old}", [self._task])
            execute("COMMIT")
        except BaseException:
            try:
                execute("ROLLBACK")
            except duckdb.Error:  # there is no transaction any more
                pass
            raise

    def _move_mark(self, values: Sequence[Any]) -> None:
        """Only if it is where it was: another run of the task may have moved it meanwhile, with the same rows."""
        execute, mark = self._connection.execute, mark_of(self._task)
        found = execute(f"SELECT until_mark FROM {self._records} WHERE key = ?", [mark]).fetchone()
        if (found[0] if found else None) != self._since:
            raise duckdb.TransactionException("Another run of this task has committed the same rows meanwhile.")
        execute(
            f"INSERT OR REPLACE INTO {self._records} VALUES (?, NULL, ?, ?, ?, ?, now()::TIMESTAMP)", [mark, *values]
        )

    @property
    def _taking(self) -> str:
        names = names_of(self._columns, _quoted)
        if self._plan.mode is not Mode.MERGE:
            return f"INSERT INTO {self._table} ({names}) SELECT {names} FROM {self._stage} ORDER BY {_ORDER}"
        keys, rest = keys_and_rest(self._columns, self._plan)
        last = f"row_number() OVER (PARTITION BY {', '.join(map(_quoted, keys))} ORDER BY {_ORDER} DESC) = 1"
        rows = f"SELECT {names} FROM {self._stage} QUALIFY {last} ORDER BY {_ORDER}"
        return f"INSERT INTO {self._table} ({names}) {rows}{on_conflict(keys, rest, _quoted)}"


def _read(column: Column) -> str:
    name = _quoted(column.name)
    if column.kind in (Kind.BOOLEAN, Kind.BYTES):
        return name
    if column.kind is Kind.INSTANT:
        return f"({name} AT TIME ZONE 'UTC')::VARCHAR || '+00'"
    return f"{name}::VARCHAR"


def _parameter(kind: Kind) -> str:
    return {Kind.BOOLEAN: "BOOLEAN", Kind.BYTES: "BLOB"}.get(kind, "VARCHAR")


def _same_key(constraint: str) -> str:
    """`PRIMARY KEY(a, b)` as a condition on two rows."""
    inside = constraint.partition("(")[2].rpartition(")")[0]
    return "(" + " AND ".join(f"s.{name.strip()} = t.{name.strip()}" for name in inside.split(",")) + ")"


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:500]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
