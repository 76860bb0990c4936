"""Trino and what it came from (Presto's newer servers, HetuEngine), by Trino's own client. Each statement commits."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from arkwright.nodes.sql_blocking import BlockingSession, connected
from arkwright.nodes.sql_mysql import as_text, reads_only
from arkwright.nodes.sql_session import Fate, Session, Target


class Trino:
    """The database is `catalog.schema`, or a schema of the catalog in the connection's settings (`catalog`)."""

    title = "Trino"
    dialect = "trino"
    default_port = 8080
    transactions = False

    def session(self, target: Target, *, transaction: bool) -> AbstractAsyncContextManager[Session]:
        import trino

        def connect() -> Any:
            catalog, _, schema = target.database.rpartition(".")
            secure = target.tls or bool(target.password)
            return trino.dbapi.connect(
                host=target.address if not secure else target.host,
                port=target.port,
                user=target.user or "arkwright",
                catalog=catalog or str(target.options.get("catalog") or "hive"),
                schema=schema or None,
                http_scheme="https" if secure else "http",
                auth=trino.auth.BasicAuthentication(target.user, target.password) if target.password else None,
                source=target.name,
                legacy_primitive_types=True,
            )

        def said(error: Exception) -> str | None:
            known = isinstance(error, trino.exceptions.Error | OSError)
            return " ".join(str(error).split())[:2000] if known else None

        def make(connection: Any) -> BlockingSession:
            return BlockingSession(connection, cancel=lambda cursor: cursor.cancel(), said=said, as_text=as_text)

        return cast(
            "AbstractAsyncContextManager[Session]", connected(connect, make, said, f"{target.host}:{target.port}")
        )

    def undoable(self, statement: str) -> bool:
        return reads_only(statement)

    async def fate(self, target: Target, mark: str) -> Fate:
        return Fate.UNKNOWN
