"""Settings of a workspace about scheduling: read and checked.

It is an object; what is sent replaces the whole object, and `{}` is the server's defaults. They count for plan times
from then on; the limit of nodes counts at once.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from arkwright.api.v1.fields import choice, number, object_, text, wrong
from arkwright.core.schedule import CatchUp, DependencyPolicy
from arkwright.errors import InvalidInput

_NAMES = ("dependencyPolicy", "catchUp", "waitingDays", "instancesPerJob", "nodeLimit", "dependents")
_MOST_WORKSPACES = 1000


class SchedulingSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`dependencyPolicy`: which instances of another job are waited for (NATURAL). `catchUp`: what becomes of plan
    times that were missed while the server was down (ALL), unless the job says it. `waitingDays`: after how many days
    waiting instances are cancelled (60; 0: never). `instancesPerJob`: how many instances of a job run at once (5),
    unless the job says it. `nodeLimit`: how many nodes of the workspace run at once; not set or 0: any number.
    `dependents`: jobs of which other workspaces may depend on this one's: ALL, NONE, or a list of ids of workspaces.
    """

    dependencyPolicy: Literal["NATURAL", "TRADITIONAL"] | UnsetType = UNSET
    catchUp: Literal["ALL", "LATEST", "NONE"] | UnsetType = UNSET
    waitingDays: int | UnsetType = UNSET
    instancesPerJob: int | UnsetType = UNSET
    nodeLimit: int | UnsetType = UNSET
    dependents: str | list[str] | UnsetType = UNSET


def read_scheduling(given: Any, field: str) -> dict[str, Any] | None:
    if given is None:
        return None
    found = object_(given, field)
    unknown = sorted(set(found) - set(_NAMES))
    if unknown:
        name = unknown[0][:64]
        raise InvalidInput(f"{field} has no {name!r}.", field=f"{field}.{name}", hint=f"It has {', '.join(_NAMES)}.")
    days = number(found.get("waitingDays"), f"{field}.waitingDays", 0, 3650)
    if days == 1:
        raise InvalidInput(
            f"{field}.waitingDays must be at least 2.",
            field=f"{field}.waitingDays",
            hint="0 keeps waiting instances for ever.",
        )
    read = {
        "dependencyPolicy": choice(
            found.get("dependencyPolicy"), f"{field}.dependencyPolicy", tuple(each.value for each in DependencyPolicy)
        ),
        "catchUp": choice(found.get("catchUp"), f"{field}.catchUp", tuple(each.value for each in CatchUp)),
        "waitingDays": days,
        "instancesPerJob": number(found.get("instancesPerJob"), f"{field}.instancesPerJob", 1, 10_000),
        "nodeLimit": number(found.get("nodeLimit"), f"{field}.nodeLimit", 0, 100_000),
        "dependents": _dependents(found.get("dependents"), f"{field}.dependents"),
    }
    return {name: value for name, value in read.items() if value not in (None, "")}


def _dependents(given: Any, field: str) -> str | list[str] | None:
    if not isinstance(given, list):
        return choice(given, field, ("ALL", "NONE")) or None
    if len(given) > _MOST_WORKSPACES:
        raise wrong(field, f"must name at most {_MOST_WORKSPACES} workspaces", len(given))
    return [text(each, f"{field}[{index}]", 64, least=1) for index, each in enumerate(given)]
