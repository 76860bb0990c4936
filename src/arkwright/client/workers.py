"""Calls about workers, their groups and their tokens."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from arkwright.client.calls import Answer, Call, Document, document, nothing, path


def find() -> Call[Document]:
    """`groups` and `workers`."""
    return Call(method="GET", path="workers", read=document)


def create_token(groups: Sequence[str], *, days: int) -> Call[Document]:
    """Answers the token's text as `token`, this once."""
    body: Document = {"groups": list(groups), "days": days}
    return Call(method="POST", path="worker-tokens", body=body, idempotency_key=uuid.uuid4().hex, read=document)


def tokens() -> Call[list[Document]]:
    return Call(method="GET", path="worker-tokens", read=_tokens)


def revoke_token(token_id: int) -> Call[None]:
    return Call(method="DELETE", path=path("worker-tokens", str(token_id)), read=nothing)


def _tokens(answer: Answer) -> list[Document]:
    tokens = document(answer)["tokens"]
    if not isinstance(tokens, list):
        raise ValueError("no list of tokens")
    return tokens
