"""Job and script documents as the core reads them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkwright.core.job import FailPolicy, ParameterKind
from arkwright.core.job_document import canonical_type, find_cycle, read_job, script_names
from arkwright.core.script_document import read_script
from arkwright.errors import Code, InvalidInput


def node(name: str, *before: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "Dummy", "preNodeName": list(before), **more}


def job(*nodes: Any, **more: Any) -> dict[str, Any]:
    return {"name": "job", "nodes": list(nodes), **more}


def only(**more: Any) -> Any:
    return read_job(job(node("only", **more))).nodes[0]


def refused(document: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_job(document)
    return caught.value


@pytest.mark.parametrize(
    ("spellings", "wanted"),
    [
        (("DLISQL", "DLI SQL", "dli-sql", "DLI_SQL", "dlisql"), "dlisql"),
        (("RESTAPI", "Rest Client", "RestClient"), "restapi"),
        (("CloudTable Manager", "CloudTableManager", "CloudTableManage"), "cloudtablemanager"),
        (("Hive SQL", "MRS Hive SQL"), "hivesql"),
        (("For Each", "ForEach"), "foreach"),
        (("Shell", "SHELL"), "shell"),
    ],
)
def test_a_type_has_one_name_in_every_spelling(spellings: tuple[str, ...], wanted: str) -> None:
    assert {canonical_type(each) for each in spellings} == {wanted}


def test_a_node_without_settings_has_the_documented_defaults() -> None:
    found = only()
    assert (found.fail_policy, found.retry_times, found.retry_interval_seconds) == (FailPolicy.FAIL, 0, 120)
    assert (found.retry_on_timeout, found.max_execution_seconds, found.dry_run) == (False, 3600, False)
    assert (found.properties, found.conditions, found.predecessors) == ({}, {}, ())


def test_settings_are_read_in_their_documented_units_also_as_texts() -> None:
    found = only(
        maxExecutionTime="5",
        retryTimes="3",
        retryInterval=7.0,
        execTimeOutRetry="true",
        failPolicy="suspend",
        emptyRunningJob="1",
    )
    assert (found.max_execution_seconds, found.retry_times, found.retry_interval_seconds) == (300, 3, 7)
    assert (found.retry_on_timeout, found.fail_policy, found.dry_run) == (True, FailPolicy.SUSPEND, True)


@pytest.mark.parametrize("given", [0, "0", "", None])
def test_a_time_of_nothing_is_the_default(given: Any) -> None:
    found = only(maxExecutionTime=given, retryInterval=given)
    assert (found.max_execution_seconds, found.retry_interval_seconds) == (3600, 120)


def test_properties_are_texts_whatever_they_were() -> None:
    given = [
        {"name": "text", "value": "x"},
        {"name": "number", "value": 5},
        {"name": "true", "value": True},
        {"name": "nothing", "value": None},
        {"name": "list", "value": [1, "a"]},
        {"name": "text", "value": "the last one counts"},
    ]
    assert only(properties=given).properties == {
        "text": "the last one counts",
        "number": "5",
        "true": "true",
        "nothing": "",
        "list": '[1,"a"]',
    }
    assert only(properties={"a": 1}).properties == {"a": "1"}


def test_lines_are_positions_both_ways() -> None:
    nodes = read_job(job(node("c", "a", "b", "a"), node("a"), node("b", "a"))).nodes
    assert [each.predecessors for each in nodes] == [(1, 2), (), (1,)]
    assert [each.successors for each in nodes] == [(), (0, 2), (0,)]
    assert [each.index for each in nodes] == [0, 1, 2]


def test_one_predecessor_may_be_a_text() -> None:
    assert read_job(job(node("a"), {"name": "b", "type": "Dummy", "preNodeName": "a"})).nodes[1].predecessors == (0,)


def test_conditions_belong_to_lines_and_empty_ones_are_none() -> None:
    conditions = [{"preNodeName": "a", "expression": "#{true}"}, {"preNodeName": "b", "expression": ""}]
    assert read_job(job(node("a"), node("b"), node("c", "a", "b", conditions=conditions))).nodes[2].conditions == {
        0: "#{true}"
    }


def test_parameters_keep_their_kind_and_are_texts() -> None:
    given = [{"name": "a", "value": 1}, {"name": "b", "value": "x", "type": "constants"}, {"name": "c", "value": None}]
    found = read_job(job(node("only"), params=given)).parameters
    assert [(each.name, each.value, each.kind) for each in found] == [
        ("a", "1", ParameterKind.VARIABLE),
        ("b", "x", ParameterKind.CONSTANTS),
        ("c", "", ParameterKind.VARIABLE),
    ]


@pytest.mark.parametrize(
    ("document", "field", "code"),
    [
        ({"nodes": [node("a")]}, "name", Code.JOB_NAME_EMPTY),
        ({"name": "job"}, "nodes", Code.JOB_WITHOUT_NODES),
        (job(), "nodes", Code.JOB_WITHOUT_NODES),
        ({"name": "job", "nodes": {}}, "nodes", Code.PARAMETER_INVALID),
        (job("a"), "nodes[0]", Code.PARAMETER_INVALID),
        (job(node("")), "nodes[0].name", Code.PARAMETER_INVALID),
        (job(node("a"), node("a")), "nodes[1].name", Code.PARAMETER_INVALID),
        (job({"name": "a"}), "nodes[0].type", Code.PARAMETER_INVALID),
        (job({"name": "a", "type": "- _"}), "nodes[0].type", Code.PARAMETER_INVALID),
        (job(node("a", "b")), "nodes[0].preNodeName[0]", Code.PARAMETER_INVALID),
        (job({**node("a"), "preNodeName": 1}), "nodes[0].preNodeName", Code.PARAMETER_INVALID),
        (job({**node("a"), "preNodeName": [1]}), "nodes[0].preNodeName[0]", Code.PARAMETER_INVALID),
        (job(node("a", retryTimes=-1)), "nodes[0].retryTimes", Code.PARAMETER_INVALID),
        (job(node("a", retryTimes=True)), "nodes[0].retryTimes", Code.PARAMETER_INVALID),
        (job(node("a", retryTimes="many")), "nodes[0].retryTimes", Code.PARAMETER_INVALID),
        (job(node("a", maxExecutionTime=1.5)), "nodes[0].maxExecutionTime", Code.PARAMETER_INVALID),
        (job(node("a", failPolicy="stop")), "nodes[0].failPolicy", Code.PARAMETER_INVALID),
        (job(node("a", execTimeOutRetry="perhaps")), "nodes[0].execTimeOutRetry", Code.PARAMETER_INVALID),
        (job(node("a", properties="a")), "nodes[0].properties", Code.PARAMETER_INVALID),
        (job(node("a", properties=[1])), "nodes[0].properties[0]", Code.PARAMETER_INVALID),
        (job(node("a", conditions="a")), "nodes[0].conditions", Code.PARAMETER_INVALID),
        (job(node("a", conditions=[1])), "nodes[0].conditions[0]", Code.PARAMETER_INVALID),
        (
            job(node("a"), node("b", conditions=[{"preNodeName": "a", "expression": "x"}])),
            "nodes[1].conditions[0].preNodeName",
            Code.PARAMETER_INVALID,
        ),
        (
            job(node("a"), node("b", "a", conditions=[{"preNodeName": "a", "expression": 5}])),
            "nodes[1].conditions[0].expression",
            Code.PARAMETER_INVALID,
        ),
        (job(node("a"), params={}), "params", Code.PARAMETER_INVALID),
        (job(node("a"), params=[{"value": "x"}]), "params[0]", Code.PARAMETER_INVALID),
        (job(node("a"), params=[{"name": "x", "value": ""}] * 2), "params[1].name", Code.PARAMETER_INVALID),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_what_can_not_be_run_is_refused_with_its_field(document: Any, field: str, code: Code) -> None:
    error = refused(document)
    assert (error.field, error.code) == (field, code)
    assert field.partition("[")[0] in error.message


def test_a_cycle_is_shown_along_its_arrows() -> None:
    error = refused(job(node("x"), node("c", "b"), node("a", "x", "c"), node("b", "a")))
    assert "c -> a -> b -> c" in error.message
    assert "a -> a" in refused(job(node("a", "a"))).message


def _predecessors(count: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(st.integers(0, count - 1), max_size=3), min_size=count, max_size=count)


@given(st.integers(1, 8).flatmap(_predecessors))
def test_a_graph_has_a_cycle_or_an_order(predecessors: list[list[int]]) -> None:
    cycle = find_cycle(predecessors)
    if cycle is None:
        done: set[int] = set()
        while len(done) < len(predecessors):
            ready = {i for i, before in enumerate(predecessors) if i not in done and done.issuperset(before)}
            assert ready
            done |= ready
    else:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert all(before in predecessors[after] for before, after in pairwise(cycle))


def test_a_large_job_is_read_without_recursion() -> None:
    nodes = [node("n0"), *(node(f"n{i}", f"n{i - 1}") for i in range(1, 5000))]
    assert len(read_job(job(*nodes)).nodes) == 5000
    nodes[0]["preNodeName"] = ["n4999"]
    assert "n0 -> n1 -> n2" in refused(job(*nodes)).message


def test_scripts_are_named_once_in_the_order_of_the_nodes() -> None:
    def using(name: str, **properties: str) -> dict[str, Any]:
        return node(name, properties=[{"name": key, "value": value} for key, value in properties.items()])

    found = read_job(
        job(
            using("a", scriptName="second"),
            using("b", scriptName="first"),
            using("c", scriptName="second"),
            using("d", scriptName=""),
            using("e", statement="SELECT 1"),
            using("f", scriptName="unused", statementOrScript="STATEMENT", statement="SELECT 1"),
        )
    )
    assert script_names(found) == ("second", "first")


def test_a_script_keeps_what_a_node_may_have_to_honour() -> None:
    body = {
        "type": "DLISQL",
        "content": "SELECT 1",
        "connectionName": "local",
        "database": None,
        "queueName": "fast",
        "configuration": {"a": 1},
        "description": "no",
    }
    found = read_script("s", body, 7)
    assert (found.name, found.type, found.text, found.version) == ("s", "DLISQL", "SELECT 1", 7)
    assert (found.connection_name, found.database) == ("local", "")
    assert found.extra == {"queueName": "fast", "configuration": '{"a":1}'}


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"content": "x"}, "type", Code.SCRIPT_TYPE_MISSING),
        ({"type": "Shell", "content": 1}, "content", Code.PARAMETER_INVALID),
        ({"type": "Shell", "content": "", "connectionName": 1}, "connectionName", Code.PARAMETER_INVALID),
    ],
)
def test_a_script_that_can_not_be_run_is_refused(body: Any, field: str, code: Code) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_script("s", body, 1)
    assert (caught.value.field, caught.value.code) == (field, code)
