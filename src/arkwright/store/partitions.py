# ruff: noqa: S608 -- names of tables are made of numbers here
"""The history's parts on PostgreSQL: a table per month (UTC), made two months ahead, dropped when it is empty.

Rules: what has no month's table is in the default one, so that nothing depends on this being in time; a month that the
default already has events of is left to it. Events go with their instances; a month is dropped only when none of its
events is left, so the history of an instance that is kept is never lost. Servers that share the database take turns.
"""

from __future__ import annotations

from datetime import UTC, datetime

from arkwright.store.work import Transaction, Work, one

AHEAD = 2
_TURN = "SELECT pg_advisory_xact_lock(?)"
_LOCK = 0x41524B58
_PARTS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'event'::regclass AND c.relname LIKE 'event_2%'"""
_IN_DEFAULT = "SELECT 1 FROM event_default WHERE at_ms >= ? AND at_ms < ? LIMIT 1"


def months(now_ms: int) -> list[tuple[str, int, int]]:
    """(table, from, until) of this month and those ahead."""
    day = datetime.fromtimestamp(now_ms / 1000, UTC)
    first = day.year * 12 + day.month - 1
    return [(_name(each), _start(each), _start(each + 1)) for each in range(first, first + AHEAD + 1)]


def _name(month: int) -> str:
    return f"event_{month // 12:04}_{month % 12 + 1:02}"


def _start(month: int) -> int:
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp() * 1000)


def prepare(transaction: Transaction, now_ms: int) -> Work[None]:
    yield one(_TURN, _LOCK)
    wanted = months(now_ms)
    there = {row[0] for row in (yield one(_PARTS))}
    for name, low, high in wanted:
        if name not in there and not (yield one(_IN_DEFAULT, low, high)):
            yield one(f"CREATE TABLE {name} PARTITION OF event FOR VALUES FROM ({low}) TO ({high})")
    for name in sorted(there):
        if name < wanted[0][0] and not (yield one(f"SELECT 1 FROM {name} LIMIT 1")):
            yield one(f"DROP TABLE {name}")
