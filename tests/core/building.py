"""How the tests of the core make jobs, and tell an instance what has happened to it.

`job("a > b > d, a > c > d")` is a diamond. `Run` holds one instance: each method tells it one event through the real
`step`, writes it into the history, and checks on the way what must hold after every event.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec

from arkwright.core.commands import CancelAttempt, Command, Finish, LookUp, SetRetryTimer, StartAttempt
from arkwright.core.events import (
    AttemptEnded,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    InstanceRequested,
    RestartFrom,
    RestartRequested,
    RetryDue,
    StopRequested,
)
from arkwright.core.instance import Instance, InstanceStatus, NodeRun
from arkwright.core.job import FailPolicy, Job, Node, Parameter, Plan, Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.core.step import step

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000


def job(graph: str, /, *, parameters: Mapping[str, str] | None = None, dry_run: bool = False, **nodes: Any) -> Job:
    """A job from arrows (`a > b, a > c`); per node name its fields, or just its failPolicy.

    `conditions` are given by the names of the nodes that the lines come from.
    """
    names: dict[str, int] = {}
    lines: list[tuple[str, str]] = []
    for path in graph.split(","):
        steps = [name.strip() for name in path.split(">")]
        for name in steps:
            names.setdefault(name, len(names))
        lines += itertools.pairwise(steps)
    unknown = set(nodes) - set(names)
    assert not unknown, f"not in the graph: {unknown}"
    return Job(
        name="tested",
        nodes=tuple(_node(name, index, names, lines, nodes.get(name, {})) for name, index in names.items()),
        parameters=tuple(Parameter(name=name, value=value) for name, value in (parameters or {}).items()),
        dry_run=dry_run,
    )


def _node(name: str, index: int, names: Mapping[str, int], lines: list[tuple[str, str]], fields: Any) -> Node:
    fields = {"fail_policy": fields} if isinstance(fields, FailPolicy) else dict(fields)
    conditions = {names[before]: text for before, text in fields.pop("conditions", {}).items()}
    skips = {names[before]: policy for before, policy in fields.pop("skip_policies", {}).items()}
    return Node(
        index=index,
        name=name,
        type=fields.pop("type", "shell"),
        predecessors=tuple(names[a] for a, b in lines if b == name),
        successors=tuple(names[b] for a, b in lines if a == name),
        conditions=conditions,
        skip_policies=skips,
        **fields,
    )


def plan(graph: str, /, *, scripts: Mapping[str, str] | None = None, **fields: Any) -> Plan:
    texts = {name: Script(name=name, type="shell", text=text, version=1) for name, text in (scripts or {}).items()}
    return Plan(job=job(graph, **fields), scripts=texts)


def new_instance(plan: Plan, **fields: Any) -> Instance:
    defaults: dict[str, Any] = {
        "id": 4711,
        "project_id": "p" * 32,
        "workspace_id": "w" * 32,
        "job_id": 7,
        "job_name": plan.job.name,
        "job_version": 1,
        "plan_time_ms": START_MS,
        "submit_time_ms": START_MS,
        "time_zone": "UTC",
    }
    return Instance(**{**defaults, **fields})


def failed(kind: FailureKind = FailureKind.ERROR, message: str = "exit code 1", **fields: Any) -> Failed:
    return Failed(kind=kind, message=message, **fields)


class Run:
    """One instance, from its request on."""

    def __init__(self, plan: Plan, **instance: Any) -> None:
        self.plan = self.first_plan = plan
        self.now_ms = START_MS
        self.state = new_instance(plan, **instance)
        self.history: list[Event] = []
        self.commands: tuple[Command, ...] = ()
        """Those of the newest event."""
        self.all_commands: list[Command] = []
        self._operations = 0
        self.tell(InstanceRequested(at_ms=self.now_ms, instance=self.state))

    # -- events
    def tell(self, event: Event) -> tuple[Command, ...]:
        before = msgspec.json.encode(self.state)
        old = self.state
        new, commands = step(self.plan, old, event)
        assert msgspec.json.encode(old) == before, "step changed the state it was given"
        again, same_commands = step(self.plan, old, event)
        assert (again, same_commands) == (new, commands), "step is not a function of its arguments"
        asked_again = any(isinstance(c, LookUp) and c.node == getattr(event, "node", None) for c in commands)
        if not isinstance(event, EngineFault) and not asked_again:
            repeated, nothing = step(self.plan, new, event)
            assert repeated is new, "the same event told twice changed something"
            assert nothing == (), "the same event told twice asked for something"
        finishes = [command for command in commands if isinstance(command, Finish)]
        assert len(finishes) == (new.ended and not old.ended) or isinstance(event, RestartRequested)
        self.state, self.commands = new, commands
        self.history.append(event)
        self.all_commands += commands
        return commands

    def ends(self, name: str, outcome: Outcome, *, attempt: int | None = None) -> Run:
        run = self.node(name)
        number = run.attempt if attempt is None else attempt
        self.tell(AttemptEnded(at_ms=self._later(), node=run.index, attempt=number, outcome=outcome))
        return self

    def succeeds(self, *names: str, **fields: Any) -> Run:
        for name in names:
            self.ends(name, Succeeded(**fields))
        return self

    def fails(self, name: str, kind: FailureKind = FailureKind.ERROR, message: str = "exit code 1", **more: Any) -> Run:
        return self.ends(name, failed(kind, message, **more))

    def is_cancelled(self, *names: str) -> Run:
        for name in names:
            self.fails(name, FailureKind.CANCELLED, "Stopped on request.")
        return self

    def finds(self, name: str, failure: str | None = None, /, number: int = 0, **facts: Any) -> Run:
        run = self.node(name)
        self.tell(
            FactsFound(at_ms=self._later(), node=run.index, number=number or run.look_ups, facts=facts, failure=failure)
        )
        return self

    def retry_is_due(self, name: str, *, attempt: int | None = None) -> Run:
        run = self.node(name)
        self.now_ms = max(self.now_ms, run.retry_at_ms or 0)
        number = run.attempt if attempt is None else attempt
        self.tell(RetryDue(at_ms=self.now_ms, node=run.index, attempt=number))
        return self

    def deadline_passes(self, name: str, *, attempt: int | None = None) -> Run:
        run = self.node(name)
        self.now_ms = max(self.now_ms, run.deadline_ms or 0)
        number = run.attempt if attempt is None else attempt
        self.tell(DeadlinePassed(at_ms=self.now_ms, node=run.index, attempt=number))
        return self

    def is_stopped(self, operation_id: str | None = None) -> Run:
        operation_id = operation_id or self._operation()
        self.tell(StopRequested(at_ms=self._later(), operation_id=operation_id, by="anna"))
        return self

    def is_restarted(
        self,
        position: RestartFrom = RestartFrom.FIRST_NODE,
        node_name: str | None = None,
        *,
        plan: Plan | None = None,
        job_version: int = 1,
    ) -> Run:
        self.plan = plan or self.plan
        self.tell(
            RestartRequested(
                at_ms=self._later(),
                operation_id=self._operation(),
                by="anna",
                position=position,
                node_name=node_name,
                job_version=job_version,
            )
        )
        return self

    def _later(self) -> int:
        self.now_ms += 1000
        return self.now_ms

    def _operation(self) -> str:
        self._operations += 1
        return f"operation-{self._operations}"

    # -- what there is to see
    def node(self, name: str) -> NodeRun:
        return next(run for run in self.state.nodes if run.name == name)

    @property
    def status(self) -> InstanceStatus:
        return self.state.status

    @property
    def nodes(self) -> str:
        """`a=success b=running`."""
        return " ".join(f"{run.name}={run.status.value}" for run in self.state.nodes)

    @property
    def started(self) -> list[str]:
        """Names of the nodes that the newest event started."""
        return [command.node_name for command in self.commands if isinstance(command, StartAttempt)]

    @property
    def cancelled(self) -> list[str]:
        return [self.state.nodes[c.node].name for c in self.commands if isinstance(c, CancelAttempt)]

    @property
    def looked_up(self) -> list[str]:
        return [self.state.nodes[c.node].name for c in self.commands if isinstance(c, LookUp)]

    @property
    def retry_timers(self) -> list[int]:
        """How many milliseconds from now the retries that were just arranged will start."""
        return [command.at_ms - self.now_ms for command in self.commands if isinstance(command, SetRetryTimer)]

    def given(self, name: str) -> StartAttempt:
        """What the newest attempt of the node was given."""
        starts = [c for c in self.all_commands if isinstance(c, StartAttempt) and c.node_name == name]
        return starts[-1]
