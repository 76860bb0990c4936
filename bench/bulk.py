"""Fills a store with very many finished instances by SQL alone: copies of one that a server has run.

What lists read is written: the rows and the counters. Histories, node runs and attempts are not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

SPREAD_MS = 6 * 24 * 60 * 60 * 1000
_COLUMNS = "place_id, job_id, status, type, force_success, ignore_success, ended, owner, session, version, events"
_COUNTERS = """
    INSERT INTO instance_count (place_id, job_id, width_ms, bucket, status, type, force_success, ignore_success, n)
    SELECT place_id, {job}, {width}, at_ms / {width}, status, type, force_success, ignore_success, count(*)
    FROM instance WHERE id >= {first}
    GROUP BY place_id, {group}at_ms / {width}, status, type, force_success, ignore_success
    ON CONFLICT (place_id, job_id, width_ms, bucket, status, type, force_success, ignore_success)
    DO UPDATE SET n = instance_count.n + excluded.n"""


def fill_sqlite(file: Path, count: int) -> None:
    """Of a stopped server."""
    database = sqlite3.connect(file)
    database.execute("PRAGMA synchronous = OFF")
    with database:
        (first,) = database.execute(
            "UPDATE id_block SET next = next + ? WHERE name = 'id' RETURNING next - ?", (count, count)
        ).fetchone()
        database.execute(
            f"""
            WITH RECURSIVE more(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM more WHERE i + 1 < {count:d}),
            one AS (SELECT * FROM instance WHERE ended = 1 ORDER BY id DESC LIMIT 1)
            INSERT INTO instance (id, at_ms, body, {_COLUMNS})
            SELECT {first:d} + i, at_ms - i * {SPREAD_MS / count:f}, body, {_COLUMNS} FROM one, more"""
        )
        database.execute("UPDATE instance SET at_ms = CAST(at_ms AS INTEGER) WHERE id >= ?", (first,))
        _correct_bodies = "json_set(body, '$.id', id, '$.start_time_ms', at_ms, '$.plan_time_ms', at_ms)"
        database.execute(f"UPDATE instance SET body = {_correct_bodies} WHERE id >= ?", (first,))
        for statement in _counters(first):
            database.execute(statement)
    database.execute("ANALYZE")
    database.close()


def fill_postgres(address: str, count: int) -> None:
    asyncio.run(_fill_postgres(address, count))


async def _fill_postgres(address: str, count: int) -> None:
    import asyncpg  # type: ignore[import-untyped]

    database = await asyncpg.connect(address)
    try:
        async with database.transaction():
            first = await database.fetchval(
                f"UPDATE id_block SET next = next + {count:d} WHERE name = 'id' RETURNING next - {count:d}"
            )
            await database.execute(
                f"""
                WITH one AS (SELECT * FROM instance WHERE ended = 1 ORDER BY id DESC LIMIT 1),
                placed AS (
                    SELECT {first:d} + i AS new_id, one.*,
                    CAST(one.at_ms - i * {SPREAD_MS / count:f} AS bigint) AS new_at
                    FROM one, generate_series(0, {count - 1:d}) AS i)
                INSERT INTO instance (id, at_ms, body, {_COLUMNS})
                SELECT new_id, new_at, CAST(CAST(body AS jsonb) || jsonb_build_object(
                    'id', new_id, 'start_time_ms', new_at, 'plan_time_ms', new_at) AS text), {_COLUMNS} FROM placed""",
                timeout=600,
            )
            for statement in _counters(first):
                await database.execute(statement, timeout=600)
        await database.execute("ANALYZE", timeout=600)
    finally:
        await database.close()


def _counters(first: int) -> list[str]:
    return [
        _COUNTERS.format(job=job, group="" if job == "-1" else "job_id, ", width=width, first=first)
        for width in (86_400_000, 3_600_000, 60_000)
        for job in ("job_id", "-1")
    ]
