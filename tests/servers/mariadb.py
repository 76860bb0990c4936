"""A real MariaDB server (Debian's `mariadb-server`) on a free port of the loopback, one per test process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers.process import free_ports, running

USER, PASSWORD, DATABASE = "loader", "Sql-Node-Pass-9", "shop"
START_SECONDS = 60.0


@dataclass(frozen=True)
class MariaDb:
    port: int
    user: str = USER
    password: str = PASSWORD
    database: str = DATABASE


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if server is None or install is None:
        pytest.skip("MariaDB is not installed (on Debian: apt-get install mariadb-server)")
    # Its socket's path must be short, so not below pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="ark-mariadb-"))
    # One that starts clears temporary tables away, also those of others in the same folder.
    (folder / "tmp").mkdir()
    own = [f"--tmpdir={folder}/tmp", *(["--user=root"] if os.geteuid() == 0 else [])]
    made = subprocess.run(
        [install, "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal", *own],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    start = folder / "start.sql"
    start.write_text(
        f"CREATE DATABASE {DATABASE};\n"
        f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO '{USER}'@'%';\n"
    )
    (port,) = free_ports(1)
    command = [
        server,
        "--no-defaults",
        f"--datadir={folder}/data",
        f"--socket={folder}/s",
        f"--port={port}",
        f"--init-file={start}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
        *own,
    ]
    try:
        with running(command, folder / "log", port=port, seconds=START_SECONDS):
            yield MariaDb(port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
