"""Running an ended instance again (factory-behaviour 2.3)."""

from __future__ import annotations

import msgspec

from arkwright.core.control import is_parent
from arkwright.core.draft import Draft
from arkwright.core.events import RestartFrom, RestartRequested
from arkwright.core.instance import InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import Job, Node
from arkwright.errors import InvalidInput


def restart(draft: Draft, event: RestartRequested) -> list[int]:
    """Reset the nodes that run again; answers them all, in graph order, as candidates.

    It starts from the first node whatever was asked when the nodes' names or number changed, or when the instance had
    succeeded. Attempt numbers go on counting, so that no attempt's folder is used twice.
    """
    job = draft.plan.job
    same_nodes = [run.name for run in draft.runs] == [node.name for node in job.nodes]
    position = event.position
    if position is RestartFrom.SPECIFIED_NODE and event.node_name not in {node.name for node in job.nodes}:
        raise InvalidInput(
            f"The job has no node {event.node_name!r}.",
            field="node_name",
            hint=f"Its nodes are: {', '.join(node.name for node in job.nodes)}.",
        )
    if not same_nodes or draft.state.status is InstanceStatus.SUCCESS:
        position = RestartFrom.FIRST_NODE
    again = _again(draft, job, position, event.node_name)
    old = draft.runs
    newest = NodeRun(
        index=0,
        name="",
        attempt=max((run.attempt for run in old), default=0),
        look_ups=max((run.look_ups for run in old), default=0),
    )
    draft.runs = [
        _fresh(node, old[node.index] if same_nodes else newest, again, position)
        if node.index in again
        else old[node.index]
        for node in job.nodes
    ]
    draft.set(
        status=InstanceStatus.RUNNING,
        stopping=None,
        message=None,
        force_success=False,
        ignore_success=False,
        start_time_ms=draft.at_ms,
        end_time_ms=None,
        overdue=False,
        overdue_at_ms=None,
        job_version=event.job_version,
        script_versions=event.script_versions,
        subjobs=event.subjobs,
    )
    gate = draft.state.gate
    if gate is not None:
        # What it waited for is not asked again, but for the confirmation: of that each run needs its own.
        draft.set(gate=msgspec.structs.replace(gate, open=True, confirmed_by=None))
        if gate.needs_confirmation_each_run:
            draft.set(status=InstanceStatus.WAITING_CONFIRM, start_time_ms=None)
            return []
    return sorted(again)


def _fresh(node: Node, last: NodeRun, again: set[int], position: RestartFrom) -> NodeRun:
    """A new run; what counts goes on counting, so that late news of the old one is known as such.

    From the error node, a node that runs other jobs goes on with the rows that failed, unless something before it runs
    again as well: its rows may stand for something else then.
    """
    resumes = is_parent(node) and position is RestartFrom.ERROR_NODE and not again.intersection(node.predecessors)
    children = last.children if resumes else None
    return NodeRun(index=node.index, name=node.name, attempt=last.attempt, look_ups=last.look_ups, children=children)


def _again(draft: Draft, job: Job, position: RestartFrom, node_name: str | None) -> set[int]:
    if position is RestartFrom.FIRST_NODE:
        return {node.index for node in job.nodes}
    # A branch not taken (skipped by its condition) is settled: deciding it again would run a join after it again.
    again = {run.index for run in draft.runs if run.status is not NodeStatus.SUCCESS and not _not_taken(run)}
    if position is RestartFrom.SPECIFIED_NODE:
        again |= {node.index for node in job.nodes if node.name == node_name}
    work = list(again)
    while work:
        for after in job.nodes[work.pop()].successors:
            if after not in again:
                again.add(after)
                work.append(after)
    return again


def _not_taken(run: NodeRun) -> bool:
    return run.status is NodeStatus.SKIP and not run.blocked
