"""The SQL nodes that work on a database server by a connection: one implementation, a small file per type.

* The text is the node's script or its `statement`, split by the engine's dialect and run statement by statement.
* On engines with transactions all of it is one: either every statement has happened, or none; unless one of them can't
  be undone (DDL of MySQL, `VACUUM`, transaction control), then each commits by itself. Other engines commit each.
* The output is the last result as the JSON text of a 2-D array of strings, of at most 1,000 rows and 1,000,000
  characters; all its rows, up to 64 MiB, are in the attempt's `result.csv`. Without a result there is no output.
* No false green: without a connection that it can use, the node fails and says so.

When it is repeated: before the commit, the output and a mark that the commit's fate can be asked by are on disk
(`committing`); before the first statement that can't be undone, so is that (`begun`). After a crash: neither: nothing
has happened, it runs again. `committing`: the server is asked where it can tell (PostgreSQL). Else LOST, and the node's
retry settings decide.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TextIO, cast

import msgspec

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import (
    RESULT,
    Category,
    Connection,
    Context,
    Failed,
    Log,
    NodeType,
    Outcome,
    Property,
    Succeeded,
    Work,
)
from arkwright.nodes.connection_settings import DATABASE, PASSWORD, USER, is_tls, setting, where
from arkwright.nodes.duckdb_text import ROWS, table, two_dimensional
from arkwright.nodes.sql_session import Engine, Fate, Session, SqlFailed, Target
from arkwright.nodes.sql_text import STATEMENT_OR_SCRIPT, STATEMENTS_SPELT, SplittingFailed, split, sql_text

OUTPUT, COLUMNS = "output", "columns"
BEGUN, COMMITTING = "begun", "committing"
RESULT_BYTES = 64 * 1024 * 1024
SHOWN_CHARACTERS = 200


class Written(msgspec.Struct, kw_only=True):
    """What `committing` holds."""

    mark: str
    rows: int | None
    changed: int | None
    output: bool


class SqlNode:
    """Subclasses say their type, the type of their scripts and the engine (`module:class`) behind their connections."""

    type: ClassVar[NodeType]
    script_type: ClassVar[str]
    engine: ClassVar[str] = ""

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """`own_addresses`, `allow_loopback_requests`, `allow_private_requests` (see `Fence.from_settings`)."""
        self._settings = dict(settings)

    def engine_of(self, connection: Connection) -> str:
        """`module:class` of what is behind the connection."""
        return self.engine

    def check(self, context: Context) -> Failed | None:
        text = sql_text(context, self.script_type)
        if isinstance(text, Failed):
            return text
        connection = context.connection
        if connection is None:
            return _refused(
                f"A {self.type.title} node needs a connection of type {' or '.join(self.type.connections)}: set "
                "connectionName, or the script's connection."
            )
        found = where(connection, 0)
        return found if isinstance(found, Failed) else None

    def host(self, context: Context) -> str:
        return f"sql-{context.workspace_id}"

    async def run(self, context: Context, log: Log) -> Outcome:
        def say(line: str) -> None:
            log(f"{line}\n".encode(errors="replace"))

        try:
            outcome = await self._run(context, say)
        except SqlFailed as failure:
            outcome = Failed(kind=FailureKind.ERROR, message=context.scrubbed(str(failure)))
        except SplittingFailed as failure:
            outcome = _refused(f"The SQL can't be taken apart: {failure}")
        except ModuleNotFoundError as missing:
            outcome = _refused(
                f"The Python package {missing.name} is not on {context.machine}: pip install 'arkwright[sql]'."
            )
        if isinstance(outcome, Failed):
            say(f"failed: {outcome.message}")
        return outcome

    async def _run(self, context: Context, say: Any) -> Outcome:
        text = sql_text(context, self.script_type)
        if isinstance(text, Failed):
            return text
        engine = self._engine(context)
        target = await self._target(context, engine)
        if isinstance(target, Failed):
            return target
        statements = split(text, engine.dialect)
        if not statements:
            return _refused("There is no statement in the text, only comments.")
        transaction = engine.transactions and all(engine.undoable(each) for each in statements)
        say(f"{engine.title} at {target.place}, database {target.database or '(its default)'}")
        if not transaction:
            say("each statement commits by itself")
        context.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with Results(context) as results:
            async with engine.session(target, transaction=transaction) as session:
                if not transaction and not all(engine.undoable(each) for each in statements):
                    _write(context.folder / BEGUN, b"")
                changed = await self._execute_all(session, statements, results, say)
                results.write()
                if transaction:
                    mark = await session.mark()
                    if mark is not None:
                        kept = Written(mark=mark, rows=results.rows, changed=changed, output=results.any)
                        _write(context.folder / COMMITTING, msgspec.json.encode(kept))
                    await session.commit()
                    say("committed")
        return _succeeded(results.any, results.rows, changed)

    async def _execute_all(self, session: Session, statements: Sequence[str], results: Results, say: Any) -> int | None:
        """How many rows were changed in all, if any statement said."""
        changed: int | None = None
        for number, statement in enumerate(statements, 1):
            say(f"[{number}/{len(statements)}] {_short(statement)}")
            start = time.monotonic()
            before = results.count
            rows = await session.execute(statement, results)
            took = f"{(time.monotonic() - start) * 1000:,.0f} ms"
            if results.count != before:
                say(f"{results.rows:,} rows, {took}")
                say(results.preview())
                if results.rows is not None and results.kept < results.rows:
                    say(f"only the first {results.kept:,} rows are in {RESULT}")
            else:
                say(took if rows is None else f"{rows:,} rows changed, {took}")
            if rows is not None:
                changed = (changed or 0) + rows
        return changed

    async def recall(self, context: Context) -> Outcome | None:
        lost = Failed(
            kind=FailureKind.LOST,
            message="The process that ran it died. What the database server has done can't be known.",
        )
        if (context.folder / BEGUN).exists():
            return lost
        try:
            kept = msgspec.json.decode((context.folder / COMMITTING).read_bytes(), type=Written)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:  # it died before this was whole, so before the commit
            return None
        if context.connection is None:
            return lost
        engine = self._engine(context)
        target = await self._target(context, engine)
        if isinstance(target, Failed):
            return lost
        try:
            fate = await engine.fate(target, kept.mark)
        except SqlFailed as failure:
            return msgspec.structs.replace(lost, message=f"{lost.message} Asking it failed: {failure}")
        match fate:
            case Fate.COMMITTED:
                return _succeeded(kept.output, kept.rows, kept.changed)
            case Fate.NOT_COMMITTED:
                return None
            case Fate.UNKNOWN:
                return lost

    async def place_of(self, context: Context) -> tuple[Engine, Target] | Failed:
        """What is behind the context's connection, and where. Raises `SqlFailed`."""
        engine = self._engine(context)
        target = await self._target(context, engine)
        return target if isinstance(target, Failed) else (engine, target)

    def _engine(self, context: Context) -> Engine:
        assert context.connection is not None
        module, _, name = self.engine_of(context.connection).partition(":")
        return cast(Engine, getattr(import_module(module), name)())

    async def _target(self, context: Context, engine: Engine) -> Target | Failed:
        """The address is resolved and judged here; what is connected to is what was judged."""
        from arkwright.nodes.network_fence import AddressRefused, Fence

        assert context.connection is not None
        connection = context.connection
        found = where(connection, engine.default_port)
        if isinstance(found, Failed):
            return found
        host, port = found
        try:
            addresses = await Fence.from_settings(self._settings).resolve(host, port)
        except AddressRefused as refusal:
            return _refused(str(refusal))
        except (OSError, UnicodeError) as fault:
            raise SqlFailed(f"The address of {host} can't be found: {fault}") from None
        return Target(
            host=host,
            address=addresses[0],
            port=port,
            user=setting(connection, USER),
            password=setting(connection, PASSWORD),
            database=self._database(context),
            tls=is_tls(connection),
            options=connection.config,
            name=f"arkwright {context.key}",
        )

    @staticmethod
    def _database(context: Context) -> str:
        script, connection = context.script, context.connection
        return (
            context.properties.get("database", "").strip()
            or (script.database.strip() if script else "")
            or (setting(connection, DATABASE) if connection else "")
        )


REPEATED = "Runs again if nothing was begun; else LOST, since each statement commits by itself."
IN_TRANSACTION = (
    "All statements are one transaction: runs again if it was not committed. After a crash in the commit {then}; with "
    "statements that can't be undone it is LOST."
)


def properties_of(title: str, script_type: str, local: str = "") -> tuple[Property, ...]:
    """The settings that all these types share. `local`: what the connection of that name is, where there is one."""
    return (
        Property(name="scriptName", help=f"Script of type {script_type}; it may hold ${{parameters}} and #{{…}}."),
        *STATEMENTS_SPELT,
        STATEMENT_OR_SCRIPT,
        Property(name="connectionName", help=f"The connection to the {title} server; missing: the script's.{local}"),
        Property(name="database", help="Database to work in; missing: the script's, then the connection's."),
        Property(name="scriptArgs", help="Values of the script's parameters, one k=v per line."),
    )


def sql_type(name: str, title: str, summary: str, script_type: str, **more: Any) -> NodeType:
    return NodeType(
        name=name,
        title=title,
        work=Work.HOSTED,
        portable=True,
        category=Category.SQL,
        icon="database-search",
        summary=summary,
        needs_connection=more.pop("needs_connection", True),
        properties=properties_of(title, script_type, more.pop("local", "")),
        repeated=more.pop("repeated", REPEATED),
        example={
            "name": "count",
            "type": name,
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "connectionName", "value": "warehouse"},
                {"name": "database", "value": "sales"},
                {"name": "statement", "value": "SELECT count(*) FROM orders"},
            ],
        },
        **more,
    )


class Results:
    """The last result of a node: the first rows for the output, all of them (up to a cap) in a file."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._path = context.folder / RESULT
        self._file: TextIO | None = None
        self._left = 0
        self._columns: list[str] = []
        self._first: list[list[str | None]] = []
        self.rows: int | None = None
        self.kept = 0
        """How many rows are in the file."""
        self.count = 0
        """How many results there were."""

    @property
    def any(self) -> bool:
        return self.rows is not None

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def begin(self, columns: Sequence[str]) -> None:
        self._close()
        self._columns = [self._context.scrubbed(name) for name in columns]
        self._first.clear()
        self.rows = self.kept = 0
        self.count += 1
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._left = RESULT_BYTES
        self._csv = csv.writer(self._file)
        self._csv.writerow(self._columns)

    def row(self, values: Sequence[str | None]) -> None:
        assert self.rows is not None
        self.rows += 1
        if self._context.secrets:
            values = [None if value is None else self._context.scrubbed(value) for value in values]
        if len(self._first) < ROWS:
            self._first.append(list(values))
        if self._left > 0:
            self._left -= self._csv.writerow(["" if value is None else value for value in values])
            self.kept += 1

    def write(self) -> None:
        """Put the output on disk."""
        self._close()
        if not self.any:
            return
        text, _ = two_dimensional(self._first)
        (self._context.folder / COLUMNS).write_bytes(msgspec.json.encode(self._columns))
        _write(self._context.folder / OUTPUT, text.encode())

    def preview(self) -> str:
        return table(self._columns, self._first) if self._columns else ""

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _succeeded(output: bool, rows: int | None, changed: int | None) -> Succeeded:
    return Succeeded(output=OUTPUT if output else None, output_row_count=rows if output else changed)


def _write(path: Path, data: bytes) -> None:
    """On disk when it returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _short(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
