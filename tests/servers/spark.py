"""A real HiveServer2: Spark's Thrift server, from the jars in PyPI's `pyspark`, on a free port of the loopback.

By hand: `python -m tests.servers.spark` (from the top of the sources) starts one and says its port; it needs a JRE 17
(on Debian: apt-get install default-jre-headless).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers.java import compiled
from tests.servers.process import free_ports, running

START_SECONDS = 240.0
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A JVM for moments spends half of its time on making itself faster."""
QUICK_JAVA = {"JDK_JAVA_OPTIONS": " ".join(QUICK)}
"""The same for a JVM that something else starts."""
OPENED = (
    *("lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "util", "util.concurrent", "util.concurrent.atomic"),
)
"""Packages of java.base that Spark looks into."""


@dataclass(frozen=True)
class ThriftServer:
    port: int
    user: str = "loader"
    password: str = "Thrift-Pass-9"


def spark_home() -> Path:
    """Skips the test where there is no Spark, or no Java to run it."""
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        pytest.skip("pyspark is not installed (make test-long installs it)")
    if shutil.which("java") is None:
        pytest.skip("there is no Java (on Debian: apt-get install default-jre-headless)")
    return Path(found.submodule_search_locations[0])


@pytest.fixture(scope="session")
def spark_jar() -> bytes:
    """Counts on Spark when it is told `good`, stays there at `slow`, fails at `bad`."""
    return compiled(Path(__file__).parent / "spark_job" / "Tested.java", spark_home() / "jars")


@pytest.fixture(scope="session")
def words_jar() -> bytes:
    """A job of MapReduce that counts words, and stays where one is `wait`."""
    return compiled(Path(__file__).parent / "hadoop_job" / "Words.java", spark_home() / "jars")


def command(home: Path, folder: Path, port: int) -> list[str]:
    conf = {
        "spark.ui.enabled": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.sql.hive.thriftServer.incrementalCollect": "true",
        "spark.hadoop.hive.server2.thrift.port": str(port),
        "spark.hadoop.hive.server2.thrift.bind.host": "127.0.0.1",
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:metastore;create=true",
        "spark.log.level": "WARN",
    }
    return [
        "java",
        *("-Xmx1g", *QUICK, f"-Djava.io.tmpdir={folder}"),
        *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED),
        *(f"--add-opens=java.base/sun.{name}=ALL-UNNAMED" for name in ("nio.ch", "nio.cs", "security.action")),
        "--add-opens=java.base/sun.util.calendar=ALL-UNNAMED",
        *("-cp", f"{home}/jars/*", "org.apache.spark.deploy.SparkSubmit", "--master", "local[2]"),
        *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"),
        *(part for key, value in conf.items() for part in ("--conf", f"{key}={value}")),
        "spark-internal",
    ]


@pytest.fixture(scope="session")
def thrift_server() -> Iterator[ThriftServer]:
    """One per test process; that of `ARKWRIGHT_TEST_THRIFT_PORT` where that is set, since a start takes seconds."""
    if given := os.environ.get("ARKWRIGHT_TEST_THRIFT_PORT"):
        yield ThriftServer(int(given))
        return
    home = spark_home()
    folder = Path(tempfile.mkdtemp(prefix="ark-thrift-"))
    (port,) = free_ports(1)
    environment = {"PATH": os.environ["PATH"], "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    try:
        with running(
            command(home, folder, port),
            folder / "log",
            port=port,
            seconds=START_SECONDS,
            cwd=folder,
            env=environment,
        ):
            _warm_up(port)
            yield ThriftServer(port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _warm_up(port: int) -> None:
    """The first session makes a metastore, which takes seconds, whatever the others do."""
    from impala import dbapi

    connection = dbapi.connect(host="127.0.0.1", port=port, user="x", password="x", auth_mechanism="PLAIN")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]
    connection.close()


if __name__ == "__main__":
    server = thrift_server.__wrapped__()  # type: ignore[attr-defined]
    print(next(server).port, flush=True)
    try:
        while True:
            time.sleep(60)
    except KeyboardInterrupt:
        server.close()
