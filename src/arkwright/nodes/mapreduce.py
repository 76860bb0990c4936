"""MapReduce: a jar of Hadoop MapReduce, run by Hadoop's own local runner on the server's host.

* The jar, its main class and its arguments are what `hadoop jar` takes; input and output come behind the arguments.
  Paths are files of this host (`file:` or plain; relative ones are below the workspace's files), or what a Hadoop
  client reads by its address (`s3a://`, `hdfs://`).
* The runner does the whole job in one JVM, which outlives the server, writes the node's log, and is killed by a stop.
* A YARN cluster is not submitted to: Hadoop's client leaves a job that it has submitted running when it is stopped
  itself. A cluster that is named is refused, with the way out.
* Hadoop is that of `HADOOP_HOME`, else the one that the Python package `pyspark` brings along.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Outcome, Program, Property, Work
from arkwright.nodes.object_storage import STORAGE_SETTINGS
from arkwright.nodes.program_environment import program_environment
from arkwright.nodes.program_limits import LIMIT_PROPERTIES, ProgramLimits, node_limits
from arkwright.nodes.program_script import refuse_programs, script_outcome
from arkwright.nodes.spark_home import SparkInvalid, find_spark
from arkwright.nodes.spark_node import (
    LOCAL,
    LOG_SETTINGS,
    Errand,
    Resources,
    check_path,
    refuse_secrets,
    split_arguments,
)

RUNNER = "org.apache.hadoop.util.RunJar"
FILES = "files"
_PATHS = ("resourcePath", "jarPath", "jar")
_ARGUMENTS = ("parameters", "arguments", "jarArgs")


class MapReduce:
    type = NodeType(
        name="MapReduce",
        title="MRS MapReduce",
        work=Work.PROGRAM,
        category=Category.PROGRAM,
        icon="topology-star-3",
        summary="Runs a jar of Hadoop MapReduce with Hadoop's local runner.",
        aliases=("MRSMapReduce", "MRS MapReduce"),
        server="Hadoop's local runner (3.5, from `pyspark` of PyPI). No YARN cluster: use Shell there.",
        repeated="Outlives the server and is found again. If the machine went down, it is LOST.",
        properties=(
            Property(name="resourcePath", help="The jar: a file of the workspace, or obs://….", required=True),
            Property(name="jobName", help="What the job is called."),
            Property(name="mainClass", help="Its main class; missing: as the jar's manifest says."),
            Property(name="parameters", help="Arguments of the program, as a shell splits a line."),
            Property(name="input", help="A path that comes behind the arguments."),
            Property(name="output", help="A path that comes behind that; MapReduce refuses one that exists."),
            Property(name="clusterName", help=f"`{LOCAL}`, or nothing: others are refused.", default=LOCAL),
            *LIMIT_PROPERTIES,
        ),
        example={
            "name": "count_words",
            "type": "MapReduce",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "resourcePath", "value": "obs://jobs/words.jar"},
                {"name": "input", "value": "books"},
                {"name": "output", "value": 'words-#{Job.getPlanTime("yyyyMMdd")}'},
            ],
        },
    )

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """As `object_storage.storage` takes them."""
        self._settings = {name: settings[name] for name in STORAGE_SETTINGS if name in settings}

    def check(self, context: Context) -> Failed | None:
        try:
            refuse_secrets(context)
            node_limits(context)
            cluster = context.properties.get("clusterName", "").strip()
            if cluster not in ("", LOCAL) or context.connection is not None:
                raise SparkInvalid(
                    f"clusterName is {cluster!r}: a job can't be submitted to a cluster from here. Run `yarn jar` on a "
                    f"host of it (Shell with a connection of type HOST), or set clusterName to {LOCAL!r}."
                )
            path = check_path("resourcePath", _first(context, _PATHS)[1])
            if not path.lower().endswith(".jar"):
                raise SparkInvalid(f"resourcePath {path!r} is no .jar file.")
            _arguments(context)
            hadoop_jars(context)
        except (SparkInvalid, ValueError) as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return refuse_programs(context)

    def limits(self, context: Context) -> ProgramLimits:
        return node_limits(context)

    def program(self, context: Context) -> Program:
        resources, files = Resources(context), context.workspace_folder / FILES
        files.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = _first(context, _PATHS)[1]
        jar = resources.local(path) if "://" in path else str(files / path)
        options = {
            "fs.defaultFS": "file:///",
            "mapreduce.framework.name": "local",
            "hadoop.tmp.dir": str(context.folder / "tmp"),
            "mapreduce.job.name": context.properties.get("jobName", "").strip() or context.node_name,
        }
        home = os.environ.get("JAVA_HOME")
        java = str(Path(home, "bin", "java")) if home else shutil.which("java") or "java"
        classes = f"{context.folder}:{':'.join(f'{each}/*' for each in hadoop_jars(context))}"
        main = context.properties.get("mainClass", "").strip()
        command = [java, f"-Djava.io.tmpdir={context.folder}", "-cp", classes, RUNNER, jar]
        command += [*([main] if main else []), *_arguments(context)]
        errand = Errand(
            command=tuple(command),
            fetch=resources.fetched,
            storage=self._settings if resources.fetched else {},
        )
        return Program(
            argv=(sys.executable, "-I", "-m", "arkwright.nodes.spark_submit"),
            environment=program_environment(context),
            files={"core-site.xml": _site(options), "log4j2.properties": LOG_SETTINGS},
            hidden=msgspec.json.encode(errand),
            directory=files,
        )

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        return script_outcome(context, exit_code)


def hadoop_jars(context: Context) -> list[Path]:
    """Folders of Hadoop's client libraries. Raises `SparkInvalid`."""
    home = os.environ.get("HADOOP_HOME", "")
    if home:
        shared = Path(home, "share", "hadoop")
        parts = [shared / part for part in ("client", "common", "common/lib", "mapreduce") if (shared / part).is_dir()]
        if not parts:
            raise SparkInvalid(f"HADOOP_HOME is {home!r}, and there are no libraries below share/hadoop.")
        return parts
    return [find_spark(context) / "jars"]


def _first(context: Context, names: tuple[str, ...]) -> tuple[str, str]:
    """Name and value of the first that is set."""
    given = context.properties
    return next(((name, value) for name in names if (value := given.get(name, "").strip())), (names[0], ""))


def _arguments(context: Context) -> list[str]:
    name, _ = _first(context, _ARGUMENTS)
    places = [context.properties.get(each, "").strip() for each in ("input", "output")]
    return [*split_arguments(context, name), *(each for each in places if each)]


def _site(options: Mapping[str, str]) -> bytes:
    properties = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>"
        for name, value in options.items()
    )
    return f"<?xml version='1.0'?><configuration>{properties}</configuration>".encode()
