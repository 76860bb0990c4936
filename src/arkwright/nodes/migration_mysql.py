"""The ends of a migration on MySQL and MariaDB: an unbuffered SELECT out of it, multi-row INSERTs into it.

The writer is one InnoDB transaction in strict mode, with a savepoint around each batch. Definitions commit by
themselves in MySQL, so tables are made before it begins; one that is to be made anew is loaded under another name and
takes the old one's place after the commit, which a repeat does again if it has to.
"""

from __future__ import annotations

# ruff: noqa: S608  # names are quoted, values are parameters or literals made by the driver
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pymysql
from pymysql.constants import ER
from pymysql.converters import escape_string
from pymysql.cursors import Cursor, SSCursor

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
from arkwright.nodes.migration_mysql_values import changed, column_of, literal_of, reading_of
from arkwright.nodes.migration_plan import Making, Mode, Plan
from arkwright.nodes.migration_sql import (
    RECORDED,
    clearing,
    done_of,
    keys_and_rest,
    mark_of,
    may_be_made,
    name_of,
    names_of,
    primary_key,
    select,
    telling,
    type_of,
)
from arkwright.nodes.migration_types import Column, Kind, Store, typed
from arkwright.nodes.sql_mysql import mysql_connection, said_by_mysql
from arkwright.nodes.sql_session import Target

_MODE = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO"
_ROWS_FAULT = frozenset(
    {
        ER.DATA_TOO_LONG,
        ER.WARN_DATA_OUT_OF_RANGE,
        ER.WARN_DATA_TRUNCATED,
        ER.TRUNCATED_WRONG_VALUE,
        ER.TRUNCATED_WRONG_VALUE_FOR_FIELD,
        ER.BAD_NULL_ERROR,
        ER.DUP_ENTRY,
        ER.NO_REFERENCED_ROW,
        ER.NO_REFERENCED_ROW_2,
        ER.NO_DEFAULT_FOR_FIELD,
        ER.DIVISION_BY_ZERO,
        1644,  # what a trigger raises
        3140,  # no JSON
        3819,  # a CHECK of MySQL
        4025,  # a CHECK of MariaDB
    }
)


class _Connected:
    """A connection and the way to stop what it does, from another thread."""

    def __init__(self, target: Target, *, streaming: bool) -> None:
        self.connection = _connect(target, SSCursor if streaming else Cursor)
        self._target = target
        self._number = self.connection.thread_id()

    def stop(self) -> None:
        other = _connect(self._target, Cursor)
        try:
            other.cursor().execute(f"KILL QUERY {self._number}")
        finally:
            other.close()

    def close(self) -> None:
        self.connection._force_close()  # whatever is under way on it; what was not committed is undone


def _connect(target: Target, cursor: type[Cursor]) -> Any:
    first = (
        f"SET time_zone = '+00:00', sql_mode = '{_MODE}',"
        f" innodb_lock_wait_timeout = {LOCK_SECONDS}, lock_wait_timeout = {LOCK_SECONDS}"
    )
    with _telling(f"Can't connect to {target.host}:{target.port}"):
        return mysql_connection(target, cursor, autocommit=True, init_command=first)


class MySqlReader:
    def __init__(self, target: Target, plan: Plan) -> None:
        self._plan = plan
        self._server = _Connected(target, streaming=True)
        self._range = ""
        self._names = [source for source, _ in plan.columns]
        self._columns: list[Column] = []
        self._rows: Any = None

    def open(self) -> None:
        """The server may work out a query for no row of it, too: all of them are asked for at once where possible."""
        query = select(self._plan.source, self._names, _quoted)
        with _telling(f"The source {self._plan.source}"):
            self._run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            if self._plan.incremental:
                self._columns = self._describe(f"{query} LIMIT 0")
                return
            self._rows = self._server.connection.cursor()
            self._rows.execute(query)
            self._columns = [column_of(each) for each in self._rows._result.fields]

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    def _run(self, query: str) -> Sequence[Row]:
        with self._server.connection.cursor() as cursor:
            cursor.execute(query)
            rows: Sequence[Row] = cursor.fetchall()
            return rows

    def _describe(self, query: str) -> list[Column]:
        return _described(self._server.connection, query)

    def limit(self, since: str | None) -> str | None:
        name = _quoted(self._plan.incremental)
        rows = select(self._plan.source, [], _quoted)
        with _telling(f"incrementalColumn {self._plan.incremental}"):
            kind = self._describe(f"SELECT {name} FROM ({rows}) AS s LIMIT 0")[0].kind
            behind = f"{name} > {_literal(since, kind)}" if since is not None else f"{name} IS NOT NULL"
            found = self._run(f"SELECT CAST(max({name}) AS CHAR) FROM ({rows}) AS s WHERE {behind}")
        until = found[0][0]
        if until is None:
            self._range = "false"
            return since
        self._range = f"{behind} AND {name} <= {_literal(until, kind)}"
        return str(until)

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]:
        cursor = self._rows
        with _telling(f"The source {self._plan.source}"):
            if cursor is None:
                names, rows = names_of(self._columns, _quoted), select(self._plan.source, [], _quoted)
                cursor = self._server.connection.cursor()
                cursor.execute(f"SELECT {names} FROM ({rows}) AS s WHERE {self._range}")
            changes = [
                (place, change)
                for place, each in enumerate(cursor._result.fields)
                if (change := reading_of(each)) is not None
            ]
            while batch := cursor.fetchmany(BATCH):
                yield [changed(row, changes) for row in batch] if changes else batch

    def stop(self) -> None:
        self._server.stop()

    def close(self) -> None:
        self._server.close()


class MySqlWriter:
    store = Store.MYSQL

    def __init__(self, target: Target, plan: Plan) -> None:
        self._plan = plan
        place = plan.target
        self._table = name_of(_quoted, place.schema, place.table)
        self._records = name_of(_quoted, place.schema, RECORDS)
        self._recreated = plan.making is Making.RECREATE
        mark = hashlib.sha256(place.table.encode()).hexdigest()[:12]
        self._fresh = name_of(_quoted, place.schema, f"arkwright_new_{mark}")
        self._old = name_of(_quoted, place.schema, f"arkwright_old_{mark}")
        self._loaded = self._fresh if self._recreated else self._table
        self._columns: list[Column] = []
        self._insert = self._change = ""
        self._key = self._task = ""
        self._made = ""
        self._server = _Connected(target, streaming=False)

    def _run(self, query: str, values: Sequence[Any] | None = None) -> Any:
        with self._server.connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def _telling(self, what: str = "") -> AbstractContextManager[None]:
        return _telling(f"The target {self._plan.target}{what}")

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        with self._telling():
            self._run(
                f"CREATE TABLE IF NOT EXISTS {self._records} (`key` varchar(400) CHARACTER SET utf8mb4 COLLATE"
                " utf8mb4_bin PRIMARY KEY, task varchar(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,"
                " read_rows bigint, written_rows bigint, refused_rows bigint, until_mark longtext,"
                " at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)) ENGINE = InnoDB"
            )
            there = None if self._recreated else self._there()
            if there is None:
                may_be_made(self._plan)
                self._make(columns)
                there = typed(columns, self._plan.types)
        self._columns = matched(columns, there, str(self._plan.target))
        self._insert = f"INSERT INTO {self._loaded} ({names_of(self._columns, _quoted)}) VALUES "
        if self._plan.mode is Mode.MERGE:
            _, rest = keys_and_rest(self._columns, self._plan)
            key = _quoted(self._columns[0].name)
            self._change = " ON DUPLICATE KEY UPDATE " + (
                ", ".join(f"{_quoted(each)} = VALUES({_quoted(each)})" for each in rest) or f"{key} = {key}"
            )
        return self._columns

    def _there(self) -> list[Column] | None:
        place = self._plan.target
        found = self._run(
            "SELECT engine FROM information_schema.tables WHERE table_name = %s AND table_schema ="
            + (" %s" if place.schema else " database()"),
            (place.table, place.schema) if place.schema else (place.table,),
        )
        if not found:
            return None
        if str(found[0][0]).lower() != "innodb":
            raise MigrationFailed(
                f"The target {place} is a table of {found[0][0] or 'a view'}, which has no transactions: half a "
                "migration could not be undone. ALTER TABLE … ENGINE = InnoDB."
            )
        if self._plan.mode is Mode.MERGE:
            self._unique()
        return _described(self._server.connection, f"SELECT * FROM {self._table} LIMIT 0")

    def _unique(self) -> None:
        """`ON DUPLICATE KEY` goes by any unique index: only where the keys are one can it mean them."""
        indexes: dict[str, set[str]] = {}
        for row in self._run(f"SHOW INDEX FROM {self._table} WHERE Non_unique = 0"):
            indexes.setdefault(row[2], set()).add(str(row[4]).lower())
        if list(indexes.values()) != [{each.lower() for each in self._plan.keys}]:
            raise MigrationFailed(
                f"mode merge needs one unique index on {', '.join(self._plan.keys)}, and no other, on "
                f"{self._plan.target}; it has {len(indexes)}."
            )

    def _make(self, columns: Sequence[Column]) -> None:
        keys = {each.lower() for each in self._plan.keys}
        parts = [
            f"{_quoted(each.name)} {type_of(each, self._plan, Store.MYSQL, key=each.name.lower() in keys)}"
            + (" NOT NULL" if each.name.lower() in keys else " NULL")
            for each in columns
        ]
        parts += primary_key(columns, self._plan, _quoted)
        made = f"({', '.join(parts)}) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        if self._recreated:
            self._made = made  # `begin` makes it: an earlier life of this attempt may have loaded one
        else:
            self._run(f"CREATE TABLE IF NOT EXISTS {self._table} {made}")

    def begin(self, token: str, task: str) -> Done | str | None:
        self._key, self._task = token, task
        with self._telling():
            if self._recreated:
                found = self._run(self._asked, (token,))
                if found:
                    self._put_in_place()
                    return done_of(found[0])
                self._run(f"DROP TABLE IF EXISTS {self._fresh}")
                self._run(f"CREATE TABLE {self._fresh} {self._made}")
            self._run("START TRANSACTION")
            try:
                # Waits for a session that an earlier life of this attempt has left behind.
                self._run(f"INSERT INTO {self._records} (`key`, task) VALUES (%s, %s)", (token, task))
            except pymysql.IntegrityError:
                self._run("ROLLBACK")
                return done_of(self._run(self._asked, (token,))[0])
            since = self._since(task) if self._plan.incremental else None
            if statement := clearing(self._plan, self._table):
                self._run(statement)
        return since

    @property
    def _asked(self) -> str:
        return f"SELECT {RECORDED} FROM {self._records} WHERE `key` = %s"

    def _since(self, task: str) -> str | None:
        mark = mark_of(task)
        self._run(f"INSERT INTO {self._records} (`key`) VALUES (%s) ON DUPLICATE KEY UPDATE `key` = `key`", (mark,))
        found = self._run(f"SELECT until_mark FROM {self._records} WHERE `key` = %s FOR UPDATE", (mark,))
        return found[0][0] if found else None

    def write(self, rows: Sequence[Row]) -> None:
        with self._telling():
            self._run("SAVEPOINT batch")
            try:
                for statement in self._statements(rows):
                    self._run(statement)
            except (pymysql.DataError, pymysql.IntegrityError, pymysql.OperationalError) as error:
                if error.args and error.args[0] in _ROWS_FAULT:
                    self._run("ROLLBACK TO SAVEPOINT batch")
                    raise RowsRefused(said_by_mysql(error)) from None
                raise
            self._run("RELEASE SAVEPOINT batch")

    def _statements(self, rows: Sequence[Row]) -> Iterator[str]:
        """Each of about a megabyte, which every server takes."""
        parts: list[str] = []
        size = 0
        for row in rows:
            part = f"({','.join(map(literal_of, row))})"
            if parts and size + len(part) > _STATEMENT_CHARACTERS:
                yield f"{self._insert}{','.join(parts)}{self._change}"
                parts, size = [], 0
            parts.append(part)
            size += len(part) + 1
        if parts:
            yield f"{self._insert}{','.join(parts)}{self._change}"

    def commit(self, done: Done) -> None:
        values = (done.read, done.written, done.refused, done.until)
        change = (
            f"UPDATE {self._records} SET read_rows = %s, written_rows = %s, refused_rows = %s, until_mark = %s,"
            " at = CURRENT_TIMESTAMP(6) WHERE `key` = %s"
        )
        with self._telling(" refused the commit"):
            self._run(change, (*values, self._key))
            if self._plan.incremental:
                self._run(change, (*values, mark_of(self._task)))
            self._run(
                f"DELETE FROM {self._records} WHERE task = %s AND at < now() - INTERVAL {KEPT_DAYS} DAY",
                (self._task,),
            )
            self._run("COMMIT")
            if self._recreated:
                self._put_in_place()

    def _put_in_place(self) -> None:
        if self._run(f"SHOW TABLES {self._in_schema} LIKE %s", (self._fresh.rpartition("`.`")[2].strip("`"),)):
            self._run(f"DROP TABLE IF EXISTS {self._old}")
            if self._run(f"SHOW TABLES {self._in_schema} LIKE %s", (_like(self._plan.target.table),)):
                self._run(f"RENAME TABLE {self._table} TO {self._old}, {self._fresh} TO {self._table}")
            else:
                self._run(f"RENAME TABLE {self._fresh} TO {self._table}")
        self._run(f"DROP TABLE IF EXISTS {self._old}")

    @property
    def _in_schema(self) -> str:
        return f"FROM {_quoted(self._plan.target.schema)}" if self._plan.target.schema else ""

    def stop(self) -> None:
        self._server.stop()

    def close(self) -> None:
        self._server.close()


_STATEMENT_CHARACTERS = 250_000
"""At most a megabyte of UTF-8."""


def _telling(what: str) -> AbstractContextManager[None]:
    return telling(what, pymysql.Error, said_by_mysql)


def _described(connection: Any, query: str) -> list[Column]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        fields = cursor._result.fields
        return [column_of(each) for each in fields]


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _like(name: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", name)


def _literal(value: str, kind: Kind) -> str:
    """A number is compared as one only if it is written as one."""
    if kind in (Kind.INTEGER, Kind.DECIMAL) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return value
    return f"'{escape_string(value)}'"
