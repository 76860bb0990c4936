"""Which database the suites of engine, scheduler and API run on: the embedded one, or PostgreSQL.

`ARKWRIGHT_TEST_DATABASE=postgresql` (`make test-postgres`) gives each folder of a test a database of its own on a real
server. Tests that look into an embedded database's file say so with `embedded_only`.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.servers.postgres import address_of, run_statements, settle, start_server

from arkwright.store.open import open_store

ON_POSTGRES = os.environ.get("ARKWRIGHT_TEST_DATABASE", "") == "postgresql"

embedded_only = pytest.mark.skipif(ON_POSTGRES, reason="it is about the embedded database")


@functools.cache
def _server() -> Any:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    server = start_server(Path(tempfile.gettempdir()) / f"arkwright-postgres-{run[:16]}")
    settle(run_statements(address_of(server, "postgres"), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
    return server


@functools.cache
def _template() -> str:
    """A database with the schema in it: a copy costs a fraction of running all migrations."""
    name = f"template_{os.getpid()}"
    settle(run_statements(address_of(_server(), "postgres"), f"CREATE DATABASE {name}"))

    async def migrate() -> None:
        store = open_store(address_of(_server(), name))
        await store.open()
        await store.close()

    settle(migrate())
    return name


@functools.cache
def _made(folder: str) -> str:
    name = f"f{hashlib.sha256(f'{folder} {os.getpid()}'.encode()).hexdigest()[:24]}"
    copy = f"CREATE DATABASE {name} TEMPLATE {_template()}"
    settle(run_statements(address_of(_server(), "postgres"), copy))
    return address_of(_server(), name)


def url_for(folder: Path) -> str:
    """The address of this folder's database; empty: it is the embedded one, in the folder."""
    return _made(str(folder.resolve())) if ON_POSTGRES else ""
