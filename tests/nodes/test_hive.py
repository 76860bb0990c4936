"""HiveSQL and SparkSQL on a real HiveServer2 (Spark's Thrift server): results, types, errors, cancel on the server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import log_of, play
from tests.nodes.sql_kit import SqlStage
from tests.servers.spark import ThriftServer

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Connection

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
"""A JVM has to start."""

SLOW = "SELECT count(*) FROM range(0, 10000000000000, 1, 1) WHERE id % 7 = 3"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStage]:
    stage = SqlStage(tmp_path_factory.mktemp("hive"))
    yield stage
    stage.close()


@pytest.fixture
def hive(thrift_server: ThriftServer) -> Connection:
    config = {
        "ip": "127.0.0.1",
        "port": thrift_server.port,
        "userName": thrift_server.user,
        "password": thrift_server.password,
    }
    return Connection(name="hive", type="HIVE", config=config)


def test_rows_and_their_types_arrive_as_the_server_says_them(stage: SqlStage, hive: Connection) -> None:
    outcome, log, output = stage.run_sql(
        "HiveSQL",
        hive,
        "SELECT 1 AS a, CAST(1.5 AS decimal(10,2)) AS d, date'2024-01-02' AS day, 'ä;\"' AS text, "
        "CAST(NULL AS string) AS nothing, true AS yes, timestamp'2024-01-02 03:04:05.123456' AS at, "
        "array(1, 2) AS many, "
        "unhex('6162') AS bytes, 1.25D AS real",
    )
    assert isinstance(outcome, Succeeded), log
    assert output is not None
    (row,) = json.loads(output)
    shown = ["1", "1.50", "2024-01-02", 'ä;"', None, "true", "2024-01-02 03:04:05.123456", "[1,2]"]
    assert row[:8] == shown, row
    assert row[9] == "1.25"
    assert outcome.output_row_count == 1


def test_several_statements_share_one_session_and_all_rows_come(stage: SqlStage, hive: Connection) -> None:
    outcome, log, output = stage.run_sql(
        "SparkSQL",
        replace(hive, type="SparkSQL"),
        "CREATE TEMPORARY VIEW many AS SELECT id, concat('row;', id) AS word FROM range(25000);\n"
        "-- a comment; with a semicolon\nSELECT id, word FROM many ORDER BY id;",
    )
    assert isinstance(outcome, Succeeded), log
    assert outcome.output_row_count == 25000
    assert output is not None
    assert json.loads(output)[999] == ["999", "row;999"]


def test_what_the_server_refuses_is_said_in_its_words_without_a_traceback(stage: SqlStage, hive: Connection) -> None:
    outcome, log, _ = stage.run_sql("HiveSQL", hive, "SELECT nothing FROM nowhere")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "TABLE_OR_VIEW_NOT_FOUND" in outcome.message
    assert "Traceback" not in log
    assert "\tat " not in outcome.message
    assert len(outcome.message) < 800, outcome.message


def test_a_cancelled_statement_stops_on_the_server(stage: SqlStage, hive: Connection) -> None:
    """That it stops there is seen by the next one: the server has one thread to work with, and it was busy."""

    async def scene() -> None:
        async with stage.server() as server:
            context = stage.sql_context(hive, SLOW)
            server.executor.submit("HiveSQL", context)
            async with asyncio.timeout(60):
                while "[1/1]" not in log_of(context):
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.5)  # until it computes: the server tells nobody
            begun = time.monotonic()
            server.executor.cancel(context.key)
            outcome = await server.outcome(context)
            assert isinstance(outcome, Failed)
            assert outcome.kind is FailureKind.CANCELLED
            assert time.monotonic() - begun < 2.0
            after = stage.sql_context(hive, "SELECT count(*) FROM range(1000)")
            async with asyncio.timeout(30):
                found = await server.run("HiveSQL", after)
            assert isinstance(found, Succeeded), log_of(after)

    play(scene)


def test_a_statement_that_is_cancelled_before_it_computes_stops_on_the_server(
    stage: SqlStage, hive: Connection
) -> None:
    """Once more seen by the next one."""

    async def scene() -> None:
        async with stage.server() as server:
            for _ in range(4):
                context = stage.sql_context(hive, SLOW)
                server.executor.submit("HiveSQL", context)
                async with asyncio.timeout(60):
                    while "[1/1]" not in log_of(context):
                        await asyncio.sleep(0.005)
                server.executor.cancel(context.key)
                assert isinstance(await server.outcome(context), Failed)
                after = stage.sql_context(hive, "SELECT count(*) FROM range(1000)")
                found = await server.run("HiveSQL", after)
                assert isinstance(found, Succeeded), log_of(after)

    play(scene)


def test_dlisql_runs_on_spark_by_a_connection(stage: SqlStage, hive: Connection) -> None:
    text = "SELECT explode(sequence(1, 3)) AS n"  # which DuckDB does not know
    outcome, log, output = stage.run_sql("DLISQL", replace(hive, type="SparkSQL"), text)
    assert isinstance(outcome, Succeeded), log
    assert output == '[["1"],["2"],["3"]]'


def test_a_server_that_is_not_there_is_named(stage: SqlStage, hive: Connection) -> None:
    gone = replace(hive, config={**hive.config, "port": 9})
    outcome, _, _ = stage.run_sql("HiveSQL", gone, "SELECT 1")
    assert isinstance(outcome, Failed)
    assert "Can't connect to 127.0.0.1:9" in outcome.message


def test_a_password_is_in_no_file_of_the_attempt(stage: SqlStage, hive: Connection, thrift_server: Any) -> None:
    stage.run_sql("HiveSQL", hive, "SELECT 1")
    for path in Path(stage.folder).rglob("*"):
        if path.is_file():
            assert thrift_server.password.encode() not in path.read_bytes(), path
