"""What the Flink types share: a jar is given to a session cluster's REST gateway and watched there.

* A **batch** job is watched to its end; it is as successful as the job. A **stream** node succeeds once the job runs,
  and leaves it running; as long as it runs, later runs of the node only see to it that it does.
* The job's id is ours: half of it stands for the node, half for the attempt. So an attempt that is taken up after a
  crash finds its job again, and a stream's later run finds the one that is running.
* Stopping the node cancels the job on the cluster. What was uploaded is deleted again.

When it is repeated: the cluster is asked for the job of this attempt's id. It refuses a second one of the same id, so
none is started twice.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, Log, NodeType, Outcome, Property, Work

CONNECTIONS = ("FLINK", "MRSFlink", "DLIFlink")
DEFAULT_PORT = 8081
REPEATED = "Finds its job on the cluster by the id it gave it; none is started twice."
SERVER = "A Flink session cluster (2.x; its REST API is the same since 1.19), by its JobManager; tested with Flink 2.3."
BATCH, STREAM = "batch", "stream"
_SQL = ("flinksql", "sql", "opensourcesql", "flinkopensourcesql")
_JAR = ("", "flinkjar", "jar", "userdefined", "userdefinedflinkjob", "custom")

Say = Callable[[str], None]


class SettingsWrong(ValueError):
    """The text names the setting and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlinkJob:
    name: str
    path: str
    """Of the jar; empty: a job of that name has to be running."""
    entry_class: str
    arguments: tuple[str, ...]
    parallelism: int | None
    configuration: Mapping[str, str]
    stream: bool


def read_settings(properties: Mapping[str, str], default_mode: str) -> FlinkJob:
    """Raises `SettingsWrong`."""

    def given(*names: str) -> str:
        plain = {name.lower(): value for name, value in properties.items()}
        return next((value for name in names if (value := plain.get(name.lower(), "").strip())), "")

    kind = given("flinkJobType", "jobType").lower().replace(" ", "").replace("-", "").replace("_", "")
    path, name = given("resourcePath", "jarPath", "jar"), given("jobName")
    existing = kind in ("existing", "existingflinkjob", "existingjob")
    if kind in _SQL or (given("scriptName") and not path):
        raise SettingsWrong(
            "A Flink SQL script needs Flink's SQL gateway, for which there is no adapter here: pack the statements "
            "into a jar (TableEnvironment.executeSql), and set resourcePath."
        )
    if kind not in _JAR and not existing:
        raise SettingsWrong(f"flinkJobType is {given('flinkJobType', 'jobType')!r}; it can be Flink JAR.")
    if not path and not existing:
        raise SettingsWrong("resourcePath is missing: the jar, as a file of the workspace or obs://….")
    if existing and not name:
        raise SettingsWrong("jobName is missing: the name of the Flink job that has to run.")
    if path and not path.lower().endswith(".jar"):
        raise SettingsWrong(f"resourcePath {path} is no .jar file.")
    mode = given("flinkJobProcessType", "processType").lower() or default_mode
    if mode not in (BATCH, STREAM, "streaming"):
        raise SettingsWrong(f"flinkJobProcessType is {mode!r}; it can be batch or stream.")
    parallelism = given("parallelism", "parallel", "parallelNumber")
    if parallelism and not (parallelism.isdigit() and int(parallelism) > 0):
        raise SettingsWrong(f"parallelism is {parallelism!r}; it is a whole number from 1.")
    try:
        arguments = tuple(shlex.split(given("arguments", "jarArgs", "parameters", "entryArgs")))
    except ValueError as error:
        raise SettingsWrong(f"arguments can't be taken apart: {error}.") from None
    return FlinkJob(
        name=name,
        path="" if existing else path,
        entry_class=given("entryClass", "mainClass"),
        arguments=(*arguments, *(each for each in (given("input"), given("output")) if each)),
        parallelism=int(parallelism) if parallelism else None,
        configuration=dict(_pairs(given("programParameter", "programParameters"))),
        stream=existing or mode != BATCH,
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    """`taskmanager.numberOfTaskSlots=2|execution.checkpointing.interval=10s`."""
    found = []
    for part in text.replace("\n", "|").split("|"):
        key, equals, value = (each.strip() for each in part.partition("="))
        key = key.removeprefix("-yD").removeprefix("-D").strip()
        if not part.strip():
            continue
        if not equals or key.startswith("-") or "." not in key:
            raise SettingsWrong(f"programParameter holds {part.strip()!r}; write a setting of Flink, key=value.")
        found.append((key, value))
    return found


def job_id(context: Context) -> str:
    """32 hexadecimal digits: of the node, and of the attempt by a random token in its folder."""
    from arkwright.nodes.migration_run import token_of

    node = "/".join((context.project_id, context.workspace_id, context.job_name, context.node_name))
    return _half(node) + _half(token_of(context.folder))


def _half(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class FlinkNode:
    """Subclasses say their type."""

    type: ClassVar[NodeType]
    default_mode: ClassVar[str] = BATCH

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Of the network fence and the object storage."""
        self._settings = dict(settings)

    def host(self, context: Context) -> str:
        return f"flink-{context.workspace_id}"

    def check(self, context: Context) -> Failed | None:
        try:
            read_settings(context.properties, self.default_mode)
        except SettingsWrong as error:
            return failed(FailureKind.REFUSED, context, str(error))
        if context.connection is None:
            text = f"{self.type.title} needs a connection of type FLINK to the cluster: set connectionName."
            return failed(FailureKind.REFUSED, context, text)
        return None

    async def recall(self, context: Context) -> Outcome | None:
        return None  # it asks the cluster for its job first

    async def run(self, context: Context, log: Log) -> Outcome:
        from arkwright.nodes.flink_run import FlinkRun, JobLost
        from arkwright.nodes.gateway import GatewayFailed, GatewayRefused, opened
        from arkwright.nodes.migration_ends import MigrationFailed
        from arkwright.nodes.migration_plan import PlanWrong

        def say(line: str) -> None:
            log(f"{context.scrubbed(line)}\n".encode(errors="replace"))

        refused = self.check(context)
        if refused is not None or context.connection is None:
            return refused or failed(FailureKind.REFUSED, context, "There is no connection.")
        try:
            async with opened(context.connection, self._settings, DEFAULT_PORT, "Flink") as gateway:
                if isinstance(gateway, Failed):
                    return gateway
                job = read_settings(context.properties, self.default_mode)
                outcome = await FlinkRun(context, gateway, job, self._settings, say).run()
        except (GatewayRefused, PlanWrong) as error:
            outcome = failed(FailureKind.REFUSED, context, str(error))
        except (GatewayFailed, MigrationFailed) as error:
            outcome = failed(FailureKind.ERROR, context, str(error))
        except JobLost as error:
            outcome = failed(FailureKind.LOST, context, str(error))
        if isinstance(outcome, Failed):
            say(f"failed: {outcome.message}")
        return outcome


def failed(kind: FailureKind, context: Context, message: str) -> Failed:
    return Failed(kind=kind, message=context.scrubbed(message))


def flink_type(name: str, title: str, summary: str, aliases: tuple[str, ...], *own: Property) -> NodeType:
    """`own`: settings that only this type has."""
    return NodeType(
        name=name,
        title=title,
        work=Work.HOSTED,
        category=Category.PROGRAM,
        icon="wave-sine",
        summary=summary,
        aliases=aliases,
        connections=CONNECTIONS,
        needs_connection=True,
        server=SERVER,
        repeated=REPEATED,
        properties=(
            Property(name="connectionName", help="The connection to the cluster's JobManager.", required=True),
            *own,
            Property(name="jobName", help="What the job is called on the cluster; missing: as the node."),
            Property(name="resourcePath", help="The jar: a file of the workspace, or obs://…."),
            Property(name="entryClass", help="Its main class; missing: as the jar's manifest says."),
            Property(name="arguments", help="Arguments of the program, separated by spaces; quotes hold one together."),
            Property(name="input", help="A path that comes behind the arguments."),
            Property(name="output", help="A path that comes behind that."),
            Property(name="parallelism", help="How many tasks side by side; missing: as the program or cluster says."),
            Property(name="programParameter", help="Settings of Flink for the job, key=value, separated by |."),
        ),
        example={
            "name": "count_words",
            "type": name,
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "connectionName", "value": "flink"},
                {"name": "resourcePath", "value": "obs://jobs/words.jar"},
                {"name": "arguments", "value": '--day #{Job.getPlanTime("yyyy-MM-dd")}'},
            ],
        },
    )
