"""Every node type of the cloud has its row in `docs/nodes.md`, and what the page says is what the code does."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from tests.architecture.files import TOP
from tests.docs.test_reference import generator

from arkwright.assess.jobs import assess
from arkwright.assess.model import Level, Topic
from arkwright.assess.reading import collect
from arkwright.nodes.base import Work
from arkwright.nodes.registry import BUILT_IN, Registry, canonical
from arkwright.nodes.unsupported import UNSUPPORTED

DOCUMENTED = (
    *("CDM Job", "Data Migration", "One-click CDC", "DIS Transfer Task", "ETL Job", "MRS Impala SQL"),
    *("Hive SQL", "Spark SQL", "MRS Presto SQL", "MRS HetuEngine", "MRS ClickHouse", "Doris SQL", "DLI SQL"),
    *("DLI Spark", "DLI Flink Job", "DWS SQL", "RDS SQL", "MRS Spark", "MRS Spark Python", "MRS Flink Job"),
    *("MapReduce", "Shell", "Python", "RESTAPI", "Rest Client", "SMN", "Create OBS", "Delete OBS", "OBS Manager"),
    *("CSS", "Kafka Client", "MRS Kafka", "Import GES", "ModelArts Train", "ROMA FDI Job", "Open/Close Resource"),
    *("CloudTable Manager", "CS Job", "MachineLearning", "Dummy", "Subjob", "For Each", "Assignment", "Branch"),
    *("Merge", "MRSFlink"),
)
"""Of the user guide's node reference and of the API's enums (factory-behaviour 6, factory-api 6.3)."""
TYPES = Registry(group=None).types()


def test_the_page_is_in_step_with_the_code() -> None:
    assert (TOP / "docs" / "nodes.md").read_text(encoding="utf-8") == generator().nodes_page(), "run `make docs`"


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_documented_type_runs_here_or_says_why_not(name: str) -> None:
    registry = Registry(group=None)
    assert (registry.work(name) is not None) != (registry.unsupported(name) is not None)


def test_every_built_in_type_can_be_loaded_and_none_is_both() -> None:
    assert {each.name for each in TYPES} == {each.name for each in BUILT_IN}
    built_in = {canonical(name) for each in BUILT_IN for name in (each.name, *each.aliases)}
    assert not built_in & {canonical(name) for each in UNSUPPORTED for name in (each.name, *each.aliases)}


@pytest.mark.parametrize("type_", TYPES, ids=lambda each: each.name)
def test_each_type_says_what_it_promises_and_shows_an_example(type_) -> None:  # type: ignore[no-untyped-def]
    assert type_.summary.endswith(".")
    assert type_.repeated.endswith(".")
    assert bool(type_.server) is (type_.work is not Work.CONTROL)
    assert all(each.help for each in type_.properties)
    example = type_.example
    assert example["type"] == type_.name
    known = {each.name for each in type_.properties}
    given = {each["name"] for each in example["properties"]}
    assert given <= known
    assert {each.name for each in type_.properties if each.required} <= given


@pytest.mark.parametrize("each", UNSUPPORTED, ids=lambda each: each.name)
def test_a_type_that_does_not_run_here_gives_its_reason(each) -> None:  # type: ignore[no-untyped-def]
    refused = Registry(group=None).find(each.name)
    assert each.reason in str(getattr(refused, "message", ""))
    assert each.reason.endswith(".")
    assert each.instead.endswith(".")


@pytest.mark.parametrize(
    ("name", "runs"), [*((each.name, True) for each in BUILT_IN), *((each.name, False) for each in UNSUPPORTED)]
)
def test_assess_agrees_with_the_page(tmp_path: Path, name: str, runs: bool) -> None:
    document = {"name": "j", "nodes": [{"name": "n", "type": name, "properties": []}]}
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as export:
        export.writestr("jobs/j.job", json.dumps(document))
    (job,) = assess(collect([tmp_path / "export.zip"])).jobs
    found = [each for each in job.findings if each.topic is Topic.NODE_TYPE]
    assert [each.subject for each in found] == ([] if runs else [name])
    assert all(Registry(group=None).unsupported(name).reason in each.reason for each in found)  # type: ignore[union-attr]


def test_assess_takes_a_node_for_working_whose_connection_has_to_be_mapped(tmp_path: Path) -> None:
    properties = [{"name": "connectionName", "value": "cloud"}, {"name": "statement", "value": "SELECT 1"}]
    document = {"name": "j", "nodes": [{"name": "n", "type": "HiveSQL", "properties": properties}]}
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as export:
        export.writestr("jobs/j.job", json.dumps(document))
    (job,) = assess(collect([tmp_path / "export.zip"])).jobs
    topics = {each.topic: each.level for each in job.findings}
    assert topics[Topic.CONNECTION] is Level.NEEDS
    assert not {Topic.NODE, Topic.NODE_TYPE} & topics.keys()
