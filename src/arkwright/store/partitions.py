# ruff: noqa: S608 -- names of tables are made of constants and numbers here
"""Tables that PostgreSQL keeps in parts by time: a table per month (UTC), made two months ahead, dropped as a whole.

Rules
-----
* What has no month's table is in the default part, so that nothing depends on this being in time; a month of which the
  default already has rows is left to it.
* A month of the audit is dropped when all of it is too old.
* A month of the history is retired when even the workspace that keeps the longest (by rule, not by a job's own) keeps
  nothing of it: history of instances that still exist, be it that they run, were restarted, or that their job keeps
  more, moves to `event_kept`, in pieces, and the month is dropped. So nobody's history is lost, and one job that keeps
  for ever holds up no month. An instance that goes earlier leaves its history to the drop (`retention`).
* Servers that share the database take turns. Nothing here waits for a lock longer than `LOCK_WAIT`, since other writers
  wait with it: beside a long reader, such as pg_dump, it is left to the next pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from arkwright.store import encoding
from arkwright.store.work import Transaction, Work, one

IN_PARTS = ("audit", "event")
AHEAD = 2
MOST = 600
"""Months made at once; of an older span the rest goes to the default part."""
LOCK_WAIT = "200ms"
_TURN = "SELECT pg_advisory_xact_lock(?)"
_LOCK = 0x41524B58
_LOCK_NOT_AVAILABLE = "55P03"
_PARTS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = CAST('{table}' AS regclass) AND c.relname LIKE '{table}\\_____\\___' ORDER BY 1"""
_NEXT = """
    SELECT DISTINCT instance_id FROM {part} WHERE instance_id > ? ORDER BY instance_id LIMIT ?"""
_THERE = "SELECT id FROM instance WHERE id {in_ids} FOR SHARE"
_MOVE = """
    WITH moved AS (DELETE FROM {part} WHERE instance_id {in_ids} RETURNING instance_id, seq, at_ms, kind, body)
    INSERT INTO event_kept (instance_id, seq, at_ms, kind, body)
    SELECT instance_id, seq, at_ms, kind, body FROM moved"""


def months(now_ms: int, table: str = "event") -> list[tuple[str, int, int]]:
    """(part, from, until) of this month and those ahead."""
    first = _month(now_ms)
    return [(_name(table, each), _start(each), _start(each + 1)) for each in range(first, first + AHEAD + 1)]


def _month(at_ms: int) -> int:
    day = datetime.fromtimestamp(at_ms / 1000, UTC)
    return day.year * 12 + day.month - 1


def _name(table: str, month: int) -> str:
    return f"{table}_{month // 12:04}_{month % 12 + 1:02}"


def _end_of(part: str) -> int:
    """When it is over, in milliseconds."""
    _, year, month = part.rsplit("_", 2)
    return _start(int(year) * 12 + int(month))


def _start(month: int) -> int:
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp() * 1000)


def prepare(transaction: Transaction, now_ms: int) -> Work[None]:
    """Make the parts of now and of the time ahead; drop past ones that are empty."""
    yield one(_TURN, _LOCK)
    for table in IN_PARTS:
        wanted = months(now_ms, table)
        there = yield from _parts(table)
        yield from _make(table, wanted, there)
        for part in there:
            if part < wanted[0][0] and not (yield from _has_rows(part)):
                # Somebody may be writing what happened just before the month was over.
                alone = yield from _without_waiting(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")
                if alone and not (yield from _has_rows(part)):
                    yield from _without_waiting(f"DROP TABLE {part}")


def make(table: str, low_ms: int, high_ms: int) -> Work[None]:
    """Parts for a span of time, before its rows come."""
    if low_ms < 0 or high_ms > _start(9999 * 12):
        return
    last = _month(high_ms)
    first = max(_month(low_ms), last - MOST)
    wanted = [(_name(table, each), _start(each), _start(each + 1)) for each in range(first, last + 1)]
    yield one(_TURN, _LOCK)
    yield from _make(table, wanted, (yield from _parts(table)))


def old(event_before_ms: int | None, audit_before_ms: int | None) -> Work[list[str]]:
    """Parts all of which is before that time, oldest first. None: nothing is."""
    found = []
    for table, before in (("audit", audit_before_ms), ("event", event_before_ms)):
        if before is not None:
            found += [part for part in (yield from _parts(table)) if _end_of(part) <= before]
    return found


def retire(transaction: Transaction, part: str, after: int, limit: int) -> Work[int | None]:
    """Move what is kept of the next `limit` instances behind `after`; answers the last one's id. None: the part is
    gone, or somebody reads it and it goes another time."""
    table = part.rsplit("_", 2)[0]
    yield one(_TURN, _LOCK)
    if part not in (yield from _parts(table)):
        return None  # another server was quicker
    if table == "event":
        rows = yield one(_NEXT.replace("{part}", part), after, limit)
        if rows:
            ids = [row[0] for row in rows]
            kept = [row[0] for row in (yield one(_THERE, encoding.array(ids)))]
            if kept:
                yield one(_MOVE.replace("{part}", part), encoding.array(kept))
            last: int = ids[-1]
            return last
    yield from _without_waiting(f"DROP TABLE {part}")
    return None


def _parts(table: str) -> Work[Sequence[str]]:
    rows = yield one(_PARTS.replace("{table}", table))
    return [row[0] for row in rows]


def _has_rows(part: str) -> Work[bool]:
    return bool((yield one(f"SELECT 1 FROM {part} LIMIT 1")))


def _make(table: str, wanted: Sequence[tuple[str, int, int]], there: Sequence[str]) -> Work[None]:
    for part, low, high in wanted:
        if part in there:
            continue
        if not (yield one(f"SELECT 1 FROM {table}_default WHERE at_ms >= ? AND at_ms < ? LIMIT 1", low, high)):
            yield from _without_waiting(f"CREATE TABLE {part} PARTITION OF {table} FOR VALUES FROM ({low}) TO ({high})")


def _without_waiting(statement: str) -> Work[bool]:
    """What needs a table for itself, unless somebody uses it for longer (False). Other writers of the group are not
    touched."""
    yield one("SAVEPOINT for_itself")
    try:
        yield one(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        yield one(statement)
        yield one("SET LOCAL lock_timeout = 0")
        done = True
    except Exception as error:
        if getattr(error, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        yield one("ROLLBACK TO SAVEPOINT for_itself")
        done = False
    yield one("RELEASE SAVEPOINT for_itself")
    return done
