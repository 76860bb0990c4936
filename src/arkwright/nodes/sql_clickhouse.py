"""ClickHouse over HTTP, by its own client. No transactions."""

from __future__ import annotations

import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from arkwright.nodes.sql_blocking import BlockingSession, connected
from arkwright.nodes.sql_mysql import as_text, reads_only
from arkwright.nodes.sql_session import Fate, Session, Target

CONNECT_SECONDS = 10


class ClickHouse:
    title = "ClickHouse"
    dialect = "clickhouse"
    default_port = 8123
    transactions = False

    def session(self, target: Target, *, transaction: bool) -> AbstractAsyncContextManager[Session]:
        import clickhouse_connect
        from clickhouse_connect.driver.exceptions import ClickHouseError

        def client() -> Any:
            return clickhouse_connect.get_client(
                host=target.address,
                port=target.port,
                username=target.user or "default",
                password=target.password,
                database=target.database or "default",
                secure=target.tls,
                verify=False,
                connect_timeout=CONNECT_SECONDS,
                client_name=target.name,
            )

        def said(error: Exception) -> str | None:
            known = isinstance(error, ClickHouseError | OSError)
            return " ".join(str(error).split())[:2000] if known else None

        def stop(cursor: Any) -> None:
            other = client()
            try:
                other.command(f"KILL QUERY WHERE query_id = '{cursor.query_id}'")
            finally:
                other.close()

        def make(connection: Any) -> BlockingSession:
            return BlockingSession(connection, cancel=stop, said=said, as_text=as_text)

        return cast(
            "AbstractAsyncContextManager[Session]",
            connected(lambda: _Connection(client()), make, said, f"{target.host}:{target.port}"),
        )

    def undoable(self, statement: str) -> bool:
        return reads_only(statement)

    async def fate(self, target: Target, mark: str) -> Fate:
        return Fate.UNKNOWN


class _Connection:
    """The client in the shape of DB-API, with query ids that can be killed and rows as the server's text."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def cursor(self) -> _Cursor:
        return _Cursor(self._client)

    def commit(self) -> None:
        """Each statement did."""

    def close(self) -> None:
        self._client.close()


class _Cursor:
    def __init__(self, client: Any) -> None:
        self._client = client
        self.query_id = uuid.uuid4().hex
        self.description: list[tuple[str]] = []
        self.rowcount = -1
        self._lines: Any = None

    def execute(self, statement: str) -> None:
        settings = {"query_id": self.query_id}
        if not reads_only(statement) and not statement.lstrip("( \n\t").lower().startswith("with"):
            self._client.command(statement, settings=settings)
            return
        form = "JSONCompactStringsEachRowWithNames"
        self._lines = self._client.raw_stream(statement, fmt=form, settings=settings)
        first = self._lines.readline()
        if first:
            self.description = [(name,) for name in _decode(first)]

    def fetchmany(self, count: int) -> list[list[str | None]]:
        rows: list[list[str | None]] = []
        while len(rows) < count and (line := self._lines.readline()):
            rows.append([None if value == "ᴺᵁᴸᴸ" else value for value in _decode(line)])
        return rows

    def close(self) -> None:
        if self._lines is not None:
            self._lines.close()


def _decode(line: bytes) -> list[str]:
    import msgspec

    return msgspec.json.decode(line, type=list[str])
