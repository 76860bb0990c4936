"""What holds up an instance that has begun, where that is its own affair: pure. For "why it waits".

Somebody who paused it, a failure that somebody is to decide on, the interval before a retry. What its nodes wait for
elsewhere (slots, workers) those say who give it.
"""

from __future__ import annotations

from arkwright.core.gate_rules import Unmet, when
from arkwright.core.instance import Instance, InstanceStatus, NodeRun, NodeStatus

_PAUSED = Unmet(
    key="paused",
    kind="paused",
    text="It was paused by an operator: what runs goes on, and no other node starts.",
    release="Resume the instance.",
)


def held_up(instance: Instance) -> tuple[Unmet, ...]:
    if instance.ended or instance.stopping is not None:
        return ()
    found: list[Unmet] = []
    if instance.status is InstanceStatus.PAUSE:
        found.append(_PAUSED)
    elif instance.status is InstanceStatus.RUNNING_EXCEPTION:
        found.append(_suspended(instance))
    for run in instance.nodes:
        if run.retry_at_ms is not None:
            found.append(_retried(run, run.retry_at_ms))
        elif run.status is NodeStatus.PAUSE:
            found.append(_node_paused(run))
    return tuple(found)


def _suspended(instance: Instance) -> Unmet:
    return Unmet(
        key="suspended",
        kind="suspended",
        text=instance.message or "A node failed, and its failPolicy is SUSPEND.",
        release="Run the node again or set it to success; or let the instance go on past it.",
    )


def _retried(run: NodeRun, at_ms: int) -> Unmet:
    return Unmet(
        key=f"retry:{run.name}",
        kind="retry",
        text=f"Node {run.name} failed and is run again at {when(at_ms)}: {run.message or 'no reason is known'}",
        release=f"Time: at {when(at_ms)}.",
    )


def _node_paused(run: NodeRun) -> Unmet:
    return Unmet(
        key=f"paused:{run.name}",
        kind="paused",
        text=f"Node {run.name} was paused by an operator; what comes after it waits.",
        release="Resume the node, or skip it.",
    )
