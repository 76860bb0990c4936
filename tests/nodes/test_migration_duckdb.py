"""DataMigration with DuckDB as an end, the workspace's own database too, and database files in the object storage."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.examples import seldom
from tests.executors.test_resident_kit import output_of, play
from tests.nodes.migration_kit import MigrationStage

from arkwright.core.outcome import Failed, FailureKind, Succeeded

LOCAL = {"targetConnectionName": "local", "targetTable": "moved"}
FILE = {"targetPath": "in/x.duckdb", "targetTable": "moved"}
OBS_DUCKDB = {"targetPath": "obs://lake/in/x.duckdb", "targetTable": "moved"}
OBS_SQLITE = {"targetPath": "obs://lake/in/x.sqlite", "targetTable": "moved"}
ENDS = {"local": LOCAL, "file": FILE, "obs duckdb": OBS_DUCKDB, "obs sqlite": OBS_SQLITE}


@pytest.fixture
def stage(tmp_path: Path, hosts: Path) -> MigrationStage:
    return MigrationStage(tmp_path, hosts=hosts)


@pytest.fixture(params=ENDS)
def end(request: pytest.FixtureRequest) -> dict[str, str]:
    return ENDS[request.param]


def dli(stage: MigrationStage, sql: str) -> list[list[str | None]]:
    """What the workspace's own database answers to a DLISQL node."""
    answers: list[Any] = []

    async def scene() -> None:
        async with stage.server() as server:
            context = stage.context({"statement": sql})
            outcome = await server.run("DLISQL", context)
            assert isinstance(outcome, Succeeded), outcome
            answers.append(json.loads(output_of(context, outcome) or "[]"))

    play(scene)
    found: list[list[str | None]] = answers[0]
    return found


def ask(stage: MigrationStage, end: dict[str, str], sql: str) -> list[Any]:
    if end is LOCAL:
        return [tuple(row) for row in dli(stage, sql)]
    path = end["targetPath"]
    place = stage.folder / path.replace("obs://", "obs/") if path.startswith("obs://") else stage.files / path
    place.parent.mkdir(parents=True, exist_ok=True)
    opened: Any = sqlite3.connect(place) if path.endswith("sqlite") else duckdb.connect(str(place))
    try:
        rows = opened.execute(sql).fetchall()
        opened.commit()
        return [tuple(None if value is None else str(value) for value in row) for row in rows]
    finally:
        opened.close()


def test_rows_come_in_and_go_out_again(stage: MigrationStage, end: dict[str, str]) -> None:
    (stage.files / "in.csv").write_text('id,name,price,yes\n1,"a, b",1.50,true\n2,,,\n3,"",-7,no\n')
    types = "id:bigint,name:varchar,price:decimal(10,2),yes:boolean"
    outcome, log = stage.move(sourcePath="in.csv", **end, columnTypes=types)
    assert outcome == Succeeded(input_row_count=3, output_row_count=3), log
    assert ask(stage, end, "SELECT id, name FROM moved ORDER BY id") == [("1", "a, b"), ("2", None), ("3", "")]
    back = {name.replace("target", "source"): value for name, value in end.items()}
    outcome, log = stage.move(**back, sourceWhere="id < 3", columns="id,yes,price:cost", targetPath="out.jsonl")
    assert outcome == Succeeded(input_row_count=2, output_row_count=2), log
    lines = [json.loads(line) for line in (stage.files / "out.jsonl").read_text().splitlines()]
    assert lines == [{"id": 1, "yes": True, "cost": 1.5}, {"id": 2, "yes": None, "cost": None}]


def test_a_query_on_it_reaches_no_file_of_the_machine(stage: MigrationStage, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\nhidden\n")
    stage.files.joinpath("in.csv").write_text("id\n1\n")
    for end in (LOCAL, FILE):
        assert isinstance(stage.move(sourcePath="in.csv", **end)[0], Succeeded)
        where = {"sourceConnectionName": "local"} if end is LOCAL else {"sourcePath": FILE["targetPath"]}
        query = f"SELECT * FROM read_csv('{tmp_path}/secret.csv')"
        outcome, _ = stage.move(**where, sourceQuery=query, targetPath="out.csv")
        assert isinstance(outcome, Failed)
        assert not (stage.files / "out.csv").exists()


def test_refused_rows_and_only_they_stay_out(stage: MigrationStage, end: dict[str, str]) -> None:
    (stage.files / "first.csv").write_text("id,n\n7,0\n")
    merge = {"mode": "merge", "keyColumns": "id", "columnTypes": "id:bigint,n:integer"}
    outcome, log = stage.move(sourcePath="first.csv", **end, **merge)
    assert isinstance(outcome, Succeeded), log
    (stage.files / "in.csv").write_text("id,n\n1,1\n2,x\n3,3\n3,4\n7,7\n8,8\n")
    outcome, log = stage.move(sourcePath="in.csv", **end, maxErrorRows="3", errorPath="bad.jsonl")
    entries = [json.loads(line) for line in (stage.files / "bad.jsonl").read_text().splitlines()]
    expected = [{"id": "2", "n": "x"}, {"id": "3", "n": "4"}, {"id": "7", "n": "7"}]
    assert [each["values"] for each in entries] == expected, log
    assert outcome == Succeeded(input_row_count=6, output_row_count=3), log
    found = ask(stage, end, "SELECT id, n FROM moved ORDER BY id")
    assert found == [("1", "1"), ("3", "3"), ("7", "0"), ("8", "8")]
    outcome, log = stage.move(sourcePath="in.csv", **end)
    assert isinstance(outcome, Failed), log
    assert "maxErrorRows is 0" in outcome.message


def test_merge_replace_recreate_and_clear_change_the_table_with_the_rows(
    stage: MigrationStage, end: dict[str, str]
) -> None:
    def moved(text: str, **how: str) -> list[Any]:
        (stage.files / "in.csv").write_text(f"id,name\n{text}\n")
        outcome, log = stage.move(sourcePath="in.csv", **end, **how)
        assert isinstance(outcome, Succeeded), log
        return ask(stage, end, "SELECT id, name FROM moved ORDER BY id, name")

    merge = {"mode": "merge", "keyColumns": "id", "columnTypes": "id:bigint"}
    assert moved("1,a\n2,b", **merge) == [("1", "a"), ("2", "b")]
    assert moved("2,x\n3,c\n2,y", **merge) == [("1", "a"), ("2", "y"), ("3", "c")]
    assert moved("4,d", targetWhere="id > 1") == [("1", "a"), ("4", "d")]
    assert moved("5,e", mode="replace") == [("5", "e")]
    assert moved("6,f", createTable="recreate") == [("6", "f")]
    (stage.files / "in.csv").write_text("id,other\n1,2\n")
    outcome, _ = stage.move(sourcePath="in.csv", **end, mode="replace")
    assert isinstance(outcome, Failed)
    assert "has no column other" in outcome.message
    assert ask(stage, end, "SELECT id FROM moved") == [("6",)]


def test_an_incremental_migration_brings_only_what_is_new(stage: MigrationStage, end: dict[str, str]) -> None:
    origin = {"sourcePath": "origin.duckdb", "sourceTable": "origin", "incrementalColumn": "moment"}

    def put(*moments: str) -> None:
        with duckdb.connect(str(stage.files / "origin.duckdb")) as database:
            database.execute("CREATE TABLE IF NOT EXISTS origin (moment TIMESTAMP)")
            database.executemany("INSERT INTO origin VALUES (?)", [[each] for each in moments])

    put("2024-01-01 00:00:00.5", "2024-01-02 00:00:00")
    assert stage.move(**origin, **end)[0] == Succeeded(input_row_count=2, output_row_count=2)
    assert stage.move(**origin, **end)[0] == Succeeded(input_row_count=0, output_row_count=0)
    put("2023-01-01 00:00:00", "2024-01-02 00:00:00.000001")
    assert stage.move(**origin, **end)[0] == Succeeded(input_row_count=1, output_row_count=1)
    assert len(ask(stage, end, "SELECT * FROM moved")) == 3


@pytest.mark.parametrize("point", [*seldom("after write"), "before commit", "after commit"])
def test_killed_at_any_point_the_rows_come_exactly_once(stage: MigrationStage, end: dict[str, str], point: str) -> None:
    (stage.files / "in.csv").write_text("id\n1\n2\n")
    stage.die_at(point)
    outcome, log = stage.move(sourcePath="in.csv", **end)
    assert (stage.workspace / "died").exists()
    assert outcome == Succeeded(input_row_count=2, output_row_count=2), log
    assert sorted(ask(stage, end, "SELECT id FROM moved")) == [("1",), ("2",)]


def test_what_a_dlisql_node_commits_meanwhile_stays(stage: MigrationStage) -> None:
    dli(stage, "CREATE TABLE moved (id VARCHAR); INSERT INTO moved VALUES ('0')")
    (stage.files / "in.csv").write_text("id\n1\n")
    assert isinstance(stage.move(sourcePath="in.csv", **LOCAL)[0], Succeeded)
    assert dli(stage, "SELECT id FROM moved ORDER BY id") == [["0"], ["1"]]


def test_a_file_that_is_not_there_is_named(stage: MigrationStage) -> None:
    for path in ("none.duckdb", "obs://lake/none.duckdb", "obs://lake/none.sqlite"):
        outcome, _ = stage.move(sourcePath=path, sourceTable="t", targetPath="out.csv")
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.ERROR
        assert path in outcome.message
