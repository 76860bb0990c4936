"""Random jobs and a simulated engine for the model tests.

The engine keeps in memory what the core told it to do and gives answers in any order: that is the outside world.
`Engine.crash` forgets all of it and works it out again from the state alone.
"""

from __future__ import annotations

import json
import typing
from typing import Any

from hypothesis import strategies as st
from tests.core.building import START_MS, new_instance
from tests.core.oracle import Shape

from arkwright.core.commands import (
    AttachAttempt,
    AttachChildren,
    CancelAttempt,
    Command,
    Finish,
    LookUp,
    OpenChildren,
    SetDeadline,
    SetInstanceTimer,
    SetRetryTimer,
    StartAttempt,
    StartChildren,
    StopChildren,
)
from arkwright.core.control.children import PinnedJob
from arkwright.core.events import (
    AttemptEnded,
    ChildEnded,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    InstanceRequested,
    Operation,
    RestartFrom,
    RestartRequested,
    RetryDue,
    StopRequested,
)
from arkwright.core.instance import ConditionPolicy, Instance, InstanceStatus
from arkwright.core.job import FailPolicy, Job, Node, Plan
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.core.rules import Rules, SkipPolicy
from arkwright.core.step import outstanding, step
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS
from arkwright.errors import IllegalState, IllegalTransition, InvalidInput

News = dict[str, Any]
"""An event in words: `{"what": "ended", "node": 2, "attempt": 1, "how": "error"}` (see `oracle.py`)."""

CLOCK = '#{DateUtil.format(DateUtil.now(), "yyyy-MM-dd")}'
BROKEN = "#{Job.nothing}"
CONDITIONS = {
    "yes": "true",
    "no": "false",
    "broken": BROKEN,
    "clock": "#{DateUtil.getTime(DateUtil.now()) % 2 == 0}",
    "succeeded": '#{Job.getNodeStatus("n%d") == "success"}',
    "failed": '#{Job.getNodeStatus("n%d") == "fail"}',
}
MERGED = [("success", "fail"), ("success",), ("fail",), ("success", "skip"), ("success", "fail", "skip")]
TEXTS = {"plain": "echo", "clock": CLOCK, "broken": BROKEN}

# ---------------------------------------------------------------- random jobs


@st.composite
def shapes(draw: st.DrawFn, *, most: int = 12) -> Shape:
    size = draw(st.integers(1, most))
    shape = [draw(_nodes(index)) for index in range(size)]
    for index, rules in enumerate(shape):
        if rules["work"] == "branch":
            after = [other for other, each in enumerate(shape) if index in [before for before, _ in each["lines"]]]
            rules.update(draw(_choices(after)))
            if not rules["cases"]:
                rules["work"] = "control"
            if rules["policy"] == "FAIL" and "broken" in [condition for condition, _ in rules["cases"]]:
                rules["policy"] = "FAIL_CHILD"
    return shape


@st.composite
def _choices(draw: st.DrawFn, after: list[int]) -> dict[str, Any]:
    """Each node after it is in a case or in the default, or in more of them."""
    cases: list[tuple[str, list[int]]] = [
        (draw(st.sampled_from(["yes", "yes", "no", "clock", "broken"])), []) for _ in range(draw(st.integers(1, 3)))
    ]
    default: list[int] = []
    places = [*(nodes for _, nodes in cases), default]
    for node in after:
        for place in draw(st.sets(st.integers(0, len(places) - 1), min_size=1, max_size=2)):
            places[place].append(node)
    return {"cases": [case for case in cases if case[1]], "else": default, "first": draw(st.booleans())}


@st.composite
def _nodes(draw: st.DrawFn, index: int) -> dict[str, Any]:
    befores = sorted(draw(st.sets(st.integers(0, index - 1), max_size=3))) if index else []
    lines = [(before, draw(st.sampled_from([None, None, None, *CONDITIONS]))) for before in befores]
    text = draw(st.sampled_from(["plain", "plain", "plain", "clock", "broken"]))
    policy = draw(st.sampled_from(["FAIL", "FAIL_CHILD", "IGNORE", "IGNORE", "SUSPEND"]))
    if policy == "FAIL" and (text == "broken" or any(condition == "broken" for _, condition in lines)):
        # Which neighbours had been started when the instance failed within one step is nobody's promise.
        policy = "FAIL_CHILD"
    return {
        "policy": policy,
        "work": draw(
            st.sampled_from(["run", "run", "run", "loop", "loop", "control", "dry", "assign", "branch", "merge"])
        ),
        "states": set(draw(st.sampled_from(MERGED))),
        "least": draw(st.integers(0, len(lines))),
        "rows": draw(st.integers(0, 4)),
        "at_once": draw(st.integers(1, 3)),
        "text": text,
        "retries": draw(st.sampled_from([0, 0, 1, 2])),
        "on_timeout": draw(st.booleans()),
        "codes": draw(st.sampled_from([None, None, (1, 1), (5, 9)])),
        "lines": lines,
        "skips": {before: draw(st.sampled_from(["NEXT", "ALL"])) for before in befores if draw(st.booleans())},
    }


def plan_of(shape: Shape) -> Plan:
    nodes = []
    for index, rules in enumerate(shape):
        conditions = {
            before: CONDITIONS[condition].replace("%d", str(before))
            for before, condition in rules["lines"]
            if condition is not None
        }
        nodes.append(
            Node(
                index=index,
                name=f"n{index}",
                type=TYPES.get(rules["work"], "shell"),
                properties=_properties_of(rules),
                predecessors=tuple(before for before, _ in rules["lines"]),
                successors=tuple(
                    after for after, other in enumerate(shape) if index in [before for before, _ in other["lines"]]
                ),
                conditions=conditions,
                fail_policy=FailPolicy(rules["policy"]),
                retry_times=rules["retries"],
                retry_interval_seconds=5 + index,
                retry_on_timeout=rules["on_timeout"],
                retry_exit_codes=(rules["codes"],) if rules["codes"] else (),
                skip_policies={before: SkipPolicy(policy) for before, policy in rules["skips"].items()},
                max_execution_seconds=300 + index,
                dry_run=rules["work"] == "dry",
            )
        )
    return Plan(job=Job(name="random", nodes=tuple(nodes)))


TYPES = {"control": "dummy", "loop": "foreach", "assign": "assignment", "branch": "branch", "merge": "merge"}


def _properties_of(rules: dict[str, Any]) -> dict[str, str]:
    match rules["work"]:
        case "loop":
            return _loop_of(rules)
        case "assign":
            return {
                "value": {"plain": "plain", "clock": "#{DateUtil.getTime(DateUtil.now())}"}.get(rules["text"], BROKEN)
            }
        case "merge":
            return {"states": ",".join(sorted(rules["states"])), "least": str(rules["least"])}
        case "branch":
            cases = [
                {"condition": CONDITIONS[condition], "nodes": [f"n{node}" for node in nodes]}
                for condition, nodes in rules["cases"]
            ]
            return {
                "branches": json.dumps(cases),
                "default": ",".join(f"n{node}" for node in rules["else"]),
                "mode": "FIRST" if rules["first"] else "ALL",
            }
    return {"arguments": TEXTS[rules["text"]], "statement": CLOCK}


PINS = {"child": PinnedJob(job_id=8, version=1)}
HANDED = {"plain": "#{Loop.offset}", "clock": "#{DateUtil.getTime(DateUtil.now())}", "broken": BROKEN}


def _loop_of(rules: dict[str, Any]) -> dict[str, str]:
    return {
        "jobName": "child",
        "dataset": f"[{','.join(f'[{row}]' for row in range(rules['rows']))}]",
        "concurrency": str(rules["at_once"]),
        "params": f"n={HANDED[rules['text']]}",
    }


# ---------------------------------------------------------------- the engine


Duty = tuple[str, int, int]
"""("attempt" | "child 3" | "cancel" | "stop" | "deadline" | "retry" | "look-up", node, attempt): what somebody has to
see to."""


def duties_of(command: Command, state: Instance) -> list[Duty]:
    match command:
        case StartChildren():
            return [(f"child {row}", command.node, command.attempt) for row in command.rows]
        case AttachChildren():
            rows = state.nodes[command.node].children.under_way()
            return [(f"child {row}", command.node, command.attempt) for row in rows]
    duty = duty_of(command)
    return [] if duty is None else [duty]


def duty_of(command: Command) -> Duty | None:
    match command:
        case StartChildren() | AttachChildren() | OpenChildren():
            return None
        case StopChildren():
            return ("stop", command.node, command.attempt)
        case StartAttempt() | AttachAttempt():
            return ("attempt", command.node, command.attempt)
        case CancelAttempt():
            return ("cancel", command.node, command.attempt)
        case SetDeadline():
            return ("deadline", command.node, command.attempt)
        case SetRetryTimer():
            return ("retry", command.node, command.attempt)
        case LookUp():
            return ("look-up", command.node, command.number)
        case SetInstanceTimer():
            return ("limit", 0, 0)
        case Finish():
            return None
    typing.assert_never(command)


class Engine:
    def __init__(
        self,
        shapes: list[Shape],
        *,
        all_conditions: bool = False,
        skip_next: bool = False,
        first: str = "waiting",
    ) -> None:
        self.plans = [plan_of(shape) for shape in shapes]
        self.plan = self.plans[0]
        policy = ConditionPolicy.AND if all_conditions else ConditionPolicy.OR
        rules = Rules(skip_policy=SkipPolicy.NEXT if skip_next else SkipPolicy.ALL)
        status = InstanceStatus(first)
        self.first = self.state = new_instance(
            self.plan, condition_policy=policy, rules=rules, status=status, subjobs=PINS
        )
        self.refused = False
        self.now_ms = START_MS
        self.duties: dict[Duty, Command] = {}
        self.commands: tuple[Command, ...] = ()
        self.history: list[Event] = []

    def tell(self, news: News) -> Event:
        event = self.event_of(news)
        self.deliver(event)
        return event

    def deliver(self, event: Event) -> None:
        plan = self.plans[event.job_version - 1] if isinstance(event, RestartRequested) else self.plan
        before = self.state
        self.refused = False
        try:
            self.state, self.commands = step(plan, before, event)
        except (IllegalTransition, IllegalState, InvalidInput):
            assert isinstance(event, Operation)
            self.refused, self.commands = True, ()
            return
        if self.state is not before:
            self.plan = plan
        self.history.append(event)
        for command in self.commands:
            for duty in duties_of(command, self.state):
                self.duties[duty] = command
        for duty in self._answered(event):
            self.duties.pop(duty, None)

    def _answered(self, event: Event) -> list[Duty]:
        match event:
            case AttemptEnded(node=node, attempt=attempt):
                return [("attempt", node, attempt), ("cancel", node, attempt), ("deadline", node, attempt)]
            case ChildEnded(node=node, attempt=attempt, row=row):
                return [(f"child {row}", node, attempt)]
            case DeadlinePassed(node=node, attempt=attempt):
                return [("deadline", node, attempt)]
            case RetryDue(node=node, attempt=attempt):
                return [("retry", node, attempt)]
            case FactsFound(node=node, number=number):
                return [("look-up", node, number)]
        return []

    def recovered(self) -> dict[Duty, Command]:
        """The duties that a new owner of the state would know of."""
        commands = outstanding(self.plan, self.state)
        pairs = [(duty, command) for command in commands for duty in duties_of(command, self.state)]
        assert len(dict(pairs)) == len(pairs), "outstanding asks for one thing twice"
        return dict(pairs)

    def crash(self) -> None:
        self.duties = self.recovered()

    def event_of(self, news: News) -> Event:
        self.now_ms += 1000
        at_ms = self.now_ms
        match news:
            case {"what": "requested"}:
                return InstanceRequested(at_ms=at_ms, instance=self.first)
            case {"what": "ended", "node": node, "attempt": attempt, "how": how}:
                return AttemptEnded(at_ms=at_ms, node=node, attempt=attempt, outcome=outcome(how))
            case {"what": "child", "node": node, "attempt": attempt, "row": row, "how": how}:
                status = InstanceStatus(how)
                return ChildEnded(at_ms=at_ms, node=node, attempt=attempt, row=row, child=1, status=status)
            case {"what": "clock", "node": node, "number": number, "shows": shows}:
                return FactsFound(at_ms=at_ms, node=node, number=number, facts={"clock": shows})
            case {"what": "no-clock", "node": node, "number": number}:
                return FactsFound(at_ms=at_ms, node=node, number=number, failure="The clock stands still.")
            case {"what": "retry", "node": node, "attempt": attempt}:
                return RetryDue(at_ms=at_ms, node=node, attempt=attempt)
            case {"what": "deadline", "node": node, "attempt": attempt}:
                return DeadlinePassed(at_ms=at_ms, node=node, attempt=attempt)
            case {"what": "stop", "operation": operation}:
                return StopRequested(at_ms=at_ms, operation_id=operation, by="anna")
            case {"what": "operate", "operation": operation, "how": how, "target": target}:
                name, _, on_node = how.partition(" ")
                if on_node:
                    return NODE_OPERATIONS[name](at_ms=at_ms, operation_id=operation, by="anna", node_name=f"n{target}")
                return OPERATIONS[name](at_ms=at_ms, operation_id=operation, by="anna")
            case {"what": "fault"}:
                return EngineFault(at_ms=at_ms, message="Internal error.")
            case {"what": "restart", "operation": operation, "version": version, "position": position, "node": node}:
                return RestartRequested(
                    at_ms=at_ms,
                    operation_id=operation,
                    by="anna",
                    position=RestartFrom(f"{position}_node"),
                    node_name=None if node is None else f"n{node}",
                    job_version=version + 1,
                    subjobs=PINS,
                )
        raise AssertionError(news)


def outcome(how: str) -> Outcome:
    if how == "success":
        return Succeeded(output="o", message="done")
    kind, _, code = how.partition("-")
    return Failed(kind=FailureKind(kind), message="it failed", exit_code=int(code or 1) if kind == "error" else None)
