"""What expressions need from outside leaves as a `LookUp` and returns as `FactsFound`."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from tests.core.building import Run, plan

from arkwright.core.commands import LookUp
from arkwright.core.facts import fact_key, fact_of, facts_of
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.step import outstanding
from arkwright.el import (
    Calendar,
    ClockNow,
    Fact,
    InsertJobId,
    NodeOutput,
    ObsPathExists,
    RunningData,
    WorkCalendar,
)

FACTS: list[Fact] = [
    ClockNow(),
    NodeOutput("a"),
    NodeOutput("with:colon and blank"),
    ObsPathExists("obs://bucket/dir/"),
    RunningData("a"),
    InsertJobId(),
    InsertJobId("a"),
    InsertJobId(""),
    Calendar(),
    Calendar("holidays"),
]


def url(text: str) -> dict[str, dict[str, str]]:
    return {"properties": {"url": text}}


@pytest.mark.parametrize("fact", FACTS, ids=repr)
def test_every_fact_has_a_key_that_leads_back_to_it(fact: Fact) -> None:
    assert fact_of(fact_key(fact)) == fact


def test_different_facts_have_different_keys() -> None:
    assert len({fact_key(fact) for fact in FACTS}) == len(FACTS)


def test_a_key_that_names_no_fact_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="not a fact"):
        fact_of("weather")


def test_a_calendar_comes_back_from_its_stored_form() -> None:
    stored = {"calendar:c": {"weekdays": [1, 2], "exceptions": {"2024-05-01": False}}, "calendar": None, "clock": 5}
    assert facts_of(msgspec.json.decode(msgspec.json.encode(stored))) == {
        Calendar("c"): WorkCalendar(weekdays=frozenset({1, 2}), exceptions={dt.date(2024, 5, 1): False}),
        Calendar(): None,
        ClockNow(): 5,
    }


def test_a_node_that_needs_a_fact_waits_for_it_and_starts_with_it() -> None:
    run = Run(plan("a > b", b=url("#{Job.getNodeOutput('a')}"))).succeeds("a", output="4711/a/1/output")
    assert run.commands == (LookUp(instance_id=4711, node=1, number=1, facts=frozenset({"output:a"})),)
    assert run.nodes == "a=success b=waiting"
    run.finds("b", **{"output:a": '[["11"]]'})
    assert run.given("b").properties == {"url": '[["11"]]'}
    assert run.node("b").facts == {}


def test_an_output_that_does_not_exist_is_nothing_in_a_text() -> None:
    run = Run(plan("a > b", b=url("<#{Job.getNodeOutput('a')}>"))).succeeds("a").finds("b", **{"output:a": None})
    assert run.given("b").properties == {"url": "<>"}


def test_facts_of_all_properties_are_asked_for_together() -> None:
    properties = {"x": "#{Job.getNodeOutput('a')}", "y": "#{DateUtil.getTime(DateUtil.now())}", "z": "plain"}
    run = Run(plan("a > b", b={"properties": properties})).succeeds("a")
    (look_up,) = run.commands
    assert isinstance(look_up, LookUp)
    assert look_up.facts == {"output:a", "clock"}


def test_facts_of_all_conditions_are_asked_for_together_unless_one_holds() -> None:
    needs = {"a": "#{Job.getNodeOutput('a') == 'x'}", "b": "#{Job.getNodeOutput('b') == 'x'}"}
    run = Run(plan("a > c, b > c", c={"conditions": needs})).succeeds("a", "b")
    (look_up,) = run.commands
    assert isinstance(look_up, LookUp)
    assert look_up.facts == {"output:a", "output:b"}
    run = Run(plan("a > c, b > c", c={"conditions": {**needs, "b": "true"}})).succeeds("a", "b")
    assert run.started == ["c"]


def test_a_condition_is_decided_by_the_facts_found() -> None:
    needs = {"conditions": {"a": "#{Job.getNodeOutput('a') == '1'}"}}
    for output, then in (("1", "running"), ("2", "skip")):
        run = Run(plan("a > b", b=needs)).succeeds("a").finds("b", **{"output:a": output})
        assert run.node("b").status.value == then


def test_facts_that_become_needed_one_after_the_other_are_kept_until_the_node_starts() -> None:
    node = {
        "conditions": {"a": "#{Job.getNodeOutput('a') == '1'}"},
        "properties": {"url": "#{Job.getNodeOutput('a')}-#{DateUtil.getTime(DateUtil.now())}", "scriptName": "s"},
    }
    run = Run(plan("a > b", b=node, scripts={"s": "#{OBSUtil.isExistOBSPath('obs://b/')}"})).succeeds("a")
    run.finds("b", **{"output:a": "1"})
    assert run.looked_up == ["b"]
    run.finds("b", clock=5)
    assert run.looked_up == ["b"]
    run.finds("b", **{"obs:obs://b/": True})
    assert run.given("b").properties["url"] == "1-5"
    script = run.given("b").script
    assert script is not None
    assert script.text == "true"


def test_a_parameter_may_need_a_fact() -> None:
    own = {"p": "#{DateUtil.getTime(DateUtil.now())}"}
    for text in ("${p}", "#{Job.getParam('p')}"):
        run = Run(plan("a", a=url(text), parameters=own)).finds("a", clock=5)
        assert run.given("a").properties == {"url": "5"}
    run = Run(plan("a > b", b={"conditions": {"a": "#{${p} == 5}"}}, parameters=own)).finds("a", clock=0)
    run.succeeds("a").finds("b", clock=5)
    assert run.started == ["b"]


def test_a_parameter_that_needs_a_fact_may_be_used_twice() -> None:
    node = {"properties": {"x": "${p}", "y": "${p}"}}
    run = Run(plan("a", a=node, parameters={"p": "#{DateUtil.getTime(DateUtil.now())}"})).finds("a", clock=5)
    assert run.given("a").properties == {"x": "5", "y": "5"}


def test_a_parameter_that_needs_a_fact_makes_every_node_ask_for_it_as_programs_see_all_parameters() -> None:
    run = Run(plan("a > b", parameters={"p": "#{DateUtil.getTime(DateUtil.now())}"})).finds("a", clock=5)
    assert run.given("a").parameters == {"p": "5"}
    run.succeeds("a").finds("b", clock=6)
    assert run.given("b").parameters == {"p": "6"}


def test_other_nodes_go_on_while_one_waits_for_a_fact() -> None:
    run = Run(plan("a, b > c", a=url("#{DateUtil.now()}"))).succeeds("b", "c")
    assert (run.nodes, run.status.value) == ("a=waiting b=success c=success", "running")


def test_a_look_up_that_fails_fails_the_node_under_its_fail_policy_without_a_retry() -> None:
    broken = {**url("#{DateUtil.now()}"), "retry_times": 3}
    run = Run(plan("a > b", a=broken)).finds("a", "The clock stands still.")
    assert (run.nodes, run.status) == ("a=fail b=skip", InstanceStatus.FAIL)
    assert run.node("a").message.endswith("The clock stands still.")
    run = Run(plan("a > b", a={**broken, "fail_policy": FailPolicy.IGNORE})).finds("a", "The clock stands still.")
    assert run.nodes == "a=fail b=running"


def test_the_same_answer_told_twice_starts_one_attempt() -> None:
    run = Run(plan("a", a=url("#{DateUtil.now()}"))).finds("a", clock=5)
    started = run.state
    run.finds("a", clock=6)
    assert run.state is started


def test_after_a_crash_the_same_facts_are_asked_for_again() -> None:
    run = Run(plan("a", a=url("#{DateUtil.now()}")))
    assert outstanding(run.plan, run.state) == run.commands


def test_after_a_crash_a_node_that_needs_its_facts_no_more_goes_on_by_an_event() -> None:
    text = "#{Job.getNodeStatus('x') == 'success' ? 'done' : DateUtil.getTime(DateUtil.now())}"
    run = Run(plan("a, x", a=url(text))).succeeds("x")
    commands = outstanding(run.plan, run.state)
    assert commands == (LookUp(instance_id=4711, node=0, number=1, facts=frozenset()),)
    run.finds("a")
    assert run.given("a").properties == {"url": "done"}


def test_after_a_crash_an_expression_that_fails_by_now_fails_by_an_event() -> None:
    text = "#{Job.getNodeStatus('x') == 'success' ? Job.nothing : DateUtil.getTime(DateUtil.now())}"
    text = text.replace("Job.nothing", "1 / 0")
    run = Run(plan("a, x, y", a=url(text))).succeeds("x")
    assert [type(c).__name__ for c in outstanding(run.plan, run.state)] == ["LookUp", "AttachAttempt", "SetDeadline"]
    run.finds("a")
    assert run.node("a").status is NodeStatus.FAIL


def test_after_a_crash_a_node_whose_condition_is_decided_by_now_goes_on_by_an_event() -> None:
    condition = "#{Job.getNodeStatus('x') == 'success' ? false : DateUtil.getTime(DateUtil.now()) > 0}"
    run = Run(plan("a > b, x, y", b={"conditions": {"a": condition}})).succeeds("a", "x")
    assert outstanding(run.plan, run.state)[0] == LookUp(instance_id=4711, node=1, number=1, facts=frozenset())
    run.finds("b")
    assert run.node("b").status is NodeStatus.SKIP


def test_nothing_is_asked_for_after_a_crash_while_the_instance_is_stopped() -> None:
    run = Run(plan("a, x", a=url("#{DateUtil.now()}"))).is_stopped()
    assert [type(c).__name__ for c in outstanding(run.plan, run.state)] == ["AttachAttempt", "CancelAttempt"]


def test_the_answer_to_a_look_up_of_an_earlier_run_is_not_taken_for_one_of_the_new_run() -> None:
    run = Run(plan("a > b", b=url("#{Job.getNodeOutput('a')}"))).succeeds("a", output="1")
    run.is_stopped().is_restarted().succeeds("a", output="2")
    assert run.looked_up == ["b"]
    run.finds("b", number=1, **{"output:a": "what a put out in the earlier run"})
    assert run.started == []


def test_a_fact_that_only_an_unused_parameter_needs_does_no_harm_when_it_can_not_be_found() -> None:
    run = Run(plan("a", parameters={"unused": "#{OBSUtil.isExistOBSPath('obs://b/')}"}))
    if run.looked_up:
        run.finds("a", "Object storage is not set up.")
    assert run.node("a").status is NodeStatus.RUNNING
