"""Where an attempt runs: the rules, one by one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.workers import GROUP, HERE, JOB_GROUP
from arkwright.engine.placement import PORTABLE, Placement, portable
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


PLACEMENT = Placement(takes=True, default_group="default", exists=known)
ALONE = Placement(takes=False, default_group="default", exists=known)


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
    assert asyncio.run(ALONE.by_connection(node("Shell"), context("gpu"))) is None


def test_the_jobs_group_comes_before_the_installations() -> None:
    assert PLACEMENT.otherwise(node("Shell"), context()) == "default"
    assert PLACEMENT.otherwise(node("Shell"), context(**{JOB_GROUP: "gpu"})) == "gpu"
    assert PLACEMENT.otherwise(node("Shell"), context(**{JOB_GROUP: HERE})) == HERE
    assert PLACEMENT.otherwise(node("RESTAPI"), context()) == HERE
    assert PLACEMENT.otherwise(node("RESTAPI"), context(**{JOB_GROUP: "gpu"})) == "gpu"
    assert Placement(takes=True, default_group=HERE).otherwise(node("Shell"), context()) == HERE


def test_an_agent_counts_where_a_group_has_its_name() -> None:
    assert asyncio.run(PLACEMENT.by_connection(node("Shell"), context("gpu"))) == "gpu"
    assert asyncio.run(PLACEMENT.by_connection(node("Shell"), context("cdm-cluster-7"))) is None
    assert asyncio.run(PLACEMENT.by_connection(node("DLISQL"), context("gpu"))) is None


@pytest.mark.parametrize("name", sorted(PORTABLE))
def test_what_is_called_portable_exists(name: str) -> None:
    assert portable(node(name))
