"""Sessions of browsers: a token in a cookie that no script can read, for the console.

Rules: the cookie holds an ordinary token (24 hours, ends with the password) and is sent by this site's own pages only
(SameSite=Strict). Whoever changes something must also show, in the header `X-CSRF-Token`, the value of the second
cookie, which only this site's scripts can read. A request that brings a credential of its own is not a session's.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Literal

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Access, Route
from arkwright.core.identity import Workspace
from arkwright.errors import Code, Forbidden, InvalidInput
from arkwright.iam.keystone import PasswordLogin, Scope, ScopeKind
from arkwright.iam.model import Actor
from arkwright.iam.tokens import LIFETIME_MS

SESSION, CSRF = "arkwright_session", "arkwright_csrf"
_SAFE = ("GET", "HEAD")


class LogIn(Struct, kw_only=True, omit_defaults=True):
    name: str
    password: str
    domain: str = ""
    project: str = ""
    """Id or name; empty: the domain's only or first one."""


class SessionWorkspace(Struct, kw_only=True):
    id: str
    name: str
    timeZone: str
    role: str
    """`admin` too for administrators of the domain, who need no membership."""


class Session(Struct, kw_only=True):
    userId: str
    userName: str
    administrator: bool
    projectId: str
    workspaces: list[SessionWorkspace]
    projects: list[dict[Literal["id", "name"], str]]


def session_token(call: Call) -> bytes | None:
    """The token of the request's session, if it has one and nothing else. Raises `Forbidden` without the proof that
    one of our own pages sent it."""
    headers = call.headers
    if b"cookie" not in headers or b"x-auth-token" in headers or b"authorization" in headers:
        return None
    cookies = _cookies(headers[b"cookie"])
    token = cookies.get(SESSION)
    if token is None:
        return None
    if call.scope["method"] not in _SAFE:
        shown, expected = headers.get(b"x-csrf-token", b""), cookies.get(CSRF, "")
        if not expected or not hmac.compare_digest(shown, expected.encode("latin-1")):
            raise Forbidden(
                "The request does not come from a page of this server: the header X-CSRF-Token is missing or wrong.",
                hint=f"Send the value of the cookie {CSRF}, or use a token in X-Auth-Token in place of the session.",
            )
    return token.encode("latin-1")


def _cookies(header: bytes) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.decode("latin-1").split(";"))
    return {name: value for name, _, value in pairs}


async def log_in(call: Call) -> Response:
    asked = await call.document()
    for field in ("name", "password"):
        if not isinstance(asked.get(field), str) or not asked[field]:
            raise InvalidInput(f"{field} is missing.", field=field)
    domain, project = str(asked.get("domain") or "") or None, str(asked.get("project") or "")
    user = PasswordLogin(
        user_id=None,
        user_name=asked["name"],
        domain_id=None,
        domain_name=domain,
        password=asked["password"],
        scope=Scope(),
    )
    client = call.scope.get("client")
    source = client[0] if client else ""
    issued = await call.parts.login.log_in(user, source)
    if issued.record.project_id is None or project:
        # A domain with several projects: the token must be for one of them.
        found = _chosen(call, issued.actor, project)
        await call.parts.tokens.revoke(issued.text)
        scope = Scope(kind=ScopeKind.PROJECT, id=found)
        issued = await call.parts.login.log_in(
            PasswordLogin(
                user_id=issued.actor.user_id,
                user_name=None,
                domain_id=None,
                domain_name=None,
                password=asked["password"],
                scope=scope,
            ),
            source,
        )
    reply = answer(_session(call, issued.actor), 201)
    secure = call.scope.get("scheme") == "https"
    for name, value, hidden in ((SESSION, issued.text, True), (CSRF, secrets.token_urlsafe(24), False)):
        reply.set_cookie(
            name, value, max_age=LIFETIME_MS // 1000, path="/", secure=secure, httponly=hidden, samesite="strict"
        )
    return reply


def _chosen(call: Call, actor: Actor, project: str) -> str:
    projects = call.parts.directory.projects_of(actor.domain_id)
    if not project and projects:
        return projects[0].id
    for each in projects:
        if project in (each.id, each.name):
            return each.id
    raise InvalidInput("There is no such project in the user's domain.", field="project")


async def show_session(call: Call) -> Response:
    return answer(_session(call, call.actor))


async def log_out(call: Call) -> Response:
    """Also for a session that has ended already."""
    token = session_token(call)
    if token is not None:
        await call.parts.tokens.revoke(token.decode("latin-1"))
    reply = empty()
    for name in (SESSION, CSRF):
        reply.delete_cookie(name, path="/", samesite="strict")
    return reply


def _session(call: Call, actor: Actor) -> Session:
    directory = call.parts.directory
    project_id = actor.project_id or ""
    return Session(
        userId=actor.user_id,
        userName=actor.user_name,
        administrator=actor.administrator,
        projectId=project_id,
        workspaces=[
            SessionWorkspace(id=each.id, name=each.name, timeZone=each.time_zone, role=_role(actor, each))
            # The default one first: it is what a browser shows that has chosen none.
            for each in sorted(directory.workspaces_of(project_id), key=lambda each: (not each.is_default, each.name))
            if actor.administrator or each.id in actor.roles
        ],
        projects=[{"id": each.id, "name": each.name} for each in directory.projects_of(actor.domain_id)],
    )


def _role(actor: Actor, workspace: Workspace) -> str:
    return "admin" if actor.administrator else str(actor.roles[workspace.id])


_LOGIN: dict[str, Any] = {"name": "admin", "password": "…"}

ROUTES = (
    Route(
        method="POST",
        path="/console/session",
        handler=log_in,
        operation="createSession",
        summary="Log in a browser: the token goes into a cookie that no script can read.",
        tag="console",
        access=Access.PUBLIC,
        request=LogIn,
        response=Session,
        success=201,
        errors=(Code.UNAUTHENTICATED, Code.TOO_MANY_REQUESTS),
        example=_LOGIN,
        ours=True,
    ),
    Route(
        method="GET",
        path="/console/session",
        handler=show_session,
        operation="showSession",
        summary="Whose session it is, and what they may work in.",
        tag="console",
        access=Access.ACTOR,
        response=Session,
        ours=True,
    ),
    Route(
        method="DELETE",
        path="/console/session",
        handler=log_out,
        operation="deleteSession",
        summary="Log out.",
        tag="console",
        access=Access.PUBLIC,
        success=204,
        ours=True,
    ),
)
