"""Users of the installation, their access keys and roles, and which workspaces may run programs on this machine (ours).

Rules: users are managed by administrators of the installation; who may manage a workspace gives roles in it; everybody
may rotate their own access key. Passwords and secret keys are answered once, by the call that made them. Nobody is
deleted: what somebody did still names them.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Access, Route
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.fields import truth, wrong
from arkwright.core.identity import User
from arkwright.errors import Code, Forbidden, InvalidInput, NotFound
from arkwright.iam.model import Action, Role, can


class UserItem(Struct, kw_only=True):
    id: str
    name: str
    enabled: bool
    administrator: bool
    create_time: int
    roles: dict[str, str]
    """Workspace id to role."""
    access_keys: list[str]
    """Those that work."""


class UserList(Struct, kw_only=True):
    count: int
    users: list[UserItem]


class NewUser(Struct, kw_only=True, omit_defaults=True):
    name: str
    password: str | UnsetType = UNSET
    administrator: bool = False


class CreatedUser(UserItem, kw_only=True, omit_defaults=True):
    password: str | UnsetType = UNSET
    """Only one that was made here."""


class Password(Struct, kw_only=True, omit_defaults=True):
    password: str | UnsetType = UNSET


class NewAccessKey(Struct, kw_only=True):
    access_key: str
    secret_key: str


class RoleChange(Struct, kw_only=True, omit_defaults=True):
    role: str | None
    """None: not a member any more."""
    workspace_id: str | UnsetType = UNSET


class LocalPrograms(Struct, kw_only=True):
    allowed: bool


# ---------------------------------------------------------------- users


async def list_users(call: Call) -> Response:
    administrator_only(call)
    users = [_item(call, each) for each in call.parts.directory.users_of(call.actor.domain_id)]
    return answer(UserList(count=len(users), users=users))


async def show_user(call: Call) -> Response:
    user = user_in_path(call)
    if user.id != call.actor.user_id:
        administrator_only(call)
    return answer(_item(call, user))


async def create_user(call: Call) -> Response:
    administrator_only(call)
    body = await call.document()
    name = text_of(body.get("name"), "name", 64, least=1)
    made = await call.parts.administration.create_user(
        call.actor.domain_id,
        name,
        password=_password(body),
        administrator=bool(truth(body.get("administrator"), "administrator")),
    )
    item = _item(call, made.user)
    shown = UNSET if body.get("password") else made.password
    return answer(CreatedUser(**{field: getattr(item, field) for field in item.__struct_fields__}, password=shown))


async def disable_user(call: Call) -> Response:
    administrator_only(call)
    await call.parts.administration.disable_user(user_in_path(call).id)
    return empty()


async def enable_user(call: Call) -> Response:
    administrator_only(call)
    await call.parts.administration.enable_user(user_in_path(call).id)
    return empty()


async def reset_password(call: Call) -> Response:
    administrator_only(call)
    user = user_in_path(call)
    given = _password(await call.document(required=False))
    made = await call.parts.administration.reset_password(user.id, given)
    return answer(Password(password=made) if given is None else Password())


async def rotate_access_key(call: Call) -> Response:
    user = user_in_path(call)
    if user.id != call.actor.user_id:
        administrator_only(call)
    made = await call.parts.administration.rotate_access_key(user.id)
    return answer(NewAccessKey(access_key=made.access_key, secret_key=made.secret_key))


# ---------------------------------------------------------------- workspaces


async def set_role(call: Call) -> Response:
    body = await call.document()
    header = call.header(b"workspace")
    workspace_id = text_of(body.get("workspace_id"), "workspace_id", 64) or header
    workspace = call.parts.directory.workspace(call.path["project_id"], workspace_id)
    require(call.actor, Action.WORKSPACE_MANAGE, workspace)
    if "role" not in body:
        raise InvalidInput("role is missing.", field="role", hint=f"One of {', '.join(Role)}, or null.")
    word = body["role"]
    if word is not None and (not isinstance(word, str) or word not in set(Role)):
        raise wrong("role", f"must be one of {', '.join(Role)}, or null", word)
    await call.parts.administration.set_role(workspace.id, user_in_path(call).id, None if word is None else Role(word))
    return empty()


async def show_local_programs(call: Call) -> Response:
    return answer(LocalPrograms(allowed=call.workspace.local_programs_allowed))


async def allow_local_programs(call: Call) -> Response:
    allowed = truth((await call.document()).get("allowed"), "allowed")
    if allowed is None:
        raise InvalidInput("allowed is missing.", field="allowed", hint="true or false.")
    await call.parts.administration.allow_local_programs(call.workspace.id, allowed)
    return empty()


# ---------------------------------------------------------------- inside


def administrator_only(call: Call) -> None:
    if not can(call.actor, Action.USER_MANAGE, None):
        raise Forbidden(
            f"{call.actor.user_name} is no administrator of the installation.",
            hint="An administrator of the installation can do this, or make you one.",
        )


def user_in_path(call: Call) -> User:
    """The user in the path, by id or name, of the caller's own domain. Only administrators learn who there is."""
    given = call.path["user_id"]
    directory = call.parts.directory
    user = directory.user(given) or directory.user_named(call.actor.domain_id, given)
    if user is None or user.domain_id != call.actor.domain_id:
        if not (call.actor.administrator or Role.ADMIN in call.actor.roles.values()):
            administrator_only(call)
        raise NotFound(f"User {given[:64]} does not exist.", field="user_id")
    return user


def _password(body: dict[str, Any]) -> str | None:
    return text_of(body.get("password"), "password", 256) or None


def _item(call: Call, user: User) -> UserItem:
    directory = call.parts.directory
    project_workspaces = directory.workspaces_of(call.path["project_id"])
    roles = {
        workspace.id: member.role
        for workspace in project_workspaces
        for member in directory.members_of(workspace.id)
        if member.user_id == user.id
    }
    current = directory.user(user.id) or user
    return UserItem(
        id=user.id,
        name=user.name,
        enabled=current.enabled,
        administrator=current.administrator,
        create_time=user.created_ms,
        roles=roles,
        access_keys=[key.access_key for key in directory.access_keys_of(user.id) if key.enabled],
    )


# ---------------------------------------------------------------- routes

_USERS = "/v1/{project_id}/users"
_ONE = f"{_USERS}/{{user_id}}"
_LOCAL = "/v1/{project_id}/local-programs"


def _route(method: str, path: str, handler: Any, operation: str, summary: str, **more: Any) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        operation=operation,
        summary=summary,
        tag="users",
        ours=True,
        **{"access": Access.PROJECT, "errors": (Code.FORBIDDEN, Code.OBJECT_NOT_FOUND), **more},
    )


ROUTES: tuple[Route, ...] = (
    _route("GET", _USERS, list_users, "listUsers", "The users of the domain.", response=UserList),
    _route("GET", _ONE, show_user, "showUser", "A user, by id or name.", response=UserItem),
    _route(
        "POST",
        _USERS,
        create_user,
        "createUser",
        "Create a user; without a password one is made and answered.",
        request=NewUser,
        response=CreatedUser,
        errors=(Code.FORBIDDEN, Code.OBJECT_EXISTS),
        example={"name": "anna"},
    ),
    _route(
        "POST",
        f"{_ONE}/disable",
        disable_user,
        "disableUser",
        "Disable a user: tokens and access keys stop working at once.",
        success=204,
        errors=(Code.FORBIDDEN, Code.OBJECT_NOT_FOUND, Code.ILLEGAL_STATE),
    ),
    _route("POST", f"{_ONE}/enable", enable_user, "enableUser", "Enable a user again.", success=204),
    _route(
        "POST",
        f"{_ONE}/password",
        reset_password,
        "resetPassword",
        "Give a user another password; without one it is made and answered. The user's tokens end.",
        request=Password,
        request_required=False,
        response=Password,
    ),
    _route(
        "POST",
        f"{_ONE}/access-keys",
        rotate_access_key,
        "rotateAccessKey",
        "Make a new access key; the user's others stop working.",
        response=NewAccessKey,
    ),
    _route(
        "PUT",
        f"{_ONE}/role",
        set_role,
        "setRole",
        "Give a user a role in a workspace, or take it away.",
        request=RoleChange,
        success=204,
        example={"role": "developer"},
    ),
    _route(
        "GET",
        _LOCAL,
        show_local_programs,
        "showLocalPrograms",
        "Whether nodes of the workspace may run programs on the server's machine.",
        access=Access.WORKSPACE,
        action=Action.WORKSPACE_READ,
        response=LocalPrograms,
        errors=(),
    ),
    _route(
        "PUT",
        _LOCAL,
        allow_local_programs,
        "allowLocalPrograms",
        "Allow or forbid that; for administrators of the installation.",
        access=Access.WORKSPACE,
        action=Action.LOCAL_PROGRAMS_ALLOW,
        request=LocalPrograms,
        success=204,
        errors=(),
        example={"allowed": True},
    ),
)
