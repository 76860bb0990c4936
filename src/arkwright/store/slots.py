"""Slots of nodes, in SQL: the queue and who holds what, written in the transaction of the node run that says so.

Theory of operation
-------------------
A node run's `slot` (waiting or held) and its row here are one commit, and so are their ends: a slot can't outlive the
node run that holds it, nor the other way round. `grant` locks the place, reads the queue, lets `core/slots.py` choose,
marks the chosen and leaves each instance its `SlotGranted`: one transaction, on any server. What is granted to a node
run that stopped waiting at that moment goes with its row.
"""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.events import SlotGranted
from arkwright.core.instance import NodeRun
from arkwright.core.slots import SlotLimits, SlotWaiter, grants
from arkwright.store import encoding
from arkwright.store.base import Commit, Place
from arkwright.store.schedule_record import SlotCount
from arkwright.store.work import SLOTS, WAKE, Row, Transaction, Work, many, one

PUT_SLOT = """
    INSERT INTO slot (place_id, instance_id, node, task_group, priority, since_ms, held) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (instance_id, node) DO UPDATE SET task_group = excluded.task_group, priority = excluded.priority,
    since_ms = excluded.since_ms, held = excluded.held"""
DROP_SLOT = "DELETE FROM slot WHERE instance_id = ? AND node = ?"
_LOCK = "SELECT id FROM place WHERE id = ? {for_update}"
_PLACES = """
    SELECT DISTINCT p.project_id, p.workspace_id FROM slot s JOIN place p ON p.id = s.place_id WHERE s.held = 0"""
_HELD = "SELECT task_group, count(*) FROM slot WHERE place_id = ? AND held = 1 GROUP BY task_group"
_GROUPS = "SELECT DISTINCT task_group FROM slot WHERE place_id = ? AND held = 0"
_QUEUE = """
    SELECT instance_id, node, task_group, priority, since_ms FROM slot
    WHERE place_id = ? AND held = 0 AND task_group = ? ORDER BY {order} LIMIT ?"""
_GRANT = "UPDATE slot SET held = 1 WHERE instance_id = ? AND node = ?"
_TELL = "INSERT INTO posted (instance_id, body) VALUES (?, ?)"
_HOLDERS = "SELECT instance_id, node FROM slot WHERE place_id = ? AND held = 1 {group} ORDER BY since_ms LIMIT ?"
_COUNT = "SELECT task_group, held, count(*) FROM slot WHERE place_id = ? GROUP BY task_group, held"
_LEAKED = """
    SELECT count(*) FROM slot s LEFT JOIN instance i ON i.id = s.instance_id
    WHERE i.id IS NULL OR i.ended = 1 OR NOT EXISTS
    (SELECT 1 FROM node_run n WHERE n.instance_id = s.instance_id AND n.idx = s.node)"""

LOOKED_AT = 200
"""Waiting node runs of a group that are looked at, by priority and by age: more than are granted at once."""


def changes(share: Commit, changed: Sequence[NodeRun], place_id: int) -> tuple[list[Row], list[Row]]:
    """(rows to write, rows to drop) of one instance's commit."""
    before = share.before.nodes if share.before is not None else ()
    written: list[Row] = []
    gone = before[len(share.after.nodes) :]
    dropped: list[Row] = [(share.after.id, run.index) for run in gone if run.slot is not None]
    for run in changed:
        was = before[run.index].slot if run.index < len(before) else None
        if run.slot == was:
            continue
        if run.slot is None:
            dropped.append((share.after.id, run.index))
        else:
            written.append(_row(place_id, share.after.id, run))
    return written, dropped


def _row(place_id: int, instance_id: int, run: NodeRun) -> Row:
    use = run.slot
    assert use is not None
    return (place_id, instance_id, run.index, use.group, use.priority, use.since_ms, int(use.held))


def waiting_places() -> Work[list[Place]]:
    rows = yield one(_PLACES)
    return [Place(project_id=row[0], workspace_id=row[1]) for row in rows]


def grant(transaction: Transaction, place_id: int, limits: SlotLimits, now_ms: int) -> Work[int]:
    yield one(_LOCK, place_id)
    held = {row[0]: row[1] for row in (yield one(_HELD, place_id))}
    waiting: dict[tuple[int, int], SlotWaiter] = {}
    for (group,) in (yield one(_GROUPS, place_id)):
        for order in ("priority, since_ms, instance_id, node", "since_ms, instance_id, node"):
            for row in (yield one(_QUEUE.replace("{order}", order), place_id, group, LOOKED_AT)):
                waiting[row[0], row[1]] = SlotWaiter(
                    instance_id=row[0], node=row[1], group=row[2], priority=row[3], since_ms=row[4]
                )
    granted = grants(waiting.values(), held, limits, now_ms)
    if granted:
        yield many(_GRANT, [(each.instance_id, each.node) for each in granted])
        told = [
            (each.instance_id, encoding.text(SlotGranted(at_ms=now_ms, node=each.node, since_ms=each.since_ms)))
            for each in granted
        ]
        yield many(_TELL, told)
        transaction.channels.add(WAKE)
        if len(granted) >= LOOKED_AT:
            transaction.channels.add(SLOTS)  # there may be more
    return len(granted)


def holders(place_id: int, group: str | None, limit: int) -> Work[Sequence[tuple[int, int]]]:
    if group is None:
        rows = yield one(_HOLDERS.replace("{group}", ""), place_id, limit)
    else:
        rows = yield one(_HOLDERS.replace("{group}", "AND task_group = ?"), place_id, group, limit)
    return [(row[0], row[1]) for row in rows]


def count(place_id: int) -> Work[list[SlotCount]]:
    counts: dict[str, list[int]] = {}
    for group, held, number in (yield one(_COUNT, place_id)):
        counts.setdefault(group, [0, 0])[held] = number
    return [SlotCount(group=group, held=both[1], waiting=both[0]) for group, both in sorted(counts.items())]


def leaked() -> Work[int]:
    rows = yield one(_LEAKED)
    found: int = rows[0][0]
    return found
