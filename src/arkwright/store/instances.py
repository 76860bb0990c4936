# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Instances, their node runs, attempts and history: creation in bulk, and the commit of an engine's tick.

Theory of operation of `commit_tick`
------------------------------------
One statement reads (and on PostgreSQL locks) the rows of all instances of the tick. Those whose owner or version is
not what the engine believed are left out whole; everything else is written by one statement per table. So a stale
share needs no savepoint: it never wrote.

What the counters lose is taken from the row that is replaced, never from what the engine remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from arkwright.core.events import Event
from arkwright.core.instance import Instance, InstanceType
from arkwright.errors import IdempotencyConflict
from arkwright.store import children, encoding, slots
from arkwright.store import notices as outbox
from arkwright.store.base import Accepted, Commit, IdempotencyKey, changed_nodes
from arkwright.store.counters import count_instance
from arkwright.store.encoding import Counted
from arkwright.store.work import CANCELS, SLOTS, WAKE, Row, Rows, Transaction, Work, each, many, one, planned_channel

INSERT = """
    INSERT INTO instance (id, place_id, job_id, at_ms, status, type, force_success, ignore_success, ended, owner,
    session, version, events, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_PROMISE = """
    INSERT INTO idempotency (scope, key, request_digest, instance_id, expires_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (scope, key) DO UPDATE SET request_digest = excluded.request_digest,
    instance_id = excluded.instance_id, expires_ms = excluded.expires_ms WHERE idempotency.expires_ms <= ?
    RETURNING instance_id"""
_PROMISED = "SELECT instance_id, request_digest FROM idempotency WHERE scope = ? AND key = ?"

_STATES = """
    SELECT id, owner, session, version, events, ended, place_id, job_id, at_ms, status, type, force_success,
    ignore_success FROM instance WHERE id {in_ids} ORDER BY id {for_update}"""
_UPDATE = "UPDATE instance SET version = ?, events = ?, body = ? WHERE id = ?"
_UPDATE_LISTED = """
    UPDATE instance SET at_ms = ?, status = ?, type = ?, force_success = ?, ignore_success = ?, ended = ?, owner = ?,
    session = ?, version = ?, events = ?, body = ? WHERE id = ?"""
_PUT_NODE = """
    INSERT INTO node_run (instance_id, idx, body) VALUES (?, ?, ?)
    ON CONFLICT (instance_id, idx) DO UPDATE SET body = excluded.body"""
_DROP_NODES = "DELETE FROM node_run WHERE instance_id = ? AND idx >= ?"
_INSERT_EVENT = "INSERT INTO event (instance_id, seq, at_ms, kind, body) VALUES (?, ?, ?, ?, ?)"
_INSERT_ATTEMPT = f"""
    INSERT INTO attempt ({encoding.ATTEMPT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING"""
_END_ATTEMPT = """
    UPDATE attempt SET ended_ms = ?, outcome = ?
    WHERE instance_id = ? AND node = ? AND attempt = ? AND ended_ms IS NULL"""
_CANCEL_ATTEMPT = "UPDATE attempt SET cancel_requested = 1 WHERE instance_id = ? AND node = ? AND attempt = ?"
_UNWATCH = "DELETE FROM watched WHERE instance_id = ?"
_DROP_POSTED = "DELETE FROM posted WHERE id = ?"

# One statement, so that the instance and its node runs are of the same moment.
_LOAD = """
    SELECT -1 AS idx, body FROM instance WHERE id = ?
    UNION ALL SELECT idx, body FROM node_run WHERE instance_id = ? ORDER BY idx"""
_LOAD_OF_PLACE = """
    SELECT -1 AS idx, body FROM instance WHERE id = ? AND place_id = ?
    UNION ALL SELECT idx, body FROM node_run WHERE instance_id = ? ORDER BY idx"""
_EVENTS = """
    SELECT seq, body FROM event WHERE instance_id = ? AND seq > ? UNION ALL
    SELECT seq, body FROM event_kept WHERE instance_id = ? AND seq > ? ORDER BY seq LIMIT ?"""


# ---------------------------------------------------------------- creation


class Creation(NamedTuple):
    """A new instance, encoded by whoever asks for it."""

    id: int
    counted: Counted
    ended: int
    owner: str | None
    session: int
    version: int
    events: int
    body: str
    promise: IdempotencyKey | None
    now_ms: int
    first: Commit | None

    @property
    def row(self) -> Row:
        """For `INSERT`."""
        return (
            *(self.id, *self.counted, self.ended, self.owner, self.session),
            *(self.version, self.events, self.body),
        )

    @property
    def rows(self) -> int:
        """How many rows it makes."""
        return 1 if self.first is None else rows_of(self.first)


def creation(
    instance: Instance,
    place_id: int,
    owner: str | None,
    session: int,
    promise: IdempotencyKey | None,
    first: Commit | None = None,
) -> Creation:
    """`first`: its first step, which is then part of its making."""
    stored = instance if first is None else first.after
    return Creation(
        instance.id,
        encoding.counted(place_id, stored),
        int(stored.ended),
        owner,
        session if owner is not None else 0,
        stored.version,
        0 if first is None else len(first.events),
        encoding.instance_header(stored),
        promise,
        instance.submit_time_ms,
        first,
    )


def create(transaction: Transaction, new: Sequence[Creation]) -> Work[Sequence[Accepted | IdempotencyConflict]]:
    """All new instances of a group. A conflict is answered, not raised: it has written nothing."""
    earlier: Sequence[Accepted | IdempotencyConflict | None] = ()
    if any(c.promise is not None for c in new):
        earlier = yield from _promises(new)
    answers: list[Accepted | IdempotencyConflict] = []
    rows: list[Row] = []
    tables = _Tables()
    for i, c in enumerate(new):
        known = earlier[i] if earlier else None
        if known is not None:
            answers.append(known)
            continue
        count_instance(transaction, c.counted, 1)
        rows.append(c.row)
        if c.owner is None:
            transaction.channels.add(WAKE)
        if c.first is not None:
            _add(transaction, tables, c.first, c.counted.place_id, 0)
        answers.append(Accepted(instance_id=c.id, replayed=False))
    if rows:
        yield many(INSERT, rows)
        yield from tables.written()
    return answers


def _promises(new: Sequence[Creation]) -> Work[list[Accepted | IdempotencyConflict | None]]:
    """Per new instance: None if it is to be made, else the answer to its idempotency key."""
    first: dict[tuple[str, str], Creation] = {}
    for c in new:
        if c.promise is not None:
            first.setdefault((c.promise.scope, c.promise.key), c)
    # In the order of the keys, so that two processes never wait for each other crosswise.
    keys = sorted(first)
    made = yield each(
        _PROMISE,
        [(*k, p.request_digest, c.id, p.expires_ms, c.now_ms) for k in keys if (p := (c := first[k]).promise)],
    )
    fresh = {row[0] for row in made}
    known: dict[tuple[str, str], tuple[int, str]] = {}
    for k in keys:
        c = first[k]
        if c.id in fresh:
            known[k] = (c.id, c.promise.request_digest if c.promise else "")
        else:
            rows = yield one(_PROMISED, *k)
            known[k] = (rows[0][0], rows[0][1])
    answers: list[Accepted | IdempotencyConflict | None] = []
    for c in new:
        if c.promise is None or c.id in fresh:
            answers.append(None)
            continue
        answers.append(_repeated(c.promise, *known[(c.promise.scope, c.promise.key)]))
    return answers


def _repeated(promise: IdempotencyKey, instance_id: int, digest: str) -> Accepted | IdempotencyConflict:
    if digest == promise.request_digest:
        return Accepted(instance_id=instance_id, replayed=True)
    return IdempotencyConflict(
        f"The idempotency key {promise.key!r} was used with another request.",
        hint=f"That request made instance {instance_id}; use a new key for a new request.",
    )


def promised(promise: IdempotencyKey, now_ms: int) -> Work[Accepted | None]:
    """The instance that was made under the key. Raises `IdempotencyConflict`."""
    rows = yield one(f"{_PROMISED} AND expires_ms > ?", promise.scope, promise.key, now_ms)
    if not rows:
        return None
    found = _repeated(promise, *rows[0])
    if isinstance(found, IdempotencyConflict):
        raise found
    return found


# ---------------------------------------------------------------- the tick


class _Tables:
    """The rows of a tick, per table."""

    def __init__(self) -> None:
        self.updated: list[Row] = []
        self.updated_listed: list[Row] = []
        self.nodes: list[Row] = []
        self.fewer_nodes: list[Row] = []
        self.events: list[Row] = []
        self.started: list[Row] = []
        self.ended: list[Row] = []
        self.cancelled: list[Row] = []
        self.posted: list[Row] = []
        self.notices: list[outbox.New] = []
        self.children: list[Row] = []
        self.unwatched: list[Row] = []
        self.slots: list[Row] = []
        self.freed_slots: list[Row] = []

    def written(self) -> Work[None]:
        for text, rows in (
            (_UPDATE, self.updated),
            (_UPDATE_LISTED, self.updated_listed),
            (_DROP_NODES, self.fewer_nodes),
            (_PUT_NODE, self.nodes),
            (_INSERT_EVENT, self.events),
            (_INSERT_ATTEMPT, self.started),
            (_END_ATTEMPT, self.ended),
            (_CANCEL_ATTEMPT, self.cancelled),
            (_DROP_POSTED, self.posted),
            (children.INSERT_CHILD, self.children),
            (_UNWATCH, self.unwatched),
            (slots.PUT_SLOT, self.slots),
            (slots.DROP_SLOT, self.freed_slots),
        ):
            if rows:
                yield many(text, rows)


def rows_of(share: Commit) -> int:
    """About how many rows a share writes."""
    return 4 + len(share.events) + 2 * len(share.started)


def commit_tick(transaction: Transaction, owner: str, session: int, tick: Sequence[Commit]) -> Work[list[int]]:
    rows = yield one(_STATES, encoding.array(c.after.id for c in tick))
    # id to (owner, session, version, events, ended, counted), brought up to date as shares are taken
    states: dict[int, tuple[Any, ...]] = {row[0]: (*row[1:6], Counted(*row[6:])) for row in rows}
    tables = _Tables()
    stale = children.dependent_stale(tick, _stale(states, owner, tick))
    for position, share in enumerate(tick):
        if position not in stale:
            id_ = share.after.id
            states[id_] = _take(transaction, tables, share, states[id_], owner, session)
    yield from tables.written()
    news = children.unheard(tick, stale)
    if news:
        yield many(children.POST, news)
        transaction.channels.add(WAKE)
    if tables.notices:
        yield from outbox.add(transaction, tables.notices)
    return [tick[position].after.id for position in sorted(stale)]


def _stale(states: dict[int, tuple[Any, ...]], owner: str, tick: Sequence[Commit]) -> set[int]:
    """Positions in the tick whose owner or version does not compare."""
    stale: set[int] = set()
    known = {id_: (state[0], state[2], state[4]) for id_, state in states.items()}
    for position, share in enumerate(tick):
        expected = 0 if share.before is None else share.before.version
        its_owner, version, ended = known.get(share.after.id, (None, None, 0))
        # An ended instance is nobody's: whoever restarts it first owns it.
        if version != expected or (its_owner != owner and not ended):
            stale.add(position)
        else:
            known[share.after.id] = (owner, share.after.version, int(share.after.ended))
    return stale


def _take(
    transaction: Transaction, tables: _Tables, share: Commit, state: tuple[Any, ...], owner: str, session: int
) -> tuple[Any, ...]:
    """Add a share's rows; answers the instance's state after it."""
    known_owner, known_session, _, seq, ended, was = state
    after = share.after
    id_ = after.id
    seq = _add(transaction, tables, share, was.place_id, seq)
    now = encoding.counted(was.place_id, after)
    common = (after.version, seq, encoding.instance_header(after), id_)
    if now == was and known_owner == owner and known_session == session and bool(ended) == after.ended:
        # Most commits: no index changes.
        tables.updated.append(common)
    else:
        tables.updated_listed.append((*now[2:], int(after.ended), owner, session, *common))
        if now != was:
            count_instance(transaction, was, -1)
            count_instance(transaction, now, 1)
    if share.before is not None and len(after.nodes) < len(share.before.nodes):
        tables.fewer_nodes.append((id_, len(after.nodes)))
    if share.ended:
        tables.ended.extend(encoding.ended_rows(share))
    for node, number in share.cancelled:
        tables.cancelled.append((id_, node, number))
        transaction.channels.add(CANCELS)
    for posted_id in share.posted:
        tables.posted.append((posted_id,))
    if after.instance_type in (InstanceType.NORMAL, InstanceType.PATCH_DATA):
        gate = after.gate
        if now != was or (share.before is not None and share.before.gate is not gate):
            transaction.channels.add(planned_channel(after.job_id))
        if gate is not None and (gate.open or after.ended) and not (share.before and share.before.start_time_ms):
            tables.unwatched.append((id_,))
    for child in share.children:
        counted, row = children.child_row(child, was.place_id, owner, session)
        count_instance(transaction, counted, 1)
        tables.children.append(row)
    for notice_id, notice in share.notices:
        tables.notices.append((was.place_id, notice_id, notice, notice.at_ms))
    return (owner, session, after.version, seq, int(after.ended), now)


def _add(transaction: Transaction, tables: _Tables, share: Commit, place_id: int, seq: int) -> int:
    """Add the rows of what happened: history after `seq`, node runs, slots, attempts. Answers the newest `seq`."""
    id_ = share.after.id
    for event in share.events:
        seq += 1
        tables.events.append(encoding.event_row(id_, seq, event))
    changed = changed_nodes(share)
    for run in changed:
        tables.nodes.append((id_, run.index, encoding.text(run)))
    taken, freed = slots.changes(share, changed, place_id)
    if taken or freed:
        tables.slots += taken
        tables.freed_slots += freed
        transaction.channels.add(SLOTS)
    for attempt in share.started:
        tables.started.append(encoding.attempt_row(attempt))
    return seq


# ---------------------------------------------------------------- reading


def load(instance_id: int) -> Work[Instance | None]:
    rows = yield one(_LOAD, instance_id, instance_id)
    return encoding.whole_instance(rows)


def load_of_place(place_id: int, instance_id: int) -> Work[Instance | None]:
    rows = yield one(_LOAD_OF_PLACE, instance_id, place_id, instance_id)
    return encoding.whole_instance(rows)


def history(instance_id: int, after: int, limit: int) -> Work[list[tuple[int, Event]]]:
    rows: Rows = yield one(_EVENTS, instance_id, after, instance_id, after, limit)
    return [(row[0], encoding.event(row[1])) for row in rows]
