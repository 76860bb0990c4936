"""What is behind a data connection, through the official SDK and a real database."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.server import RunningServer, running_server
from tests.api.studio import refused as sdk_refused
from tests.api.studio import studio, studio_client

TABLES = """
    CREATE SCHEMA sales;
    CREATE TABLE sales.orders (id INTEGER PRIMARY KEY, "the day" DATE, price DECIMAL(9, 2));
    COMMENT ON TABLE sales.orders IS 'What was ordered.';
    COMMENT ON COLUMN sales.orders.price IS 'In euros.';
    CREATE VIEW sales.dear AS SELECT * FROM sales.orders WHERE price > 100;
    CREATE TABLE "it's odd" (a VARCHAR);
"""


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose default workspace has tables."""
    with running_server(tmp_path_factory.mktemp("stocked") / "data") as server:
        properties = [{"name": "statement", "value": TABLES}]
        server.save_job("stock", {"name": "n", "type": "DLISQL", "properties": properties})
        reply = server.client.post("jobs/stock/run-immediate?wait=30")
        assert reply.json()["status"] == "success", reply.text
        yield server


@pytest.fixture
def client(stocked: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        yield studio_client(stocked.url)


def get(server: RunningServer, path: str, **more: Any) -> httpx2.Response:
    return server.client.get(f"{server.client.base_url}".replace("/v1/", "/v2/") + path, **more)


def test_databases_are_the_schemas_that_a_node_can_name(client: Any, stocked: RunningServer) -> None:
    workspace = stocked.client.get("workspaces").json()["workspaces"][0]["id"]
    request = studio.ListDatabasesRequest(workspace=workspace, connection_id="local", limit="10", offset="0")
    found = client.list_databases(request)
    assert [each.database_name for each in found.databases] == ["main", "sales"]
    assert (found.total_count, found.dw_id) == (2, "local")
    request = studio.ListSchemasRequest(workspace=workspace, connection_id="local", database_name="sales")
    schemas = client.list_schemas(request)
    assert [each.schema_name for each in schemas.schemas] == ["sales"]
    assert (schemas.total_count, schemas.database) == (1, "sales")


def test_tables_and_columns_are_those_that_are_there(client: Any, stocked: RunningServer) -> None:
    workspace = stocked.client.get("workspaces").json()["workspaces"][0]["id"]
    request = studio.ListDataTablesRequest(workspace=workspace, connection_id="local", database_name="sales")
    found = client.list_data_tables(request)
    assert [(each.table_name, each.description) for each in found.tables] == [
        ("dear", ""),
        ("orders", "What was ordered."),
    ]
    orders = found.tables[1]
    request = studio.ListColumnsRequest(
        workspace=workspace, connection_id="local", table_id=orders.table_id, limit="10"
    )
    columns = client.list_columns(request)
    assert [(c.seq_number, c.column_name, c.column_type, c.comment, c.primary) for c in columns.columns] == [
        (1, "id", "INTEGER", "", True),
        (2, "the day", "DATE", "", False),
        (3, "price", "DECIMAL(9,2)", "In euros.", False),
    ]


def test_lists_are_paged_by_records_and_filtered(stocked: RunningServer) -> None:
    every = get(stocked, "local/datatables").json()
    assert [each["table_name"] for each in every["tables"]] == ["it's odd", "dear", "orders"]
    second = get(stocked, "local/datatables?limit=1&offset=1").json()
    assert (second["total_count"], second["tables"]) == (3, every["tables"][1:2])
    assert get(stocked, "local/datatables?offset=9").json() == {"total_count": 3, "tables": []}
    found = get(stocked, "local/datatables", params={"table_name": "'S O"}).json()["tables"]
    assert [each["table_name"] for each in found] == ["it's odd"]
    columns = get(stocked, f"local/datatables/{found[0]['table_id']}/columns").json()
    assert [each["column_name"] for each in columns["columns"]] == ["a"]


def test_what_is_not_there_is_refused(client: Any, stocked: RunningServer) -> None:
    for path in ("local/schemas", "local/schemas?database_name=none", "local/datatables?database_name=none"):
        assert get(stocked, path).status_code == 400, path
    for table_id in ("nonsense", "bm9uZR9ub25l"):
        assert get(stocked, f"local/datatables/{table_id}/columns").json()["error_code"] == "DLF.3051"
    request = studio.ListDatabasesRequest(workspace="", connection_id="99")
    sdk_refused("DLF.6322", lambda: client.list_databases(request))


def test_a_connection_of_type_dli_leads_to_the_same_and_others_nowhere(stocked: RunningServer) -> None:
    body = {"dw_name": "lake", "dw_type": "DLI", "dw_config": {}}
    other = {"dw_name": "house", "dw_type": "DWS", "dw_config": {"ip": "10.0.0.1", "port": "8000"}}
    made = stocked.client.post("data-connections", json={"data_source_vos": [body, other]}).json()
    lake, house = made["data_connection_ids"]
    tables = get(stocked, f"{lake}/datatables?database_name=main").json()["tables"]
    assert [(each["dw_name"], each["dw_type"]) for each in tables] == [("lake", "DLI")]
    error = get(stocked, f"{house}/databases").json()
    assert "type DWS, which can't be browsed here" in error["error_msg"]


def test_questions_leave_no_instances_and_no_files(stocked: RunningServer, tmp_path_factory: Any) -> None:
    before = stocked.client.get("jobs/instances/detail").json()["total"]
    assert get(stocked, "local/databases").status_code == 200
    assert stocked.client.get("jobs/instances/detail").json()["total"] == before


def test_a_workspace_without_a_database_has_none_and_is_given_none(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        assert get(server, "local/databases").json() == {"total_count": 0, "dw_id": "local", "databases": []}
        assert not list((tmp_path / "data").glob("workspaces/*/warehouse.duckdb"))


def test_while_a_job_writes_the_question_is_answered(stocked: RunningServer) -> None:
    properties = [{"name": "statement", "value": "CREATE TABLE slow AS SELECT sum(i) FROM range(300000000) t(i)"}]
    stocked.save_job("slow", {"name": "n", "type": "DLISQL", "properties": properties})
    instance = stocked.start("slow")
    names = [each["table_name"] for each in get(stocked, "local/datatables?limit=100").json()["tables"]]
    assert "orders" in names
    path = f"{stocked.url}/v1/{stocked.client.base_url.path.strip('/').split('/')[-1]}"
    stopped = stocked.client.post(f"jobs/slow/instances/{instance}/stop")
    assert stopped.status_code in (204, 400), (path, stopped.text)
