"""The time limit of an instance: it only notifies (factory-behaviour 3, `basicConfig.instanceTimeout`).

Rules: the time counts from when the instance was made, or was planned for if that is later, so with its waiting; or
from its start, by the workspace's rule. A restart begins anew. What is overdue runs on: `Instance.overdue` says so, and
an `InstanceOverdue` event is in its history; alerts are made of these.
"""

from __future__ import annotations

from arkwright.core.commands import SetInstanceTimer
from arkwright.core.draft import Draft
from arkwright.core.events import Event, InstanceOverdue, InstanceRequested, RestartRequested
from arkwright.core.instance import Instance


def watch_time(draft: Draft, event: Event) -> None:
    """Have the instance watched once its time counts. Called after every event that may begin it."""
    seconds = draft.plan.job.timeout_seconds
    state = draft.header()
    if seconds is None or state.overdue_at_ms is not None:
        return
    if isinstance(event, RestartRequested):
        since_ms = draft.at_ms
    elif not state.rules.timeout_without_waiting and isinstance(event, InstanceRequested):
        since_ms = max(state.submit_time_ms, state.plan_time_ms)
    elif draft.runs:
        since_ms = draft.at_ms
    else:
        return
    at_ms = since_ms + seconds * 1000
    draft.set(overdue_at_ms=at_ms)
    draft.commands.append(SetInstanceTimer(instance_id=state.id, at_ms=at_ms))


def take_lateness(draft: Draft, event: InstanceOverdue) -> bool:
    """Answers whether the instance has just become overdue: the timer may be one from before a restart."""
    due_ms = draft.state.overdue_at_ms
    if draft.state.overdue or due_ms is None or event.at_ms < due_ms:
        return False
    draft.set(overdue=True)
    return True


def timer_of(state: Instance) -> list[SetInstanceTimer]:
    """What a new owner of this state has to set again."""
    if state.overdue_at_ms is None or state.overdue:
        return []
    return [SetInstanceTimer(instance_id=state.id, at_ms=state.overdue_at_ms)]
