"""The Management Center's calls that clients of the Factory make: instances, workspaces, members and roles.

Rules: every project has one DataArts instance, whose id is made from the installation's and the project's. Everybody
sees the workspaces they are members of. Offsets count records here, as the clients of these calls send them. Roles are
named by their words (`developer`); a member has one of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

from msgspec.structs import replace
from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer
from arkwright.api.error_codes import DLM_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.route import Access, Parameter, Route, number
from arkwright.api.v1 import management_documents as documents
from arkwright.api.v1.fields import list_, object_, wrong
from arkwright.api.v1.fields import text as text_of
from arkwright.core.identity import User, Workspace
from arkwright.errors import Forbidden, InvalidInput, NotFound
from arkwright.iam.model import Action, Role, can

T = TypeVar("T")

SETTINGS = ("description", "bad_record_location_name", "job_log_location_name", "eps_id")
_DESCRIPTIONS = {
    Role.ADMIN: "May do everything in the workspace.",
    Role.DEVELOPER: "Creates and edits jobs and scripts.",
    Role.DEPLOYER: "Approves release packages.",
    Role.OPERATOR: "Runs, stops and schedules jobs.",
    Role.VIEWER: "Reads.",
}


async def instance_id(call: Call) -> str:
    """The id of the project's one DataArts instance."""
    installation = await call.parts.store.installation_id()
    return hashlib.sha256(f"{installation} instance {call.path['project_id']}".encode()).hexdigest()[:32]


def record_page(call: Call, items: Sequence[T], *, most: int = 1000) -> Sequence[T]:
    size = call.number("limit", 10, least=1, most=most) or 10
    start = call.number("offset", 0) or 0
    return items[start : start + size]


# ---------------------------------------------------------------- instances


async def list_instances(call: Call) -> Response:
    project = call.parts.directory.project(call.path["project_id"])
    default = next((each for each in _workspaces(call) if each.is_default), None)
    order: dict[str, Any] = {
        "project_id": call.path["project_id"],
        "region_id": project.name if project is not None else "",
        "resource_id": await instance_id(call),
        "resource_name": "arkwright",
        "domain_id": call.actor.domain_id,
        "work_space_mode": "simple",
    }
    if default is not None:
        order |= {"create_time": default.created_ms, "create_user": default.created_by}
    return answer({"count": 1, "billing_check": False, "commodity_orders": record_page(call, [order])})


# ---------------------------------------------------------------- workspaces


async def create_workspace(call: Call) -> Response:
    if not can(call.actor, Action.WORKSPACE_CREATE, None):
        raise Forbidden("Only an administrator of the installation can create workspaces.")
    await check_instance(call)
    body = await call.document()
    name = text_of(body.get("name"), "name", 64, least=1)
    settings = {field: text_of(body.get(field), field, 255) for field in SETTINGS if body.get(field) is not None}
    directory, project_id = call.parts.directory, call.path["project_id"]
    time_zone = text_of(body.get("time_zone"), "time_zone", 64) or directory.workspace(project_id, None).time_zone
    made = await call.parts.administration.create_workspace(
        project_id, name, time_zone=time_zone, created_by=call.actor.user_name
    )
    if settings:
        await directory.change(lambda: (replace(made, settings=settings),))
    found = directory.workspace_by_id(made.id)
    return answer(await workspace_reply(call, found or made))


async def list_workspaces(call: Call) -> Response:
    await check_instance(call)
    return await _page(call, _workspaces(call))


async def show_workspace(call: Call) -> Response:
    await check_instance(call)
    return answer(await workspace_reply(call, workspace_in_path(call, Action.WORKSPACE_READ)))


async def list_workspaces_of_user(call: Call) -> Response:
    await check_instance(call)
    user = call.parts.directory.user(call.path["user_id"])
    if user is None or user.domain_id != call.actor.domain_id:
        raise HttpRefusal(DLM_NOT_FOUND, f"User {call.path['user_id'][:64]} does not exist.")
    members = call.parts.directory.members_of
    own = [each for each in _workspaces(call) if any(member.user_id == user.id for member in members(each.id))]
    return await _page(call, own)


async def _page(call: Call, workspaces: Sequence[Workspace]) -> Response:
    size = call.number("limit", 10, least=1, most=1000) or 10
    data = [await workspace_reply(call, each) for each in record_page(call, workspaces)]
    return answer({"count": len(workspaces), "total_page": -(-len(workspaces) // size), "data": data})


async def workspace_reply(call: Call, workspace: Workspace) -> dict[str, Any]:
    return {
        **dict.fromkeys(SETTINGS, ""),
        **{key: value for key, value in workspace.settings.items() if key in SETTINGS},
        "id": workspace.id,
        "name": workspace.name,
        "is_default": int(workspace.is_default),
        "owner_name": workspace.created_by,
        "project_id": workspace.project_id,
        "domain_id": call.actor.domain_id,
        "instance_id": await instance_id(call),
        "member_num": len(call.parts.directory.members_of(workspace.id)),
        "create_time": workspace.created_ms,
        "create_user": workspace.created_by,
    }


def _workspaces(call: Call) -> list[Workspace]:
    found = call.parts.directory.workspaces_of(call.path["project_id"])
    return [each for each in found if can(call.actor, Action.WORKSPACE_READ, each.id)]


async def check_instance(call: Call) -> None:
    given = call.path["instance_id"]
    if given != await instance_id(call):
        raise HttpRefusal(
            DLM_NOT_FOUND, f"Instance {given[:64]} does not exist.", hint="GET …/instances names the project's one."
        )


def workspace_in_path(call: Call, action: Action) -> Workspace:
    """The workspace in the path, if the caller may do that in it."""
    given = call.path["workspace_id"]
    workspace = call.parts.directory.workspace_by_id(given)
    if workspace is None or workspace.project_id != call.path["project_id"]:
        raise HttpRefusal(DLM_NOT_FOUND, f"Workspace {given[:64]} does not exist.")
    require(call.actor, action, workspace)
    return workspace


# ---------------------------------------------------------------- members


async def list_members(call: Call) -> Response:
    workspace = workspace_in_path(call, Action.WORKSPACE_READ)
    members = call.parts.directory.members_of(workspace.id)
    size = call.number("limit", 10, least=1, most=1000) or 10
    data = []
    for member in record_page(call, members):
        user = call.parts.directory.user(member.user_id)
        if user is not None:
            data.append(_member(call, workspace, user, Role(member.role)))
    return answer({"count": len(members), "total_page": -(-len(members) // size), "data": data})


async def add_members(call: Call) -> Response:
    workspace = workspace_in_path(call, Action.WORKSPACE_MANAGE)
    body = await call.document()
    role = _role(body)
    if list_(body.get("groups"), "groups", "objects"):
        raise InvalidInput("groups: there are no groups of users here.", field="groups", hint="Add the users instead.")
    users = [_user(call, each, f"user_ids[{i}]") for i, each in enumerate(list_(body.get("user_ids"), "user_ids", ""))]
    if not users:
        raise InvalidInput("user_ids is missing.", field="user_ids")
    for user in users:
        await call.parts.administration.set_role(workspace.id, user.id, role)
    return answer({"is_success": True, "message": ""})


async def change_member(call: Call) -> Response:
    workspace = workspace_in_path(call, Action.WORKSPACE_MANAGE)
    role = _role(await call.document())
    user = _member_named(call, workspace, call.path["user_id"])
    await call.parts.administration.set_role(workspace.id, user.id, role)
    return answer({"is_success": True, "message": ""})


async def remove_members(call: Call) -> Response:
    workspace = workspace_in_path(call, Action.WORKSPACE_MANAGE)
    given = (await call.document()).get("user_ids")
    ids = list_([given] if isinstance(given, str) else given, "user_ids", "ids of users")
    users = [_member_named(call, workspace, text_of(each, f"user_ids[{i}]", 64, least=1)) for i, each in enumerate(ids)]
    if not users:
        raise InvalidInput("user_ids is missing.", field="user_ids")
    for user in users:
        await call.parts.administration.set_role(workspace.id, user.id, None)
    return answer({"is_success": True, "message": ""})


async def list_roles(call: Call) -> Response:
    return answer([_role_reply(role) for role in Role])


def _role_reply(role: Role) -> dict[str, str]:
    word = role.value
    return {"role_id": word, "role_code": word, "role_name": word, "description": _DESCRIPTIONS[role]}


def _role(body: dict[str, Any]) -> Role:
    given = list_(body.get("roles_ids"), "roles_ids", "objects with role_id")
    if len(given) != 1:
        raise wrong("roles_ids", "must name one role", given, hint="A member has one role here: take the widest.")
    word = object_(given[0], "roles_ids[0]").get("role_id")
    try:
        return Role(str(word))
    except ValueError:
        raise wrong("roles_ids[0].role_id", f"must be one of {', '.join(Role)}", word) from None


def _user(call: Call, given: Any, where: str) -> User:
    wanted = object_(given, where)
    directory, domain_id = call.parts.directory, call.actor.domain_id
    user_id, name = (text_of(wanted.get(field), f"{where}.{field}", 64) for field in ("user_id", "user_name"))
    user = directory.user(user_id) if user_id else directory.user_named(domain_id, name)
    if user is None or user.domain_id != domain_id:
        raise NotFound(f"{where}: user {user_id or name} does not exist.", field=where)
    return user


def _member_named(call: Call, workspace: Workspace, user_id: str) -> User:
    user = call.parts.directory.user(user_id)
    if user is None or all(member.user_id != user.id for member in call.parts.directory.members_of(workspace.id)):
        raise NotFound(f"User {user_id[:64]} is no member of workspace {workspace.name}.", field="user_id")
    return user


def _member(call: Call, workspace: Workspace, user: User, role: Role) -> dict[str, Any]:
    return {
        "id": f"{workspace.id}-{user.id}",
        "user_id": user.id,
        "user_name": user.name,
        "display_user_name": user.name,
        "domain_id": user.domain_id,
        "domain_name": call.actor.domain_name,
        "domain_owner": user.administrator,
        "workspace_id": workspace.id,
        "roles": [_role_reply(role)],
        "type": 0,
    }


# ---------------------------------------------------------------- routes

_PAGE: tuple[Parameter, ...] = (
    number("offset", "Records to skip.", minimum=0, default=0),
    number("limit", "Records on a page.", minimum=1, maximum=1000, default=10),
)


def _route(method: str, path: str, handler: Any, operation: str, summary: str, **more: Any) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        operation=operation,
        summary=summary,
        tag="management center",
        access=Access.PROJECT,
        **{"errors": (DLM_NOT_FOUND,), **more},
    )


_MEMBERS = "/v2/{project_id}/{workspace_id}/users"
_MEMBER_EXAMPLE = {"user_ids": [{"user_id": "0" * 32}], "roles_ids": [{"role_id": "developer"}]}

ROUTES: tuple[Route, ...] = (
    _route(
        "GET",
        "/v1/{project_id}/instances",
        list_instances,
        "listDataArtsStudioInstances",
        "The DataArts instances of the project: there is one.",
        parameters=_PAGE,
        response=documents.Orders,
    ),
    _route(
        "POST",
        "/v1/{project_id}/workspaces/{instance_id}",
        create_workspace,
        "createManagerWorkSpace",
        "Create a workspace. `time_zone` is ours; without it that of the default workspace.",
        example={"name": "sales", "description": "Jobs of the sales team."},
        request=documents.NewWorkspace,
        response=documents.Workspace,
    ),
    _route(
        "GET",
        "/v1/{project_id}/workspaces/{instance_id}",
        list_workspaces,
        "listManagerWorkSpaces",
        "The workspaces of the instance that you are a member of.",
        parameters=_PAGE,
        response=documents.Workspaces,
    ),
    _route(
        "GET",
        "/v1/{project_id}/workspaces/{instance_id}/{workspace_id}",
        show_workspace,
        "showWorkSpace",
        "A workspace.",
        response=documents.Workspace,
    ),
    _route(
        "GET",
        "/v1/{project_id}/{instance_id}/workspaces/{user_id}",
        list_workspaces_of_user,
        "listWorkspacesForUser",
        "The workspaces that a user is a member of, and you too.",
        parameters=_PAGE,
        response=documents.Workspaces,
    ),
    _route(
        "GET",
        _MEMBERS,
        list_members,
        "listWorkspaceusers",
        "The members of a workspace.",
        parameters=_PAGE,
        response=documents.Members,
    ),
    _route(
        "POST",
        _MEMBERS,
        add_members,
        "addWorkSpaceUsers",
        "Make users members of a workspace.",
        example=_MEMBER_EXAMPLE,
        request=documents.NewMembers,
        response=documents.Outcome,
    ),
    _route(
        "PUT",
        f"{_MEMBERS}/{{user_id}}",
        change_member,
        "updateWorkSpaceUserOrGroup",
        "Give a member another role.",
        example={"roles_ids": [{"role_id": "operator"}]},
        request=documents.NewRole,
        response=documents.Outcome,
    ),
    _route(
        "POST",
        "/v2/{project_id}/{workspace_id}/delete-users",
        remove_members,
        "deleteWorkspaceusers",
        "Remove members of a workspace.",
        example={"user_ids": ["0" * 32]},
        request=documents.UserIds,
        response=documents.Outcome,
    ),
    _route(
        "GET",
        "/v2/{project_id}/users/role",
        list_roles,
        "listWorkspaceRoles",
        "The roles that members of workspaces have.",
        response=list[documents.RoleItem],
    ),
)
