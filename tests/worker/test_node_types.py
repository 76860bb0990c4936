"""What each node type, and each setting of those that run on workers, means on a worker: nothing is left to chance.

A new type, or a new setting of one, is missing here until somebody has thought of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.workers import GROUP, Way
from arkwright.engine.placement import Placement
from arkwright.nodes.base import AttemptKey, Bound, Context, NeededFile, NeedsFiles, NodeImplementation, Work
from arkwright.nodes.registry import Registry

NODES = Registry(group=None)

STAYS = {
    *("CDMJob", "CreateOBS", "DataMigration", "DeleteOBS", "DLIFlinkJob", "DLISQL", "KafkaClient", "MapReduce"),
    *("MRSFlink", "MRSKafka", "OBSManager"),
}
"""They work with files, objects or the database of the server's machine."""
NEVER_LEAVES = {"Assignment", "Branch", "Dummy", "ForEach", "Merge", "SMN", "Subjob"}
"""The core, or the outbox, does them: there is nothing to be run."""

SAME = "nothing of it is on a machine"
TEXT = "it stays, or is refused, where it names the workspace's folder"
BROUGHT = "files that it names are brought"
THERE = "the worker's own (podman, Spark): missing, it is refused by name"
KNOWN = "with it come the keys that are known of the host, and what is learnt goes back"
STORED = "with it, it stays: the object storage is the server's"
WAREHOUSE = "without one tables need a place of their own, or it stays"

SQL = dict.fromkeys(
    ("scriptName", "statement", "sql", "sqlStatement", "statementOrScript", "connectionName", "database", "scriptArgs"),
    SAME,
)
SCRIPT = {
    **dict.fromkeys(("scriptName", "statement", "arguments", "interactiveInput"), TEXT),
    "connectionName": KNOWN,
    **dict.fromkeys(("image", "network"), THERE),
    **dict.fromkeys(("memoryMb", "programSeconds"), SAME),
}
SPARK = {
    **dict.fromkeys(("jars", "pyFiles", "files"), BROUGHT),
    **dict.fromkeys(("clusterName", "jobName", "queue", "memoryMb", "programSeconds"), SAME),
    "connectionName": WAREHOUSE,
}
SQL_TYPES = (
    *("DorisSQL", "DWSSQL", "HiveSQL", "MRSClickHouse", "MRSHetuEngine", "MRSImpalaSQL", "MRSPrestoSQL"),
    *("RDSSQL", "SparkSQL"),
)
FIELDS = {
    "CSS": dict.fromkeys(("connectionName", "method", "path", "body", "extract"), SAME) | {"outputPath": STORED},
    **dict.fromkeys(SQL_TYPES, SQL),
    "DLISpark": SPARK
    | {"resourcePath": BROUGHT, "sparkConfig": WAREHOUSE}
    | dict.fromkeys(("resourceType", "jobClass", "jarArgs"), SAME),
    "MRSSpark": SPARK
    | {"resourcePath": BROUGHT, "programParameter": WAREHOUSE}
    | dict.fromkeys(("jobClass", "parameters", "input", "output"), SAME),
    "MRSSparkPython": SPARK
    | {"resourcePath": BROUGHT, "programParameter": WAREHOUSE}
    | dict.fromkeys(("scriptName", "statement", "parameters"), SAME),
    "Python": SCRIPT,
    "RESTAPI": dict.fromkeys(
        (
            *("url", "method", "headers", "body", "extract", "urlParams", "authenticationMode", "connectionName"),
            *("checkReturnValue", "propertyPath", "successFlag", "failureFlag", "checkInterval", "checkTimeout"),
        ),
        SAME,
    ),
    "Shell": SCRIPT,
}
"""Of each type that runs on workers, what becomes of each setting."""


def node(name: str) -> NodeImplementation:
    return cast(NodeImplementation, NODES.find(name))


def context(**properties: str) -> Context:
    return Context(
        key=AttemptKey(instance_id=1, node=0, attempt=1),
        project_id="p",
        workspace_id="w",
        job_name="j",
        node_name="n",
        properties=properties,
        folder=Path("/attempt"),
        workspace_folder=Path("/workspace"),
    )


def test_every_type_runs_on_workers_or_says_by_name_that_it_does_not() -> None:
    placement = Placement(ways=[Way(url="tcp://a:1", others=True)], default_group="default")
    for type_ in NODES.types():
        given = placement.given(node(type_.name), context(**{GROUP: "gpu", "connectionName": "there"}))
        if type_.name in NEVER_LEAVES:
            assert given == "local"
            assert type_.work in (Work.CONTROL, Work.MESSAGE)
        elif type_.name in STAYS:
            assert isinstance(given, Failed)
            assert given.kind is FailureKind.REFUSED
            assert type_.name in given.message
            assert f"Take {GROUP} away, or set it to local" in given.message
        else:
            assert given == "gpu", type_.name
            assert type_.name in FIELDS


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_setting_of_what_runs_on_workers_has_been_thought_of(name: str) -> None:
    assert {each.name for each in node(name).type.properties} == set(FIELDS[name])


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name in FIELDS for field, what in FIELDS[name].items() if what is TEXT]
)
def test_a_text_that_names_the_workspaces_folder_binds_it(name: str, field: str) -> None:
    program = node(name)
    assert isinstance(program, Bound)
    bound = program.bound(context(**{field: "cat ${ARKWRIGHT_WORKSPACE_FOLDER}/x"}))
    assert bound is not None
    assert bound.startswith(f"{field} uses ")
    assert program.bound(context(**{field: "cat x"})) is None


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name in FIELDS for field, what in FIELDS[name].items() if what is BROUGHT]
)
def test_files_that_a_setting_names_are_brought_from_the_storage_and_the_workspace(name: str, field: str) -> None:
    program = node(name)
    assert isinstance(program, NeedsFiles)
    primary = {} if "Python" in name and field != "resourcePath" else {"resourcePath": "/there/main.jar"}
    for source, last in (("obs://jobs/a.py", "a.py"), ("lib/b.py", "b.py")):
        given = {**primary, **({"statement": "pass"} if not primary else {}), field: source}
        assert program.needs(context(**given)) == (NeededFile(source=source, target=f"resources/0/{last}"),)
    assert (
        program.needs(context(**{**primary, **({"statement": "pass"} if not primary else {}), field: "/on/it.py"}))
        == ()
    )


def test_what_stores_into_the_object_storage_is_bound() -> None:
    css = node("CSS")
    assert isinstance(css, Bound)
    assert css.bound(context(path="/a")) is None
    assert css.bound(context(path="/a", outputPath="obs://a/b")) is not None


def test_what_a_worker_has_brought_is_where_the_program_looks_for_it() -> None:
    """The same list on both sides: a worker asks by number."""
    from dataclasses import replace

    from arkwright.nodes.spark_node import Resources

    given = context(resourcePath="obs://jars/main.jar", jars="lib/a.jar, obs://jars/b.jar,/opt/c.jar", files="x.csv")
    there = replace(given, folder=Path("/elsewhere"), on_worker=True)
    program = node("MRSSpark")
    assert isinstance(program, NeedsFiles)
    assert program.needs(given) == program.needs(there)
    resources = Resources(there, on_worker=True)
    paths = [resources.local(each) for each in ("obs://jars/main.jar", "lib/a.jar", "obs://jars/b.jar", "/opt/c.jar")]
    assert paths == [
        "/elsewhere/resources/0/main.jar",
        "/elsewhere/resources/1/a.jar",
        "/elsewhere/resources/2/b.jar",
        "/opt/c.jar",
    ]
    assert resources.fetched == (), "the worker has brought them"
