"""How much work the core does for large jobs, counted in decisions, not in seconds."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

import msgspec
import pytest
from tests.core.building import START_MS, failed, job, new_instance

from arkwright.core import flow
from arkwright.core.commands import StartAttempt
from arkwright.core.events import AttemptEnded, InstanceRequested
from arkwright.core.instance import InstanceStatus
from arkwright.core.job import FailPolicy, Plan
from arkwright.core.outcome import Succeeded
from arkwright.core.step import step


class Calls:
    """Counts the calls of some functions while it is entered."""

    def __init__(self, *functions: Any) -> None:
        self._codes: dict[CodeType, str] = {function.__code__: function.__name__ for function in functions}
        self.count = dict.fromkeys(self._codes.values(), 0)

    def __enter__(self) -> Calls:
        self._before = sys.getprofile()
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _seen(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in self._codes:
            self.count[self._codes[frame.f_code]] += 1


def run_to_the_end(plan: Plan) -> tuple[InstanceStatus, int]:
    """Every started node succeeds; answers the number of events."""
    state = new_instance(plan)
    state, commands = step(plan, state, InstanceRequested(at_ms=START_MS, instance=state))
    events = 1
    todo = [command for command in commands if isinstance(command, StartAttempt)]
    while todo:
        start = todo.pop()
        ended = AttemptEnded(at_ms=START_MS, node=start.node, attempt=start.attempt, outcome=Succeeded())
        state, commands = step(plan, state, ended)
        events += 1
        todo += [command for command in commands if isinstance(command, StartAttempt)]
    return state.status, events


def chain(size: int) -> str:
    return " > ".join(f"n{index}" for index in range(size))


def fan(size: int) -> str:
    return ", ".join(f"first > n{index} > last" for index in range(size))


@pytest.mark.parametrize("kind", ["shell", "dummy"])
@pytest.mark.parametrize("size", [50, 500])
@pytest.mark.parametrize("shape", [chain, fan])
def test_the_number_of_decisions_grows_with_the_number_of_lines(shape: Any, size: int, kind: str) -> None:
    tested = job(shape(size))
    tested = type(tested)(name="large", nodes=tuple(_with_type(node, kind) for node in tested.nodes))
    lines = sum(len(node.predecessors) for node in tested.nodes)
    with Calls(flow._decide, flow.settle) as calls:
        status, events = run_to_the_end(Plan(job=tested))
    assert status is InstanceStatus.SUCCESS
    assert events == (1 if kind == "dummy" else len(tested.nodes) + 1)
    assert calls.count["_decide"] <= lines + len(tested.nodes)
    assert calls.count["settle"] == events


def test_a_failure_at_the_head_of_a_long_chain_decides_every_node_once() -> None:
    tested = job(chain(500), n0=FailPolicy.FAIL_CHILD)
    plan = Plan(job=tested)
    state = new_instance(plan)
    state, _ = step(plan, state, InstanceRequested(at_ms=START_MS, instance=state))
    with Calls(flow._decide) as calls:
        state, _ = step(plan, state, AttemptEnded(at_ms=START_MS, node=0, attempt=1, outcome=failed()))
    assert state.status is InstanceStatus.FAIL
    assert calls.count["_decide"] == 499


def test_news_that_means_nothing_decides_nothing() -> None:
    plan = Plan(job=job(fan(100)))
    state = new_instance(plan)
    state, _ = step(plan, state, InstanceRequested(at_ms=START_MS, instance=state))
    with Calls(flow._decide, flow.settle) as calls:
        for _ in range(10):
            same, _ = step(plan, state, AttemptEnded(at_ms=START_MS, node=5, attempt=1, outcome=Succeeded()))
            assert same is state
    assert calls.count == {"_decide": 0, "settle": 0}


def _with_type(node: Any, kind: str) -> Any:
    return msgspec.structs.replace(node, type=kind)
