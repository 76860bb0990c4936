"""What nodes have come to, on a real server: rows of SQL as CSV, other outputs as their text."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.api.gates import Gate
from tests.api.server import RunningServer, running_server, shell
from tests.api.test_instances import dummy, wait
from tests.servers.postgres_tcp import PostgresTcp, postgres_tcp  # noqa: F401

QUERY = 'SELECT range AS n, \'a, "b"\' AS "the text", NULL AS nothing FROM range(1500)'


def node(name: str, type_name: str, *before: str, **properties: str) -> dict[str, Any]:
    given = [{"name": key, "value": value} for key, value in properties.items()]
    return {"name": name, "type": type_name, "preNodeName": list(before), "properties": given}


@pytest.fixture(scope="module")
def run(server: RunningServer) -> str:
    """Path of the nodes of an instance that has ended."""
    server.save_job(
        "resulting",
        node("ask", "DLISQL", statement=QUERY),
        node("load", "DLISQL", "ask", statement="CREATE OR REPLACE TABLE loaded AS SELECT 1 AS a"),
        shell("say", "printf 'a\\nä\\n'", "load"),
        dummy("end", "say"),
    )
    answered = wait(server, "resulting")
    assert answered["status"] == "success"
    return f"jobs/resulting/instances/{answered['instanceId']}/nodes"


def test_rows_are_answered_as_csv_with_their_columns(server: RunningServer, run: str) -> None:
    reply = server.client.get(f"{run}/ask/result")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    rows = list(csv.reader(reply.text.splitlines()))
    assert rows[0] == ["n", "the text", "nothing"]
    assert rows[1] == ["0", 'a, "b"', ""]
    assert len(rows) == 1001  # what later nodes are given


def test_a_part_is_answered(server: RunningServer, run: str) -> None:
    reply = server.client.get(f"{run}/ask/result", headers={"Range": "bytes=2-9"})
    assert (reply.status_code, reply.text) == (206, "the text")
    size = len(server.client.get(f"{run}/ask/result").content)
    assert reply.headers["Content-Range"] == f"bytes 2-9/{size}"
    assert server.client.head(f"{run}/ask/result").headers["Content-Length"] == str(size)
    beyond = server.client.get(f"{run}/ask/result", headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_another_nodes_output_is_answered_as_its_text(server: RunningServer, run: str) -> None:
    reply = server.client.get(f"{run}/say/result")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert reply.text == "a\nä"


@pytest.mark.parametrize(("name", "word"), [("load", "load"), ("end", "end"), ("nobody", "ask, load, say, end")])
def test_a_node_without_a_result_says_so(server: RunningServer, run: str, name: str, word: str) -> None:
    reply = server.client.get(f"{run}/{name}/result")
    assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.3051")
    assert word in reply.json()["error_msg"] + reply.json().get("hint", "")


def test_a_node_that_runs_has_none_yet(server: RunningServer, name: str, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("slow", f"echo here; {gate.statement}"))
    path = f"jobs/{name}/instances/{server.start(name)}/nodes/slow/result"
    reply = server.client.get(path)
    assert reply.status_code == 400
    assert "slow" in reply.json()["error_msg"]
    gate.open()


@pytest.mark.long
def test_all_rows_from_a_server_are_answered(postgres_tcp: PostgresTcp, tmp_path: Path) -> None:  # noqa: F811
    """More than later nodes are given, straight from the file that the node left."""
    config = {
        "ip": "127.0.0.1",
        "port": str(postgres_tcp.port),
        "userName": postgres_tcp.user,
        "password": postgres_tcp.password,
        "database": postgres_tcp.database,
        "sslEnable": "false",
    }
    with running_server(tmp_path / "data", allow_loopback_requests=True) as server:
        connection = {"name": "warehouse", "type": "DWS", "config": config}
        assert server.client.post("connections", json=connection).status_code == 204
        statement = "SELECT n, n * 2 AS twice FROM generate_series(1, 30000) AS n"
        server.save_job("many", node("all", "DWSSQL", connectionName="warehouse", statement=statement))
        answered = wait(server, "many")
        assert answered["status"] == "success"
        path = f"jobs/many/instances/{answered['instanceId']}/nodes/all/result"
        rows = list(csv.reader(server.client.get(path).text.splitlines()))
        assert rows[0] == ["n", "twice"]
        assert rows[-1] == ["30000", "60000"]
        assert len(rows) == 30001
        assert server.client.get(path, headers={"Range": "bytes=0-6"}).text == "n,twice"
