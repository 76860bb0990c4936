"""The workspaces of a project that the caller is a member of (ours; the Management Center's calls come later)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Access, Route
from arkwright.iam.model import Action, can


class WorkspaceItem(Struct, kw_only=True):
    id: str
    name: str
    is_default: Annotated[int, Meta(description="1: the default workspace, 0: another one.")]
    role: str
    time_zone: str
    local_programs_allowed: bool
    create_time: int
    create_user: str


class WorkspaceList(Struct, kw_only=True):
    count: int
    workspaces: list[WorkspaceItem]


async def list_workspaces(call: Call) -> Response:
    found = [
        WorkspaceItem(
            id=each.id,
            name=each.name,
            is_default=int(each.is_default),
            role=str(call.actor.roles.get(each.id, "admin")),
            time_zone=each.time_zone,
            local_programs_allowed=each.local_programs_allowed,
            create_time=each.created_ms,
            create_user=each.created_by,
        )
        for each in call.parts.directory.workspaces_of(call.path["project_id"])
        if can(call.actor, Action.WORKSPACE_READ, each.id)
    ]
    return answer(WorkspaceList(count=len(found), workspaces=found))


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/workspaces",
        handler=list_workspaces,
        operation="listWorkspaces",
        summary="The workspaces of the project that you are a member of.",
        tag="workspaces",
        access=Access.PROJECT,
        response=WorkspaceList,
        ours=True,
    ),
)
