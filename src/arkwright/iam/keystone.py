"""The identity API's JSON, in the shape of Keystone v3: log-in requests read, replies written. Pure; no HTTP.

What a request says wrongly is `InvalidInput` with the path of the field. Unknown fields are ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from arkwright.core.identity import Domain, Project, Token, User
from arkwright.errors import InvalidInput
from arkwright.iam.model import Actor

Json = dict[str, Any]

_LONGEST_NAME = 255
_LONGEST_PASSWORD = 1024

# Service name and type as clients look them up; all of them are this one server.
_SERVICES = (
    ("iam", "iam"),
    ("keystone", "identity"),
    ("dayu", "dayu"),
    ("dataarts", "dataarts"),
    ("dataarts-dlf", "dataarts-dlf"),
)


class ScopeKind(Enum):
    PROJECT = "project"
    DOMAIN = "domain"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a token is asked for. Of a project or domain, the id or the name is given."""

    kind: ScopeKind = ScopeKind.NONE
    id: str | None = None
    name: str | None = None
    domain_id: str | None = None
    """The domain that a project's name is looked up in; both None: the user's."""
    domain_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLogin:
    """A log-in with a password. The user's id or name is given."""

    user_id: str | None
    user_name: str | None
    domain_id: str | None
    """The domain that the user's name is looked up in; both None: not said."""
    domain_name: str | None
    password: str
    scope: Scope

    def __repr__(self) -> str:  # the password stays out of logs and tracebacks
        return f"PasswordLogin(user_id={self.user_id!r}, user_name={self.user_name!r}, scope={self.scope!r})"


# ---------------------------------------------------------------- requests


def parse_login(body: object) -> PasswordLogin:
    """The body of POST /v3/auth/tokens. Raises `InvalidInput`."""
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object with the field auth.", field="auth")
    auth = _object(body, "auth", "auth")
    identity = _object(auth, "identity", "auth.identity")
    _check_methods(identity.get("methods"))
    password = _object(identity, "password", "auth.identity.password")
    path = "auth.identity.password.user"
    user = _object(password, "user", path)
    user_id, user_name = _id_or_name(user, path)
    domain_id, domain_name = _optional_reference(user, "domain", f"{path}.domain")
    return PasswordLogin(
        user_id=user_id,
        user_name=user_name,
        domain_id=domain_id,
        domain_name=domain_name,
        password=_text(user.get("password"), f"{path}.password", _LONGEST_PASSWORD),
        scope=_scope(auth.get("scope")),
    )


def _check_methods(methods: object) -> None:
    field = "auth.identity.methods"
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise InvalidInput(f'{field} must be a list such as ["password"].', field=field)
    for method in methods:
        if method == "totp":
            raise InvalidInput(
                "Log-in with a one-time password (totp) is not supported.",
                field=field,
                hint='Use the method "password" alone, or sign requests with an access key.',
            )
        if method != "password":
            raise InvalidInput(
                f"The log-in method {method[:40]} is not supported.", field=field, hint='Use the method "password".'
            )
    if not methods:
        raise InvalidInput(f'{field} must name the method "password".', field=field)


def _scope(scope: object) -> Scope:
    if scope is None or scope == "unscoped" or scope == {}:
        return Scope()
    if not isinstance(scope, dict):
        raise InvalidInput("auth.scope must be an object with project or domain.", field="auth.scope")
    if scope.get("project") is not None:
        path = "auth.scope.project"
        project = _object(scope, "project", path)
        project_id, name = _id_or_name(project, path)
        domain_id, domain_name = _optional_reference(project, "domain", f"{path}.domain")
        return Scope(kind=ScopeKind.PROJECT, id=project_id, name=name, domain_id=domain_id, domain_name=domain_name)
    if scope.get("domain") is not None:
        domain_id, name = _id_or_name(_object(scope, "domain", "auth.scope.domain"), "auth.scope.domain")
        return Scope(kind=ScopeKind.DOMAIN, id=domain_id, name=name)
    raise InvalidInput("auth.scope must have project or domain.", field="auth.scope")


def _object(parent: Json, key: str, path: str) -> Json:
    value = parent.get(key)
    if value is None:
        raise InvalidInput(f"{path} is missing.", field=path)
    if not isinstance(value, dict):
        raise InvalidInput(f"{path} must be an object.", field=path)
    return value


def _text(value: object, path: str, longest: int) -> str:
    if value is None:
        raise InvalidInput(f"{path} is missing.", field=path)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise InvalidInput(f"{path} must be a text of 1 to {longest} characters.", field=path)
    return value


def _id_or_name(value: Json, path: str) -> tuple[str | None, str | None]:
    if value.get("id") is not None:
        return _text(value["id"], f"{path}.id", _LONGEST_NAME), None
    if value.get("name") is None:
        raise InvalidInput(f"{path} needs name or id.", field=f"{path}.name")
    return None, _text(value["name"], f"{path}.name", _LONGEST_NAME)


def _optional_reference(parent: Json, key: str, path: str) -> tuple[str | None, str | None]:
    if parent.get(key) is None:
        return None, None
    return _id_or_name(_object(parent, key, path), path)


# ---------------------------------------------------------------- replies


def time_text(at_ms: int) -> str:
    """As Keystone writes times: 2026-01-01T00:00:00.000000Z."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def token_body(
    record: Token, actor: Actor, project: Project | None, *, base_url: str, with_catalog: bool = True
) -> Json:
    """The reply to making (201) or validating (200) a token."""
    domain = {"id": actor.domain_id, "name": actor.domain_name}
    token: Json = {
        "methods": ["password"],
        "issued_at": time_text(record.issued_ms),
        "expires_at": time_text(record.expires_ms),
        "user": {
            "id": actor.user_id,
            "name": actor.user_name,
            "domain": domain,
            "password_expires_at": "",
        },
        "roles": [{"id": name, "name": name} for name in _role_names(actor)],
    }
    if project is None:
        token["domain"] = domain
    else:
        token["project"] = {"id": project.id, "name": project.name, "domain": domain}
    if with_catalog:
        token["catalog"] = catalog(base_url)
    return {"token": token}


def _role_names(actor: Actor) -> list[str]:
    """Keystone's roles are not per workspace: the list says which ones the user has anywhere."""
    names = {role.value for role in actor.roles.values()}
    if actor.administrator:
        names.add("administrator")
    return sorted(names)


def catalog(base_url: str) -> list[Json]:
    """Where the services are: all of them here. Region `*`, so that whatever region a client is set to matches."""
    url = base_url.rstrip("/")
    return [
        {
            "id": _stable_id(f"service {name}"),
            "name": name,
            "type": kind,
            "endpoints": [
                {
                    "id": _stable_id(f"endpoint {name}"),
                    "interface": "public",
                    "region": "*",
                    "region_id": "*",
                    "url": url,
                }
            ],
        }
        for name, kind in _SERVICES
    ]


def catalog_body(base_url: str) -> Json:
    """GET /v3/auth/catalog"""
    return {"catalog": catalog(base_url), "links": _list_links(base_url, "/v3/auth/catalog")}


def projects_body(projects: Sequence[Project], *, base_url: str, path: str = "/v3/projects") -> Json:
    """GET /v3/projects and GET /v3/auth/projects"""
    return {
        "projects": [
            {
                "id": project.id,
                "name": project.name,
                "domain_id": project.domain_id,
                "parent_id": project.domain_id,
                "enabled": True,
                "is_domain": False,
                "description": "",
                "links": {"self": f"{base_url.rstrip('/')}/v3/projects/{project.id}"},
            }
            for project in projects
        ],
        "links": _list_links(base_url, path),
    }


def user_body(user: User, *, base_url: str) -> Json:
    """GET /v3.0/OS-USER/users/{user_id}"""
    return {
        "user": {
            "id": user.id,
            "name": user.name,
            "domain_id": user.domain_id,
            "enabled": user.enabled,
            "is_domain_owner": user.administrator,
            "description": "",
            "links": {"self": f"{base_url.rstrip('/')}/v3.0/OS-USER/users/{user.id}"},
        }
    }


def domains_body(domains: Sequence[Domain], *, base_url: str, path: str = "/v3/auth/domains") -> Json:
    """GET /v3/auth/domains"""
    return {
        "domains": [
            {
                "id": domain.id,
                "name": domain.name,
                "enabled": True,
                "description": "",
                "links": {"self": f"{base_url.rstrip('/')}/v3/domains/{domain.id}"},
            }
            for domain in domains
        ],
        "links": _list_links(base_url, path),
    }


def _list_links(base_url: str, path: str) -> Json:
    return {"self": f"{base_url.rstrip('/')}{path}", "previous": None, "next": None}


def _stable_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
