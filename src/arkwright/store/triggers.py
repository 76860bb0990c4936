# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Triggers and what they have taken: see `trigger_record` for the theory of operation.

Every work that changes a trigger locks its row first, so that those of one trigger come one after another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arkwright.errors import IdempotencyConflict
from arkwright.store import encoding, instances
from arkwright.store.base import Place
from arkwright.store.instances import Creation
from arkwright.store.trigger_record import (
    Fired,
    Firing,
    Refusal,
    Trigger,
    TriggerChange,
    TriggerKind,
    TriggerStart,
    TriggerState,
)
from arkwright.store.work import WAKE, Row, Transaction, Work, many, one

_READ = """
    SELECT t.id, p.project_id, p.workspace_id, t.job_id, t.slot, t.kind, t.state, t.owner, t.epoch, t.body, t.report
    FROM event_trigger t JOIN place p ON p.id = t.place_id """
_START = """
    INSERT INTO event_trigger (id, place_id, job_id, slot, kind, state, owner, epoch, body, report)
    VALUES (?, ?, ?, ?, ?, ?, NULL, 1, ?, '{}')
    ON CONFLICT (slot, job_id) DO UPDATE SET kind = excluded.kind, state = excluded.state, owner = NULL,
    epoch = event_trigger.epoch + 1, body = excluded.body, report = '{}' RETURNING id"""
_LOCK = "SELECT state, owner, epoch FROM event_trigger WHERE id = ? {for_update}"
_LOCK_SOME = "SELECT id, state FROM event_trigger WHERE id {in_ids} ORDER BY id {for_update}"
_SET_STATE = "UPDATE event_trigger SET state = ? WHERE id = ?"
_SET_BODY = "UPDATE event_trigger SET body = ? WHERE id = ?"
_SET_JOB = "UPDATE definition SET status = ? WHERE id = ? AND deleted = 0"
_LIVE = "state IN ('ACTIVE', 'STOPPING') OR id IN (SELECT trigger_id FROM trigger_run)"
_CLAIM = f"""
    UPDATE event_trigger SET owner = ? WHERE kind <> 'WEBHOOK' AND ({_LIVE}) AND (owner IS NULL OR
    owner IN (SELECT name FROM engine WHERE name <> ? AND lease_until_ms <= {{now_ms}}))"""
_RELEASE = "UPDATE event_trigger SET owner = NULL WHERE owner = ?"
_OWN = f" WHERE t.owner = ? AND t.kind <> 'WEBHOOK' AND ({_LIVE.replace('id IN', 't.id IN')}) ORDER BY t.id"
_REPORT = "UPDATE event_trigger SET report = ? WHERE id = ? AND epoch = ?"
_POSITIONS = "SELECT source, next FROM trigger_position WHERE trigger_id = ?"
_NEXT = "SELECT next FROM trigger_position WHERE trigger_id = ? AND source = ?"
_PUT_POSITION = """
    INSERT INTO trigger_position (trigger_id, source, next) VALUES (?, ?, ?)
    ON CONFLICT (trigger_id, source) DO UPDATE SET next = excluded.next"""
_OPEN_POSITION = "INSERT INTO trigger_position (trigger_id, source, next) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_MARKS = "SELECT object, mark FROM trigger_mark WHERE trigger_id = ?"
_MARK = "SELECT mark FROM trigger_mark WHERE trigger_id = ? AND object = ?"
_PUT_MARK = """
    INSERT INTO trigger_mark (trigger_id, object, mark) VALUES (?, ?, ?)
    ON CONFLICT (trigger_id, object) DO UPDATE SET mark = excluded.mark"""
_DROP_MARK = "DELETE FROM trigger_mark WHERE trigger_id = ? AND object = ?"
_RUNS = "SELECT instance_id FROM trigger_run WHERE trigger_id = ? ORDER BY instance_id"
_COUNT_RUNS = "SELECT COUNT(*) FROM trigger_run WHERE trigger_id = ?"
_DROP_ENDED = """
    DELETE FROM trigger_run WHERE trigger_id = ? AND NOT EXISTS
    (SELECT 1 FROM instance i WHERE i.id = trigger_run.instance_id AND i.ended = 0)"""
_ADD_RUN = "INSERT INTO trigger_run (trigger_id, instance_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_DROP_RUN = "DELETE FROM trigger_run WHERE trigger_id = ? AND instance_id = ?"
_FORGET = (
    "DELETE FROM trigger_position WHERE trigger_id = ?",
    "DELETE FROM trigger_mark WHERE trigger_id = ?",
)
_DELETE = (
    *_FORGET,
    "DELETE FROM trigger_run WHERE trigger_id = ?",
    "DELETE FROM event_trigger WHERE id = ?",
)


# ---------------------------------------------------------------- triggers


def start(
    transaction: Transaction,
    place_id: int,
    job_id: int,
    starts: Sequence[tuple[int, TriggerStart]],
    job_status: str | None,
) -> Work[list[Trigger]]:
    """`starts`: each with an id for a new one."""
    if job_status is not None:
        yield one(_SET_JOB, job_status, job_id)
    found: list[Trigger] = []
    for new_id, given in sorted(starts, key=lambda each: each[1].slot):
        rows = yield one(
            _START, new_id, place_id, job_id, given.slot, given.kind.value, given.state.value, encoding.text(given.body)
        )
        id_ = rows[0][0]
        if given.fresh:
            for text in _FORGET:
                yield one(text, id_)
        trigger = yield from get(id_)
        if trigger is not None:
            found.append(trigger)
    transaction.channels.add(WAKE)
    return found


def change(transaction: Transaction, given: TriggerChange) -> Work[bool]:
    ids = sorted({*given.states, *given.bodies, *(trigger_id for trigger_id, _ in given.settled)})
    rows = yield one(_LOCK_SOME, encoding.array(ids))
    before = {row[0]: row[1] for row in rows}
    if given.only_from is not None and any(before.get(id_) not in given.only_from for id_ in given.states):
        return False
    if given.states:
        yield many(_SET_STATE, [(state.value, id_) for id_, state in given.states.items()])
    if given.bodies:
        yield many(_SET_BODY, [(encoding.text(body), id_) for id_, body in given.bodies.items()])
    if given.settled:
        yield many(_DROP_RUN, list(given.settled))
    if given.job_id is not None and given.job_status is not None:
        yield one(_SET_JOB, given.job_status, given.job_id)
    if given.wake:
        transaction.channels.add(WAKE)
    return True


def delete(transaction: Transaction, trigger_id: int) -> Work[None]:
    for text in _DELETE:
        yield one(text, trigger_id)


def get(trigger_id: int) -> Work[Trigger | None]:
    rows = yield one(_READ + "WHERE t.id = ?", trigger_id)
    return next(_triggers(rows), None)


def find(job_id: int | None, slot: str | None) -> Work[list[Trigger]]:
    if slot is None:
        rows = yield one(_READ + "WHERE t.job_id = ? ORDER BY t.id", job_id)
    elif job_id is None:
        rows = yield one(_READ + "WHERE t.slot = ? ORDER BY t.id", slot)
    else:
        rows = yield one(_READ + "WHERE t.slot = ? AND t.job_id = ? ORDER BY t.id", slot, job_id)
    return list(_triggers(rows))


def of_place(place_id: int, kind: TriggerKind) -> Work[list[Trigger]]:
    rows = yield one(_READ + "WHERE t.place_id = ? AND t.kind = ? ORDER BY t.id", place_id, kind.value)
    return list(_triggers(rows))


def claim(transaction: Transaction, engine: str) -> Work[list[Trigger]]:
    yield one(_CLAIM, engine, engine)
    rows = yield one(_READ + _OWN, engine)
    return list(_triggers(rows))


def release(transaction: Transaction, engine: str) -> Work[None]:
    yield one(_RELEASE, engine)
    transaction.channels.add(WAKE)


def report(transaction: Transaction, trigger_id: int, epoch: int, body: Mapping[str, Any]) -> Work[None]:
    yield one(_REPORT, encoding.text(body), trigger_id, epoch)


def _triggers(rows: Sequence[Row]) -> Iterator[Trigger]:
    for row in rows:
        yield Trigger(
            id=row[0],
            place=Place(project_id=row[1], workspace_id=row[2]),
            job_id=row[3],
            slot=row[4],
            kind=TriggerKind(row[5]),
            state=TriggerState(row[6]),
            owner=row[7],
            epoch=row[8],
            body=encoding.document(row[9]),
            report=encoding.document(row[10]),
        )


# ---------------------------------------------------------------- firing


def fire(transaction: Transaction, new: Creation, given: Firing) -> Work[Fired | IdempotencyConflict]:
    rows = yield one(_LOCK, given.trigger_id)
    if not rows or rows[0][0] != TriggerState.ACTIVE.value or rows[0][2] != given.epoch:
        return Fired(instance_id=None, refusal=Refusal.INACTIVE)
    if given.owner is not None and rows[0][1] != given.owner:
        return Fired(instance_id=None, refusal=Refusal.NOT_OWNER)
    if (yield from _taken(given)):
        return Fired(instance_id=None, refusal=Refusal.SEEN)
    if given.settled_by_end:
        yield one(_DROP_ENDED, given.trigger_id)
    under_way = (yield one(_COUNT_RUNS, given.trigger_id))[0][0]
    if under_way >= given.limit:
        return Fired(instance_id=None, refusal=Refusal.FULL)
    (accepted,) = yield from instances.create(transaction, [new])
    if isinstance(accepted, IdempotencyConflict):
        return accepted
    if accepted.replayed:
        return Fired(instance_id=accepted.instance_id, replayed=True)
    yield one(_ADD_RUN, given.trigger_id, accepted.instance_id)
    if given.position is not None:
        yield one(_PUT_POSITION, given.trigger_id, given.source, given.position + 1)
    if given.marks:
        yield many(_PUT_MARK, [(given.trigger_id, name, mark) for name, mark in given.marks.items()])
    return Fired(instance_id=accepted.instance_id)


def _taken(given: Firing) -> Work[bool]:
    if given.position is not None:
        rows = yield one(_NEXT, given.trigger_id, given.source)
        if rows and rows[0][0] > given.position:
            return True
    for name, mark in given.marks.items():
        rows = yield one(_MARK, given.trigger_id, name)
        if rows and rows[0][0] == mark:
            return True
    return False


# ---------------------------------------------------------------- positions, versions, runs


def open_positions(transaction: Transaction, trigger_id: int, defaults: Mapping[str, int]) -> Work[dict[str, int]]:
    yield one(_LOCK, trigger_id)
    if defaults:
        yield many(_OPEN_POSITION, [(trigger_id, source, position) for source, position in defaults.items()])
    rows = yield one(_POSITIONS, trigger_id)
    return {row[0]: row[1] for row in rows}


def move_position(transaction: Transaction, trigger_id: int, epoch: int, source: str, position: int) -> Work[None]:
    rows = yield one(_LOCK, trigger_id)
    if rows and rows[0][2] == epoch:
        yield one(_PUT_POSITION, trigger_id, source, position)


def marks(trigger_id: int) -> Work[dict[str, str]]:
    rows = yield one(_MARKS, trigger_id)
    return {row[0]: row[1] for row in rows}


def change_marks(
    transaction: Transaction, trigger_id: int, epoch: int, seen: Mapping[str, str], gone: Sequence[str]
) -> Work[None]:
    rows = yield one(_LOCK, trigger_id)
    if not rows or rows[0][2] != epoch:
        return
    if seen:
        yield many(_PUT_MARK, [(trigger_id, name, mark) for name, mark in seen.items()])
    if gone:
        yield many(_DROP_MARK, [(trigger_id, name) for name in gone])


def runs(trigger_id: int) -> Work[list[int]]:
    rows = yield one(_RUNS, trigger_id)
    return [row[0] for row in rows]
