"""What the Spark nodes share: a program for `spark-submit`, its settings, and where it comes from.

* The driver always runs on the server's host, or on the worker that has the node (deploy mode `client`), as a process
  like any other: it outlives the server, its log is the node's, and stopping it stops the JVM with all that it has
  started there. Where the work is done says the master: that of a connection, or that machine itself (`local[*]`).
* On a worker obs:// and the workspace's files are brought by the worker before Spark starts. There is no workspace's
  folder there, so that Spark in local mode, which keeps its tables in it, goes only with a warehouse named elsewhere.
* No false green: a cluster that is only named, and no connection says its master, is refused.
* Jars and scripts come from obs:// (fetched before Spark starts), from the workspace's folder, or from any address that
  Spark itself reads (hdfs://, s3a://, http://).
* Spark is that of the connection's `sparkHome`, else of the PATH's `spark-submit`, else the Python package `pyspark`.
* Arguments and settings are in every list of processes, so a masked parameter in them is refused. In a script's text,
  and in the environment (`ARKWRIGHT_PARAM_…`), it may be.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import SCRIPT_TEXT, Context, Failed, NeededFile, NodeType, Outcome, Program, Property, Work
from arkwright.nodes.connection_settings import setting
from arkwright.nodes.object_storage import STORAGE_SETTINGS
from arkwright.nodes.program_environment import PREFIX, program_environment
from arkwright.nodes.program_limits import LIMIT_PROPERTIES, ProgramLimits, node_limits
from arkwright.nodes.program_script import refuse_programs, script_outcome
from arkwright.nodes.spark_home import SparkInvalid, find_spark
from arkwright.objects.paths import PathInvalid, parse

LOCAL = "local"
LOCAL_MASTER = "local[*]"
WAREHOUSE = "spark.sql.warehouse.dir"
RESOURCES = "resources"
"""In the attempt's folder: what was fetched."""
LISTS = (("jars", "jars"), ("pyFiles", "py-files"), ("files", "files"))
"""(property with files, option of spark-submit)."""
CONNECTIONS = ("SparkSQL", "MRSSpark", "DLI")
SERVER = "Spark in local mode (`pyspark` from PyPI); a master by a connection, which was not tested."
REPEATED = "Outlives the server and is found again. If the machine went down, it is LOST."

OPTIONS = {
    *("class", "name", "queue", "jars", "py-files", "files", "archives", "packages", "repositories", "conf"),
    *("driver-memory", "driver-cores", "executor-memory", "executor-cores", "num-executors", "total-executor-cores"),
}
"""Options of spark-submit that a node may give. Not the master and the deploy mode: those say where it runs."""

COMMON_PROPERTIES = (
    Property(name="jobName", help="Name that Spark shows; missing: the job's and the node's."),
    Property(
        name="connectionName",
        help="Connection with the `master` (spark://…, yarn, k8s://…) and, if wanted, `sparkHome`; missing: this host.",
    ),
    Property(name="jars", help="More jars, comma-separated."),
    Property(name="pyFiles", help="Python files and archives beside the program, comma-separated."),
    Property(name="files", help="Files for the program's working folder, comma-separated."),
    Property(name="queue", help="YARN's queue, on a connection whose master is yarn."),
    *LIMIT_PROPERTIES,
)


def spark_type(
    name: str, title: str, icon: str, what: str, *own: Property, example: Sequence[tuple[str, str]]
) -> NodeType:
    """`what` it runs; `own`: the settings that only this type has; `example`: settings of a node that runs."""
    return NodeType(
        name=name,
        title=title,
        work=Work.PROGRAM,
        portable=True,
        summary=f"Runs {what} on Spark, by `spark-submit`.",
        icon=icon,
        properties=(*own, *COMMON_PROPERTIES),
        connections=CONNECTIONS,
        server=SERVER,
        repeated=REPEATED,
        example={
            "name": "count",
            "type": name,
            "location": {"x": 0, "y": 0},
            "properties": [{"name": key, "value": value} for key, value in (("clusterName", LOCAL), *example)],
        },
    )


class Errand(msgspec.Struct, kw_only=True, frozen=True):
    """All that `spark_submit` is told."""

    command: tuple[str, ...]
    fetch: tuple[tuple[str, str], ...] = ()
    """(obs:// path, file to write)."""
    storage: Mapping[str, Any] = {}
    script: bytes | None = None
    """A text that the program reads from the hidden file in its turn."""


class SparkNode:
    """Subclasses say their type and what to run."""

    type: ClassVar[NodeType]

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """As `object_storage.storage` takes them."""
        self._settings = {name: settings[name] for name in STORAGE_SETTINGS if name in settings}

    # -- of the types
    def primary(self, context: Context) -> tuple[str, bytes | None]:
        """The program: a path, or a text. Raises `SparkInvalid`."""
        raise NotImplementedError

    def arguments(self, context: Context) -> list[str]:
        """Raises `SparkInvalid`."""
        raise NotImplementedError

    def options(self, context: Context) -> list[tuple[str, str]]:
        """(option of spark-submit without its hyphens, value). Raises `SparkInvalid`."""
        raise NotImplementedError

    @staticmethod
    def main_class(context: Context) -> list[tuple[str, str]]:
        """As an option; none: the jar's manifest says it."""
        name = context.properties.get("jobClass", "").strip()
        return [("class", name)] if name else []

    # -- contract
    def check(self, context: Context) -> Failed | None:
        try:
            refuse_secrets(context)
            node_limits(context)
            self._check_place(context)
            self.primary(context)
            self.arguments(context)
            self.options(context)
            if context.on_worker and (binding := self.bound(context)) is not None:
                raise SparkInvalid(f"{binding} Or set workerGroup to local.")
            find_spark(context)
        except (SparkInvalid, ValueError) as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return refuse_programs(context)

    def bound(self, context: Context) -> str | None:
        elsewhere = context.connection is not None and not master_of(context).startswith(LOCAL)
        if elsewhere or (context.connection is None and context.properties.get("connectionName", "").strip()):
            return None
        try:
            named = any(value.startswith(f"{WAREHOUSE}=") for _, value in self.options(context))
        except SparkInvalid:
            return None  # wherever it runs, that is its refusal
        if named:
            return None
        return (
            "Spark in local mode keeps its tables in the workspace's folder, on the server's machine: name a "
            f"connection with a master, or {WAREHOUSE} among Spark's settings."
        )

    def needs(self, context: Context) -> tuple[NeededFile, ...]:
        resources = Resources(context, on_worker=True)
        try:
            path, text = self.primary(context)
        except SparkInvalid as error:
            raise ValueError(str(error)) from None
        if text is None:
            resources.local(path)
        for name, _ in LISTS:
            for each in _listed(context, name):
                resources.local(each)
        return tuple(resources.needed)

    def limits(self, context: Context) -> ProgramLimits:
        return node_limits(context)

    def program(self, context: Context) -> Program:
        home = find_spark(context)
        master = master_of(context)
        path, text = self.primary(context)
        resources = Resources(context, on_worker=context.on_worker)
        hidden = text is not None and SCRIPT_TEXT in context.secret_places
        files: dict[str, bytes] = {"log4j2.properties": LOG_SETTINGS}
        if text is not None:
            path = str(context.folder / "script.py")
            files["script.py"] = READ_HIDDEN if hidden else text
        else:
            path = resources.local(path)
        command = [str(home / "bin" / "spark-submit"), "--master", master, "--deploy-mode", "client"]
        command += [
            "--name",
            context.properties.get("jobName", "").strip() or f"{context.job_name}/{context.node_name}",
        ]
        if master.startswith("local"):
            warehouse = context.workspace_folder / "spark-warehouse"
            command += ["--conf", f"{WAREHOUSE}={warehouse}", "--conf", "spark.ui.enabled=false"]
        for name, key in LISTS:
            given = _listed(context, name)
            if given:
                command += [f"--{key}", ",".join(resources.local(each) for each in given)]
        queue = context.properties.get("queue", "").strip()
        if queue:
            command += ["--queue", queue]
        for name, value in self.options(context):
            command += [f"--{name}", value]
        command += [path, *self.arguments(context)]
        errand = Errand(
            command=tuple(command),
            fetch=resources.fetched,
            storage=self._settings if resources.fetched else {},
            script=text if hidden else None,
        )
        return Program(
            argv=(sys.executable, "-I", "-m", "arkwright.nodes.spark_submit"),
            environment=_environment(context, home, master),
            files=files,
            hidden=msgspec.json.encode(errand),
            directory=context.folder / "work",
        )

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        return script_outcome(context, exit_code)

    def _check_place(self, context: Context) -> None:
        cluster = context.properties.get("clusterName", "").strip()
        if cluster not in ("", LOCAL) and context.connection is None:
            raise SparkInvalid(
                f"clusterName is {cluster!r}, and nothing here says where that is: set connectionName to a connection "
                f"with the cluster's master, or clusterName to {LOCAL!r} to run it on {context.machine}."
            )
        if context.connection is not None and not setting(context.connection, ("master",)):
            raise SparkInvalid(
                f"The connection {context.connection.name!r} has no master (spark://HOST:7077, yarn, k8s://…)."
            )


class Resources:
    """Files that a program needs, by the names that they will have where it runs."""

    def __init__(self, context: Context, *, on_worker: bool = False) -> None:
        """`on_worker`: all of them are in the attempt's folder before it starts."""
        self._context = context
        self._on_worker = on_worker
        self.needed: list[NeededFile] = []
        """In the order in which `local` was asked."""

    @property
    def fetched(self) -> tuple[tuple[str, str], ...]:
        """What the program itself has to fetch: (obs:// path, file to write)."""
        if self._on_worker:
            return ()
        return tuple((each.source, str(self._context.folder / each.target)) for each in self.needed)

    def local(self, path: str) -> str:
        path = path.strip()
        in_storage = path.startswith("obs://")
        if not in_storage and ("://" in path or path.startswith("/")):
            return path
        if not in_storage and not self._on_worker:
            return str(self._context.workspace_folder / path)
        name = path.rstrip("/").rpartition("/")[2]
        needed = NeededFile(source=path, target=f"{RESOURCES}/{len(self.needed)}/{name}")
        self.needed.append(needed)
        return str(self._context.folder / needed.target)


def _listed(context: Context, name: str) -> list[str]:
    """Files of a property, comma-separated."""
    return [each.strip() for each in context.properties.get(name, "").split(",") if each.strip()]


def check_path(name: str, path: str) -> str:
    """A path that a program may come from. Raises `SparkInvalid`."""
    path = path.strip()
    if not path:
        raise SparkInvalid(f"{name} is missing: the program, as obs://bucket/file or a file of the workspace's folder.")
    if path.startswith("obs://"):
        try:
            if not parse(path).key:
                raise PathInvalid("it names no object")
        except PathInvalid as error:
            raise SparkInvalid(f"{name} is {path!r}: {error}.") from None
    return path


def split_arguments(context: Context, name: str) -> list[str]:
    """As a shell splits a line. Raises `SparkInvalid`."""
    text = context.properties.get(name, "")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SparkInvalid(f"{name} can't be split: {str(error).lower()}.") from None


def refuse_secrets(context: Context) -> None:
    """But for scripts, all settings come into arguments or files. Raises `SparkInvalid`."""
    for name in sorted(context.secret_places - {SCRIPT_TEXT, "scriptArgs"}):
        raise SparkInvalid(
            f"{name} holds a masked parameter, which everybody could read in the list of processes. Let the program "
            f"read it from its environment ({PREFIX}<NAME>)."
        )


def read_options(name: str, parts: Sequence[str]) -> list[tuple[str, str]]:
    """`key=value`, `--key value` or `spark.key=value`, one per part. Raises `SparkInvalid`."""
    options: list[tuple[str, str]] = []
    for part in parts:
        text = part.strip()
        if not text:
            continue
        key, mark, value = text.lstrip("-").partition("=")
        if " " in key.strip() or not mark:
            key, _, value = text.lstrip("-").partition(" ")
        key, value = key.strip(), value.strip()
        if key.startswith("spark."):
            options.append(("conf", f"{key}={value}"))
        elif key in OPTIONS and value:
            options.append((key, value))
        else:
            raise SparkInvalid(
                f"{name} has {text[:100]!r}: it takes spark.… settings and the options {', '.join(sorted(OPTIONS))} of "
                "spark-submit, each with a value."
            )
    return options


def master_of(context: Context) -> str:
    return LOCAL_MASTER if context.connection is None else setting(context.connection, ("master",))


def _environment(context: Context, home: Path, master: str) -> dict[str, str]:
    environment = program_environment(context)
    python = shutil.which("python3", path=environment["PATH"]) or sys.executable
    environment |= {
        "SPARK_HOME": str(home),
        "PYSPARK_PYTHON": python,
        "PYTHONUNBUFFERED": "1",
        "SPARK_LOCAL_DIRS": str(context.folder / "work"),
        "SPARK_SUBMIT_OPTS": f"-Dlog4j2.configurationFile={(context.folder / 'log4j2.properties').as_uri()}",
    }
    for name in ("JAVA_HOME", "HADOOP_CONF_DIR", "YARN_CONF_DIR"):
        if value := os.environ.get(name):
            environment[name] = value
    if master.startswith("local"):
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"
    return environment


READ_HIDDEN = b"""\
import os
with open(f"/proc/{os.getppid()}/fd/3", "rb") as hidden:
    text = hidden.read()
exec(compile(text, "script.py", "exec"), {"__name__": "__main__", "__file__": "script.py"})
"""
"""A script with a secret is in no file: the JVM that starts Python holds it."""

LOG_SETTINGS = b"""\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.console.type = Console
appender.console.name = stderr
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex{5}
"""
"""Of Spark's own words only what matters: the log is the program's."""
