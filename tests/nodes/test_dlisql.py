"""DLISQL in real hosts: what it answers, what it refuses, and that each attempt happens exactly once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import DoomedServer, Meeting, Stage, play

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.nodes.base import Context
from arkwright.nodes.dlisql import DliSql
from arkwright.nodes.duckdb_confine import outward_link
from arkwright.nodes.duckdb_text import CHARACTERS, two_dimensional

ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE hash(a.range + b.range) = 1"


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


def sql(stage: Stage, *statements: str, **properties: str) -> tuple[Outcome, str, str | None]:
    """Outcome, log and output of the last of some attempts, one after the other."""
    result: list[tuple[Outcome, str, str | None]] = []

    async def scene() -> None:
        async with stage.server() as server:
            for statement in statements:
                context = stage.context({"statement": statement, **properties})
                outcome = await server.run("dlisql", context)
                result.append((outcome, log_of(context), output_of(context, outcome)))

    play(scene)
    return result[-1]


def log_of(context: Context) -> str:
    path = context.folder / "log"
    return path.read_text() if path.exists() else ""


def output_of(context: Context, outcome: Outcome) -> str | None:
    return None if outcome.output is None else (context.folder / outcome.output).read_text()


def message(outcome: Outcome, kind: FailureKind) -> str:
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is kind, outcome
    return outcome.message


def scalar(stage: Stage, query: str) -> str:
    outcome, log, output = sql(stage, query)
    assert output is not None, (outcome, log)
    return str(json.loads(output)[0][0])


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
    assert "half" in message(sql(shared, "FROM half")[0], FailureKind.ERROR)
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


# -- files


def test_files_of_the_workspace_are_read_and_written_by_relative_names(shared: Stage) -> None:
    files = shared.workspace / "files"
    (files / "sub").mkdir(parents=True, exist_ok=True)
    (files / "x.csv").write_text("a,b\n1,2\n3,4\n")
    assert scalar(shared, "SELECT sum(a) FROM read_csv('x.csv')") == "4"
    assert scalar(shared, "SELECT sum(b) FROM 'sub/../x.csv'") == "6"
    assert scalar(shared, f"SELECT sum(b) FROM '{files}/x.csv'") == "6"
    sql(shared, "COPY (SELECT 5 AS n) TO 'sub/out.parquet'; CREATE OR REPLACE TABLE copied (n INT)")
    outcome, log, _ = sql(shared, "COPY copied FROM 'sub/out.parquet'")
    assert outcome == Succeeded(output_row_count=1), log
    assert scalar(shared, "SELECT n FROM copied") == "5"
    assert (files / "sub" / "out.parquet").exists()


ESCAPES = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_text('file:///etc/passwd')",
    "SELECT * FROM read_text('../../../../../../etc/passwd')",
    "SELECT * FROM read_text('outside/secret')",
    "SELECT * FROM read_text('outside/../outside/secret')",
    "SELECT * FROM read_text('sub/../outside/secret')",
    "SELECT * FROM read_text('linked')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM glob('outside/*')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM 'http://127.0.0.1:1/x.csv'",
    "COPY (SELECT 1) TO '/tmp/arkwright-escape.csv'",
    "COPY (SELECT 1) TO '../escape.csv'",
    "COPY (SELECT 1) TO 'outside/escape.csv' (use_tmp_file false)",
    "COPY (SELECT 1) TO 'outside/../escape.csv' (use_tmp_file false)",
    "COPY (SELECT 1) TO '../warehouse.duckdb' (use_tmp_file false)",
    "COPY (SELECT 1) TO '../warehouse.duckdb.wal' (use_tmp_file false)",
    "COPY (SELECT 1) TO ('../ware' || 'house.duckdb') (use_tmp_file false)",
    "COPY (SELECT 1) TO 'x'\n'/../../warehouse.duckdb' (use_tmp_file false)",
    "COPY (SELECT 1) TO e'../warehouse.duckdb' (use_tmp_file false)",
    "COPY (SELECT 1) TO $$../warehouse.duckdb$$ (use_tmp_file false)",
    "COPY (SELECT 1) TO ../warehouse.duckdb",
    "COPY (SELECT 1 AS \"to\") /* to 'x' */ TO '../warehouse.duckdb' (use_tmp_file false)",
    "COPY (SELECT 1 a, 2 b) TO 'p' (FORMAT csv, PARTITION_BY (a), FILENAME_PATTERN '../../../warehouse')",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '../warehouse.duckdb' (use_tmp_file false)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET GLOBAL allowed_directories = ['/']",
    "RESET allowed_directories",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "SET temp_directory = '/tmp'",
    "PRAGMA enable_external_access = true",
    "PRAGMA database_list",
    "ATTACH '/tmp/arkwright-escape.duckdb' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH warehouse",
    "EXPORT DATABASE 'everything'",
    "IMPORT DATABASE 'everything'",
    "COPY FROM DATABASE warehouse TO other",
    "UPDATE EXTENSIONS",
    "CALL enable_logging(storage = 'file')",
    "DROP SCHEMA arkwright CASCADE",
    "SELECT 1; BEGIN",
    "SELECT 1; COMMIT",
    "ROLLBACK",
    "EXPLAIN ANALYZE COMMIT",
    "EXPLAIN /* x */ ANALYZE ROLLBACK",
    "PREPARE p AS SELECT 1",
    "VACUUM",
    "CHECKPOINT",
]  # fmt: skip


def test_nothing_leads_out_of_the_workspaces_files(stage: Stage, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("hush-hush")
    (outside / "deep").mkdir()
    files = stage.workspace / "files"
    (files / "sub").mkdir(parents=True)
    (files / "outside").symlink_to(outside)
    (files / "up").symlink_to(outside / "deep")
    (files / "linked").symlink_to(outside / "secret")
    # the kernel follows the link first: up/../secret is outside/secret, though as a text it is below `files`
    deeper = ["SELECT * FROM read_text('up/../secret')", "COPY (SELECT 1) TO 'up/../escape' (use_tmp_file false)"]
    deeper += ["SELECT * FROM read_text('sub/../up/../secret')"]

    async def scene() -> None:
        async with stage.server() as server:
            kept = await server.run("dlisql", stage.context({"statement": "CREATE TABLE kept AS SELECT 1 AS a"}))
            assert kept == Succeeded(output_row_count=1)
            for statement in [*ESCAPES, *deeper]:
                context = stage.context({"statement": statement})
                outcome = await server.run("dlisql", context)
                assert isinstance(outcome, Failed), statement
                assert outcome.kind in (FailureKind.ERROR, FailureKind.REFUSED), (statement, outcome)
                assert "hush" not in log_of(context) + outcome.message
            context = stage.context({"statement": "SELECT a FROM kept"})
            assert output_of(context, await server.run("dlisql", context)) == '[["1"]]'

    play(scene)
    assert sorted(path.name for path in outside.iterdir()) == ["deep", "secret"]
    assert not list(tmp_path.rglob("escape*"))
    assert not Path("/tmp/arkwright-escape.csv").exists()
    # the database is whole after all this: another process opens it
    stage.kill("duckdb-default")
    assert scalar(stage, "SELECT a FROM kept") == "1"


def test_where_the_kernel_cannot_confine_links_that_lead_out_are_refused(stage: Stage, tmp_path: Path) -> None:
    files = stage.workspace / "files"
    (files / "deep").mkdir(parents=True)
    (files / "inward").symlink_to(files / "deep")
    assert outward_link(files) is None
    assert isinstance(sql(stage, "SELECT 1", unconfined="yes")[0], Succeeded)
    (files / "deep" / "out").symlink_to(tmp_path)
    assert outward_link(files) == files / "deep" / "out"
    assert "deep/out" in message(sql(stage, "SELECT 1", unconfined="yes")[0], FailureKind.REFUSED)


def test_a_refused_statement_is_named_with_a_way_out(shared: Stage) -> None:
    assert "transaction of its own" in message(sql(shared, "BEGIN; SELECT 1")[0], FailureKind.REFUSED)
    assert "pragma_" in message(sql(shared, "PRAGMA table_info('x')")[0], FailureKind.REFUSED)
    assert "outside" in message(sql(shared, "COPY (SELECT 1) TO '../x.csv'")[0], FailureKind.REFUSED)


# -- no false green


@pytest.mark.parametrize(
    ("properties", "part"),
    [
        ({"connectionName": "spark"}, "spark"),
        ({"queueName": "q1"}, "q1"),
        ({"clusterName": "c1"}, "c1"),
        ({"catalogName": "hive"}, "hive"),
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
    wrong = Script(name="s", type="Shell", text="true", version=1)
    assert node.check(replace(context, script=wrong)) is not None
    assert node.check(stage.context({"statement": "SELECT 1", "connectionName": "local"})) is None


# -- side by side


def test_one_endless_node_does_not_hold_up_the_others_and_stops_when_cancelled(stage: Stage) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            here = {"meet_at": "before statement", "port": str(meeting.port)}
            endless = stage.context({"statement": f"CREATE TABLE never AS {ENDLESS}", **here})
            server.executor.submit("dlisql", endless)
            await meeting.arrival()
            meeting.let_go()
            quick = stage.context({"statement": "SELECT 1"})
            assert await server.run("dlisql", quick) == Succeeded(output="output", output_row_count=1)
            loop = asyncio.get_running_loop()
            asked = loop.time()
            server.executor.cancel(endless.key)
            outcome = await server.outcome(endless)
            assert loop.time() - asked < 2
            message(outcome, FailureKind.CANCELLED)
            assert "rolled back" in log_of(endless)
            gone = await server.run("dlisql", stage.context({"statement": "FROM never"}))
            assert "never" in message(gone, FailureKind.ERROR)

    play(scene)


@pytest.mark.parametrize("point", ["before begin", "before record", "before commit"])
def test_cancel_between_statements_is_noticed(stage: Stage, point: str) -> None:
    async def scene() -> None:
        async with Meeting().open() as meeting, stage.server() as server:
            here = {"meet_at": point, "port": str(meeting.port)}
            context = stage.context({"statement": "CREATE TABLE made AS SELECT 1 AS a", **here})
            server.executor.submit("dlisql", context)
            await meeting.arrival()
            server.executor.cancel(context.key)
            # the next message is answered after the cancel was taken up
            assert await server.run("dlisql", stage.context({"statement": "SELECT 1"})) is not None
            meeting.let_go()
            outcome = await server.outcome(context)
            there = await server.run("dlisql", stage.context({"statement": "FROM made"}))
            if point == "before commit":  # too late: it has happened, and it is said so
                assert outcome == Succeeded(output_row_count=1)
                assert isinstance(there, Succeeded)
            else:
                message(outcome, FailureKind.CANCELLED)
                message(there, FailureKind.ERROR)

    play(scene)


def test_conflicting_nodes_are_begun_again_until_all_have_happened(shared: Stage) -> None:
    async def scene() -> None:
        async with shared.server() as server:
            await server.run("dlisql", shared.context({"statement": "CREATE TABLE tally AS SELECT 0 AS n"}))
            text = "UPDATE tally SET n = n + 1; CREATE TABLE IF NOT EXISTS raced (a INT); INSERT INTO raced VALUES (1)"
            contexts = [shared.context({"statement": text}) for _ in range(10)]
            for context in contexts:
                server.executor.submit("dlisql", context)
            for context in contexts:
                assert isinstance(await server.outcome(context), Succeeded), log_of(context)
            assert any("begins again" in log_of(context) for context in contexts)

    play(scene)
    assert scalar(shared, "SELECT n FROM tally") == "10"
    assert scalar(shared, "SELECT count(*) FROM raced") == "10"


# -- exactly once


def test_kill_9_of_the_server_right_after_submitting_loses_and_doubles_nothing(stage: Stage) -> None:
    sql(stage, "CREATE TABLE once (n INT)")

    async def scene() -> None:
        texts = [f"INSERT INTO once VALUES ({n}); SELECT {n}" for n in range(12)]
        contexts = [stage.context({"statement": text}, number=100 + n) for n, text in enumerate(texts)]
        doomed = await asyncio.to_thread(DoomedServer, stage, "dlisql", contexts)
        doomed.kill()
        async with stage.server() as server:
            for context in contexts:
                server.executor.attach("dlisql", context)
            for n, context in enumerate(contexts):
                outcome = await server.outcome(context)
                assert output_of(context, outcome) == f'[["{n}"]]', outcome

    play(scene)
    assert scalar(stage, "SELECT [count(*), count(DISTINCT n)] FROM once") == "[12, 12]"


def test_kill_9_of_the_host_at_any_point_happens_exactly_once(stage: Stage) -> None:
    points = [f"{when} {what}" for what in ("begin", "statement", "record", "commit") for when in ("before", "after")]
    points.append("after run")
    sql(stage, "CREATE TABLE once (point VARCHAR)")

    async def scene() -> None:
        async with stage.server() as server:
            for point in points:
                text = f"INSERT INTO once VALUES ('{point}'); SELECT '{point}'"
                context = stage.context({"statement": text, "die_at": point})
                outcome = await server.run("dlisql", context)
                assert (stage.workspace / f"died-{context.key.instance_id}").exists(), point
                assert outcome == Succeeded(output="output", output_row_count=1), point
                assert output_of(context, outcome) == f'[["{point}"]]'
                again = "runs again" in log_of(context)
                assert again == (point not in ("after commit", "after run")), point

    play(scene)
    assert scalar(stage, "SELECT [count(*), count(DISTINCT point)] FROM once") == f"[{len(points)}, {len(points)}]"


def test_attempts_beside_one_that_kills_the_host_happen_exactly_once(stage: Stage) -> None:
    sql(stage, "CREATE TABLE once (n INT)")

    async def scene() -> None:
        async with stage.server() as server:
            contexts = [stage.context({"statement": f"INSERT INTO once VALUES ({n})"}) for n in range(8)]
            contexts[4:4] = [stage.context({"statement": "INSERT INTO once VALUES (99)", "die_at": "after record"})]
            for context in contexts:
                server.executor.submit("dlisql", context)
            for context in contexts:
                assert await server.outcome(context) == Succeeded(output_row_count=1)

    play(scene)
    assert scalar(stage, "SELECT [count(*), count(DISTINCT n)] FROM once") == "[9, 9]"


def test_a_repeated_attempt_whose_files_are_gone_does_not_happen_again(stage: Stage) -> None:
    """After a power cut: the database was synced, the small files of the attempt were not."""
    sql(stage, "CREATE TABLE once (n INT)")

    async def scene() -> None:
        context = stage.context({"statement": "INSERT INTO once VALUES (1); SELECT 7"}, number=500)
        async with stage.server() as server:
            first = await server.run("dlisql", context)
        for path in context.folder.iterdir():
            path.unlink()
        async with stage.server() as server:
            server.executor.attach("dlisql", context)
            assert await server.outcome(context) == first
        assert output_of(context, first) == '[["7"]]'

    play(scene)
    assert scalar(stage, "SELECT count(*) FROM once") == "1"


def test_a_warehouse_that_cannot_be_opened_fails_the_node_with_the_reason(stage: Stage) -> None:
    (stage.workspace / "warehouse.duckdb").write_text("this is no database")
    assert "warehouse.duckdb" in message(sql(stage, "SELECT 1")[0], FailureKind.ERROR)
