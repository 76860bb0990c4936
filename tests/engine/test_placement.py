"""Where an attempt runs: the rules, one by one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.workers import GROUP, HERE, JOB_GROUP, Way
from arkwright.engine.placement import Placement
from arkwright.nodes.base import AttemptKey, Connection, Context, NodeImplementation
from arkwright.nodes.registry import Registry

NODES = Registry(group=None)


def node(name: str) -> NodeImplementation:
    return cast(NodeImplementation, NODES.find(name))


def context(agent: str = "", **properties: str) -> Context:
    connection = Connection(name="c", type="HOST", config={"agentName": agent}) if agent else None
    return Context(
        key=AttemptKey(instance_id=1, node=0, attempt=1),
        project_id="p",
        workspace_id="w",
        job_name="j",
        node_name="n",
        properties=properties,
        connection=connection,
        folder=Path("a"),
        workspace_folder=Path("w"),
    )


async def known(group: str) -> bool:
    return group == "gpu"


WAY = Way(url="tcp://a:1", others=True)
PLACEMENT = Placement(ways=[WAY], default_group="default", exists=known)
ALONE = Placement(ways=[], default_group="default", exists=known)
FEW = Placement(ways=[Way(url="tcp://b:1", groups=("gpu",))], default_group="default", exists=known)
"""With ways to some groups only."""


def given(placement: Placement, name: str, **properties: str) -> Any:
    return placement.given(node(name), context(**properties))


def test_a_node_that_names_a_group_runs_there() -> None:
    assert given(PLACEMENT, "Shell", **{GROUP: " gpu "}) == "gpu"
    assert given(PLACEMENT, "RDSSQL", **{GROUP: "gpu"}) == "gpu"
    assert given(PLACEMENT, "Shell", **{GROUP: HERE}) == HERE
    assert given(PLACEMENT, "Shell") is None


@pytest.mark.parametrize("name", ["DLISQL", "CreateOBS", "DataMigration", "MRSKafka"])
def test_a_node_that_needs_the_servers_files_is_refused_elsewhere(name: str) -> None:
    refused = given(PLACEMENT, name, **{GROUP: "gpu"})
    assert isinstance(refused, Failed)
    assert refused.kind is FailureKind.REFUSED
    assert name in refused.message
    assert GROUP in refused.message
    assert PLACEMENT.otherwise(node(name), context(**{JOB_GROUP: "gpu"})) == HERE, "the job's group is a wish"


def test_without_a_way_to_workers_a_group_is_refused_and_everything_else_runs_here() -> None:
    refused = given(ALONE, "Shell", **{GROUP: "gpu"})
    assert isinstance(refused, Failed)
    assert "--executor" in refused.message
    assert given(ALONE, "Shell", **{GROUP: HERE}) == HERE
    assert ALONE.otherwise(node("Shell"), context(**{JOB_GROUP: "gpu"})) == HERE
    assert asyncio.run(ALONE.by_agent(node("Shell"), context(), "gpu")) is None


def test_with_ways_to_some_groups_the_others_are_refused_by_name_and_what_names_none_runs_here() -> None:
    assert given(FEW, "Shell", **{GROUP: "gpu"}) == "gpu"
    for refused in (
        given(FEW, "Shell", **{GROUP: "cpu"}),
        FEW.otherwise(node("Shell"), context(**{JOB_GROUP: "cpu"})),
    ):
        assert isinstance(refused, Failed)
        assert refused.kind is FailureKind.REFUSED
        assert "'cpu'" in refused.message
        assert "--executor cpu=URL" in refused.message
        assert "workers of gpu only" in refused.message
    assert FEW.otherwise(node("Shell"), context()) == HERE
    assert FEW.otherwise(node("Shell"), context(**{JOB_GROUP: "gpu"})) == "gpu"
    assert (
        Placement(ways=[Way(url="tcp://b:1", groups=("gpu",))], default_group="gpu").otherwise(node("Shell"), context())
        == "gpu"
    )


def test_the_jobs_group_comes_before_the_installations() -> None:
    assert PLACEMENT.otherwise(node("Shell"), context()) == "default"
    assert PLACEMENT.otherwise(node("Shell"), context(**{JOB_GROUP: "gpu"})) == "gpu"
    assert PLACEMENT.otherwise(node("Shell"), context(**{JOB_GROUP: HERE})) == HERE
    assert PLACEMENT.otherwise(node("RESTAPI"), context()) == HERE
    assert PLACEMENT.otherwise(node("RESTAPI"), context(**{JOB_GROUP: "gpu"})) == "gpu"
    assert Placement(ways=[WAY], default_group=HERE).otherwise(node("Shell"), context()) == HERE


def test_an_agent_counts_where_a_group_has_its_name() -> None:
    assert asyncio.run(PLACEMENT.by_agent(node("Shell"), context(), "gpu")) == "gpu"
    assert asyncio.run(PLACEMENT.by_agent(node("Shell"), context(), "cdm-cluster-7")) is None
    assert asyncio.run(PLACEMENT.by_agent(node("DLISQL"), context(), "gpu")) is None


USES_FOLDER = "cat $ARKWRIGHT_WORKSPACE_FOLDER/list"


def test_a_program_that_names_the_workspaces_folder_stays_and_is_refused_elsewhere() -> None:
    refused = given(PLACEMENT, "Shell", **{GROUP: "gpu", "statement": USES_FOLDER})
    assert isinstance(refused, Failed)
    assert refused.message.startswith("statement uses ARKWRIGHT_WORKSPACE_FOLDER")
    assert f"{GROUP} away, or set it to {HERE}" in refused.message
    assert PLACEMENT.otherwise(node("Shell"), context(statement=USES_FOLDER)) == HERE
    assert PLACEMENT.otherwise(node("Python"), context(**{JOB_GROUP: "gpu", "arguments": USES_FOLDER})) == HERE
    assert PLACEMENT.otherwise(node("Shell"), context(statement=USES_FOLDER, connectionName="far")) == "default"


def test_spark_goes_where_its_tables_can_be_kept() -> None:
    refused = given(PLACEMENT, "MRSSpark", **{GROUP: "gpu", "resourcePath": "obs://jars/a.jar"})
    assert isinstance(refused, Failed)
    assert "spark.sql.warehouse.dir" in refused.message
    elsewhere = {GROUP: "gpu", "programParameter": "spark.sql.warehouse.dir=s3a://tables"}
    assert given(PLACEMENT, "MRSSpark", **elsewhere) == "gpu"
    assert given(PLACEMENT, "MRSSpark", **{GROUP: "gpu", "connectionName": "cluster"}) == "gpu"
    assert PLACEMENT.otherwise(node("MRSSparkPython"), context(statement="pass")) == HERE
