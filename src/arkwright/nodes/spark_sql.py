"""SQL on Spark: behind a connection its Thrift server, or the workspace's own Spark on this host.

The own one is used by a connection whose `master` is `local` and that says no address, and by SparkSQL's
`connectionName` `local`. Who can write such SQL can run programs here (`TRANSFORM`, `reflect`), so it takes what local
programs take: the workspace has to allow them.
"""

from __future__ import annotations

import importlib.util
import socket
import uuid
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from threading import Event
from typing import Any, cast

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Connection, Context, Failed, Log, Outcome
from arkwright.nodes.connection_settings import HOST, setting
from arkwright.nodes.program_script import refuse_programs
from arkwright.nodes.spark_home import SparkInvalid, require_java
from arkwright.nodes.spark_node import LOCAL, LOCAL_MASTER
from arkwright.nodes.sql_blocking import BlockingSession, connected
from arkwright.nodes.sql_hive import java_words
from arkwright.nodes.sql_mysql import as_text, reads_only
from arkwright.nodes.sql_node import SqlNode
from arkwright.nodes.sql_session import Engine, Fate, Session, Sink, SqlFailed, Target
from arkwright.nodes.sql_text import sql_text
from arkwright.nodes.sql_wires import Wires

HERE = "this host"


class SparkSqlNode(SqlNode):
    """Subclasses say their type and the type of their scripts."""

    engine = "arkwright.nodes.sql_hive:Spark"

    def check(self, context: Context) -> Failed | None:
        if not runs_here(context):
            if context.connection is None:
                return _refused(
                    f"A {self.type.title} node needs a connection of type {' or '.join(self.type.connections)}: set "
                    f"connectionName, or the script's connection; {LOCAL!r} is Spark on the server's host."
                )
            return super().check(context)
        text = sql_text(context, self.script_type)
        if isinstance(text, Failed):
            return text
        if context.on_worker:
            return _refused(f"{self.bound(context)} Set workerGroup to local.")
        objection = objection_to_local_spark(context.machine)
        return _refused(objection) if objection else refuse_programs(context)

    def bound(self, context: Context) -> str | None:
        return "The workspace's own Spark and its tables are on the server's machine." if runs_here(context) else None

    def host(self, context: Context) -> str:
        return f"spark-{context.workspace_id}" if runs_here(context) else super().host(context)

    async def run(self, context: Context, log: Log) -> Outcome:
        if runs_here(context):
            from arkwright.nodes.spark_local import is_up

            if not is_up():
                log(b"Spark is started on this host, once for all statements to come; that takes a while\n")
        return await super().run(context, log)

    def _engine(self, context: Context) -> Engine:
        return LocalSpark(context.workspace_folder) if runs_here(context) else super()._engine(context)

    async def _target(self, context: Context, engine: Engine) -> Target | Failed:
        if not runs_here(context):
            return await super()._target(context, engine)
        return Target(host=HERE, address="", port=0, database=self._database(context))


def runs_here(context: Context) -> bool:
    """Whether it is for the workspace's own Spark."""
    if context.connection is not None:
        return is_local_master(context.connection)
    script = context.script
    named = context.properties.get("connectionName", "").strip() or (script.connection_name.strip() if script else "")
    return named == LOCAL


def is_local_master(connection: Connection) -> bool:
    return setting(connection, ("master",)) in (LOCAL, LOCAL_MASTER) and not setting(connection, HOST)


def objection_to_local_spark(machine: str) -> str:
    """What is missing here; empty: nothing."""
    try:
        require_java(machine)
    except SparkInvalid as error:
        return str(error)
    if importlib.util.find_spec("pyspark") is None:
        return f"There is no Spark on {machine}: pip install 'arkwright[spark]' there, or name a connection."
    return ""


class LocalSpark:
    title = "Spark SQL"
    dialect = "spark"
    default_port = 0
    transactions = False

    def __init__(self, workspace_folder: Path) -> None:
        self._folder = workspace_folder

    def session(self, target: Target, *, transaction: bool) -> AbstractAsyncContextManager[Session]:
        def connect() -> LocalConnection:
            from arkwright.nodes.spark_local import leave_if_broken, started

            spark = started(self._folder)
            try:
                return LocalConnection(spark, target.database)
            except Exception as error:
                leave_if_broken(spark, error)
                raise

        def make(connection: Any) -> BlockingSession:
            return LocalSession(connection, said=_said, as_text=as_text)

        return cast("AbstractAsyncContextManager[Session]", connected(connect, make, _said, HERE, wires=SharedWires()))

    def undoable(self, statement: str) -> bool:
        return reads_only(statement)

    async def fate(self, target: Target, mark: str) -> Fate:
        return Fate.UNKNOWN


class SharedWires(Wires):
    """What leads to the JVM is of all sessions, so none of it is cut with one."""

    def add(self, made: socket.socket) -> None: ...


class LocalConnection:
    """A session of its own (settings, temporary views, database) on the Spark that all share."""

    def __init__(self, spark: Any, database: str) -> None:
        self.spark = spark.newSession()
        if database:
            self.spark.catalog.setCurrentDatabase(database)

    def close(self) -> None:
        """Nothing of it is left once nobody refers to it."""
        self.spark = None


class LocalSession(BlockingSession):
    """What a statement makes Spark do is a group of its jobs, and is cancelled as one, those to come with it."""

    def __init__(self, connection: LocalConnection, **more: Any) -> None:
        super().__init__(connection, cancel=self._cancel_jobs, **more)
        self._spark = connection.spark
        self._group = f"arkwright-{uuid.uuid4().hex}"
        self._stopping = Event()

    def _execute(self, statement: str, sink: Sink) -> int | None:
        from arkwright.nodes.spark_local import leave_if_broken

        self._cursor = self._group
        try:
            self._spark.sparkContext.setJobGroup(self._group, "", interruptOnCancel=True)
            frame = self._spark.sql(statement)
            if not frame.columns:
                return None
            sink.begin(frame.columns)
            for row in _as_texts(frame).toLocalIterator():
                if self._stopping.is_set():
                    raise SqlFailed("stopped")
                sink.row([self._as_text(value) for value in row])
            return None
        except Exception as error:
            leave_if_broken(self._spark, error)
            raise
        finally:
            self._cursor = None

    def _cancel_jobs(self, group: str) -> None:
        self._stopping.set()
        # nothing in Python does this yet, and a job that begins later would run on
        self._spark.sparkContext._jsc.sc().cancelJobGroupAndFutureJobs(group)


def _as_texts(frame: Any) -> Any:
    """Each value as Spark's own text of it: what has parts as JSON, bytes as they are."""
    from pyspark.sql import functions
    from pyspark.sql.types import ArrayType, BinaryType, MapType, StructType, VariantType

    names = [f"c{number}" for number in range(len(frame.columns))]  # two may have one name
    texts = []
    for name, field in zip(names, frame.schema.fields, strict=True):
        if isinstance(field.dataType, BinaryType):
            texts.append(functions.col(name))
        elif isinstance(field.dataType, ArrayType | MapType | StructType | VariantType):
            texts.append(functions.to_json(name, {"ignoreNullFields": "false"}).alias(name))
        else:
            texts.append(functions.col(name).cast("string").alias(name))
    return frame.toDF(*names).select(*texts)


def _said(error: Exception) -> str | None:
    if type(error).__module__.startswith(("pyspark.", "py4j.")):
        innermost = str(error).split("\nCaused by: ")[-1]
        return java_words(innermost) or type(error).__name__
    return None


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
