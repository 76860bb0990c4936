"""Calls about the keys that secrets are sealed with."""

from __future__ import annotations

import uuid

from arkwright.client.calls import Call, Document, document, nothing, path


def status() -> Call[Document]:
    """`keys` (oldest first: `id`, `seals`, `values`, `in_unended_instances`), `unreadable`, `under_way`."""
    return Call(method="GET", path="secrets", read=document)


def rotate(*, keys_copied: bool = False) -> Call[Document]:
    """Answers the new `key`, and whether sealing with it is `under_way`."""
    body = {"keys_copied": True} if keys_copied else None
    where = path("secrets", "rotate")
    return Call(method="POST", path=where, body=body, idempotency_key=uuid.uuid4().hex, read=document)


def remove_key(key_id: str) -> Call[None]:
    return Call(method="DELETE", path=path("secrets", "keys", key_id), read=nothing)
