"""Workspaces are changed and deleted as the Management Center does it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.house import JOB, PROJECT, House
from tests.api.server import RunningServer
from tests.api.studio import refused as sdk_refused
from tests.api.studio import studio, studio_client


@pytest.fixture
def instance(house: House) -> str:
    return str(house.call("GET", "instances").json()["commodity_orders"][0]["resource_id"])


@pytest.fixture
def workspace(house: House, instance: str, name: str) -> str:
    reply = house.call("POST", f"workspaces/{instance}", {"name": name, "description": "before"})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


def test_a_workspace_is_renamed_and_described(house: House, instance: str, workspace: str, name: str) -> None:
    body = {"name": f"{name}_b", "description": "after", "mode": "0"}
    changed = house.call("PUT", f"{instance}/workspace/{workspace}", body)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["description"]) == (f"{name}_b", "after")
    shown = house.call("GET", f"workspaces/{instance}/{workspace}").json()
    assert shown == changed.json()
    kept = house.call("PUT", f"{instance}/workspace/{workspace}", {"eps_id": "0"}).json()
    assert (kept["name"], kept["description"], kept["eps_id"]) == (f"{name}_b", "after", "0")


def test_what_can_not_be_changed_is_refused(house: House, instance: str, workspace: str, name: str) -> None:
    path = f"{instance}/workspace/{workspace}"
    default = next(each["name"] for each in house.call("GET", "workspaces").json()["workspaces"] if each["is_default"])
    for body, word in (({"mode": "1"}, "mode"), ({"status": "5"}, "status"), ({"name": default}, "already")):
        error = house.call("PUT", path, body)
        assert (error.status_code, word in error.json()["error_msg"]) == (400, True), error.text
    assert house.call("PUT", path, {"name": "x"}, role="viewer").status_code == 403
    assert house.call("PUT", f"{instance}/workspace/none", {}).json()["error_code"] == "DLM.4001"


def test_a_workspace_is_deleted_once_it_is_empty(house: House, instance: str, workspace: str, name: str) -> None:
    here: dict[str, str | bytes] = {"workspace": workspace}
    assert house.call("POST", "jobs", {**JOB, "name": name}, headers=here).status_code == 204
    path, body = f"{instance}/workspaces/batch-delete", {"workspace_ids": [workspace]}
    full = house.call("POST", path, body)
    assert (full.status_code, "1 jobs" in full.json()["error_msg"]) == (400, True)
    assert house.call("DELETE", f"jobs/{name}", headers=here).status_code == 204
    assert house.call("POST", path, body, role="admin").status_code == 403
    assert house.call("POST", path, body).json() == {"is_success": True, "message": ""}
    assert house.call("GET", "jobs", headers=here).json()["error_code"] == "DLF.0819"
    assert house.call("POST", path, body).json()["error_code"] == "DLM.4001"
    assert workspace not in house.call("GET", "workspaces").text
    again = house.call("POST", f"workspaces/{instance}", {"name": name})
    assert again.status_code == 200, "its name is free again"


def test_all_are_deleted_or_none(house: House, instance: str, workspace: str) -> None:
    default = next(
        each["id"] for each in house.call("GET", "workspaces").json()["workspaces"] if each["is_default"] == 1
    )
    path = f"{instance}/workspaces/batch-delete"
    for ids in ([workspace, default], [workspace, "none"], []):
        assert house.call("POST", path, {"workspace_ids": ids}).status_code == 400
    assert house.call("GET", f"workspaces/{instance}/{workspace}").status_code == 200


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        yield studio_client(server.url)


def test_the_official_client_does_both(client: Any, name: str) -> None:
    orders = client.list_data_arts_studio_instances(studio.ListDataArtsStudioInstancesRequest()).commodity_orders
    instance = orders[0].resource_id
    assert orders[0].project_id == PROJECT
    body = studio.Workspacebody(name=name)
    client.create_manager_work_space(studio.CreateManagerWorkSpaceRequest(instance_id=instance, body=body))
    listed = client.list_manager_work_spaces(studio.ListManagerWorkSpacesRequest(instance_id=instance, limit=100))
    [made] = [each for each in listed.data if each.name == name]
    request = studio.UpdateWorkSpaceOldRequest(
        instance_id=instance, workspace_id=made.id, body=studio.WorkspaceDto(name=f"{name}_b", description="d")
    )
    assert client.update_work_space_old(request).status_code == 200
    body = studio.BatchDeleteWorkspacesRequestBody(workspace_ids=[made.id])
    delete = studio.BatchDeleteWorkspacesRequest(instance_id=instance, body=body)
    assert client.batch_delete_workspaces(delete).is_success is True
    sdk_refused("DLM.4001", lambda: client.batch_delete_workspaces(delete))
