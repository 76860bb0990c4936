# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Patches and their instances, in SQL (see `patch_record` for the theory)."""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.store import definitions, encoding
from arkwright.store.base import Definition, DefinitionWrite, Kind, Place
from arkwright.store.counters import count_instance
from arkwright.store.instances import INSERT, creation
from arkwright.store.patch_record import PatchRunRow
from arkwright.store.schedules import WATCH, watches
from arkwright.store.work import SCHEDULES, WAKE, Row, Transaction, Work, each, many, one, planned_channel

_OPEN = "INSERT INTO patch (definition_id, place_id) VALUES (?, ?)"
_ALL_OPEN = f"""
    SELECT {", ".join("d." + c for c in encoding.DEFINITION_COLUMNS.split(", "))}, p.project_id, p.workspace_id, v.body
    FROM patch o JOIN definition d ON d.id = o.definition_id
    JOIN definition_version v ON v.definition_id = d.id AND v.version = d.latest_version
    JOIN place p ON p.id = d.place_id ORDER BY d.id"""
_RUNS = """
    SELECT r.job_id, r.plan_ms, r.instance_id, i.status, p.project_id, p.workspace_id
    FROM patch_run r JOIN instance i ON i.id = r.instance_id JOIN place p ON p.id = i.place_id
    WHERE r.definition_id = ?"""
_BEGIN = """
    UPDATE definition SET status = 'RUNNING' WHERE id = ? AND status IN ('WAITING', 'RUNNING') AND deleted = 0
    RETURNING id"""
_RUNNING = "SELECT id FROM definition WHERE id = ? AND status = 'RUNNING' AND deleted = 0 {for_update}"
_CLAIM = """
    INSERT INTO patch_run (definition_id, job_id, plan_ms, instance_id) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING RETURNING instance_id"""
_STATUS = "UPDATE definition SET status = ? WHERE id = ?"
_CLOSE_RUNS = "DELETE FROM patch_run WHERE definition_id = ?"
_CLOSE = "DELETE FROM patch WHERE definition_id = ?"


def create(transaction: Transaction, id_: int, place: Place, place_id: int, write: DefinitionWrite) -> Work[Definition]:
    made = yield from definitions.create(transaction, id_, place, place_id, Kind.PATCH_DATA, write)
    yield one(_OPEN, id_, place_id)
    transaction.channels.add(SCHEDULES)
    return made


def all_open() -> Work[list[Definition]]:
    rows = yield one(_ALL_OPEN)
    return [
        encoding.definition(
            Place(project_id=row[11], workspace_id=row[12]),
            Kind.PATCH_DATA,
            row[:11],
            row[5],
            encoding.document(row[13]),
        )
        for row in rows
    ]


def runs(definition_id: int) -> Work[list[PatchRunRow]]:
    rows = yield one(_RUNS, definition_id)
    return [
        PatchRunRow(
            job_id=row[0],
            plan_time_ms=row[1],
            instance_id=row[2],
            status=InstanceStatus(row[3]),
            place=Place(project_id=row[4], workspace_id=row[5]),
        )
        for row in rows
    ]


def begin(transaction: Transaction, definition_id: int) -> Work[bool]:
    return bool((yield one(_BEGIN, definition_id)))


def start(
    transaction: Transaction,
    definition_id: int,
    placed: Sequence[tuple[int, Instance]],
    owner: str | None,
    session: int,
) -> Work[frozenset[int]]:
    """`placed`: with the short number of each one's place."""
    if not (yield one(_RUNNING, definition_id)):
        return frozenset()
    claimed = yield each(_CLAIM, [(definition_id, i.job_id, i.plan_time_ms, i.id) for _, i in placed])
    made = frozenset(row[0] for row in claimed)
    rows: list[Row] = []
    watched: list[Row] = []
    for place_id, instance in placed:
        if instance.id not in made:
            continue
        c = creation(instance, place_id, owner, session, None)
        count_instance(transaction, c.counted, 1)
        rows.append(c.row)
        watched += watches(instance)
        transaction.channels.add(planned_channel(instance.job_id))
    if rows:
        yield many(INSERT, rows)
        if owner is None:
            transaction.channels.add(WAKE)
    if watched:
        yield many(WATCH, watched)
    return made


def stop(transaction: Transaction, place_id: int, name: str) -> Work[None]:
    yield from definitions.set_status(transaction, place_id, Kind.PATCH_DATA, name, "CANCEL")
    transaction.channels.add(SCHEDULES)


def end(transaction: Transaction, definition_id: int, status: str) -> Work[None]:
    if status:
        yield one(_STATUS, status, definition_id)
    yield one(_CLOSE_RUNS, definition_id)
    yield one(_CLOSE, definition_id)
