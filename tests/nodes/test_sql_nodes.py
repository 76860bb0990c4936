"""The SQL nodes on real servers: PostgreSQL behind DWSSQL, MariaDB and PostgreSQL behind RDSSQL."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pymysql
import pytest
from tests.examples import seldom
from tests.executors.test_resident_kit import log_of, play
from tests.nodes.sql_kit import SqlStage
from tests.servers.mariadb import MariaDb
from tests.servers.postgres_tcp import PostgresTcp

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes import sql_node
from arkwright.nodes.base import RESULT, Connection

SERVERS = ("dws", "mysql")


@pytest.fixture
def stage(tmp_path: Path, hosts: Path) -> SqlStage:
    return SqlStage(tmp_path, hosts=hosts)


@pytest.fixture
def dws(postgres_tcp: PostgresTcp) -> Connection:
    config = {
        "ip": "127.0.0.1",
        "port": str(postgres_tcp.port),
        "userName": postgres_tcp.user,
        "password": postgres_tcp.password,
        "database": postgres_tcp.database,
        "sslEnable": "false",
    }
    return Connection(name="warehouse", type="DWS", config=config)


@pytest.fixture
def mysql(mariadb: MariaDb) -> Connection:
    config = {
        "ip": "127.0.0.1",
        "port": mariadb.port,
        "userName": mariadb.user,
        "password": mariadb.password,
        "database": mariadb.database,
        "driverName": "com.mysql.jdbc.Driver",
        "driverPath": "obs://drivers/mysql.jar",
    }
    return Connection(name="shop", type="RDS", config=config)


@pytest.fixture(params=SERVERS)
def node(request: pytest.FixtureRequest) -> tuple[str, Connection]:
    """A type of node and its connection."""
    connection: Connection = request.getfixturevalue(request.param)
    return ("dwssql" if request.param == "dws" else "rdssql"), connection


def changed(connection: Connection, **config: Any) -> Connection:
    return Connection(name=connection.name, type=connection.type, config={**connection.config, **config})


def test_the_output_is_the_last_result_in_the_servers_own_text(stage: SqlStage, node: tuple[str, Connection]) -> None:
    kind, connection = node
    outcome, log, output = stage.run_sql(
        kind, connection, "SELECT 'a;b' AS x; SELECT 11, NULL, 1.50, 'é', '2024-02-29'"
    )
    assert isinstance(outcome, Succeeded), (outcome, log)
    assert json.loads(output or "") == [["11", None, "1.50", "é", "2024-02-29"]]
    assert outcome.output_row_count == 1
    assert "[2/2] SELECT 11" in log


def test_statements_without_rows_have_no_output_and_count_what_they_changed(
    stage: SqlStage, node: tuple[str, Connection]
) -> None:
    kind, connection = node
    made, log, _ = stage.run_sql(kind, connection, "DROP TABLE IF EXISTS counted; CREATE TABLE counted (a int)")
    assert isinstance(made, Succeeded), log
    outcome, log, output = stage.run_sql(
        kind, connection, "INSERT INTO counted VALUES (1), (2); UPDATE counted SET a = a + 1 WHERE a = 2"
    )
    assert outcome == Succeeded(output_row_count=3), log
    assert output is None
    assert "committed" in log


def test_either_all_statements_happen_or_none(stage: SqlStage, node: tuple[str, Connection]) -> None:
    kind, connection = node
    stage.run_sql(kind, connection, "DROP TABLE IF EXISTS whole; CREATE TABLE whole (a int)")
    outcome, log, _ = stage.run_sql(kind, connection, "INSERT INTO whole VALUES (1); SELECT nowhere FROM nothing")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "nothing" in outcome.message
    assert "failed:" in log
    assert stage.run_sql(kind, connection, "SELECT count(*) FROM whole")[2] == '[["0"]]'


def test_a_large_result_is_streamed_into_a_file_and_cut_in_the_output(
    stage: SqlStage, node: tuple[str, Connection]
) -> None:
    kind, connection = node
    numbers = (
        "SELECT n, 'text,with \"quotes\"' AS t FROM generate_series(1, 30000) AS n"
        if kind == "dwssql"
        else "SELECT seq AS n, 'text,with \"quotes\"' AS t FROM seq_1_to_30000"
    )
    context: list[Any] = []

    async def scene() -> None:
        async with stage.server() as server:
            context.append(stage.sql_context(connection, numbers))
            context.append(await server.run(kind, context[0]))

    play(scene)
    assert context[1].output_row_count == 30000, log_of(context[0])
    assert len(json.loads((context[0].folder / "output").read_text())) == 1000
    with (context[0].folder / RESULT).open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["n", "t"]
    assert rows[-1] == ["30000", 'text,with "quotes"']
    assert len(rows) == 30001


def test_a_result_over_its_cap_ends_with_a_whole_row(stage: SqlStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_node, "RESULT_BYTES", 1000)
    context = stage.sql_context(None, "SELECT 1")
    context.folder.mkdir(parents=True)
    with sql_node.Results(context) as results:
        results.begin(["n"])
        for number in range(1000):
            results.row([f"{number:08}"])
    assert (results.rows, results.kept) == (1000, 100)
    with (context.folder / RESULT).open(newline="") as file:
        assert list(csv.reader(file))[-1] == ["00000099"]


def test_a_stopped_node_stops_its_statement_on_the_server(stage: SqlStage, node: tuple[str, Connection]) -> None:
    kind, connection = node
    sleep = "SELECT pg_sleep(300)" if kind == "dwssql" else "SELECT SLEEP(300)"
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()"
        " AND state = 'active'"
        if kind == "dwssql"
        else "SELECT count(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(300)'"
    )
    outcomes: list[Any] = []

    async def scene() -> None:
        async with stage.server() as server:
            context = stage.sql_context(connection, sleep)
            server.executor.submit(kind, context)
            while "[1/1]" not in log_of(context):
                await asyncio.sleep(0.01)
            server.executor.cancel(context.key)
            outcomes.append(await server.outcome(context))

    play(scene)
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].kind is FailureKind.CANCELLED
    assert stage.run_sql(kind, connection, running)[2] == '[["0"]]'


@pytest.mark.parametrize("point", [*seldom("after statement"), "before commit", "after commit"])
def test_postgresql_is_asked_what_became_of_a_commit(
    stage: SqlStage, dws: Connection, tmp_path: Path, point: str
) -> None:
    """Killed at any point, the insert happens exactly once."""
    stage.run_sql("dwssql", dws, "DROP TABLE IF EXISTS once; CREATE TABLE once (a int)")
    told = changed(dws, die_at=point, died=str(tmp_path / "died"))
    outcome, log, _ = stage.run_sql("dwssql", told, "INSERT INTO once VALUES (1)")
    assert outcome == Succeeded(output_row_count=1), log
    assert (tmp_path / "died").exists()
    assert stage.run_sql("dwssql", dws, "SELECT count(*) FROM once")[2] == '[["1"]]'


@pytest.mark.parametrize(
    ("point", "lost"), [("after statement", False), ("before commit", True), ("after commit", True)]
)
def test_mysql_can_not_be_asked_so_a_commit_nobody_heard_of_is_lost(
    stage: SqlStage, mysql: Connection, tmp_path: Path, point: str, lost: bool
) -> None:
    stage.run_sql("rdssql", mysql, "DROP TABLE IF EXISTS once; CREATE TABLE once (a int)")
    told = changed(mysql, die_at=point, died=str(tmp_path / "died"))
    outcome, log, _ = stage.run_sql("rdssql", told, "INSERT INTO once VALUES (1)")
    assert (tmp_path / "died").exists()
    if lost:
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.LOST
        assert "can't be known" in outcome.message
    else:
        assert outcome == Succeeded(output_row_count=1), log
        assert stage.run_sql("rdssql", mysql, "SELECT count(*) FROM once")[2] == '[["1"]]'


def test_a_script_brings_its_database_and_its_connection_is_the_nodes(stage: SqlStage, dws: Connection) -> None:
    script = Script(name="s", type="DWSSQL", text="SELECT current_database()", version=1, database="postgres")
    assert stage.run_sql("dwssql", dws, script=script)[2] == '[["postgres"]]'


def test_a_script_of_another_type_is_refused(stage: SqlStage, dws: Connection) -> None:
    script = Script(name="s", type="HiveSQL", text="SELECT 1", version=1)
    outcome = stage.run_sql("dwssql", dws, script=script)[0]
    assert isinstance(outcome, Failed)
    assert "'HiveSQL'" in outcome.message


def test_without_a_connection_nothing_runs(stage: SqlStage) -> None:
    outcome = stage.run_sql("rdssql", None, "SELECT 1")[0]
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    assert "connectionName" in outcome.message


def test_a_connection_that_names_only_the_clouds_cluster_says_what_to_set(stage: SqlStage) -> None:
    outcome = stage.run_sql("dwssql", Connection(name="w", type="DWS", config={"clusterName": "dws-1"}), "SELECT 1")[0]
    assert isinstance(outcome, Failed)
    assert "config.ip" in outcome.message


def test_a_wrong_password_is_told_without_the_password(stage: SqlStage, node: tuple[str, Connection]) -> None:
    kind, connection = node
    outcome, log, _ = stage.run_sql(kind, changed(connection, password="Wrong-Secret-1"), "SELECT 1")
    assert isinstance(outcome, Failed)
    assert "Can't connect" in outcome.message
    assert "Wrong-Secret-1" not in outcome.message + log


def test_loopback_is_fenced_where_it_is_not_allowed(tmp_path: Path, dws: Connection) -> None:
    stage = SqlStage(tmp_path, settings={"allow_loopback_requests": False})
    try:
        outcome = stage.run_sql("dwssql", dws, "SELECT 1")[0]
    finally:
        stage.close()
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    assert "loopback" in outcome.message


def test_definitions_in_mysql_commit_by_themselves_and_the_log_says_so(stage: SqlStage, mysql: Connection) -> None:
    _, log, _ = stage.run_sql("rdssql", mysql, "CREATE TABLE IF NOT EXISTS ddl (a int); INSERT INTO ddl VALUES (1)")
    assert "each statement commits by itself" in log


def test_vacuum_runs_outside_of_a_transaction(stage: SqlStage, dws: Connection) -> None:
    outcome, log, _ = stage.run_sql("dwssql", dws, "VACUUM")
    assert isinstance(outcome, Succeeded), log


def test_rdssql_runs_on_postgresql_too(stage: SqlStage, dws: Connection) -> None:
    connection = Connection(name="p", type="RDS", config={**dws.config, "driverName": "org.postgresql.Driver"})
    assert stage.run_sql("rdssql", connection, "SELECT 1")[2] == '[["1"]]'


def test_mysql_is_really_mysql(mariadb: MariaDb) -> None:
    with pymysql.connect(
        host="127.0.0.1", port=mariadb.port, user=mariadb.user, password=mariadb.password
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT version()")
        assert "MariaDB" in cursor.fetchone()[0]
