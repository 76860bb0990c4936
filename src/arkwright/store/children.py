"""Instances that a node of another instance runs: made and ended together with what their parent knows of them.

Theory of operation
-------------------
* A parent's share of a tick holds the instances that it starts (`Commit.children`): all of it is written, or none.
  The unique index on (parent, node, attempt, row) would refuse a second one.
* A child's share says whom its end concerns (`Commit.informs`). If the parent's share of the same tick has taken that
  end in (`Commit.heard`), nothing more is written, and the parent's share stands and falls with the child's. Otherwise
  the news is left as a posted event for whoever owns the parent. So a child's end and the news of it are durable
  together, whoever owns which, and the parent never knows of an end that was not written.
"""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.store import encoding
from arkwright.store.base import Commit, Page
from arkwright.store.encoding import Counted
from arkwright.store.work import Row, Work, one

INSERT_CHILD = """
    INSERT INTO instance (id, place_id, job_id, at_ms, status, type, force_success, ignore_success, ended, owner,
    session, version, events, body, parent_id, parent_node, parent_attempt, parent_row)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)"""
POST = "INSERT INTO posted (instance_id, body) SELECT id, ? FROM instance WHERE id = ?"

_OF_PARENT = " FROM instance WHERE parent_id = ?"
_ORDER = " ORDER BY parent_node, parent_attempt DESC, parent_row LIMIT ? OFFSET ?"
_ALL = 1_000_000


def child_row(child: Instance, place_id: int, owner: str, session: int) -> tuple[Counted, Row]:
    parent = child.parent
    assert parent is not None
    counted = encoding.counted(place_id, child)
    link = (parent.instance_id, parent.node, parent.attempt, parent.row)
    body = encoding.instance_header(child)
    return counted, (child.id, *counted, int(child.ended), owner, session, child.version, body, *link)


def dependent_stale(tick: Sequence[Commit], stale: set[int]) -> set[int]:
    """Positions in the tick that can't be written because they heard of an end that can't be. `stale` are those that
    did not compare."""
    if not any(share.heard for share in tick):
        return stale
    all_stale = set(stale)
    while True:
        lost = {tick[position].after.id for position in all_stale}
        more = {i for i, share in enumerate(tick) if lost.intersection(share.heard)} - all_stale
        if not more:
            return all_stale
        all_stale |= more


def unheard(tick: Sequence[Commit], stale: set[int]) -> list[Row]:
    """(event, instance) per news of the written shares that no written share has taken in."""
    heard: dict[int, set[int]] = {}
    for i, share in enumerate(tick):
        if share.heard and i not in stale:
            heard.setdefault(share.after.id, set()).update(share.heard)
    return [
        (encoding.text(event), to)
        for i, share in enumerate(tick)
        if i not in stale
        for to, event in share.informs
        if share.after.id not in heard.get(to, ())
    ]


def children_of(
    parent_id: int,
    node: int | None,
    attempt: int | None,
    statuses: Sequence[InstanceStatus],
    offset: int,
    limit: int | None,
) -> Work[Page[Instance]]:
    where, params = _OF_PARENT, [parent_id]
    for column, value in (("parent_node", node), ("parent_attempt", attempt)):
        if value is not None:
            where += f" AND {column} = ?"
            params.append(value)
    values: list[object] = list(params)
    if statuses:
        where += f" AND status IN ({', '.join('?' * len(statuses))})"
        values += [status.value for status in statuses]
    counted = yield one(f"SELECT count(*){where}", *values)
    total: int = counted[0][0]
    if offset >= total or limit == 0:
        return Page(total=total, items=())
    rows = yield one(f"SELECT id, body{where}{_ORDER}", *values, _ALL if limit is None else limit, offset)
    return Page(total=total, items=encoding.instances(rows))
