"""The ends of a migration on PostgreSQL and what speaks its protocol: COPY out of it, COPY into it.

The reader sees one snapshot. The writer is one transaction, with a savepoint around each batch so that a refused row
costs its batch only. A merge goes through a temporary table, of which the last row of each key counts.
"""

from __future__ import annotations

# ruff: noqa: S608  # names are quoted, values are parameters or literals made by the driver
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

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
    name_of,
    names_of,
    on_conflict,
    primary_key,
    select,
    telling,
    type_of,
)
from arkwright.nodes.migration_types import Column, Kind, Store, typed
from arkwright.nodes.sql_postgres import said_by_postgres
from arkwright.nodes.sql_session import Target

CONNECT_SECONDS = 10
_KINDS = {
    "bool": Kind.BOOLEAN,
    "int2": Kind.INTEGER,
    "int4": Kind.INTEGER,
    "int8": Kind.INTEGER,
    "oid": Kind.INTEGER,
    "numeric": Kind.DECIMAL,
    "float4": Kind.DOUBLE,
    "float8": Kind.DOUBLE,
    "bytea": Kind.BYTES,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.TIMESTAMP,
    "timestamptz": Kind.INSTANT,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
}
_ROWS_FAULT = ("22", "23", "P0")
"""Classes of SQLSTATE that a row's values cause: data, constraints, what triggers raise."""
_STAGE = "arkwright_stage"


def connected(target: Target) -> psycopg.Connection[Any]:
    with _telling(f"Can't connect to {target.host}:{target.port}"):
        connection = psycopg.connect(
            host=target.host,
            hostaddr=target.address,
            port=target.port,
            user=target.user or None,
            password=target.password or None,
            dbname=target.database or "postgres",
            sslmode="require" if target.tls else "prefer",
            connect_timeout=CONNECT_SECONDS,
            application_name=target.name[:63],
            client_encoding="utf8",
            keepalives_idle=30,
            options="-c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=iso_8601 -c bytea_output=hex"
            f" -c extra_float_digits=3 -c lock_timeout={LOCK_SECONDS}s",
            autocommit=True,
        )
    connection.add_notice_handler(lambda _: None)
    return connection


class PostgresReader:
    def __init__(self, target: Target, plan: Plan) -> None:
        self._plan = plan
        self._connection = connected(target)
        self._range = self._select = ""
        self._columns: list[Column] = []

    def open(self) -> None:
        plan = self._plan
        with _telling(f"The source {plan.source}"):
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._select = select(plan.source, [source for source, _ in plan.columns], _quoted)
            self._columns = _columns(self._connection, f"{self._select} LIMIT 0")

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    def limit(self, since: str | None) -> str | None:
        name = _quoted(self._plan.incremental)
        rows = select(self._plan.source, [], _quoted)
        behind = f"{name} > {_literal(since)}" if since is not None else f"{name} IS NOT NULL"
        with _telling(f"incrementalColumn {self._plan.incremental}"):
            found = self._connection.execute(_text(f"SELECT max({name})::text FROM ({rows}) AS s WHERE {behind}"))
            row = found.fetchone()
        until = row[0] if row is not None else None
        self._range = f" AND {behind} AND {name} <= {_literal(until)}" if until is not None else " AND false"
        return until if until is not None else since

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]:
        changed = [(place, each.kind) for place, each in enumerate(self._columns) if each.kind in _READ]
        with (
            _telling(f"The source {self._plan.source}"),
            self._connection.cursor() as cursor,
            cursor.copy(_text(self._query())) as copy,
        ):
            rows = copy.rows()
            while batch := list(islice(rows, BATCH)):
                yield [_read(row, changed) for row in batch] if changed else batch

    def _query(self) -> str:
        if not self._range:
            return f"COPY ({self._select}) TO STDOUT"
        names = names_of(self._columns, _quoted)
        whole = select(self._plan.source, [], _quoted)
        return f"COPY (SELECT {names} FROM ({whole}) AS s WHERE true{self._range}) TO STDOUT"

    def stop(self) -> None:
        self._connection.cancel_safe(timeout=2)

    def close(self) -> None:
        self._connection.close()


class PostgresWriter:
    store = Store.POSTGRES

    def __init__(self, target: Target, plan: Plan) -> None:
        self._plan = plan
        place = plan.target
        self._table = name_of(_quoted, place.schema, place.table)
        self._records = name_of(_quoted, place.schema, RECORDS)
        self._columns: list[Column] = []
        self._into = self._merge = ""
        self._key = self._task = ""
        self._connection = connected(target)

    def _telling(self, what: str = "") -> AbstractContextManager[None]:
        return _telling(f"The target {self._plan.target}{what}")

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        with self._telling():
            self._make_records()
            self._connection.execute("BEGIN")
            there = self._there()
            if there is None or self._plan.making is Making.RECREATE:
                self._make(columns, exists=there is not None)
                there = typed(columns, self._plan.types)
        self._columns = matched(columns, there, str(self._plan.target))
        return self._columns

    def _make_records(self) -> None:
        """Two may do it at the same time: then one of them is told that it exists."""
        try:
            self._connection.execute(
                _text(
                    f"CREATE TABLE IF NOT EXISTS {self._records} (key varchar(400) PRIMARY KEY, task varchar(400),"
                    " read_rows bigint, written_rows bigint, refused_rows bigint, until_mark text,"
                    " at timestamptz NOT NULL DEFAULT now())"
                )
            )
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable):
            return
        except psycopg.errors.InsufficientPrivilege as error:
            raise MigrationFailed(
                f"The target {self._plan.target}: a migration keeps its records in the table {RECORDS} beside its "
                f"target, so that no repeat doubles a row, and may not make it: {said_by_postgres(error)}"
            ) from None

    def _there(self) -> list[Column] | None:
        row = self._connection.execute("SELECT to_regclass(%s)", (self._table,)).fetchone()
        if row is None or row[0] is None:
            return None
        return list(_columns(self._connection, f"SELECT * FROM {self._table} LIMIT 0"))

    def _make(self, columns: Sequence[Column], *, exists: bool) -> None:
        may_be_made(self._plan)
        if exists:
            self._connection.execute(_text(f"DROP TABLE {self._table}"))
        parts = [f"{_quoted(each.name)} {type_of(each, self._plan, Store.POSTGRES)}" for each in columns]
        parts += primary_key(columns, self._plan, _quoted)
        self._connection.execute(_text(f"CREATE TABLE {self._table} ({', '.join(parts)})"))

    def begin(self, token: str, task: str) -> Done | str | None:
        self._key, self._task = token, task
        execute = self._connection.execute
        with self._telling():
            # Waits for a session that an earlier life of this attempt has left behind.
            mine = execute(
                _text(f"INSERT INTO {self._records} (key, task) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING 1"),
                (token, task),
            ).fetchone()
            if mine is None:
                row = execute(_text(f"SELECT {RECORDED} FROM {self._records} WHERE key = %s"), (token,)).fetchone()
                assert row is not None
                return done_of(row)
            since = self._since(task) if self._plan.incremental else None
            if statement := clearing(self._plan, self._table):
                execute(_text(statement))
            self._stage()
        return since

    def _since(self, task: str) -> str | None:
        mark = mark_of(task)
        self._connection.execute(
            _text(f"INSERT INTO {self._records} (key, task) VALUES (%s, NULL) ON CONFLICT DO NOTHING"), (mark,)
        )
        row = self._connection.execute(
            _text(f"SELECT until_mark FROM {self._records} WHERE key = %s FOR UPDATE"), (mark,)
        ).fetchone()
        return row[0] if row is not None else None

    def _stage(self) -> None:
        names = names_of(self._columns, _quoted)
        if self._plan.mode is not Mode.MERGE:
            self._into = f"COPY {self._table} ({names}) FROM STDIN"
            return
        self._connection.execute(
            _text(
                f"CREATE TEMP TABLE {_STAGE} ON COMMIT DROP AS SELECT {names}, 0::bigint AS arkwright_order"
                f" FROM {self._table} WHERE false"
            )
        )
        self._connection.execute(
            _text(
                f"CREATE TEMP SEQUENCE {_STAGE}_order; ALTER TABLE {_STAGE} ALTER arkwright_order"
                f" SET DEFAULT nextval('{_STAGE}_order')"
            )
        )
        keys, rest = keys_and_rest(self._columns, self._plan)
        first = ", ".join(map(_quoted, keys))
        self._into = f"COPY {_STAGE} ({names}) FROM STDIN"
        self._merge = (
            f"INSERT INTO {self._table} ({names}) SELECT DISTINCT ON ({first}) {names} FROM {_STAGE}"
            f" ORDER BY {first}, arkwright_order DESC{on_conflict(keys, rest, _quoted)}"
        )

    def write(self, rows: Sequence[Row]) -> None:
        execute = self._connection.execute
        with self._telling():
            execute("SAVEPOINT batch")
            try:
                with self._connection.cursor() as cursor, cursor.copy(_text(self._into)) as copy:
                    for row in rows:
                        copy.write_row(row)
                if self._merge:
                    execute(_text(self._merge))
                    execute(f"TRUNCATE {_STAGE}")
            except psycopg.Error as error:
                if isinstance(error, psycopg.DataError) or (error.sqlstate or "").startswith(_ROWS_FAULT):
                    execute("ROLLBACK TO batch")
                    raise RowsRefused(said_by_postgres(error)) from None
                raise
            execute("RELEASE batch")

    def commit(self, done: Done) -> None:
        values = (done.read, done.written, done.refused, done.until)
        change = "SET read_rows = %s, written_rows = %s, refused_rows = %s, until_mark = %s, at = now() WHERE key = %s"
        with self._telling(" refused the commit"):
            self._connection.execute(_text(f"UPDATE {self._records} {change}"), (*values, self._key))
            if self._plan.incremental:
                self._connection.execute(_text(f"UPDATE {self._records} {change}"), (*values, mark_of(self._task)))
            self._connection.execute(
                _text(f"DELETE FROM {self._records} WHERE task = %s AND at < now() - interval '{KEPT_DAYS} days'"),
                (self._task,),
            )
            self._connection.execute("COMMIT")

    def stop(self) -> None:
        self._connection.cancel_safe(timeout=2)

    def close(self) -> None:
        self._connection.close()  # what was not committed is undone


_READ: dict[Kind, Callable[[str], Any]] = {
    Kind.BOOLEAN: lambda value: value == "t",
    Kind.BYTES: lambda value: bytes.fromhex(value[2:]),
}


def _read(row: Row, changed: Sequence[tuple[int, Kind]]) -> list[Any]:
    values = list(row)
    for place, kind in changed:
        if values[place] is not None:
            values[place] = _READ[kind](values[place])
    return values


def _columns(connection: psycopg.Connection[Any], query: str) -> list[Column]:
    found = []
    for each in connection.execute(_text(query)).description or ():
        info = connection.adapters.types.get(each.type_code)
        name = info.name if info is not None else ""
        kind = _KINDS.get(name, Kind.TEXT)
        found.append(
            Column(
                name=each.name,
                kind=kind,
                precision=each.precision if kind is Kind.DECIMAL else None,
                scale=each.scale if kind is Kind.DECIMAL else None,
                length=each.display_size if name in ("varchar", "bpchar") else None,
            )
        )
    return found


def _telling(what: str) -> AbstractContextManager[None]:
    return telling(what, psycopg.Error, said_by_postgres)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    text: str = sql.Literal(value).as_string()
    return text


def _text(query: str) -> bytes:
    return query.encode()
