"""MySQL and what speaks its protocol (MariaDB, RDS for MySQL, Doris), by PyMySQL.

Rows are streamed and taken as the server's own text. Statements that change definitions commit by themselves in MySQL;
a node that has begun one can't be undone. What became of a commit that nobody heard of, the server can't be asked.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from arkwright.nodes.sql_blocking import BlockingSession, connected
from arkwright.nodes.sql_session import Fate, Session, Target, first_words

CONNECT_SECONDS = 10
_READING = frozenset({"select", "show", "describe", "desc", "explain", "use", "values", "table"})
_UNDONE = _READING | {"insert", "update", "delete", "replace", "with", "do"}


class MySql:
    title = "MySQL"
    dialect = "mysql"
    default_port = 3306
    transactions = True

    def session(self, target: Target, *, transaction: bool) -> AbstractAsyncContextManager[Session]:
        import pymysql
        from pymysql.cursors import SSCursor

        def connect(*, autocommit: bool = not transaction) -> Any:
            return mysql_connection(target, SSCursor, autocommit=autocommit)

        def stop(cursor: Any) -> None:
            other = connect(autocommit=True)
            try:
                other.cursor().execute(f"KILL QUERY {cursor.connection.thread_id()}")
            finally:
                other.close()

        def said(error: Exception) -> str | None:
            return said_by_mysql(error) if isinstance(error, pymysql.Error) else None

        def make(connection: Any) -> BlockingSession:
            return BlockingSession(connection, cancel=stop, said=said, as_text=as_text)

        return cast(
            "AbstractAsyncContextManager[Session]", connected(connect, make, said, f"{target.host}:{target.port}")
        )

    def undoable(self, statement: str) -> bool:
        words = first_words(statement, 1)
        return bool(words) and words[0].rstrip(";") in _UNDONE

    async def fate(self, target: Target, mark: str) -> Fate:
        return Fate.UNKNOWN


class Doris(MySql):
    title = "Doris"
    default_port = 9030
    transactions = False

    def undoable(self, statement: str) -> bool:
        return reads_only(statement)


def as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return "\\x" + value.hex()
    return str(value)


def mysql_connection(target: Target, cursor: Any, *, autocommit: bool, **more: Any) -> Any:
    """Raises `pymysql.Error`."""
    import pymysql
    from pymysql.converters import encoders

    return pymysql.connect(
        host=target.address,
        port=target.port,
        user=target.user or None,
        password=target.password,
        database=target.database or None,
        charset="utf8mb4",
        connect_timeout=CONNECT_SECONDS,
        autocommit=autocommit,
        cursorclass=cursor,
        conv=dict(encoders),  # no decoders: values stay the texts that the server sent
        ssl={"check_hostname": False} if target.tls else None,
        program_name=target.name[:63],
        **more,
    )


def said_by_mysql(error: Exception) -> str:
    """What the server said of it, with its number."""
    number, text = error.args if len(error.args) == 2 else ("", " ".join(map(str, error.args)))
    return f"{text} (error {number})" if number else str(text)


def reads_only(statement: str) -> bool:
    """Whether it can change nothing, as far as its first word tells."""
    words = first_words(statement, 1)
    return bool(words) and words[0].rstrip(";") in _READING
