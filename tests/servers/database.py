"""Which database the suites of engine, scheduler and API run on: the embedded one, or PostgreSQL.

`ARKWRIGHT_TEST_DATABASE=postgresql` (`make test-postgres`) gives each folder of a test a database of its own on a real
server. A test that looks past the store does it with `looked_up` and `changed`, which take either database.
"""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.servers.postgres import drop_database, new_database, run_statements, settle

from arkwright.store.move import is_postgres

ON_POSTGRES = os.environ.get("ARKWRIGHT_TEST_DATABASE", "") == "postgresql"


@pytest.fixture(params=[*([] if ON_POSTGRES else ["embedded"]), pytest.param("postgres", marks=pytest.mark.postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind with nothing in it yet, as `open_store` takes it."""
    if request.param == "embedded":
        return str(tmp_path / "a.db")
    found: str = request.getfixturevalue("postgres_ready")
    return found


_made: dict[Path, str] = {}


def url_for(folder: Path) -> str:
    """The address of this folder's database; empty: it is the embedded one, in the folder."""
    if not ON_POSTGRES:
        return ""
    folder = folder.resolve()
    if folder not in _made:
        _made[folder] = new_database(ready=True)
    return _made[folder]


@pytest.fixture(autouse=ON_POSTGRES)
def databases_go(tmp_path: Path) -> Iterator[None]:
    """A test's databases go with it: each takes ten megabytes."""
    yield
    for folder in [each for each in _made if each.is_relative_to(tmp_path.resolve())]:
        drop_database(_made.pop(folder))


def place_for(folder: Path, file: str = "store.db") -> str:
    """Where this folder's store is, as `open_store` takes it."""
    return url_for(folder) or str(folder / file)


def looked_up(place: str, query: str) -> list[tuple[Any, ...]]:
    """What a query answers, past the store."""
    found: list[tuple[Any, ...]] = []
    if not is_postgres(place):
        with closing(sqlite3.connect(place)) as database:
            return database.execute(query).fetchall()

    async def look() -> None:
        connection = await asyncpg.connect(place)
        found.extend(tuple(row) for row in await connection.fetch(query))
        await connection.close()

    settle(look())
    return found


def changed(place: str, *statements: str) -> None:
    """Done past the store, each by itself."""
    if is_postgres(place):
        settle(run_statements(place, *statements))
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        for each in statements:
            database.execute(each)


def contents(place: str) -> bytes:
    """All that the database holds as it is on the disk, for who looks for what must not be there."""
    if not is_postgres(place):
        files = [path for path in (Path(f"{place}{end}") for end in ("", "-wal")) if path.exists()]
        return b"".join(path.read_bytes() for path in files)
    found = io.BytesIO()

    async def copy() -> None:
        connection = await asyncpg.connect(place)
        tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        for (table,) in await connection.fetch(tables):
            await connection.copy_from_query(f"SELECT * FROM {table}", output=found, format="binary")
        await connection.close()

    settle(copy())
    return found.getvalue()
