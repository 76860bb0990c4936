"""The cases of the conformance suite, a function per type and place: what to run, and how to tell that nothing is left
of it. Those on engines that start a JVM are in `conformance_jvm`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.executors.test_resident_kit import log_of
from tests.nodes.conformance_kit import SECRET, Case, processes
from tests.nodes.hosted_kit import HostedStage
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import Broker
from tests.servers.mariadb import MariaDb
from tests.servers.postgres_tcp import PostgresTcp
from tests.servers.ssh import SshServer

from arkwright.nodes.base import Connection, Context
from arkwright.objects.folder import INCOMING

NOBODY_HAS_ONE = "PyPI, npm and Debian have no server of it"


def said(word: str) -> Callable[[Context], bool]:
    return lambda context: word in log_of(context)


def program(name: str, connection: Connection | None = None) -> Case:
    """Its processes are known by a number in their command lines."""
    mark = f"300.{os.getpid() % 100_000:05}"
    python = name == "Python"
    sleep = f"import os\nprint('here', flush=True)\nos.execvp('sleep', ['sleep', '{mark}'])"
    return Case(
        type=name,
        connection=connection,
        good={"statement": "print('5')" if python else "echo 5"},
        bad={"statement": "import sys\nsys.exit(3)" if python else "exit 3"},
        slow={"statement": sleep if python else f"echo here; sleep {mark} & wait"},
        at_work=said("here"),
        left=lambda: processes(mark),
        lasting={
            "statement": "import time\nprint('here', flush=True)\ntime.sleep(1)" if python else "echo here; sleep 1"
        },
        leak={"script": f"print('{SECRET}')" if python else f"echo {SECRET}"},
        script_type=name,
    )


def shell(request: pytest.FixtureRequest) -> Case:
    return program("Shell")


def python(request: pytest.FixtureRequest) -> Case:
    return program("Python")


def _host(request: pytest.FixtureRequest) -> Connection:
    host: SshServer = request.getfixturevalue("ssh_server")
    config = {"ip": "127.0.0.1", "port": str(host.port), "userName": host.user, "privateKey": host.private_key}
    return Connection(name="other", type="HOST", config=config)


def shell_over_ssh(request: pytest.FixtureRequest) -> Case:
    return program("Shell", _host(request))


def python_over_ssh(request: pytest.FixtureRequest) -> Case:
    return program("Python", _host(request))


def dlisql(request: pytest.FixtureRequest) -> Case:
    return Case(
        type="DLISQL",
        good={"statement": "SELECT 5"},
        bad={"statement": "SELECT nothing FROM nowhere"},
        slow={"statement": "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b"},
        at_work=said("SELECT sum"),
        left=lambda: 0,  # it has no connection; that it stops is seen by the next question, on the same database
        lasting={"statement": "CREATE TABLE IF NOT EXISTS t AS SELECT sum(range) AS s FROM range(300000000)"},
        leak={"script": f"SELECT '{SECRET}'"},
        script_type="DLISQL",
    )


def _sql(name: str, connection: Connection, sleep: str, left: Callable[[], int]) -> Case:
    return Case(
        type=name,
        connection=connection,
        good={"statement": "SELECT 5"},
        bad={"statement": "SELECT nothing FROM nowhere"},
        slow={"statement": sleep.format(300)},
        at_work=said("[1/1]"),
        left=left,
        lasting={"statement": sleep.format(1)},
        leak={"script": f"SELECT '{SECRET}'"},
        script_type=name,
    )


def _warehouse(request: pytest.FixtureRequest) -> tuple[Connection, Callable[[], int]]:
    """A PostgreSQL, and how many of our connections it has."""
    import psycopg

    server: PostgresTcp = request.getfixturevalue("postgres_tcp")
    config = {"ip": "127.0.0.1", "port": server.port, "userName": server.user, "password": server.password}

    def left() -> int:
        with psycopg.connect(
            host="127.0.0.1", port=server.port, user=server.user, password=server.password, dbname=server.database
        ) as asking:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'arkwright%'"
            return int(asking.execute(query).fetchone()[0])  # type: ignore[index]

    return Connection(name="warehouse", type="DWS", config={**config, "database": server.database}), left


def dwssql(request: pytest.FixtureRequest) -> Case:
    connection, left = _warehouse(request)
    return _sql("DWSSQL", connection, "SELECT pg_sleep({})", left)


def datamigration(request: pytest.FixtureRequest) -> Case:
    connection, left = _warehouse(request)

    def move(query: str) -> dict[str, str]:
        return {"sourceConnectionName": "warehouse", "sourceQuery": query, "targetPath": "moved.csv"}

    return Case(
        type="DataMigration",
        connection=connection,
        good=move("SELECT 5 AS n"),
        bad=move("SELECT nothing FROM nowhere"),
        slow=move("SELECT 5 AS n FROM pg_sleep(300)"),
        at_work=lambda _: left() > 0,
        left=left,
        lasting=move("SELECT 5 AS n FROM pg_sleep(1)"),
        leak=move(f"SELECT 5 AS n WHERE '{SECRET}' <> ''"),
    )


def cdmjob(request: pytest.FixtureRequest) -> Case:
    connection, left = _warehouse(request)

    def part(name: str, **values: str) -> dict[str, Any]:
        return {
            "configs": [{"name": name, "inputs": [{"name": f"{name}.{key}", "value": values[key]} for key in values]}]
        }

    def move(query: str) -> dict[str, str]:
        job = {
            "name": "load",
            "job_type": "NORMAL_JOB",
            "from-connector-name": "generic-jdbc-connector",
            "from-link-name": "warehouse",
            "to-connector-name": "obs-connector",
            "to-link-name": "obs",
            "from-config-values": part("fromJobConfig", useSql="true", sql=query),
            "to-config-values": part("toJobConfig", bucketName="lake", outputDirectory="out", outputFormat="CSV_FILE"),
        }
        return {"jobJson": json.dumps({"jobs": [job]}), "sourceConnectionName": "warehouse"}

    return Case(
        type="CDMJob",
        connection=connection,
        good=move("SELECT 5 AS n"),
        bad=move("SELECT nothing FROM nowhere"),
        slow=move("SELECT 5 AS n FROM pg_sleep(300)"),
        at_work=lambda _: left() > 0,
        left=left,
        lasting=move("SELECT 5 AS n FROM pg_sleep(1)"),
        leak=move(f"SELECT 5 AS n WHERE '{SECRET}' <> ''"),
    )


def _mysql(request: pytest.FixtureRequest, name: str, kind: str) -> Case:
    import pymysql

    server: MariaDb = request.getfixturevalue("mariadb")
    config = {"ip": "127.0.0.1", "port": server.port, "userName": server.user, "password": server.password}
    more = {"database": server.database, "driverName": "com.mysql.jdbc.Driver"}

    def left() -> int:
        asking = pymysql.connect(host="127.0.0.1", port=server.port, user=server.user, password=server.password)
        with asking, asking.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM information_schema.processlist WHERE user = %s", (server.user,))
            return int(cursor.fetchone()[0]) - 1

    return _sql(name, Connection(name="shop", type=kind, config={**config, **more}), "SELECT SLEEP({})", left)


def rdssql(request: pytest.FixtureRequest) -> Case:
    return _mysql(request, "RDSSQL", "RDS")


def dorissql(request: pytest.FixtureRequest) -> Case:
    return _mysql(request, "DorisSQL", "DORIS")


def mrsclickhouse(request: pytest.FixtureRequest) -> Case:
    import httpx2

    server: ClickHouseServer = request.getfixturevalue("clickhouse")
    config = {"ip": "127.0.0.1", "port": server.port, "userName": server.user, "password": server.password}

    def left() -> int:
        asked = {"user": server.user, "password": server.password, "query": "SELECT count() FROM system.processes"}
        return int(httpx2.get(f"http://127.0.0.1:{server.port}/", params=asked).text) - 1

    case = _sql("MRSClickHouse", Connection(name="house", type="CLICKHOUSE", config=config), "SELECT sleep({})", left)
    for_ever = {"statement": "SELECT sum(sipHash64(number)) FROM system.numbers"}
    return replace(case, slow=for_ever, script_type="ClickHouseSQL")


def restapi(request: pytest.FixtureRequest) -> Case:
    web, silence = request.getfixturevalue("web"), request.getfixturevalue("silence")
    return Case(
        type="RESTAPI",
        good={"url": f"{web.url}/x", "method": "GET"},
        bad={"url": f"{web.url}/status/500", "method": "GET"},
        slow={"url": f"http://127.0.0.1:{silence.port}/", "method": "GET"},
        at_work=lambda _: silence.taken > 0,
        left=lambda: silence.open,
        lasting={"url": f"{web.url}/x", "method": "GET"},
        leak={"url": f"{web.url}/status/404/{SECRET}", "method": "POST", "body": SECRET},
        leaks_as="Failed",
    )


def css(request: pytest.FixtureRequest) -> Case:
    web, silence = request.getfixturevalue("web"), request.getfixturevalue("silence")
    config = {"ip": "127.0.0.1", "userName": "ada", "password": "Search-Pass-9"}
    return Case(
        type="CSS",
        connection=Connection(name="search", type="CSS", config={**config, "port": str(web.port)}),
        slow_connection=Connection(name="search", type="CSS", config={**config, "port": str(silence.port)}),
        good={"path": "/x", "method": "GET"},
        bad={"path": "/status/500", "method": "GET"},
        slow={"path": "/x", "method": "GET"},
        at_work=lambda _: silence.taken > 0,
        left=lambda: silence.open,
        lasting={"path": "/x", "method": "GET"},
        leak={"path": f"/x/{SECRET}", "method": "PUT", "body": SECRET},
    )


def _kafka(request: pytest.FixtureRequest, name: str, **more: str) -> Case:
    broker: Broker = request.getfixturevalue("kafka_broker")
    silence = request.getfixturevalue("silence")
    topic = {"topic": broker.topic(), **more}
    return Case(
        type=name,
        connection=Connection(name="kafka", type="KAFKA", config={"bootstrapServers": broker.address}),
        slow_connection=Connection(
            name="kafka", type="KAFKA", config={"bootstrapServers": f"127.0.0.1:{silence.port}"}
        ),
        good=topic,
        bad=topic,
        bad_connection=Connection(name="kafka", type="KAFKA", config={"bootstrapServers": "127.0.0.1:9"}),
        slow=topic,
        at_work=lambda _: silence.taken > 0,
        left=lambda: silence.open,
        lasting=topic,
        leak={**topic, "text": SECRET} if more else {**topic, "groupId": SECRET},
    )


def kafkaclient(request: pytest.FixtureRequest) -> Case:
    return _kafka(request, "KafkaClient", text="x")


def mrskafka(request: pytest.FixtureRequest) -> Case:
    return _kafka(request, "MRSKafka")


def _obs(request: pytest.FixtureRequest, name: str, **action: str) -> Case:
    stage: HostedStage = request.getfixturevalue("stage")
    drafts = stage.folder / "obs" / INCOMING
    large = stage.folder / "obs" / "large" / "in" / "file"
    large.parent.mkdir(parents=True, exist_ok=True)
    with large.open("wb") as file:
        file.truncate(50 * 1024**3)  # holes: it takes no room, and long to copy
    return Case(
        type=name,
        good={**action, "path": "obs://small/in/"},
        bad={**action, "path": "obs://no-such-bucket/in/", **({"action": "MONITOR_PATH"} if action else {})},
        slow={"action": "COPY_PATH", "path": "obs://large/in/file", "targetPath": "obs://large/out/"},
        at_work=lambda _: drafts.exists() and any(drafts.iterdir()),
        left=lambda: len(list(drafts.iterdir())) if drafts.exists() else 0,
        lasting={**action, "path": "obs://small/in/"},
        leak={**action, "path": f"obs://small/{SECRET}/"},
    )


def obsmanager(request: pytest.FixtureRequest) -> Case:
    return _obs(request, "OBSManager", action="CREATE_PATH")


def createobs(request: pytest.FixtureRequest) -> Case:
    never = "the embedded storage makes what is missing"
    return replace(_obs(request, "CreateOBS"), at_once=True, never_fails=never)


def deleteobs(request: pytest.FixtureRequest) -> Case:
    """What is to be deleted is there, the path with the secret, too."""
    stage: HostedStage = request.getfixturevalue("stage")
    for name in ("in", SECRET):
        (stage.folder / "obs" / "small" / name).mkdir(parents=True, exist_ok=True)
        (stage.folder / "obs" / "small" / name / "file").touch()
    return replace(_obs(request, "DeleteOBS"), at_once=True)


def _unreached(request: pytest.FixtureRequest, name: str, kind: str) -> Case:
    silence = request.getfixturevalue("silence")
    config = {"ip": "127.0.0.1", "userName": "ada", "password": "Nobody-Pass-9"}
    given = {"statement": "SELECT 5"}
    return Case(
        type=name,
        no_server=NOBODY_HAS_ONE,
        good=given,
        bad=given,
        bad_connection=Connection(name="far", type=kind, config={**config, "port": "9"}),
        slow=given,
        slow_connection=Connection(name="far", type=kind, config={**config, "port": str(silence.port)}),
        at_work=lambda _: silence.taken > 0,
        left=lambda: silence.open,
        lasting=given,
        leak={"script": f"SELECT '{SECRET}'"},
        script_type=kind,
    )


def mrsprestosql(request: pytest.FixtureRequest) -> Case:
    return _unreached(request, "MRSPrestoSQL", "PRESTO")


def mrshetuengine(request: pytest.FixtureRequest) -> Case:
    return replace(_unreached(request, "MRSHetuEngine", "TRINO"), script_type="HetuEngineSQL")


def mrsimpalasql(request: pytest.FixtureRequest) -> Case:
    return replace(_unreached(request, "MRSImpalaSQL", "IMPALA"), script_type="ImpalaSQL")


CASES = {
    "CDMJob": (cdmjob,),
    "CreateOBS": (createobs,),
    "CSS": (css,),
    "DataMigration": (datamigration,),
    "DeleteOBS": (deleteobs,),
    "DLISQL": (dlisql,),
    "DorisSQL": (dorissql,),
    "DWSSQL": (dwssql,),
    "KafkaClient": (kafkaclient,),
    "MRSClickHouse": (mrsclickhouse,),
    "MRSHetuEngine": (mrshetuengine,),
    "MRSImpalaSQL": (mrsimpalasql,),
    "MRSKafka": (mrskafka,),
    "MRSPrestoSQL": (mrsprestosql,),
    "OBSManager": (obsmanager,),
    "Python": (python, python_over_ssh),
    "RDSSQL": (rdssql,),
    "RESTAPI": (restapi,),
    "Shell": (shell, shell_over_ssh),
}
