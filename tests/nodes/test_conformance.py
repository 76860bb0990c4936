"""What every working node type has to do, on its real server: run, fail, stop within two seconds (which is what happens
at its time limit, too), leave nothing behind, survive kill -9 of the server, and keep its secrets to itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.executors.test_resident_kit import log_of, output_of
from tests.nodes.conformance_kit import (
    SECRET,
    Case,
    Silence,
    attach,
    connections_to,
    context_of,
    holding,
    kill_its_server,
    nothing_left,
    processes,
    run,
    stop,
)
from tests.nodes.hosted_kit import HostedStage
from tests.nodes.test_restapi_web import Web
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import Broker
from tests.servers.mariadb import MariaDb
from tests.servers.postgres_tcp import PostgresTcp
from tests.servers.spark import ThriftServer
from tests.servers.ssh import SshServer

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Connection, Context, Work
from arkwright.nodes.registry import BUILT_IN, Registry
from arkwright.objects.folder import INCOMING

STOP_SECONDS = 2.0
ELSEWHERE = {
    "SMN": "tests/notify/test_node_messages.py: it has nothing to stop or to leave behind",
    "CDMJob": "tests/nodes/test_migration*.py",
    "DataMigration": "tests/nodes/test_migration*.py",
    "MRSSpark": "tests/nodes/test_spark.py: each attempt starts a JVM, which takes seconds",
    "MRSSparkPython": "tests/nodes/test_spark.py",
    "DLISpark": "tests/nodes/test_spark.py",
    "SparkSQL": "it is HiveSQL in all but its name; tests/nodes/test_hive.py",
    "MapReduce": "tests/nodes/test_mapreduce.py, and Shell's case here: a program as that is",
    "MRSFlink": "tests/nodes/test_flink.py: a cluster takes half a minute to start",
    "DLIFlinkJob": "tests/nodes/test_flink.py",
}


def said(word: str) -> Callable[[Context], bool]:
    return lambda context: word in log_of(context)


def log_age(context: Context) -> float:
    return time.time() - (context.folder / "log").stat().st_mtime


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


def dwssql(request: pytest.FixtureRequest) -> Case:
    import psycopg

    server: PostgresTcp = request.getfixturevalue("postgres_tcp")
    config = {"ip": "127.0.0.1", "port": server.port, "userName": server.user, "password": server.password}
    connection = Connection(name="warehouse", type="DWS", config={**config, "database": server.database})

    def left() -> int:
        with psycopg.connect(
            host="127.0.0.1", port=server.port, user=server.user, password=server.password, dbname=server.database
        ) as asking:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'arkwright%'"
            return int(asking.execute(query).fetchone()[0])  # type: ignore[index]

    return _sql("DWSSQL", connection, "SELECT pg_sleep({})", left)


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


def hivesql(request: pytest.FixtureRequest) -> Case:
    server: ThriftServer = request.getfixturevalue("thrift_server")
    config = {"ip": "127.0.0.1", "port": server.port, "userName": server.user, "password": server.password}
    count = "SELECT count(*) FROM range(0, {}, 1, 1) WHERE id % 7 = 3"
    return Case(
        type="HiveSQL",
        connection=Connection(name="hive", type="HIVE", config=config),
        good={"statement": "SELECT 5"},
        bad={"statement": "SELECT nothing FROM nowhere"},
        slow={"statement": count.format(10**13)},
        # Spark forgets to stop what was cancelled before its first task had begun.
        at_work=lambda context: said("[1/1]")(context) and log_age(context) > 1.0,
        left=lambda: connections_to(server.port),
        lasting={"statement": count.format(10**7)},
        leak={"script": f"SELECT '{SECRET}'"},
        script_type="HiveSQL",
    )


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
        left=lambda: len(list(drafts.iterdir())),
        lasting={**action, "path": "obs://small/in/"},
        leak={**action, "path": f"obs://small/{SECRET}/"},
    )


def obsmanager(request: pytest.FixtureRequest) -> Case:
    return _obs(request, "OBSManager", action="CREATE_PATH")


def createobs(request: pytest.FixtureRequest) -> Case:
    return _obs(request, "CreateOBS")


def deleteobs(request: pytest.FixtureRequest) -> Case:
    return _obs(request, "DeleteOBS")


CASES = (
    *(
        shell,
        python,
        shell_over_ssh,
        python_over_ssh,
        dlisql,
        dwssql,
        hivesql,
        rdssql,
        dorissql,
        mrsclickhouse,
        restapi,
        css,
    ),
    *(kafkaclient, mrskafka, obsmanager, createobs, deleteobs),
)
STARTS_A_JVM = (hivesql,)
AT_ONCE = {"CreateOBS", "DeleteOBS"}
"""One or few calls of the storage: there is nothing to stop. Their implementation is OBSManager's."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("conformance"))
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    silence = Silence()
    yield silence
    silence.listener.close()


@pytest.fixture(
    params=[pytest.param(each, marks=pytest.mark.long if each in STARTS_A_JVM else ()) for each in CASES],
    ids=[each.__name__ for each in CASES],
)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param(request)
    return made


def test_it_runs_and_leaves_nothing(stage: HostedStage, case: Case) -> None:
    context = context_of(stage, case, case.good)
    outcome = run(stage, case, context)
    assert isinstance(outcome, Succeeded), (outcome, log_of(context))
    assert nothing_left(case) == 0


def test_it_fails_with_a_message_and_leaves_nothing(stage: HostedStage, case: Case) -> None:
    if case.type in AT_ONCE - {"DeleteOBS"}:
        pytest.skip("the embedded storage makes what is missing")
    context = context_of(stage, case, case.bad, connection=case.bad_connection or case.connection)
    outcome = run(stage, case, context)
    assert isinstance(outcome, Failed), log_of(context)
    assert outcome.kind is FailureKind.ERROR
    assert outcome.message
    assert nothing_left(case) == 0


def test_it_stops_within_two_seconds_and_leaves_nothing(stage: HostedStage, case: Case) -> None:
    if case.type in AT_ONCE:
        pytest.skip("it is done at once")
    context = context_of(stage, case, case.slow, connection=case.slow_connection or case.connection)
    outcome, seconds = stop(stage, case, context)
    assert isinstance(outcome, Failed), log_of(context)
    assert outcome.kind is FailureKind.CANCELLED
    assert seconds < STOP_SECONDS
    assert nothing_left(case) == 0
    again = context_of(stage, case, case.good)
    assert isinstance(run(stage, case, again), Succeeded), log_of(again)


def test_it_survives_kill_9_of_the_server(stage: HostedStage, case: Case) -> None:
    context = context_of(stage, case, case.lasting)
    kill_its_server(stage, case, context)
    outcome = attach(stage, case, context)
    assert isinstance(outcome, Succeeded), (outcome, log_of(context))
    assert nothing_left(case) == 0


def test_its_secrets_are_in_no_file_and_no_message(stage: HostedStage, case: Case) -> None:
    assert case.leak is not None
    context = context_of(stage, case, case.leak, secrets=(SECRET,))
    outcome = run(stage, case, context)
    assert type(outcome).__name__ == case.leaks_as or case.type == "DeleteOBS", (outcome, log_of(context))
    assert SECRET not in str(outcome)
    assert SECRET not in log_of(context)
    assert SECRET not in (output_of(context, outcome) or "")
    passwords = [each for each in context.secrets if each]
    assert holding(stage, context, *passwords) == []


def test_every_working_type_is_in_the_suite_or_says_why_not() -> None:
    registry = Registry(group=None)
    done = {"shell", "python", *(each.__name__ for each in CASES)}
    missing = []
    for entry in BUILT_IN:
        node: Any = registry.find(entry.name)
        if entry.work is Work.CONTROL or entry.name in ELSEWHERE or "Not tested with one" in node.type.server:
            continue
        if entry.name.lower() not in done:
            missing.append(entry.name)
    assert missing == []
