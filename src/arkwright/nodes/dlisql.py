"""DLISQL: runs SQL on the workspace's own DuckDB database; or, by a connection, on Spark.

By a connection it is a SparkSQL node in all but its name (`spark_sql`). On the workspace's own database:

* The text is the node's script (`scriptName`, of type DLISQL) or its `statement` (also spelt `sql`, `sqlStatement`);
  where a node has both, `statementOrScript` says which.
* All of it is one transaction: either every statement has happened, or none. What another node commits meanwhile is
  not seen; where both change the same rows, one of them is begun again by itself.
* `database` is a schema of the workspace's database, which must exist (`CREATE SCHEMA sales`); missing or `default`
  is DuckDB's `main`.
* Files are read and written below the workspace's `files` folder, by names relative to it, and nowhere else.
* The output is the last result as the JSON text of a 2-D array of strings, `[["11"]]`, with null for NULL, of at most
  1,000 rows and 1,000,000 characters. A text without a statement that returns rows has no output.
* No false green: a queue other than `default`, and any other setting that asks for another place to run are refused by
  name.

When it is repeated: the attempt's own transaction records the attempt, so `recall` knows for sure (see
`duckdb_warehouse`). Stopping it interrupts DuckDB and rolls back, unless the commit has begun.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, Log, NodeType, Outcome, Property, Succeeded, Work
from arkwright.nodes.sql_text import STATEMENT_OR_SCRIPT, STATEMENTS_SPELT, sql_text

if TYPE_CHECKING:  # the server looks at this type without loading a database engine
    from arkwright.nodes.duckdb_warehouse import Result, Stop, Warehouse
    from arkwright.nodes.spark_sql import SparkSqlNode

LOCAL_CONNECTION = "local"
DEFAULT_QUEUE = "default"
SCRIPT_TYPE = "DLISQL"
OUTPUT = "output"
COLUMNS = "columns"
"""File beside the output: the names of its columns, as a JSON list."""
INTERRUPT_SECONDS = 0.05
DATABASE_LOST_EXIT_CODE = 70

OWN_SCHEMA = "arkwright"
"""Where attempts are recorded (`duckdb_warehouse`)."""

_MAIN = ("", "default", "main")
_PLACES = ("connection", "cluster", "host", "agent")

T = TypeVar("T")


class DliSql:
    type = NodeType(
        name="DLISQL",
        title="DLI SQL",
        work=Work.HOSTED,
        category=Category.SQL,
        icon="database",
        summary="Runs SQL on the workspace's own DuckDB database, or on Spark by a connection.",
        server="DuckDB, in a process of the server's own host; by a connection Spark, as SparkSQL does.",
        connections=("SparkSQL", "MRSSpark", "DLI"),
        repeated="Exactly once: its transaction records the attempt, and is asked after a crash.",
        properties=(
            Property(name="scriptName", help="Script of type DLISQL; it may hold ${parameters} and #{expressions}."),
            *STATEMENTS_SPELT,
            STATEMENT_OR_SCRIPT,
            Property(
                name="connectionName",
                help="Where to run: `local`, or nothing, is the workspace's own database; else Spark.",
                default=LOCAL_CONNECTION,
            ),
            Property(name="database", help="Schema to work in; it must exist. `default` is main.", default="default"),
            Property(name="queueName", help="Only `default`, or nothing.", default=DEFAULT_QUEUE),
            Property(name="scriptArgs", help="Values of the script's parameters, one k=v per line."),
        ),
        example={
            "name": "count",
            "type": "DLISQL",
            "location": {"x": 0, "y": 0},
            "properties": [{"name": "statement", "value": "SELECT count(*) FROM range(11)"}],
        },
    )

    def __init__(self) -> None:
        self._memory_limit_bytes, self._threads = resources({})
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """`duckdb_memory_limit_bytes` (default: a quarter of the machine's memory) and `duckdb_threads` (default: its
        cores). A database that is open keeps what it was opened with. By a connection: as `SqlNode` takes them."""
        self._settings = settings
        self._memory_limit_bytes, self._threads = resources(settings)

    def close(self) -> None:
        module = sys.modules.get("arkwright.nodes.duckdb_warehouse")  # not loaded: nothing was opened
        if module is not None:
            module.close_all()

    def check(self, context: Context) -> Failed | None:
        if context.connection is not None:
            return self._on_spark().check(context)
        refusal = _refuse_other_places(context)
        if refusal is not None:
            return refusal
        text = sql_text(context, SCRIPT_TYPE)
        return text if isinstance(text, Failed) else None

    def host(self, context: Context) -> str:
        return self._on_spark().host(context) if context.connection is not None else f"duckdb-{context.workspace_id}"

    def _on_spark(self) -> SparkSqlNode:
        from arkwright.nodes.spark_sql import SparkSqlNode

        node = SparkSqlNode()
        node.type, node.script_type = self.type, SCRIPT_TYPE  # type: ignore[misc]
        node.configure(self._settings)
        return node

    async def run(self, context: Context, log: Log) -> Outcome:
        if context.connection is not None:
            return await self._on_spark().run(context, log)
        import duckdb

        from arkwright.nodes.duckdb_statements import StatementRefused
        from arkwright.nodes.duckdb_warehouse import Stop, Stopped

        text = sql_text(context, SCRIPT_TYPE)
        if isinstance(text, Failed):
            return text
        warehouse = self._warehouse(context)
        stop = Stop()

        def say(line: str) -> None:
            log(f"{line}\n".encode(errors="replace"))

        try:
            result = await _in_thread(
                warehouse,
                stop,
                lambda: warehouse.run(str(context.key), text, schema(context), say, stop, context.scrubbed),
            )
            return _succeeded(context, result)
        except StatementRefused as refusal:
            return _refused(str(refusal))
        except Stopped:
            say("stopped; everything is rolled back")
            raise asyncio.CancelledError from None
        except duckdb.FatalException as fault:
            say(f"the database has stopped: {fault}")
            _leave(fault)
        except duckdb.Error as fault:
            say(f"failed; everything is rolled back: {fault}")
            return Failed(kind=FailureKind.ERROR, message=f"{fault}")

    async def recall(self, context: Context) -> Outcome | None:
        if context.connection is not None:
            return await self._on_spark().recall(context)
        import duckdb

        from arkwright.nodes.duckdb_warehouse import Stop

        warehouse = self._warehouse(context)
        try:
            result = await _in_thread(warehouse, Stop(), lambda: warehouse.recall(str(context.key)))
        except duckdb.FatalException as fault:
            _leave(fault)
        return None if result is None else _succeeded(context, result)

    def _warehouse(self, context: Context) -> Warehouse:
        from arkwright.nodes.duckdb_warehouse import warehouse_of

        return warehouse_of(
            context.workspace_folder, memory_limit_bytes=self._memory_limit_bytes, threads=self._threads
        )


def schema(context: Context) -> str:
    """The schema to work in; empty for DuckDB's own default. The node's wins over the script's."""
    of_script = context.script.database if context.script is not None else ""
    name = context.properties.get("database", "").strip() or of_script.strip()
    return "" if name.lower() in _MAIN else name


def _refuse_other_places(context: Context) -> Failed | None:
    for name, value in context.properties.items():
        word, value = name.lower(), value.strip()
        if any(place in word for place in _PLACES) and value not in ("", LOCAL_CONNECTION):
            return _refused(
                f"{name} is {value!r}: this node can only run on the workspace's own database "
                f"(connectionName {LOCAL_CONNECTION!r} or none), and never runs there in place of somewhere else."
            )
        if "queue" in word and value not in ("", DEFAULT_QUEUE):
            return _refused(
                f"{name} is {value!r}: there are no queues here; only {DEFAULT_QUEUE!r} or none can be used."
            )
        if "catalog" in word and value not in ("", "default", "warehouse"):
            return _refused(f"{name} is {value!r}: there is one catalog here; only 'default' or none can be used.")
    script = context.script
    connection = script.connection_name.strip() if script is not None else ""
    own = context.properties.get("connectionName", "").strip()  # wins over the script's
    if script is not None and connection not in ("", LOCAL_CONNECTION) and not own:
        return _refused(
            f"The script {script.name!r} belongs to the connection {connection!r}, which can't be used here; set "
            f"the node's connectionName to {LOCAL_CONNECTION!r} to run it on the workspace's own database."
        )
    queue = script.extra.get("queueName", "").strip() if script is not None else ""
    if script is not None and queue not in ("", DEFAULT_QUEUE) and not context.properties.get("queueName", "").strip():
        return _refused(
            f"The script {script.name!r} belongs to the queue {queue!r}, and there are no queues here; set the node's "
            f"queueName to {DEFAULT_QUEUE!r} to run it on the workspace's own database."
        )
    if schema(context).lower() == OWN_SCHEMA:
        return _refused(
            f"database is {schema(context)!r}, the schema that holds the records of what has run; choose another one."
        )
    return None


async def _in_thread(warehouse: Warehouse, stop: Stop, work: Callable[[], T]) -> T:
    """Run in one of the warehouse's threads. A cancel stops the work for real, and waits until it has ended; what it
    came to after all is returned."""
    job = warehouse.pool.submit(work)
    future = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if job.cancel():  # it was still waiting for a thread
            raise
        while not future.done():
            stop.interrupt()
            await asyncio.wait({future}, timeout=INTERRUPT_SECONDS)
        return await future


def _succeeded(context: Context, result: Result) -> Succeeded:
    if result.output is None:
        return Succeeded(output_row_count=result.rows)
    context.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if result.columns:
        names = [context.scrubbed(name) for name in result.columns]  # an expression is its column's name
        (context.folder / COLUMNS).write_bytes(msgspec.json.encode(names))
    (context.folder / OUTPUT).write_bytes(result.output.encode())
    return Succeeded(output=OUTPUT, output_row_count=result.rows)


def _leave(fault: Exception) -> NoReturn:
    """DuckDB has given up its database for this process. The next host opens it, and knows what was committed."""
    os.write(2, f"The database can't be used any more in this process: {fault}\n".encode(errors="replace"))
    os._exit(DATABASE_LOST_EXIT_CODE)


def resources(settings: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes of memory and threads that a workspace's database may take."""
    memory = int(settings.get("duckdb_memory_limit_bytes") or _quarter_of_memory())
    return memory, int(settings.get("duckdb_threads") or os.cpu_count() or 1)


def _quarter_of_memory() -> int:
    return max(256 * 1024 * 1024, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
