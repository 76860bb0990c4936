# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Jobs, scripts, resources, connections: named documents with immutable versions.

A definition's row holds what changes (name, status, newest version); each version's body is a row of its own that
is never changed, so bodies may be cached without asking anybody. A deleted definition keeps its rows for the
instances pinned to them; a partial unique index frees its name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from arkwright.errors import AlreadyExists, Code, NotFound, StaleWrite
from arkwright.store import encoding, submissions
from arkwright.store.base import Definition, DefinitionWrite, Kind, Page, Place, SavedVersion
from arkwright.store.counters import count_definition
from arkwright.store.work import RULES, SLOTS, Row, Transaction, Work, one

K = TypeVar("K")
V = TypeVar("V")

_COLUMNS = encoding.DEFINITION_COLUMNS
_HEAD = f"""
    SELECT {_COLUMNS} FROM definition
    WHERE place_id = ? AND kind = ? AND name = ? AND deleted = 0"""
_HEAD_FOR_UPDATE = _HEAD + " {for_update}"
_HEAD_BY_ID = f"""
    SELECT {", ".join("d." + c for c in _COLUMNS.split(", "))}, p.project_id, p.workspace_id, d.kind
    FROM definition d JOIN place p ON p.id = d.place_id WHERE d.id = ?"""
_BODY = "SELECT body FROM definition_version WHERE definition_id = ? AND version = ?"
_VERSIONS = """
    SELECT version, created_ms, created_by, body FROM definition_version WHERE definition_id = ?
    ORDER BY version DESC LIMIT ? OFFSET ?"""
_TAKEN = "SELECT id FROM definition WHERE place_id = ? AND kind = ? AND name = ? AND deleted = 0"
_INSERT = f"""
    INSERT INTO definition ({_COLUMNS}, place_id, kind, name_folded)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id"""
_INSERT_VERSION = """
    INSERT INTO definition_version (definition_id, version, body, created_ms, created_by) VALUES (?, ?, ?, ?, ?)"""
_INSERT_NAME = """
    INSERT INTO definition_name (place_id, kind, name, definition_id, name_folded) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING"""
_UPDATE = """
    UPDATE definition SET name = ?, name_folded = ?, category = ?, directory = ?, status = ?, latest_version = ?,
    submitted_version = ?, updated_ms = ?, updated_by = ? WHERE id = ?"""
_SET_STATUS = """
    UPDATE definition SET status = ? WHERE place_id = ? AND kind = ? AND name = ? AND deleted = 0 RETURNING id"""
_DELETE = """
    UPDATE definition SET deleted = 1 WHERE place_id = ? AND kind = ? AND name = ? AND deleted = 0
    RETURNING id, category"""


class BoundedCache(Generic[K, V]):
    """The values that came last, up to a total cost. Threads may share it: a lost race costs a value, no more."""

    def __init__(self, cost: int) -> None:
        self._limit = cost
        self._cost = 0
        self._values: dict[K, tuple[V, int]] = {}

    def get(self, key: K) -> V | None:
        found = self._values.get(key)
        return None if found is None else found[0]

    def put(self, key: K, value: V, cost: int) -> None:
        self.drop(key)
        self._values[key] = (value, cost)
        self._cost += cost
        while self._cost > self._limit and self._values:
            with contextlib.suppress(RuntimeError, StopIteration):  # another thread changes it at this moment
                self.drop(next(iter(self._values)))

    def clear(self) -> None:
        self._values.clear()
        self._cost = 0

    def drop(self, key: K) -> None:
        found = self._values.pop(key, None)
        if found is not None:
            self._cost -= found[1]


Bodies = BoundedCache[tuple[int, int], tuple[Mapping[str, Any], int]]
"""(definition, version) to the body and its length."""


def not_found(kind: Kind, name: str) -> NotFound:
    codes = {Kind.JOB: Code.JOB_NOT_FOUND, Kind.SCRIPT: Code.SCRIPT_NOT_FOUND}
    return NotFound(f"There is no {kind.value} named {name!r}.", field="name", code=codes.get(kind))


def already_exists(kind: Kind, name: str) -> AlreadyExists:
    codes = {Kind.JOB: Code.JOB_EXISTS, Kind.SCRIPT: Code.SCRIPT_EXISTS}
    return AlreadyExists(f"A {kind.value} named {name!r} exists already.", field="name", code=codes.get(kind))


# ---------------------------------------------------------------- writing


def create(
    transaction: Transaction, id_: int, place: Place, place_id: int, kind: Kind, write: DefinitionWrite
) -> Work[Definition]:
    version = 1 if write.submitted_body is None else 2
    row = (
        id_,
        write.name,
        write.category,
        write.directory,
        write.status,
        version,
        1 if write.submit or write.submitted_body is not None else None,
        write.at_ms,
        write.actor,
        write.at_ms,
        write.actor,
    )
    folded = write.name.casefold()
    if not (yield one(_INSERT, *row, place_id, kind.value, folded)):
        raise already_exists(kind, write.name)
    yield from _insert_versions(id_, version, write)
    yield one(_INSERT_NAME, place_id, kind.value, write.name, id_, folded)
    count_definition(transaction, place_id, kind, write.category, 1)
    _announce(transaction, kind)
    return encoding.definition(place, kind, row, version, write.body)


def save(
    transaction: Transaction, place: Place, place_id: int, kind: Kind, name: str, write: DefinitionWrite
) -> Work[Definition]:
    rows = yield one(_HEAD_FOR_UPDATE, place_id, kind.value, name)
    if not rows:
        raise not_found(kind, name)
    id_, _, category, _, status, latest, submitted, created_ms, created_by, _, _ = rows[0]
    if write.expected_version not in (None, latest):
        raise StaleWrite(
            f"{name} is at version {latest} now; this change was made to version {write.expected_version}.",
            hint=f"Read version {latest}, bring the change into it, and send it again.",
        )
    folded = write.name.casefold()
    if write.name != name:
        if (yield one(_TAKEN, place_id, kind.value, write.name)):
            raise already_exists(kind, write.name)
        yield one(_INSERT_NAME, place_id, kind.value, write.name, id_, folded)
    version = latest + 1
    submitted = version if write.submit else submitted
    if write.submitted_body is not None:
        version, submitted = latest + 2, latest + 1
    status = write.status or status
    yield from _insert_versions(id_, version, write)
    yield one(
        _UPDATE,
        write.name,
        folded,
        write.category,
        write.directory,
        status,
        version,
        submitted,
        write.at_ms,
        write.actor,
        id_,
    )
    if write.category != category:
        count_definition(transaction, place_id, kind, category, -1)
        count_definition(transaction, place_id, kind, write.category, 1)
    _announce(transaction, kind)
    if kind is Kind.JOB and write.submit and status == "SCHEDULING":
        yield from submissions.resubmitted(transaction, id_, write.at_ms)
    return Definition(
        id=id_,
        place=place,
        kind=kind,
        name=write.name,
        category=write.category,
        directory=write.directory,
        status=status,
        version=version,
        latest_version=version,
        submitted_version=submitted,
        created_ms=created_ms,
        created_by=created_by,
        updated_ms=write.at_ms,
        updated_by=write.actor,
        body=write.body,
    )


def _insert_versions(id_: int, version: int, write: DefinitionWrite) -> Work[None]:
    if write.submitted_body is not None:
        yield one(_INSERT_VERSION, id_, version - 1, encoding.text(write.submitted_body), write.at_ms, write.actor)
    yield one(_INSERT_VERSION, id_, version, encoding.text(write.body), write.at_ms, write.actor)


def set_status(transaction: Transaction, place_id: int, kind: Kind, name: str, status: str) -> Work[int]:
    rows = yield one(_SET_STATUS, status, place_id, kind.value, name)
    if not rows:
        raise not_found(kind, name)
    id_: int = rows[0][0]
    return id_


def delete(transaction: Transaction, place_id: int, kind: Kind, name: str) -> Work[int]:
    rows = yield one(_DELETE, place_id, kind.value, name)
    if not rows:
        raise not_found(kind, name)
    id_: int = rows[0][0]
    count_definition(transaction, place_id, kind, rows[0][1], -1)
    _announce(transaction, kind)
    if kind is Kind.JOB:
        yield from submissions.forgotten(id_)
    return id_


def _announce(transaction: Transaction, kind: Kind) -> None:
    """Alarm rules are kept in memory by whoever applies them."""
    if kind is Kind.ALARM_RULE:
        transaction.channels.add(RULES)
    elif kind is Kind.TASK_GROUP:
        transaction.channels.add(SLOTS)


# ---------------------------------------------------------------- reading


def _with_body(place: Place, kind: Kind, head: Row, version: int | None, bodies: Bodies) -> Work[Definition | None]:
    if version is None:
        return None
    known = bodies.get((head[0], version))
    if known is None:
        rows = yield one(_BODY, head[0], version)
        if not rows:
            return None
        known = (encoding.document(rows[0][0]), len(rows[0][0]))
        bodies.put((head[0], version), known, known[1])
    return encoding.definition(place, kind, head, version, known[0])


def find(
    place: Place, place_id: int, kind: Kind, name: str, version: int | None, submitted: bool, bodies: Bodies
) -> Work[Definition | None]:
    rows = yield one(_HEAD, place_id, kind.value, name)
    if not rows:
        return None
    if version is None:
        version = rows[0][6] if submitted else rows[0][5]
    return (yield from _with_body(place, kind, rows[0], version, bodies))


def find_version(definition_id: int, version: int, bodies: Bodies) -> Work[Definition | None]:
    rows = yield one(_HEAD_BY_ID, definition_id)
    if not rows:
        return None
    place = Place(project_id=rows[0][11], workspace_id=rows[0][12])
    return (yield from _with_body(place, Kind(rows[0][13]), rows[0], version, bodies))


def list_versions(definition_id: int, offset: int, limit: int) -> Work[list[SavedVersion]]:
    rows = yield one(_VERSIONS, definition_id, limit, offset)
    return [
        SavedVersion(version=row[0], created_ms=row[1], created_by=row[2], body=encoding.document(row[3]))
        for row in rows
    ]


def list_page(
    place: Place, place_id: int, kind: Kind, category: str | None, name_contains: str, offset: int, limit: int
) -> Work[Page[Definition]]:
    where = "place_id = ? AND kind = ? AND deleted = 0"
    params: list[Any] = [place_id, kind.value]
    if category is not None:
        where += " AND category = ?"
        params.append(category)
    if name_contains:
        # No index helps here; it reads the names of one place, which is no history.
        where += " AND {contains}"
        params.append(name_contains.casefold())
        totals = yield one(f"SELECT count(*) FROM definition WHERE {where}", *params)
    else:
        counted = where.replace(" AND deleted = 0", "")
        totals = yield one(
            f"SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM definition_count WHERE {counted}",
            *params,
        )
    total: int = totals[0][0]
    if offset >= total or limit <= 0:
        return Page(total=total, items=())
    rows = yield one(
        f"SELECT {_COLUMNS}, body FROM "
        f"(SELECT {_COLUMNS} FROM definition WHERE {where} ORDER BY created_ms DESC, id DESC LIMIT ? OFFSET ?) AS d "
        "JOIN (SELECT definition_id, version, body FROM definition_version) AS v "
        "ON v.definition_id = d.id AND v.version = d.latest_version ORDER BY created_ms DESC, id DESC",
        *params,
        limit,
        offset,
    )
    return Page(
        total=total, items=[encoding.definition(place, kind, row, row[5], encoding.document(row[11])) for row in rows]
    )


def find_ids(place_id: int, kind: Kind, name: str, precise: bool) -> Work[list[int]]:
    condition, value = ("name = ?", name) if precise else ("{contains}", name.casefold())
    rows = yield one(
        "SELECT DISTINCT definition_id FROM definition_name "
        f"WHERE place_id = ? AND kind = ? AND {condition} ORDER BY definition_id",
        place_id,
        kind.value,
        value,
    )
    return [row[0] for row in rows]
