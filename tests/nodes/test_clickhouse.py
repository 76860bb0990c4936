"""MRSClickHouse on a real ClickHouse server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.nodes.sql_kit import SqlStage
from tests.servers.clickhouse import ClickHouseServer

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Connection
from arkwright.nodes.connection_check import ConnectionBroken, check_connection

TYPE = "MRSClickHouse"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[SqlStage]:
    stage = SqlStage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def house(clickhouse: ClickHouseServer) -> Connection:
    config = {"ip": "127.0.0.1", "port": clickhouse.port, "userName": clickhouse.user, "password": clickhouse.password}
    return Connection(name="house", type="CLICKHOUSE", config=config)


def test_values_come_back_as_the_server_writes_them(stage: SqlStage, house: Connection) -> None:
    statement = r"SELECT 1 AS a, NULL AS b, 'x\ty\n\\z''' AS c, '' AS d, '\\N' AS e, toDate('2024-02-29') AS f"
    outcome, log, output = stage.run_sql(TYPE, house, statement)
    assert isinstance(outcome, Succeeded), log
    assert json.loads(output or "") == [["1", None, "x\ty\n\\z'", "", "\\N", "2024-02-29"]]
    assert "each statement commits by itself" in log


def test_tables_are_made_filled_and_asked_in_a_database(stage: SqlStage, house: Connection) -> None:
    script = (
        "DROP TABLE IF EXISTS t; CREATE TABLE t (n UInt64, s String) ENGINE = Memory;"
        " INSERT INTO t SELECT number, concat('a;', toString(number)) FROM numbers(2500); SELECT * FROM t ORDER BY n"
    )
    outcome, log, output = stage.run_sql(TYPE, house, script, database="default")
    assert isinstance(outcome, Succeeded), log
    assert outcome.output_row_count == 2500
    rows = json.loads(output or "")
    assert (rows[0], len(rows)) == (["0", "a;0"], 1000)


def test_an_error_is_the_servers_own_and_ends_the_script(stage: SqlStage, house: Connection) -> None:
    outcome, log, _ = stage.run_sql(TYPE, house, "SELECT 1; SELECT nothing FROM nowhere; SELECT 3")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "nowhere" in outcome.message
    assert "e.what()" not in outcome.message
    assert "[3/3]" not in log


def test_a_wrong_password_is_told_without_it(stage: SqlStage, house: Connection) -> None:
    wrong = replace(house, config={**house.config, "password": "Wrong-Pass-1"})
    outcome, log, _ = stage.run_sql(TYPE, wrong, "SELECT 1")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "Wrong-Pass-1" not in outcome.message + log


@pytest.mark.anyio
async def test_the_connection_is_tried_for_real(house: Connection, tmp_path: Path) -> None:
    settings = {"allow_loopback_requests": True}
    await check_connection(house, settings, known_hosts=tmp_path / "known_hosts")
    wrong = replace(house, config={**house.config, "password": "no"})
    with pytest.raises(ConnectionBroken):
        await check_connection(wrong, settings, known_hosts=tmp_path / "known_hosts")
