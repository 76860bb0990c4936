"""Settings of a workspace that decide what its instances do (ours; the original has them in its console alone).

Rules: an instance keeps the settings it was made with; a change touches those made from then on.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Route
from arkwright.api.v1.fields import choice
from arkwright.core.identity import Workspace
from arkwright.core.instance import ConditionPolicy
from arkwright.errors import InvalidInput
from arkwright.iam.model import Action

_PATH = "/v1/{project_id}/workspace-settings"


class WorkspaceSettings(Struct, kw_only=True):
    """`conditionPolicy`: whether one condition that holds is enough for a node with several conditioned lines."""

    conditionPolicy: Literal["OR", "AND"] = "OR"


async def show_settings(call: Call) -> Response:
    return answer({"conditionPolicy": call.workspace.condition_policy.value})


async def save_settings(call: Call) -> Response:
    body = await call.document()
    unknown = sorted(set(body) - {"conditionPolicy"})
    if unknown:
        raise InvalidInput(
            f"There is no setting {unknown[0][:64]!r}.", field=unknown[0], hint="It has conditionPolicy."
        )
    policy = choice(body.get("conditionPolicy"), "conditionPolicy", tuple(ConditionPolicy))
    workspace_id = call.workspace.id

    def changed() -> tuple[Workspace, ...]:
        now = call.parts.directory.workspace_by_id(workspace_id) or call.workspace
        return (replace(now, settings={**now.settings, "conditionPolicy": policy or ConditionPolicy.OR.value}),)

    await call.parts.directory.change(changed)
    return empty()


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=show_settings,
        operation="showWorkspaceSettings",
        summary="Settings of the workspace that decide what its instances do.",
        tag="workspaces",
        action=Action.WORKSPACE_READ,
        response=WorkspaceSettings,
        ours=True,
    ),
    Route(
        method="PUT",
        path=_PATH,
        handler=save_settings,
        operation="updateWorkspaceSettings",
        summary="Change settings of the workspace, for instances made from now on.",
        tag="workspaces",
        action=Action.WORKSPACE_MANAGE,
        request=WorkspaceSettings,
        success=204,
        example={"conditionPolicy": "AND"},
        ours=True,
    ),
)
