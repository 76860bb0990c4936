"""The store on PostgreSQL, which several servers may share.

Theory of operation
-------------------
* One connection writes: whatever waits when it becomes free is one transaction (`store/group.py`). Readers have a
  small pool; a third connection listens for what other servers make known (`WAKE`, `IDENTITY`).
* Several processes write at once. They are kept apart by row locks: a tick locks its instances in the order of their
  ids before it compares them, counters are changed last and in the order of their keys, claims skip what others hold.
  Should two still lock crosswise, PostgreSQL ends one of them, and its group runs again.
* A connection that was lost is replaced by the next call. A group that had not yet sent its COMMIT runs again, since
  nothing of it can be there.

Crash cases: when the connection is lost between COMMIT and its answer, nobody can know; the group's waiters get
`StoreUnavailable`, and find out by reading (or by idempotency key). Notifications that came while nobody listened are
made up for: a new listener wakes everybody once.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]

from arkwright.errors import AlreadyExists, ArkwrightError, IllegalState, InvalidInput, StoreUnavailable
from arkwright.store import group, migration, partitions
from arkwright.store.migration import Migration
from arkwright.store.sql_store import SqlStore
from arkwright.store.work import (
    ANY_PLANNED,
    IDENTITY,
    MANY,
    NOTICE,
    ONE,
    PLANNED,
    RULES,
    SCHEDULES,
    SLOTS,
    WAKE,
    Dialect,
    Work,
    Write,
    planned_jobs,
)

T = TypeVar("T")

READERS = 4
CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0
LARGEST_GROUP = 1000
TRIES = 3
NAMED_JOBS = 400
"""Most jobs named by one notification, whose length PostgreSQL limits to 8,000 bytes."""
_RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MIGRATION_LOCK = 0x41524B57  # any number that nobody else is likely to lock

DIALECT = Dialect(
    {
        "{for_update}": "FOR UPDATE",
        "{skip_locked}": "FOR UPDATE SKIP LOCKED",
        # An array, so that an index is entered once per id.
        "{in_ids}": "= ANY (ARRAY(SELECT CAST(v AS bigint) FROM jsonb_array_elements_text(CAST(? AS jsonb)) AS t(v)))",
        "{ranges}": "(SELECT CAST(v ->> 0 AS bigint) AS low, CAST(v ->> 1 AS bigint) AS high "
        "FROM jsonb_array_elements(CAST(? AS jsonb)) AS t(v))",
        # OFFSET 0 keeps the planner from reading everything once and comparing it with all ranges.
        "{per_range}": "LATERAL (SELECT * FROM",
        "{/per_range}": "OFFSET 0) AS rows_of_range",
        "{contains}": "strpos(name_folded, ?) > 0",
    },
    numbered=True,
)
_translate = DIALECT.translate

# What a driver call can raise when it is not a bug of ours.
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError)
_AGAIN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,
)


async def drive(connection: Any, work: Work[T]) -> T:
    """Do the work: run each statement it asks for. A statement's error is raised inside the work first."""
    rows: Any = None
    error: BaseException | None = None
    while True:
        try:
            if error is None:
                text, params, mode = work.send(rows)
            else:
                failed, error = error, None
                text, params, mode = work.throw(failed)
        except StopIteration as stop:
            result: T = stop.value
            return result
        text = _translate(text)
        try:
            if mode == ONE:
                rows = await connection.fetch(text, *params)
            elif mode == MANY:
                await connection.executemany(text, params)
                rows = ()
            else:
                rows = await connection.fetchmany(text, params)
        except _FAILURES as caught:
            error = caught


def _as_ours(error: BaseException) -> BaseException:
    """A database error as one of ours; bugs stay what they are."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return AlreadyExists(f"The database refused the row: {error}.")
    # The second is the driver's own refusal to encode a value.
    if isinstance(error, asyncpg.DataError) or (
        isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    ):
        return InvalidInput(f"The database can't hold a value: {error}.")
    if isinstance(error, _FAILURES):
        return StoreUnavailable(f"The database can't be used: {str(error) or type(error).__name__}.")
    return error


def _notifications(channels: set[str], sender: str) -> list[tuple[str, str]]:
    """(channel, payload) of what a group makes known. Jobs go together: a payload is bounded."""
    jobs = planned_jobs(channels)
    told = [(channel, sender) for channel in sorted(channels) if not channel.startswith("planned ")]
    if jobs:
        named = " ".join(map(str, sorted(jobs))) if len(jobs) <= NAMED_JOBS else "*"
        told.append((PLANNED, f"{sender} {named}"))
    return told


async def _keep_settings(connection: Any) -> None:
    """Nothing here changes a connection's settings, so nothing is put back when it returns to the pool."""


class PostgresStore(SqlStore):
    """`arkwright.store.base.Store` on PostgreSQL."""

    _alone = False

    def __init__(self, address: str, *, migrations: Sequence[Migration] | None = None) -> None:
        super().__init__()
        self._address = address
        self._migrations = migration.migrations("postgres") if migrations is None else migrations
        self._queue: list[Write] = []
        self._arrived = asyncio.Event()
        self._closing = True
        self._connection: Any = None
        self._readers: Any = None
        self._listener: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    # ---------------------------------------------------------------- life

    async def _start(self) -> None:
        self._queue, self._arrived, self._closing = [], asyncio.Event(), False
        try:
            self._connection = await self._connect()
            await migrate(self._connection, self._migrations)
            self._readers = await asyncpg.create_pool(
                self._address,
                min_size=1,
                max_size=READERS,
                reset=_keep_settings,
                **_connection_settings(),
            )
            await self._listen()
        except (*_FAILURES, ValueError) as error:
            raise StoreUnavailable(f"PostgreSQL can't be reached: {str(error) or type(error).__name__}.") from error
        self._tasks.append(asyncio.create_task(self._write_groups(), name="arkwright-store-writer"))

    async def _connect(self) -> Any:
        return await asyncpg.connect(self._address, **_connection_settings())

    async def _stop(self) -> None:
        self._closing = True
        self._arrived.set()
        writer = [task for task in self._tasks if task.get_name() == "arkwright-store-writer"]
        for task in self._tasks:
            if task not in writer:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for connection in (self._connection, self._listener):
            if connection is not None and not connection.is_closed():
                await _close(connection.close(timeout=5), connection.terminate)
        self._connection = self._listener = None
        if self._readers is not None:
            await _close(asyncio.wait_for(self._readers.close(), 5), self._readers.terminate)
            self._readers = None

    # ---------------------------------------------------------------- writing

    def _submit(self, write: Write) -> None:
        if self._closing:
            raise StoreUnavailable("The store is not open.")
        self._queue.append(write)
        self._arrived.set()

    async def _write_groups(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                writes = self._queue[:LARGEST_GROUP]
                del self._queue[:LARGEST_GROUP]
                channels: set[str] = set()
                results = await self._transact(writes, channels)
                group.answer(writes, results)
                self._made_known(channels)
            if self._closing:
                return

    async def _transact(self, writes: Sequence[Write], channels: set[str]) -> list[Any]:
        """Commit a group; answers a result or an error per writer."""
        run = group.together
        for _ in range(TRIES):
            committing = False
            channels.clear()
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
            except (*_FAILURES, ValueError) as caught:
                return [_as_ours(caught)] * len(writes)
            connection = self._connection
            try:
                await connection.execute("BEGIN")
                results = await drive(connection, run(writes, channels))
                for channel, told in _notifications(channels, str(self._session)):
                    await connection.execute("SELECT pg_notify($1, $2)", channel, told)
                committing = True
                # A transaction that had failed would be rolled back here without an error.
                if await connection.execute("COMMIT") != "COMMIT":
                    raise asyncpg.InterfaceError("the transaction had failed before its commit")
                return [_as_ours(r) if isinstance(r, BaseException) else r for r in results]
            except Exception as caught:
                usable = await self._roll_back()
                channels.clear()
                if committing:
                    self._in_doubt()
                error = _as_ours(caught)
                failed: list[Any] = [error] * len(writes)
                if isinstance(caught, _AGAIN) or (not usable and not committing):
                    continue
                if len(writes) == 1 or isinstance(error, StoreUnavailable) or run is group.one_by_one:
                    return failed
                run = group.one_by_one
        return failed

    async def _roll_back(self) -> bool:
        """Whether the connection can be used again."""
        connection = self._connection
        if connection is None or connection.is_closed():
            return False
        try:
            await connection.execute("ROLLBACK", timeout=5)
        except _FAILURES:
            connection.terminate()
            return False
        return True

    # ---------------------------------------------------------------- reading

    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T:
        if self._readers is None:
            raise StoreUnavailable("The store is not open.")
        tries = 0
        while True:
            tries += 1
            try:
                async with self._readers.acquire(timeout=CONNECT_SECONDS) as connection:
                    try:
                        if not snapshot:
                            return await drive(connection, work())
                        async with connection.transaction(isolation="repeatable_read", readonly=True):
                            return await drive(connection, work())
                    except _FAILURES as error:
                        # A connection that broke is replaced; reading again changes nothing.
                        if tries < TRIES and (connection.is_closed() or isinstance(error, _AGAIN)):
                            continue
                        raise
            except _FAILURES as error:
                raise _as_ours(error) from error

    # ---------------------------------------------------------------- listening

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            await connection.add_listener(WAKE, self._heard)
            for channel in (IDENTITY, NOTICE, RULES, SCHEDULES, SLOTS, PLANNED):
                await connection.add_listener(channel, self._heard)
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(self._deaf)
        self._listener = connection

    def _heard(self, connection: Any, process: int, channel: str, sender: object) -> None:
        sender, *jobs = str(sender).split()
        if sender == str(self._session):
            return
        if channel == IDENTITY:
            self._identity_changed()
        else:
            self._made_known({f"planned {each}" for each in jobs} if channel == PLANNED else {channel})

    def _deaf(self, connection: Any) -> None:
        if not self._closing and connection is self._listener:
            self._tasks.append(asyncio.create_task(self._listen_again(), name="arkwright-store-listener"))

    async def _listen_again(self) -> None:
        tries = 0
        while True:
            try:
                await self._listen()
            except _FAILURES:
                await asyncio.sleep(_RECONNECT_SECONDS[min(tries, len(_RECONNECT_SECONDS) - 1)])
                tries += 1
                continue
            break
        self._tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        # Whatever was made known meanwhile was missed.
        self._made_known({WAKE, NOTICE, RULES, SCHEDULES, SLOTS, ANY_PLANNED})
        self._identity_changed()

    # ---------------------------------------------------------------- care

    async def prepare_history(self, *, now_ms: int) -> None:
        await self._write(lambda transaction: partitions.prepare(transaction, now_ms))

    async def backup(self, target: str) -> None:
        raise IllegalState(
            "A PostgreSQL database is not backed up by Arkwright.", hint="Use PostgreSQL's own tools, such as pg_dump."
        )


def _connection_settings() -> dict[str, Any]:
    return {
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "statement_cache_size": 500,
        "max_cached_statement_lifetime": 0,
        "server_settings": {
            "application_name": "arkwright",
            "synchronous_commit": "on",
            # A frozen process must not hold its rows for ever.
            "idle_in_transaction_session_timeout": "60000",
            # Compiling costs more than any of these statements takes.
            "jit": "off",
        },
    }


async def _close(closing: Coroutine[Any, Any, Any], terminate: Callable[[], None]) -> None:
    try:
        await closing
    except _FAILURES:
        with contextlib.suppress(*_FAILURES):
            terminate()


async def migrate(connection: Any, known: Sequence[Migration]) -> None:
    """Bring the schema to this program's version, in one transaction. Servers that start together take turns."""
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, name text NOT NULL)"
            )
            applied = await connection.fetchval("SELECT coalesce(max(version), 0) FROM schema_version")
            for step in migration.outstanding(known, applied):
                for statement in step.statements():
                    await connection.execute(statement)
                await connection.execute("INSERT INTO schema_version VALUES ($1, $2)", step.number, step.name)
            await connection.execute(
                "INSERT INTO installation (name, value) VALUES ('id', $1) ON CONFLICT DO NOTHING", uuid.uuid4().hex
            )
    except ArkwrightError:
        raise
    except _FAILURES as error:
        raise StoreUnavailable(f"The database's schema can't be brought up to date: {error}.") from error
