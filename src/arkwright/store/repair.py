"""What `check` found wrong and can be put right: in one transaction, which nobody else writes beside."""

from __future__ import annotations

import contextlib
import sqlite3

from arkwright.errors import StoreUnavailable
from arkwright.store.check import repairs
from arkwright.store.copy import check_level
from arkwright.store.move import is_postgres, opened

_LOCK = "LOCK TABLE instance, instance_count, definition, definition_count IN SHARE ROW EXCLUSIVE MODE"


async def repair(place: str) -> None:
    """Servers on PostgreSQL may go on, and wait meanwhile. Of a database file the caller holds the folder's lock.
    Raises `IllegalState` where the schema is not this program's."""
    async with opened(place) as end:
        await check_level(end)
    if is_postgres(place):
        await _repair_postgres(place)
        return
    try:
        with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            repairs(database.execute)
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"The database {place} can't be repaired: {error}.") from error


async def _repair_postgres(place: str) -> None:
    import asyncpg  # type: ignore[import-untyped]

    from arkwright.store.copy_postgres import FAILURES

    statements: list[str] = []
    repairs(statements.append)
    try:
        connection = await asyncpg.connect(place, timeout=10)
        try:
            async with connection.transaction():
                await connection.execute(_LOCK)
                for statement in statements:
                    await connection.execute(statement, timeout=None)
        finally:
            await connection.close()
    except FAILURES as error:
        raise StoreUnavailable(f"The database can't be repaired: {str(error) or type(error).__name__}.") from error
