"""The Management Center's calls through the official SDK, and who may make them."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.api.house import PROJECT, House
from tests.api.server import RunningServer
from tests.api.studio import refused as sdk_refused
from tests.api.studio import studio, studio_client

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        yield studio_client(server.url)


@pytest.fixture
def workspace(server: RunningServer) -> str:
    return str(server.client.get("workspaces").json()["workspaces"][0]["id"])


@pytest.fixture
def instance(client: Any) -> str:
    reply = client.list_data_arts_studio_instances(studio.ListDataArtsStudioInstancesRequest(limit=10, offset=0))
    [order] = reply.commodity_orders
    assert (reply.count, order.project_id, len(order.resource_id)) == (1, PROJECT, 32)
    return str(order.resource_id)


def source(name: str, **more: Any) -> Any:
    config = {"ip": "10.0.0.5", "port": "8000", "userName": "dbadmin", "password": "very secret"}
    return studio.ApigDataSourceVo(
        **{"dw_name": name, "dw_type": "DWS", "dw_config": config, "env_type": 1, "description": "d", **more}
    )


def sources(*given: Any) -> Any:
    return studio.ApigDataSourcesVo(mode=0, visible=1, data_source_vos=list(given))


def test_a_data_connection_lives_its_life(client: Any, server: RunningServer, workspace: str, name: str) -> None:
    def create(*given: Any) -> Any:
        body = sources(*given)
        return client.create_connections(studio.CreateConnectionsRequest(workspace=workspace, body=body))

    assert create(source(name), source(f"{name}_2", dw_type="MYSQL")).status_code == 200
    request = studio.ListDataconnectionsRequest(workspace=workspace, name=name, limit="10", offset="0")
    listed = client.list_dataconnections(request)
    assert (listed.total_size, listed.count, listed.max_records) == (2, 2, 200)
    by_name = {each.dw_name: each for each in listed.data_connection_lists}
    assert (by_name[name].dw_type, by_name[name].create_user, by_name[name].description) == ("DWS", "admin", "d")
    filtered = studio.ListDataconnectionsRequest(workspace=workspace, name=name, type="mysql", ip="10.0")
    assert [each.dw_name for each in client.list_dataconnections(filtered).data_connection_lists] == [f"{name}_2"]

    dw_id = by_name[name].dw_id
    show = studio.ShowDataconnectionRequest(workspace=workspace, data_connection_id=dw_id)
    shown = client.show_dataconnection(show)
    assert (shown.dw_name, shown.env_type, shown.dw_config["password"]) == (name, 1, "******")
    older = server.client.get(f"connections/{name}").json()
    assert (older["type"], older["config"]["ip"], older["config"]["password"]) == ("DWS", "10.0.0.5", "******")

    changed = source(name, dw_config={**shown.dw_config, "ip": "10.0.0.6"})

    def update(body: Any, which: str = dw_id) -> Any:
        return client.update_dataconnection(
            studio.UpdateDataconnectionRequest(workspace=workspace, data_connection_id=which, body=sources(body))
        )

    assert update(changed).status_code == 200
    assert client.show_dataconnection(show).dw_config["ip"] == "10.0.0.6"
    sdk_refused("DLF.6309", lambda: create(source(name)))
    sdk_refused("DLF.6323", lambda: update(source(name, dw_type="DLI")))
    sdk_refused("DLF.6322", lambda: update(changed, "1"))
    sdk_refused("DLF.3051", lambda: create())
    sdk_refused("DLF.3051", lambda: create(*[source(f"{name}_{i}x") for i in range(51)]))
    sdk_refused("DLF.3051", lambda: create(source("a b")))
    delete = studio.DeleteDataconnectionRequest(workspace=workspace, data_connection_id=dw_id)
    assert client.delete_dataconnection(delete).status_code == 200
    sdk_refused("DLF.6322", lambda: client.show_dataconnection(show))
    sdk_refused("DLF.6322", lambda: client.delete_dataconnection(delete))


def test_a_data_connection_is_tried(client: Any, workspace: str, name: str) -> None:
    def attempt(body: Any) -> Any:
        return client.debug_dataconnection(studio.DebugDataconnectionRequest(workspace=workspace, body=body))

    assert attempt(source(name, dw_type="DLI", dw_config={})).status_code == 200
    sdk_refused("DLF.3051", lambda: attempt(source(name, dw_config={"clusterName": "x"})))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = {"ip": "127.0.0.1", "port": str(listener.getsockname()[1])}
        sdk_refused("DLF.3051", lambda: attempt(source(name, dw_config=config)))  # addresses of our own are fenced off


def test_a_workspace_lives_its_life(client: Any, instance: str, workspace: str, name: str) -> None:
    body = studio.CreateWorkspaceParams(name=name, description="of the test", job_log_location_name="obs://logs")
    made = client.create_manager_work_space(studio.CreateManagerWorkSpaceRequest(instance_id=instance, body=body))
    assert made.status_code == 200
    listed = client.list_manager_work_spaces(
        studio.ListManagerWorkSpacesRequest(instance_id=instance, limit=100, offset=0)
    )
    found = {each.name: each for each in listed.data}
    assert (listed.count, listed.total_page) == (len(listed.data), 1)
    assert (found[name].is_default, found[name].description, found[name].member_num) == (0, "of the test", 0)
    show = studio.ShowWorkSpaceRequest(instance_id=instance, workspace_id=found[name].id)
    assert client.show_work_space(show).job_log_location_name == "obs://logs"
    default = client.show_work_space(studio.ShowWorkSpaceRequest(instance_id=instance, workspace_id=workspace))
    assert (default.is_default, default.instance_id) == (1, instance)
    again = studio.CreateManagerWorkSpaceRequest(instance_id=instance, body=body)
    sdk_refused("DLF.3051", lambda: client.create_manager_work_space(again))
    unknown = studio.ShowWorkSpaceRequest(instance_id=instance, workspace_id="f" * 32)
    sdk_refused("DLM.4001", lambda: client.show_work_space(unknown))
    other = studio.ListManagerWorkSpacesRequest(instance_id="f" * 32)
    sdk_refused("DLM.4001", lambda: client.list_manager_work_spaces(other))


def test_members_come_and_go(client: Any, server: RunningServer, instance: str, workspace: str, name: str) -> None:
    user_id = server.client.post("users", json={"name": name}).json()["id"]

    def body(role: str) -> Any:
        return studio.ApigWorkspaceUserDto(
            type=0,
            user_ids=[studio.ApigIamUserDto(user_id=user_id, user_name=name)],
            roles_ids=[studio.ApigRole(role_id=role)],
        )

    def role() -> str | None:
        request = studio.ListWorkspaceusersRequest(workspace_id=workspace, limit="100", offset="0")
        found = {each.user_id: each for each in client.list_workspaceusers(request).data}
        return found[user_id].roles[0].role_code if user_id in found else None

    roles = client.list_workspace_roles(studio.ListWorkspaceRolesRequest(instance_id=instance)).body
    assert [each.role_code for each in roles] == ["admin", "developer", "deployer", "operator", "viewer"]
    add = studio.AddWorkSpaceUsersRequest(workspace_id=workspace, body=body("developer"))
    assert client.add_work_space_users(add).status_code == 200
    assert role() == "developer"
    own = studio.ListWorkspacesForUserRequest(instance_id=instance, user_id=user_id)
    assert [each.id for each in client.list_workspaces_for_user(own).data] == [workspace]
    change = studio.UpdateWorkSpaceUserOrGroupRequest(workspace_id=workspace, user_id=user_id, body=body("viewer"))
    assert client.update_work_space_user_or_group(change).status_code == 200
    assert role() == "viewer"
    wrong = studio.AddWorkSpaceUsersRequest(workspace_id=workspace, body=body("king"))
    sdk_refused("DLF.3051", lambda: client.add_work_space_users(wrong))
    nowhere = studio.AddWorkSpaceUsersRequest(workspace_id="f" * 32, body=body("viewer"))
    sdk_refused("DLM.4001", lambda: client.add_work_space_users(nowhere))
    remove = studio.DeleteWorkspaceusersRequest(
        workspace_id=workspace, body=studio.ApigDelUserParams(user_ids=[user_id])
    )
    assert client.delete_workspaceusers(remove).status_code == 200
    assert role() is None
    sdk_refused("DLF.3051", lambda: client.delete_workspaceusers(remove))


@pytest.mark.parametrize("role", ["admin", "developer", "deployer", "operator", "viewer", "stranger"])
def test_workspaces_and_members_are_for_those_who_may(house: House, role: str, name: str) -> None:
    workspace = house.directory.workspace(PROJECT, None).id
    instance = house.call("GET", "instances").json()["commodity_orders"][0]["resource_id"]
    create = house.call("POST", f"workspaces/{instance}", {"name": name}, role=role)
    assert create.status_code == 403
    shown = house.call("GET", f"workspaces/{instance}/{workspace}", role=role)
    assert shown.status_code == (403 if role == "stranger" else 200)
    listed = house.call("GET", f"workspaces/{instance}", role=role).json()
    assert (listed["count"] >= 1) is (role != "stranger")
    members = f"/v2/{PROJECT}/{workspace}/users"
    assert house.call("GET", members, role=role).status_code == (403 if role == "stranger" else 200)
    change = house.call("POST", members, {"user_ids": [], "roles_ids": [{"role_id": "viewer"}]}, role=role)
    assert (change.status_code != 403) is (role == "admin")
    remove = house.call("POST", f"/v2/{PROJECT}/{workspace}/delete-users", {"user_ids": []}, role=role)
    assert (remove.status_code != 403) is (role == "admin")
