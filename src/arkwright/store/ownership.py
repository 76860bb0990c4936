# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Who runs what: engines and their leases, instances and their owners, attempts and their claims, posted events.

Theory of operation of claiming
-------------------------------
`instance.owner` is an engine's name; `instance.session` is the process of that engine which knows of it. A process
draws a new session number when it opens the store. So an instance "owned before" is one with its owner's name and
another session, and a claim answers each instance once per process without remembering anything in memory.

On PostgreSQL, rows that another engine is claiming at this moment are skipped, not waited for.
A claim of an attempt counts its epoch up; renewals compare the epoch, so an old claim can't keep it alive.
"""

from __future__ import annotations

import logging

import msgspec

from arkwright.core.events import Event
from arkwright.errors import NotFound
from arkwright.store import encoding
from arkwright.store.base import AttemptRow, PostedEvent
from arkwright.store.work import ROOM, WAKE, Statement, Transaction, Work, one

log = logging.getLogger("arkwright.store")

# ---------------------------------------------------------------- engines and instances

_REGISTER = """
    INSERT INTO engine (name, lease_until_ms, renewed_ms, takes, room) VALUES (?, ? + {now_ms}, {now_ms}, ?, ?)
    ON CONFLICT (name) DO UPDATE SET lease_until_ms = excluded.lease_until_ms, renewed_ms = excluded.renewed_ms,
    takes = excluded.takes, room = excluded.room"""
# Engines of past servers stay, and only those that left something behind are of interest. (A value and no EXISTS, for
# which PostgreSQL might read all that has not ended.)
_RUN_OUT = """
    SELECT name FROM engine WHERE name <> ? AND lease_until_ms <= {now_ms}
    AND (SELECT 1 FROM instance WHERE ended = 0 AND owner = engine.name LIMIT 1) = 1 ORDER BY name"""
_OTHERS = "SELECT count(*) FROM engine WHERE name <> ? AND takes = 1 AND room >= ? AND lease_until_ms > {now_ms}"
# In a part of its own, so that PostgreSQL picks and locks once, and no more than asked for.
_TAKE = """
    WITH picked AS MATERIALIZED ({which})
    UPDATE instance SET owner = ?, session = ? WHERE id IN (SELECT id FROM picked) RETURNING id"""
# Ordered as the partial index is: sessions are numbered in the order of their start.
_OWN_FROM_BEFORE = """
    SELECT id FROM instance WHERE ended = 0 AND owner = ? AND session {side} ?
    ORDER BY session, id LIMIT ? {skip_locked}"""
_UNOWNED = "SELECT id FROM instance WHERE ended = 0 AND owner IS NULL ORDER BY session, id LIMIT ? {skip_locked}"
_ABANDONED = "SELECT id FROM instance WHERE ended = 0 AND owner = ? ORDER BY session, id LIMIT ? {skip_locked}"
_COUNT_UNOWNED = "SELECT count(*) FROM (SELECT 1 FROM instance WHERE ended = 0 AND owner IS NULL LIMIT ?) AS found"
_COUNT_ABANDONED = "SELECT count(*) FROM (SELECT 1 FROM instance WHERE ended = 0 AND owner = ? LIMIT ?) AS found"
# Ended instances are not claimed for their own sake, but an operator's event for one must find an owner.
_ENDED_BUT_ASKED_FOR = """
    SELECT id FROM instance WHERE id IN (SELECT instance_id FROM posted) AND ended = 1 AND
    (owner IS NULL OR owner IN (SELECT name FROM engine WHERE name <> ? AND lease_until_ms <= {now_ms}))
    ORDER BY id LIMIT ? {skip_locked}"""
_OWNER = "SELECT owner FROM instance WHERE id = ?"


def register(transaction: Transaction, engine: str, lease_ms: int | None, takes: bool, room: int) -> Work[None]:
    yield one(_REGISTER, engine, lease_ms, int(takes), room)
    if room:
        transaction.channels.add(ROOM)


def claim(
    transaction: Transaction, engine: str, session: int, limit: int, takes: bool, has_room: bool
) -> Work[list[int]]:
    claimed: list[int] = []
    sharers = 1

    def share(count: int) -> int:
        return min(limit - len(claimed), -(-count // sharers))

    def take(which: str, *params: object, most: int | None = None) -> Statement:
        most = limit - len(claimed) if most is None else most
        return one(_TAKE.replace("{which}", which), *params, most, engine, session)

    for side in ("<", ">"):
        if len(claimed) < limit:
            rows = yield take(_OWN_FROM_BEFORE.replace("{side}", side), engine, session)
            claimed.extend(row[0] for row in rows)
    if not takes:
        return sorted(claimed)
    sharers += (yield one(_OTHERS, engine, int(has_room)))[0][0]
    if len(claimed) < limit:
        # The other engines look at the same moment: each leaves the others their part, and comes again for the rest.
        alone = sharers == 1
        most = limit if alone else share((yield one(_COUNT_UNOWNED, limit * sharers))[0][0])
        if most:
            rows = yield take(_UNOWNED, most=min(most, limit - len(claimed)))
            claimed.extend(row[0] for row in rows)
    for (name,) in (yield one(_RUN_OUT, engine)):
        if len(claimed) < limit:
            most = limit if sharers == 1 else share((yield one(_COUNT_ABANDONED, name, limit * sharers))[0][0])
            rows = yield take(_ABANDONED, name, most=min(most, limit - len(claimed)))
            claimed.extend(row[0] for row in rows)
    if len(claimed) < limit:
        rows = yield take(_ENDED_BUT_ASKED_FOR, engine)
        claimed.extend(row[0] for row in rows)
    return sorted(claimed)


def owner_of(instance_id: int) -> Work[str | None]:
    rows = yield one(_OWNER, instance_id)
    return rows[0][0] if rows else None


# ---------------------------------------------------------------- events from others

_POST = "INSERT INTO posted (instance_id, body) SELECT id, ? FROM instance WHERE id = ? RETURNING id"
_POSTED = """
    SELECT p.id, p.instance_id, p.body FROM posted p JOIN instance i ON i.id = p.instance_id
    WHERE i.owner = ? ORDER BY p.id"""


def post(transaction: Transaction, instance_id: int, body: str) -> Work[None]:
    if not (yield one(_POST, body, instance_id)):
        raise NotFound(f"There is no instance {instance_id}.")
    transaction.channels.add(WAKE)


def encode_posted(event: Event) -> str:
    return encoding.text(event)


def posted(engine: str) -> Work[list[PostedEvent]]:
    rows = yield one(_POSTED, engine)
    found = []
    for id_, instance_id, body in rows:
        try:
            found.append(PostedEvent(id=id_, instance_id=instance_id, event=encoding.event(body)))
        except msgspec.MsgspecError as error:  # of a newer server: it stays for an engine that knows it
            log.warning("an event for instance %d can't be read (%s); it is left", instance_id, error)
    return found


# ---------------------------------------------------------------- attempts

_COLUMNS = encoding.ATTEMPT_COLUMNS
_GET = f"SELECT {_COLUMNS} FROM attempt WHERE instance_id = ? AND node = ? AND attempt = ?"
_LIST = f"SELECT {_COLUMNS} FROM attempt WHERE instance_id = ? ORDER BY node, attempt"
_CLAIM = f"""
    UPDATE attempt SET runner = ?, epoch = epoch + 1, lease_until_ms = ?
    WHERE instance_id = ? AND node = ? AND attempt = ? AND ended_ms IS NULL
    AND (runner = '' OR runner = ? OR lease_until_ms <= ?) RETURNING {_COLUMNS}"""
_RENEW = f"""
    UPDATE attempt SET lease_until_ms = ?
    WHERE instance_id = ? AND node = ? AND attempt = ? AND epoch = ? AND runner <> '' AND ended_ms IS NULL
    RETURNING {_COLUMNS}"""


def get_attempt(instance_id: int, node: int, attempt: int) -> Work[AttemptRow | None]:
    rows = yield one(_GET, instance_id, node, attempt)
    return encoding.attempt(rows[0]) if rows else None


def list_attempts(instance_id: int) -> Work[list[AttemptRow]]:
    rows = yield one(_LIST, instance_id)
    return [encoding.attempt(row) for row in rows]


def claim_attempt(
    transaction: Transaction,
    key: tuple[int, int, int],
    runner: str,
    now_ms: int,
    lease_until_ms: int | None,
) -> Work[AttemptRow | None]:
    rows = yield one(_CLAIM, runner, lease_until_ms, *key, runner, now_ms)
    return encoding.attempt(rows[0]) if rows else None


def renew_attempt(
    transaction: Transaction, key: tuple[int, int, int], epoch: int, lease_until_ms: int
) -> Work[AttemptRow | None]:
    rows = yield one(_RENEW, lease_until_ms, *key, epoch)
    return encoding.attempt(rows[0]) if rows else None
