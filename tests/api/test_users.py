"""Users, access keys and roles over the API: what each change does to who may come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.house import PASSWORD, PROJECT, House, close_house, open_house

Refused = Callable[..., dict[str, Any]]
OTHERS = ["admin", "developer", "deployer", "operator", "viewer", "stranger"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One of its own: users are disabled here, and workspaces changed."""
    folder: Path = tmp_path_factory.mktemp("users")
    made, thread = open_house(folder)
    yield made
    close_house(made, thread)


def log_in(house: House, user: str, password: str) -> httpx2.Response:
    who = {"name": user, "password": password, "domain": {"name": "arkwright"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": who}}, "scope": {"project": {"id": PROJECT}}}
    return house.call("POST", "/v3/auth/tokens", {"auth": auth}, role=None)


def test_a_user_is_created_disabled_and_enabled(house: House, name: str, refused: Refused) -> None:
    reply = house.call("POST", "users", {"name": name})
    made = reply.json()
    assert (reply.status_code, made["name"], made["enabled"], made["roles"]) == (200, name, True, {})
    assert log_in(house, name, made["password"]).status_code == 201
    assert "password" not in house.call("POST", "users", {"name": f"{name}_2", "password": PASSWORD}).json()
    refused("DLF.3051", "POST", "users", {"name": name})
    refused("DLF.3051", "POST", "users", {"name": f"{name}_3", "password": "x"})
    refused("DLF.3051", "POST", "users", {})
    listed = house.call("GET", "users").json()
    assert listed["count"] == len(listed["users"])
    assert made["id"] in {each["id"] for each in listed["users"]}

    assert house.call("POST", f"users/{made['id']}/disable").status_code == 204
    assert log_in(house, name, made["password"]).status_code == 401
    assert house.call("GET", f"users/{name}").json()["enabled"] is False
    assert house.call("POST", f"users/{made['id']}/enable").status_code == 204
    assert log_in(house, name, made["password"]).status_code == 201
    refused("DLF.3051", "POST", "users/nobody/disable")


def test_the_last_administrator_stays(refused: Refused) -> None:
    refused("DLF.3051", "POST", "users/admin/disable")


def test_a_password_is_reset(house: House, name: str, refused: Refused) -> None:
    old = house.call("POST", "users", {"name": name}).json()["password"]
    token = log_in(house, name, old).headers["X-Subject-Token"]
    new = house.call("POST", f"users/{name}/password").json()["password"]
    assert house.call("GET", "workspaces", role=None, headers={"X-Auth-Token": token}).status_code == 401
    assert log_in(house, name, old).status_code == 401
    assert log_in(house, name, new).status_code == 201
    assert house.call("POST", f"users/{name}/password", {"password": PASSWORD}).json() == {}
    assert log_in(house, name, PASSWORD).status_code == 201
    refused("DLF.3051", "POST", f"users/{name}/password", {"password": "x"})


def test_an_access_key_is_rotated(house: House, name: str) -> None:
    house.call("POST", "users", {"name": name})
    first = house.call("POST", f"users/{name}/access-keys").json()
    second = house.call("POST", f"users/{name}/access-keys").json()
    assert set(first) == {"access_key", "secret_key"}
    assert house.call("GET", f"users/{name}").json()["access_keys"] == [second["access_key"]]
    own = house.call("POST", "users/the-viewer/access-keys", role="viewer")
    assert own.status_code == 200
    assert house.call("POST", "users/the-viewer/access-keys", role="operator").status_code == 403


def test_a_role_is_given_and_taken(house: House, name: str, refused: Refused) -> None:
    made = house.call("POST", "users", {"name": name, "password": PASSWORD}).json()
    headers: dict[str, str | bytes] = {"X-Auth-Token": log_in(house, name, PASSWORD).headers["X-Subject-Token"]}
    assert house.call("GET", "jobs", role=None, headers=headers).status_code == 403
    assert house.call("PUT", f"users/{made['id']}/role", {"role": "viewer"}, role="admin").status_code == 204
    assert house.call("GET", "jobs", role=None, headers=headers).status_code == 200
    assert set(house.call("GET", f"users/{name}").json()["roles"].values()) == {"viewer"}
    assert house.call("PUT", f"users/{made['id']}/role", {"role": "admin"}, role="developer").status_code == 403
    assert house.call("PUT", f"users/{name}/role", {"role": None}).status_code == 204
    assert house.call("GET", "jobs", role=None, headers=headers).status_code == 403
    refused("DLF.3051", "PUT", f"users/{name}/role", {"role": "king"})
    refused("DLF.3051", "PUT", f"users/{name}/role", {})
    refused("DLF.0819", "PUT", f"users/{name}/role", {"role": "viewer", "workspace_id": "f" * 32})


def test_local_programs_are_switched_by_administrators_alone(house: House, refused: Refused) -> None:
    assert house.call("GET", "local-programs", role="viewer").json() == {"allowed": True}
    assert house.call("PUT", "local-programs", {"allowed": False}, role="admin").status_code == 403
    assert house.call("PUT", "local-programs", {"allowed": False}).status_code == 204
    assert house.directory.workspace(PROJECT, None).local_programs_allowed is False
    assert house.call("PUT", "local-programs", {"allowed": True}).status_code == 204
    refused("DLF.3051", "PUT", "local-programs", {})


@pytest.mark.parametrize("role", OTHERS)
def test_users_are_the_administrators_business(house: House, role: str) -> None:
    assert house.call("GET", "users", role=role).status_code == 403
    assert house.call("POST", "users", {"name": "x"}, role=role).status_code == 403
    assert house.call("GET", "users/admin", role=role).status_code == 403
    assert house.call("GET", f"users/the-{role}", role=role).status_code == 200
    for change in ("disable", "enable", "password", "access-keys"):
        assert house.call("POST", f"users/admin/{change}", role=role).status_code == 403
    assert (house.call("GET", "users/nobody", role=role).status_code == 403) is (role != "admin")
