"""Calls about instances: one run of a job each, its states and its nodes' logs."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from arkwright.client.calls import (
    Answer,
    Call,
    InstanceRecord,
    Page,
    WaitingRecord,
    Watch,
    document,
    filled,
    nothing,
    path,
)

ENDED = frozenset({"success", "fail", "manual-stop", "skip-by-depend"})
"""States in which an instance stays until somebody restarts it."""
NODE_ENDED = frozenset({"success", "fail", "skip", "manual-stop"})


def get(job: str, instance_id: int) -> Call[InstanceRecord]:
    """With its nodes."""
    return Call(method="GET", path=path("jobs", job, "instances", instance_id), read=_record)


def find(
    *,
    job: str = "",
    precise: bool = True,
    status: str = "",
    instance_type: int | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    page: int = 0,
    limit: int = 10,
) -> Call[Page[InstanceRecord]]:
    """Newest first. Without bounds the server answers today's. `precise`: `job` is the whole name, not a part."""
    query = filled(
        jobName=job,
        preciseQuery="true" if job and precise else None,
        status=status,
        instanceType=instance_type,
        minPlanTime=from_ms,
        maxPlanTime=to_ms,
        offset=page,
        limit=limit,
    )
    return Call(method="GET", path="jobs/instances/detail", query=query, read=_page)


def stop(job: str, instance_id: int) -> Call[None]:
    """Returns once the wish is durable; `events` tells when the instance has ended."""
    return Call(
        method="POST",
        path=path("jobs", job, "instances", instance_id, "stop"),
        idempotency_key=uuid.uuid4().hex,
        read=nothing,
    )


def restart(
    job: str, instance_id: int, *, position: str = "first_node", node: str = "", latest: bool = False
) -> Call[None]:
    """Run an ended instance again: from `first_node`, `error_node` or, with `node`, `specified_node`.

    `latest`: with the latest submitted version of the job instead of the original one.
    """
    body: dict[str, str] = {"retry_location": position}
    if node:
        body["node_name"] = node
    if latest:
        body["job_param_version"] = "latest_version"
    return Call(
        method="POST",
        path=path("jobs", job, "instances", instance_id, "restart"),
        body=body,
        idempotency_key=uuid.uuid4().hex,
        read=nothing,
    )


def operate(job: str, instance_id: int, operation: str) -> Call[None]:
    """`continue`, `force-success`, `pause`, `resume`, `confirm`, `freeze`, `unfreeze`, `run-without-dependencies` or
    `run-preferentially`."""
    return _operation(path("jobs", job, "instances", instance_id, operation))


def operate_node(job: str, instance_id: int, node: str, operation: str) -> Call[None]:
    """`retry`, `force-success`, `skip`, `pause` or `resume` one node."""
    return _operation(path("jobs", job, "instances", instance_id, "nodes", node, operation))


def why(instance_id: int) -> Call[WaitingRecord]:
    """What an instance waits for, each condition with what would release it."""
    return Call(method="GET", path=path("jobs", "instances", instance_id, "why"), read=_waiting)


def remove_dependency(instance_id: int, key: str) -> Call[None]:
    """Let a waiting instance not wait any more for one of its dependencies; `why` names their keys."""
    return Call(
        method="DELETE",
        path=path("jobs", "instances", instance_id, "dependencies", key),
        idempotency_key=uuid.uuid4().hex,
        read=nothing,
    )


def _operation(where: str) -> Call[None]:
    return Call(method="POST", path=where, idempotency_key=uuid.uuid4().hex, read=nothing)


def events(job: str, instance_id: int) -> Watch[InstanceRecord]:
    """The instance as it is now and after each change, until it has ended."""
    return Watch(
        path=path("jobs", job, "instances", instance_id, "events"),
        read=lambda _name, data: json.loads(data),
        last=lambda record: record.get("status") in ENDED,
    )


def log(job: str, instance_id: int, node: str, *, start: int = 0) -> Call[bytes]:
    """A node's log from byte `start` on, as far as it is written. A negative `start` counts from the end."""
    headers = {}
    if start:
        headers["Range"] = f"bytes={start}-" if start > 0 else f"bytes={start}"
    return Call(method="GET", path=_log(job, instance_id, node), headers=headers, read=lambda answer: answer.body)


def result(job: str, instance_id: int, node: str) -> Call[bytes]:
    """What a node has come to: the rows of SQL as CSV, any other output as its text."""
    return Call(
        method="GET",
        path=path("jobs", job, "instances", instance_id, "nodes", node, "result"),
        read=lambda answer: answer.body,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPiece:
    """A part of a node's log as it comes; the last one has ended."""

    text: str = ""
    ended: bool = False


def log_pieces(job: str, instance_id: int, node: str, *, attempt: int | None = None) -> Watch[LogPiece]:
    """The log of one attempt (none: the newest), as it grows, until the attempt has ended."""

    def read(name: str, data: str) -> LogPiece:
        return LogPiece(ended=True) if name == "end" else LogPiece(text=json.loads(data)["text"])

    return Watch(
        path=_log(job, instance_id, node), query=filled(attempt=attempt), read=read, last=lambda piece: piece.ended
    )


def _log(job: str, instance_id: int, node: str) -> str:
    return path("jobs", job, "instances", instance_id, "nodes", node, "log")


def _waiting(answer: Answer) -> WaitingRecord:
    record: WaitingRecord = document(answer)  # type: ignore[assignment]
    return record


def _record(answer: Answer) -> InstanceRecord:
    record: InstanceRecord = document(answer)  # type: ignore[assignment]
    return record


def _page(answer: Answer) -> Page[InstanceRecord]:
    value = document(answer)
    return Page(total=value["total"], items=value["instances"])
