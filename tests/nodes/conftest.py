"""The servers that nodes meet."""

from tests.servers.clickhouse import clickhouse  # noqa: F401
from tests.servers.flink import flink  # noqa: F401
from tests.servers.kafka import kafka_broker  # noqa: F401
from tests.servers.mariadb import mariadb  # noqa: F401
from tests.servers.postgres_tcp import postgres_tcp  # noqa: F401
from tests.servers.spark import spark_jar, thrift_server, words_jar  # noqa: F401
from tests.servers.ssh import ssh_server  # noqa: F401
