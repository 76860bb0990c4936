"""Calls about patches (PatchData): runs of a job's plan for days that have passed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from arkwright.client.calls import Answer, Call, Document, Page, document, filled, nothing, path

_PATH = "factory/supplement-data"


def create(patch: Document) -> Call[None]:
    """`patch`: with the fields of the V2 API's `supplement-data`."""
    return Call(version="v2", method="POST", path=_PATH, body=patch, idempotency_key=uuid.uuid4().hex, read=nothing)


def find(*, name: str = "", status: str = "", page: int = 0, size: int = 10) -> Call[Page[dict[str, Any]]]:
    """Newest first. Pages count from 0."""
    query = filled(name=name, status=status, page=page, size=size)
    return Call(version="v2", method="GET", path=_PATH, query=query, read=_page)


def stop(name: str) -> Call[None]:
    return Call(version="v2", method="POST", path=f"{_PATH}/{path(name, 'stop')}", read=nothing)


def _page(answer: Answer) -> Page[dict[str, Any]]:
    found = document(answer)
    rows: Sequence[dict[str, Any]] = found["rows"]
    return Page(total=found["total"], items=list(rows))
