"""DLISQL in real hosts: what it answers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import Stage, message, output_of, play
from tests.nodes.test_dlisql_kit import scalar, sql

from arkwright.core.job import Script
from arkwright.core.outcome import FailureKind, Succeeded
from arkwright.nodes.dlisql import DliSql
from arkwright.nodes.duckdb_text import CHARACTERS, two_dimensional


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One host for all tests that don't kill it."""
    stage = Stage(tmp_path_factory.mktemp("shared"))
    yield stage
    stage.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


# -- answers


def test_the_output_is_the_last_result_as_2d_text(shared: Stage) -> None:
    outcome, log, output = sql(shared, "SELECT 'first'; SELECT 11; CREATE OR REPLACE TABLE answers AS SELECT 1 AS a")
    assert output == '[["11"]]'
    assert outcome == Succeeded(output="output", output_row_count=1)
    assert "[2/3] SELECT 11" in log
    assert "ms" in log


def test_values_are_duckdbs_own_text_and_null_is_null(shared: Stage) -> None:
    query = (
        "SELECT NULL, true, 1.50::DECIMAL(5, 2), DATE '2024-02-29', [1, NULL], {'a': 'é'}, 1e20, INTERVAL 3 DAY,"
        " TIMESTAMPTZ '2024-01-01 00:00:00+00' IS NOT NULL, 1 AS x, 2 AS x ; -- the end\n ;"
    )
    output = sql(shared, query)[2]
    texts = [None, "true", "1.50", "2024-02-29", "[1, NULL]", "{'a': é}", "1e+20", "3 days", "true", "1", "2"]
    assert output == json.dumps([texts], ensure_ascii=False, separators=(",", ":"))


def test_a_timestamp_with_time_zone_can_be_selected(shared: Stage) -> None:
    assert scalar(shared, "SELECT TIMESTAMPTZ '2024-01-01 10:00:00+00'").startswith("2024-01-01")


def test_without_a_result_there_is_no_output_but_a_row_count(shared: Stage) -> None:
    outcome, log, output = sql(shared, "CREATE OR REPLACE TABLE counted (a INT); INSERT INTO counted FROM range(7)")
    assert output is None
    assert outcome == Succeeded(output_row_count=7)
    assert "7 rows" in log


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT a FROM range(3) t(a) ORDER BY a DESC", [["2"], ["1"], ["0"]]),
        ("WITH x AS (SELECT 5) FROM x", [["5"]]),
        ("VALUES (1), (2)", [["1"], ["2"]]),
        (
            "CREATE TEMP TABLE r (a INT); INSERT INTO r VALUES (1), (2) RETURNING a + 1, a > 1",
            [["2", "false"], ["3", "true"]],
        ),
        ('CREATE TEMP TABLE c (a INT); INSERT INTO c VALUES (7) RETURNING a AS "Count"', [["7"]]),
        ("CREATE TEMP TABLE p AS FROM (VALUES ('x', 1)) v(k, n); PIVOT p ON k USING sum(n)", [["1"]]),
        ("SELECT 'a;b' -- c;\n;", [["a;b"]]),
        ("SELECT 1 WHERE false", []),
        ("SET VARIABLE n = 5; SELECT getvariable('n')", [["5"]]),
        ("CREATE TEMP TABLE d (a INT); DESCRIBE d", [["a", "INTEGER", "YES", None, None, None]]),
    ],
)
def test_results_of_all_kinds_of_statements(shared: Stage, query: str, expected: list[list[Any]]) -> None:
    outcome, log, output = sql(shared, query)
    assert output is not None, (outcome, log)
    assert json.loads(output) == expected


def test_explain_is_allowed(shared: Stage) -> None:
    output = sql(shared, "EXPLAIN ANALYZE SELECT 42")[2]
    assert output is not None
    assert "analyzed_plan" in output


def test_at_most_a_thousand_rows_are_kept_and_the_log_says_so(shared: Stage) -> None:
    outcome, log, output = sql(shared, "SELECT range FROM range(2000)")
    assert output is not None
    assert len(json.loads(output)) == 1000
    assert outcome == Succeeded(output="output", output_row_count=1000)
    assert "first 1,000 rows" in log


def test_the_output_is_cut_between_rows_at_a_million_characters(shared: Stage) -> None:
    rows = [["x" * 100_000]] * 20
    text, kept = two_dimensional(rows)
    assert len(text) <= CHARACTERS
    assert json.loads(text) == rows[:kept]
    assert kept == 9
    assert two_dimensional([["x" * CHARACTERS]]) == ("[]", 0)
    log = sql(shared, "SELECT repeat('é', 600000) FROM range(3)")[1]
    assert "first 1 rows" in log


def test_an_error_names_what_is_wrong_and_nothing_has_happened(shared: Stage) -> None:
    outcome, log, _ = sql(shared, "CREATE TABLE half (a INT); INSERT INTO half VALUES (1); SELECT nope FROM half")
    assert "nope" in message(outcome, FailureKind.ERROR)
    assert "rolled back" in log
    assert "LINE 1: FROM half\n" in message(sql(shared, "FROM half")[0], FailureKind.ERROR)
    assert "LINE 12: nope\n         ^" in message(sql(shared, "SELECT 1," + "\n" * 11 + "nope")[0], FailureKind.ERROR)
    assert "LINE 9:  nope\n         ^" in message(sql(shared, "SELECT 1," + "\n" * 8 + "nope")[0], FailureKind.ERROR)
    assert "selec" in message(sql(shared, "SELECT 1; selec 2")[0], FailureKind.ERROR)


def test_a_schema_is_chosen_by_database(shared: Stage) -> None:
    sql(shared, 'CREATE SCHEMA IF NOT EXISTS "my sales"')
    sql(shared, "CREATE OR REPLACE TABLE t AS SELECT 'there' AS a", database="my sales")
    assert scalar(shared, 'SELECT a FROM "my sales".t') == "there"
    assert sql(shared, "SELECT current_schema()", database="default")[2] == '[["main"]]'
    assert "nowhere" in message(sql(shared, "SELECT 1", database="nowhere")[0], FailureKind.ERROR)
    quoted = message(sql(shared, "SELECT 1", database="x'; DROP SCHEMA main; --")[0], FailureKind.ERROR)
    assert "x'" in quoted


def test_a_script_is_run_in_its_own_database(shared: Stage) -> None:
    sql(shared, "CREATE SCHEMA IF NOT EXISTS scripted")
    script = Script(name="s", type="DLI SQL", text="SELECT current_schema()", version=1, database="scripted")

    async def scene() -> None:
        async with shared.server() as server:
            context = shared.context({"scriptName": "s"}, script=script)
            outcome = await server.run("dlisql", context)
            assert output_of(context, outcome) == '[["scripted"]]'

    play(scene)


# -- no false green


@pytest.mark.parametrize(
    ("properties", "part"),
    [
        ({"connectionName": "spark"}, "spark"),
        ({"queueName": "q1"}, "q1"),
        ({"clusterName": "c1"}, "c1"),
        ({"catalogName": "hive"}, "hive"),
        ({"database": "Arkwright"}, "Arkwright"),
        ({"statement": ""}, "nothing to run"),
        ({"sql": "SELECT 2"}, "differ"),
        ({"scriptName": "s"}, "statementOrScript"),
        ({"statementOrScript": "SCRIPT", "scriptName": "s"}, "no script 's'"),
        ({"statementOrScript": "perhaps"}, "perhaps"),
        ({"statement": "SELECT '\0'"}, "NUL"),
    ],
)
def test_what_is_not_honoured_is_refused_by_name(tmp_path: Path, properties: dict[str, str], part: str) -> None:
    context = Stage(tmp_path).context({"statement": "SELECT 1"} | properties)
    refused = DliSql().check(context)
    assert refused is not None
    assert refused.kind is FailureKind.REFUSED
    assert part in refused.message


def test_what_means_this_place_is_accepted(tmp_path: Path) -> None:
    script = Script(name="s", type="dli-sql", text="SELECT 1", version=1, connection_name="local")
    node, stage = DliSql(), Stage(tmp_path)
    assert (
        node.check(stage.context({"scriptName": "s", "queueName": "default", "connectionName": ""}, script=script))
        is None
    )
    context = stage.context({"scriptName": "s"}, script=script)
    elsewhere = Script(name="s", type="DLISQL", text="SELECT 1", version=1, connection_name="spark")
    refused = node.check(replace(context, script=elsewhere))
    assert refused is not None
    assert "spark" in refused.message
    queued = Script(name="s", type="DLISQL", text="SELECT 1", version=1, extra={"queueName": "etl"})
    refused = node.check(replace(context, script=queued))
    assert refused is not None
    assert "etl" in refused.message
    assert node.check(stage.context({"scriptName": "s", "queueName": "default"}, script=queued)) is None
    wrong = Script(name="s", type="Shell", text="true", version=1)
    assert node.check(replace(context, script=wrong)) is not None
    assert node.check(stage.context({"statement": "SELECT 1", "connectionName": "local"})) is None
