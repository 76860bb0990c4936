"""SQL on the workspace's own Spark (`pyspark` from PyPI), which its host process starts and keeps."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import host_environment, log_of, output_of, play
from tests.nodes.conformance_kit import SECRET, processes
from tests.nodes.sql_kit import SqlStage
from tests.servers.spark import QUICK_JAVA, spark_home

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.nodes.base import SCRIPT_TEXT, Connection, Context
from arkwright.nodes.dlisql import DliSql
from arkwright.nodes.sparksql import SparkSql

START_SECONDS = 400.0
SLOW = "SELECT count(*) FROM range(0, 10000000000000, 1, 1) WHERE id % 7 = 3"
HERE = Connection(name="own", type="SparkSQL", config={"master": "local"})
needs_spark = pytest.mark.usefixtures("spark")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStage]:
    stage = SqlStage(tmp_path_factory.mktemp("spark-sql"))
    stage.environment = {**host_environment(), **QUICK_JAVA}
    yield stage
    stage.close()


@pytest.fixture
def spark() -> None:
    spark_home()


def context_of(stage: SqlStage, statement: str = "", connection: Connection | None = None, **more: Any) -> Context:
    named = {} if "script" in more else {"connectionName": "local"}
    made = stage.sql_context(connection, statement, **{**named, **more})
    return replace(made, local_programs_allowed=True)


def run(stage: SqlStage, context: Context, type_name: str = "SparkSQL") -> tuple[Outcome, str, str | None]:
    """Outcome, log and output; as long as a JVM may take to start. Each run is by another server."""
    answers: list[tuple[Outcome, str, str | None]] = []

    async def scene() -> None:
        async with stage.server() as server:
            server.seconds = START_SECONDS
            outcome = await server.run(type_name, context)
            answers.append((outcome, log_of(context), output_of(context, outcome)))

    play(scene)
    return answers[0]


def jvms(stage: SqlStage) -> int:
    return processes(f"{stage.workspace}/spark/warehouse")


@pytest.mark.long
@needs_spark
def test_rows_and_their_types_arrive_as_spark_says_them(stage: SqlStage) -> None:
    statement = (
        "SELECT 1 AS a, CAST(1.5 AS decimal(10,2)) AS a, date'2024-01-02' AS day, 'ä;\"' AS text, "
        "CAST(NULL AS string) AS nothing, true AS yes, timestamp'2024-01-02 03:04:05.123456' AS at, "
        "array(1, NULL) AS many, named_struct('x', 1, 'y', NULL) AS parts, map('k', 2) AS pairs, "
        "unhex('6162') AS bytes, 1.25D AS real"
    )
    outcome, log, output = run(stage, context_of(stage, statement))
    assert isinstance(outcome, Succeeded), log
    assert "Spark is started on this host" in log
    assert "Spark SQL at this host" in log
    (row,) = json.loads(output or "")
    assert row[:7] == ["1", "1.50", "2024-01-02", 'ä;"', None, "true", "2024-01-02 03:04:05.123456"]
    assert row[7:] == ["[1,null]", '{"x":1,"y":null}', '{"k":2}', "ab", "1.25"]
    assert outcome.output_row_count == 1


@pytest.mark.long
@needs_spark
def test_several_statements_share_one_session_and_all_rows_come(stage: SqlStage) -> None:
    text = (
        "CREATE TEMPORARY VIEW many AS SELECT id, concat('row;', id) AS word FROM range(25000);\n"
        "-- a comment; with a semicolon\nSELECT id, word FROM many ORDER BY id;"
    )
    script = Script(name="s", type="SparkSQL", text=text, version=1, connection_name="local")
    outcome, log, output = run(stage, context_of(stage, script=script))
    assert isinstance(outcome, Succeeded), log
    assert outcome.output_row_count == 25000
    assert json.loads(output or "")[999] == ["999", "row;999"]
    outcome, _, _ = run(stage, context_of(stage, "SELECT * FROM many"))
    assert isinstance(outcome, Failed), "another node's session sees the view"


@pytest.mark.long
@needs_spark
def test_what_spark_refuses_is_said_in_its_words(stage: SqlStage) -> None:
    outcome, log, _ = run(stage, context_of(stage, "SELECT nothing FROM nowhere"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "TABLE_OR_VIEW_NOT_FOUND" in outcome.message
    assert "Traceback" not in log
    assert len(outcome.message) < 800, outcome.message
    outcome, _, _ = run(stage, context_of(stage, "SELECT 1 / (id - id) FROM range(3)"))
    assert isinstance(outcome, Failed)
    assert "DIVIDE_BY_ZERO" in outcome.message
    assert "\tat " not in outcome.message


@pytest.mark.long
@needs_spark
def test_what_goes_wrong_leaves_no_secret_in_a_file(stage: SqlStage) -> None:
    text = f"SELECT 1 / (id - id), '{SECRET}' FROM range(3)"
    script = Script(name="s", type="SparkSQL", text=text, version=1, connection_name="local")
    context = context_of(stage, script=script)
    outcome, log, _ = run(stage, replace(context, secrets=(SECRET,), secret_places=frozenset({SCRIPT_TEXT})))
    assert isinstance(outcome, Failed)
    assert SECRET not in outcome.message + log
    kept = [path for folder in (context.folder, stage.workspace, stage.hosts) for path in folder.rglob("*")]
    assert [path for path in kept if path.is_file() and SECRET.encode() in path.read_bytes()] == []


@pytest.mark.long
@needs_spark
def test_a_cancelled_statement_stops_in_spark(stage: SqlStage) -> None:
    """That it stops there is seen by the next one, which has all cores for itself."""

    async def scene() -> None:
        async with stage.server() as server:
            server.seconds = START_SECONDS
            assert isinstance(await server.run("SparkSQL", context_of(stage, "SELECT 1")), Succeeded)
            context = context_of(stage, SLOW)
            server.executor.submit("SparkSQL", context)
            async with asyncio.timeout(60):
                while "[1/1]" not in log_of(context):
                    await asyncio.sleep(0.02)
                await asyncio.sleep(1.0)  # until it computes: Spark tells nobody
            begun = time.monotonic()
            server.executor.cancel(context.key)
            outcome = await server.outcome(context)
            assert isinstance(outcome, Failed)
            assert outcome.kind is FailureKind.CANCELLED
            assert time.monotonic() - begun < 2.0
            after = [context_of(stage, "SELECT count(*) FROM range(0, 1000, 1, 2)") for _ in range(2)]
            async with asyncio.timeout(30):
                for found in await asyncio.gather(*(server.run("SparkSQL", each) for each in after)):
                    assert isinstance(found, Succeeded)

    play(scene)


@pytest.mark.long
@needs_spark
def test_servers_one_after_the_other_use_one_spark_and_its_tables_outlive_it(stage: SqlStage) -> None:
    (stage.workspace / "files").mkdir(exist_ok=True)
    (stage.workspace / "files" / "days.csv").write_text("1,monday\n2,tuesday\n")
    made = "CREATE DATABASE IF NOT EXISTS kept; CREATE TABLE kept.days AS SELECT _c1 AS day FROM csv.`days.csv`"
    outcome, log, _ = run(stage, context_of(stage, made))
    assert isinstance(outcome, Succeeded), log
    first = stage.pid("spark-default")
    assert jvms(stage) == 1
    outcome, log, output = run(stage, context_of(stage, "SELECT day FROM days ORDER BY day", database="kept"))
    assert (isinstance(outcome, Succeeded), output) == (True, '[["monday"],["tuesday"]]'), log
    assert stage.pid("spark-default") == first
    stage.kill("spark-default")
    outcome, log, output = run(stage, context_of(stage, "SELECT count(*) FROM kept.days"))
    assert (isinstance(outcome, Succeeded), output) == (True, '[["2"]]'), log
    assert jvms(stage) == 1, "the JVM of the host that was killed is still there"


@pytest.mark.long
@needs_spark
def test_it_survives_the_end_of_its_jvm(stage: SqlStage) -> None:
    outcome, log, _ = run(stage, context_of(stage, "SELECT reflect('java.lang.Runtime', 'version')"))
    assert isinstance(outcome, Succeeded), log
    ended = context_of(stage, "CREATE TABLE never AS SELECT java_method('java.lang.System', 'exit', 3)")
    outcome, log, _ = run(stage, ended)
    assert isinstance(outcome, Failed)
    # It ends in an orderly way, and may still get to say that the statement failed.
    assert outcome.kind in (FailureKind.LOST, FailureKind.ERROR), outcome
    outcome, log, _ = run(stage, context_of(stage, "SELECT 1"))
    assert isinstance(outcome, Succeeded), log


@pytest.mark.long
@needs_spark
def test_one_that_can_not_start_says_why_and_the_next_try_finds_it_mended(tmp_path: Path) -> None:
    stage = SqlStage(tmp_path)
    stage.environment = {**host_environment(), **QUICK_JAVA}
    try:
        catalogue = stage.workspace / "spark" / "metastore"
        catalogue.parent.mkdir()
        catalogue.touch()
        outcome, log, _ = run(stage, context_of(stage, "SELECT 1"))
        assert isinstance(outcome, Failed)
        assert "Spark can't be started on this host" in outcome.message
        catalogue.unlink()
        outcome, log, _ = run(stage, context_of(stage, "SELECT 1"))
        assert isinstance(outcome, Succeeded), log
    finally:
        stage.close()


@pytest.mark.long
@needs_spark
def test_dlisql_runs_there_by_a_connection(stage: SqlStage) -> None:
    outcome, log, output = run(stage, context_of(stage, "SELECT explode(sequence(1, 3))", HERE), "DLISQL")
    assert isinstance(outcome, Succeeded), log
    assert output == '[["1"],["2"],["3"]]'


@pytest.mark.long
@needs_spark
def test_it_ends_with_its_host_once_nobody_needs_it(stage: SqlStage) -> None:
    stage.settings["idle_seconds"] = 0.2
    try:
        outcome, log, _ = run(stage, context_of(stage, "SELECT 1"))
    finally:
        del stage.settings["idle_seconds"]
    assert isinstance(outcome, Succeeded), log
    end = time.monotonic() + 30
    while jvms(stage):
        assert time.monotonic() < end
        time.sleep(0.05)


@needs_spark
@pytest.mark.parametrize("type_name", ["SparkSQL", "DLISQL"])
def test_it_takes_what_local_programs_take(stage: SqlStage, type_name: str) -> None:
    node: Any = SparkSql() if type_name == "SparkSQL" else DliSql()
    assert node.check(context_of(stage, "SELECT 1", HERE)) is None
    refused = node.check(replace(context_of(stage, "SELECT 1", HERE), local_programs_allowed=False))
    assert refused is not None
    assert "Programs on the server's host are not allowed in this workspace" in refused.message


@needs_spark
def test_where_java_or_spark_is_missing_the_way_out_is_named(stage: SqlStage, monkeypatch: pytest.MonkeyPatch) -> None:
    context = context_of(stage, "SELECT 1")
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda _: None)
        refused = SparkSql().check(context)
        assert refused is not None
        assert "pip install 'arkwright[spark]'" in refused.message
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    refused = SparkSql().check(context)
    assert refused is not None
    assert "default-jre-headless" in refused.message


def test_without_a_word_where_it_is_to_run_it_is_refused(stage: SqlStage) -> None:
    refused = SparkSql().check(context_of(stage, "SELECT 1", connectionName=""))
    assert refused is not None
    assert refused.kind is FailureKind.REFUSED
    assert "'local' is Spark on the server's host" in refused.message


def test_a_connection_with_an_address_is_its_thrift_server(stage: SqlStage) -> None:
    both = replace(HERE, config={"master": "local", "ip": "10.0.0.5", "port": 10000})
    assert SparkSql().host(context_of(stage, "SELECT 1", both)) == "sql-default"
    assert SparkSql().host(context_of(stage, "SELECT 1", HERE)) == "spark-default"


def test_it_is_on_the_servers_machine_alone(stage: SqlStage) -> None:
    here, there = context_of(stage, "SELECT 1"), replace(HERE, config={"ip": "10.0.0.5", "port": 10000})
    assert SparkSql().bound(context_of(stage, "SELECT 1", there)) is None
    assert SparkSql().bound(here) is not None
    refused = SparkSql().check(replace(here, on_worker=True))
    assert refused is not None
    assert "Set workerGroup to local" in refused.message
