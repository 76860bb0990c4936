"""Calls about notices, the rules that make them, and the topics they go to."""

from __future__ import annotations

import uuid

from arkwright.client.calls import Call, Document, document, filled, nothing, path


def find(*, state: str = "", from_ms: int | None = None, page: int = 0, limit: int = 100) -> Call[Document]:
    """Answers `total` and `alerts`, newest first. Pages count from 0."""
    query = filled(state=state, **{"from": from_ms}, offset=page, limit=limit)
    return Call(method="GET", path="alerts", query=query, read=document)


def retry(notice_id: int) -> Call[None]:
    """Send a notice again that was given up."""
    where = path("alerts", notice_id, "retry")
    return Call(method="POST", path=where, idempotency_key=uuid.uuid4().hex, read=nothing)


def topics() -> Call[Document]:
    """Answers `total` and `topics`."""
    return Call(method="GET", path="alert-topics", read=document)


def create_topic(topic: Document) -> Call[Document]:
    """Answers the topic, with a webhook's secret this once."""
    return Call(method="POST", path="alert-topics", body=topic, idempotency_key=uuid.uuid4().hex, read=document)


def delete_topic(name: str) -> Call[None]:
    return Call(method="DELETE", path=path("alert-topics", name), read=nothing)


def test(name: str) -> Call[None]:
    """Send a test to a topic now. It may take as long as the other side does."""
    where = path("alert-topics", name, "test")
    return Call(method="POST", path=where, idempotency_key=uuid.uuid4().hex, extra_seconds=60, read=nothing)


def rules() -> Call[Document]:
    """Answers `total` and `rules`."""
    return Call(method="GET", path="alert-rules", read=document)


def create_rule(rule: Document) -> Call[Document]:
    return Call(method="POST", path="alert-rules", body=rule, idempotency_key=uuid.uuid4().hex, read=document)


def delete_rule(rule: str) -> Call[None]:
    """By id or name."""
    return Call(method="DELETE", path=path("alert-rules", rule), read=nothing)
