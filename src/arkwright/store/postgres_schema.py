"""The schema on PostgreSQL, brought up to date by whichever server comes first (rules: `migration`)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.store import migration, servers
from arkwright.store.migration import Migration
from arkwright.store.work import Dialect

_MIGRATION_LOCK = 0x41524B57  # any number that nobody else is likely to lock
MIGRATION_SECONDS = 3600.0
"""Of one statement: an index of a hundred million rows takes minutes, and servers that start together wait for it."""


async def migrate(
    connection: Any, known: Sequence[Migration], dialect: Dialect, failures: tuple[type[BaseException], ...]
) -> None:
    """Bring the schema to this program's version, in one transaction. Servers that start together take turns."""
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK, timeout=MIGRATION_SECONDS)
            applied = await _applied(connection)
            steps = migration.outstanding(known, applied)
            if steps and await connection.fetchval("SELECT to_regclass('server') IS NOT NULL"):
                rows = await connection.fetch(dialect.translate(servers.RUNNING))
                migration.check_others(steps, [(row[0], row[1]) for row in rows])
            for step in steps:
                for statement in step.statements():
                    await connection.execute(statement, timeout=MIGRATION_SECONDS)
                await connection.execute(
                    "INSERT INTO schema_version (version, name, oldest) VALUES ($1, $2, $3)",
                    step.number,
                    step.name,
                    step.oldest,
                )
            await connection.execute(
                "INSERT INTO installation (name, value) VALUES ('id', $1) ON CONFLICT DO NOTHING", uuid.uuid4().hex
            )
    except ArkwrightError:
        raise
    except failures as error:
        raise StoreUnavailable(f"The database's schema can't be brought up to date: {error}.") from error


async def _applied(connection: Any) -> dict[int, int]:
    """Per migration that was run, the oldest level of a program that can work on the schema after it."""
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version"
        " (version integer PRIMARY KEY, name text NOT NULL, oldest integer NOT NULL DEFAULT 0)"
    )
    await connection.execute("ALTER TABLE schema_version ADD COLUMN IF NOT EXISTS oldest integer NOT NULL DEFAULT 0")
    return {row[0]: row[1] for row in await connection.fetch("SELECT version, oldest FROM schema_version")}
