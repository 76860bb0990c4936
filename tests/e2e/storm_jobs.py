"""The jobs of the storm. Each leaves a line in a trace file for each thing that it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.house import node


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A job, and how each of its instances must end."""

    nodes: list[dict[str, Any]]
    status: str
    ended: dict[str, str]
    """Per node."""
    lines: list[tuple[str, int, str]]
    """What an instance leaves in the trace: node, attempt, what it was given."""
    family: list[tuple[str, int, str]] = field(default_factory=list)
    """What the instances leave that its nodes run."""
    stopped: bool = False
    """Its client stops it. How far it has got then is open: what is said above it may leave, or not."""


def leaves(trace: Path) -> str:
    return (
        'printf "%s %s %s %s %s\\n" "$ARKWRIGHT_PARAM_KEY" "$ARKWRIGHT_INSTANCE_ID" "$ARKWRIGHT_NODE" '
        f'"$ARKWRIGHT_ATTEMPT" "${{1:--}}" >> {trace}'
    )


def called_jobs(trace: Path) -> dict[str, list[dict[str, Any]]]:
    """Jobs that nodes of others run. Which instance left a line is not said by it, but for which row."""
    leave = leaves(trace).replace('"$ARKWRIGHT_INSTANCE_ID"', "-")
    handed = "key=${key}\nrow=${row}"
    return {
        "leaf": [node("l", statement=leave, arguments="${row}")],
        "row": [
            node("r", statement=leave, arguments="${row}"),
            node("s", "Subjob", "r", jobName="leaf", params=handed),
        ],
        "sleeper": [node("z", statement=f"{leave}; exec sleep 1000", arguments="${row}")],
    }


def kinds(trace: Path) -> dict[str, Kind]:
    leave = leaves(trace)
    rows = {"dataset": "[[0],[1],[2]]", "concurrency": "2", "params": "key=${key}\nrow=#{Loop.current[0]}"}
    seven = "#{Job.getNodeOutput('a')}"
    fan = [f"f{number}" for number in range(4)]
    return {
        "chain": Kind(
            nodes=[
                node("a", statement=f"{leave}; echo 7"),
                node("d", "Dummy", "a"),
                node("b", "Shell", "d", statement=leave, arguments=seven),
            ],
            status="success",
            ended={"a": "success", "d": "success", "b": "success"},
            lines=[("a", 1, "-"), ("b", 1, "7")],
        ),
        "fan": Kind(
            nodes=[
                node("a", statement=f"{leave}; echo 7"),
                *(node(name, "Shell", "a", statement=leave, arguments=seven) for name in fan),
                node("join", "Dummy", *fan),
                node("b", "Shell", "join", statement=leave),
            ],
            status="success",
            ended=dict.fromkeys(["a", *fan, "join", "b"], "success"),
            lines=[("a", 1, "-"), *((name, 1, "7") for name in fan), ("b", 1, "-")],
        ),
        "ignored": Kind(
            nodes=[
                node("a", statement=f"{leave}; exit 3", failPolicy="IGNORE"),
                node("b", "Shell", "a", statement=leave),
            ],
            status="success",
            ended={"a": "fail", "b": "success"},
            lines=[("a", 1, "-"), ("b", 1, "-")],
        ),
        "broken": Kind(
            nodes=[
                node("a", statement=f"{leave}; exit 3", failPolicy="FAIL"),
                node("b", "Shell", "a", statement=leave),
            ],
            status="fail",
            ended={"a": "fail", "b": "skip"},
            lines=[("a", 1, "-")],
        ),
        "flaky": Kind(
            nodes=[
                node("a", statement=f'{leave}; test "$ARKWRIGHT_ATTEMPT" = 2', retryTimes=1, retryInterval=5),
                node("b", "Shell", "a", statement=leave),
            ],
            status="success",
            ended={"a": "success", "b": "success"},
            lines=[("a", 1, "-"), ("a", 2, "-"), ("b", 1, "-")],
        ),
        "slow": Kind(
            nodes=[
                node("a", statement=f"{leave}; sleep 0.3; {leave.replace('$ARKWRIGHT_NODE', 'z')}; echo 7"),
                node("b", "Shell", "a", statement=leave, arguments=seven),
            ],
            status="success",
            ended={"a": "success", "b": "success"},
            lines=[("a", 1, "-"), ("z", 1, "-"), ("b", 1, "7")],
        ),
        "stopped": Kind(
            nodes=[node("a", statement=f"{leave}; exec sleep 1000"), node("b", "Shell", "a", statement=leave)],
            status="manual-stop",
            ended={},
            lines=[("a", 1, "-")],
            stopped=True,
        ),
        "loop": Kind(
            nodes=[node("e", "ForEach", jobName="row", **rows), node("b", "Shell", "e", statement=leave)],
            status="success",
            ended={"e": "success", "b": "success"},
            lines=[("b", 1, "-")],
            family=[(name, 1, str(row)) for row in range(3) for name in ("r", "l")],
        ),
        "call": Kind(
            nodes=[node("s", "Subjob", jobName="leaf", params="key=${key}\nrow=x"), node("d", "Dummy", "s")],
            status="success",
            ended={"s": "success", "d": "success"},
            lines=[],
            family=[("l", 1, "x")],
        ),
        "stopped_loop": Kind(
            nodes=[node("e", "ForEach", jobName="sleeper", **rows), node("b", "Shell", "e", statement=leave)],
            status="manual-stop",
            ended={},
            lines=[],
            family=[("z", 1, str(row)) for row in range(3)],
            stopped=True,
        ),
        "sql": Kind(
            nodes=[
                node("q", "DLISQL", scriptName="insert"),
                node("b", "Shell", "q", statement=leave, arguments="#{Job.getNodeOutput('q')}"),
            ],
            status="success",
            ended={"q": "success", "b": "success"},
            lines=[("b", 1, "[[8]]")],  # arguments are split as a shell would, so the quotes are gone
        ),
    }
