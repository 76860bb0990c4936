"""Settings of a workspace that decide what its instances do (ours; the original has them in its console alone).

Rules: an instance keeps the settings it was made with; a change touches those made from then on. What is not sent stays
as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, convert
from msgspec.structs import replace
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Route
from arkwright.api.v1.fields import choice, truth
from arkwright.api.v1.workspace_care import (
    AlertSettings,
    ProgramSettings,
    QuotaSettings,
    RetentionSettings,
    read_alerts,
    read_programs,
    read_quotas,
    read_retention,
)
from arkwright.api.v1.workspace_scheduling import SchedulingSettings, read_scheduling
from arkwright.core.identity import DLF_FORMAT, PLAIN_FORMAT, Workspace
from arkwright.core.instance import ConditionPolicy
from arkwright.core.rules import SkipPolicy
from arkwright.errors import InvalidInput
from arkwright.iam.model import Action

_PATH = "/v1/{project_id}/workspace-settings"


class WorkspaceSettings(Struct, kw_only=True):
    """`conditionPolicy`: whether one condition that holds is enough for a node with several conditioned lines.

    `skipPolicy`: whether a condition that doesn't hold skips the node with everything after it, or the node alone; a
    line's own `skipPolicy` wins. `variableFormat`: how texts name a parameter. `simpleVariables`: whether
    `${yyyymmdd-1}`, `$[hh24-1/24]`, `$instance_id` are replaced. `excludeWaitingFromTimeout`: whether the time limit of
    an instance begins when it starts, and not when it is made. `alerts`, `retention`, `quotas`: what is told, what is
    kept, and how much there may be; they count at once. `programs`: what a program on the server's host may take.
    `scheduling`: how the workspace's schedules are planned.
    """

    conditionPolicy: Literal["OR", "AND"] = "OR"
    skipPolicy: Literal["ALL", "NEXT"] = "ALL"
    variableFormat: Literal["${}", "${dlf.}"] = "${}"
    simpleVariables: bool = False
    excludeWaitingFromTimeout: bool = False
    alerts: AlertSettings = AlertSettings()
    retention: RetentionSettings = RetentionSettings()
    quotas: QuotaSettings = QuotaSettings()
    programs: ProgramSettings = ProgramSettings()
    scheduling: SchedulingSettings = SchedulingSettings()


class WorkspaceSettingsChange(Struct, kw_only=True, omit_defaults=True):
    conditionPolicy: Literal["OR", "AND"] | UnsetType = UNSET
    skipPolicy: Literal["ALL", "NEXT"] | UnsetType = UNSET
    variableFormat: Literal["${}", "${dlf.}"] | UnsetType = UNSET
    simpleVariables: bool | UnsetType = UNSET
    excludeWaitingFromTimeout: bool | UnsetType = UNSET
    alerts: AlertSettings | UnsetType = UNSET
    retention: RetentionSettings | UnsetType = UNSET
    quotas: QuotaSettings | UnsetType = UNSET
    programs: ProgramSettings | UnsetType = UNSET
    scheduling: SchedulingSettings | UnsetType = UNSET


_READ: dict[str, Callable[[Any, str], Any]] = {
    "conditionPolicy": lambda given, field: choice(given, field, tuple(ConditionPolicy)) or None,
    "skipPolicy": lambda given, field: choice(given, field, tuple(SkipPolicy)) or None,
    "variableFormat": lambda given, field: choice(given, field, (PLAIN_FORMAT, DLF_FORMAT)) or None,
    "simpleVariables": truth,
    "excludeWaitingFromTimeout": truth,
    "alerts": read_alerts,
    "retention": read_retention,
    "quotas": read_quotas,
    "programs": read_programs,
    "scheduling": read_scheduling,
}


async def show_settings(call: Call) -> Response:
    rules, stored = call.workspace.rules, call.workspace.settings
    return answer(
        WorkspaceSettings(
            conditionPolicy=call.workspace.condition_policy.value,
            skipPolicy=rules.skip_policy.value,
            variableFormat="${dlf.}" if rules.variable_prefix else "${}",
            simpleVariables=rules.simple_variables,
            excludeWaitingFromTimeout=rules.timeout_without_waiting,
            alerts=convert(stored.get("alerts") or {}, AlertSettings),
            retention=convert(stored.get("retention") or {}, RetentionSettings),
            quotas=convert(stored.get("quotas") or {}, QuotaSettings),
            programs=convert(stored.get("programs") or {}, ProgramSettings),
            scheduling=convert(stored.get("scheduling") or {}, SchedulingSettings),
        )
    )


async def save_settings(call: Call) -> Response:
    body = await call.document()
    unknown = sorted(set(body) - set(_READ))
    if unknown:
        raise InvalidInput(
            f"There is no setting {unknown[0][:64]!r}.", field=unknown[0], hint=f"There are {', '.join(_READ)}."
        )
    read = {name: _READ[name](value, name) for name, value in body.items()}
    given = {name: value for name, value in read.items() if value is not None}
    workspace_id = call.workspace.id

    def changed() -> tuple[Workspace, ...]:
        now = call.parts.directory.workspace_by_id(workspace_id) or call.workspace
        return (replace(now, settings={**now.settings, **given}),)

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
        request=WorkspaceSettingsChange,
        success=204,
        example={"conditionPolicy": "AND"},
        ours=True,
    ),
)
