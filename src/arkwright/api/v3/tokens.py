"""The part of the identity API that clients of the Factory need, in the shape of Keystone v3."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.error_codes import TOKEN_NOT_FOUND, USER_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.route import Access, Parameter, Route, text
from arkwright.api.v3 import documents
from arkwright.core.identity import Token
from arkwright.errors import Code, Forbidden, InvalidInput
from arkwright.iam import keystone
from arkwright.iam.model import Actor
from arkwright.iam.tokens import VerifiedToken

_SUBJECT = Parameter(
    name="X-Subject-Token", place="header", required=True, summary="The token in question.", schema={"type": "string"}
)


async def create_token(call: Call) -> Response:
    asked = keystone.parse_login(await call.document())
    client = call.scope.get("client")
    issued = await call.parts.login.log_in(asked, client[0] if client else "")
    reply = answer(_body(call, issued.record, issued.actor), 201)
    reply.headers["X-Subject-Token"] = issued.text
    return reply


async def show_token(call: Call) -> Response:
    subject, verified = await _subject(call)
    reply = answer(_body(call, verified.record, verified.actor))
    reply.headers["X-Subject-Token"] = subject
    return reply


async def delete_token(call: Call) -> Response:
    subject, _ = await _subject(call)
    await call.parts.tokens.revoke(subject)
    return empty()


async def list_projects(call: Call) -> Response:
    """`?name=` is what the SDKs ask with the name of a region."""
    directory, domain_id = call.parts.directory, call.actor.domain_id
    name = call.query.get("name", "")
    projects = directory.projects_by_region(domain_id, name) if name else directory.projects_of(domain_id)
    return answer(keystone.projects_body(projects, base_url=call.base_url))


async def list_own_projects(call: Call) -> Response:
    projects = call.parts.directory.projects_of(call.actor.domain_id)
    return answer(keystone.projects_body(projects, base_url=call.base_url, path="/v3/auth/projects"))


async def list_own_domains(call: Call) -> Response:
    domain = call.parts.directory.domain(call.actor.domain_id)
    return answer(keystone.domains_body([domain] if domain else [], base_url=call.base_url))


async def show_catalog(call: Call) -> Response:
    return answer(keystone.catalog_body(call.base_url))


async def show_user(call: Call) -> Response:
    """Asked by Terraform's provider before it makes a user a member of a workspace."""
    user = call.parts.directory.user(call.path["user_id"])
    if user is None or user.domain_id != call.actor.domain_id:
        raise HttpRefusal(USER_NOT_FOUND, f"Could not find user: {call.path['user_id'][:64]}.")
    return answer(keystone.user_body(user, base_url=call.base_url))


def _body(call: Call, record: Token, actor: Actor) -> dict[str, Any]:
    project = call.parts.directory.project(record.project_id) if record.project_id else None
    wanted = call.query.get("nocatalog") is None
    return keystone.token_body(record, actor, project, base_url=call.base_url, with_catalog=wanted)


async def _subject(call: Call) -> tuple[str, VerifiedToken]:
    """The token in X-Subject-Token: one's own, or an administrator asks."""
    subject = call.header(b"x-subject-token")
    if not subject:
        raise InvalidInput("The header X-Subject-Token is missing.", field="X-Subject-Token")
    verified = await call.parts.tokens.look_up(subject)
    if verified is None:
        raise HttpRefusal(TOKEN_NOT_FOUND)
    if verified.actor.user_id != call.actor.user_id and not call.actor.administrator:
        raise Forbidden("The token in X-Subject-Token is somebody else's.")
    return subject, verified


_LOGIN = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": "admin", "password": "…", "domain": {"name": "arkwright"}}},
        },
        "scope": {"project": {"name": "eu-de"}},
    }
}


def _read(path: str, handler: Any, operation: str, summary: str, *parameters: Parameter, response: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        operation=operation,
        summary=summary,
        tag="identity",
        access=Access.ACTOR,
        parameters=parameters,
        response=response,
    )


ROUTES = (
    Route(
        method="POST",
        path="/v3/auth/tokens",
        handler=create_token,
        operation="createToken",
        summary="Log in with a password; the token is in the reply's header X-Subject-Token.",
        tag="identity",
        access=Access.PUBLIC,
        parameters=(text("nocatalog", "If given, with any value, the reply has no catalog."),),
        success=201,
        errors=(Code.UNAUTHENTICATED, Code.TOO_MANY_REQUESTS),
        example=_LOGIN,
        request=documents.Login,
        response=documents.TokenReply,
    ),
    Route(
        method="GET",
        path="/v3/auth/tokens",
        handler=show_token,
        operation="showToken",
        summary="What a token stands for. HEAD asks only whether it is valid.",
        tag="identity",
        access=Access.ACTOR,
        parameters=(_SUBJECT,),
        errors=(TOKEN_NOT_FOUND,),
        response=documents.TokenReply,
    ),
    Route(
        method="DELETE",
        path="/v3/auth/tokens",
        handler=delete_token,
        operation="deleteToken",
        summary="End a token.",
        tag="identity",
        access=Access.ACTOR,
        parameters=(_SUBJECT,),
        success=204,
        errors=(TOKEN_NOT_FOUND,),
    ),
    _read(
        "/v3/projects",
        list_projects,
        "keystoneListProjects",
        "Projects by the name of a region.",
        text("name", "Name of a region or project."),
        response=documents.Projects,
    ),
    Route(
        method="GET",
        path="/v3.0/OS-USER/users/{user_id}",
        handler=show_user,
        operation="keystoneShowUserDetail",
        summary="A user of the domain.",
        tag="identity",
        access=Access.ACTOR,
        response=documents.UserDetail,
        errors=(USER_NOT_FOUND,),
    ),
    _read(
        "/v3/auth/projects",
        list_own_projects,
        "keystoneListAuthProjects",
        "Projects of the credential.",
        response=documents.Projects,
    ),
    _read(
        "/v3/auth/domains",
        list_own_domains,
        "keystoneListAuthDomains",
        "The domain of the credential.",
        response=documents.Domains,
    ),
    _read(
        "/v3/auth/catalog",
        show_catalog,
        "keystoneShowCatalog",
        "Where the services are: all of them here.",
        response=documents.Catalog,
    ),
)
