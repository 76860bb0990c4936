"""All routes, with all roles: what the table of rights says is what happens."""

from __future__ import annotations

import re

import pytest
from tests.api.house import PROJECT, House

from arkwright.api.route import Access, Route
from arkwright.api.routes import ROUTES
from arkwright.iam.model import GRANTS, Grant, Role

_VALUES = {"project_id": PROJECT, "instance_id": "1"}


def path_of(route: Route) -> str:
    return re.sub(r"\{([^}:]*)[^}]*\}", lambda match: _VALUES.get(match[1], "nobody"), route.path)


def name_of(route: Route) -> str:
    return route.operation


IN_WORKSPACE = [route for route in ROUTES if route.access is Access.WORKSPACE]
PRIVATE = [route for route in ROUTES if route.access is not Access.PUBLIC]


@pytest.mark.parametrize("route", IN_WORKSPACE, ids=name_of)
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_the_table_grants_and_nothing_else(house: House, route: Route, role: Role) -> None:
    assert route.action is not None
    reply = house.call(route.method, path_of(route), role=role.value, cut=route.media_type == "text/event-stream")
    assert (reply.status_code != 403) is (GRANTS[role][route.action] is not Grant.NO), reply.text
    assert reply.status_code < 500


@pytest.mark.parametrize("route", IN_WORKSPACE, ids=name_of)
def test_who_is_no_member_may_nothing(house: House, route: Route) -> None:
    assert house.call(route.method, path_of(route), role="stranger").status_code == 403


@pytest.mark.parametrize("route", PRIVATE, ids=name_of)
def test_without_a_credential_nothing_is_told(house: House, route: Route) -> None:
    reply = house.call(route.method, path_of(route), role=None)
    assert (reply.status_code, reply.json()["error_code"]) == (401, "APIGW.0301")


@pytest.mark.parametrize(
    "route", [each for each in PRIVATE if each.access not in (Access.ACTOR, Access.WORKER)], ids=name_of
)
def test_a_credential_is_good_for_its_own_project(house: House, route: Route) -> None:
    reply = house.call(route.method, path_of(route).replace(PROJECT, "f" * 32))
    assert (reply.status_code, reply.json()["error_code"]) == (403, "APIGW.0302")


CHANGES = [each for each in ROUTES if each.access is Access.PROJECT and each.method not in ("GET", "HEAD")]


@pytest.mark.parametrize("route", CHANGES, ids=name_of)
@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_what_is_of_no_workspace_is_changed_by_administrators_alone(house: House, route: Route, role: str) -> None:
    """With ids of things that there are: what one may not change is not told apart from what is missing."""
    workspace = house.directory.workspace(PROJECT, None)
    domain = house.directory.only_domain()
    assert domain is not None
    other = house.directory.user_named(domain.id, "the-developer")
    assert other is not None
    studio = house.call("GET", "instances").json()["commodity_orders"][0]["resource_id"]
    known = {"project_id": PROJECT, "workspace_id": workspace.id, "user_id": other.id, "instance_id": studio}
    path = re.sub(r"\{([^}:]*)[^}]*\}", lambda match: known.get(match[1], "nobody"), route.path)
    body = {
        "name": "x",
        "role": "admin",
        "password": "Correct-Horse-9",
        "groups": ["gpu"],
        "user_ids": [other.id],
        "workspace_ids": [workspace.id],
        "roles_ids": ["admin"],
        "users_or_groups": [{"id": other.id, "name": other.name}],
    }
    reply = house.call(route.method, path, body if route.method != "DELETE" else None, role=role)
    assert reply.status_code == 403, reply.text


OF_WORKERS = [each for each in ROUTES if each.access is Access.WORKER]


@pytest.mark.parametrize("route", OF_WORKERS, ids=name_of)
@pytest.mark.parametrize("role", ["administrator", *Role])
def test_no_user_opens_a_route_of_workers(house: House, route: Route, role: str) -> None:
    reply = house.call(route.method, path_of(route), role=str(role))
    assert (reply.status_code, reply.json()["error_code"]) == (401, "APIGW.0301")


@pytest.fixture(scope="module")
def worker_token(house: House) -> str:
    reply = house.call("POST", "worker-tokens", {"groups": ["gpu"]}, role="administrator")
    assert reply.status_code == 200, reply.text
    token: str = reply.json()["token"]
    return token


@pytest.mark.parametrize("route", PRIVATE, ids=name_of)
def test_a_workers_token_opens_the_routes_of_workers_and_no_other(
    house: House, route: Route, worker_token: str
) -> None:
    reply = house.call(route.method, path_of(route), role=None, headers={"Authorization": f"Bearer {worker_token}"})
    assert (reply.status_code != 401) is (route.access is Access.WORKER), reply.text
    assert reply.status_code < 500


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [route.operation for route in ROUTES]
    assert len(set(names)) == len(names)
