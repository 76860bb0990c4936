"""A real MariaDB server (Debian's `mariadb-server`) on a free port of the loopback, one per test process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

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
    user = ["--user=root"] if os.geteuid() == 0 else []
    made = subprocess.run(
        [install, "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal", *user],
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [
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
            *user,
        ],
        stdout=log,
        stderr=log,
    )
    try:
        _wait(process, port, folder / "log")
        yield MariaDb(port)
    finally:
        process.kill()
        process.wait()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until it accepts: a server tells nobody when that is."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
