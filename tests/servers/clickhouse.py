"""A real ClickHouse server (Debian's `clickhouse-server`) on free ports of the loopback, one per test process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers.process import free_ports, running

USER, PASSWORD = "ada", "Click-Node-Pass-9"
START_SECONDS = 60.0
CONFIG = """<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><mark_cache_size>50000000</mark_cache_size>
<users_config>{folder}/users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database></yandex>"""
USERS = f"""<yandex><profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
<users><{USER}><password>{PASSWORD}</password><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></{USER}></users><quotas><default/></quotas></yandex>"""


@dataclass(frozen=True)
class ClickHouseServer:
    port: int
    user: str = USER
    password: str = PASSWORD


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[ClickHouseServer]:
    program = shutil.which("clickhouse-server") or shutil.which("clickhouse-server", path="/usr/sbin")
    if program is None:
        pytest.skip("ClickHouse is not installed (on Debian: apt-get install clickhouse-server)")
    folder = Path(tempfile.mkdtemp(prefix="ark-clickhouse-"))
    http, tcp = free_ports(2)
    (folder / "config.xml").write_text(CONFIG.format(folder=folder, http=http, tcp=tcp))
    (folder / "users.xml").write_text(USERS)
    command = [program, f"--config-file={folder}/config.xml"]
    try:
        with running(command, folder / "out", port=http, seconds=START_SECONDS):
            yield ClickHouseServer(http)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
