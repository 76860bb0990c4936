"""The DuckDB database of one workspace, and how an attempt runs in it exactly once.

Theory of operation
-------------------
One process owns `<workspace>/warehouse.duckdb`; attempts run side by side in it, each on a connection and a thread of
its own. An attempt is **one transaction**: its statements, and then one row into `arkwright.attempt` with its key and
its result. So whoever opens the database later knows for sure: the row is there, then all of it has happened and this
was the result; it isn't, then nothing of it has. (COPY … TO writes files, which no transaction covers; a repeat
overwrites them.)

* Optimistic concurrency: DuckDB fails the later of two transactions that touch the same rows or the same definition.
  Nothing of it is committed then, so it is begun again after a short random pause, up to `CONFLICT_TRIES` times.
* A stop interrupts what runs, again and again until it is noticed, and never once the commit has begun: then the
  attempt has succeeded.
* A commit that fails without saying that it did nothing is looked up in the table. A database that DuckDB itself
  has given up (`FatalException`) ends the process: the next one opens it anew, and asks for each attempt.

Lock-down, before the first statement and then locked: no files but those below `<workspace>/files`, which is also the
working folder, so that `read_csv('x.csv')` is a file there; no extensions; memory and threads bounded. The kernel
holds the same line beneath it where it can (`duckdb_confine`).

Rows of `arkwright.attempt` are kept for `KEPT_DAYS`, far longer than a recall can come late.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from arkwright.nodes.duckdb_confine import confine_thread, libraries, outward_link
from arkwright.nodes.duckdb_statements import CHANGING, Statement, StatementRefused, as_table, shorten, split
from arkwright.nodes.duckdb_text import ROWS, TABLE_ROWS, as_text, table, two_dimensional

FILE = "warehouse.duckdb"
FILES = "files"
CONFLICT_TRIES = 12
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0
KEPT_DAYS = 30
SIDE_BY_SIDE = 64

_CREATE_RECORDS = (
    "CREATE SCHEMA IF NOT EXISTS arkwright; CREATE TABLE IF NOT EXISTS warehouse.arkwright.attempt"
    " (key VARCHAR PRIMARY KEY, committed TIMESTAMP NOT NULL, output VARCHAR, row_count BIGINT)"
)
_FORGET_OLD = "DELETE FROM warehouse.arkwright.attempt WHERE committed < now()::TIMESTAMP - to_days(?)"
_RECORD = "INSERT INTO warehouse.arkwright.attempt VALUES (?, now()::TIMESTAMP, ?, ?)"
_RECORDED = "SELECT output, row_count FROM warehouse.arkwright.attempt WHERE key = ?"

_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)

Say = Callable[[str], None]
Cleaned = Callable[[str], str]
"""Takes secrets out of a text that is to be kept or logged."""


class Stopped(Exception):
    """The attempt was stopped, and nothing of it was committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    output: str | None
    """2-D text of the last result; None: no statement gave one."""
    rows: int | None
    """Rows in `output`, or changed by the last statement that changes rows."""
    columns: tuple[str, ...] = ()
    """Names of the columns of `output`; empty also where the result is known from an earlier life of the attempt."""


class Stop:
    """A request to stop one attempt, from any thread."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def interrupt(self) -> None:
        """Call again until the attempt has ended: what is interrupted between two statements doesn't notice."""
        with self._lock:
            self.requested.set()
            if self._connection is not None:
                self._connection.interrupt()

    def guard(self, connection: duckdb.DuckDBPyConnection) -> None:
        """From here on `interrupt` reaches this connection."""
        with self._lock:
            self._connection = connection
        self.check()

    def unguard(self) -> None:
        with self._lock:
            self._connection = None

    def check(self) -> None:
        if self.requested.is_set():
            raise Stopped


class Warehouse:
    def __init__(self, folder: Path, *, memory_limit_bytes: int, threads: int) -> None:
        self._path = folder / FILE
        self.files = folder / FILES
        self._memory_limit_bytes = memory_limit_bytes
        self._threads = threads
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._confined = True
        self.files.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="sql", initializer=self._confine)
        """The only threads in which the methods below may be called."""

    def _confine(self) -> None:
        if not confine_thread(writable=[self._path.parent], readable=libraries()):
            self._confined = False

    def close(self) -> None:
        """Wait for what runs, and leave a database that opens fast."""
        self.pool.shutdown(wait=True)
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def recall(self, key: str) -> Result | None:
        """The result of an attempt that was committed."""
        with self._connect() as connection:
            return _recorded(connection, key)

    def run(
        self, key: str, script: str, schema: str, say: Say, stop: Stop, cleaned: Cleaned = lambda text: text
    ) -> Result:
        """Run a script as the attempt `key`. If that attempt was committed before, its result is returned.

        Raises `StatementRefused`, `Stopped`, and `duckdb.Error` where the SQL fails; nothing is committed then.
        """
        link = None if self._confined else outward_link(self.files)
        if link is not None:
            raise StatementRefused(f"{link} leads out of the workspace's files; remove that link.")
        for tries in range(1, CONFLICT_TRIES + 1):
            try:
                with self._connect() as connection:
                    return self._transact(connection, key, script, schema, say, stop, cleaned)
            except duckdb.FatalException:
                raise
            except duckdb.TransactionException as conflict:
                if "conflict" not in str(conflict).lower() or tries == CONFLICT_TRIES:
                    raise
                say(f"another node changed the same at the same time: begins again ({shorten(str(conflict), 200)})")
            except duckdb.InterruptException:
                raise Stopped from None
            longest_seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**tries)
            stop.requested.wait(random.uniform(0, longest_seconds))  # noqa: S311
            stop.check()
        raise AssertionError("the last try returns or raises")

    # -- one transaction
    def _transact(
        self,
        connection: duckdb.DuckDBPyConnection,
        key: str,
        script: str,
        schema: str,
        say: Say,
        stop: Stop,
        cleaned: Cleaned,
    ) -> Result:
        statements = split(connection, script, self.files)
        stop.guard(connection)
        connection.execute("BEGIN")
        try:
            earlier = _recorded(connection, key)
            if earlier is not None:
                return earlier
            if schema:
                connection.execute(f"SET schema = '{_quoted(schema)}'")
            result = self._run_all(connection, statements, say, stop, cleaned)
            if result.output is not None:
                result = replace(result, output=cleaned(result.output))
            connection.execute(_RECORD, [key, result.output, result.rows])
            stop.unguard()
            stop.check()
        except BaseException:
            stop.unguard()
            _roll_back(connection)
            raise
        try:
            connection.execute("COMMIT")
        except duckdb.Error:
            _roll_back(connection)
            if self.recall(key) is None:
                raise
        return result

    def _run_all(
        self,
        connection: duckdb.DuckDBPyConnection,
        statements: list[Statement],
        say: Say,
        stop: Stop,
        cleaned: Cleaned,
    ) -> Result:
        result = Result(output=None, rows=None)
        for number, statement in enumerate(statements, 1):
            stop.check()
            say(f"[{number}/{len(statements)}] {shorten(cleaned(statement.text), 200)}")
            begun = time.perf_counter()
            result = _run_one(connection, statement, result, say)
            say(f"    {(time.perf_counter() - begun) * 1000:.1f} ms")
        return result

    # -- the database
    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own, for whoever keeps its own record of what was committed."""
        return self._connect()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None:
                self._database = self._open()
            return self._database.cursor()

    def _open(self) -> duckdb.DuckDBPyConnection:
        os.chdir(self.files)  # relative file names are names in this folder
        self._make()
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "memory_limit": f"{self._memory_limit_bytes}B",
            "threads": self._threads,
        }
        try:
            database = duckdb.connect(str(self._path), config=config)
        except duckdb.Error as fault:
            raise duckdb.IOException(_not_opened(str(fault))) from None
        try:
            database.execute(_CREATE_RECORDS)
            database.execute(_FORGET_OLD, [KEPT_DAYS])
            folder = _quoted(os.path.realpath(self.files))
            given = _quoted(str(self.files))
            database.execute(f"SET GLOBAL allowed_directories = ['{folder}', '{given}']")
            database.execute("SET GLOBAL enable_external_access = false")
            database.execute("SET GLOBAL lock_configuration = true")
        except BaseException:
            database.close()
            raise
        return database

    def _make(self) -> None:
        """Whole or not at all: a process that is killed meanwhile must leave nothing that can't be opened."""
        if self._path.exists() and self._path.stat().st_size:
            return
        fresh = self._path.with_name(f"{FILE}.new")
        fresh.unlink(missing_ok=True)
        duckdb.connect(str(fresh)).close()
        self._path.with_name(f"{FILE}.wal").unlink(missing_ok=True)  # of one that was moved away
        fresh.replace(self._path)


_OPEN: dict[Path, Warehouse] = {}
_OPENING = threading.Lock()


def warehouse_of(folder: Path, *, memory_limit_bytes: int, threads: int) -> Warehouse:
    """The one of this process; it keeps the limits that it was opened with."""
    with _OPENING:
        if folder not in _OPEN:
            _OPEN[folder] = Warehouse(folder, memory_limit_bytes=memory_limit_bytes, threads=threads)
        return _OPEN[folder]


def close_all() -> None:
    with _OPENING:
        for warehouse in _OPEN.values():
            warehouse.close()
        _OPEN.clear()


def _run_one(connection: duckdb.DuckDBPyConnection, statement: Statement, before: Result, say: Say) -> Result:
    """Run it, and return the attempt's result so far."""
    if statement.query:
        # DuckDB's own text forms; and one row more than is kept, to know whether there are more
        text = f"SELECT COLUMNS(*)::VARCHAR FROM (\n{as_table(statement)}\n) LIMIT {ROWS + 1}"  # noqa: S608
        try:
            connection.execute(text)
        except duckdb.Error as fault:
            raise _of_the_statement(fault) from None
    else:
        connection.execute(statement.text)
    columns = [str(column[0]) for column in connection.description or ()]
    try:
        rows = [tuple(as_text(value) for value in row) for row in connection.fetchmany(ROWS + 1)]
    except duckdb.InvalidInputException as fault:
        if "pytz" not in str(fault):
            raise
        raise duckdb.InvalidInputException(
            "A TIMESTAMP WITH TIME ZONE can only be returned by a SELECT; here, cast it to VARCHAR."
        ) from None
    if columns in (["Success"], ["Count"]) and not rows and not statement.query:
        return before  # a definition or a setting
    if statement.kind in CHANGING and columns == ["Count"] and not statement.returning:
        changed = int(rows[0][0] or 0)
        say(f"    {changed:,} rows")
        kept_rows = before.rows if before.output is not None else changed
        return Result(output=before.output, rows=kept_rows, columns=before.columns)
    output, kept = two_dimensional(rows)
    say(table(columns, rows))
    if len(rows) > TABLE_ROWS:
        say("    …")
    if kept < len(rows):
        say(f"    only the first {kept:,} rows are kept as the node's output")
    else:
        say(f"    {kept:,} rows")
    return Result(output=output, rows=kept, columns=tuple(columns))


def _of_the_statement(fault: duckdb.Error) -> duckdb.Error:
    """With the lines of the statement as it was written; in what was run it begins one line further down."""
    text = _LINE.sub(lambda found: f"LINE {int(found[1]) - 1}:".ljust(len(found[0])), str(fault))
    return type(fault)(text)


def _recorded(connection: duckdb.DuckDBPyConnection, key: str) -> Result | None:
    row = connection.execute(_RECORDED, [key]).fetchone()
    return None if row is None else Result(output=row[0], rows=row[1])


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:  # there is no transaction any more, or no database
        pass


def _not_opened(reason: str) -> str:
    way_out = f"Bring {FILE} back from a backup, or move it away to begin with an empty database."
    if "lock on file" in reason:
        way_out = "Close it there: only the server's own process may have it open."
    elif "newer version" in reason:
        way_out = "Run the server with the version of DuckDB that wrote it, or a newer one."
    return f"The workspace's database ({FILE}) can't be opened. {way_out} {reason}"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
