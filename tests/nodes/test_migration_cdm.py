"""CDMJob: a CDM job's own JSON, honoured or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.migration_kit import MigrationStage
from tests.nodes.test_migration import ask, warehouse  # noqa: F401
from tests.nodes.test_migration_duckdb import dli
from tests.servers.postgres_tcp import postgres_tcp  # noqa: F401

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Connection
from arkwright.nodes.migration_cdm import plan_of_job, read_job
from arkwright.nodes.migration_plan import Making, Mode, PlanWrong

WHEN_MS = 1508144400123  # 2017-10-16 09:00:00.123 UTC


@pytest.fixture
def stage(tmp_path: Path, hosts: Path) -> MigrationStage:
    return MigrationStage(tmp_path, hosts=hosts)


def part(name: str, **values: Any) -> dict[str, Any]:
    inputs = [{"name": f"{name}.{key}", "value": value} for key, value in values.items()]
    return {"configs": [{"name": name, "inputs": inputs}]}


def job(source: dict[str, Any], target: dict[str, Any], driver: dict[str, Any] | None = None, **more: Any) -> str:
    found = {
        "name": "orders",
        "job_type": "NORMAL_JOB",
        "from-connector-name": "generic-jdbc-connector",
        "from-link-name": "shop",
        "to-connector-name": "generic-jdbc-connector",
        "to-link-name": "warehouse",
        "from-config-values": part("fromJobConfig", **source),
        "to-config-values": part("toJobConfig", **target),
        "driver-config-values": part("throttlingConfig", **(driver or {"numExtractors": "4"})),
        **more,
    }
    return json.dumps({"jobs": [found]})


TABLE = {"useSql": "false", "schemaName": "public", "tableName": "a", "columnList": "id&n", "incrMigration": "false"}
INTO = {"schemaName": "public", "tableName": "b", "columnList": "id&m", "tablePreparation": "DROP_AND_CREATE"}
FILE = {"bucketName": "lake", "inputDirectory": "in/a.csv", "inputFormat": "CSV_FILE", "columnList": "1&3"}


def plan(text: str, **more: Any) -> Any:
    return plan_of_job(read_job(text), when_ms=WHEN_MS, **more)


def test_tables_columns_and_preparation_are_taken_over() -> None:
    found = plan(job(TABLE, {**INTO, "shouldClearTable": "false", "orientation": "ROW", "isCompress": "false"}))
    assert found.connections == ("shop", "warehouse")
    assert found.columns == (("id", "id"), ("n", "m"))
    assert found.making is Making.RECREATE
    assert found.mode is Mode.APPEND


def test_what_has_no_effect_here_is_told_and_nothing_is_passed_over_in_silence() -> None:
    into = {**INTO, "orientation": "COLUMN", "isCompress": "true", "useNullable": "true", "useStageTable": "false"}
    found = plan(job({**TABLE, "partitionColumn": "id"}, into, schedulerless="x", rows_read=7))
    (note,) = found.notes
    for name in (
        "fromJobConfig.partitionColumn = id",
        "orientation = COLUMN",
        "isCompress = true",
        "numExtractors = 4",
    ):
        assert name in note
    assert "useNullable = true" in note
    assert "useStageTable" not in note  # it is off, here as there
    assert "schedulerless" in note
    assert "rows_read" not in note
    assert plan(job(TABLE, INTO, {"recordDirtyData": "false"})).notes == ()


def test_retries_and_longer_texts_are_honoured() -> None:
    text = job(TABLE, {**INTO, "extendCharLength": "true"})
    assert (plan(text).length_factor, plan(text).tries) == (3, 1)
    document = json.loads(text)
    driver = document["jobs"][0]["driver-config-values"]["configs"]
    driver += part("retryJobConfig", retryJobType="RETRY_TRIPLE")["configs"]
    assert plan(json.dumps(document)).tries == 4
    driver[-1]["inputs"][0]["value"] = "SOMETIMES"
    with pytest.raises(PlanWrong, match="retryJobType 'SOMETIMES' is not known"):
        plan(json.dumps(document))


def test_texts_of_a_table_that_is_made_get_three_times_their_length(
    stage: MigrationStage,
    warehouse: Connection,  # noqa: F811
) -> None:
    ask(warehouse, "DROP TABLE IF EXISTS a, b")
    ask(warehouse, "CREATE TABLE a (id int, n varchar(5), m char(3))")
    ask(warehouse, "INSERT INTO a VALUES (1, 'x', 'y')")
    document = job({**TABLE, "columnList": ""}, {**INTO, "columnList": "", "extendCharLength": "true"})
    links = {"sourceConnectionName": "warehouse", "targetConnectionName": "warehouse"}
    outcome, log = stage.move(warehouse, type_name="CDMJob", jobJson=document, **links)
    assert outcome == Succeeded(input_row_count=1, output_row_count=1), log
    assert "has no effect here: throttlingConfig.numExtractors = 4" in log
    lengths = (
        "SELECT character_maximum_length FROM information_schema.columns WHERE table_name = 'b' AND column_name <> 'id'"
    )
    assert ask(warehouse, lengths) == [(15,), (9,)]


def test_a_job_that_fails_is_begun_again_as_it_says_and_brings_its_rows_once(
    stage: MigrationStage,
    warehouse: Connection,  # noqa: F811
) -> None:
    ask(warehouse, "DROP TABLE IF EXISTS a, b")
    ask(warehouse, "CREATE TABLE a (id int, n int)")
    ask(warehouse, "INSERT INTO a VALUES (1, 2)")
    document = json.loads(job(TABLE, INTO))
    document["jobs"][0]["driver-config-values"] = part("retryJobConfig", retryJobType="RETRY_TRIPLE")
    stage.die_at("unanswered write")
    links = {"sourceConnectionName": "warehouse", "targetConnectionName": "warehouse"}
    outcome, log = stage.move(warehouse, type_name="CDMJob", jobJson=json.dumps(document), **links)
    assert outcome == Succeeded(input_row_count=1, output_row_count=1), log
    assert "try 1 of 4 failed: The connection broke." in log
    assert ask(warehouse, "SELECT id, m FROM b") == [(1, 2)]


def test_dli_is_the_workspaces_own_database(stage: MigrationStage) -> None:
    (stage.folder / "obs" / "lake" / "in").mkdir(parents=True)
    (stage.folder / "obs" / "lake" / "in" / "a.csv").write_text("1,x,2\n3,y,4\n")
    dli(stage, "CREATE SCHEMA sales; CREATE TABLE sales.b (id INTEGER, m INTEGER)")
    into = {"queue": "q1", "database": "sales", "table": "b", "columnList": "id&m", "shouldClearTable": "true"}
    document = job(FILE, into, **{"from-connector-name": "obs-connector", "to-connector-name": "dli-connector"})
    for _ in range(2):
        outcome, log = stage.move(type_name="CDMJob", jobJson=document)
        assert outcome == Succeeded(input_row_count=2, output_row_count=2), log
    assert dli(stage, "SELECT * FROM sales.b ORDER BY id") == [["1", "2"], ["3", "4"]]
    (stage.files / "cdm").mkdir()
    (stage.files / "cdm" / "orders.json").write_text(document)
    outcome, _ = stage.move(type_name="CDMJob", jobName="orders")
    assert isinstance(outcome, Failed)
    assert "set targetConnectionName to local" in outcome.message
    assert isinstance(stage.move(type_name="CDMJob", jobName="orders", targetConnectionName="local")[0], Succeeded)


@pytest.mark.parametrize("part_name", ["from-config-values", "driver-config-values"])
def test_extended_settings_are_refused_by_name(part_name: str) -> None:
    document = json.loads(job(TABLE, INTO))
    document["jobs"][0][part_name]["extended-configs"] = {"name": f"{part_name}.extended", "value": "eyJhIjoxfQ=="}
    with pytest.raises(PlanWrong, match=f"{part_name}.extended-configs"):
        plan(json.dumps(document))


def test_links_can_be_connections_of_other_names() -> None:
    assert plan(job(TABLE, INTO), source_connection="x", target_connection="y").connections == ("x", "y")


@pytest.mark.parametrize(
    ("macro", "text"),
    [
        ("${dateformat(yyyy-MM-dd)}", "2017-10-16"),
        ("${dateformat(yyyy-MM-dd HH:mm:ss, -1, DAY)}", "2017-10-15 09:00:00"),
        ("${dateformat(yyyyMM,-10,MONTH)}", "201612"),
        ("${dateformat(yyyy,1,YEAR)}", "2018"),
        ("${timestamp()}", str(WHEN_MS)),
        ("${timestamp(-10, MINUTE)}", str(WHEN_MS - 600_000)),
        ("${timestamp(dateformat(yyyy-MM-dd HH:mm:ss))}", "1508144400000"),
    ],
)
def test_macros_of_dates_go_by_the_plan_time(macro: str, text: str) -> None:
    assert plan(job({**TABLE, "whereClause": f"at >= '{macro}'"}, INTO)).source.where == f"at >= '{text}'"


def test_macros_are_in_the_nodes_time_zone() -> None:
    found = plan(job({**TABLE, "whereClause": "${dateformat(HH)}"}, INTO), zone="Asia/Shanghai")
    assert found.source.where == "17"


def test_parameters_of_the_factorys_job_are_put_in() -> None:
    found = plan(job({**TABLE, "whereClause": "a = ${region} AND b = '${other}'"}, INTO), parameters={"region": "7"})
    assert found.source.where == "a = 7 AND b = '${other}'"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (job(TABLE, INTO, job_type="BATCH_JOB"), "BATCH_JOB"),
        (job(TABLE, INTO, **{"from-connector-name": "hdfs-connector"}), "hdfs-connector"),
        (job(TABLE, INTO, **{"to-connector-name": "hive-connector"}), "hive-connector"),
        (job({**TABLE, "tableName": "orders_*"}, INTO), "tableName"),
        (job({**TABLE, "partitionList": "p1&p2"}, INTO), "fromJobConfig.partitionList"),
        (job({**TABLE, "incrMigration": "true"}, INTO), "fromJobConfig.incrMigration"),
        (job(TABLE, {**INTO, "importMode": "REPLACE_INTO"}), "toJobConfig.importMode"),
        (job(TABLE, INTO, {"columnMasking": "sha"}), "throttlingConfig.columnMasking"),
        (job({**TABLE, "columnList": "id"}, INTO), "columnList"),
        (job({**FILE, "inputFormat": "BINARY_FILE"}, INTO, **{"from-connector-name": "obs-connector"}), "OBS Manager"),
        (job({**FILE, "regexSeparator": "true"}, INTO, **{"from-connector-name": "obs-connector"}), "regexSeparator"),
        (job({**TABLE, "whereClause": "${dateformat(yyyy,x,DAY)}"}, INTO), "whole number"),
        ('{"jobs": []}', "no object"),
        ("{", "JSON"),
    ],
)
def test_what_can_not_be_honoured_is_refused_by_its_name(text: str, word: str) -> None:
    with pytest.raises(PlanWrong) as refusal:
        plan(text)
    assert word in str(refusal.value)


def test_a_stored_job_moves_a_table_and_counts_its_rows(
    stage: MigrationStage,
    warehouse: Connection,  # noqa: F811
) -> None:
    ask(warehouse, "DROP TABLE IF EXISTS cdm_from, cdm_to")
    ask(warehouse, "CREATE TABLE cdm_from (id int, n text)")
    ask(warehouse, "INSERT INTO cdm_from VALUES (1, 'a'), (2, NULL)")
    (stage.files / "cdm").mkdir()
    text = job({**TABLE, "tableName": "cdm_from"}, {**INTO, "tableName": "cdm_to"}, **{"from-link-name": "warehouse"})
    (stage.files / "cdm" / "orders.json").write_text(text)
    outcome, log = stage.move(warehouse, type_name="CDMJob", clusterName="cl", jobName="orders")
    assert outcome == Succeeded(input_row_count=2, output_row_count=2), log
    assert ask(warehouse, "SELECT id, m FROM cdm_to ORDER BY id") == [(1, "a"), (2, None)]


def test_files_without_a_header_go_by_position_and_dirty_rows_to_their_bucket(
    stage: MigrationStage,
    warehouse: Connection,  # noqa: F811
) -> None:
    ask(warehouse, "DROP TABLE IF EXISTS cdm_to")
    ask(warehouse, "CREATE TABLE cdm_to (id int, m text)")
    (stage.folder / "obs" / "lake" / "in").mkdir(parents=True)
    (stage.folder / "obs" / "lake" / "in" / "a.csv").write_text("1,x,one\nbad,y,two\n")
    text = job(
        FILE,
        {**INTO, "tableName": "cdm_to", "tablePreparation": "DO_NOTHING"},
        {"recordDirtyData": "true", "obsBucket": "lake", "dirtyDataDirectory": "/dirty/", "maxErrorRecords": "5"},
        **{"from-connector-name": "obs-connector", "from-link-name": "obs_link"},
    )
    outcome, log = stage.move(warehouse, type_name="CDM Job", jobJson=text)
    assert outcome == Succeeded(input_row_count=2, output_row_count=1), log
    assert ask(warehouse, "SELECT * FROM cdm_to") == [(1, "one")]
    (kept,) = (stage.folder / "obs" / "lake" / "dirty").iterdir()
    assert json.loads(kept.read_text())["values"] == {"id": "bad", "m": "two"}


def test_a_table_goes_into_a_bucket_with_its_marker(
    stage: MigrationStage,
    warehouse: Connection,  # noqa: F811
) -> None:
    ask(warehouse, "DROP TABLE IF EXISTS cdm_from")
    ask(warehouse, "CREATE TABLE cdm_from (id int, n text)")
    ask(warehouse, "INSERT INTO cdm_from VALUES (1, 'a,b')")
    text = job(
        {**TABLE, "tableName": "cdm_from"},
        {
            "bucketName": "lake",
            "outputDirectory": "out",
            "outputFormat": "CSV_FILE",
            "firstRowAsHeader": "true",
            "markerFile": "ok.txt",
        },
        **{"from-link-name": "warehouse", "to-connector-name": "obs-connector", "to-link-name": "obs_link"},
    )
    outcome, log = stage.move(warehouse, type_name="CDMJob", jobJson=text)
    assert outcome == Succeeded(input_row_count=1, output_row_count=1), log
    folder = stage.folder / "obs" / "lake" / "out"
    assert (folder / "cdm_from.csv").read_bytes() == b'id,n\r\n1,"a,b"\r\n'
    assert (folder / "ok.txt").read_bytes() == b""


def test_a_job_that_is_not_stored_is_refused_and_the_file_is_named(stage: MigrationStage) -> None:
    outcome, _ = stage.move(type_name="CDMJob", clusterName="cl", jobName="absent")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    assert "cdm/absent.json" in outcome.message
