"""The directory tree of jobs or scripts (only one official client knows it; no document describes it).

Decided here: directories exist where something lies in them; their ids are made from category and path, so that they
stay the same as long as the path does. `name` picks elements by a part of their name, in the whole tree; `offset` and
`limit` cut the elements of the directory that is asked for, and without `limit` all of them are answered.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, short
from arkwright.api.route import Route, number, text
from arkwright.api.v1.fields import choice
from arkwright.errors import NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind

MAX_ELEMENTS = 1000
_CATEGORIES: Mapping[str, Kind] = {"job": Kind.JOB, "script": Kind.SCRIPT}
_PAGE = 1000
_ROOT, _ROOT_PARENT = "0", "-1"

_Tree = Mapping[str, Sequence[str]]
"""Per directory its sub-directories, sorted."""


class Element(Struct, kw_only=True, omit_defaults=True):
    type: str
    parent_directory_id: str
    name: str
    element_id: str
    owner: str
    process_type: str | UnsetType = UNSET
    is_single_node_job: bool | UnsetType = UNSET


class DirectoryTree(Struct, kw_only=True):
    parent_directory_id: str
    directory_name: str
    category_type: str
    directory_id: str
    paging: bool
    offset: int
    limit: int
    count: int
    elements: list[Element]
    sub_directories: list[DirectoryTree]


async def show_tree(call: Call) -> Response:
    category = choice(call.query.get("category", "").lower(), "category", _CATEGORIES) or "job"
    wanted = call.query.get("directory_id", "") or _ROOT
    offset = call.number("offset", 0) or 0
    limit = call.number("limit", None, least=1, most=MAX_ELEMENTS)
    found = await _all(call, _CATEGORIES[category])
    tree = _tree({each.directory for each in found})
    path = next((each for each in tree if _id(category, each) == wanted), None)
    if path is None:
        raise NotFound(f"There is no directory with the id {short(wanted)}.", field="directory_id")
    part = call.query.get("name", "").casefold()
    elements: dict[str, list[Element]] = defaultdict(list)
    for each in sorted(found, key=lambda each: each.name):
        if part in each.name.casefold():
            elements[each.directory].append(_element(category, each))
    made = _directory(category, path, tree, elements)
    if limit is not None:
        made.paging, made.limit = True, limit
        made.offset = offset
        # A page like those of every other list: `offset` counts pages, unless the server is set to records.
        skipped, size = call.slice(most=MAX_ELEMENTS)
        made.elements = made.elements[skipped : skipped + size]
    return answer(made)


async def _all(call: Call, kind: Kind) -> list[Definition]:
    found: list[Definition] = []
    while True:
        page = await call.parts.store.list_definitions(call.place, kind, offset=len(found), limit=_PAGE)
        found.extend(page.items)
        if len(page.items) < _PAGE:
            return found


def _tree(paths: set[str]) -> _Tree:
    below: dict[str, set[str]] = {"/": set()}
    for path in paths:
        while path != "/":
            parent = path.rpartition("/")[0] or "/"
            below.setdefault(path, set())
            below.setdefault(parent, set()).add(path)
            path = parent
    return {path: sorted(children) for path, children in below.items()}


def _directory(category: str, path: str, tree: _Tree, elements: Mapping[str, list[Element]]) -> DirectoryTree:
    own = elements.get(path, [])
    return DirectoryTree(
        parent_directory_id=_parent_id(category, path),
        directory_name=path.rpartition("/")[2] or "/",
        category_type=category,
        directory_id=_id(category, path),
        paging=False,
        offset=0,
        limit=len(own),
        count=len(own),
        elements=own,
        sub_directories=[_directory(category, each, tree, elements) for each in tree[path]],
    )


def _element(category: str, definition: Definition) -> Element:
    element = Element(
        type=category,
        parent_directory_id=_id(category, definition.directory),
        name=definition.name,
        element_id=str(definition.id),
        owner=_owner(definition),
    )
    if category == "job":
        element.process_type = definition.category
        element.is_single_node_job = str(definition.body.get("singleNodeJobFlag", "")).lower() in {"true", "1"}
    return element


def _owner(definition: Definition) -> str:
    basic: Any = definition.body.get("basicConfig")
    owner = basic.get("owner") if isinstance(basic, dict) else None
    return str(owner) if owner else definition.created_by


def _id(category: str, path: str) -> str:
    if path == "/":
        return _ROOT
    return hashlib.blake2s(f"{category}{path}".encode(), digest_size=16).hexdigest()


def _parent_id(category: str, path: str) -> str:
    return _ROOT_PARENT if path == "/" else _id(category, path.rpartition("/")[0] or "/")


ROUTES = (
    Route(
        method="GET",
        path="/v1.0/{project_id}/directory/tree",
        handler=show_tree,
        operation="showDirectoryTree",
        summary="The directories of jobs or scripts, with what lies in them.",
        tag="jobs",
        action=Action.JOB_READ,
        parameters=(
            text("category", "What lies in the tree.", enum=list(_CATEGORIES), default="job"),
            text("directory_id", "Where to begin; none: the root."),
            text("name", "A part of the elements' names."),
            number("offset", "Page of the elements, counted from 0; only with limit.", minimum=0, default=0),
            number("limit", "Elements on a page; none: all of them.", minimum=1, maximum=MAX_ELEMENTS),
        ),
        response=DirectoryTree,
    ),
)
