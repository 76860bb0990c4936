"""The schema brought up to date ahead of a start, or only looked at."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from arkwright.errors import NotFound, StoreUnavailable
from arkwright.store import migration
from arkwright.store.move import is_postgres, opened


class Step(NamedTuple):
    number: int
    name: str
    oldest: int
    """The schema version of the oldest program that can work on the database after it."""


async def outstanding(place: str) -> Sequence[Step]:
    """Migrations that have not run. Raises `NotFound` where there is no database."""
    _check_there(place)
    async with opened(place) as end:
        level = await end.schema_level()
    known = migration.migrations("postgres" if is_postgres(place) else "sqlite")
    if level > known[-1].number:
        raise StoreUnavailable(
            f"The database has schema version {level}; this program knows {known[-1].number}.",
            hint="A newer Arkwright has used this database: there is nothing for this one to do.",
        )
    return [Step(each.number, each.name, each.oldest) for each in known if each.number > level]


async def upgraded(place: str) -> Sequence[Step]:
    """Migrations that were run now, in one transaction."""
    steps = await outstanding(place)
    if not steps:
        return steps
    if is_postgres(place):
        import asyncpg  # type: ignore[import-untyped]

        from arkwright.store.copy_postgres import FAILURES
        from arkwright.store.postgres import DIALECT
        from arkwright.store.postgres_schema import migrate

        try:
            connection = await asyncpg.connect(place, timeout=10)
        except FAILURES as error:
            raise StoreUnavailable(f"The database can't be reached: {error}.") from error
        try:
            await migrate(connection, migration.migrations("postgres"), DIALECT, FAILURES)
        finally:
            await connection.close()
        return steps
    from arkwright.store.sqlite_work import migrate as migrate_file

    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = FULL")
        migrate_file(database, migration.migrations("sqlite"))
    return steps


def _check_there(place: str) -> None:
    if not is_postgres(place) and not Path(place).is_file():
        raise NotFound(f"There is no database {place}.", hint="Name the server's data folder with --data.")
