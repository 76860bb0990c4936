"""Calls about what starts jobs by events: triggers, nodes of real-time jobs, webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arkwright.client.calls import Answer, Call, document, nothing, path


def triggers(job: str) -> Call[dict[str, Any]]:
    """What starts a job by events, and how it fares."""
    return Call(method="GET", path=path("jobs", job, "triggers"), read=_read)


def status(job: str) -> Call[dict[str, Any]]:
    """The state of a real-time job and of its nodes."""
    return Call(method="GET", path=path("jobs", job, "status"), read=_read)


def operate_node(job: str, node: str, operation: str, body: Mapping[str, Any] | None = None) -> Call[None]:
    """`disable`, `restore` or `clear-messages` a node of a real-time job."""
    return Call(method="POST", path=path("jobs", job, "nodes", node, operation), body=body, read=nothing)


def configure_node(job: str, node: str, changes: Mapping[str, Any]) -> Call[None]:
    """Other event settings of a node while its real-time job runs."""
    return Call(method="PUT", path=path("jobs", job, "nodes", node, "event"), body=dict(changes), read=nothing)


def hooks() -> Call[list[dict[str, Any]]]:
    return Call(method="GET", path="hooks", read=lambda answer: list(document(answer)["hooks"]))


def create_hook(job: str, **more: Any) -> Call[dict[str, Any]]:
    """Make a webhook; its secret is in this answer only."""
    return Call(method="POST", path="hooks", body={"jobName": job, **more}, read=_read)


def change_hook(hook_id: str, changes: Mapping[str, Any]) -> Call[dict[str, Any]]:
    return Call(method="PUT", path=path("hooks", hook_id), body=dict(changes), read=_read)


def rotate_hook(hook_id: str, *, keep_seconds: int | None = None) -> Call[str]:
    """A new secret. The old one is still taken for so long (a day if not given)."""
    body = {} if keep_seconds is None else {"keepSeconds": keep_seconds}
    read = lambda answer: str(document(answer)["secret"])  # noqa: E731
    return Call(method="POST", path=path("hooks", hook_id, "rotate"), body=body, read=read)


def delete_hook(hook_id: str) -> Call[None]:
    return Call(method="DELETE", path=path("hooks", hook_id), read=nothing)


def _read(answer: Answer) -> dict[str, Any]:
    return dict(document(answer))
