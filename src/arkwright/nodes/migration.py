"""What CDMJob and DataMigration share: a plan is carried out in a host of the workspace's own, beside the loop.

* All rows of a run come in one transaction of the target, or none; a file is put in its place as a whole.
* Rows that the target refuses, up to a limit, go into a file with the reason; one more, and nothing is written.
* A stop ends the statements on the servers, and never comes between the commit and its report.

When it is repeated: an attempt finds out at the target whether it was committed (`migration_ends`), so it may begin
again at any time and doubles nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Context, Failed, Log, NodeType, Outcome, Succeeded
from arkwright.nodes.migration_ends import (
    Done,
    FateUnknown,
    MigrationFailed,
    Reader,
    Stop,
    Stopped,
    TooManyRefused,
    Writer,
)
from arkwright.nodes.migration_plan import Place, Plan, PlanWrong
from arkwright.nodes.registry import canonical
from arkwright.objects.paths import SCHEME

CONNECTIONS = ("RDS", "MYSQL", "POSTGRESQL", "DWS")
SERVER = "PostgreSQL and MariaDB/MySQL servers, DuckDB, SQLite, CSV, Parquet and JSON-lines files, obs://."
REPEATED = "Runs again and finds out at the target what was committed: no row comes twice."
_SPOOL = "spool"
_CANCEL_SECONDS = 30.0
RETRY_SECONDS = 2.0


class MigrationNode:
    """Subclasses say their type and read their settings."""

    type: ClassVar[NodeType]

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """What `Fence.from_settings` and `object_storage.storage` take."""
        self._settings = dict(settings)

    def is_local(self, context: Context) -> bool:
        """Whether the workspace's own database is an end; it belongs to the host of its DLISQL nodes."""
        raise NotImplementedError

    def host(self, context: Context) -> str:
        return f"{'duckdb' if self.is_local(context) else 'migration'}-{context.workspace_id}"

    def connection_names(self, context: Context) -> tuple[str, ...]:
        raise NotImplementedError

    async def plan(self, context: Context, files: Any) -> Plan:
        """`files`: `migration_files.Files`. Raises `PlanWrong`."""
        raise NotImplementedError

    async def run(self, context: Context, log: Log) -> Outcome:
        def say(line: str) -> None:
            log(f"{line}\n".encode(errors="replace"))

        outcome: Outcome
        try:
            done = await self._run(context, say)
            outcome = Succeeded(input_row_count=done.read, output_row_count=done.written)
        except PlanWrong as error:
            outcome = _failed(FailureKind.REFUSED, context, str(error))
        except FateUnknown as error:
            outcome = _failed(FailureKind.LOST, context, str(error))
        except MigrationFailed as error:
            outcome = _failed(FailureKind.ERROR, context, str(error))
        except ModuleNotFoundError as missing:
            text = f"The Python package {missing.name} is missing: pip install 'arkwright[sql]' on the server."
            outcome = _failed(FailureKind.REFUSED, context, text)
        finally:
            shutil.rmtree(context.folder / _SPOOL, ignore_errors=True)
        if isinstance(outcome, Failed):
            say(f"failed: {outcome.message}")
        return outcome

    async def recall(self, context: Context) -> Outcome | None:
        return None  # the target knows: see `Writer.begin`

    async def _run(self, context: Context, say: Callable[[str], None]) -> Done:
        from arkwright.nodes.migration_files import Files
        from arkwright.nodes.migration_run import Work, carry_out

        files = Files(context.workspace_folder, self._settings, self.host(context))
        plan = await self.plan(context, files)
        say(f"{plan.source} → {plan.target}, {plan.mode.value}")
        for note in plan.notes:
            say(note)
        loop, stop, spool = asyncio.get_running_loop(), Stop(), context.folder / _SPOOL

        def put(copy: Path, path: str) -> None:
            asyncio.run_coroutine_threadsafe(files.put(copy, path), loop).result()

        read = await self._reader(plan, context, files, spool, stop)
        write = await self._writer(plan, context, files, spool, stop, put)
        work = Work(
            plan=plan,
            task="/".join((context.project_id, context.workspace_id, context.job_name, context.node_name)),
            folder=context.folder,
            refused_path=plan.refused_path or _refused_path(plan, context),
            read=read,
            write=write,
            put=put,
            say=say,
            stop=stop,
            scrubbed=context.scrubbed,
        )
        done = await self._tried(lambda: _in_thread(lambda: carry_out(work), stop), plan.tries, say)
        if plan.marker:
            empty = context.folder / "marker"
            empty.touch()
            await files.put(empty, plan.marker)
        return done

    async def _tried(self, run: Callable[[], Awaitable[Done]], tries: int, say: Callable[[str], None]) -> Done:
        """Begun again where an end failed: the same attempt, so nothing comes twice."""
        for number in range(1, tries):
            try:
                return await run()
            except (TooManyRefused, FateUnknown):
                raise
            except MigrationFailed as error:
                say(f"try {number} of {tries} failed: {error}")
                await asyncio.sleep(RETRY_SECONDS * number)
        return await run()

    async def _reader(self, plan: Plan, context: Context, files: Any, spool: Path, stop: Stop) -> Callable[[], Reader]:
        place = plan.source
        if place.connection and not place.is_local:
            engine, target = await self._server(context, place)
            if engine == "postgres":
                from arkwright.nodes.migration_postgres import PostgresReader

                return lambda: PostgresReader(target, plan)
            from arkwright.nodes.migration_mysql import MySqlReader

            return lambda: MySqlReader(target, plan)
        if place.is_file:
            from arkwright.nodes.migration_infile import reader_of

            copies = await files.bring(place.path, place.format, spool, stop.check)
            return lambda: reader_of(copies, plan, spool)
        ends = self._database_ends(context, spool, stop)
        if place.is_local:
            return lambda: ends.reader(None, plan)
        path = ends.path_of(place, "source")
        if place.path.startswith(SCHEME) and not await files.fetch(place.path, path, stop.check):
            raise MigrationFailed(f"The source {place.path}: there is no such file.")
        return lambda: ends.reader(path, plan)

    async def _writer(
        self, plan: Plan, context: Context, files: Any, spool: Path, stop: Stop, put: Callable[[Path, str], None]
    ) -> Callable[[], Writer]:
        place = plan.target
        if place.connection and not place.is_local:
            engine, target = await self._server(context, place)
            if engine == "postgres":
                from arkwright.nodes.migration_postgres import PostgresWriter

                return lambda: PostgresWriter(target, plan)
            from arkwright.nodes.migration_mysql import MySqlWriter

            return lambda: MySqlWriter(target, plan)
        if place.is_file:
            from arkwright.nodes.migration_outfile import FileWriter

            return lambda: FileWriter(plan, spool, context.workspace_folder, put, stop.wait)
        ends = self._database_ends(context, spool, stop)
        if place.is_local:
            return lambda: ends.writer(None, plan)
        path = ends.path_of(place, "target")
        if not place.path.startswith(SCHEME):
            return lambda: ends.writer(path, plan)
        from arkwright.nodes.migration_databases import PutBack

        loop = asyncio.get_running_loop()

        def fetch() -> None:
            path.unlink(missing_ok=True)
            asyncio.run_coroutine_threadsafe(files.fetch(place.path, path, stop.check), loop).result()

        return lambda: PutBack(
            place.path, fetch, lambda: ends.writer(path, plan), lambda: put(path, place.path), stop.wait
        )

    def _database_ends(self, context: Context, spool: Path, stop: Stop) -> Any:
        from arkwright.nodes.migration_databases import DatabaseEnds

        return DatabaseEnds(context.workspace_folder, spool, self._settings, stop.wait)

    async def _server(self, context: Context, place: Place) -> tuple[str, Any]:
        """Which engine it is, and where; judged by the same fence as the SQL nodes' connections."""
        from arkwright.nodes.dwssql import DwsSql
        from arkwright.nodes.rdssql import RdsSql
        from arkwright.nodes.sql_session import SqlFailed

        connection = context.connections.get(place.connection)
        if connection is None:
            raise PlanWrong(f"There is no connection {place.connection!r} for this node.")
        node = DwsSql() if canonical(connection.type) == "dws" else RdsSql()
        node.configure(self._settings)
        asking = replace(context, connection=connection, script=None, properties={"database": place.database})
        try:
            found = await node.place_of(asking)
        except SqlFailed as error:
            raise MigrationFailed(str(error)) from None
        if isinstance(found, Failed):
            raise PlanWrong(found.message)
        engine, target = found
        return engine.dialect, target


async def _in_thread(work: Callable[[], Done], stop: Stop) -> Done:
    """A stop reaches it where it works, and is too late once the commit is under way."""
    future: Future[Done] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="arkwright-migration", daemon=True).start()
    waiting = asyncio.wrap_future(future)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CANCEL_SECONDS):
                while not waiting.done():
                    await asyncio.to_thread(stop.request)
                    await asyncio.wait({waiting}, timeout=0.2)
        if stop.committed:  # too late to stop it, and too early to say that it is stopped
            await asyncio.wait({waiting})
        if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
            return waiting.result()
        raise
    except Stopped:
        raise asyncio.CancelledError from None


def _refused_path(plan: Plan, context: Context) -> str:
    if plan.target.is_file:
        return f"{plan.target.path}.rejected.jsonl"
    names = [re.sub(r"[^\w.-]", "_", each).strip(".") or "_" for each in (context.job_name, context.node_name)]
    key = context.key
    return f"rejected/{names[0]}/{names[1]}-{key.instance_id}-{key.attempt}.jsonl"


def _failed(kind: FailureKind, context: Context, message: str) -> Failed:
    return Failed(kind=kind, message=context.scrubbed(message))
