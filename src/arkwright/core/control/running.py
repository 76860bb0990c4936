"""The children of a node, from the first start to the last end.

Rules (the documents say only that a failed node is handled by its failPolicy; the rest is our reading):

* Rows start in their order, at most `concurrency` at a time. A row that fails holds up no other one: the node fails
  once all rows have ended, and its message says which rows failed.
* A node that runs again after a failure runs only the rows that have not succeeded, if its job and all rows'
  parameters are what they were; otherwise all of them (`Children.digest`).
* A child succeeds if its instance ends as success, forced and ignored failures included.
* Nothing starts while the instance is paused or being stopped, or the node is being stopped. A node that is being
  stopped is over when its last child is.

The commit that starts rows also creates their instances (`engine/children.py`), so a row in `next` exists.
"""

from __future__ import annotations

from msgspec.structs import replace

from arkwright.core.commands import OpenChildren, SetDeadline, StartChildren
from arkwright.core.control.children import Children, with_row, without_row
from arkwright.core.control.work import Wanted
from arkwright.core.draft import Draft
from arkwright.core.events import ChildEnded
from arkwright.core.instance import InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import Node
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded

SHOWN_ROWS = 10


def open_children(draft: Draft, node: Node, wanted: Wanted) -> Outcome | None:
    """Begin an attempt. Answers its outcome if there is nothing to run."""
    run = draft.runs[node.index]
    attempt = run.attempt + 1
    digest = wanted.digest
    resumed = run.children is not None and run.children.digest == digest
    children = Children(
        job_name=wanted.job_name,
        total=len(wanted.requests),
        concurrency=wanted.concurrency,
        digest=digest,
        succeeded=run.children.succeeded if resumed and run.children is not None else "",
    )
    deadline = draft.at_ms + node.max_execution_seconds * 1000
    draft.change(
        node.index,
        status=NodeStatus.RUNNING,
        start_time_ms=run.start_time_ms if run.retries else draft.at_ms,
        end_time_ms=None,
        attempt=attempt,
        retry_at_ms=None,
        deadline_ms=deadline,
        facts={},
        look_up_failure=None,
        message=None,
        children=children,
    )
    draft.commands.append(
        OpenChildren(
            instance_id=draft.state.id,
            node=node.index,
            node_name=node.name,
            attempt=attempt,
            type=node.type,
            job_name=wanted.job_name,
            requests=wanted.requests,
            deadline_ms=deadline,
        )
    )
    start_rows(draft, node.index)
    outcome = outcome_of(draft, node)
    if outcome is None:
        where = {"instance_id": draft.state.id, "node": node.index, "attempt": attempt}
        draft.commands.append(SetDeadline(**where, at_ms=deadline))
    return outcome


def start_rows(draft: Draft, index: int) -> None:
    """Start as many rows as may run now."""
    run = draft.runs[index]
    children = run.children
    if children is None or run.status is not NodeStatus.RUNNING or run.retry_at_ms is not None or run.cancelling:
        return
    if draft.stopping is not None or draft.status is InstanceStatus.PAUSE:
        return
    rows: list[int] = []
    free, row = children.concurrency - children.running, children.next
    while row < children.total and len(rows) < free:
        if not children.has_succeeded(row):
            rows.append(row)
        row += 1
    if row != children.next:
        draft.change(index, children=replace(children, next=row))
    if rows:
        draft.commands.append(
            StartChildren(instance_id=draft.state.id, node=index, attempt=run.attempt, rows=tuple(rows))
        )


def take_end(draft: Draft, event: ChildEnded) -> NodeRun | None:
    """Note how a child ended. None: this means nothing for the node (any more)."""
    run = draft.runs[event.node] if event.node < len(draft.runs) else None
    if run is None or run.children is None or run.status is not NodeStatus.RUNNING or run.retry_at_ms is not None:
        return None
    children = run.children
    if run.attempt != event.attempt or event.row >= children.next or children.has_succeeded(event.row):
        return None
    if event.status is InstanceStatus.SUCCESS:
        # A failed child may have been restarted by an operator while the others were still running.
        children = replace(
            children,
            succeeded=with_row(children.succeeded, event.row),
            failed=without_row(children.failed, event.row),
        )
    elif children.has_failed(event.row):
        return None
    else:
        reason = f": {event.message}" if event.message else ""
        first = f"instance {event.child} ended as {event.status.value}{reason}"
        children = replace(
            children,
            failed=with_row(children.failed, event.row),
            first_failure=children.first_failure or first,
        )
    draft.change(event.node, children=children)
    start_rows(draft, event.node)
    return draft.runs[event.node]


def outcome_of(draft: Draft, node: Node) -> Outcome | None:
    """How the attempt ends, if it is over; a node that is being stopped fails with CANCELLED."""
    run = draft.runs[node.index]
    children = run.children
    if children is None or children.running:
        return None
    if not children.left and not children.failed_count:
        return Succeeded()
    if run.cancelling:
        return Failed(kind=FailureKind.CANCELLED, message=_stopped(children))
    if children.left:
        return None
    return Failed(kind=FailureKind.ERROR, message=_failure(node, children))


def _stopped(children: Children) -> str:
    return f"Stopped: {children.succeeded_count} of {children.total} runs of job {children.job_name!r} had succeeded."


def _failure(node: Node, children: Children) -> str:
    first = children.first_failure or ""
    if node.type == "subjob":
        return f"The job {children.job_name!r} did not succeed: {first}"
    rows = [str(row) for row in children.failed_rows()]
    shown = ", ".join(rows[:SHOWN_ROWS]) + (", …" if len(rows) > SHOWN_ROWS else "")
    return (
        f"{len(rows)} of {children.total} runs of job {children.job_name!r} did not succeed "
        f"(row {shown}, counted from 0). The first: {first}"
    )
