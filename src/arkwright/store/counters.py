# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Counters of list totals, kept in the transaction that changes what they count.

Instances are counted per bucket of their compared time (`at_ms`), in three widths: day, hour and minute; once under
their job and once under job -1, which stands for all jobs of the place. A total over any window is then whole days,
whole hours and whole minutes at the edges, and rows counted by index inside the two partial minutes at most
(`store/listing.py`).

The changes of a whole group are added up and written just before its commit, in the order of their keys, so that two
processes never wait for each other crosswise.
"""

from __future__ import annotations

from arkwright.store.base import Kind
from arkwright.store.encoding import Counted
from arkwright.store.work import Row, Transaction, Work, many

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
WIDTHS = (DAY, HOUR, MINUTE)
ALL_JOBS = -1

_KEY = "place_id, job_id, width_ms, bucket, status, type, force_success, ignore_success"
_ADD_INSTANCES = f"""
    INSERT INTO instance_count ({_KEY}, n) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT ({_KEY}) DO UPDATE SET n = instance_count.n + excluded.n"""
_DROP_EMPTY = """
    DELETE FROM instance_count WHERE place_id = ? AND job_id = ? AND width_ms = ? AND bucket = ?
    AND status = ? AND type = ? AND force_success = ? AND ignore_success = ? AND n = 0"""
_ADD_DEFINITIONS = """
    INSERT INTO definition_count (place_id, kind, category, n) VALUES (?, ?, ?, ?)
    ON CONFLICT (place_id, kind, category) DO UPDATE SET n = definition_count.n + excluded.n"""


def count_instance(transaction: Transaction, what: Counted, change: int) -> None:
    changes = transaction.instance_changes
    # By the minute only; the other widths follow from it once per group.
    key = (what[0], what[1], what[2] // MINUTE, what[3], what[4], what[5], what[6])
    changes[key] = changes.get(key, 0) + change


def count_definition(transaction: Transaction, place_id: int, kind: Kind, category: str, change: int) -> None:
    changes = transaction.definition_changes
    key = (place_id, kind.value, category)
    changes[key] = changes.get(key, 0) + change


def _of_all_widths(transaction: Transaction) -> dict[tuple[object, ...], int]:
    changes: dict[tuple[object, ...], int] = {}
    for (place_id, job_id, minute, *rest), change in transaction.instance_changes.items():
        if not change:
            continue
        for width, bucket in ((DAY, minute // 1440), (HOUR, minute // 60), (MINUTE, minute)):
            for job in (job_id, ALL_JOBS):
                key = (place_id, job, width, bucket, *rest)
                changes[key] = changes.get(key, 0) + change
    return changes


def write_counters(transaction: Transaction) -> Work[None]:
    """The last statements of a group."""
    if transaction.instance_changes:
        changes = sorted(_of_all_widths(transaction).items())
        rows: list[Row] = [(*key, change) for key, change in changes if change]
        if rows:
            yield many(_ADD_INSTANCES, rows)
            less = [row[:-1] for row in rows if row[-1] < 0]
            if less:
                yield many(_DROP_EMPTY, less)
    if transaction.definition_changes:
        yield many(
            _ADD_DEFINITIONS,
            [(*key, change) for key, change in sorted(transaction.definition_changes.items()) if change],
        )
