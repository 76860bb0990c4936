"""The embedded store: SQLite in WAL mode with synchronous=FULL, used by exactly one process.

Theory of operation
-------------------
* One writes at a time. Everything that waits when the last commit is over is one transaction (`store/group.py`) and
  one sync.
* A group of few rows is written and committed on the event loop's thread as long as the disk is quick: waking a thread
  and passing Python's lock to it and back costs more than such a commit (decision 0015). It never waits for a lock
  there. The writer thread takes what would hold up the loop: the groups of the next second after a slow commit, groups
  of many rows, ticks that follow each other closely (the next one gathers meanwhile), a group with a refusal in it, a
  file that another program has locked, and the checkpoint of the WAL.
* Readers have connections of their own, on a small pool of threads: in WAL mode they wait for nobody.
* The data folder's lock proves that no other server has the file open. Should some other program lock it (a shell, a
  copy tool), writers wait `BUSY_SECONDS` and are then refused with `StoreUnavailable`.

Crash cases: a commit that has returned is in the synced WAL; SQLite brings it in at the next open. One that has not
returned is there as a whole or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from arkwright.errors import AlreadyExists, StoreUnavailable
from arkwright.store import group, migration
from arkwright.store.migration import Migration
from arkwright.store.sql_store import SqlStore
from arkwright.store.sqlite_work import Wal, as_ours, checkpoint, drive, migrate
from arkwright.store.work import Transaction, Work, Write, one

T = TypeVar("T")

log = logging.getLogger("arkwright.store")

READERS = 2
BUSY_SECONDS = 10.0
LARGEST_GROUP = 1000
LARGEST_WAITED = 24
"""A group of so many is waited for no longer."""
LIGHT_ROWS = 64
"""Most rows that are written on the event loop's thread: about half a millisecond."""
SLOW_SECONDS = 0.003
"""A commit on the event loop's thread that takes longer …"""
THREAD_SECONDS = 1.0
"""… leaves the commits of so long to the writer thread."""
PAUSE_SECONDS = 0.001
"""Ticks closer than this to the last commit are left to the writer thread."""
OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_KEPT_WAL_BYTES = 64_000_000  # what a burst leaves behind is cut to this
_WRITER_CACHE_KB, _READER_CACHE_KB = 16_000, 8_000


class SqliteStore(SqlStore):
    """`arkwright.store.base.Store` in one SQLite file."""

    _alone = True

    def __init__(self, path: str | os.PathLike[str], *, migrations: Sequence[Migration] | None = None) -> None:
        super().__init__()
        self._path = Path(path)
        self._migrations = migration.migrations("sqlite") if migrations is None else migrations
        self.schema_level = self._migrations[-1].number
        self._gathered: list[Write] = []
        """Writers of the next group."""
        self._gathered_before = 0
        """How many there were a turn of the event loop ago."""
        self._queue: SimpleQueue[list[Write] | None] = SimpleQueue()
        """For the writer thread: groups; an empty one is a checkpoint."""
        self._busy = False
        """The writer thread has the connection."""
        self._handing_over = False
        """`_hand_over` is about to be called."""
        self._slow_until = 0.0
        self._last_commit = 0.0
        self._wal: Wal | None = None
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
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")  # see `checkpoint`
            self._wal = Wal(self._path)
            self._reading.extend(self._connect(_READER_CACHE_KB) for _ in range(READERS))
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"The database {self._path} can't be opened: {error}.") from error

    async def _stop(self) -> None:
        writer, readers = self._writer, self._readers
        self._writer = self._readers = None  # from now on nobody joins
        if readers is not None:
            while self._busy or self._gathered or self._handing_over:
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
        if self._wal is not None:
            self._wal.close()
            self._wal = None
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
        self._gathered.append(write)
        if not self._busy:
            self._hand_over_soon()

    @property
    def writers_waiting(self) -> int:
        return len(self._gathered)

    def _hand_over_soon(self) -> None:
        """Writers of one turn of the event loop go together: one commit."""
        if not self._handing_over:
            self._handing_over = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """The next group: whoever has come while the last one was being committed, or since. While each turn of the
        loop brings more, they are waited for: a larger group costs hardly more than a small one."""
        self._handing_over = False
        if self._busy:
            return
        if self._gathered_before < len(self._gathered) < LARGEST_WAITED:
            self._gathered_before = len(self._gathered)
            self._hand_over_soon()
            return
        self._gathered_before = 0
        assert self._wal is not None
        if self._wal.due():
            self._busy = True
            self._queue.put([])
        elif self._gathered:
            writes, self._gathered = self._gathered[:LARGEST_GROUP], self._gathered[LARGEST_GROUP:]
            if not (_light(writes) and self._write_here(writes)):
                self._busy = True
                self._queue.put(writes)
        if self._busy:
            return
        if self._gathered:
            self._hand_over_soon()
        elif self._idle is not None:
            self._idle.set()

    def _write_here(self, writes: Sequence[Write]) -> bool:
        """Commit a small group on this thread. False: nothing has happened, the writer thread is to do it."""
        begun = time.monotonic()
        busy = begun < self._last_commit + PAUSE_SECONDS and any(write.work is not None for write in writes)
        if begun < self._slow_until or busy:
            return False
        connection = self._connection
        assert connection is not None
        channels: set[str] = set()
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = drive(connection, group.together(writes, channels))
            begun = time.monotonic()
            connection.execute("COMMIT")
        except Exception:
            _roll_back(connection)
            return False
        now = self._last_commit = time.monotonic()
        if now - begun > SLOW_SECONDS:
            self._slow_until = now + THREAD_SECONDS
        self._answer(writes, results, channels)
        return True

    def _write_groups(self) -> None:
        """The writer thread."""
        loop = self._loop
        connection = self._connection
        assert loop is not None
        assert connection is not None
        while (writes := self._queue.get()) is not None:
            channels: set[str] = set()
            results: list[Any] = []
            if writes:
                results = _transact(connection, writes, channels)
            else:
                checkpoint(connection)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._committed, writes, results, channels)

    def _committed(self, writes: Sequence[Write], results: Sequence[Any], channels: set[str]) -> None:
        self._busy = False
        self._last_commit = time.monotonic()
        self._gathered_before = len(self._gathered)  # they have waited
        self._hand_over()  # first, so that the next commit goes on while these are answered
        self._answer(writes, results, channels)

    def _answer(self, writes: Sequence[Write], results: Sequence[Any], channels: set[str]) -> None:
        group.answer(writes, results)
        if channels:
            self._made_known(channels)

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
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise as_ours(error) from error
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
    rows = 0
    for write in writes:
        if write.rows is None:
            return False
        rows += write.rows
    return rows <= LIGHT_ROWS


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
            error = as_ours(caught)
            if len(writes) == 1 or group.is_of_all(error):
                return [error] * len(writes)
            failed: list[Any] = [error] * len(writes)
        else:
            return [as_ours(r) if isinstance(r, BaseException) else r for r in results]
    return failed
