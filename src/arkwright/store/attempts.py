# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Attempts that run on workers, the workers, and their tokens: the SQL (theory of operation: `attempt_record`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from arkwright.core.events import AttemptEnded
from arkwright.core.outcome import Outcome
from arkwright.core.workers import Worker, WorkerToken
from arkwright.store import encoding
from arkwright.store.attempt_record import AttemptId, Offer
from arkwright.store.work import WAKE, Row, Statement, Transaction, Work, one

KEPT_MS = 24 * 60 * 60 * 1000
"""How long a worker that went without a word is shown."""

_COLUMNS = """instance_id, node, attempt, type, request, runner, epoch, lease_until_ms, cancel_requested, worker_group,
    started_ms, reported_ms, ended_ms"""
_KEY = "instance_id = ? AND node = ? AND attempt = ?"
_OPEN = "ended_ms IS NULL AND reported_ms IS NULL AND worker_group IS NOT NULL"

_OFFER = f"""
    UPDATE attempt SET worker_group = coalesce(worker_group, ?), runner = CASE WHEN worker_group IS NULL THEN ''
    ELSE runner END WHERE {_KEY} AND ended_ms IS NULL RETURNING {_COLUMNS}"""
_FIND = f"SELECT {_COLUMNS} FROM attempt WHERE {_KEY} AND worker_group IS NOT NULL"
_CLAIM = f"""
    UPDATE attempt SET runner = ?, epoch = epoch + 1, lease_until_ms = ? + {{now_ms}}
    WHERE {_KEY} AND {_OPEN} AND worker_group IN ({{groups}}) AND {{whose}} RETURNING {_COLUMNS}"""
_FREE = "runner = '' AND cancel_requested = 0"
_OWN = "runner = ?"
_RENEW = f"""
    UPDATE attempt SET lease_until_ms = ? + {{now_ms}}
    WHERE {_KEY} AND epoch = ? AND runner = ? AND {_OPEN} AND worker_group IN ({{groups}}) RETURNING instance_id"""
_FINISH = f"""
    UPDATE attempt SET reported_ms = ?, lease_until_ms = NULL
    WHERE {_KEY} AND epoch = ? AND runner = ? AND {_OPEN} RETURNING instance_id"""
_FINISHED = f"SELECT 1 FROM attempt WHERE {_KEY} AND epoch = ? AND runner = ? AND reported_ms IS NOT NULL"
_WITHDRAW = f"""
    UPDATE attempt SET reported_ms = ?, epoch = epoch + 1
    WHERE {_KEY} AND runner = '' AND {_OPEN} RETURNING instance_id"""
_EXPIRE = f"""
    UPDATE attempt SET reported_ms = ?, epoch = epoch + 1, lease_until_ms = NULL
    WHERE lease_until_ms <= {{now_ms}} AND {_OPEN} RETURNING {_COLUMNS}"""
_NEXT_EXPIRY = """
    SELECT min(lease_until_ms) - {now_ms} FROM attempt WHERE worker_group IS NOT NULL AND lease_until_ms IS NOT NULL"""
_CANCELLED = f"""
    SELECT instance_id, node, attempt, epoch FROM attempt WHERE runner = ? AND cancel_requested = 1 AND {_OPEN}
    ORDER BY instance_id, node, attempt"""
_OF_INSTANCE = f"SELECT {_COLUMNS} FROM attempt WHERE instance_id = ? AND {_OPEN} ORDER BY node, attempt"
_POST = "INSERT INTO posted (instance_id, body) SELECT id, ? FROM instance WHERE id = ?"

# Answers who has the name now, locked: this one, or who had it before.
_ADD_WORKER = """
    INSERT INTO worker (name, body, lease_until_ms) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING body"""
_SET_WORKER = "UPDATE worker SET body = ?, lease_until_ms = ? WHERE name = ?"
_FORGET_WORKERS = "DELETE FROM worker WHERE lease_until_ms < ?"
_LOCK_WORKER = "SELECT body FROM worker WHERE name = ? {for_update}"
_DROP_WORKER = "DELETE FROM worker WHERE name = ?"
_WORKERS = "SELECT body FROM worker ORDER BY name"
_PUT_TOKEN = """
    INSERT INTO worker_token (id, token_hash, body) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body"""  # noqa: S105  not a password
_TOKEN = "SELECT body FROM worker_token WHERE token_hash = ?"  # noqa: S105
_TOKENS = "SELECT body FROM worker_token ORDER BY id"

_worker = msgspec.json.Decoder(Worker)
_token = msgspec.json.Decoder(WorkerToken)


def _offer(row: Row) -> Offer:
    return Offer(
        instance_id=row[0],
        node=row[1],
        attempt=row[2],
        type=row[3],
        request=msgspec.json.decode(row[4]),
        runner=row[5],
        epoch=row[6],
        lease_until_ms=row[7],
        cancel_requested=bool(row[8]),
        group=row[9],
        offered_ms=row[10],
        reported_ms=row[11],
        ended_ms=row[12],
    )


def offer(transaction: Transaction, id_: AttemptId, group: str) -> Work[Offer | None]:
    rows = yield one(_OFFER, group, *id_)
    return _offer(rows[0]) if rows else None


def find(id_: AttemptId) -> Work[Offer | None]:
    rows = yield one(_FIND, *id_)
    return _offer(rows[0]) if rows else None


def claim(
    transaction: Transaction,
    id_: AttemptId,
    runner: str,
    groups: Sequence[str],
    resume: bool,
    lease_ms: int,
) -> Work[Offer | None]:
    if not groups:
        return None
    whose, more = (_OWN, (runner,)) if resume else (_FREE, ())
    text = _of_groups(_CLAIM, groups).replace("{whose}", whose)
    rows = yield one(text, runner, lease_ms, *id_, *groups, *more)
    return _offer(rows[0]) if rows else None


def renew(
    transaction: Transaction,
    runner: str,
    claims: Sequence[tuple[AttemptId, int]],
    groups: Sequence[str],
    lease_ms: int,
) -> Work[list[AttemptId]]:
    renewed: list[AttemptId] = []
    text = _of_groups(_RENEW, groups)
    for id_, epoch in claims if groups else ():
        if (yield one(text, lease_ms, *id_, epoch, runner, *groups)):
            renewed.append(id_)
    return renewed


def _of_groups(text: str, groups: Sequence[str]) -> str:
    return text.replace("{groups}", ", ".join("?" * len(groups)))


def finish(
    transaction: Transaction, id_: AttemptId, runner: str, epoch: int, now_ms: int, outcome: Outcome
) -> Work[bool]:
    if (yield one(_FINISH, now_ms, *id_, epoch, runner)):
        yield _post(transaction, id_, now_ms, outcome)
        return True
    return bool((yield one(_FINISHED, *id_, epoch, runner)))


def withdraw(transaction: Transaction, id_: AttemptId, now_ms: int, outcome: Outcome) -> Work[bool]:
    if not (yield one(_WITHDRAW, now_ms, *id_)):
        return False
    yield _post(transaction, id_, now_ms, outcome)
    return True


def expire(transaction: Transaction, now_ms: int, lost: Callable[[Offer], Outcome]) -> Work[list[Offer]]:
    rows = yield one(_EXPIRE, now_ms)
    expired = [_offer(row) for row in rows]
    for each in expired:
        yield _post(transaction, each.id, now_ms, lost(each))
    return expired


def _post(transaction: Transaction, id_: AttemptId, now_ms: int, outcome: Outcome) -> Statement:
    instance_id, node, attempt = id_
    transaction.channels.add(WAKE)
    event = AttemptEnded(at_ms=now_ms, node=node, attempt=attempt, outcome=outcome)
    return one(_POST, encoding.text(event), instance_id)


def ms_to_next_expiry() -> Work[int | None]:
    rows = yield one(_NEXT_EXPIRY)
    found: int | None = rows[0][0]
    return found


def cancelled(runner: str) -> Work[list[tuple[AttemptId, int]]]:
    rows = yield one(_CANCELLED, runner)
    return [((row[0], row[1], row[2]), row[3]) for row in rows]


def of_instance(instance_id: int) -> Work[list[Offer]]:
    rows = yield one(_OF_INSTANCE, instance_id)
    return [_offer(row) for row in rows]


# ---------------------------------------------------------------- workers


def put_worker(transaction: Transaction, row: Worker) -> Work[bool]:
    body = encoding.text(row)
    has = _worker.decode((yield one(_ADD_WORKER, row.name, body, row.lease_until_ms))[0][0])
    if has.token_id != row.token_id and has.lease_until_ms > row.seen_ms:
        return False
    yield one(_SET_WORKER, body, row.lease_until_ms, row.name)
    yield one(_FORGET_WORKERS, row.lease_until_ms - KEPT_MS)
    return True


def drop_worker(transaction: Transaction, name: str, token_id: int) -> Work[None]:
    has = yield one(_LOCK_WORKER, name)
    if has and _worker.decode(has[0][0]).token_id == token_id:
        yield one(_DROP_WORKER, name)


def workers() -> Work[list[Worker]]:
    rows = yield one(_WORKERS)
    return [_worker.decode(row[0]) for row in rows]


def put_token(transaction: Transaction, token: WorkerToken) -> Work[None]:
    yield one(_PUT_TOKEN, token.id, token.token_hash, encoding.text(token))


def find_token(token_hash: bytes) -> Work[WorkerToken | None]:
    rows = yield one(_TOKEN, token_hash)
    return _token.decode(rows[0][0]) if rows else None


def tokens() -> Work[list[WorkerToken]]:
    rows = yield one(_TOKENS)
    return [_token.decode(row[0]) for row in rows]
