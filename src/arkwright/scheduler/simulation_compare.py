"""Two simulations compared, and a simulation with what another installation did. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from arkwright.scheduler.simulation_records import Simulation


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One plan time of a job that two simulations do not agree on."""

    change: str
    """added, removed or changed."""
    job: str
    workspaceId: str
    planTime: int
    fields: dict[str, tuple[Any, Any]] = {}
    """Of a changed one: per field before and after."""


_COMPARED = ("status", "startTime", "endTime", "dryRun", "windows")


def compare(before: Simulation, after: Simulation) -> list[Difference]:
    """What a change of definitions changes, by plan time."""
    old = {each.key: each for each in before.instances}
    new = {each.key: each for each in after.instances}
    found: list[Difference] = []
    for key in sorted(old.keys() | new.keys(), key=lambda each: (each[2], each[1], each[0])):
        one, other = old.get(key), new.get(key)
        if one is not None and other is not None:
            fields = {
                name: (getattr(one, name), getattr(other, name))
                for name in _COMPARED
                if getattr(one, name) != getattr(other, name)
            }
            if not fields:
                continue
            change = "changed"
        else:
            change, fields = ("added" if one is None else "removed"), {}
        found.append(Difference(change=change, job=key[1], workspaceId=key[0], planTime=key[2], fields=fields))
    return found


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """How the plan compares with the history of another installation."""

    matched: int
    missing: list[dict[str, Any]]
    """Plan times that the history has and the plan does not."""
    extra: list[dict[str, Any]]
    """Plan times that the plan has and the history does not."""
    parameters: list[dict[str, Any]]
    """Values that differ."""
    unknown: list[str]
    """Jobs of the history that are not here, or have no plan."""


def compare_history(
    simulation: Simulation,
    history: Sequence[tuple[str, int]],
    planned_jobs: frozenset[str],
    from_ms: int,
    to_ms: int,
    differing: Sequence[Mapping[str, Any]] = (),
) -> Shadow:
    """`history`: (job, plan time) of planned instances elsewhere. Only jobs that it names are compared."""
    named = {job for job, _ in history}
    there = Counter((job, at) for job, at in history if from_ms <= at < to_ms and job in planned_jobs)
    here = Counter((each.job, each.planTime) for each in simulation.instances if each.job in named)
    return Shadow(
        matched=len(there.keys() & here.keys()),
        missing=[
            {"job": job, "planTime": at} for job, at in sorted(there.keys() - here.keys(), key=lambda k: (k[1], k[0]))
        ],
        extra=[
            {"job": job, "planTime": at} for job, at in sorted(here.keys() - there.keys(), key=lambda k: (k[1], k[0]))
        ],
        parameters=[dict(each) for each in differing],
        unknown=sorted(named - planned_jobs),
    )
