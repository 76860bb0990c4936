"""The example of each node type, as the documentation shows it: run here, or marked with the server that it needs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.server import RunningServer
from tests.api.test_children import detail
from tests.api.test_instances import wait
from tests.api.test_node_types import node

from arkwright.nodes.base import NodeType
from arkwright.nodes.registry import Registry

TYPES = {each.name: each for each in Registry(group=None).types()}
NEEDS = {
    "CDMJob": "the JSON of a CDM job, and the servers that it names: tests/nodes/test_migration_cdm.py",
    "DLISpark": "a JVM and pyspark: tests/nodes/test_spark.py",
    "MRSSpark": "a JVM, pyspark and a jar: tests/nodes/test_spark.py",
    "MRSSparkPython": "a JVM and pyspark: tests/nodes/test_spark.py",
    "MapReduce": "a JVM, pyspark and a jar: tests/nodes/test_mapreduce.py",
    "RESTAPI": "an HTTP server: tests/nodes/test_restapi*.py",
    "SparkSQL": "a JVM and pyspark: tests/nodes/test_spark_sql.py",
    "SMN": "a topic with somebody who hears: tests/notify/test_node_messages.py",
}
"""Types whose example takes more than this server, beside those that need a connection."""
BEFORE: dict[str, dict[str, Any]] = {
    "DataMigration": node("before", "DLISQL", statement="COPY (SELECT 7 AS id) TO 'orders.csv'"),
    "OBSManager": node("before", "CreateOBS", path="obs://landing/in/"),
    "DeleteOBS": node("before", "CreateOBS", path="obs://landing/in/"),
}
"""What has to be there."""
BEHIND = {"Branch": ("monday", "other_days")}
"""Nodes that its settings name."""
RUN_HERE = sorted(name for name, type_ in TYPES.items() if name not in NEEDS and not type_.needs_connection)


@pytest.mark.parametrize("name_of_type", RUN_HERE)
def test_the_example_of_a_type_runs(server: RunningServer, name: str, name_of_type: str) -> None:
    type_: NodeType = TYPES[name_of_type]
    example = dict(type_.example)
    if name_of_type in ("Subjob", "ForEach"):
        (inner,) = (each["value"] for each in example["properties"] if each["name"] == "jobName")  # type: ignore[attr-defined]
        if server.client.get(f"jobs/{inner}").status_code != 200:
            server.save_job(inner, node("a", "Dummy"))
    nodes = [example]
    if name_of_type in BEFORE:
        nodes = [BEFORE[name_of_type], {**example, "preNodeName": ["before"]}]
    nodes += [node(each, "Dummy", str(example["name"])) for each in BEHIND.get(name_of_type, ())]
    server.save_job(name, *nodes)
    instance = wait(server, name)
    runs = detail(server, name, instance["instanceId"])["nodes"]
    assert instance["status"] == "success", runs


def test_every_type_is_run_or_says_what_it_needs() -> None:
    assert not set(NEEDS) - set(TYPES)
    assert not [name for name, type_ in TYPES.items() if type_.needs_connection and not type_.server]
