"""Calls about scripts."""

from __future__ import annotations

import uuid

from arkwright.client.calls import Answer, Call, Document, Page, document, filled, nothing, path


def create(script: Document) -> Call[None]:
    return Call(method="POST", path="scripts", body=script, idempotency_key=uuid.uuid4().hex, read=nothing)


def edit(name: str, script: Document) -> Call[None]:
    """A new version of the script. Its name and type can't be changed."""
    return Call(method="PUT", path=path("scripts", name), body=script, read=nothing)


def get(name: str) -> Call[Document]:
    return Call(method="GET", path=path("scripts", name), read=document)


def find(*, name: str = "", page: int = 0, limit: int = 10) -> Call[Page[Document]]:
    """Scripts whose name contains `name`. Pages count from 0."""
    query = filled(scriptName=name, offset=page, limit=limit)
    return Call(method="GET", path="scripts", query=query, read=_page)


def delete(name: str) -> Call[None]:
    return Call(method="DELETE", path=path("scripts", name), read=nothing)


def _page(answer: Answer) -> Page[Document]:
    value = document(answer)
    return Page(total=value["total"], items=value["scripts"])
