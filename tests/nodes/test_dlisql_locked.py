"""DLISQL and files: what is reachable below the workspace's files, and that nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import Stage, log_of, message, output_of, play
from tests.nodes.test_dlisql_kit import scalar, sql

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.duckdb_confine import outward_link


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
    "COPY (SELECT 1) TO 'q' (FORMAT csv, PER_THREAD_OUTPUT true, \"FILENAME_PATTERN\" '../../warehouse.duckdb')",
    "COPY (SELECT 1) TO 'r' (FORMAT csv, PER_THREAD_OUTPUT true, FILE_EXTENSION '/../../../warehouse.duckdb')",
    "COPY (SELECT 1) TO 's' (FORMAT csv, PER_THREAD_OUTPUT true, \"File_Extension\" '/../../../warehouse.duckdb.wal')",
    "COPY (SELECT 1) TO 't' (FORMAT csv, PER_THREAD_OUTPUT true, FILE_EXTENSION (e'/..' || '/../../warehouse.duckdb'))",
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
    "DELETE FROM arkwright.attempt",
    'TRUNCATE warehouse."Arkwright" /* x */ . attempt',
    "INSERT INTO arkwright.attempt VALUES ('1/0-1', now()::TIMESTAMP, NULL, NULL)",
    "WITH gone AS (DELETE FROM arkwright.attempt RETURNING *) SELECT * FROM gone",
    "ALTER TABLE arkwright.attempt RENAME TO other",
    "COMMENT ON TABLE arkwright.attempt IS 'x'",
    "USE arkwright; DELETE FROM attempt",
    "SET search_path = 'main,arkwright'; DELETE FROM attempt",
    "SET schema = concat('ark', 'wright'); DELETE FROM attempt",
    "SET schema = 'ark'\n'wright'; DELETE FROM attempt",
    "EXPLAIN ANALYZE DELETE FROM arkwright.attempt",
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


def test_records_of_attempts_can_be_read_and_schemas_be_chosen(shared: Stage) -> None:
    sql(shared, "CREATE SCHEMA IF NOT EXISTS chosen; CREATE OR REPLACE TABLE chosen.arkwright AS SELECT 7 AS a")
    for choice in (
        "USE chosen",
        'USE warehouse."chosen"',
        "SET schema = 'chosen'",
        "set search_path to chosen;",
        "SET search_path = 'chosen,main'",
    ):
        assert scalar(shared, f"{choice}; SELECT a FROM arkwright") == "7"
    assert scalar(shared, "SELECT count(*) > 0 FROM arkwright.attempt") == "true"
    sql(shared, "COPY (SELECT 1) TO 'extended' (FORMAT csv, PER_THREAD_OUTPUT true, FILE_EXTENSION 'csv.txt')")
    assert list((shared.workspace / "files" / "extended").glob("*.csv.txt"))


def test_a_refused_statement_is_named_with_a_way_out(shared: Stage) -> None:
    assert "transaction of its own" in message(sql(shared, "BEGIN; SELECT 1")[0], FailureKind.REFUSED)
    assert "cleans up by itself" in message(sql(shared, "FORCE CHECKPOINT")[0], FailureKind.REFUSED)
    assert "pragma_" in message(sql(shared, "PRAGMA table_info('x')")[0], FailureKind.REFUSED)
    assert "outside" in message(sql(shared, "COPY (SELECT 1) TO '../x.csv'")[0], FailureKind.REFUSED)
