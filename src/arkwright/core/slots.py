"""Slots: how many nodes run at once, in a workspace and in a task group. Who gets the next one is decided here, purely.

Rules (factory-behaviour 4.4, 4.6): a node needs a slot of its workspace, where that has a limit, and one of its task
group; it gets both or none. Priority 0 comes first, then who has waited longer. Waiting raises a priority by one every
`AGE_MS`, so that a low one still moves. A node that waits for a full group holds up nobody in another one.

The use of a slot is part of the node run: taken and given back in the very commit that says so, it can't leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from arkwright.core.record import Record

AGE_MS = 300_000
"""Five minutes of waiting are worth one level of priority."""


class SlotUse(Record, frozen=True, kw_only=True):
    """A node run waits for a slot, or holds one."""

    group: str = ""
    """Its task group; empty: the workspace's limit alone."""
    priority: int = 0
    since_ms: int
    """When it began to wait. A grant names it, so that a late one is known as such."""
    held: bool = False


class SlotWaiter(Record, frozen=True, kw_only=True):
    instance_id: int
    node: int
    group: str
    priority: int
    since_ms: int


class SlotLimits(Record, frozen=True, kw_only=True):
    workspace: int = 0
    """0: any number."""
    groups: Mapping[str, int] = {}
    """A group that is not there (any more) has no limit."""


def effective_priority(waiter: SlotWaiter, now_ms: int) -> int:
    return max(0, waiter.priority - max(0, now_ms - waiter.since_ms) // AGE_MS)


def grants(waiting: Iterable[SlotWaiter], held: Mapping[str, int], limits: SlotLimits, now_ms: int) -> list[SlotWaiter]:
    """Who gets a slot now, in order. `held`: how many are held per group, those of no group under the empty name."""
    free = limits.workspace - sum(held.values()) if limits.workspace else None
    left = {group: limit - held.get(group, 0) for group, limit in limits.groups.items()}
    granted: list[SlotWaiter] = []
    for each in sorted(waiting, key=lambda w: (effective_priority(w, now_ms), w.since_ms, w.instance_id, w.node)):
        if free is not None and free <= 0:
            break
        if each.group in left and left[each.group] <= 0:
            continue
        if free is not None:
            free -= 1
        if each.group in left:
            left[each.group] -= 1
        granted.append(each)
    return granted
