"""The servers that nodes meet, and the processes that run them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executors.hosts import shared_hosts
from tests.servers.clickhouse import clickhouse  # noqa: F401
from tests.servers.flink import flink  # noqa: F401
from tests.servers.kafka import kafka_broker  # noqa: F401
from tests.servers.mariadb import mariadb  # noqa: F401
from tests.servers.postgres_tcp import postgres_tcp  # noqa: F401
from tests.servers.spark import spark_jar, thrift_server, words_jar  # noqa: F401
from tests.servers.ssh import ssh_server  # noqa: F401


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """For the stages of a file's tests, one after another: a host that lives takes the next one's attempts, too."""
    with shared_hosts(tmp_path_factory.mktemp("hosts")) as folder:
        yield folder
