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
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]

from arkwright.errors import AlreadyExists, IllegalState, InvalidInput, StoreUnavailable
from arkwright.store import group, migration
from arkwright.store.migration import Migration
from arkwright.store.part_methods import PartMethods
from arkwright.store.postgres_schema import migrate
from arkwright.store.sql_store import SqlStore
from arkwright.store.work import (
    ANY_PLANNED,
    CANCELS,
    CHANGED,
    IDENTITY,
    LEASES,
    MANY,
    NOTICE,
    ONE,
    PLANNED,
    RULES,
    SCHEDULES,
    SEALED,
    SERVERS,
    SLOTS,
    WAKE,
    Dialect,
    Work,
    Write,
    changed_places,
    planned_jobs,
)

T = TypeVar("T")

READERS = 4
FROZEN_SECONDS = 15.0
CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0
LARGEST_GROUP = 1000
TRIES = 3
NAMED_JOBS = 400
"""Most jobs named by one notification, whose length PostgreSQL limits to 8,000 bytes."""
_CHANNELS = (WAKE, IDENTITY, NOTICE, RULES, SCHEDULES, SEALED, SLOTS, PLANNED, CANCELS, CHANGED, SERVERS, LEASES)
_RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

DIALECT = Dialect(
    {
        "{now_ms}": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
        "{for_update}": "FOR UPDATE",
        "{for_share}": "FOR SHARE",
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
_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection broke in the middle of an answer
    OSError,
    asyncio.TimeoutError,
)
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
    """(channel, payload) of what a group makes known. Jobs and places go together: a payload is bounded."""
    told = [(channel, sender) for channel in sorted(channels) if not channel.startswith(("planned ", "changed "))]
    for channel, ids in ((PLANNED, planned_jobs(channels)), (CHANGED, changed_places(channels))):
        if ids:
            named = " ".join(map(str, sorted(ids))) if len(ids) <= NAMED_JOBS else "*"
            told.append((channel, f"{sender} {named}"))
    return told


async def _keep_settings(connection: Any) -> None:
    """Nothing here changes a connection's settings, so nothing is put back when it returns to the pool."""


class PostgresStore(PartMethods, SqlStore):
    """`arkwright.store.base.Store` on PostgreSQL."""

    _alone = False

    def __init__(
        self,
        address: str,
        *,
        migrations: Sequence[Migration] | None = None,
        frozen_seconds: float = FROZEN_SECONDS,
    ) -> None:
        """`frozen_seconds`: how long a process that says nothing may hold a transaction open, and rows with it."""
        super().__init__()
        self._settings = _connection_settings(frozen_seconds)
        self._address = address
        self._migrations = migration.migrations("postgres") if migrations is None else migrations
        self.schema_level = self._migrations[-1].number
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
            await migrate(self._connection, self._migrations, DIALECT, _FAILURES)
            self._readers = await asyncpg.create_pool(
                self._address,
                min_size=1,
                max_size=READERS,
                reset=_keep_settings,
                **self._settings,
            )
            await self._listen()
        except (*_FAILURES, ValueError) as error:
            raise StoreUnavailable(f"PostgreSQL can't be reached: {str(error) or type(error).__name__}.") from error
        self._tasks.append(asyncio.create_task(self._write_groups(), name="arkwright-store-writer"))

    async def _connect(self) -> Any:
        return await asyncpg.connect(self._address, **self._settings)

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

    @property
    def writers_waiting(self) -> int:
        return len(self._queue)

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
                if len(writes) == 1 or group.is_of_all(error) or run is group.one_by_one:
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
            for channel in _CHANNELS:
                await connection.add_listener(channel, self._heard)
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(self._deaf)
        self._listener = connection

    def _heard(self, connection: Any, process: int, channel: str, sender: object) -> None:
        sender, *ids = str(sender).split()
        if sender == str(self._session):
            return
        if channel == IDENTITY:
            self._identity_changed()
        elif channel == CHANGED:
            self._foreign_changes(None if ids == ["*"] else frozenset(map(int, ids)))
        else:
            self._made_known({f"planned {each}" for each in ids} if channel == PLANNED else {channel})

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
        self._made_known({WAKE, NOTICE, RULES, SCHEDULES, SEALED, SLOTS, ANY_PLANNED, CANCELS, SERVERS, LEASES})
        self._foreign_changes(None)
        self._identity_changed()

    # ---------------------------------------------------------------- care

    async def backup(self, target: str) -> None:
        raise IllegalState(
            "A PostgreSQL database is not backed up as a file of its own.",
            hint="Use arkwright backup --database-url, or PostgreSQL's own tools, such as pg_dump.",
        )


def _connection_settings(frozen_seconds: float) -> dict[str, Any]:
    return {
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "statement_cache_size": 500,
        "max_cached_statement_lifetime": 0,
        "server_settings": {
            "application_name": "arkwright",
            "synchronous_commit": "on",
            # A frozen process must not keep others from taking over.
            "idle_in_transaction_session_timeout": str(int(frozen_seconds * 1000)),
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
