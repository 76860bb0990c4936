"""Facts of the expression language in storable form: a key text and a JSON value.

The core never looks anything up. What an expression needs from outside becomes a `LookUp` command; the answer comes
back in a `FactsFound` event under these keys, so that a history can be replayed without the outside.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

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


def fact_key(fact: Fact) -> str:
    match fact:
        case ClockNow():
            return "clock"
        case NodeOutput(node=node):
            return f"output:{node}"
        case ObsPathExists(path=path):
            return f"obs:{path}"
        case RunningData(node=node):
            return f"running-data:{node}"
        case InsertJobId(node=name):
            return "insert-job-id" if name is None else f"insert-job-id:{name}"
        case Calendar(name=name):
            return "calendar" if name is None else f"calendar:{name}"


def fact_of(key: str) -> Fact:
    kind, _, name = key.partition(":")
    match kind:
        case "clock":
            return ClockNow()
        case "output":
            return NodeOutput(name)
        case "obs":
            return ObsPathExists(name)
        case "running-data":
            return RunningData(name)
        case "insert-job-id":
            return InsertJobId(name if ":" in key else None)
        case "calendar":
            return Calendar(name if ":" in key else None)
    raise ValueError(f"not a fact: {key!r}")


def facts_of(stored: Mapping[str, Any]) -> dict[Fact, object]:
    """Stored facts as the evaluator wants them."""
    return {fact_of(key): _value(key, value) for key, value in stored.items()}


def _value(key: str, value: Any) -> object:
    if key.partition(":")[0] == "calendar" and value is not None:
        return WorkCalendar(
            weekdays=frozenset(value["weekdays"]),
            exceptions={dt.date.fromisoformat(day): bool(works) for day, works in value["exceptions"].items()},
        )
    return value
