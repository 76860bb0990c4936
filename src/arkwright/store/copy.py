"""An installation's database copied into another one, whichever of the two kinds each is.

Theory of operation: table by table, rows stream in batches from one end's snapshot into one transaction of the other,
and a checksum is taken of each as it was handed over. Then all is read back from the target, inside that transaction,
and only if every table has the same number of rows and the same checksum is it committed. So a copy is there as a
whole, and proven, or not at all; one that was interrupted is simply begun again. Memory is that of a few batches.

A table's checksum is the sum of its rows' hashes (BLAKE2b of MessagePack, 128 bits), so that the order of the rows,
which databases and collations see differently, does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from arkwright.errors import AlreadyExists, IllegalState, StoreUnavailable
from arkwright.store import migration
from arkwright.store.copy_ends import End, Row, moved, now_ms, skipped

IN_PARTS = ("event", "audit")
"""Tables that PostgreSQL keeps in parts by `at_ms`."""
_MASK = (1 << 128) - 1
_encode = msgspec.msgpack.Encoder().encode

Progress = Callable[[str, int, int], None]
"""(table, rows so far, rows of the table)."""


@dataclass(slots=True)
class Digest:
    """What a table holds, in short."""

    rows: int = 0
    checksum: int = 0

    def add(self, batch: Iterable[Row]) -> None:
        for row in batch:
            hashed = hashlib.blake2b(_encode(row), digest_size=16).digest()
            self.checksum = (self.checksum + int.from_bytes(hashed)) & _MASK
            self.rows += 1

    def __str__(self) -> str:
        return f"{self.checksum:032x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    table: str
    source: Digest
    target: Digest = field(default_factory=Digest)


async def copy(source: End, target: End, *, progress: Progress, lease_until_ms: int | None = None) -> Sequence[Copied]:
    """Both ends are open. `lease_until_ms`: until when the engines of the source are waited for; none: not at all.
    Raises `IllegalState`, `AlreadyExists`, `InvalidInput` (a value that the target can't hold), `StoreUnavailable`."""
    await check_level(source)
    until = lease_until_ms if lease_until_ms is not None else now_ms()
    tables = await source.tables()
    spans = {}
    for table in IN_PARTS:
        span = await _span(source, table, tables[table])
        if span is not None:
            spans[table] = span
    await target.begin(spans)
    there = await target.tables()
    if dict(there) != dict(tables):
        different = sorted(table for table in {*there, *tables} if there.get(table) != tables.get(table))
        raise IllegalState(f"The two databases' schemas differ in {', '.join(different)}.")
    copied = []
    for table, columns in tables.items():
        total = await source.count(table)
        one = Copied(table=table, source=Digest())
        batches = _handed_over(source, table, columns, until, one.source)
        await target.write(table, columns, _told(batches, table, total, progress))
        copied.append(one)
    for one in copied:
        async for batch in target.rows(one.table, tables[one.table]):
            one.target.add(batch)
        if (one.target.rows, one.target.checksum) != (one.source.rows, one.source.checksum):
            raise StoreUnavailable(
                f"The table {one.table} has {one.target.rows} rows ({one.target}) in the copy and {one.source.rows} "
                f"({one.source}) in the source: nothing was kept of the copy.",
                hint="Copy again; if it happens again, check the disks and memory of both machines.",
            )
    await target.finish()
    return copied


async def check_level(source: End) -> None:
    """Raises `IllegalState` if the source is not at this program's schema."""
    known = migration.migrations("sqlite")[-1].number
    level = await source.schema_level()
    if not level:
        raise IllegalState(f"{source.name} holds no installation of Arkwright.")
    if level < known:
        raise IllegalState(
            f"{source.name} has schema version {level}; this program's is {known}.",
            hint="Bring it up to date first: arkwright db upgrade.",
        )
    if level > known:
        raise IllegalState(
            f"{source.name} has schema version {level}; this program knows {known}.",
            hint="Use the Arkwright that used it last.",
        )


async def check_free(end: End) -> None:
    running = await end.running()
    if running is not None:
        raise AlreadyExists(
            f"{end.name} is in use: {running}.", hint="Stop all servers on it first, so that nothing is left behind."
        )


async def _handed_over(
    source: End, table: str, columns: Sequence[str], until: int, digest: Digest
) -> AsyncGenerator[list[Row], None]:
    change, stays = moved(table, columns, until), skipped(table, columns)
    async for found in source.rows(table, columns):
        batch = found
        if stays is not None:
            batch = [row for row in batch if not stays(row)]
        if change is not None:
            batch = [change(row) for row in batch]
        digest.add(batch)
        yield batch


async def _told(
    batches: AsyncGenerator[list[Row], None], table: str, total: int, progress: Progress
) -> AsyncGenerator[list[Row], None]:
    rows = 0
    progress(table, 0, total)
    async for batch in batches:
        yield batch
        rows += len(batch)
        progress(table, rows, total)


async def _span(source: End, table: str, columns: Sequence[str]) -> tuple[int, int] | None:
    """From when to when its rows are."""
    low = high = None
    async for batch in source.rows(table, ("min(at_ms)", "max(at_ms)")):
        low, high = batch[0]
    return None if low is None or high is None else (low, high)
