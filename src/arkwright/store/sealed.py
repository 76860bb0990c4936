# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Going through all sealed values in SQL; `sealed_record` has the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arkwright.store.base import Place
from arkwright.store.sealed_record import SealedPage, SealedRow
from arkwright.store.work import IDENTITY, SEALED, Row, Transaction, Work, each, one

_KEYS: dict[str, tuple[str, ...]] = {
    "identity": ("kind", "key"),
    "definition_version": ("definition_id", "version"),
    "schedule": ("job_id",),
    "event_trigger": ("id",),
    "notice": ("id",),
    "answer": ("scope", "key"),
    "instance": ("id",),
    "node_run": ("instance_id", "idx"),
    "attempt": ("instance_id", "node", "attempt"),
    "event": ("instance_id", "seq"),
    "event_kept": ("instance_id", "seq"),
    "posted": ("id",),
}
_OF_INSTANCES = (
    ("node_run", "body"),
    ("attempt", "request"),
    ("attempt", "outcome"),
    ("event", "body"),
    ("event_kept", "body"),
    ("posted", "body"),
)
_MARKED = "LIKE '%sealed%'"
"""Every text with a sealed value says so, but for webhooks'."""

_VALUE = "SELECT value FROM installation WHERE name = ?"
_SET_VALUE = """
    INSERT INTO installation (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"""
_IDENTITY = f"SELECT kind, key, body FROM identity WHERE body {_MARKED} ORDER BY kind, key"
_ANSWERS = "SELECT scope, key, sealed_body FROM answer WHERE (scope, key) > (?, ?) ORDER BY scope, key LIMIT ?"
_DEFINITIONS = f"""
    SELECT v.definition_id, v.version, v.body, d.kind, p.project_id, p.workspace_id FROM definition_version v
    JOIN definition d ON d.id = v.definition_id JOIN place p ON p.id = d.place_id
    WHERE v.definition_id > ? AND v.definition_id <= ? AND v.body {_MARKED} ORDER BY v.definition_id, v.version"""
_OF_PLACES = {
    "schedule": f"""
        SELECT s.job_id, s.body, '', p.project_id, p.workspace_id FROM schedule s JOIN place p ON p.id = s.place_id
        WHERE s.job_id > ? AND s.job_id <= ? AND s.body {_MARKED} ORDER BY s.job_id""",
    "notice": f"""
        SELECT s.id, s.body, '', p.project_id, p.workspace_id FROM notice s JOIN place p ON p.id = s.place_id
        WHERE s.id > ? AND s.id <= ? AND s.body {_MARKED} ORDER BY s.id""",
}
_TRIGGERS = f"""
    SELECT s.id, s.body, s.report, s.slot, p.project_id, p.workspace_id FROM event_trigger s
    JOIN place p ON p.id = s.place_id WHERE s.id > ? AND s.id <= ?
    AND (s.kind = 'WEBHOOK' OR s.body {_MARKED} OR s.report {_MARKED}) ORDER BY s.id"""
_UNENDED = "SELECT id FROM instance WHERE ended = 0 AND id > ? ORDER BY id LIMIT ?"
_ENDED = "EXISTS (SELECT 1 FROM instance i WHERE i.id = {id} AND i.ended = 1)"


def value(name: str) -> Work[str]:
    rows = yield one(_VALUE, name)
    return str(rows[0][0]) if rows else ""


def set_value(transaction: Transaction, name: str, value: str, *, told: bool) -> Work[None]:
    yield one(_SET_VALUE, name, value)
    if told:
        transaction.channels.add(SEALED)


def page(part: str, after: Sequence[Any] | None, limit: int, unended: bool) -> Work[SealedPage]:
    match part:
        case "identity":
            rows = yield one(_IDENTITY)
            return SealedPage(rows=[_row("identity", "body", row[:2], row[2]) for row in rows], after=None)
        case "answer":
            rows = yield one(_ANSWERS, *(after or ("", "")), limit)
            found = [_row("answer", "sealed_body", row[:2], bytes(row[2]), name=f"{row[0]} {row[1]}") for row in rows]
            return SealedPage(rows=found, after=list(rows[-1][:2]) if len(rows) == limit else None)
        case "instance":
            return (yield from _instances(after, limit, unended))
        case _:
            return (yield from _of_places(part, after, limit))


def _of_places(part: str, after: Sequence[Any] | None, limit: int) -> Work[SealedPage]:
    table, column = ("definition", "id") if part == "definition_version" else (part, _KEYS[part][0])
    start = after[0] if after else -1
    ids = yield one(f"SELECT {column} FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT ?", start, limit)
    if not ids:
        return SealedPage(rows=(), after=None)
    last = ids[-1][0]
    found = []
    if part == "definition_version":
        for row in (yield one(_DEFINITIONS, start, last)):
            found.append(_row(part, "body", row[:2], row[2], name=row[3], place=row[4:]))
    elif part == "event_trigger":
        for row in (yield one(_TRIGGERS, start, last)):
            found.append(_row(part, "body", row[:1], row[1], name=row[3], place=row[4:]))
            found.append(_row(part, "report", row[:1], row[2], name=row[3], place=row[4:]))
    else:
        for row in (yield one(_OF_PLACES[part], start, last)):
            found.append(_row(part, "body", row[:1], row[1], place=row[3:]))
    return SealedPage(rows=found, after=[last] if len(ids) == limit else None)


def _instances(after: Sequence[Any] | None, limit: int, unended: bool) -> Work[SealedPage]:
    start = after[0] if after else -1
    if unended:
        ids = yield one(_UNENDED, start, limit)
    else:
        ids = yield one("SELECT id FROM instance WHERE id > ? ORDER BY id LIMIT ?", start, limit)
    if not ids:
        return SealedPage(rows=(), after=None)
    last = ids[-1][0]
    which = "i.id > ? AND i.id <= ?" + (" AND i.ended = 0" if unended else "")
    ours = "i.ended, p.project_id, p.workspace_id FROM instance i JOIN place p ON p.id = i.place_id"
    found = []
    for row in (yield one(f"SELECT i.id, i.body, {ours} WHERE {which} AND i.body {_MARKED}", start, last)):
        found.append(_row("instance", "body", row[:1], row[1], ended=row[2], place=row[3:]))
    for table, column in _OF_INSTANCES:
        keys = _KEYS[table]
        shown = ", ".join(f"t.{key}" for key in keys)
        joined = f"{ours} JOIN {table} t ON t.instance_id = i.id WHERE {which} AND t.{column} {_MARKED}"
        for row in (yield one(f"SELECT {shown}, t.{column}, {joined}", start, last)):
            n = len(keys)
            found.append(_row(table, column, row[:n], row[n], ended=row[n + 1], place=row[n + 2 :]))
    return SealedPage(rows=found, after=[last] if len(ids) == limit else None)


def _row(
    table: str, column: str, key: Row, value: Any, *, name: str = "", place: Row = (), ended: Any = True
) -> SealedRow:
    where = Place(project_id=place[0], workspace_id=place[1]) if place else None
    return SealedRow(table=table, column=column, key=tuple(key), value=value, name=name, place=where, ended=bool(ended))


def replace(transaction: Transaction, changes: Sequence[tuple[SealedRow, str | bytes]], unended: bool) -> Work[int]:
    by_column: dict[tuple[str, str], list[Row]] = {}
    for row, new in changes:
        by_column.setdefault((row.table, row.column), []).append((new, *row.key, row.value))
    replaced = 0
    for (table, column), rows in by_column.items():
        where = " AND ".join(f"{key} = ?" for key in _KEYS[table])
        condition = ""
        if not unended and table in ("instance", *(name for name, _ in _OF_INSTANCES)):
            condition = " AND ended = 1" if table == "instance" else " AND " + _ENDED.format(id=f"{table}.instance_id")
        text = f"UPDATE {table} SET {column} = ? WHERE {where} AND {column} = ?{condition} RETURNING 1"
        replaced += len((yield each(text, rows)))
        if table == "identity":
            transaction.channels.add(IDENTITY)
    transaction.channels.add(SEALED)
    return replaced
