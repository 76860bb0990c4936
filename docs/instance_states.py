"""Writes `docs/reference/instance-states.md` from the core's table; run it as a program to write the page anew.

The table says which events a state takes. Where they lead is found by trial: small jobs of every failPolicy are told
every event in every state they get into. A test compares the page with what this writes.
"""

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec

from arkwright.core.control.children import PinnedJob
from arkwright.core.events import (
    AttemptEnded,
    ChildEnded,
    ConditionMet,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    InstanceOverdue,
    InstanceRequested,
    NodeOperation,
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
from arkwright.core.instance import ENDED_INSTANCE, Instance, InstanceStatus
from arkwright.core.job import FailPolicy, Job, Node, Plan
from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.core.step import step
from arkwright.core.transitions import TRANSITIONS, Answer
from arkwright.errors import IllegalState

PAGE = Path(__file__).resolve().parent / "reference" / "instance-states.md"
NOTICE = "<!-- Written by `python docs/instance_states.py` from the code; changes here are lost. -->\n\n"
EVENTS: tuple[type[Event], ...] = typing.get_args(Event)

Move = tuple[InstanceStatus, type[Event], InstanceStatus]

_FIRST = (InstanceStatus.WAITING_CONFIRM, InstanceStatus.WAITING)
"""States that an instance may be made in."""

_FILE = ObjectExists(path="obs://bucket/file")
_GATES = (Gate(conditions=(_FILE,)), Gate(conditions=(_FILE, Confirmation())))

_GATED = Plan(job=Job(name="", nodes=(Node(index=0, name="a", type="dummy"),)))
"""What waits to begin is tried with a job that has ended as soon as it begins."""

_STEPS = 6
"""Events deep: enough to be looked up, run, fail, be tried again, be paused and be stopped."""


def page() -> str:
    moves = find_moves()
    lines = [
        "# States of a job instance\n",
        "An instance changes by events alone. This page shows what each event does in each state, and where it leads.",
        "The words are those of the API.\n",
        "```mermaid",
        *_diagram(moves),
        "```\n",
        "An event that leaves the instance in its state (a node ended, others still run) is not drawn.\n",
        *_table(moves),
        "",
        "* *stays*, or the states it may lead to: the event is handled.",
        "* ignored: late or repeated news, normal after a crash; nothing changes.",
        "* refused: nothing changes, and whoever asked is told so.",
        "* A planned instance waits until the scheduler releases it (`Released`) or gives it up (`Withdrawn`).",
        "* An event of a node is refused too where the node's own state does not allow it.",
    ]
    return NOTICE + "\n".join(lines) + "\n"


def _diagram(moves: frozenset[Move]) -> Iterator[str]:
    yield "stateDiagram-v2"
    for status in InstanceStatus:
        yield f'    state "{status.value}" as {_id(status)}'
    yield f"    [*] --> {_id(InstanceStatus.WAITING)}"
    for before in InstanceStatus:
        for after in InstanceStatus:
            names = [kind.__name__ for kind in EVENTS if before is not after and (before, kind, after) in moves]
            if names:
                yield f"    {_id(before)} --> {_id(after)}: {', '.join(names)}"
    for status in InstanceStatus:
        if status in ENDED_INSTANCE:
            yield f"    {_id(status)} --> [*]"


def _table(moves: frozenset[Move]) -> Iterator[str]:
    yield f"| Event | {' | '.join(status.value for status in InstanceStatus)} |"
    yield "|---|" + "---|" * len(InstanceStatus)
    for kind in EVENTS:
        yield f"| {kind.__name__} | {' | '.join(_cell(status, kind, moves) for status in InstanceStatus)} |"


def _cell(status: InstanceStatus, kind: type[Event], moves: frozenset[Move]) -> str:
    match TRANSITIONS[status, kind]:
        case Answer.IGNORED:
            return "ignored"
        case Answer.ILLEGAL:
            return "refused"
        case Answer.HANDLED:
            after = [each for each in InstanceStatus if (status, kind, each) in moves]
            others = [each.value for each in after if each is not status]
            return ", ".join(["*stays*", *others] if status in after else others)


def _id(status: InstanceStatus) -> str:
    return status.value.replace("-", "_")


@functools.cache
def find_moves() -> frozenset[Move]:
    """Which state each handled event may lead to from each state."""
    moves: set[Move] = set()
    for plan in _plans():
        fresh = Instance(
            id=1,
            project_id="",
            workspace_id="",
            job_id=1,
            job_name="",
            job_version=1,
            plan_time_ms=0,
            submit_time_ms=0,
            overdue_at_ms=0,
            time_zone="UTC",
            subjobs={"child": PinnedJob(job_id=2, version=1)},
        )
        _explore(plan, [msgspec.structs.replace(fresh, status=status) for status in _FIRST], moves)
    _explore(_GATED, [msgspec.structs.replace(fresh, gate=gate) for gate in _GATES], moves)
    return frozenset(moves)


def _explore(plan: Plan, states: list[Instance], moves: set[Move]) -> None:
    seen: set[bytes] = set()
    for _ in range(_STEPS):
        found = []
        for state in states:
            for event in _events(state):
                if TRANSITIONS[state.status, type(event)] is not Answer.HANDLED:
                    continue
                try:
                    after, _ = step(plan, state, event)
                except IllegalState:  # nothing that can be done to this node
                    continue
                if after is state:
                    continue
                moves.add((state.status, type(event), after.status))
                if isinstance(event, InstanceOverdue):
                    continue  # a mark, and nothing else follows from it
                # Which operations led there matters to nothing but their repetition.
                key = msgspec.json.encode(msgspec.structs.replace(after, operations=(), message=None))
                if key not in seen:
                    seen.add(key)
                    found.append(after)
        states = found


def _plans() -> Iterator[Plan]:
    """Two nodes one after the other, and two beside each other, the first of them with each failPolicy."""
    looks_up = {"arguments": "#{DateUtil.now()}"}
    for policy in FailPolicy:
        for line in (True, False):
            first = Node(
                index=0,
                name="a",
                type="shell",
                successors=(1,) if line else (),
                fail_policy=policy,
                retry_times=1 if line else 0,
                properties={} if line else looks_up,
            )
            second = Node(
                index=1,
                name="b",
                type="shell",
                predecessors=(0,) if line else (),
                retry_times=1,
                properties=looks_up,
            )
            yield Plan(job=Job(name="", nodes=(first, second)))
    suspending = Node(index=0, name="a", type="shell", fail_policy=FailPolicy.SUSPEND)
    yield Plan(job=Job(name="", nodes=(suspending, Node(index=1, name="b", type="shell", task_group="g"))))
    first = Node(index=0, name="a", type="shell", fail_policy=FailPolicy.SUSPEND)
    loop = Node(index=1, name="b", type="foreach", properties={"jobName": "child", "dataset": "[[1]]"})
    yield Plan(job=Job(name="", nodes=(first, loop)))


def _events(state: Instance) -> Iterator[Event]:
    yield InstanceRequested(at_ms=0, instance=state)
    for run in state.nodes:
        yield AttemptEnded(at_ms=0, node=run.index, attempt=run.attempt, outcome=Succeeded())
        for status in (InstanceStatus.SUCCESS, InstanceStatus.FAIL):
            yield ChildEnded(at_ms=0, node=run.index, attempt=run.attempt, row=0, child=2, status=status)
        for kind in (FailureKind.ERROR, FailureKind.REFUSED):
            yield AttemptEnded(at_ms=0, node=run.index, attempt=run.attempt, outcome=Failed(kind=kind, message=""))
        yield FactsFound(at_ms=0, node=run.index, number=run.look_ups, facts={"clock": 0})
        yield FactsFound(at_ms=0, node=run.index, number=run.look_ups, failure="It is not known.")
        yield RetryDue(at_ms=0, node=run.index, attempt=run.attempt)
        yield DeadlinePassed(at_ms=0, node=run.index, attempt=run.attempt)
        if run.slot is not None:
            yield SlotGranted(at_ms=0, node=run.index, since_ms=run.slot.since_ms)
    yield InstanceOverdue(at_ms=0)
    yield StopRequested(at_ms=0, operation_id="stop", by="")
    yield RestartRequested(at_ms=0, operation_id="restart", by="", job_version=1)
    for kind in EVENTS:
        if issubclass(kind, NodeOperation):
            for run in state.nodes:
                yield kind(at_ms=0, operation_id=f"{kind.__name__} {run.name}", by="", node_name=run.name)
        elif kind is RemoveDependencyRequested:
            yield RemoveDependencyRequested(at_ms=0, operation_id="remove", by="", key=_FILE.key)
        elif issubclass(kind, Operation):
            yield kind(at_ms=0, operation_id=kind.__name__, by="")
    yield ParentStopped(at_ms=0, message="")
    yield Released(at_ms=0)
    for ending in (InstanceStatus.MANUAL_STOP, InstanceStatus.SKIP_BY_DEPEND):
        yield Withdrawn(at_ms=0, ending=ending, message="")
    yield ConditionMet(at_ms=0, key=_FILE.key)
    yield EngineFault(at_ms=0, message="")


def main() -> int:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"docs/reference/{PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
