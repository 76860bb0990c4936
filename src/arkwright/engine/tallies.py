"""What an engine counts for whoever watches it: ended instances, and how long their nodes ran. Plain numbers, added up
once per ended instance, read when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from arkwright.core.instance import Instance
from arkwright.core.job import Plan

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Upper bounds of the classes of durations; a last class has none."""


class Durations:
    """How often something took how long."""

    __slots__ = ("classes", "sum_seconds")

    def __init__(self) -> None:
        self.classes = [0] * (len(SECONDS) + 1)
        self.sum_seconds = 0.0

    def add(self, seconds: float) -> None:
        self.classes[bisect_left(SECONDS, seconds)] += 1
        self.sum_seconds += seconds


class Tallies:
    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        """Instances, by how they ended."""
        self.nodes: dict[str, Durations] = {}
        """By type of node."""

    def count(self, plan: Plan, state: Instance) -> None:
        """An instance has ended."""
        self.ended[state.status.value] += 1
        began_ms = state.start_time_ms or 0
        for run in state.nodes:
            start_ms, end_ms = run.start_time_ms, run.end_time_ms
            if start_ms is None or end_ms is None or start_ms < began_ms:
                continue  # it did not run, or ran before this instance was started again
            type_ = plan.job.nodes[run.index].type
            durations = self.nodes.get(type_)
            if durations is None:
                durations = self.nodes[type_] = Durations()
            durations.add(max(0, end_ms - start_ms) / 1000)
