"""A connection is tried for real: with the drivers that nodes use, on real servers."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.servers.kafka import Broker
from tests.servers.mariadb import MariaDb
from tests.servers.postgres_tcp import PostgresTcp
from tests.servers.spark import spark_home
from tests.servers.ssh import SshServer

from arkwright.nodes.base import Connection
from arkwright.nodes.connection_check import ConnectionBroken, check_connection

LOOPBACK = {"allow_loopback_requests": True}


def check(folder: Path, kind: str, settings: dict[str, Any] | None = None, **config: Any) -> str | None:
    """What is said against it."""
    connection = Connection(name="c", type=kind, config=config)
    try:
        known = folder / "workspace" / "known_hosts"
        asyncio.run(check_connection(connection, LOOPBACK if settings is None else settings, known_hosts=known))
    except ConnectionBroken as broken:
        return str(broken)
    return None


def test_postgresql_is_logged_in_to(tmp_path: Path, postgres_tcp: PostgresTcp) -> None:
    config = {"ip": "127.0.0.1", "port": str(postgres_tcp.port), "userName": postgres_tcp.user}
    config |= {"password": postgres_tcp.password, "database": postgres_tcp.database}
    assert check(tmp_path, "DWS", **config) is None
    assert check(tmp_path, "RDS", **config, driverName="org.postgresql.Driver") is None
    wrong = check(tmp_path, "DWS", **{**config, "password": "wrong"})
    assert wrong is not None
    assert "password authentication failed" in wrong
    assert "nowhere" in str(check(tmp_path, "DWS", **{**config, "database": "nowhere"}))


def test_mysql_is_logged_in_to(tmp_path: Path, mariadb: MariaDb) -> None:
    config = {"ip": "127.0.0.1", "port": mariadb.port, "userName": mariadb.user, "password": mariadb.password}
    assert check(tmp_path, "RDS", **config, driverName="com.mysql.jdbc.Driver") is None
    assert "Access denied" in str(check(tmp_path, "mysql", **{**config, "password": "wrong"}))


def test_a_host_is_logged_in_to_and_its_key_is_kept(tmp_path: Path, ssh_server: SshServer) -> None:
    config = {"ip": "127.0.0.1", "port": str(ssh_server.port), "userName": ssh_server.user}
    assert check(tmp_path, "HOST", **config, privateKey=ssh_server.private_key) is None
    assert (tmp_path / "workspace" / "known_hosts").exists()
    assert "refuses the user" in str(check(tmp_path, "HOST", **config, password="wrong"))
    assert "privateKey" in str(check(tmp_path, "HOST", **config))


def test_a_kafka_cluster_answers(tmp_path: Path, kafka_broker: Broker) -> None:
    assert check(tmp_path, "KAFKA", bootstrapServers=kafka_broker.address) is None
    assert "127.0.0.1:9" in str(check(tmp_path, "KAFKA", bootstrapServers="127.0.0.1:9"))


@pytest.mark.parametrize("kind", ["DWS", "RDS", "CloudTable", "KAFKA"])
def test_the_fence_is_asked_first(tmp_path: Path, kind: str) -> None:
    config = {"ip": "127.0.0.1", "port": "9", "bootstrapServers": "127.0.0.1:9", "userName": "a", "password": "b"}
    assert "loopback" in str(check(tmp_path, kind, {}, **config))


def test_of_other_types_somebody_must_listen(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        assert check(tmp_path, "CloudTable", ip="127.0.0.1", port=port) is None
    assert "refused" in str(check(tmp_path, "CloudTable", ip="127.0.0.1", port=port))
    assert "port" in str(check(tmp_path, "CloudTable", ip="127.0.0.1"))
    assert "cluster-1" in str(check(tmp_path, "CloudTable", clusterName="cluster-1"))


def test_spark_on_the_servers_host_is_looked_for_and_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    wrong = check(tmp_path, "SparkSQL", master="local")
    assert wrong is not None
    assert "There is no Java on the server's host" in wrong


def test_spark_on_the_servers_host_is_there(tmp_path: Path) -> None:
    spark_home()
    assert check(tmp_path, "SparkSQL", master="local") is None
