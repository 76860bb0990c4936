"""For Each and Subjob in the core: which rows start when, how the node ends, what it runs again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.core.building import Run, plan

from arkwright.core.commands import AttachChildren, OpenChildren, SetDeadline, StartChildren, StopChildren
from arkwright.core.control.children import PinnedJob
from arkwright.core.events import (
    AttemptEnded,
    ChildEnded,
    EngineFault,
    NodeRetryRequested,
    ParentStopped,
    PauseRequested,
    RestartFrom,
    ResumeRequested,
)
from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.outcome import Succeeded
from arkwright.core.step import outstanding

PINS = {"child": PinnedJob(job_id=8, version=3)}


class Family(Run):
    """An instance whose nodes run children."""

    def child_ends(self, name: str, *rows: int, status: str = "success", attempt: int | None = None) -> Family:
        run = self.node(name)
        for row in rows:
            self.tell(
                ChildEnded(
                    at_ms=self._later(),
                    node=run.index,
                    attempt=run.attempt if attempt is None else attempt,
                    row=row,
                    child=100 + row,
                    status=InstanceStatus(status),
                    message=None if status == "success" else "it broke",
                )
            )
        return self

    def operates(self, kind: Any, **fields: Any) -> Family:
        self.tell(kind(at_ms=self._later(), operation_id=self._operation(), by="anna", **fields))
        return self

    @property
    def rows(self) -> list[int]:
        """Those that the newest event started."""
        return [row for command in self.commands if isinstance(command, StartChildren) for row in command.rows]

    @property
    def stopped(self) -> list[str]:
        return [self.state.nodes[c.node].name for c in self.commands if isinstance(c, StopChildren)]


def family(rows: int, concurrency: int = 1, graph: str = "each", **fields: Any) -> Family:
    properties = {
        "jobName": "child",
        "dataset": json.dumps([[str(row)] for row in range(rows)]),
        "concurrency": str(concurrency),
        "params": json.dumps([{"name": "n", "value": "#{Loop.current[0]}"}]),
        **fields.pop("properties", {}),
    }
    nodes = fields.pop("nodes", {})
    each = {"type": "foreach", "properties": properties, **fields.pop("each", {})}
    return Family(plan(graph, each=each, **nodes, **fields.pop("job", {})), subjobs=PINS, **fields)


def test_rows_start_in_order_and_the_next_one_when_one_has_ended() -> None:
    run = family(5, 2)
    assert run.rows == [0, 1]
    assert run.child_ends("each", 1).rows == [2]
    assert run.child_ends("each", 0).rows == [3]
    assert run.child_ends("each", 2, 3).rows == []
    assert run.node("each").status is NodeStatus.RUNNING
    run.child_ends("each", 4)
    assert run.status is InstanceStatus.SUCCESS
    assert run.node("each").children.succeeded_count == 5


def test_everything_each_child_is_given_is_known_before_the_first_one_starts() -> None:
    run = family(2, properties={"suffix": "r#{Loop.current[0]}"})
    (opened,) = [command for command in run.commands if isinstance(command, OpenChildren)]
    assert [(each.row, each.name, each.parameters) for each in opened.requests] == [
        (0, "each_r0", {"n": "0"}),
        (1, "each_r1", {"n": "1"}),
    ]
    assert opened.job_name == "child"


def test_an_expression_that_is_wrong_in_one_row_starts_nothing() -> None:
    dataset = json.dumps([["1"], ["x"]])
    wrong = {"dataset": dataset, "params": "n=#{10 / Loop.current[0]}"}
    run = family(2, properties=wrong, each={"retry_times": 2, "retry_on_timeout": True})
    assert run.status is InstanceStatus.FAIL
    assert "An expression can't be evaluated" in run.node("each").message
    assert run.rows == []


def test_loop_expressions_see_row_dataset_and_number() -> None:
    params = "a=#{Loop.dataArray[1][0]}\nb=#{Loop.offset}\nc=fixed ${p}\nd="
    run = family(2, properties={"params": params}, job={"parameters": {"p": "#{1+1}"}})
    (opened,) = [command for command in run.commands if isinstance(command, OpenChildren)]
    assert [dict(each.parameters) for each in opened.requests] == [
        {"a": "1", "b": "0", "c": "fixed 2"},
        {"a": "1", "b": "1", "c": "fixed 2"},
    ]


def test_facts_are_looked_up_once_for_all_rows() -> None:
    run = family(3, 3, properties={"params": "n=#{DateUtil.getTime(DateUtil.now())}-#{Loop.offset}"})
    assert run.looked_up == ["each"]
    run.finds("each", clock=77)
    (opened,) = [command for command in run.commands if isinstance(command, OpenChildren)]
    assert [each.parameters["n"] for each in opened.requests] == ["77-0", "77-1", "77-2"]


def test_a_failed_row_holds_up_no_other_and_fails_the_node_at_the_end() -> None:
    run = family(3, 1, "each > after")
    run.child_ends("each", 0, status="fail")
    assert run.rows == [1]
    run.child_ends("each", 1).child_ends("each", 2, status="manual-stop")
    assert run.nodes == "each=fail after=skip"
    assert run.node("each").message == (
        "2 of 3 runs of job 'child' did not succeed (row 0, 2, counted from 0). "
        "The first: instance 100 ended as fail: it broke"
    )


@pytest.mark.parametrize("policy", FailPolicy)
def test_a_failed_for_each_follows_its_fail_policy(policy: FailPolicy) -> None:
    run = family(1, 1, "each > after, each", each={"fail_policy": policy}, nodes={"after": {"type": "dummy"}})
    run.child_ends("each", 0, status="fail")
    expected = {
        FailPolicy.FAIL: ("fail", "skip"),
        FailPolicy.FAIL_CHILD: ("fail", "skip"),
        FailPolicy.IGNORE: ("success", "success"),
        FailPolicy.SUSPEND: ("running-exception", "waiting"),
    }
    assert (run.status.value, run.node("after").status.value) == expected[policy]


def test_a_retry_runs_only_the_rows_that_failed() -> None:
    run = family(4, 4, each={"retry_times": 1})
    run.child_ends("each", 0, 2).child_ends("each", 1, 3, status="fail")
    assert run.retry_timers == [120_000]
    run.retry_is_due("each")
    assert run.rows == [1, 3]
    assert run.node("each").attempt == 2
    run.child_ends("each", 1, attempt=1)
    assert run.node("each").children.succeeded_count == 2, "news of the first attempt means nothing any more"
    run.child_ends("each", 1, 3)
    assert run.status is InstanceStatus.SUCCESS


def test_a_manual_retry_and_a_restart_from_the_error_node_run_only_the_rows_that_failed() -> None:
    run = family(3, 3, each={"fail_policy": FailPolicy.SUSPEND})
    run.child_ends("each", 0, 2).child_ends("each", 1, status="fail")
    run.operates(NodeRetryRequested, node_name="each")
    assert run.rows == [1]
    run.is_stopped().child_ends("each", 1, status="manual-stop")
    assert run.status is InstanceStatus.MANUAL_STOP
    run.plan = run.plan
    _restarted(run, RestartFrom.ERROR_NODE)
    assert run.rows == [1]
    run.child_ends("each", 1)
    assert run.status is InstanceStatus.SUCCESS


def _restarted(run: Family, position: RestartFrom, **more: Any) -> None:
    from arkwright.core.events import RestartRequested

    run.tell(
        RestartRequested(
            at_ms=run._later(),
            operation_id=run._operation(),
            by="anna",
            position=position,
            job_version=1,
            subjobs=PINS,
            **more,
        )
    )


@pytest.mark.parametrize("position", [RestartFrom.FIRST_NODE, RestartFrom.SPECIFIED_NODE])
def test_a_restart_from_elsewhere_runs_all_rows(position: RestartFrom) -> None:
    run = family(3, 3)
    run.child_ends("each", 0, 2).child_ends("each", 1, status="fail")
    _restarted(run, position, node_name="each")
    assert run.rows == [0, 1, 2]


def test_all_rows_run_if_the_node_before_runs_again_too_or_the_rows_are_others() -> None:
    graph = "before > each"
    before = {"before": {"fail_policy": FailPolicy.IGNORE}}
    run = family(2, 2, graph, nodes=before).fails("before")
    assert isinstance(run, Family)
    run.child_ends("each", 0).child_ends("each", 1, status="fail")
    _restarted(run, RestartFrom.ERROR_NODE)
    assert run.started == ["before"]
    run.succeeds("before")
    assert run.rows == [0, 1]

    clocked = family(2, 2, properties={"params": "n=#{DateUtil.getTime(DateUtil.now())}"})
    clocked.finds("each", clock=1)
    clocked.child_ends("each", 0).child_ends("each", 1, status="fail")
    _restarted(clocked, RestartFrom.ERROR_NODE)
    clocked.finds("each", clock=2)
    assert clocked.rows == [0, 1]


def test_a_failed_child_that_an_operator_brought_to_success_counts_while_the_others_run() -> None:
    run = family(2, 1)
    run.child_ends("each", 0, status="fail")
    run.child_ends("each", 0)
    run.child_ends("each", 1)
    assert run.status is InstanceStatus.SUCCESS


def test_a_stop_stops_the_children_and_waits_for_their_end() -> None:
    run = family(5, 2, "each, other", nodes={})
    run.is_stopped()
    assert (run.stopped, run.cancelled) == (["each"], ["other"])
    run.is_cancelled("other")
    assert run.status is InstanceStatus.RUNNING
    assert run.child_ends("each", 0, status="manual-stop").rows == []
    run.child_ends("each", 1)
    assert run.status is InstanceStatus.MANUAL_STOP
    assert run.node("each").message == "Stopped: 1 of 5 runs of job 'child' had succeeded."


def test_a_node_that_takes_too_long_stops_its_children_and_fails() -> None:
    run = family(5, 2, each={"max_execution_seconds": 300})
    assert [c.at_ms - run.now_ms for c in run.commands if isinstance(c, SetDeadline)] == [300_000]
    run.deadline_passes("each")
    assert run.stopped == ["each"]
    run.child_ends("each", 0, 1, status="manual-stop")
    assert run.status is InstanceStatus.FAIL
    assert "maximum execution time of 5 minutes" in run.node("each").message


def test_a_paused_instance_starts_no_row_until_it_is_resumed() -> None:
    run = family(3, 1)
    run.operates(PauseRequested)
    assert run.child_ends("each", 0).rows == []
    run.operates(ResumeRequested)
    assert run.rows == [1]


@pytest.mark.parametrize("how", ["stop", "deadline"])
def test_between_two_rows_of_a_paused_instance_there_is_nothing_to_wait_for(how: str) -> None:
    run = family(3, 1)
    run.operates(PauseRequested)
    run.child_ends("each", 0)
    if how == "stop":
        run.is_stopped()
        assert run.status is InstanceStatus.MANUAL_STOP
    else:
        run.deadline_passes("each")
        assert run.node("each").status is NodeStatus.FAIL
    assert run.stopped == []


def test_a_new_owner_asks_for_the_children_and_stops_those_that_are_to_be_stopped() -> None:
    run = family(3, 2)
    where = {"instance_id": run.state.id, "node": 0, "attempt": 1}
    attach, deadline = outstanding(run.plan, run.state)
    assert attach == AttachChildren(**where)
    assert isinstance(deadline, SetDeadline)
    run.is_stopped()
    assert outstanding(run.plan, run.state) == (AttachChildren(**where), StopChildren(**where))


def test_no_attempt_ends_a_node_that_runs_children() -> None:
    run = family(1)
    before = run.state
    run.tell(AttemptEnded(at_ms=run.now_ms, node=0, attempt=1, outcome=Succeeded()))
    assert run.state is before


def test_a_defect_of_the_engine_stops_the_children_too() -> None:
    run = family(1)
    run.tell(EngineFault(at_ms=run.now_ms, message="It broke."))
    assert run.stopped == ["each"]
    run.child_ends("each", 0, status="manual-stop")
    assert run.status is InstanceStatus.FAIL


def test_a_child_is_stopped_with_its_parent_and_only_once() -> None:
    run = Family(plan("a"))
    run.tell(ParentStopped(at_ms=run.now_ms, message="Stopped with its parent."))
    assert run.cancelled == ["a"]
    run.is_cancelled("a")
    assert (run.status, run.state.message) == (InstanceStatus.MANUAL_STOP, "Stopped with its parent.")


def test_a_subjob_is_as_successful_as_its_job() -> None:
    call = {"type": "subjob", "properties": {"jobName": "child", "params": "a=${p}\nb="}}
    run = Family(plan("call > next", call=call, next={"type": "dummy"}, parameters={"p": "1"}), subjobs=PINS)
    (opened,) = [command for command in run.commands if isinstance(command, OpenChildren)]
    assert [(each.name, dict(each.parameters)) for each in opened.requests] == [("child", {"a": "1"})]
    run.child_ends("call", 0, status="fail")
    assert run.node("call").message == ("The job 'child' did not succeed: instance 100 ended as fail: it broke")
    _restarted(run, RestartFrom.ERROR_NODE)
    run.child_ends("call", 0)
    assert run.nodes == "call=success next=success"


def test_loop_is_not_known_in_a_subjob() -> None:
    call = {"type": "subjob", "properties": {"jobName": "child", "params": "a=#{Loop.offset}"}}
    run = Family(plan("call", call=call), subjobs=PINS)
    assert run.status is InstanceStatus.FAIL
    assert "there is no loop here" in run.node("call").message


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"jobName": "other"}, "'other' was not there when this instance began"),
        ({"concurrency": "0"}, "concurrency of node 'each' must be a whole number from 1, not '0'"),
        ({"concurrency": "many"}, "must be a whole number from 1"),
        ({"dataset": ""}, "has no rows to go through: give the property dataset"),
        ({"dataset": "[1]"}, "It belongs to node 'each'."),
        ({"params": "[{]"}, "The property params of node 'each' is no JSON"),
        ({"params": '[{"value":"1"}]'}, "holds an entry without a name"),
        ({"params": '[{"name":"a"},{"name":"a"}]'}, "gives 'a' twice"),
        ({"params": "just text"}, "holds the line 'just text'"),
    ],
)
def test_a_setting_that_can_not_be_used_fails_the_node_and_is_named(properties: dict[str, str], complaint: str) -> None:
    run = family(1, properties=properties, each={"retry_times": 3})
    assert run.status is InstanceStatus.FAIL
    assert complaint in run.node("each").message


@pytest.mark.parametrize(
    "properties",
    [
        {"subJobName": "child", "Dataset": "[[1]]", "concurrent": "1", "jobParams": "n=1"},
        {"sub_job_name": "child", "data-set": "[[1]]", "Concurrent Subjobs": "1", "subJobParams": '{"n": 1}'},
    ],
)
def test_other_spellings_of_the_settings_are_known(properties: dict[str, str]) -> None:
    each = {"type": "foreach", "properties": properties}
    run = Family(plan("each", each=each), subjobs=PINS)
    (opened,) = [command for command in run.commands if isinstance(command, OpenChildren)]
    assert [dict(each.parameters) for each in opened.requests] == [{"n": "1"}]


def test_the_state_stays_small_however_many_rows_there_are() -> None:
    import msgspec

    run = family(1000, 1000)
    run.child_ends("each", *range(0, 1000, 2))
    assert len(msgspec.json.encode(run.node("each"))) < 1500
