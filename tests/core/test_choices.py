"""Assignment, Branch and Merge: what is handed on, which lines are gone along, what is joined (decision 0013)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.core.building import Run, plan

from arkwright.core.commands import LookUp, OpenChildren, StartAttempt
from arkwright.core.control.children import PinnedJob
from arkwright.core.events import NodeForceSuccessRequested, RestartFrom
from arkwright.core.instance import ConditionPolicy, InstanceStatus, NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.job_document import read_job
from arkwright.core.masking import sealed_form
from arkwright.core.rules import Rules, SkipPolicy
from arkwright.errors import InvalidInput


def branch(*cases: tuple[str, str], default: str = "", **more: Any) -> dict[str, Any]:
    """Cases of (condition, nodes behind by commas)."""
    given = [{"condition": condition, "nodes": names.split(",")} for condition, names in cases]
    properties = {"branches": json.dumps(given), "default": default, **more.pop("properties", {})}
    return {"type": "branch", "properties": properties, **more}


def merge(**properties: str) -> dict[str, Any]:
    return {"type": "merge", "properties": properties}


def assign(value: str = "", **more: Any) -> dict[str, Any]:
    properties = {"value": value, **more.pop("properties", {})}
    return {"type": "assignment", "properties": properties, **more}


def when(**conditions: str) -> dict[str, Any]:
    return {"conditions": conditions}


IGNORED = FailPolicy.IGNORE

# sentence: (graph, nodes, node states when all running nodes have succeeded)
TABLE: dict[str, tuple[str, dict[str, Any], str]] = {
    "a branch goes along the case that holds": (
        "b > x, b > y", {"b": branch(("true", "x"), ("false", "y"))}, "b=success x=success y=skip"),
    "several cases that hold are all gone along": (
        "b > x, b > y, b > z", {"b": branch(("true", "x"), ("true", "y,z"))},
        "b=success x=success y=success z=success"),
    "with FIRST only the first case that holds is": (
        "b > x, b > y", {"b": branch(("true", "x"), ("true", "y"), properties={"mode": "first"})},
        "b=success x=success y=skip"),
    "the default is for when no case holds": (
        "b > x, b > y", {"b": branch(("false", "x"), default="y")}, "b=success x=skip y=success"),
    "the default is left aside when a case holds": (
        "b > x, b > y", {"b": branch(("true", "x"), default="y")}, "b=success x=success y=skip"),
    "a node may be in a case and in the default": (
        "b > x, b > y", {"b": branch(("false", "x,y"), default="y")}, "b=success x=skip y=success"),
    "with no case that holds and no default nothing behind it runs": (
        "b > x > y", {"b": branch(("false", "x"))}, "b=success x=skip y=skip"),
    "everything on a way that was not chosen is skipped": (
        "b > x > u > v, b > y", {"b": branch(("false", "x"), ("true", "y"))},
        "b=success x=skip u=skip v=skip y=success"),
    "a join without a condition runs if one way to it was chosen": (
        "b > x > j, b > y > j", {"b": branch(("false", "x"), ("true", "y"))},
        "b=success x=skip j=success y=success"),
    "a line that was not chosen counts like a condition that does not hold": (
        "b > x, a > x, b > y", {"b": branch(("false", "x"), ("true", "y"))}, "b=success x=skip a=success y=success"),
    "a node behind a skipped branch is skipped although another line leads to it": (
        "a > b > x, a > x", {"b": branch(("true", "x"), conditions={"a": "false"})}, "a=success b=skip x=skip"),
    "a chosen line with a condition needs both": (
        "b > x, b > y", {"b": branch(("true", "x,y")), "x": when(b="false"), "y": when(b="true")},
        "b=success x=skip y=success"),
    "a case may ask how a node before ended": (
        "a > b > x, b > y",
        {"b": branch(('#{Job.getNodeStatus("a") == "success"}', "x"), ('#{Job.getNodeStatus("a") == "fail"}', "y"))},
        "a=success b=success x=success y=skip"),
    "a merge joins the way that was chosen": (
        "b > x > m, b > y > m, m > z", {"b": branch(("true", "x"), ("false", "y")), "m": merge()},
        "b=success x=success m=success y=skip z=success"),
    "a merge joins both ways": (
        "b > x > m, b > y > m", {"b": branch(("true", "x,y")), "m": merge()},
        "b=success x=success m=success y=success"),
    "a merge of ways of which none was chosen is skipped with what follows": (
        "a > b > x > m > z, b > y > m", {"b": branch(("true", "x,y"), conditions={"a": "false"}), "m": merge()},
        "a=success b=skip x=skip m=skip z=skip y=skip"),
    "a merge that wants none of them joins nothing, too": (
        "b > x > m, b > y > m", {"b": branch(("false", "x,y")), "m": merge(least="0")},
        "b=success x=skip m=success y=skip"),
    "a merge of all wants each of them": (
        "b > x > m, b > y > m", {"b": branch(("true", "x"), ("false", "y")), "m": merge(least="all")},
        "b=success x=success m=skip y=skip"),
    "a merge of all for which skipped ones count runs": (
        "b > x > m, b > y > m",
        {"b": branch(("true", "x"), ("false", "y")), "m": merge(least="all", states="success, skip")},
        "b=success x=success m=success y=skip"),
    "a line whose condition does not hold counts as skipped for a merge": (
        "a > m, c > m", {"m": {**merge(least="2"), **when(a="false")}}, "a=success m=skip c=success"),
    "a merge right behind a branch counts the line as it was chosen": (
        "b > m, b > y > m", {"b": branch(("true", "y"), ("false", "m")), "m": merge(least="2")},
        "b=success m=skip y=success"),
    "a merge needs no lines": ("m > z", {"m": merge()}, "m=success z=success"),
    "a branch in a branch": (
        "b > c > x > m, c > y > m, b > w > m",
        {"b": branch(("true", "c"), ("false", "w")), "c": branch(("false", "x"), default="y"), "m": merge()},
        "b=success c=success x=skip m=success y=success w=skip"),
}  # fmt: skip


def run_through(run: Run) -> Run:
    while not run.state.ended:
        run.succeeds(next(node.name for node in run.state.nodes if node.status is NodeStatus.RUNNING))
    return run


@pytest.mark.parametrize("sentence", TABLE)
def test_branches_and_merges(sentence: str) -> None:
    graph, nodes, states = TABLE[sentence]
    run = run_through(Run(plan(graph, **nodes)))
    assert (run.nodes, run.status) == (states, InstanceStatus.SUCCESS)


def test_a_branch_compares_an_expression_with_values() -> None:
    cases = [{"value": "eu", "nodes": "x"}, {"value": "#{StringUtil.lowerCase('US')}", "nodes": ["y"]}]
    properties = {"expression": "${region}", "branches": json.dumps(cases), "default": "z"}
    tested = plan("b > x, b > y, b > z", b={"type": "branch", "properties": properties}, parameters={"region": "eu"})
    for region, states in {
        "us": "b=success x=skip y=success z=skip",
        "eu": "b=success x=success y=skip z=skip",
        "cn": "b=success x=skip y=skip z=success",
    }.items():
        assert run_through(Run(tested, parameters={"region": region})).nodes == states


def test_a_way_not_chosen_ends_at_the_line_where_the_line_says_so_only() -> None:
    nodes = {"b": branch(("true", "y"), ("false", "x"))}
    rules = Rules(skip_policy=SkipPolicy.NEXT)
    assert run_through(Run(plan("b > x > u, b > y", **nodes), rules=rules)).nodes == "b=success x=skip u=skip y=success"
    own = {"x": {"skip_policies": {"b": SkipPolicy.NEXT}}}
    assert run_through(Run(plan("b > x > u, b > y", **nodes, **own))).nodes == "b=success x=skip u=success y=success"


def test_with_the_policy_and_every_branch_must_have_chosen_the_node() -> None:
    nodes = {"b": branch(("true", "x,y")), "c": branch(("false", "x"), default="z")}
    tested = plan("b > x, b > y, c > x, c > z", **nodes)
    assert run_through(Run(tested)).nodes == "b=success x=success y=success c=success z=success"
    strict = Run(tested, condition_policy=ConditionPolicy.AND)
    assert run_through(strict).nodes == "b=success x=skip y=success c=success z=success"


def test_a_branch_that_decides_nothing_holds_back_no_line() -> None:
    cases = (("#{Job.nothing}", "x"), ("false", "y"))
    ignored = run_through(Run(plan("b > x, b > y", b=branch(*cases, fail_policy=IGNORED))))
    assert (ignored.nodes, ignored.state.ignore_success) == ("b=fail x=success y=success", True)
    assert run_through(Run(plan("b > x, b > y", b=branch(*cases, dry_run=True)))).nodes == (
        "b=success x=success y=success"
    )
    suspended = Run(plan("b > x, b > y", b=branch(*cases, fail_policy=FailPolicy.SUSPEND)))
    assert suspended.status is InstanceStatus.RUNNING_EXCEPTION
    force = NodeForceSuccessRequested(at_ms=suspended.now_ms, operation_id="f", by="anna", node_name="b")
    suspended.tell(force)
    assert suspended.nodes == "b=success x=running y=running"


def test_a_failure_that_is_ignored_comes_to_a_merge_unless_it_wants_successes() -> None:
    for states, joined in {"": "success", "success": "skip", "fail": "success"}.items():
        run = Run(plan("a > m", a=IGNORED, m=merge(states=states))).fails("a")
        assert run.nodes == f"a=fail m={joined}"


def test_a_failure_with_fail_child_keeps_a_merge_from_running() -> None:
    run = Run(plan("a > m > z, c > m", a=FailPolicy.FAIL_CHILD, m=merge(states="fail,success"))).fails("a")
    run.succeeds("c")
    assert (run.nodes, run.status) == ("a=fail m=skip z=skip c=success", InstanceStatus.FAIL)


def test_a_merge_waits_for_all_lines_to_end() -> None:
    run = Run(plan("a > m, c > m", m=merge())).succeeds("a")
    assert run.nodes == "a=success m=waiting c=running"


def test_a_merge_says_why_it_is_skipped() -> None:
    run = run_through(Run(plan("a > m, c > m", m={**merge(least="2"), **when(a="false")})))
    message = run.node("m").message
    assert message == (
        "Skipped: of the lines to it at least 2 must end as success or fail, and they ended as: 1 skip, 1 success."
    )


def test_a_branch_says_what_it_chose_and_a_skipped_node_why() -> None:
    run = Run(plan("b > x, b > y", b=branch(("false", "x"), default="y")))
    assert run.node("b").message == "No case holds: chose the default, 'y'."
    assert run.node("x").message == "Skipped: a Branch before it chose another way."


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({}, "nothing to choose from: give the property branches"),
        ({"branches": "x"}, "branches of node 'b' is no JSON"),
        ({"branches": "[]"}, "is no list of cases"),
        ({"branches": '[{"nodes": ["x"]}]'}, "must give case 0 either a condition or a value"),
        ({"branches": '[{"condition": "true"}]'}, "does not say which nodes case 0 stands for"),
        ({"branches": '[{"value": "1", "nodes": "x"}]'}, "gives case 0 a value, and the property expression"),
        ({"branches": '[{"condition": "true", "nodes": "q,x"}]'}, "chooses 'q', to which no line leads from it"),
        ({"branches": '[{"condition": "true", "nodes": "x"}]', "mode": "SOME"}, "must be ALL or FIRST, not 'SOME'"),
        ({"branches": json.dumps([{"condition": "true", "nodes": "x"}] * 51)}, "has 51 cases, and may have 50"),
    ],
)
def test_wrong_settings_of_a_branch_are_named(properties: dict[str, str], told: str) -> None:
    run = Run(plan("b > x", b={"type": "branch", "properties": properties}))
    assert (run.status, run.node("x").status) == (InstanceStatus.FAIL, NodeStatus.SKIP)
    assert told in (run.node("b").message or "")


def test_a_line_of_which_a_branch_says_nothing_is_a_mistake() -> None:
    run = Run(plan("b > x, b > y", b=branch(("true", "x"))))
    assert "A line leads from node 'b' to 'y', of which none of its cases speaks" in (run.node("b").message or "")


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"states": "success, done"}, "names 'done': choose from success, fail, skip"),
        ({"least": "some"}, "must be a whole number from 0, or all, not 'some'"),
        ({"least": "2"}, "wants 2 lines; 1 lead to it"),
    ],
)
def test_wrong_settings_of_a_merge_are_named(properties: dict[str, str], told: str) -> None:
    run = Run(plan("a > m", m=merge(**properties))).succeeds("a")
    assert run.status is InstanceStatus.FAIL
    assert told in (run.node("m").message or "")


# ---------------------------------------------------------------- Assignment


def started(run: Run, name: str) -> StartAttempt:
    return next(each for each in run.all_commands if isinstance(each, StartAttempt) and each.node_name == name)


def named(graph: str, **fields: Any) -> Any:
    """A plan whose Assignments' names are read as a stored job's are."""
    made = plan(graph, **fields)
    extractions = {node.properties["name"]: (node.index, "") for node in made.job.nodes if "name" in node.properties}
    return msgspec.structs.replace(made, job=msgspec.structs.replace(made.job, extractions=extractions))


def test_an_assignment_gives_a_constant_and_an_expression_to_all_nodes_behind_it() -> None:
    use = {"properties": {"arguments": '${region} #{Job.getNodeOutput("s")}'}}
    tested = named("s > a > u, o", s=assign("eu-#{1+1}-${x}", properties={"name": "region"}), a=use, u=use, o=use,
                   parameters={"x": "7"})  # fmt: skip
    run = Run(tested)
    assert run.node("s").message == "${region} is 'eu-2-7'."
    run.succeeds("a")
    assert started(run, "a").properties["arguments"] == "eu-2-7 eu-2-7"
    assert started(run, "u").properties["arguments"] == "eu-2-7 eu-2-7"
    assert started(run, "o").properties["arguments"].startswith("${region}")  # no line leads to it


def test_an_assignment_passes_on_the_output_of_the_node_before() -> None:
    rows = '[["eu"],["us"]]'
    loop = {
        "type": "foreach",
        "properties": {"jobName": "child", "dataset": "${rows}", "params": "r=#{Loop.current[0]}"},
    }
    tested = named("q > s > each", s=assign(properties={"name": "rows"}), each=loop)
    run = Run(tested, subjobs={"child": PinnedJob(job_id=8, version=1)}).succeeds("q", output="1/0-1/output")
    (asked,) = [command for command in run.commands if isinstance(command, LookUp)]
    assert asked.facts == {"output:q"}
    run.finds("s", **{"output:q": rows})
    assert (run.node("s").value, run.node("s").output) == (rows, None)
    (opened,) = [command for command in run.commands if isinstance(command, OpenChildren)]
    assert [request.parameters for request in opened.requests] == [{"r": "eu"}, {"r": "us"}]


def test_of_several_nodes_before_an_assignment_takes_the_one_that_came() -> None:
    nodes = {"b": branch(("false", "x"), ("true", "y")), "s": assign()}
    run = Run(plan("b > x > s, b > y > s", **nodes)).succeeds("y").finds("s", **{"output:y": "7"})
    assert run.node("s").value == "7"


def test_an_assignment_takes_the_node_it_names() -> None:
    run = Run(plan("a > s, c > s", s=assign(properties={"sourceNode": "c"}))).succeeds("a", "c")
    assert (
        run.finds("s", **{"output:c": None}).node("s").message == "The output has no value: there is no output to take."
    )
    assert run.node("s").value is None


@pytest.mark.parametrize(
    ("graph", "properties", "told"),
    [
        ("s", {}, "has no value, and no node before it that came"),
        ("a > s, c > s", {}, "has no value, and several nodes that came before it"),
        ("a > s", {"sourceNode": "q"}, "names 'q', from which no line leads to it"),
        ("a > s", {"value": "1", "name": "a b"}, "name of node 's' is 'a b': a name has 1 to 64 letters"),
        ("a > s", {"value": "#{Job.nothing}"}, "An expression can't be evaluated"),
        ("a > s", {"value": "x" * 1_000_001}, "has 1,000,001 characters, and may have 1,000,000"),
        ("a > s", {"value": f"key {sealed_form('abc')}"}, "holds a masked parameter, which can't be assigned"),
    ],
)
def test_what_an_assignment_cannot_give_fails_it(graph: str, properties: dict[str, str], told: str) -> None:
    run = Run(plan(graph, s={"type": "assignment", "properties": properties}))
    for node in list(run.state.nodes):
        if node.name != "s":
            run.succeeds(node.name)
    assert run.status is InstanceStatus.FAIL
    assert told in (run.node("s").message or "")
    assert "sealed:" not in (run.node("s").message or "")


def test_what_an_assignment_that_was_not_run_would_give_is_empty() -> None:
    skipped = assign("x", properties={"name": "v"}, conditions={"a": "false"})
    run = Run(named("a > s > m > u, a > m", s=skipped, m=merge(), u={"properties": {"arguments": "<${v}>"}}))
    run.succeeds("a")
    assert started(run, "u").properties["arguments"] == "<>"


def test_a_dry_run_assigns_nothing() -> None:
    assert Run(plan("s", s=assign("#{Job.nothing}", dry_run=True))).node("s").value is None


def test_a_restart_from_a_later_node_finds_the_value_and_the_choice() -> None:
    nodes = {"s": assign("#{DateUtil.getTime(DateUtil.now())}", properties={"name": "v"}),
             "b": branch(("${v} == 1", "n"), ("#{${v} == 5}", "x"), default="y"),
             "x": {"properties": {"arguments": "${v}"}}}  # fmt: skip
    run = Run(named("s > b > x, b > y, b > n", **nodes)).finds("s", clock=5).fails("x")
    assert run.nodes == "s=success b=success x=fail y=skip n=skip"
    run.is_restarted(RestartFrom.ERROR_NODE)
    assert run.nodes == "s=success b=success x=running y=skip n=skip"
    assert [each.properties["arguments"] for each in run.all_commands if isinstance(each, StartAttempt)] == ["5", "5"]
    run.succeeds("x").is_restarted(RestartFrom.FIRST_NODE)
    assert (run.node("s").value, run.node("b").chosen) == (None, None)
    run.finds("s", clock=6)
    assert run.nodes == "s=success b=success x=skip y=running n=skip"


def test_a_branch_asks_for_all_that_its_cases_need_at_once() -> None:
    cases = (('#{Job.getNodeOutput("a") == "1"}', "x"), ("#{DateUtil.getTime(DateUtil.now()) > 0}", "x"))
    run = Run(plan("a > b > x", b=branch(*cases))).succeeds("a", output="o")
    assert [command.facts for command in run.commands if isinstance(command, LookUp)] == [{"output:a", "clock"}]


def test_two_nodes_that_give_one_name_are_refused_when_the_job_is_read() -> None:
    nodes = [
        {"name": name, "type": "ASSIGNMENT", "properties": [{"name": "name", "value": "v"}]} for name in ("one", "two")
    ]
    with pytest.raises(InvalidInput) as refused:
        read_job({"name": "j", "nodes": nodes})
    assert refused.value.field == "nodes[1].properties.name"
    assert "the value of node 'one'" in str(refused.value)


def test_a_foreign_document_of_these_types_is_read_whatever_its_settings() -> None:
    nodes = [{"name": kind, "type": kind, "properties": {"name": "a b", "q": "1"}} for kind in ("ASSIGNMENT", "BRANCH")]
    assert [node.type for node in read_job({"name": "j", "nodes": nodes}).nodes] == ["assignment", "branch"]
