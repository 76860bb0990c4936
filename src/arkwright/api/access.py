"""Who may call a route: credential, project, workspace and role, in this order, before the handler runs."""

from __future__ import annotations

from arkwright.api.call import Call
from arkwright.api.route import Access
from arkwright.api.session import session_token
from arkwright.core.identity import Workspace
from arkwright.errors import Forbidden, InvalidInput
from arkwright.iam.authentication import Request
from arkwright.iam.model import Action, Actor, can


async def admit(call: Call) -> None:
    """Fill in the call's actor and workspace, or raise `Unauthenticated`, `Forbidden`, `NotFound` (workspace)."""
    access = call.route.access
    if access is Access.PUBLIC:
        return
    if access is Access.WORKER:
        call.worker = await call.parts.worker_tokens.verify(bearer(call))
        return
    project_id = None if access is Access.ACTOR else call.path["project_id"]
    call.actor = await authenticate(call, project_id)
    if access is not Access.WORKSPACE or project_id is None or call.route.action is None:
        return
    _check_repeated(call)
    call.workspace = call.parts.directory.workspace(project_id, call.header(b"workspace"))
    require(call.actor, call.route.action, call.workspace)


def _check_repeated(call: Call) -> None:
    """Which of two workspaces was meant is not for us to guess."""
    headers = call.scope["headers"]
    if len(call.headers) < len(headers) and len({value for name, value in headers if name == b"workspace"}) > 1:
        raise InvalidInput(
            "The header workspace was sent more than once, with different values.",
            field="workspace",
            hint="Send it once, or leave it out for the default workspace.",
        )


def require(actor: Actor, action: Action, workspace: Workspace) -> None:
    if not can(actor, action, workspace.id, enterprise=workspace.settings.get("mode") == "enterprise"):
        role = actor.roles.get(workspace.id)
        raise Forbidden(
            f"{actor.user_name} is {f'{role} in' if role else 'no member of'} workspace {workspace.name}, "
            f"which does not allow {action}.",
            hint="An administrator of the workspace can give you a role that does.",
        )


def bearer(call: Call) -> str:
    given = [value for name, value in call.scope["headers"] if name == b"authorization"]
    scheme, _, token = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


async def authenticate(call: Call, project_id: str | None) -> Actor:
    scope, authenticator = call.scope, call.parts.authenticator
    token = call.headers.get(b"x-auth-token")
    # A request that repeats headers is not for the short way: the authenticator refuses two tokens.
    if token is not None and len(call.headers) == len(scope["headers"]):
        actor = authenticator.by_cached_token(token.decode("latin-1"), project_id)
        if actor is not None:
            return actor
    headers = scope["headers"]
    if (session := session_token(call)) is not None:
        headers = [*headers, (b"x-auth-token", session)]
    request = Request(
        method=scope["method"],
        path=scope.get("raw_path") or scope["path"].encode(),
        query=scope["query_string"],
        headers=headers,
    )
    read_body = call.declared_body if call.route.streamed else call.body
    return await authenticator.authenticate(request, read_body, project_id=project_id)
