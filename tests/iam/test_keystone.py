"""The identity API's JSON, in and out."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.iam.house import START_MS

from arkwright.core.identity import Domain, Project, Token
from arkwright.errors import InvalidInput
from arkwright.iam import keystone
from arkwright.iam.keystone import PasswordLogin, Scope, ScopeKind, parse_login
from arkwright.iam.model import Actor, Role

DOCUMENTED: dict[str, Any] = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": "ann", "password": "secret", "domain": {"name": "OTC1"}}},
        },
        "scope": {"project": {"id": "p1"}},
    }
}


def without_or_with(path: str, value: object) -> dict[str, Any]:
    """The documented body with another value at a path (None: without it)."""
    body = copy.deepcopy(DOCUMENTED)
    place: Any = body
    *parents, last = path.split(".")
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


def test_the_documented_body_is_read() -> None:
    assert parse_login(DOCUMENTED) == PasswordLogin(
        user_id=None,
        user_name="ann",
        domain_id=None,
        domain_name="OTC1",
        password="secret",
        scope=Scope(kind=ScopeKind.PROJECT, id="p1"),
    )


def test_ids_are_read_and_unknown_fields_ignored() -> None:
    body = without_or_with("auth.identity.password.user", {"id": "u1", "password": "x", "new": 1})
    body["auth"]["scope"] = {"project": {"name": "eu-de", "domain": {"id": "d1"}}, "new": []}
    body["auth"]["new"] = {}
    read = parse_login(body)
    assert (read.user_id, read.user_name, read.domain_id) == ("u1", None, None)
    assert read.scope == Scope(kind=ScopeKind.PROJECT, name="eu-de", domain_id="d1")


@pytest.mark.parametrize(
    ("scope", "read"),
    [
        (None, Scope()),
        ({}, Scope()),
        ("unscoped", Scope()),
        ({"domain": {"name": "d"}}, Scope(kind=ScopeKind.DOMAIN, name="d")),
        ({"domain": {"id": "d1"}}, Scope(kind=ScopeKind.DOMAIN, id="d1")),
    ],
)
def test_scopes_are_read(scope: object, read: Scope) -> None:
    assert parse_login(without_or_with("auth.scope", scope)).scope == read


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "auth"),
        ([], "auth"),
        ({}, "auth"),
        ({"auth": 1}, "auth"),
        (without_or_with("auth.identity", None), "auth.identity"),
        (without_or_with("auth.identity.methods", None), "auth.identity.methods"),
        (without_or_with("auth.identity.methods", "password"), "auth.identity.methods"),
        (without_or_with("auth.identity.methods", []), "auth.identity.methods"),
        (without_or_with("auth.identity.methods", [1]), "auth.identity.methods"),
        (without_or_with("auth.identity.methods", ["token"]), "auth.identity.methods"),
        (without_or_with("auth.identity.methods", ["password", "totp"]), "auth.identity.methods"),
        (without_or_with("auth.identity.password", None), "auth.identity.password"),
        (without_or_with("auth.identity.password.user", None), "auth.identity.password.user"),
        (without_or_with("auth.identity.password.user", []), "auth.identity.password.user"),
        (without_or_with("auth.identity.password.user.name", None), "auth.identity.password.user.name"),
        (without_or_with("auth.identity.password.user.name", 5), "auth.identity.password.user.name"),
        (without_or_with("auth.identity.password.user.name", "x" * 256), "auth.identity.password.user.name"),
        (without_or_with("auth.identity.password.user.id", 5), "auth.identity.password.user.id"),
        (without_or_with("auth.identity.password.user.password", None), "auth.identity.password.user.password"),
        (without_or_with("auth.identity.password.user.password", 1), "auth.identity.password.user.password"),
        (without_or_with("auth.identity.password.user.password", ""), "auth.identity.password.user.password"),
        (without_or_with("auth.identity.password.user.password", "x" * 1025), "auth.identity.password.user.password"),
        (without_or_with("auth.identity.password.user.domain", "x"), "auth.identity.password.user.domain"),
        (without_or_with("auth.identity.password.user.domain", {}), "auth.identity.password.user.domain.name"),
        (without_or_with("auth.scope", []), "auth.scope"),
        (without_or_with("auth.scope", "x"), "auth.scope"),
        (without_or_with("auth.scope", {"system": {}}), "auth.scope"),
        (without_or_with("auth.scope", {"project": "x"}), "auth.scope.project"),
        (without_or_with("auth.scope", {"project": {}}), "auth.scope.project.name"),
        (without_or_with("auth.scope", {"domain": {"name": []}}), "auth.scope.domain.name"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: object, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_login(body)
    assert type(caught.value) is InvalidInput
    assert caught.value.field == field
    parent = field.rpartition(".")[0]
    assert any(text in caught.value.message for text in (field, f"{parent} needs", "log-in", "Log-in"))


def test_a_one_time_password_is_refused_clearly() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_login(without_or_with("auth.identity.methods", ["password", "totp"]))
    assert "totp" in caught.value.message


def test_the_password_does_not_show_in_a_printed_value() -> None:
    assert "secret" not in repr(parse_login(DOCUMENTED))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["auth", "identity", "methods", "password", "user", "name", "id", "domain", "scope"]), inner
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_is_read_or_refused_as_input(body: object) -> None:
    with contextlib.suppress(InvalidInput):
        parse_login(body)


# ---------------------------------------------------------------- replies

ACTOR = Actor(
    user_id="u1",
    user_name="ann",
    domain_id="d1",
    domain_name="OTC1",
    project_id="p1",
    roles={"w1": Role.VIEWER, "w2": Role.DEVELOPER, "w3": Role.VIEWER},
)
PROJECT = Project(id="p1", name="eu-de", domain_id="d1")


def record(project_id: str | None) -> Token:
    return Token(
        token_hash=b"", user_id="u1", project_id=project_id, domain_id="d1", issued_ms=START_MS, expires_ms=START_MS + 1
    )


def test_a_projects_token_body_is_as_documented() -> None:
    body = keystone.token_body(record("p1"), ACTOR, PROJECT, base_url="http://h:1", with_catalog=False)
    domain = {"id": "d1", "name": "OTC1"}
    assert body == {
        "token": {
            "methods": ["password"],
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2026-01-01T00:00:00.001000Z",
            "user": {"id": "u1", "name": "ann", "domain": domain, "password_expires_at": ""},
            "roles": [{"id": "developer", "name": "developer"}, {"id": "viewer", "name": "viewer"}],
            "project": {"id": "p1", "name": "eu-de", "domain": domain},
        }
    }


def test_a_domains_token_body_has_the_domain_and_the_catalog() -> None:
    token = keystone.token_body(record(None), ACTOR, None, base_url="http://h:1/")["token"]
    assert "project" not in token
    assert token["domain"] == {"id": "d1", "name": "OTC1"}
    assert token["catalog"] == keystone.catalog("http://h:1")


def test_every_service_of_the_catalog_is_this_server() -> None:
    services = keystone.catalog_body("http://h:1/")["catalog"]
    assert {service["type"] for service in services} == {"iam", "identity", "dayu", "dataarts", "dataarts-dlf"}
    for service in services:
        (endpoint,) = service["endpoints"]
        assert endpoint["url"] == "http://h:1"
        assert endpoint["interface"] == "public"
    assert len({service["id"] for service in services}) == len(services)


def test_projects_and_domains_are_listed_in_keystones_shape() -> None:
    body = keystone.projects_body([PROJECT], base_url="http://h:1")
    assert body["projects"] == [
        {
            "id": "p1",
            "name": "eu-de",
            "domain_id": "d1",
            "parent_id": "d1",
            "enabled": True,
            "is_domain": False,
            "description": "",
            "links": {"self": "http://h:1/v3/projects/p1"},
        }
    ]
    assert body["links"] == {"self": "http://h:1/v3/projects", "previous": None, "next": None}
    body = keystone.domains_body([Domain(id="d1", name="OTC1")], base_url="http://h:1")
    assert [(domain["id"], domain["name"], domain["enabled"]) for domain in body["domains"]] == [("d1", "OTC1", True)]
