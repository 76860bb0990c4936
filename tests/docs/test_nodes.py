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
from arkwright.core.job_document import canonical_type, read_job
from arkwright.nodes.base import Work
from arkwright.nodes.registry import BUILT_IN, Registry, canonical
from arkwright.nodes.schema import settings_schema
from arkwright.nodes.unsupported import UNSUPPORTED

SPEC = {
    "CDM Job": "runs",
    "Data Migration": "runs",
    "One-click CDC": "no",
    "DIS Transfer Task": "no",
    "ETL Job": "no",
    "MRS Hive SQL": "by a connection",
    "MRS Spark SQL": "runs",
    "MRS Impala SQL": "by a connection",
    "MRS Presto SQL": "by a connection",
    "MRS HetuEngine": "by a connection",
    "MRS ClickHouse": "by a connection",
    "Doris SQL": "by a connection",
    "DLI SQL": "runs",
    "DLI Spark": "runs",
    "DLI Flink Job": "by a connection",
    "DWS SQL": "by a connection",
    "RDS SQL": "by a connection",
    "MRS Spark": "runs",
    "MRS Spark Python": "runs",
    "MRS Flink Job": "by a connection",
    "MRS MapReduce": "runs",
    "Shell": "runs",
    "Python": "runs",
    "Rest Client": "runs",
    "SMN": "runs",
    "Create OBS": "runs",
    "Delete OBS": "runs",
    "OBS Manager": "runs",
    "CSS": "by a connection",
    "Kafka Client": "by a connection",
    "MRS Kafka": "by a connection",
    "Import GES": "no",
    "ModelArts Train": "no",
    "ROMA FDI Job": "no",
    "Open/Close Resource": "no",
    "CloudTable Manager": "no",
    "CS Job": "no",
    "MachineLearning": "no",
    "Dummy": "runs",
    "Subjob": "runs",
    "For Each": "runs",
    "Assignment": "runs",
    "Branch": "runs",
    "Merge": "runs",
}
"""Each type of factory-behaviour 6, in its order, and what becomes of it here."""
SPELT = ("Hive SQL", "Spark SQL", "MapReduce", "RESTAPI", "MRSFlink", "MRSFlinkJob", "ASSIGNMENT", "BRANCH", "MERGE")
"""As the API's own enums have them (factory-api 6.3)."""
DOCUMENTED = (*SPEC, *SPELT)
TYPES = Registry(group=None).types()


def test_the_page_is_in_step_with_the_code() -> None:
    assert (TOP / "docs" / "nodes.md").read_text(encoding="utf-8") == generator().nodes_page(), "run `make docs`"


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_documented_type_runs_here_or_says_why_not(name: str) -> None:
    registry = Registry(group=None)
    runs = registry.work(canonical_type(name)) is not None
    assert runs != (registry.unsupported(name) is not None)


@pytest.mark.parametrize("name", SPEC)
def test_the_page_has_a_row_for_each_type_of_the_specification(name: str) -> None:
    registry = Registry(group=None)
    node, unsupported = registry.find(canonical_type(name)), registry.unsupported(name)
    label = unsupported.name if unsupported is not None else f"[{node.type.name}]"  # type: ignore[union-attr]
    rows = [line for line in (TOP / "docs" / "nodes.md").read_text(encoding="utf-8").splitlines()
            if line.startswith(f"| {label}")]  # fmt: skip
    assert len(rows) == 1
    assert rows[0].split(" | ")[1].strip(" |") == SPEC[name]


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


@pytest.mark.parametrize("type_", TYPES, ids=lambda each: each.name)
def test_each_example_is_a_node_as_the_api_takes_it(type_) -> None:  # type: ignore[no-untyped-def]
    (node,) = read_job({"name": "j", "nodes": [dict(type_.example)]}).nodes
    assert node.type == canonical_type(type_.name)
    schema = settings_schema(type_)
    assert set(node.properties) <= set(schema["properties"])
    assert set(schema.get("required", ())) <= set(node.properties)
    assert type_.icon
    assert type_.shown_in


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
