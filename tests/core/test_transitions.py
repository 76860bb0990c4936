"""Every state x event pair of the table, by real calls of `step`."""

from __future__ import annotations

import importlib.util
import typing
from pathlib import Path

import msgspec
import pytest
from tests.core.building import START_MS, Run, new_instance, plan

from arkwright.core.control.children import Children
from arkwright.core.events import (
    AttemptEnded,
    ChildEnded,
    ConditionMet,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    ForceSuccessRequested,
    InstanceOverdue,
    InstanceRequested,
    NodeOperation,
    NodePauseRequested,
    NodeResumeRequested,
    NodeSkipRequested,
    Operation,
    ParentStopped,
    Released,
    RemoveDependencyRequested,
    RestartRequested,
    RetryDue,
    SlotGranted,
    StopRequested,
    Withdrawn,
)
from arkwright.core.gate import Confirmation, Gate, ObjectExists
from arkwright.core.instance import ENDED_INSTANCE, Instance, InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import FailPolicy
from arkwright.core.outcome import Succeeded
from arkwright.core.slots import SlotUse
from arkwright.core.step import step
from arkwright.core.transitions import TRANSITIONS, Answer
from arkwright.errors import IllegalTransition

EVENTS: tuple[type[Event], ...] = typing.get_args(Event)
PLAN = plan("a > b, c, d, e, f, g, h", f=FailPolicy.SUSPEND, h={"type": "foreach"})
GATE = Gate(conditions=(ObjectExists(path="obs://bucket/file"), Confirmation()))
CHILDREN = Children(job_name="child", total=2, concurrency=1, digest="", next=1)
STARTED = frozenset({InstanceStatus.RUNNING, InstanceStatus.RUNNING_EXCEPTION, InstanceStatus.PAUSE})


def state_in(status: InstanceStatus) -> Instance:
    """An instance in that state in which every kind of news means something, unless the state forbids it."""
    fresh = new_instance(PLAN, status=status, overdue_at_ms=START_MS)
    if status not in STARTED | ENDED_INSTANCE:
        return msgspec.structs.replace(fresh, gate=GATE)
    if status in STARTED:
        runs: tuple[NodeRun, ...] = (
            NodeRun(index=0, name="a", status=NodeStatus.RUNNING, attempt=1, deadline_ms=START_MS + 1),
            NodeRun(index=1, name="b", slot=SlotUse(group="g", since_ms=START_MS)),
            NodeRun(index=2, name="c", status=NodeStatus.RUNNING, attempt=1, retries=1, retry_at_ms=START_MS + 1),
            NodeRun(index=3, name="d", looking_up=True, look_ups=1),
            NodeRun(index=4, name="e", status=NodeStatus.RUNNING, attempt=1, deadline_ms=START_MS + 1),
            NodeRun(index=5, name="f", status=NodeStatus.FAIL, attempt=1),
            NodeRun(index=6, name="g", status=NodeStatus.PAUSE),
            NodeRun(index=7, name="h", status=NodeStatus.RUNNING, attempt=1, children=CHILDREN),
        )
        return msgspec.structs.replace(fresh, nodes=runs)
    ended = {
        InstanceStatus.SUCCESS: NodeStatus.SUCCESS,
        InstanceStatus.FAIL: NodeStatus.FAIL,
        InstanceStatus.MANUAL_STOP: NodeStatus.MANUAL_STOP,
        InstanceStatus.SKIP_BY_DEPEND: NodeStatus.SKIP,
    }[status]
    runs = tuple(NodeRun(index=n.index, name=n.name, status=ended, attempt=1) for n in PLAN.job.nodes)
    return msgspec.structs.replace(fresh, nodes=runs, end_time_ms=START_MS)


def event_of(kind: type[Event]) -> Event:
    at_ms = START_MS + 5000
    event: Event
    if kind is InstanceRequested:
        event = InstanceRequested(at_ms=at_ms, instance=new_instance(PLAN))
    elif kind is AttemptEnded:
        event = AttemptEnded(at_ms=at_ms, node=0, attempt=1, outcome=Succeeded())
    elif kind is FactsFound:
        event = FactsFound(at_ms=at_ms, node=3, facts={})
    elif kind is RetryDue:
        event = RetryDue(at_ms=at_ms, node=2, attempt=1)
    elif kind is DeadlinePassed:
        event = DeadlinePassed(at_ms=at_ms, node=4, attempt=1)
    elif kind is InstanceOverdue:
        event = InstanceOverdue(at_ms=at_ms)
    elif kind is StopRequested:
        event = StopRequested(at_ms=at_ms, operation_id="o1", by="anna")
    elif kind is RestartRequested:
        event = RestartRequested(at_ms=at_ms, operation_id="o1", by="anna", job_version=1)
    elif kind is ChildEnded:
        event = ChildEnded(at_ms=at_ms, node=7, attempt=1, row=0, child=1, status=InstanceStatus.SUCCESS)
    elif kind is ParentStopped:
        event = ParentStopped(at_ms=at_ms, message="Stopped.")
    elif issubclass(kind, NodeOperation):
        nodes = {NodeSkipRequested: "b", NodePauseRequested: "b", NodeResumeRequested: "g"}
        event = kind(at_ms=at_ms, operation_id="o1", by="anna", node_name=nodes.get(kind, "f"))
    elif kind is RemoveDependencyRequested:
        event = RemoveDependencyRequested(at_ms=at_ms, operation_id="o1", by="anna", key="file:obs://bucket/file")
    elif kind is SlotGranted:
        event = SlotGranted(at_ms=at_ms, node=1, since_ms=START_MS)
    elif kind is Released:
        event = Released(at_ms=at_ms)
    elif kind is Withdrawn:
        event = Withdrawn(at_ms=at_ms, ending=InstanceStatus.SKIP_BY_DEPEND, message="Skipped.")
    elif kind is ConditionMet:
        event = ConditionMet(at_ms=at_ms, key="file:obs://bucket/file")
    elif issubclass(kind, Operation):
        event = kind(at_ms=at_ms, operation_id="o1", by="anna")
    else:
        assert kind is EngineFault
        event = EngineFault(at_ms=at_ms, message="Internal error.")
    return event


PAIRS = [pytest.param(status, kind, id=f"{status}-{kind.__name__}") for status in InstanceStatus for kind in EVENTS]


def test_the_table_answers_for_every_pair_and_for_nothing_else() -> None:
    assert set(TRANSITIONS) == {(status, kind) for status in InstanceStatus for kind in EVENTS}


@pytest.mark.parametrize(("status", "kind"), PAIRS)
def test_every_state_answers_every_event_as_the_table_says(status: InstanceStatus, kind: type[Event]) -> None:
    state = state_in(status)
    before = msgspec.json.encode(state)
    match TRANSITIONS[status, kind]:
        case Answer.HANDLED:
            new, _ = step(PLAN, state, event_of(kind))
            assert new != state
        case Answer.IGNORED:
            new, commands = step(PLAN, state, event_of(kind))
            assert new is state
            assert commands == ()
        case Answer.ILLEGAL:
            with pytest.raises(IllegalTransition) as caught:
                step(PLAN, state, event_of(kind))
            assert (caught.value.state, caught.value.event) == (status.value, kind.__name__)
            assert status.value in str(caught.value)
    assert msgspec.json.encode(state) == before


@pytest.mark.parametrize(("status", "kind"), PAIRS)
def test_an_event_told_again_changes_nothing(status: InstanceStatus, kind: type[Event]) -> None:
    if TRANSITIONS[status, kind] is not Answer.HANDLED:
        return
    once, _ = step(PLAN, state_in(status), event_of(kind))
    twice, commands = step(PLAN, once, event_of(kind))
    assert twice == once
    assert commands == ()


@pytest.mark.parametrize("status", sorted(ENDED_INSTANCE))
def test_an_ended_instance_changes_only_by_a_restart_or_forced_success(status: InstanceStatus) -> None:
    handled = {kind for kind in EVENTS if TRANSITIONS[status, kind] is Answer.HANDLED}
    assert handled <= {RestartRequested, ForceSuccessRequested}


@pytest.mark.parametrize("status", sorted(set(InstanceStatus) - ENDED_INSTANCE))
def test_an_instance_that_has_not_ended_can_be_stopped_in_every_state(status: InstanceStatus) -> None:
    state, _ = step(PLAN, state_in(status), event_of(StopRequested))
    assert state.status is InstanceStatus.MANUAL_STOP or state.stopping is InstanceStatus.MANUAL_STOP


@pytest.mark.parametrize("status", sorted(set(InstanceStatus) - ENDED_INSTANCE))
def test_a_defect_of_the_engine_fails_the_instance_in_every_state(status: InstanceStatus) -> None:
    state, _ = step(PLAN, state_in(status), event_of(EngineFault))
    assert state.status is InstanceStatus.FAIL or state.stopping is InstanceStatus.FAIL
    assert state.message == "Internal error."


@pytest.mark.parametrize(
    "event",
    [
        AttemptEnded(at_ms=START_MS, node=99, attempt=1, outcome=Succeeded()),
        AttemptEnded(at_ms=START_MS, node=0, attempt=2, outcome=Succeeded()),
        AttemptEnded(at_ms=START_MS, node=1, attempt=0, outcome=Succeeded()),
        AttemptEnded(at_ms=START_MS, node=2, attempt=1, outcome=Succeeded()),
        AttemptEnded(at_ms=START_MS, node=7, attempt=1, outcome=Succeeded()),
        ChildEnded(at_ms=START_MS, node=99, attempt=1, row=0, child=1, status=InstanceStatus.SUCCESS),
        ChildEnded(at_ms=START_MS, node=0, attempt=1, row=0, child=1, status=InstanceStatus.SUCCESS),
        ChildEnded(at_ms=START_MS, node=7, attempt=2, row=0, child=1, status=InstanceStatus.SUCCESS),
        ChildEnded(at_ms=START_MS, node=7, attempt=1, row=1, child=1, status=InstanceStatus.SUCCESS),
        FactsFound(at_ms=START_MS, node=99),
        FactsFound(at_ms=START_MS, node=0),
        FactsFound(at_ms=START_MS, node=1),
        RetryDue(at_ms=START_MS, node=99, attempt=1),
        RetryDue(at_ms=START_MS, node=0, attempt=1),
        RetryDue(at_ms=START_MS, node=2, attempt=2),
        DeadlinePassed(at_ms=START_MS, node=99, attempt=1),
        DeadlinePassed(at_ms=START_MS, node=2, attempt=1),
        DeadlinePassed(at_ms=START_MS, node=0, attempt=0),
    ],
    ids=lambda event: f"{type(event).__name__}-{event.node}-{getattr(event, 'attempt', '')}",
)
def test_news_about_another_attempt_than_the_current_one_changes_nothing(event: Event) -> None:
    state = state_in(InstanceStatus.RUNNING)
    new, commands = step(PLAN, state, event)
    assert new is state
    assert commands == ()


def test_a_repeated_operation_id_changes_nothing_even_where_the_operation_would_be_illegal() -> None:
    run = Run(plan("a"))
    run.is_stopped("once").is_cancelled("a")
    assert run.status is InstanceStatus.MANUAL_STOP
    ended = run.state
    run.is_stopped("once")
    assert run.state is ended


def test_the_page_on_states_is_in_step_with_the_table() -> None:
    path = Path(__file__).parents[2] / "docs" / "instance_states.py"
    spec = importlib.util.spec_from_file_location("instance_states", path)
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(), "run `python docs/instance_states.py`"
    found = {(before, kind) for before, kind, _ in writer.find_moves()}
    assert found == {pair for pair, answer in TRANSITIONS.items() if answer is Answer.HANDLED}


def test_unchanged_node_runs_stay_the_same_objects_so_that_only_changed_rows_are_written() -> None:
    run = Run(plan("a > b, c, d"))
    before = run.state.nodes
    run.succeeds("c")
    same = [old is new for old, new in zip(before, run.state.nodes, strict=True)]
    assert same == [True, True, False, True]
