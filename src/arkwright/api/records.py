"""Stored documents of lists: a page by name, or read whole, found by name, written anew or over.

Rules: what these lists answer is what was stored, newest first; nothing is made up where nothing was stored. The lists
are small (rules, packages, patches of a workspace), so filters that no index knows are applied here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from arkwright.api.call import Call
from arkwright.errors import AlreadyExists, NotFound
from arkwright.store.base import Definition, DefinitionWrite, Kind, Page, Place

_SCAN = 1000
"""Records fetched at once where the store can't filter."""

T = TypeVar("T")


async def all_of(
    call: Call, kind: Kind, *, category: str | None = None, name_contains: str = "", place: Place | None = None
) -> list[Definition]:
    """All of a kind in the workspace (or in `place`), newest first."""
    found: list[Definition] = []
    while True:
        page = await call.parts.store.list_definitions(
            place or call.place, kind, category=category, name_contains=name_contains, offset=len(found), limit=_SCAN
        )
        found.extend(page.items)
        if len(page.items) < _SCAN:
            return found


async def named_page(call: Call, kind: Kind, parameter: str) -> Page[Definition]:
    """The page that the query asks for, of those whose name contains the value of `parameter`; newest first."""
    offset, size = call.slice(most=100)
    return await call.parts.store.list_definitions(
        call.place, kind, name_contains=call.query.get(parameter, ""), offset=offset, limit=size
    )


def write_of(
    call: Call, name: str, body: Mapping[str, Any], *, category: str = "", directory: str = "/", status: str = ""
) -> DefinitionWrite:
    return DefinitionWrite(
        name=name,
        category=category,
        directory=directory,
        body=body,
        submit=True,
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
        status=status,
    )


async def put(call: Call, kind: Kind, write: DefinitionWrite) -> Definition:
    """Write a document over the one of its name, or as a new one."""
    store = call.parts.store
    try:
        return await store.save_definition(call.place, kind, write.name, write)
    except NotFound:
        pass
    try:
        return await store.create_definition(call.place, kind, write)
    except AlreadyExists:  # somebody else was first
        return await store.save_definition(call.place, kind, write.name, write)


def page_of(call: Call, items: Sequence[T], *, most: int = 100, default: int = 10, first: int = 0) -> Sequence[T]:
    """The page of `items` that the query asks for."""
    offset, size = call.slice(most=most, default=default, first=first)
    return items[offset : offset + size]


def texts_of(given: str) -> list[str]:
    """The values of a comma-separated parameter."""
    return [each.strip() for each in given.split(",") if each.strip()]


def contains(value: object, wanted: str) -> bool:
    """Whether a text holds another one, without regard to case; an empty wish is always met."""
    return not wanted or wanted.casefold() in str(value or "").casefold()
