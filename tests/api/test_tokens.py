"""The identity calls that clients make on their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import PASSWORD, PROJECT, House

Refused = Callable[..., dict[str, Any]]


def log_in(house: House, scope: Any = None, *, password: str = PASSWORD, query: str = "") -> Any:
    user = {"name": "admin", "password": password, "domain": {"name": "arkwright"}}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope is not None:
        auth["scope"] = scope
    return house.call("POST", f"/v3/auth/tokens{query}", {"auth": auth}, role=None)


def test_a_password_gets_a_token_that_works(house: House) -> None:
    reply = log_in(house, {"project": {"name": "eu-de"}})
    assert reply.status_code == 201
    token = reply.json()["token"]
    assert token["project"]["id"] == PROJECT
    assert token["user"]["name"] == "admin"
    assert {each["type"] for each in token["catalog"]} >= {"dataarts-dlf", "iam"}
    assert token["catalog"][0]["endpoints"][0]["url"] == "http://arkwright.test"
    headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    assert house.call("GET", "jobs", role=None, headers=headers).status_code == 200


def test_the_catalog_can_be_left_out(house: House) -> None:
    assert "catalog" not in log_in(house, query="?nocatalog=true").json()["token"]


def test_a_wrong_password_is_refused(house: House) -> None:
    reply = log_in(house, password="wrong")
    assert (reply.status_code, reply.json()["error_code"]) == (401, "APIGW.0301")
    assert "X-Subject-Token" not in reply.headers


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "auth"),
        ({"auth": []}, "auth"),
        ({"auth": {"identity": {"methods": "password"}}}, "auth.identity.methods"),
        ({"auth": {"identity": {"methods": ["password"], "password": {}}}}, "auth.identity.password.user"),
    ],
)
def test_a_login_that_can_not_be_read_names_the_field(refused: Refused, body: Any, field: str) -> None:
    assert field in refused("DLF.3051", "POST", "/v3/auth/tokens", body, role=None)["error_msg"]


def test_a_domains_token_does_not_open_a_project(house: House, refused: Refused) -> None:
    token = log_in(house, {"domain": {"name": "arkwright"}}).headers["X-Subject-Token"]
    error = refused("APIGW.0302", "GET", "jobs", status=403, role=None, headers={"X-Auth-Token": token})
    assert "domain" in error["error_msg"]
    reply = house.call("GET", "/v3/auth/projects", role=None, headers={"X-Auth-Token": token})
    assert [each["id"] for each in reply.json()["projects"]] == [PROJECT]


def test_a_token_can_be_asked_about_and_ended(house: House, refused: Refused) -> None:
    token = log_in(house, {"project": {"id": PROJECT}}).headers["X-Subject-Token"]
    about = {"X-Subject-Token": token}
    reply = house.call("GET", "/v3/auth/tokens", headers=about)
    assert reply.json()["token"]["project"]["id"] == PROJECT
    assert reply.headers["X-Subject-Token"] == token
    assert house.call("HEAD", "/v3/auth/tokens", headers=about).status_code == 200
    refused("APIGW.0302", "GET", "/v3/auth/tokens", status=403, role="developer", headers=about)
    assert house.call("DELETE", "/v3/auth/tokens", headers=about).status_code == 204
    refused("IAM.0004", "GET", "/v3/auth/tokens", status=404, headers=about)
    refused("APIGW.0301", "GET", "jobs", status=401, role=None, headers={"X-Auth-Token": token})
    refused("DLF.3051", "GET", "/v3/auth/tokens")


def test_projects_and_domains_are_found_as_the_sdks_look_for_them(house: House) -> None:
    [project] = house.call("GET", "/v3/projects?name=cn-north-4").json()["projects"]
    assert project["id"] == PROJECT
    assert [each["id"] for each in house.call("GET", "/v3/projects").json()["projects"]] == [PROJECT]
    [domain] = house.call("GET", "/v3/auth/domains").json()["domains"]
    assert domain["name"] == "arkwright"
    assert house.call("GET", "/v3/auth/catalog").json()["catalog"]


def test_workspaces_are_listed_for_their_members(house: House) -> None:
    everything = house.call("GET", "workspaces").json()
    assert everything["count"] == len(everything["workspaces"])
    [default] = house.call("GET", "workspaces", role="viewer").json()["workspaces"]
    assert (default["name"], default["is_default"], default["role"]) == ("default", 1, "viewer")
    assert house.call("GET", "workspaces", role="stranger").json() == {"count": 0, "workspaces": []}
