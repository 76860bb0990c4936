"""Node types over the API: what forms are given, types that don't run here, control nodes inside each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.server import RunningServer
from tests.api.test_children import detail
from tests.api.test_instances import wait

from arkwright.nodes.unsupported import UNSUPPORTED

CATEGORIES = {"control", "sql", "program", "movement", "storage", "messaging", "service"}


def node(node_name: str, type_name: str, /, *before: str, **properties: str) -> dict[str, Any]:
    return {
        "name": node_name,
        "type": type_name,
        "location": {"x": 0, "y": 0},
        "preNodeName": list(before),
        "properties": [{"name": key, "value": value} for key, value in properties.items()],
    }


def test_each_type_comes_with_its_schema_icon_and_category(server: RunningServer) -> None:
    types = {each["name"]: each for each in server.client.get("node-types").json()["nodeTypes"]}
    assert {"Assignment", "Branch", "Merge", "MRSFlink", "MapReduce", "DLISQL"} <= set(types)
    for each in types.values():
        assert each["category"] in CATEGORIES
        assert each["icon"]
        schema = each["schema"]
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["type"] == "object"
        assert set(schema["properties"]) == {given["name"] for given in each["properties"]}
        assert schema.get("required", []) == [given["name"] for given in each["properties"] if given["required"]]
    mode = types["Branch"]["schema"]["properties"]["mode"]
    assert (mode["default"], mode["anyOf"][0]) == ("ALL", {"enum": ["ALL", "FIRST"]})


@pytest.mark.parametrize("each", UNSUPPORTED, ids=lambda each: each.name)
def test_a_job_with_a_type_that_does_not_run_here_is_kept_shown_and_fails_with_the_reason(
    server: RunningServer, name: str, each: Any
) -> None:
    given = node("old", each.name, some="thing", jobName="kept")
    server.save_job(name, given)
    (shown,) = server.client.get(f"jobs/{name}").json()["nodes"]
    assert (shown["type"], shown["properties"]) == (each.name, given["properties"])
    instance = wait(server, name)
    assert instance["status"] == "fail"
    (run,) = detail(server, name, instance["instanceId"])["nodes"]
    assert each.reason in json.dumps(run, ensure_ascii=False)


def test_a_for_each_runs_a_job_that_branches_by_what_it_is_given(server: RunningServer, name: str) -> None:
    cases = json.dumps([{"value": "eu", "nodes": ["near"]}, {"value": "us", "nodes": ["far"]}])
    server.save_job(
        f"{name}_row",
        node("where", "ASSIGNMENT", name="region", value="#{StringUtil.lowerCase('${given}')}"),
        node("which", "BRANCH", "where", expression="${region}", branches=cases, default="nowhere"),
        node("near", "Dummy", "which"),
        node("far", "Dummy", "which"),
        node("nowhere", "Dummy", "which"),
        node("any", "MERGE", "near", "far", states="success"),
    )
    loop = node("each", "ForEach", "rows", jobName=f"{name}_row", dataset="${rows}", params="given=#{Loop.current[0]}")
    server.save_job(name, node("rows", "Assignment", name="rows", value='[["EU"],["US"],["CN"]]'), loop)
    instance_id = wait(server, name)["instanceId"]
    rows, each = detail(server, name, instance_id)["nodes"]
    assert (rows["status"], each["status"], each["childSucceeded"]) == ("success", "success", 3)
    children = server.client.get(f"jobs/{name}/instances/{instance_id}/children").json()["instances"]
    ways = []
    for child in children:
        nodes = {run["nodeName"]: run["status"] for run in detail(server, f"{name}_row", child["instanceId"])["nodes"]}
        ways.append(([each for each in ("near", "far", "nowhere") if nodes[each] == "success"], nodes["any"]))
    assert sorted(ways) == [(["far"], "success"), (["near"], "success"), (["nowhere"], "skip")]
