"""Nodes of an instance that wait for a worker, as conditions of "why does it wait"."""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.api.call import Call
from arkwright.core.instance import Instance
from arkwright.core.workers import Worker
from arkwright.store.attempt_record import Offer

KIND = "worker"


async def unclaimed(call: Call, instance: Instance) -> list[tuple[str, str, str]]:
    """(key, text, release) of each node that no worker has taken yet."""
    if instance.ended:
        return []
    offers = [each for each in await call.parts.store.offers_of(instance.id) if not each.runner]
    if not offers:
        return []
    now = call.parts.now_ms()
    alive = [each for each in await call.parts.store.list_workers() if each.lease_until_ms > now]
    return [(f"worker/{each.node}", *_told(_name(instance, each.node), each, alive)) for each in offers]


def _told(node: str, offer: Offer, alive: Sequence[Worker]) -> tuple[str, str]:
    members = [each for each in alive if offer.group in each.groups]
    if not members:
        groups = sorted({group for each in alive for group in each.groups})
        known = f"groups with workers: {', '.join(groups)}" if groups else "no group has any"
        return (
            f"Node {node} waits for a worker of the group {offer.group}: none is connected ({known}).",
            f"Start one with `arkwright worker --group {offer.group}`, or name another group in workerGroup.",
        )
    free = [each for each in members if not each.draining and each.running < each.slots]
    if free:
        return (
            f"Node {node} is on its way to a worker of the group {offer.group}.",
            "It begins as soon as the Dask scheduler has brought it to one.",
        )
    slots = sum(each.slots for each in members)
    return (
        f"Node {node} waits for a worker of the group {offer.group}: all {slots} slots of its workers are taken.",
        f"It begins when a slot is free; more workers help: `arkwright worker --group {offer.group}`.",
    )


def _name(instance: Instance, index: int) -> str:
    return instance.nodes[index].name if index < len(instance.nodes) else str(index)
