# ruff: noqa: S608 -- names of tables and columns come from the schema itself
"""A PostgreSQL database as an end of a copy (`copy_ends`).

It is read in one transaction that sees one moment, so servers may go on; it is written in one transaction, so that the
copy is there as a whole or not at all, and rows go in by COPY.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]

from arkwright.errors import AlreadyExists, StoreUnavailable
from arkwright.store import migration, partitions
from arkwright.store.copy_ends import BATCH, LIVING, REPLACED, Row, refused, source
from arkwright.store.postgres import DIALECT, drive
from arkwright.store.postgres_connection import without_password
from arkwright.store.postgres_schema import migrate
from arkwright.store.work import Work

T = TypeVar("T")
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_TABLES = """
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2"""
_IDENTITIES = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND is_identity = 'YES'"""
_SERVERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'arkwright' AND pid <> pg_backend_pid()"""


class PostgresEnd:
    def __init__(self, address: str, *, target: bool = False) -> None:
        self.name = without_password(address)
        self._address = address
        self._target = target
        self._connection: Any = None
        self._transaction: Any = None

    async def open(self) -> None:
        try:
            self._connection = await asyncpg.connect(
                self._address,
                timeout=10,
                server_settings={"application_name": "arkwright-copy", "jit": "off", "cursor_tuple_fraction": "1"},
            )
            if not self._target:
                await self._begin("repeatable_read", readonly=True)
        except asyncpg.InvalidCatalogNameError as error:
            raise StoreUnavailable(
                f"There is no database {self.name}.", hint="Make it first, as with PostgreSQL's createdb."
            ) from error
        except ValueError as error:
            raise StoreUnavailable(
                f"The address {self.name} can't be read: {error}.", hint="It is postgresql://USER@HOST:PORT/DATABASE."
            ) from error
        except FAILURES as error:
            raise StoreUnavailable(
                f"The database {self.name} can't be reached: {str(error) or type(error).__name__}.",
                hint="Look at host, port, user and password of its URL, and whether PostgreSQL runs there.",
            ) from error

    async def _begin(self, isolation: str, *, readonly: bool = False) -> None:
        self._transaction = self._connection.transaction(isolation=isolation, readonly=readonly)
        await self._transaction.start()

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()  # what was not committed is rolled back
            self._connection = None

    async def schema_level(self) -> int:
        if not await self._fetchval("SELECT to_regclass('schema_version') IS NOT NULL"):
            return 0
        level: int = await self._fetchval("SELECT coalesce(max(version), 0) FROM schema_version")
        return level

    async def tables(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for table, column in await self._connection.fetch(_TABLES):
            if table not in LIVING:
                found.setdefault(table, []).append(column)
        return {table: sorted(columns) for table, columns in found.items()}

    async def count(self, table: str) -> int:
        found: int = await self._fetchval(f"SELECT count(*) FROM {source(table)}")
        return found

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncGenerator[list[Row], None]:
        try:
            cursor = await self._connection.cursor(f"SELECT {', '.join(columns)} FROM {source(table)}")
            while batch := await cursor.fetch(BATCH):
                yield [tuple(row) for row in batch]
        except FAILURES as error:
            raise StoreUnavailable(f"The database {self.name} failed: {error}.") from error

    async def value(self, name: str) -> str | None:
        found: str | None = await self._fetchval("SELECT value FROM installation WHERE name = $1", name)
        return found

    async def running(self) -> str | None:
        count = await self._fetchval(_SERVERS)
        return f"{count} connections of servers" if count else None

    async def do(self, work: Work[T]) -> T:
        try:
            return await drive(self._connection, work)
        except FAILURES as error:
            raise StoreUnavailable(f"The database {self.name} failed: {error}.") from error

    async def begin(self, spans: Mapping[str, tuple[int, int]]) -> None:
        if not await self.schema_level():
            for table in await self.tables():
                raise self._not_empty(f"it has the table {table}, which is not of Arkwright")
        await migrate(self._connection, migration.migrations("postgres"), DIALECT, FAILURES)
        await self._begin("read_committed")
        try:
            for table, columns in (await self.tables()).items():
                if columns and table not in REPLACED and await self.count(table):
                    raise self._not_empty(f"the table {table} has rows")
            for table in (*REPLACED, *LIVING - {"schema_version"}):
                await self._connection.execute(f"DELETE FROM {table}")
            for table, (low, high) in spans.items():
                await drive(self._connection, partitions.make(table, low, high))
        except FAILURES as error:
            raise StoreUnavailable(f"The database {self.name} failed: {error}.") from error

    def _not_empty(self, because: str) -> AlreadyExists:
        return AlreadyExists(
            f"The database {self.name} is not empty: {because}.",
            hint="A copy never mixes with what is there; name an empty database.",
        )

    async def write(self, table: str, columns: Sequence[str], batches: AsyncIterable[list[Row]]) -> None:
        async def records() -> AsyncGenerator[Row, None]:
            async for batch in batches:
                for row in batch:
                    yield row

        try:
            await self._connection.copy_records_to_table(table, records=records(), columns=list(columns), timeout=None)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, OverflowError, TypeError) as error:
            raise refused(self.name, table, error) from error
        except FAILURES as error:
            raise StoreUnavailable(f"The database {self.name} failed: {error}.") from error

    async def finish(self) -> None:
        try:
            for table, column in await self._connection.fetch(_IDENTITIES):
                await self._connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'),"
                    f" greatest(1, (SELECT coalesce(max({column}), 0) FROM {table})))"
                )
            await self._transaction.commit()
            await self._connection.execute("ANALYZE", timeout=None)
        except FAILURES as error:
            raise StoreUnavailable(f"The database {self.name} failed: {error}.") from error

    async def _fetchval(self, text: str, *params: object) -> Any:
        try:
            return await self._connection.fetchval(text, *params, timeout=None)
        except FAILURES as error:
            raise StoreUnavailable(f"The database {self.name} failed: {error}.") from error
