"""Changing and deleting workspaces, as the Management Center does.

Decided here: a workspace can be deleted when nothing is in it any more (jobs, scripts, resources, connections) and no
run of it is under way; the default one never. Its record stays, marked as deleted, because history names it; its name
is free again, and its files stay on disk. `mode` and `status` can't be changed over this API here, and asking for it
is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer
from arkwright.api.error_codes import DLM_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.route import Access, Route
from arkwright.api.v1 import management_documents as documents
from arkwright.api.v1.fields import list_, wrong
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.management import SETTINGS, check_instance, workspace_in_path, workspace_reply
from arkwright.core.identity import Workspace
from arkwright.core.instance import ENDED_INSTANCE, InstanceStatus
from arkwright.errors import Forbidden, IllegalState, InvalidInput
from arkwright.iam.model import Action, can
from arkwright.store.base import InstanceFilter, Kind, Place

_CONTENTS = (Kind.JOB, Kind.SCRIPT, Kind.RESOURCE, Kind.CONNECTION)
_UNDER_WAY = tuple(status for status in InstanceStatus if status not in ENDED_INSTANCE)
_FIXED = {"mode": ("", "0"), "status": ("", "0")}


async def update_workspace(call: Call) -> Response:
    await check_instance(call)
    workspace = workspace_in_path(call, Action.WORKSPACE_MANAGE)
    body = await call.document()
    for field, usual in _FIXED.items():
        if str(body.get(field) or "") not in usual:
            raise wrong(field, "can't be changed here; it must be 0 or left out", body[field])
    name = text_of(body.get("name"), "name", 64) or workspace.name
    settings = {field: text_of(body.get(field), field, 255) for field in SETTINGS if body.get(field) is not None}
    changed = await call.parts.administration.update_workspace(workspace.id, name=name, settings=settings)
    return answer(await workspace_reply(call, changed))


async def delete_workspaces(call: Call) -> Response:
    if not can(call.actor, Action.WORKSPACE_CREATE, None):
        raise Forbidden("Only an administrator of the installation can delete workspaces.")
    await check_instance(call)
    ids = list_((await call.document()).get("workspace_ids"), "workspace_ids", "ids of workspaces")
    if not ids:
        raise InvalidInput("workspace_ids is missing.", field="workspace_ids")
    workspaces = [_workspace(call, text_of(each, f"workspace_ids[{i}]", 64, least=1)) for i, each in enumerate(ids)]
    for workspace in workspaces:
        await _check_empty(call, workspace)
    await call.parts.administration.delete_workspaces([each.id for each in workspaces])
    return answer({"is_success": True, "message": ""})


def _workspace(call: Call, workspace_id: str) -> Workspace:
    found = call.parts.directory.workspace_by_id(workspace_id)
    if found is None or found.project_id != call.path["project_id"]:
        raise HttpRefusal(DLM_NOT_FOUND, f"Workspace {workspace_id[:64]} does not exist.")
    require(call.actor, Action.WORKSPACE_MANAGE, found)
    return found


async def _check_empty(call: Call, workspace: Workspace) -> None:
    place = Place(project_id=workspace.project_id, workspace_id=workspace.id)
    store = call.parts.store
    held = {kind: (await store.list_definitions(place, kind, limit=1)).total for kind in _CONTENTS}
    told: Sequence[str] = [f"{count} {kind}s" for kind, count in held.items() if count]
    if told:
        raise IllegalState(f"The workspace {workspace.name} still holds {', '.join(told)}.", hint="Delete them first.")
    where = InstanceFilter(place=place, from_ms=0, to_ms=2**53, statuses=_UNDER_WAY)
    under_way = (await store.list_instances(where, limit=1)).total
    if under_way:
        raise IllegalState(
            f"{under_way} runs of the workspace {workspace.name} are under way.", hint="Stop them, or wait."
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
        errors=(DLM_NOT_FOUND,),
        **more,
    )


ROUTES: tuple[Route, ...] = (
    _route(
        "PUT",
        "/v1/{project_id}/{instance_id}/workspace/{workspace_id}",
        update_workspace,
        "updateWorkSpaceOld",
        "Change a workspace's name, description and locations.",
        request=documents.NewWorkspace,
        response=documents.Workspace,
        example={"name": "sales", "description": "Jobs of the sales team."},
    ),
    _route(
        "POST",
        "/v1/{project_id}/{instance_id}/workspaces/batch-delete",
        delete_workspaces,
        "batchDeleteWorkspaces",
        "Delete workspaces that hold nothing any more.",
        request=documents.WorkspaceIds,
        response=documents.Outcome,
        example={"workspace_ids": ["0" * 32]},
    ),
)
