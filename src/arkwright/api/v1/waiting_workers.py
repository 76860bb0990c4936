"""Nodes of an instance that wait for a worker, as conditions of "why does it wait"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arkwright.api.call import Call
from arkwright.core.instance import Instance
from arkwright.core.workers import Way, Worker, ways_to
from arkwright.store.attempt_record import Offer

KIND = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workers:
    """What is known of workers at this moment."""

    alive: Sequence[Worker]
    groups: frozenset[str]
    """Those that there are."""
    server: str
    """Which runs the instance."""
    ways: Sequence[Way] | None
    """How that server reaches workers. None: it does not tell, or there is none."""


async def unclaimed(call: Call, instance: Instance) -> list[tuple[str, str, str]]:
    """(key, text, release) of each node that no worker has taken yet."""
    if instance.ended:
        return []
    offers = [each for each in await call.parts.store.offers_of(instance.id) if not each.runner]
    if not offers:
        return []
    known = await _known(call, instance)
    return [(f"worker/{each.node}", *_told(_name(instance, each.node), each, known)) for each in offers]


async def _known(call: Call, instance: Instance) -> _Workers:
    now, store = call.parts.now_ms(), call.parts.store
    alive = [each for each in await store.list_workers() if each.lease_until_ms > now]
    valid = [each for each in await call.parts.worker_tokens.all() if each.revoked_ms is None and each.expires_ms > now]
    named = [*(each.groups for each in alive), *(each.groups for each in valid)]
    server = await store.owner_of(instance.id) or ""
    entry = next((each.entry for each in await store.list_servers() if each.alive and each.entry.name == server), None)
    return _Workers(
        alive=alive,
        groups=frozenset(group for groups in named for group in groups),
        server=server,
        ways=None if entry is None else entry.ways,
    )


def _told(node: str, offer: Offer, known: _Workers) -> tuple[str, str]:
    waits, group = f"Node {node} waits for a worker of the group {offer.group}", offer.group
    if group not in known.groups:
        others = f"groups: {', '.join(sorted(known.groups))}" if known.groups else "there is no group"
        return (
            f"{waits}: there is no such group ({others}).",
            f"Name another one in workerGroup, or make this one: `arkwright worker token create --group {group}`.",
        )
    if known.ways is not None:
        leading = ways_to(group, known.ways)
        if not leading:
            return (
                f"{waits}: the server {known.server}, which runs the instance, has no way to that group.",
                f"Start it with --executor {group}=URL, or empty it: `arkwright server drain {known.server}`.",
            )
        if not any(each.connected for each in leading):
            urls = ", ".join(each.url for each in leading)
            return (
                f"{waits}: the server {known.server} can't reach the group's Dask scheduler ({urls}).",
                "It begins when the scheduler is there again: `arkwright dask-scheduler` starts one.",
            )
    members = [each for each in known.alive if group in each.groups]
    if not members:
        groups = sorted({other for each in known.alive for other in each.groups})
        told = f"groups with workers: {', '.join(groups)}" if groups else "no group has any"
        return (
            f"{waits}: none is connected ({told}).",
            f"Start one with `arkwright worker --group {group}`, or name another group in workerGroup.",
        )
    free = [each for each in members if not each.draining and each.running < each.slots]
    if free:
        return (
            f"Node {node} is on its way to a worker of the group {group}.",
            "It begins as soon as the Dask scheduler has brought it to one.",
        )
    slots = sum(each.slots for each in members)
    return (
        f"{waits}: all {slots} slots of its workers are taken.",
        f"It begins when a slot is free; more workers help: `arkwright worker --group {group}`.",
    )


def _name(instance: Instance, index: int) -> str:
    return instance.nodes[index].name if index < len(instance.nodes) else str(index)
