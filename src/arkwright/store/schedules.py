# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Schedules, planned instances and what waiting ones watch, in SQL (see `schedule_record` for the theory)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from arkwright.core.gate import Upstream
from arkwright.core.gate_rules import Peer
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.store import definitions, encoding
from arkwright.store.base import Definition, Kind, Place
from arkwright.store.counters import count_instance
from arkwright.store.instances import INSERT, creation
from arkwright.store.schedule_record import (
    GateAnswers,
    GateQuestions,
    PlanShare,
    ScheduleRow,
    ScheduleState,
)
from arkwright.store.work import SCHEDULES, WAKE, Row, Transaction, Work, each, many, one, planned_channel

_COLUMNS = "s.job_id, s.state, s.cursor_ms, s.next_ms, s.body, p.project_id, p.workspace_id"
_FROM = "FROM schedule s JOIN place p ON p.id = s.place_id"
_PUT = """
    INSERT INTO schedule (job_id, place_id, state, cursor_ms, next_ms, body) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (job_id) DO UPDATE SET place_id = excluded.place_id, state = excluded.state,
    cursor_ms = excluded.cursor_ms, next_ms = excluded.next_ms, body = excluded.body"""
_GET = f"SELECT {_COLUMNS} {_FROM} WHERE s.job_id {{in_ids}}"
_DUE = f"""
    SELECT {_COLUMNS} {_FROM} WHERE s.next_ms > ? AND s.next_ms <= ? AND s.next_ms IS NOT NULL
    ORDER BY s.next_ms, s.job_id LIMIT ?"""
_COUNT_DUE = "SELECT count(*), min(next_ms) FROM schedule WHERE next_ms <= ? AND next_ms IS NOT NULL"
_NEXT_DUE = "SELECT min(next_ms) FROM schedule WHERE next_ms IS NOT NULL"
_ADVANCE = """
    UPDATE schedule SET cursor_ms = ?, next_ms = ? WHERE job_id = ? AND cursor_ms = ? AND state = 'SCHEDULING'
    RETURNING job_id"""
_CLAIM = """
    INSERT INTO planned (job_id, plan_ms, instance_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING instance_id"""
WATCH = "INSERT INTO watched (job_id, instance_id, expires_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_SUBMITTED = f"""
    SELECT {", ".join("d." + c for c in encoding.DEFINITION_COLUMNS.split(", "))}, p.project_id, p.workspace_id, v.body
    FROM definition d JOIN definition_version v ON v.definition_id = d.id AND v.version = d.submitted_version
    JOIN place p ON p.id = d.place_id WHERE d.deleted = 0 AND d.id {{in_ids}}"""

_WATCHING = """
    SELECT id, body FROM instance WHERE id IN
    (SELECT DISTINCT instance_id FROM watched WHERE job_id {in_ids} AND instance_id > ? ORDER BY instance_id LIMIT ?)
    ORDER BY id"""
_ALL_WATCHING = """
    SELECT id, body FROM instance WHERE id IN
    (SELECT DISTINCT instance_id FROM watched WHERE instance_id > ? ORDER BY instance_id LIMIT ?) ORDER BY id"""
_WATCHED_JOBS = "SELECT DISTINCT job_id FROM watched"
_EXPIRING = """
    SELECT i.id, i.body FROM watched w JOIN instance i ON i.id = w.instance_id
    WHERE w.expires_ms IS NOT NULL AND w.expires_ms <= ? ORDER BY w.expires_ms LIMIT ?"""
_NEXT_EXPIRY = "SELECT min(expires_ms) FROM watched WHERE expires_ms > ? AND expires_ms IS NOT NULL"

_PEER = "p.instance_id, p.plan_ms, i.status FROM planned p JOIN instance i ON i.id = p.instance_id WHERE p.job_id = ?"
_WINDOW = f"SELECT {_PEER} AND p.plan_ms >= ? AND p.plan_ms < ? ORDER BY p.plan_ms"
_BEFORE = f"SELECT {_PEER} AND p.plan_ms < ? ORDER BY p.plan_ms DESC LIMIT 1"
_NEWEST = f"SELECT {_PEER} ORDER BY p.plan_ms DESC LIMIT 1"
# Who has not started yet but waits for nothing is about to run: it holds a slot. So does who has been told to start, by
# a scheduler that may have died since, and has not heard it yet.
_UNENDED = """
    SELECT i.job_id, i.id, i.at_ms, CASE WHEN i.status = 'waiting' AND NOT EXISTS
    (SELECT 1 FROM watched w WHERE w.job_id = i.job_id AND w.instance_id = i.id)
    OR i.id IN (SELECT p.instance_id FROM posted p WHERE p.body LIKE '{"kind_":"Released"%')
    THEN 'running' ELSE i.status END
    FROM instance i WHERE i.ended = 0 AND i.type = 0 AND i.job_id {in_ids} ORDER BY i.job_id, i.at_ms, i.id"""
_STATES = "SELECT job_id, state, next_ms FROM schedule WHERE job_id {in_ids}"
_PLANNED = """
    SELECT i.id, i.body FROM planned p JOIN instance i ON i.id = p.instance_id
    WHERE p.job_id = ? AND p.plan_ms >= ? AND p.plan_ms < ? ORDER BY p.plan_ms LIMIT ?"""


# ---------------------------------------------------------------- schedules


def put(transaction: Transaction, place_id: int, row: ScheduleRow, job_name: str, job_status: str) -> Work[None]:
    yield from definitions.set_status(transaction, place_id, Kind.JOB, job_name, job_status)
    yield one(_PUT, row.job_id, place_id, row.state.value, row.cursor_ms, row.next_ms, encoding.text(row.body))
    transaction.channels |= {SCHEDULES, planned_channel(row.job_id)}


def get(job_ids: Sequence[int]) -> Work[list[ScheduleRow]]:
    rows = yield one(_GET, encoding.array(job_ids))
    return [_row(row) for row in rows]


def due(after_ms: int, until_ms: int, limit: int) -> Work[list[ScheduleRow]]:
    rows = yield one(_DUE, after_ms, until_ms, limit)
    return [_row(row) for row in rows]


def count_due(until_ms: int) -> Work[tuple[int, int | None]]:
    rows = yield one(_COUNT_DUE, until_ms)
    return rows[0][0], rows[0][1]


def next_due() -> Work[int | None]:
    rows = yield one(_NEXT_DUE)
    found: int | None = rows[0][0]
    return found


def submitted_of(job_ids: Sequence[int]) -> Work[list[Definition]]:
    rows = yield one(_SUBMITTED, encoding.array(job_ids))
    return [
        encoding.definition(
            Place(project_id=row[11], workspace_id=row[12]), Kind.JOB, row[:11], row[6], encoding.document(row[13])
        )
        for row in rows
    ]


def _row(row: Row) -> ScheduleRow:
    return ScheduleRow(
        job_id=row[0],
        place=Place(project_id=row[5], workspace_id=row[6]),
        state=ScheduleState(row[1]),
        cursor_ms=row[2],
        next_ms=row[3],
        body=encoding.document(row[4]),
    )


# ---------------------------------------------------------------- planning


def plan(
    transaction: Transaction, shares: Sequence[tuple[int, PlanShare]], owner: str | None, session: int
) -> Work[frozenset[int]]:
    """`shares`: with the short number of each one's place."""
    # In the order of the jobs, so that two processes never wait for each other crosswise.
    ordered = sorted(shares, key=lambda pair: pair[1].job_id)
    moved = yield each(_ADVANCE, [(s.cursor_ms, s.next_ms, s.job_id, s.before_ms) for _, s in ordered])
    taken = {row[0] for row in moved}
    new = [(place_id, i) for place_id, share in ordered if share.job_id in taken for i in share.instances]
    if not new:
        return frozenset()
    claimed = yield each(_CLAIM, [(i.job_id, i.plan_time_ms, i.id) for _, i in new])
    made = frozenset(row[0] for row in claimed)
    rows: list[Row] = []
    watching_rows: list[Row] = []
    for place_id, instance in new:
        if instance.id not in made:
            continue
        c = creation(instance, place_id, owner, session, None)
        count_instance(transaction, c.counted, 1)
        rows.append(c.row)
        watching_rows += watches(instance)
        transaction.channels.add(planned_channel(instance.job_id))
    if rows:
        yield many(INSERT, rows)
    if watching_rows:
        yield many(WATCH, watching_rows)
    if rows and owner is None:
        transaction.channels.add(WAKE)
    return made


def watches(instance: Instance) -> list[Row]:
    """Rows of `watched` for a new instance."""
    gate = instance.gate
    if gate is None or gate.open:
        return []
    jobs = {each.job_id for each in gate.conditions if isinstance(each, Upstream)} - {instance.job_id}
    return [
        (instance.job_id, instance.id, gate.expires_ms),
        *((job_id, instance.id, None) for job_id in sorted(jobs)),
    ]


# ---------------------------------------------------------------- gates


def watching(job_ids: Iterable[int] | None, after: int, limit: int) -> Work[list[Instance]]:
    text, jobs = (_ALL_WATCHING, ()) if job_ids is None else (_WATCHING, (encoding.array(job_ids),))
    found: list[Instance] = []
    while True:
        left = limit - len(found)
        rows = yield one(text, *jobs, after, left)
        found += encoding.instances(rows)
        if len(rows) < left or len(found) == limit:
            return found
        after = rows[-1][0]  # some can't be read, and who asks takes a page that is not full for the last one


def watched_jobs() -> Work[frozenset[int]]:
    rows = yield one(_WATCHED_JOBS)
    return frozenset(row[0] for row in rows)


def expiring(until_ms: int, limit: int) -> Work[list[Instance]]:
    rows = yield one(_EXPIRING, until_ms, limit)
    return encoding.instances(rows)


def next_expiry(after_ms: int) -> Work[int | None]:
    rows = yield one(_NEXT_EXPIRY, after_ms)
    found: int | None = rows[0][0]
    return found


def answer_gates(questions: GateQuestions) -> Work[GateAnswers]:
    windows: dict[tuple[int, int, int], Sequence[Peer]] = {}
    for window in questions.windows:
        rows = yield one(_WINDOW, *window)
        windows[window] = [_peer(row) for row in rows]
    before: dict[tuple[int, int], Peer] = {}
    for asked in questions.before:
        for row in (yield one(_BEFORE, *asked)):
            before[asked] = _peer(row)
    newest: dict[int, Peer] = {}
    for job_id in questions.newest:
        for row in (yield one(_NEWEST, job_id)):
            newest[job_id] = _peer(row)
    jobs: dict[int, list[Peer]] = {}
    if questions.jobs:
        for job_id, *row in (yield one(_UNENDED, encoding.array(questions.jobs))):
            jobs.setdefault(job_id, []).append(_peer(row))
    schedules: dict[int, tuple[ScheduleState, int | None]] = {}
    if questions.schedules:
        for job_id, state, next_ms in (yield one(_STATES, encoding.array(questions.schedules))):
            schedules[job_id] = (ScheduleState(state), next_ms)
    return GateAnswers(windows=windows, before=before, newest=newest, jobs=jobs, schedules=schedules)


def planned_instances(job_id: int, from_ms: int, to_ms: int, limit: int) -> Work[list[Instance]]:
    rows = yield one(_PLANNED, job_id, from_ms, to_ms, limit)
    return encoding.instances(rows)


def _peer(row: Sequence[Any]) -> Peer:
    return Peer(instance_id=row[0], plan_time_ms=row[1], status=InstanceStatus(row[2]))
