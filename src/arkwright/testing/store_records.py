"""Records for tests of stores: short makers of instances, definitions and commits, and what a list must answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from arkwright.core.events import Event, InstanceRequested
from arkwright.core.instance import Instance, InstanceStatus, NodeRun
from arkwright.store.base import Commit, DefinitionWrite, IdempotencyKey, InstanceFilter, Place, Store

MakeStore = Callable[[], Store]
"""A store at the same place each time, not opened."""

HERE = Place(project_id="p1", workspace_id="w1")
THERE = Place(project_id="p1", workspace_id="w2")
NOON = 1_790_000_000_000
LONG_MS = 60_000
"""A lease that does not run out while a test runs."""
ENGINE = "engine-a"
OTHER_ENGINE = "engine-b"


def write(name: str = "job", **changes: Any) -> DefinitionWrite:
    return DefinitionWrite(
        **{
            "name": name,
            "category": "BATCH",
            "directory": "/",
            "body": {"name": name, "nodes": [], "unknown": {"ä": [1, None]}},
            "submit": True,
            "actor": "ada",
            "at_ms": NOON,
            **changes,
        }
    )


def instance(store: Store, **changes: Any) -> Instance:
    place = changes.pop("place", HERE)
    return Instance(
        **{
            "id": store.next_id(),
            "project_id": place.project_id,
            "workspace_id": place.workspace_id,
            "job_id": 7,
            "job_name": "job",
            "job_version": 1,
            "plan_time_ms": NOON,
            "submit_time_ms": NOON,
            "time_zone": "Europe/Berlin",
            "parameters": {"aaa": "1\0#{x}\n'\""},
            **changes,
        }
    )


def running(before: Instance, *nodes: NodeRun, **changes: Any) -> Instance:
    """The instance one commit later."""
    changes = {"status": InstanceStatus.RUNNING, "start_time_ms": NOON + 5, **changes}
    return msgspec.structs.replace(before, version=before.version + 1, nodes=nodes or before.nodes, **changes)


def requested(new: Instance) -> InstanceRequested:
    return InstanceRequested(at_ms=NOON, instance=new)


def promise(key: str = "k", digest: str = "d", expires_ms: int = NOON + 1000, scope: str = "s") -> IdempotencyKey:
    return IdempotencyKey(scope=scope, key=key, request_digest=digest, expires_ms=expires_ms)


def everything(place: Place = HERE, **changes: Any) -> InstanceFilter:
    return InstanceFilter(**{"place": place, "from_ms": 0, "to_ms": 2**53, **changes})


async def make(store: Store, owner: str | None = ENGINE, **changes: Any) -> Instance:
    new = instance(store, **changes)
    await store.create_instance(new, owner=owner)
    return new


async def advance(
    store: Store, before: Instance, after: Instance, *events: Event, owner: str = ENGINE, **changes: Any
) -> bool:
    """Commit one share; whether it was taken."""
    first = before.version == 0
    share = Commit(before=None if first else before, after=after, events=events, **changes)
    return not await store.commit(owner, [share])


async def history(store: Store, instance_id: int) -> list[Event]:
    return [event for _, event in await store.read_events(instance_id)]


def expected_page(stored: Sequence[Instance], where: InstanceFilter, offset: int, limit: int) -> tuple[int, list[int]]:
    """What a list must answer, the slow way: total and ids."""

    def compared(one: Instance) -> int:
        return one.plan_time_ms if one.start_time_ms is None else one.start_time_ms

    found = [
        one
        for one in stored
        if (one.project_id, one.workspace_id) == (where.place.project_id, where.place.workspace_id)
        and (where.job_ids is None or one.job_id in where.job_ids)
        and where.from_ms <= compared(one) <= where.to_ms
        and (not where.statuses or one.status in where.statuses)
        and (not where.instance_types or one.instance_type in where.instance_types)
        and where.force_success in (None, one.force_success)
        and where.ignore_success in (None, one.ignore_success)
    ]
    found.sort(key=lambda one: (compared(one), one.id), reverse=True)
    return len(found), [one.id for one in found[offset : offset + limit]]
