"""Where a simulated span asks for more than task groups and the workspace's limit of nodes give at once. Pure.

The simulation lets nodes find a free slot; this tells where they would not: each running instance needs at least one
slot of every group that its nodes use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from arkwright.scheduler.simulation_records import Conflict, SimulatedInstance, SimulatedJob

Limit = tuple[str, str, int]
"""(workspace, task group, slots); an empty group is the workspace's own limit."""


def over_limits(jobs: Sequence[SimulatedJob], instances: Sequence[SimulatedInstance]) -> Iterator[Conflict]:
    limits: dict[tuple[str, str], tuple[Limit, ...]] = {
        (job.workspace_id, job.name): tuple((job.workspace_id, group, slots) for group, slots in job.limits.items())
        for job in jobs
    }
    moments: dict[Limit, list[tuple[int, int, str]]] = {}
    for each in instances:
        if each.dryRun or each.startTime is None:
            continue
        for limit in limits[each.workspaceId, each.job]:
            found = moments.setdefault(limit, [])
            found.append((each.startTime, 1, each.job))
            if each.endTime is not None:
                found.append((each.endTime, -1, each.job))
    for limit, changes in sorted(moments.items()):
        yield from _conflict(limit, changes)


def _conflict(limit: Limit, changes: list[tuple[int, int, str]]) -> Iterator[Conflict]:
    workspace_id, group, slots = limit
    running = most = times = 0
    first: tuple[int, str] | None = None
    for at_ms, change, job in sorted(changes):  # at one moment those that end go first
        running += change
        most = max(most, running)
        if change > 0 and running > slots:
            times += 1
            first = first or (at_ms, job)
    if first is None:
        return
    whose = f"task group {group}" if group else "workspace's limit of nodes"
    yield Conflict(
        kind="over-limit",
        job=first[1],
        workspaceId=workspace_id,
        planTime=first[0],
        count=times,
        text=f"Up to {most} instances run at once that need a slot of the {whose}, which has {slots}: nodes will wait.",
    )


def limits_of(groups: Sequence[str], slots: Mapping[str, int], node_limit: int) -> dict[str, int]:
    """What an instance needs slots of: the task groups of its nodes, and the workspace's limit where there is one."""
    found = {group: slots[group] for group in dict.fromkeys(groups) if group in slots}
    return found | ({"": node_limit} if node_limit else {})
