"""What speaks HiveServer2's protocol: Hive, Spark's Thrift server and Impala, by impyla. No transactions."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from arkwright.nodes.sql_blocking import BlockingSession, connected
from arkwright.nodes.sql_mysql import as_text, reads_only
from arkwright.nodes.sql_session import Fate, Session, Target

CONNECT_SECONDS = 15


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
            return " ".join(str(error).split())[:2000] or type(error).__name__ if known else None

        def make(connection: Any) -> BlockingSession:
            return BlockingSession(
                connection,
                cancel=lambda cursor: cursor.cancel_operation(reset_state=False),
                said=said,
                as_text=as_text,
                make_cursor=lambda each: each.cursor(convert_types=False),
            )

        return cast(
            "AbstractAsyncContextManager[Session]", connected(connect, make, said, f"{target.host}:{target.port}")
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
