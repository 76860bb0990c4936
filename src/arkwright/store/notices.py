# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""The outbox of notices in SQL; `notice_record` has its rules."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from arkwright.core.alerts import Notice, Remind
from arkwright.errors import IllegalState, NotFound
from arkwright.store import encoding
from arkwright.store.base import Place
from arkwright.store.notice_record import NoticeFilter, NoticeState, Settled, StoredNotice
from arkwright.store.work import NOTICE, Row, Transaction, Work, many, one

_decode = msgspec.json.Decoder(Notice).decode
_COLUMNS = "id, key, place_id, job_id, instance_id, remind, at_ms, topic, state, tries, due_ms, error, body"
_ADD = f"""
    INSERT INTO notice ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', 0, ?, '', ?)
    ON CONFLICT (key) DO NOTHING"""
_FAILED = f"SELECT 1 FROM notice WHERE instance_id = ? AND remind = {int(Remind.FAILURE)} LIMIT 1"
_TOPICS = """
    SELECT p.project_id, p.workspace_id, d.topic FROM
    (SELECT DISTINCT place_id, topic FROM notice WHERE state = 'pending' AND due_ms <= ?) d
    JOIN place p ON p.id = d.place_id ORDER BY d.place_id, d.topic"""
_NEXT = "SELECT min(due_ms) FROM notice WHERE state = 'pending'"
_BEGUN = """
    SELECT batch FROM notice WHERE state = 'pending' AND place_id = ? AND topic = ? AND due_ms <= ?
    AND batch IS NOT NULL ORDER BY batch LIMIT 1"""
_OF_BATCH = """
    SELECT id FROM notice WHERE state = 'pending' AND place_id = ? AND topic = ? AND due_ms <= ? AND batch = ?
    ORDER BY id {skip_locked}"""
_NEW = """
    SELECT id FROM notice WHERE state = 'pending' AND place_id = ? AND topic = ? AND due_ms <= ? AND batch IS NULL
    ORDER BY due_ms, id LIMIT ? {skip_locked}"""
_CLAIM = "UPDATE notice SET tries = tries + 1, due_ms = ?, batch = ? WHERE id {in_ids}"
_READ = """
    SELECT n.id, n.state, n.tries, n.due_ms, n.batch, n.settled_ms, n.error, n.body, p.project_id, p.workspace_id
    FROM notice n JOIN place p ON p.id = n.place_id WHERE n.id {in_ids} ORDER BY n.at_ms, n.id"""
_SETTLE = """
    UPDATE notice SET state = ?, settled_ms = ?, due_ms = ?, error = ?
    WHERE id {in_ids} AND state = 'pending' AND tries = ? RETURNING id"""
_REVIVE = """
    UPDATE notice SET state = 'pending', due_ms = ?, tries = 0, batch = NULL, settled_ms = NULL
    WHERE id = ? AND place_id = ? AND state = 'dead' RETURNING id"""
_STATE = "SELECT state FROM notice WHERE id = ? AND place_id = ?"

New = tuple[int, int, Notice, int]
"""(place, id, notice, due)."""


def add(transaction: Transaction, notices: Sequence[New]) -> Work[None]:
    rows: list[Row] = []
    for place_id, id_, notice, due_ms in notices:
        if notice.only_after_failure and not (yield one(_FAILED, notice.instance_id)):
            continue
        head = (id_, notice.key, place_id, notice.job_id, notice.instance_id, int(notice.remind))
        rows.append((*head, notice.at_ms, notice.topic, due_ms, encoding.text(notice)))
    if rows:
        yield many(_ADD, rows)
        transaction.channels.add(NOTICE)


def due_topics(now_ms: int) -> Work[list[tuple[Place, str]]]:
    rows = yield one(_TOPICS, now_ms)
    return [(Place(project_id=row[0], workspace_id=row[1]), row[2]) for row in rows]


def next_ms() -> Work[int | None]:
    rows = yield one(_NEXT)
    due: int | None = rows[0][0]
    return due


def claim(
    transaction: Transaction, place_id: int, topic: str, now_ms: int, lease_until_ms: int, limit: int
) -> Work[list[StoredNotice]]:
    begun = yield one(_BEGUN, place_id, topic, now_ms)
    if begun:
        rows = yield one(_OF_BATCH, place_id, topic, now_ms, begun[0][0])
    else:
        rows = yield one(_NEW, place_id, topic, now_ms, limit)
    ids = [row[0] for row in rows]
    if not ids:
        return []
    yield one(_CLAIM, lease_until_ms, begun[0][0] if begun else min(ids), encoding.array(ids))
    return _stored((yield one(_READ, encoding.array(ids))))


def settle(transaction: Transaction, settled: Settled, place_id: int | None) -> Work[None]:
    done = yield one(
        _SETTLE,
        settled.state.value,
        None if settled.state is NoticeState.PENDING else settled.at_ms,
        settled.due_ms,
        _storable(settled.error),
        encoding.array(settled.ids),
        settled.tries,
    )
    if done and settled.following and place_id is not None:
        yield from add(transaction, [(place_id, *each) for each in settled.following])


def revive(transaction: Transaction, place_id: int | None, notice_id: int, now_ms: int) -> Work[None]:
    if (yield one(_REVIVE, now_ms, notice_id, place_id)):
        transaction.channels.add(NOTICE)
        return
    rows = yield one(_STATE, notice_id, place_id)
    if not rows:
        raise NotFound(f"There is no notice {notice_id} in this workspace.", field="notice_id")
    raise IllegalState(f"Only a notice that was given up can be sent again; this one is {rows[0][0]}.")


def list_page(place_id: int, where: NoticeFilter, offset: int, limit: int) -> Work[tuple[int, list[StoredNotice]]]:
    marks = ", ".join("?" * len(where.states))
    which = f"place_id = ? AND at_ms >= ? AND at_ms <= ? AND state IN ({marks})"
    params = (place_id, where.from_ms, where.to_ms, *(each.value for each in where.states))
    total = (yield one(f"SELECT count(*) FROM notice WHERE {which}", *params))[0][0]
    page = f"SELECT id FROM notice WHERE {which} ORDER BY at_ms DESC, id DESC LIMIT ? OFFSET ?"
    ids = [row[0] for row in (yield one(page, *params, limit, offset))]
    found = _stored((yield one(_READ, encoding.array(ids)))) if ids else []
    return total, found[::-1]


def _stored(rows: Sequence[Row]) -> list[StoredNotice]:
    return [
        StoredNotice(
            id=row[0],
            state=NoticeState(row[1]),
            tries=row[2],
            due_ms=row[3],
            batch=row[4],
            settled_ms=row[5],
            error=row[6],
            notice=_decode(row[7]),
            place=Place(project_id=row[8], workspace_id=row[9]),
        )
        for row in rows
    ]


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
