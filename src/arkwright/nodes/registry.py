"""Which node types there are, and the code behind each.

A type is found by its canonical name: lower case, without spaces, hyphens and underscores (`DLI SQL`, `dlisql` and
`DLI-SQL` are one). The built-in types are a table of names, so that asking what kind of work a type is costs no
import: the module behind a type, and the libraries it needs, load on first use.

Third parties come in by the same door: an entry point in the group `arkwright.nodes`, its name the type's name, its
value a class or an instance of `nodes.base`'s contracts. A built-in name can't be taken over.
"""

from __future__ import annotations

import threading
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple, cast

from arkwright.core.outcome import Failed, FailureKind
from arkwright.nodes.base import NodeImplementation, NodeType, Work
from arkwright.nodes.unsupported import UNSUPPORTED, Unsupported

GROUP = "arkwright.nodes"


class BuiltIn(NamedTuple):
    name: str
    work: Work
    module: str
    attribute: str
    aliases: tuple[str, ...] = ()


BUILT_IN = (
    BuiltIn("Dummy", Work.CONTROL, "arkwright.nodes.dummy", "Dummy"),
    BuiltIn("DLISQL", Work.HOSTED, "arkwright.nodes.dlisql", "DliSql"),
    BuiltIn("ForEach", Work.CONTROL, "arkwright.nodes.for_each", "ForEach", ("For Each",)),
    BuiltIn("Python", Work.PROGRAM, "arkwright.nodes.python", "Python"),
    BuiltIn("RESTAPI", Work.HOSTED, "arkwright.nodes.restapi", "RestApi", ("RestClient",)),
    BuiltIn("Shell", Work.PROGRAM, "arkwright.nodes.shell", "Shell"),
    BuiltIn("DWSSQL", Work.HOSTED, "arkwright.nodes.dwssql", "DwsSql"),
    BuiltIn("RDSSQL", Work.HOSTED, "arkwright.nodes.rdssql", "RdsSql"),
    BuiltIn("HiveSQL", Work.HOSTED, "arkwright.nodes.hivesql", "HiveSql"),
    BuiltIn("SparkSQL", Work.HOSTED, "arkwright.nodes.sparksql", "SparkSql"),
    BuiltIn("MRSImpalaSQL", Work.HOSTED, "arkwright.nodes.impalasql", "ImpalaSql", ("ImpalaSQL", "ExecuteImpalaJob")),
    BuiltIn("MRSPrestoSQL", Work.HOSTED, "arkwright.nodes.prestosql", "PrestoSql", ("PrestoSQL", "PRESTO")),
    BuiltIn(
        "MRSHetuEngine",
        Work.HOSTED,
        "arkwright.nodes.hetuengine",
        "HetuEngine",
        ("HetuEngine", "HetuEngineSQL", "ExecuteHetuEngineJob"),
    ),
    BuiltIn(
        "MRSClickHouse",
        Work.HOSTED,
        "arkwright.nodes.clickhousesql",
        "ClickHouseSql",
        ("ClickHouse", "ClickHouseSQL", "ExecuteClickHouseJob"),
    ),
    BuiltIn("DorisSQL", Work.HOSTED, "arkwright.nodes.dorissql", "DorisSql"),
    BuiltIn("CDMJob", Work.HOSTED, "arkwright.nodes.cdmjob", "CdmJob", ("CDM Job",)),
    BuiltIn(
        "DataMigration",
        Work.HOSTED,
        "arkwright.nodes.datamigration",
        "DataMigration",
        ("Data Migration", "DataMigrationJob"),
    ),
    BuiltIn("OBSManager", Work.HOSTED, "arkwright.nodes.obsmanager", "ObsManager"),
    BuiltIn("CreateOBS", Work.HOSTED, "arkwright.nodes.createobs", "CreateObs"),
    BuiltIn("DeleteOBS", Work.HOSTED, "arkwright.nodes.deleteobs", "DeleteObs"),
    BuiltIn("SMN", Work.MESSAGE, "arkwright.nodes.smn", "Smn"),
    BuiltIn("KafkaClient", Work.HOSTED, "arkwright.nodes.kafkaclient", "KafkaClient"),
    BuiltIn("MRSKafka", Work.HOSTED, "arkwright.nodes.mrskafka", "MrsKafka"),
    BuiltIn("CSS", Work.HOSTED, "arkwright.nodes.css", "Css"),
    BuiltIn("MapReduce", Work.PROGRAM, "arkwright.nodes.mapreduce", "MapReduce", ("MRSMapReduce", "MRS MapReduce")),
    BuiltIn(
        "MRSFlink",
        Work.HOSTED,
        "arkwright.nodes.flink_mrs",
        "MrsFlink",
        ("MRSFlinkJob", "MRS Flink Job", "FlinkJar"),
    ),
    BuiltIn("DLIFlinkJob", Work.HOSTED, "arkwright.nodes.flink_dli", "DliFlinkJob", ("DLI Flink Job", "DliFlink")),
    BuiltIn("Assignment", Work.CONTROL, "arkwright.nodes.assignment", "Assignment"),
    BuiltIn("Branch", Work.CONTROL, "arkwright.nodes.branch", "Branch"),
    BuiltIn("Merge", Work.CONTROL, "arkwright.nodes.merge", "Merge"),
    BuiltIn("MRSSpark", Work.PROGRAM, "arkwright.nodes.mrsspark", "MrsSpark", ("MRS Spark",)),
    BuiltIn("MRSSparkPython", Work.PROGRAM, "arkwright.nodes.mrssparkpython", "MrsSparkPython", ("MRS Spark Python",)),
    BuiltIn("DLISpark", Work.PROGRAM, "arkwright.nodes.dlispark", "DliSpark", ("DLI Spark",)),
    BuiltIn("Subjob", Work.CONTROL, "arkwright.nodes.subjob", "Subjob", ("Sub Job",)),
)


def canonical(name: str) -> str:
    return name.lower().replace(" ", "").replace("-", "").replace("_", "")


class Registry:
    """All node types of this process. Safe in any thread."""

    def __init__(self, *, group: str | None = GROUP) -> None:
        """`group`: the entry points to offer as well; None: only the built-in types."""
        self._group = group
        self._lock = threading.RLock()
        self._built_in = {canonical(name): entry for entry in BUILT_IN for name in (entry.name, *entry.aliases)}
        self._entry_points: dict[str, EntryPoint] | None = None
        self._loaded: dict[str, NodeImplementation] = {}

    def add(self, node: NodeImplementation) -> None:
        """Offer one more type in this process (tests, embedding)."""
        with self._lock:
            for name in (node.type.name, *node.type.aliases):
                self._loaded[canonical(name)] = node

    def find(self, name: str) -> NodeImplementation | Failed:
        """The implementation, or the refusal to report in its place."""
        key = canonical(name)
        node = self._loaded.get(key)
        if node is not None:
            return node
        with self._lock:
            try:
                node = self._load(key)
            except Exception as error:  # a broken plug-in is that type's problem alone
                return _refused(f"The node type {name!r} can't be loaded: {error!r}")
            if node is None:
                known = self.unsupported(name)
                if known is not None:
                    return _refused(f"Nodes of type {known.name} don't run here. {known.reason} {known.instead}")
                return _refused(f"There is no node type {name!r} here; there are {', '.join(self.names())}.")
            self._loaded[key] = node
        return node

    def unsupported(self, name: str) -> Unsupported | None:
        """Of a type that is known and that nothing here runs: why. A plug-in may bring it."""
        key = canonical(name)
        return next(
            (each for each in UNSUPPORTED if key in {canonical(word) for word in (each.name, *each.aliases)}), None
        )

    def work(self, name: str) -> Work | None:
        """What kind of work the type is; None for an unknown one. Loads nothing for the built-in types."""
        key = canonical(name)
        entry = self._built_in.get(key)
        if entry is not None and key not in self._loaded:
            return entry.work
        node = self.find(name)
        return None if isinstance(node, Failed) else node.type.work

    def names(self) -> list[str]:
        """The documented spellings, sorted without case."""
        names = {canonical(entry.name): entry.name for entry in BUILT_IN}
        names |= {key: point.name for key, point in self._points().items()}
        names |= {canonical(node.type.name): node.type.name for node in self._loaded.values()}
        return sorted(names.values(), key=str.lower)

    def types(self) -> list[NodeType]:
        """Descriptions of all types that can be loaded. Imports them all: for forms and documentation."""
        found = (self.find(name) for name in self.names())
        return [node.type for node in found if not isinstance(node, Failed)]

    def _points(self) -> dict[str, EntryPoint]:
        if self._entry_points is None:
            points = entry_points(group=self._group) if self._group else ()
            self._entry_points = {
                canonical(point.name): point for point in points if canonical(point.name) not in self._built_in
            }
        return self._entry_points

    def _load(self, key: str) -> NodeImplementation | None:
        entry = self._built_in.get(key)
        if entry is not None:
            found = getattr(import_module(entry.module), entry.attribute)
        elif (point := self._points().get(key)) is not None:
            found = point.load()
        else:
            return None
        return cast(NodeImplementation, found() if isinstance(found, type) else found)


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
