"""A real PostgreSQL server on a port of the loopback, with a password: as a node meets one. From the same package as
`tests/servers/postgres.py`, whose server listens on a socket only."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers.postgres import address_of, run_statements, settle, start_server

USER, PASSWORD, DATABASE = "loader", "Sql-Node-Pass-9", "shop"


@dataclass(frozen=True)
class PostgresTcp:
    port: int
    control: Callable[..., None]
    user: str = USER
    password: str = PASSWORD
    database: str = DATABASE

    @property
    def address(self) -> str:
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    def stop(self) -> None:
        """As for maintenance: whoever is connected is cut off."""
        self.control("-m", "fast", "stop")

    def start(self) -> None:
        self.control("start")


@pytest.fixture(scope="session")
def postgres_tcp() -> Iterator[PostgresTcp]:
    with running() as server:
        yield server


@contextmanager
def running(fsync: str = "off") -> Iterator[PostgresTcp]:
    """Also for who measures: then with `fsync` on."""
    folder = Path(tempfile.gettempdir()) / f"arkwright-postgres-tcp-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    server = start_server(folder)
    settle(
        run_statements(
            address_of(server, "postgres"),
            f"CREATE ROLE {USER} LOGIN SUPERUSER PASSWORD '{PASSWORD}'",
            f"CREATE DATABASE {DATABASE} OWNER {USER}",
        )
    )
    with (folder / "pg_hba.conf").open("a") as rules:
        rules.write("\nhost all all 127.0.0.1/32 scram-sha-256\n")
    hba = (folder / "pg_hba.conf").read_text().splitlines()
    kept = [line for line in hba if not (line.startswith("host") and line.split()[-1] == "trust")]
    (folder / "pg_hba.conf").write_text("\n".join(kept) + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync={fsync}"

    def control(*words: str) -> None:
        told = [str(server.bin_path / "pg_ctl"), "-w", "-D", str(folder), "-l", str(folder / "log"), "-o", options]
        subprocess.run([*told, *words], user=server.system_user, check=True, stdout=subprocess.DEVNULL)

    made = PostgresTcp(port, control)
    made.stop()
    made.start()
    yield made
    control("-m", "immediate", "stop")
