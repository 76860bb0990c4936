"""How the databases find what lists show: by the index made for each, whatever they believe of the rows."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.servers.database import changed

from arkwright.core.instance import InstanceStatus, InstanceType
from arkwright.store import listing, ownership, retention
from arkwright.store.base import InstanceFilter, Store
from arkwright.store.copy_ends import End
from arkwright.store.move import is_postgres, opened
from arkwright.store.open import open_store
from arkwright.store.repair import repair
from arkwright.store.retention_record import OldInstances
from arkwright.store.sqlite_work import drive
from arkwright.store.work import Statement, Transaction, Work, one
from arkwright.testing.store_records import HERE, NOON, everything, make

PLACE_ID = 1
DAY_MS = 24 * 60 * 60 * 1000
OFTEN, SELDOM, NOW = 7, 8, 9
"""A job of nearly all runs; one of a run a day; one that has just run many times, within one minute."""
ROWS = {OFTEN: 3000, SELDOM: 30, NOW: 300}
_NUMBERS = (
    "WITH RECURSIVE numbers(n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
)
_COPY = """
    INSERT INTO instance (id, place_id, job_id, at_ms, status, type, force_success, ignore_success, ended, owner,
    session, version, events, body)
    {numbers} SELECT {first} + n, place_id, {job}, {at}, 'success', type, 0, 0, 1, owner, session, 1, 0, body
    FROM instance, numbers WHERE id = {model}"""
SAID_SIZES = (None, 100_000, 5_000_000, 1_000_000_000)
"""What PostgreSQL is made to believe of how many rows there are. None: what it counted."""
_LISTS = (
    everything(job_ids=(OFTEN,)),
    everything(job_ids=(OFTEN,), from_ms=NOON - DAY_MS, to_ms=NOON + 40_000),
    everything(job_ids=(OFTEN,), from_ms=NOON - DAY_MS, to_ms=NOON + 40_000, statuses=[InstanceStatus.SUCCESS]),
    everything(job_ids=(SELDOM,), from_ms=NOON + 1, to_ms=NOON + 40_000),
    everything(job_ids=(SELDOM,), from_ms=NOON - 9 * DAY_MS, to_ms=NOON + 40_000, instance_types=[InstanceType.MANUAL]),
    everything(job_ids=(NOW,), from_ms=NOON - DAY_MS, to_ms=NOON + 40_000),
)


async def _model(address: str) -> int:
    store: Store = open_store(address)
    await store.open()
    made = await make(store, plan_time_ms=NOON - 31 * DAY_MS, job_id=OFTEN)
    await store.close()
    return made.id


def _fill(address: str) -> None:
    """The statistics are of before the last minute, as they are wherever runs go on."""
    model = asyncio.run(_model(address))
    if is_postgres(address):
        changed(address, "ALTER TABLE instance SET (autovacuum_enabled = false)")
    at = {
        OFTEN: f"{NOON} - (n * 7919 % 43200) * 60000",
        SELDOM: f"{NOON} - n * {DAY_MS}",
        NOW: f"{NOON} + n * 100",
    }
    for job, count in ROWS.items():
        if job == NOW:
            changed(address, "ANALYZE")
        numbers = _NUMBERS.format(count=count)
        changed(address, _COPY.format(numbers=numbers, first=job * 1_000_000, job=job, at=at[job], model=model))
    asyncio.run(repair(address))  # counts them
    if is_postgres(address):  # as slow to enter as it is beside a smaller one by place, of many millions of rows
        changed(address, "ALTER INDEX instance_of_job SET (fillfactor = 10)", "REINDEX INDEX instance_of_job")


def _noted(work: Work[Any], seen: list[Statement]) -> Work[None]:
    """The work, and what it asks for."""
    rows: Any = None
    while True:
        try:
            statement = work.send(rows)
        except StopIteration:
            return
        seen.append(statement)
        rows = yield statement


async def _statements(end: End, work: Work[Any]) -> Sequence[Statement]:
    """Those that read instances; the work is done."""
    seen: list[Statement] = []
    await end.do(_noted(work, seen))
    return [each for each in seen if re.search(r"FROM instance\b|\} instance\b", each.text)]


def _explained(statement: Statement, how: str) -> Work[str]:
    params = statement.params[0] if statement.mode else statement.params  # of `each`: those of its first run
    rows = yield one(f"{how} {statement.text}", *params)
    return " ".join(str(value) for row in rows for value in row)


def _indexes(plan: str) -> set[str]:
    """Of the table of instances; its name if it is read without one."""
    if not plan.startswith("["):
        return set(re.findall(r"instance USING (?:COVERING )?INDEX (\w+)", plan)) or {plan}
    used: set[str] = set()

    def look(node: Any) -> None:
        if isinstance(node, dict):
            if str(node.get("Index Name", "")).startswith("instance_of_"):
                used.add(node["Index Name"])
            if node.get("Node Type") == "Seq Scan" and node.get("Relation Name") == "instance":
                used.add("instance")
            for each in node.values():
                look(each)
        elif isinstance(node, list):
            for each in node:
                look(each)

    look(json.loads(plan))
    return used


def _list(where: InstanceFilter) -> Work[Any]:
    return listing.list_page(PLACE_ID, where, 0, 10)


def _of_one_job() -> list[Work[Any]]:
    old = [OldInstances(place=HERE, before_ms=NOON, job_id=job) for job in ROWS]
    return [
        *map(_list, _LISTS),
        listing.newest_of_jobs(HERE, PLACE_ID, [SELDOM, NOW, OFTEN], [InstanceStatus.SUCCESS]),
        *(retention.old(PLACE_ID, each, 10) for each in old),
    ]


def _of_all_jobs() -> list[Work[Any]]:
    return [
        _list(everything(from_ms=NOON - DAY_MS, to_ms=NOON + 40_000)),
        _list(everything(from_ms=NOON - DAY_MS, to_ms=NOON + 40_000, statuses=[InstanceStatus.SUCCESS])),
        retention.old(PLACE_ID, OldInstances(place=HERE, before_ms=NOON), 10),
    ]


def test_what_is_asked_goes_by_the_index_that_was_made_for_it_at_any_size(address: str) -> None:
    _fill(address)
    hows = ["EXPLAIN QUERY PLAN"]
    if is_postgres(address):
        hows = ["EXPLAIN (FORMAT JSON)", "EXPLAIN (FORMAT JSON, GENERIC_PLAN)"]

    async def look(size: int | None) -> None:
        async with opened(address) as end:
            for index, works in (("instance_of_job", _of_one_job()), ("instance_of_place", _of_all_jobs())):
                for work in works:
                    for statement in await _statements(end, work):
                        for how in hows:
                            plan = await end.do(_explained(statement, how))
                            assert _indexes(plan) == {index}, (size, statement, plan)

    for size in SAID_SIZES if is_postgres(address) else SAID_SIZES[:1]:
        if size is not None:
            tables = "('instance', 'instance_of_job', 'instance_of_place')"
            changed(address, f"UPDATE pg_class SET reltuples = {size} WHERE relname IN {tables}")
        asyncio.run(look(size))


def test_engines_of_the_past_cost_a_claim_nothing(tmp_path: Path) -> None:
    """A container that begins anew takes a new name."""
    asyncio.run(_model(str(tmp_path / "a.db")))
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as database:

        def claim() -> int:
            seen: list[Statement] = []
            drive(database, _noted(ownership.claim(Transaction(), "new", 1, 100, True, False), seen))
            return len(seen)

        before = claim()
        database.executemany(
            "INSERT INTO engine (name, lease_until_ms, renewed_ms) VALUES (?, 1, 1)",
            [(f"server-{number}",) for number in range(100)],
        )
        assert claim() == before
