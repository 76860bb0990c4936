# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""The clearing away in SQL; `retention_record` has its rules."""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.instance import ENDED_INSTANCE
from arkwright.store import encoding
from arkwright.store.counters import count_instance
from arkwright.store.encoding import Counted
from arkwright.store.listing import OF_ALL_JOBS, OF_ONE_JOB
from arkwright.store.retention_record import BEGINNING, OldInstances
from arkwright.store.work import Transaction, Work, one

_ENDED = ", ".join(f"'{status.value}'" for status in sorted(ENDED_INSTANCE))
_STATES = """
    SELECT id, place_id, job_id, at_ms, status, type, force_success, ignore_success FROM instance
    WHERE id {in_ids} AND ended = 1 AND at_ms < ? ORDER BY id {for_update}"""
_WITH_IT = ("node_run", "attempt", "posted", "planned")
HISTORY = ("event", "event_kept")
_ATTEMPTS = """
    SELECT instance_id, node, attempt FROM attempt WHERE instance_id {in_ids} ORDER BY instance_id, node, attempt"""
_MARK = "SELECT at_ms, id FROM retention_mark WHERE scope = ? AND policy = ?"
_SET_MARK = """
    INSERT INTO retention_mark (scope, policy, at_ms, id) VALUES (?, ?, ?, ?)
    ON CONFLICT (scope) DO UPDATE SET policy = excluded.policy, at_ms = excluded.at_ms, id = excluded.id"""
_NOTICES = """
    DELETE FROM notice WHERE id IN (SELECT id FROM notice WHERE place_id = ? AND at_ms < ? AND state <> 'pending'
    ORDER BY at_ms, id LIMIT ?) RETURNING id"""
_AUDIT = """
    DELETE FROM {audit} WHERE id IN (SELECT id FROM {audit} WHERE workspace_id = ? AND at_ms < ?
    ORDER BY at_ms, id LIMIT ?) RETURNING id"""
_EXPIRED = (
    "DELETE FROM token WHERE token_hash IN (SELECT token_hash FROM token WHERE expires_ms <= ? LIMIT ?) RETURNING 1",
    """DELETE FROM idempotency WHERE (scope, key) IN (SELECT scope, key FROM idempotency WHERE expires_ms <= ? LIMIT ?)
    RETURNING 1""",
    """DELETE FROM answer WHERE (scope, key) IN (SELECT scope, key FROM answer WHERE expires_ms <= ? LIMIT ?)
    RETURNING 1""",
)


def old(place_id: int, where: OldInstances, limit: int) -> Work[list[tuple[int, int]]]:
    of_place = OF_ALL_JOBS if where.job_id is None else OF_ONE_JOB
    text = f"{of_place} AND (at_ms, id) > (?, ?) AND at_ms < ? AND status IN ({_ENDED})"
    params: list[object] = [place_id, *where.after, where.before_ms]
    if where.job_id is not None:
        text += " AND job_id = ?"
        params.append(where.job_id)
    elif where.except_jobs:
        text += " AND NOT (job_id {in_ids})"
        params.append(encoding.array(where.except_jobs))
    rows = yield one(f"SELECT at_ms, id FROM instance WHERE {text} ORDER BY at_ms, id LIMIT ?", *params, limit)
    return [(row[0], row[1]) for row in rows]


def attempts(ids: Sequence[int]) -> Work[list[tuple[int, int, int]]]:
    rows = yield one(_ATTEMPTS, encoding.array(ids))
    return [(row[0], row[1], row[2]) for row in rows]


def delete(transaction: Transaction, ids: Sequence[int], before_ms: int, history: Sequence[str] = HISTORY) -> Work[int]:
    """`history`: the tables that their events are deleted from."""
    rows = yield one(_STATES, encoding.array(ids), before_ms)
    if not rows:
        return 0
    gone = encoding.array(row[0] for row in rows)
    for row in rows:
        count_instance(transaction, Counted(*row[1:]), -1)
    for table in (*history, *_WITH_IT):
        yield one(f"DELETE FROM {table} WHERE instance_id {{in_ids}}", gone)
    yield one("DELETE FROM instance WHERE id {in_ids}", gone)
    return len(rows)


def mark(scope: str, policy: str) -> Work[tuple[int, int]]:
    rows = yield one(_MARK, scope, policy)
    return (rows[0][0], rows[0][1]) if rows else BEGINNING


def set_mark(transaction: Transaction, scope: str, policy: str, at: tuple[int, int]) -> Work[None]:
    yield one(_SET_MARK, scope, policy, *at)


def purge_notices(transaction: Transaction, place_id: int, before_ms: int, limit: int) -> Work[int]:
    return len((yield one(_NOTICES, place_id, before_ms, limit)))


def purge_audit(
    transaction: Transaction, workspace_id: str, before_ms: int, limit: int, table: str = "audit"
) -> Work[int]:
    return len((yield one(_AUDIT.replace("{audit}", table), workspace_id, before_ms, limit)))


def purge_expired(transaction: Transaction, now_ms: int, limit: int) -> Work[int]:
    n = 0
    for text in _EXPIRED:
        n += len((yield one(text, now_ms, limit)))
    return n
