"""The stage for the SQL nodes: real hosts, a real server behind a connection, and a commit that can be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.executors.test_resident_kit import Stage, host_environment, log_of, output_of, play

from arkwright.core.job import Script
from arkwright.core.outcome import Outcome
from arkwright.executors.resident import ResidentExecutor
from arkwright.nodes.base import Connection, Context
from arkwright.nodes.registry import Registry
from arkwright.nodes.sql_mysql import MySql
from arkwright.nodes.sql_postgres import Postgres
from arkwright.nodes.sql_session import Session, Target

THIS = "tests.nodes.sql_kit"


def die_once(target: Target, point: str) -> None:
    mark = Path(str(target.options.get("died") or ""))
    if target.options.get("die_at") == point and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class _Told:
    def __init__(self, session: Any, target: Target) -> None:
        self._session = session
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def commit(self) -> None:
        die_once(self._target, "before commit")
        await self._session.commit()
        die_once(self._target, "after commit")

    async def execute(self, statement: str, sink: Any) -> Any:
        answer = await self._session.execute(statement, sink)
        die_once(self._target, "after statement")
        return answer


def _told(engine: Any) -> Any:
    original = engine.session

    @asynccontextmanager
    async def session(self: Any, target: Target, *, transaction: bool) -> AsyncIterator[Session]:
        async with original(self, target, transaction=transaction) as made:
            # the question what became of a commit is asked without a transaction, on the real session
            yield _Told(made, target) if target.options.get("die_at") and transaction else made

    return session


def registry() -> Registry:
    """Made inside each host."""
    Postgres.session = _told(Postgres)  # type: ignore[method-assign]
    MySql.session = _told(MySql)  # type: ignore[method-assign]
    return Registry(group=None)


class SqlStage(Stage):
    environment: Mapping[str, str] = host_environment()

    def executor(self) -> ResidentExecutor:
        return ResidentExecutor(
            Registry(group=None),
            self.hosts,
            host_registry=f"{THIS}:registry",
            settings={"allow_loopback_requests": True, **self.settings},
            environment=self.environment,
        )

    def sql_context(
        self, connection: Connection | None, statement: str = "", *, script: Script | None = None, **properties: str
    ) -> Context:
        given = {**({"statement": statement} if statement else {}), **properties}
        return replace(self.context(given, script=script), connection=connection)

    def run_sql(
        self, type_name: str, connection: Connection | None, statement: str = "", **more: Any
    ) -> tuple[Outcome, str, str | None]:
        """Outcome, log and output of one attempt."""
        answers: list[tuple[Outcome, str, str | None]] = []

        async def scene() -> None:
            async with self.server() as server:
                context = self.sql_context(connection, statement, **more)
                outcome = await server.run(type_name, context)
                answers.append((outcome, log_of(context), output_of(context, outcome)))

        play(scene)
        return answers[0]
