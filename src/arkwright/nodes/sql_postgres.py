"""PostgreSQL and what speaks its protocol (DWS, GaussDB, RDS for PostgreSQL), by psycopg.

Rows are streamed one by one and taken as the server's own text. A commit's fate is asked by the transaction's id, which
PostgreSQL knows from version 13 on; older ones and DWS can't tell, so there it is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from arkwright.nodes.sql_session import Fate, Session, Sink, SqlFailed, Target, first_words

if TYPE_CHECKING:
    from psycopg import AsyncConnection

CONNECT_SECONDS = 10
FATE_TRIES = 60
_FATE_PAUSE = 0.5
_TELLS_FATE = 130000
UNKNOWABLE = "unknowable"
"""The mark of a transaction on a server that can't be asked about it."""

_ALONE = frozenset({"vacuum", "begin", "start", "commit", "end", "rollback", "abort", "prepare", "checkpoint"})
_ALONE_PAIRS = frozenset(
    {
        ("create", "database"),
        ("drop", "database"),
        ("create", "tablespace"),
        ("drop", "tablespace"),
        ("alter", "system"),
        ("create", "subscription"),
        ("drop", "subscription"),
    }
)
"""What can't be part of a transaction, or ends one."""


class Postgres:
    title = "PostgreSQL"
    dialect = "postgres"
    default_port = 5432
    transactions = True

    @asynccontextmanager
    async def session(self, target: Target, *, transaction: bool) -> AsyncIterator[Session]:
        import psycopg

        try:
            connection = await psycopg.AsyncConnection.connect(
                host=target.host,
                hostaddr=target.address,
                port=target.port,
                user=target.user or None,
                password=target.password or None,
                dbname=target.database or "postgres",
                sslmode="require" if target.tls else "prefer",
                connect_timeout=CONNECT_SECONDS,
                application_name=target.name[:63],
                keepalives_idle=30,
                autocommit=not transaction,
            )
        except psycopg.Error as error:
            raise SqlFailed(f"Can't connect to {target.host}:{target.port}: {said_by_postgres(error)}") from None
        try:
            _take_texts(connection)
            connection.add_notice_handler(lambda _: None)
            yield _PostgresSession(connection)
        finally:
            await connection.close()  # what was not committed is undone

    def undoable(self, statement: str) -> bool:
        words = first_words(statement)
        return (
            not (words[:1] and words[0].rstrip(";") in _ALONE)
            and words[:2] not in _ALONE_PAIRS
            and ("concurrently" not in statement.lower())
        )

    async def fate(self, target: Target, mark: str) -> Fate:
        """The session that died with its process may still be at work: it is ended first."""
        import psycopg

        if mark == UNKNOWABLE:
            return Fate.UNKNOWN
        async with self.session(target, transaction=False) as session:
            assert isinstance(session, _PostgresSession)
            try:
                await session.one(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name = %s AND pid <> pg_backend_pid()",
                    target.name[:63],
                )
                found = "in progress"
                for _ in range(FATE_TRIES):
                    found = await session.one("SELECT pg_xact_status(%s::text::xid8)", mark)
                    if found != "in progress":
                        break
                    await asyncio.sleep(_FATE_PAUSE)
            except psycopg.Error:  # it has forgotten, or may not say
                return Fate.UNKNOWN
        match found:
            case "committed":
                return Fate.COMMITTED
            case "aborted":
                return Fate.NOT_COMMITTED
            case _:  # too long ago, or a session that does not end
                return Fate.UNKNOWN


class _PostgresSession:
    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    async def execute(self, statement: str, sink: Sink) -> int | None:
        import psycopg

        cursor = self._connection.cursor()
        try:
            if not await self._has_rows(statement):
                await cursor.execute(statement.encode(), prepare=False)
                return max(cursor.rowcount, 0)
            begun = False
            async for row in cursor.stream(statement.encode()):
                if not begun:
                    sink.begin([column.name for column in cursor.description or ()])
                    begun = True
                sink.row(row)
            if not begun:
                sink.begin([column.name for column in cursor.description or ()])
            return None
        except psycopg.Error as error:
            raise SqlFailed(said_by_postgres(error)) from None
        finally:
            await cursor.close()

    async def _has_rows(self, statement: str) -> bool:
        """Whether it answers rows, asked of the server before it runs: only then can they be streamed."""
        from psycopg.pq import TransactionStatus

        connection = self._connection
        raw = connection.pgconn
        if not connection.autocommit and raw.transaction_status == TransactionStatus.IDLE:
            await connection.execute("SELECT 1")  # begins the transaction
        async with connection.lock:
            raw.send_prepare(b"", statement.encode())
            await self._answer(raw)
            raw.send_describe_prepared(b"")
            columns: int = (await self._answer(raw)).nfields
        return columns > 0

    async def _answer(self, raw: Any) -> Any:
        from psycopg import generators
        from psycopg.errors import error_from_result
        from psycopg.pq import ExecStatus

        result = (await self._connection.wait(generators.execute(raw)))[-1]
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
        return result

    async def mark(self) -> str | None:
        import psycopg

        if self._connection.info.server_version < _TELLS_FATE:
            return UNKNOWABLE
        try:
            found = await self.one("SELECT pg_current_xact_id_if_assigned()")
            return None if found is None else str(found)
        except psycopg.Error as error:
            raise SqlFailed(said_by_postgres(error)) from None

    async def commit(self) -> None:
        import psycopg

        try:
            await self._connection.commit()
        except psycopg.Error as error:
            raise SqlFailed(said_by_postgres(error)) from None

    async def one(self, query: str, *values: Any) -> Any:
        cursor = await self._connection.execute(query.encode(), values)
        row = await cursor.fetchone()
        return None if row is None else row[0]


def _take_texts(connection: AsyncConnection[Any]) -> None:
    """Every value as the server writes it."""
    from psycopg.types.string import TextLoader

    for each in connection.adapters.types:
        connection.adapters.register_loader(each.oid, TextLoader)
        if each.array_oid:
            connection.adapters.register_loader(each.array_oid, TextLoader)


def said_by_postgres(error: Exception) -> str:
    """What the server said of it, with its code."""
    diagnosis = getattr(error, "diag", None)
    parts = [
        str(getattr(diagnosis, part))
        for part in ("message_primary", "message_detail", "message_hint")
        if getattr(diagnosis, part, None)
    ]
    state = getattr(error, "sqlstate", None)
    text = " ".join(parts) or " ".join(str(error).split())
    return f"{text} (SQLSTATE {state})" if state else text
