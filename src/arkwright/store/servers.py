# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Servers, their leases and what they hand over: the SQL (theory of operation: `server_record`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import msgspec

from arkwright.errors import LeaseLost, NotFound
from arkwright.store import encoding, schedules, slots
from arkwright.store.server_record import MOST_COUNTED, Depths, Fence, Held, Neighbours, ServerEntry, ServerRow
from arkwright.store.work import LEASES, SERVERS, WAKE, Transaction, Work, each, many, one

T = TypeVar("T")

KEPT_MS = 24 * 60 * 60 * 1000
"""How long a server that went without a word is shown."""

_NOW = "SELECT {now_ms}"
_PUT = """
    INSERT INTO server (name, body, schema_level, lease_until_ms) VALUES (?, ?, ?, ? + {now_ms})
    ON CONFLICT (name) DO UPDATE SET body = excluded.body, schema_level = excluded.schema_level,
    lease_until_ms = excluded.lease_until_ms RETURNING draining"""
_WAS = "SELECT body FROM server WHERE name = ?"
_OWNS = """
    INSERT INTO engine (name, lease_until_ms, renewed_ms, takes) VALUES (?, ? + {now_ms}, {now_ms}, 0)
    ON CONFLICT (name) DO UPDATE SET lease_until_ms = excluded.lease_until_ms, renewed_ms = excluded.renewed_ms,
    takes = 0"""
_DROP_OLD = "DELETE FROM server WHERE lease_until_ms < {now_ms} - ?"
_DROP = "DELETE FROM server WHERE name = ?"
_LIST = """
    SELECT s.body, s.schema_level, s.lease_until_ms - {now_ms}, s.draining,
    (SELECT count(*) FROM instance i WHERE i.ended = 0 AND i.owner = s.name) FROM server s ORDER BY s.name"""
RUNNING = "SELECT name, schema_level FROM server WHERE lease_until_ms IS NULL OR lease_until_ms > {now_ms}"
"""Who uses the database now, and with which level; asked before a migration."""
_DRAIN = "UPDATE server SET draining = ? WHERE name = ? RETURNING name"

_NEIGHBOURS = """
    SELECT coalesce(sum(takes), 0), min(lease_until_ms - {now_ms}),
    coalesce(sum(takes * room), 0), coalesce(sum(CASE WHEN renewed_ms > ? THEN takes * room ELSE 0 END), 0), {now_ms}
    FROM engine
    WHERE name <> ? AND lease_until_ms > {now_ms}"""
_OWNED = "SELECT id, version FROM instance WHERE owner = ? AND id {in_ids}"
_HAND_OVER = """
    UPDATE instance SET owner = NULL, session = 0 WHERE id = ? AND owner = ? AND version = ? AND ended = 0
    RETURNING id"""
_UNBEGIN = """
    UPDATE attempt SET runner = '' WHERE instance_id = ? AND node = ? AND attempt = ? AND runner = ?
    AND ended_ms IS NULL"""

_LOCK_LEASE = "SELECT owner, until_ms - {now_ms}, epoch FROM lease WHERE name = ? {for_update}"
_LOOK_AT_LEASE = "SELECT owner, until_ms - {now_ms}, epoch FROM lease WHERE name = ?"
_MAKE_LEASE = "INSERT INTO lease (name, owner, until_ms, epoch) VALUES (?, '', 0, 0) ON CONFLICT DO NOTHING"
_SET_LEASE = "UPDATE lease SET owner = ?, until_ms = ? + {now_ms}, epoch = ? WHERE name = ?"
_EPOCH = "SELECT epoch FROM lease WHERE name = ? {for_share}"

_PUT_VALUE = "INSERT INTO installation (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
_VALUE = "SELECT value FROM installation WHERE name = ?"

_entry = msgspec.json.Decoder(ServerEntry).decode


def now() -> Work[int]:
    rows = yield one(_NOW)
    found: int = rows[0][0]
    return found


# ---------------------------------------------------------------- servers


def register(transaction: Transaction, entry: ServerEntry, level: int, lease_ms: int | None, owns: bool) -> Work[bool]:
    body = encoding.text(entry)
    was = yield one(_WAS, entry.name)
    rows = yield one(_PUT, entry.name, body, level, lease_ms)
    if owns:
        yield one(_OWNS, entry.name, lease_ms)
    if not was or was[0][0] != body:
        yield one(_DROP_OLD, KEPT_MS)
        transaction.channels.add(SERVERS)
    return bool(rows[0][0])


def forget(transaction: Transaction, name: str) -> Work[None]:
    yield one(_DROP, name)
    transaction.channels.add(SERVERS)


def listed() -> Work[list[ServerRow]]:
    rows = yield one(_LIST)
    return [
        ServerRow(
            entry=_entry(row[0]),
            schema_level=row[1],
            lease_left_ms=row[2],
            draining=bool(row[3]),
            instances=row[4],
        )
        for row in rows
    ]


def set_draining(transaction: Transaction, name: str, draining: bool) -> Work[None]:
    if not (yield one(_DRAIN, int(draining), name)):
        raise NotFound(f"There is no server {name!r}.", field="name", hint="`arkwright server list` names them.")
    transaction.channels.add(SERVERS)


# ---------------------------------------------------------------- how much waits

_COUNTED = {
    "unowned": "SELECT 1 FROM instance WHERE ended = 0 AND owner IS NULL",
    "gated": "SELECT DISTINCT instance_id FROM watched",
    "slots_waiting": "SELECT 1 FROM slot WHERE held = 0",
    "slots_held": "SELECT 1 FROM slot WHERE held = 1",
    "offered": "SELECT 1 FROM attempt WHERE worker_group IS NOT NULL AND ended_ms IS NULL AND runner = ''",
    "posted": "SELECT 1 FROM posted",
    "notices": "SELECT 1 FROM notice WHERE state = 'pending'",
}
_DEPTHS = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM ({query} LIMIT {MOST_COUNTED}) AS {name})" for name, query in _COUNTED.items()
)
_BY_GROUP = f"""
    SELECT worker_group, sum(CASE WHEN runner = '' THEN 1 ELSE 0 END), sum(CASE WHEN runner = '' THEN 0 ELSE 1 END)
    FROM (SELECT worker_group, runner FROM attempt WHERE worker_group IS NOT NULL AND ended_ms IS NULL
    LIMIT {MOST_COUNTED}) AS given GROUP BY worker_group"""


def depths(now_ms: int) -> Work[Depths]:
    rows = yield one(_DEPTHS)
    counted = dict(zip(_COUNTED, rows[0], strict=True))
    due_ms = yield from schedules.next_due()
    groups = {row[0]: (int(row[1]), int(row[2])) for row in (yield one(_BY_GROUP))}
    return Depths(
        **counted,
        slots_leaked=(yield from slots.leaked()),
        lag_ms=max(0, now_ms - due_ms) if due_ms is not None else 0,
        groups=groups,
    )


# ---------------------------------------------------------------- engines beside one


def neighbours(engine: str, since_ms: int) -> Work[Neighbours]:
    rows = yield one(_NEIGHBOURS, since_ms, engine)
    count, left_ms, room, new_room, at_ms = rows[0]
    return Neighbours(engines=int(count), left_ms=left_ms, room=int(room), new_room=int(new_room), at_ms=at_ms)


def still_owned(engine: str, instances: Sequence[int]) -> Work[dict[int, int]]:
    rows = yield one(_OWNED, engine, encoding.array(instances))
    return {row[0]: row[1] for row in rows}


# ---------------------------------------------------------------- handing over


def hand_over(
    transaction: Transaction,
    engine: str,
    instances: Sequence[tuple[int, int]],
    unbegun: Sequence[tuple[int, int, int]],
) -> Work[frozenset[int]]:
    # In the order of the ids, as a tick locks them.
    rows = yield each(_HAND_OVER, [(id_, engine, version) for id_, version in sorted(instances)])
    gone = frozenset(row[0] for row in rows)
    attempts = [(*key, engine) for key in unbegun if key[0] in gone]
    if attempts:
        yield many(_UNBEGIN, attempts)
    if gone:
        transaction.channels.add(WAKE)
    return gone


# ---------------------------------------------------------------- leases by name


def look_at(name: str, owner: str) -> Work[Held | None]:
    """How it stands with somebody else's lease, without locking it. None: it is free, or this owner's."""
    rows = yield one(_LOOK_AT_LEASE, name)
    if not rows:
        return None
    holder, left_ms, _ = rows[0]
    return None if holder == owner or (left_ms is not None and left_ms <= 0) else Held(epoch=None, left_ms=left_ms)


def hold(transaction: Transaction, name: str, owner: str, lease_ms: int | None) -> Work[Held]:
    rows = yield one(_LOCK_LEASE, name)
    if not rows:
        yield one(_MAKE_LEASE, name)
        rows = yield one(_LOCK_LEASE, name)
    holder, left_ms, epoch = rows[0]
    over = left_ms is not None and left_ms <= 0
    if holder != owner and not over and lease_ms is not None:
        return Held(epoch=None, left_ms=left_ms)
    if lease_ms == 0:
        if holder != owner:
            return Held(epoch=None, left_ms=left_ms)
        transaction.channels.add(LEASES)
    elif holder != owner or over:
        epoch += 1
    yield one(_SET_LEASE, owner, lease_ms, epoch, name)
    return Held(epoch=epoch if lease_ms != 0 else None, left_ms=lease_ms)


# ---------------------------------------------------------------- fencing

_fence: ContextVar[Fence | None] = ContextVar("fence", default=None)


def fence_now() -> Fence | None:
    return _fence.get()


@contextmanager
def fenced(fence: Fence | None) -> Iterator[None]:
    token = _fence.set(fence)
    try:
        yield
    finally:
        _fence.reset(token)


def check(fence: Fence) -> Work[None]:
    """Raises `LeaseLost` if the hold is over; else nobody can end it before this transaction has ended."""
    rows = yield one(_EPOCH, fence.lease)
    if not rows or rows[0][0] != fence.epoch:
        raise LeaseLost(f"Another server holds the lease {fence.lease!r} now; this write came too late.")


def behind(fence: Fence, work: Callable[[Transaction], Work[T]]) -> Callable[[Transaction], Work[T]]:
    """The work, if the hold lasts."""

    def guarded(transaction: Transaction) -> Work[T]:
        yield from check(fence)
        return (yield from work(transaction))

    return guarded


# ---------------------------------------------------------------- the key that secrets are sealed with


def first_key(transaction: Transaction, key_id: str | None) -> Work[str | None]:
    if key_id is not None:
        yield one(_PUT_VALUE, "first_key", key_id)
    rows = yield one(_VALUE, "first_key")
    return rows[0][0] if rows else None
