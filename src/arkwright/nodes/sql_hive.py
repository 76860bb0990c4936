"""What speaks HiveServer2's protocol: Hive, Spark's Thrift server and Impala, by impyla. No transactions."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from arkwright.nodes.sql_blocking import ROWS_AT_ONCE, BlockingSession, connected
from arkwright.nodes.sql_mysql import as_text, reads_only
from arkwright.nodes.sql_session import Fate, Session, Sink, SqlFailed, Target

CONNECT_SECONDS = 15
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.01, 0.3
"""Between two questions how a statement gets on: the protocol has no other way to hear of its end."""
PATIENCE_SECONDS = 1.0
LINGER_SECONDS = 10.0
"""Spark forgets what was stopped before its first task has begun, and computes it for nobody, without end. Whoever
closes the statement later stops it once more, and once only: so late that it has begun, if it ever does."""
MESSAGE_CHARACTERS = 2000
_EXCEPTION = re.compile(r"^(?:[\w$]+\.)+[\w$]+(?:Exception|Error): ")


class HiveConnection:
    """A connection with its one session on the server: a driver's cursor is one, with its database, its settings and
    its temporary views."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.cursor = connection.cursor(convert_types=False)

    def close(self) -> None:
        with contextlib.suppress(Exception):  # of a connection that broke
            self.cursor.close()
        self.connection.close()


class HiveSession(BlockingSession):
    """A statement is begun, and then asked about until it has ended; some servers answer that after seconds only. So it
    is stopped by a connection of its own, to which the server names operations alike. Should the server hang, the first
    connection is closed, too, whereupon it ends the session with all that runs in it."""

    def __init__(self, connection: HiveConnection, *, again: Callable[[], Any], **more: Any) -> None:
        """`again` makes another connection to the same server."""
        super().__init__(connection, cancel=lambda _: None, **more)
        self._again = again
        self._stopping = threading.Event()
        self._stopped_at = 0.0

    def _execute(self, statement: str, sink: Sink) -> int | None:
        cursor = self._cursor = self._connection.cursor
        try:
            cursor.execute_async(statement)
            pause = FIRST_PAUSE_SECONDS
            while not self._stopping.is_set() and cursor.is_executing():
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            if not self._stopping.is_set():
                cursor._wait_to_finish()  # it has ended: this raises what went wrong, which nothing public does
                self._take_rows(cursor, sink)
            if self._stopping.is_set():
                with contextlib.suppress(Exception):  # it is stopped already, unless that came before it had begun
                    cursor.cancel_operation(reset_state=False)
                raise SqlFailed("stopped")
            return None
        finally:
            self._cursor = None

    def _take_rows(self, cursor: Any, sink: Sink) -> None:
        columns = [str(column[0]) for column in cursor.description or ()]
        begun = False
        while not self._stopping.is_set():
            try:
                rows = cursor.fetchmany(ROWS_AT_ONCE) if columns else []
            except IndexError:  # of the driver: Spark promises a result for a statement that has none
                return
            if columns and not begun:
                sink.begin(columns)
                begun = True
            if not rows:
                return
            for row in rows:
                sink.row([self._as_text(value) for value in row])

    def _stop(self) -> None:
        """Called on another thread, again and again until `_execute` has returned."""
        if not self._stopping.is_set():
            self._stopped_at = time.monotonic()
            self._stopping.set()
            self.lingers_seconds = LINGER_SECONDS
            operation = getattr(self._cursor, "_last_operation", None)
            if operation is not None:
                self._cancel_from_outside(operation.handle)
        elif time.monotonic() - self._stopped_at > PATIENCE_SECONDS:
            with contextlib.suppress(Exception):
                self._connection.connection.service.client._iprot.trans.close()

    def _cancel_from_outside(self, handle: Any) -> None:
        from impala._thrift_gen.TCLIService.ttypes import TCancelOperationReq

        with contextlib.suppress(Exception):  # it may have ended by itself
            other = self._again()
            try:
                other.service.client.CancelOperation(TCancelOperationReq(operationHandle=handle))
            finally:
                other.close()


class Hive:
    """`authMechanism` in the connection's settings: NOSASL, PLAIN (default), LDAP or GSSAPI (Kerberos)."""

    title = "HiveServer2"
    dialect = "hive"
    default_port = 10000
    transactions = False
    mechanism = "PLAIN"

    def session(self, target: Target, *, transaction: bool) -> AbstractAsyncContextManager[Session]:
        from impala import dbapi
        from impala.error import Error

        def connect() -> Any:
            return dbapi.connect(
                host=target.address,
                port=target.port,
                user=target.user or "arkwright",
                password=target.password or "x",
                database=target.database or "default",
                auth_mechanism=str(target.options.get("authMechanism") or self.mechanism).upper(),
                kerberos_service_name=str(target.options.get("kerberosServiceName") or "hive"),
                use_ssl=target.tls,
                timeout=CONNECT_SECONDS,
            )

        def said(error: Exception) -> str | None:
            known = isinstance(error, Error | OSError) or type(error).__module__.startswith(("thrift", "impala"))
            return java_words(str(error)) or type(error).__name__ if known else None

        def make(connection: Any) -> BlockingSession:
            return HiveSession(connection, again=connect, said=said, as_text=_as_text)

        return cast(
            "AbstractAsyncContextManager[Session]",
            connected(lambda: HiveConnection(connect()), make, said, f"{target.host}:{target.port}"),
        )

    def undoable(self, statement: str) -> bool:
        return reads_only(statement)

    async def fate(self, target: Target, mark: str) -> Fate:
        return Fate.UNKNOWN


class Spark(Hive):
    title = "Spark SQL"
    dialect = "spark"


class Impala(Hive):
    title = "Impala"
    default_port = 21050
    mechanism = "NOSASL"


def java_words(text: str) -> str:
    """What the server says without Java's names and stack."""
    text = " ".join(text.partition("\n\tat ")[0].split())
    while found := _EXCEPTION.match(text):
        text = text[found.end() :]
    return text.removeprefix("Error running query: ")[:MESSAGE_CHARACTERS]


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):  # arrays, maps, structures come as their JSON; of other bytes nobody knows more
        try:
            return value.decode()
        except UnicodeDecodeError:
            return "\\x" + value.hex()
    return as_text(value)
