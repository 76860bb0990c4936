"""Settings of a workspace about what is told, what is kept and how much there may be: read and checked.

Each is an object; what is sent replaces the whole object, and `{}` is the server's defaults.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from arkwright.api.v1.fields import choice, number, object_, truth
from arkwright.errors import InvalidInput

MOST_DAYS = 36_500
_MOST_JOBS = 1000


class AlertSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`days`: nothing is told of instances made longer ago (7). `ignoredFailure`: what a success with ignored failures
    is told as. `eachRetry`: whether each failed attempt of a node is told, not only the last one."""

    days: int | UnsetType = UNSET
    ignoredFailure: Literal["success", "failure"] | UnsetType = UNSET
    eachRetry: bool | UnsetType = UNSET


class KeepSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Days; 0: for ever."""

    instanceDays: int | UnsetType = UNSET
    logDays: int | UnsetType = UNSET


class RetentionSettings(KeepSettings, frozen=True, kw_only=True, omit_defaults=True):
    """`jobs`: other numbers for single jobs, by name."""

    jobs: dict[str, KeepSettings] | UnsetType = UNSET


class QuotaSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the workspace may have on one server at a time; what is not set is not bounded."""

    waitingInstances: int | UnsetType = UNSET
    processes: int | UnsetType = UNSET
    storageBytes: int | UnsetType = UNSET


class ProgramSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a program of the workspace on the server's host may take; never more than the server's settings allow.
    `memoryMb`: all its processes together; `processes`: how many; `openFiles`: of each; `seconds`: how long."""

    memoryMb: int | UnsetType = UNSET
    processes: int | UnsetType = UNSET
    openFiles: int | UnsetType = UNSET
    seconds: int | UnsetType = UNSET


def read_alerts(given: Any, field: str) -> dict[str, Any] | None:
    if given is None:
        return None
    found = _known(given, field, ("days", "ignoredFailure", "eachRetry"))
    read = {
        "days": number(found.get("days"), f"{field}.days", 1, 270),
        "ignoredFailure": choice(found.get("ignoredFailure"), f"{field}.ignoredFailure", ("success", "failure"))
        or None,
        "eachRetry": truth(found.get("eachRetry"), f"{field}.eachRetry"),
    }
    return _given(read)


def read_retention(given: Any, field: str) -> dict[str, Any] | None:
    if given is None:
        return None
    found = _known(given, field, ("instanceDays", "logDays", "jobs"))
    jobs = object_(found.get("jobs"), f"{field}.jobs")
    if len(jobs) > _MOST_JOBS:
        raise InvalidInput(f"{field}.jobs must have at most {_MOST_JOBS} jobs.", field=f"{field}.jobs")
    read = {
        name: _keep(_known(each, f"{field}.jobs.{name}", ("instanceDays", "logDays")), f"{field}.jobs.{name}")
        for name, each in jobs.items()
    }
    return {**_keep(found, field), **({"jobs": read} if read else {})}


def read_quotas(given: Any, field: str) -> dict[str, Any] | None:
    if given is None:
        return None
    names = ("waitingInstances", "processes", "storageBytes")
    found = _known(given, field, names)
    return _given({name: number(found.get(name), f"{field}.{name}", 0, 2**53 - 1) for name in names})


def read_programs(given: Any, field: str) -> dict[str, Any] | None:
    if given is None:
        return None
    most = {"memoryMb": 10**7, "processes": 10**6, "openFiles": 10**7, "seconds": 10**9}
    found = _known(given, field, tuple(most))
    return _given({name: number(found.get(name), f"{field}.{name}", 1, high) for name, high in most.items()})


def _keep(given: Any, field: str) -> dict[str, Any]:
    names = ("instanceDays", "logDays")
    return _given({name: number(given.get(name), f"{field}.{name}", 0, MOST_DAYS) for name in names})


def _known(given: Any, field: str, names: tuple[str, ...]) -> Any:
    found = object_(given, field)
    unknown = sorted(set(found) - set(names))
    if unknown:
        raise InvalidInput(
            f"{field} has no {unknown[0][:64]!r}.",
            field=f"{field}.{unknown[0][:64]}",
            hint=f"It has {', '.join(names)}.",
        )
    return found


def _given(read: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in read.items() if value is not None}
