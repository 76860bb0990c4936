"""The store on PostgreSQL, which several servers may share.

Theory of operation
-------------------
* One connection writes: whatever waits when it becomes free is one transaction (`store/group.py`). Readers have a
  small pool; a third connection listens for what other servers make known (`WAKE`, `IDENTITY`).
* Several processes write at once. They are kept apart by row locks: a tick locks its instances in the order of their
  ids before it compares them, counters are changed last and in the order of their keys, claims skip what others hold.
  Should two still lock crosswise, PostgreSQL ends one of them, and its group runs again, each time a little later; in
  the end its writers are told that nothing was written.
* A connection that was lost is replaced by the next call. A group that had not yet sent its COMMIT runs again, since
  nothing of it can be there.

Crash cases: when the connection is lost between COMMIT and its answer, nobody can know; the group's waiters get
`StoreUnavailable`, and find out by reading (or by idempotency key). Notifications that came while nobody listened are
made up for: a new listener wakes everybody once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]

from arkwright.errors import IllegalState, StoreUnavailable
from arkwright.store import group, migration
from arkwright.store.absence import Absence
from arkwright.store.migration import Migration
from arkwright.store.part_methods import PartMethods
from arkwright.store.postgres_connection import CONNECT_SECONDS, keep_settings, settings, without_password
from arkwright.store.postgres_failures import AGAIN, FAILURES, all_busy, as_ours, failure, gone
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
    ROOM,
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

log = logging.getLogger("arkwright.store")

READERS = 4
FROZEN_SECONDS = 15.0
LARGEST_GROUP = 1000
TRIES = 3
CROSSED_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.5)
"""Longest pauses before a group runs again that was ended in favour of others'."""
HEARING_SECONDS = 5.0
"""How often it is looked whether the connection that listens still hears: it says nothing by itself, so one whose
other end is gone without a word would be believed for ever."""
NAMED_JOBS = 400
"""Most jobs named by one notification, whose length PostgreSQL limits to 8,000 bytes."""
_CHANNELS = (WAKE, IDENTITY, NOTICE, RULES, SCHEDULES, SEALED, SLOTS, PLANNED, CANCELS, CHANGED, SERVERS, LEASES, ROOM)
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
        except Exception as caught:
            error = failure(caught, connection)


def _notifications(channels: set[str], sender: str) -> list[tuple[str, str]]:
    """(channel, payload) of what a group makes known. Jobs and places go together: a payload is bounded."""
    told = [(channel, sender) for channel in sorted(channels) if not channel.startswith(("planned ", "changed "))]
    for channel, ids in ((PLANNED, planned_jobs(channels)), (CHANGED, changed_places(channels))):
        if ids:
            named = " ".join(map(str, sorted(ids))) if len(ids) <= NAMED_JOBS else "*"
            told.append((channel, f"{sender} {named}"))
    return told


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
        self._settings = settings(frozen_seconds)
        self._absence = Absence()
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
            await migrate(self._connection, self._migrations, DIALECT, FAILURES)
            self._readers = await asyncpg.create_pool(
                self._address,
                min_size=0,  # a pool that keeps some connected tells of each that it can't replace
                max_size=READERS,
                reset=keep_settings,
                **self._settings,
            )
            await self._listen()
        except (*FAILURES, ValueError) as error:
            raise StoreUnavailable(
                f"{without_password(self._address)} can't be reached: {str(error) or type(error).__name__}.",
                hint="Is PostgreSQL running there, and is the address right? postgresql://USER:PASSWORD@HOST:5432/DATABASE",
            ) from error
        self._tasks.append(asyncio.create_task(self._write_groups(), name="arkwright-store-writer"))
        self._tasks.append(asyncio.create_task(self._check_hearing(), name="arkwright-store-hearing"))

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
                try:
                    results = await self._transact(writes, channels)
                except Exception as fault:  # a bug; the writers that come later must not wait for ever
                    log.exception("a group of %d writes failed", len(writes))
                    results = [fault] * len(writes)
                group.answer(writes, results)
                self._made_known(channels)
            if self._closing:
                return

    async def _transact(self, writes: Sequence[Write], channels: set[str]) -> list[Any]:
        """Commit a group; answers a result or an error per writer."""
        run = group.together
        broken = crossed = 0
        while True:
            committing = False
            channels.clear()
            try:
                if gone(self._connection):
                    self._connection = await self._connect()
            except Exception as unreached:  # whatever it is
                return [self._absence.met(unreached)] * len(writes)
            connection = self._connection
            try:
                await connection.execute("BEGIN")
                results = await drive(connection, run(writes, channels))
                ended = next((each for each in results if isinstance(each, AGAIN)), None)
                if ended is not None and crossed < len(CROSSED_SECONDS):
                    raise ended
                for channel, told in _notifications(channels, str(self._session)):
                    await connection.execute("SELECT pg_notify($1, $2)", channel, told)
                committing = True
                # A transaction that had failed would be rolled back here without an error.
                if await connection.execute("COMMIT") != "COMMIT":
                    raise asyncpg.InterfaceError("the transaction had failed before its commit")
                self._absence.over()
                return [as_ours(r) if isinstance(r, BaseException) else r for r in results]
            except Exception as raised:
                caught: Exception = failure(raised, connection) if gone(connection) else raised
                usable = await self._roll_back()
                channels.clear()
                if committing:
                    self._in_doubt()
                if isinstance(caught, AGAIN) and crossed < len(CROSSED_SECONDS):
                    await asyncio.sleep(CROSSED_SECONDS[crossed] * random.uniform(0.5, 1))  # noqa: S311
                    crossed += 1
                    continue
                if not usable and not committing and broken < TRIES - 1:
                    broken += 1
                    continue
                error = as_ours(caught)
                if not usable and isinstance(error, StoreUnavailable):
                    error = self._absence.met(caught)
                if len(writes) == 1 or group.is_of_all(error) or run is group.one_by_one:
                    return [error] * len(writes)
                run = group.one_by_one

    async def _roll_back(self) -> bool:
        """Whether the connection can be used again."""
        connection = self._connection
        if gone(connection):
            return False
        try:
            await connection.execute("ROLLBACK", timeout=5)
        except Exception:  # whatever it is: this connection is of no use
            connection.terminate()
            return False
        return True

    # ---------------------------------------------------------------- reading

    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T:
        if self._readers is None:
            raise StoreUnavailable("The store is not open.")
        tries = 0
        while True:
            lost, tries = True, tries + 1
            try:
                async with self._readers.acquire(timeout=CONNECT_SECONDS) as connection:
                    lost = False
                    try:
                        if snapshot:
                            async with connection.transaction(isolation="repeatable_read", readonly=True):
                                found = await drive(connection, work())
                        else:
                            found = await drive(connection, work())
                    except Exception as raised:
                        error = failure(raised, connection)
                        lost = gone(connection)
                        # A connection that broke is replaced; reading again changes nothing.
                        if tries < TRIES and (lost or isinstance(error, AGAIN)):
                            continue
                        raise error from raised.__cause__
                self._absence.over()
                return found
            except Exception as error:
                busy = all_busy(error, self._readers) if lost else None
                raise busy or (self._absence.met(error) if lost and not self._closing else as_ours(error)) from error

    # ---------------------------------------------------------------- listening

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            for channel in _CHANNELS:
                await connection.add_listener(channel, self._heard)
            if gone(connection):  # nobody would tell of that
                raise asyncpg.ConnectionDoesNotExistError("the connection was lost while it began to listen")
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

    async def _check_hearing(self) -> None:
        while True:
            await asyncio.sleep(HEARING_SECONDS)
            connection = self._listener
            if gone(connection):
                continue  # it is being replaced
            try:
                await connection.execute("SELECT 1", timeout=2 * HEARING_SECONDS)
            except Exception:
                connection.terminate()  # which has it replaced

    async def _listen_again(self) -> None:
        tries = 0
        while True:
            try:
                await self._listen()
            except Exception as error:
                self._absence.met(error)
                await asyncio.sleep(_RECONNECT_SECONDS[min(tries, len(_RECONNECT_SECONDS) - 1)])
                tries += 1
                continue
            break
        self._absence.over()
        self._tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        # Whatever was made known meanwhile was missed.
        self._made_known({WAKE, NOTICE, RULES, SCHEDULES, SEALED, SLOTS, ANY_PLANNED, CANCELS, SERVERS, LEASES, ROOM})
        self._foreign_changes(None)
        self._identity_changed()

    # ---------------------------------------------------------------- care

    async def backup(self, target: str) -> None:
        raise IllegalState(
            "A PostgreSQL database is not backed up as a file of its own.",
            hint="Use arkwright backup --database-url, or PostgreSQL's own tools, such as pg_dump.",
        )


async def _close(closing: Coroutine[Any, Any, Any], terminate: Callable[[], None]) -> None:
    try:
        await closing
    except FAILURES:
        with contextlib.suppress(*FAILURES):
            terminate()
