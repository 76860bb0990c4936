"""The embedded store: SQLite in WAL mode with synchronous=FULL, used by exactly one process.

Theory of operation
-------------------
* One thread writes. Everything that waits when it becomes free is one transaction (`store/group.py`) and one sync;
  its waiters are answered by one call into the event loop.
* A small group of nothing but new instances is the exception: its rows are written on the event loop's thread (some
  microseconds each, and it never waits for a lock there), the writer thread only commits. Two threads that pass
  Python's lock to and fro for every row cost more than the rows (measured: a third of run-immediate's rate).
* Readers have connections of their own, on a small pool of threads: in WAL mode they wait for nobody.
* The data folder's lock proves that no other server has the file open. Should some other program lock it (a shell, a
  copy tool), writers wait `BUSY_SECONDS` and are then refused with `StoreUnavailable`.

Crash cases: a commit that has returned is in the synced WAL; SQLite brings it in at the next open. One that has not
returned is there as a whole or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from arkwright.errors import AlreadyExists, ArkwrightError, InvalidInput, StoreUnavailable
from arkwright.store import group, migration
from arkwright.store.migration import Migration
from arkwright.store.sql_store import SqlStore
from arkwright.store.work import MANY, ONE, Dialect, Transaction, Work, Write, one

T = TypeVar("T")

READERS = 2
BUSY_SECONDS = 10.0
LARGEST_GROUP = 1000
LIGHT_GROUP = 32
"""Largest group that is written on the event loop's thread: about half a millisecond."""
OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_CHECKPOINT_PAGES = 4000  # 16 MB of WAL: fewer, larger checkpoints
_KEPT_WAL_BYTES = 64_000_000  # what a burst leaves behind is cut to this
_WRITER_CACHE_KB, _READER_CACHE_KB = 16_000, 8_000

_Prepared = tuple[list[Any], set[str]]
"""Results per writer, and what is to be made known."""

DIALECT = Dialect(
    {
        "{for_update}": "",
        "{skip_locked}": "",
        "{in_ids}": "IN (SELECT value FROM json_each(?))",
        "{ranges}": "(SELECT json_extract(value, '$[0]') AS low, json_extract(value, '$[1]') AS high "
        "FROM json_each(?))",
        "{per_range}": "",
        "{/per_range}": "",
        "{contains}": "instr(name_folded, ?) > 0",
    },
    numbered=False,
)
_translate = DIALECT.translate


def drive(connection: sqlite3.Connection, work: Work[T]) -> T:
    """Do the work: run each statement it asks for. A statement's error is raised inside the work first."""
    rows: Any = None
    error: Exception | None = None
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
                rows = connection.execute(text, params).fetchall()
            elif mode == MANY:
                connection.executemany(text, params)
                rows = ()
            else:
                rows = [row for values in params for row in connection.execute(text, values).fetchall()]
        except (sqlite3.Error, OverflowError, ValueError) as caught:
            error = caught


def _as_ours(error: BaseException) -> BaseException:
    """A database error as one of ours; bugs stay what they are."""
    if isinstance(error, sqlite3.IntegrityError):
        return AlreadyExists(f"The database refused the row: {error}.")
    if isinstance(error, OverflowError):
        return InvalidInput("A number is too large for the database.")
    if isinstance(error, sqlite3.Error):
        return StoreUnavailable(f"The database can't be used: {error}.")
    return error


class SqliteStore(SqlStore):
    """`arkwright.store.base.Store` in one SQLite file."""

    _alone = True

    def __init__(self, path: str | os.PathLike[str], *, migrations: Sequence[Migration] | None = None) -> None:
        super().__init__()
        self._path = Path(path)
        self._migrations = migration.migrations("sqlite") if migrations is None else migrations
        self._gathered: list[Write] = []
        """Writers of this turn of the event loop."""
        self._queue: SimpleQueue[tuple[list[Write], _Prepared | None] | None] = SimpleQueue()
        self._busy = False
        """A group is with the writer thread."""
        self._idle: asyncio.Event | None = None
        self._writer: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reading: deque[sqlite3.Connection] = deque()

    # ---------------------------------------------------------------- life

    async def _start(self) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreUnavailable(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 is needed.")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="arkwright-store-reader")
        await self._on_reader(self._open_files)
        self._queue = SimpleQueue()
        self._writer = threading.Thread(target=self._write_groups, name="arkwright-store-writer", daemon=True)
        self._writer.start()

    def _connect(self, cache_kilobytes: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(f"PRAGMA cache_size = -{cache_kilobytes}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {_KEPT_WAL_BYTES}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_files(self) -> None:
        try:
            # Private from the start, whatever the folder's mode is; SQLite makes its other files alike.
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = self._connect(_WRITER_CACHE_KB)
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file; see `shrink`
            mode = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise StoreUnavailable(
                    f"SQLite can't use write-ahead logging at {self._path} (it answered {mode!r}).",
                    hint="Put the data folder on a local disk.",
                )
            migrate(self._connection, self._migrations)
            self._connection.execute("PRAGMA busy_timeout = 0")  # who may wait says so: `_begin`
            self._reading.extend(self._connect(_READER_CACHE_KB) for _ in range(READERS))
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"The database {self._path} can't be opened: {error}.") from error

    async def _stop(self) -> None:
        writer, readers = self._writer, self._readers
        self._writer = self._readers = None  # from now on nobody joins
        if readers is not None:
            self._hand_over()
            while self._busy or self._gathered:
                self._idle = asyncio.Event()
                await self._idle.wait()
            self._queue.put(None)
            await asyncio.to_thread(self._finish, writer, readers)

    def _finish(self, writer: threading.Thread | None, readers: ThreadPoolExecutor) -> None:
        if writer is not None:
            writer.join()
        readers.shutdown(wait=True)
        for reading in self._reading:
            reading.close()
        self._reading.clear()
        if self._connection is not None:
            self._connection.close()  # the last one to close checkpoints the WAL
            self._connection = None

    async def _on_reader(self, work: Callable[[], T]) -> T:
        if self._readers is None:
            raise StoreUnavailable("The store is not open.")
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    # ---------------------------------------------------------------- writing

    def _submit(self, write: Write) -> None:
        if self._writer is None:
            raise StoreUnavailable("The store is not open.")
        if not self._gathered and not self._busy:
            # Writers of one turn of the event loop go together: one commit.
            asyncio.get_running_loop().call_soon(self._hand_over)
        self._gathered.append(write)

    def _hand_over(self) -> None:
        """The next group: whoever has come while the last one was being committed, or in this turn of the loop."""
        if self._busy or not self._gathered:
            return
        self._busy = True
        writes, self._gathered = self._gathered[:LARGEST_GROUP], self._gathered[LARGEST_GROUP:]
        prepared = _prepare(self._connection, writes) if _light(writes) else None
        self._queue.put((writes, prepared))

    def _write_groups(self) -> None:
        """The writer thread."""
        loop = self._loop
        connection = self._connection
        assert loop is not None
        assert connection is not None
        while (task := self._queue.get()) is not None:
            writes, prepared = task
            channels: set[str] = set()
            if prepared is None:
                results = _transact(connection, writes, channels)
            else:
                results = _commit(connection, prepared, channels)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._committed, writes, results, channels)

    def _committed(self, writes: Sequence[Write], results: Sequence[Any], channels: set[str]) -> None:
        self._busy = False
        self._hand_over()  # first, so that the next commit goes on while these are answered
        group.answer(writes, results)
        self._made_known(channels)
        if not self._busy and not self._gathered and self._idle is not None:
            self._idle.set()

    # ---------------------------------------------------------------- reading

    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T:
        return await self._on_reader(lambda: self._do_read(work, snapshot))

    def _do_read(self, work: Callable[[], Work[T]], snapshot: bool) -> T:
        connection = self._reading.pop()  # as many as there are threads
        try:
            if not snapshot:
                return drive(connection, work())
            connection.execute("BEGIN")
            try:
                return drive(connection, work())
            finally:
                connection.execute("COMMIT")
        except (sqlite3.Error, OverflowError) as error:
            raise _as_ours(error) from error
        finally:
            self._reading.append(connection)

    # ---------------------------------------------------------------- care

    async def shrink(self, *, pages: int) -> None:
        def work(transaction: Transaction) -> Work[None]:
            for _ in range(pages):  # the driver takes one step of it, which is one page
                if not (yield one("PRAGMA freelist_count"))[0][0]:
                    return
                yield one("PRAGMA incremental_vacuum(1)")

        await self._write(work)

    async def backup(self, target: str) -> None:
        await self._on_reader(lambda: self._back_up(Path(target)))

    def _back_up(self, target: Path) -> None:
        """Written beside the target and renamed when it is whole, so that half a backup never looks like one."""
        if os.path.lexists(target):
            raise AlreadyExists(f"{target} exists already.", hint="A backup never overwrites a file.")
        unfinished = target.with_name(f"{target.name}.{uuid.uuid4().hex}.unfinished")
        try:
            # Private from the start: it holds what the data folder holds. SQLite accepts an empty file.
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            connection = self._connect(_READER_CACHE_KB)
            try:
                connection.execute("VACUUM INTO ?", (str(unfinished),))
            finally:
                connection.close()
            _sync(unfinished)
            unfinished.rename(target)
            _sync(target.parent)
        except (sqlite3.Error, OSError) as error:
            unfinished.unlink(missing_ok=True)
            raise StoreUnavailable(f"The backup to {target} failed: {error}.") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _light(writes: Sequence[Write]) -> bool:
    return len(writes) <= LIGHT_GROUP and all(write.work is None for write in writes)


def _prepare(connection: sqlite3.Connection | None, writes: Sequence[Write]) -> _Prepared | None:
    """Everything of a small group but its commit. None: the writer thread is to begin anew."""
    assert connection is not None
    channels: set[str] = set()
    try:
        connection.execute("BEGIN IMMEDIATE")
        return drive(connection, group.together(writes, channels)), channels
    except Exception:
        _roll_back(connection)
        return None


def _commit(connection: sqlite3.Connection, prepared: _Prepared, channels: set[str]) -> list[Any]:
    results, made_known = prepared
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _roll_back(connection)
        return [_as_ours(error)] * len(results)
    channels |= made_known
    return results


def _begin(connection: sqlite3.Connection) -> None:
    """Waits for another program that holds the lock."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            connection.execute("PRAGMA busy_timeout = 0")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _transact(connection: sqlite3.Connection, writes: Sequence[Write], channels: set[str]) -> list[Any]:
    """Commit a group; answers a result or an error per writer. Never raises."""
    for run in (group.together, group.one_by_one):
        channels.clear()
        try:
            _begin(connection)
            results = drive(connection, run(writes, channels))
            connection.execute("COMMIT")
        except BaseException as caught:
            _roll_back(connection)
            channels.clear()
            error = _as_ours(caught)
            if len(writes) == 1 or isinstance(error, StoreUnavailable):
                return [error] * len(writes)
            failed: list[Any] = [error] * len(writes)
        else:
            return [_as_ours(r) if isinstance(r, BaseException) else r for r in results]
    return failed


def migrate(connection: sqlite3.Connection, known: Sequence[Migration]) -> None:
    """Bring the schema to this program's version, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL)"
        )
        applied = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0]
        for step in migration.outstanding(known, applied):
            for statement in step.statements():
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version VALUES (?, ?)", (step.number, step.name))
        connection.execute(
            "INSERT INTO installation (name, value) VALUES ('id', ?) ON CONFLICT DO NOTHING", (uuid.uuid4().hex,)
        )
        connection.execute("COMMIT")
    except BaseException as error:
        connection.execute("ROLLBACK")
        if isinstance(error, ArkwrightError):
            raise
        raise StoreUnavailable(f"The database's schema can't be brought up to date: {error}.") from error
