"""The words of an assessment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_SHOWN_PLACES = 5


class Verdict(StrEnum):
    """Best first."""

    RUNS = "runs"
    NEEDS_MAPPING = "needs mapping"
    NOT_SUPPORTED = "not supported"


class Level(StrEnum):
    """What a finding means for its job's verdict."""

    NOTE = "note"
    """Worth knowing; the job runs all the same."""
    NEEDS = "needs mapping"
    """Something has to be provided, or pointed elsewhere, first."""
    BLOCKS = "not supported"
    """The job can't run as it stands."""


_VERDICTS = {
    Level.NOTE: Verdict.RUNS,
    Level.NEEDS: Verdict.NEEDS_MAPPING,
    Level.BLOCKS: Verdict.NOT_SUPPORTED,
}


class Topic(StrEnum):
    """What a finding is about."""

    DOCUMENT = "document"
    NODE_TYPE = "node type"
    NODE = "node"
    SCRIPT = "script"
    CONNECTION = "connection"
    PLACE = "cluster or queue"
    CDM = "CDM job"
    VARIABLE = "variable"
    CALENDAR = "calendar"
    EXPRESSION = "expression"
    OBJECT_PATH = "object path"
    RESOURCE = "resource"
    SCHEDULE = "schedule"
    JOB = "other job"
    FIELD = "field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    level: Level
    topic: Topic
    subject: str
    """The name of the thing: what totals count."""
    reason: str
    """One sentence for people."""
    where: str = ""
    """The node or script; empty: the job as a whole."""
    position: int | None = None
    """Of a broken expression, in characters of its text."""

    def plain(self) -> dict[str, Any]:
        return {
            "level": self.level.value,
            "topic": self.topic.value,
            "subject": self.subject,
            "reason": self.reason,
            "where": self.where,
            "position": self.position,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    name: str
    file: str
    schedule: str
    node_types: Mapping[str, int]
    findings: Sequence[Finding]

    @property
    def verdict(self) -> Verdict:
        reached = {_VERDICTS[each.level] for each in self.findings}
        return next((each for each in reversed(Verdict) if each in reached), Verdict.RUNS)

    def grouped(self) -> list[tuple[Finding, list[str]]]:
        """For people: findings that say the same, as one with all its places; the gravest first."""
        groups: dict[tuple[Level, Topic, str, int | None], tuple[Finding, list[str]]] = {}
        for each in self.findings:
            _, places = groups.setdefault((each.level, each.topic, each.reason, each.position), (each, []))
            if each.where:
                places.append(each.where)
        gravity = list(reversed(Level))
        return sorted(groups.values(), key=lambda group: gravity.index(group[0].level))

    def count(self, level: Level) -> int:
        return sum(each.level is level for each in self.findings)

    def plain(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "file": self.file,
            "verdict": self.verdict.value,
            "schedule": self.schedule,
            "nodeTypes": dict(self.node_types),
            "findings": [each.plain() for each in self.findings],
        }


def places_text(places: Sequence[str]) -> str:
    shown = ", ".join(places[:_SHOWN_PLACES])
    left = len(places) - _SHOWN_PLACES
    return f"{shown} and {left} more" if left > 0 else shown


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTypeTotal:
    name: str
    runs: bool
    nodes: int
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A file or an entry that could not be used."""

    file: str
    entry: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that jobs name and that has to be provided."""

    topic: Topic
    subject: str
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    files: Sequence[str]
    jobs: Sequence[JobReport]
    """Worst first, then by name."""
    node_types: Sequence[NodeTypeTotal]
    contents: Mapping[str, int]
    """How many things of each kind the zips hold."""
    faults: Sequence[Fault]

    @property
    def verdicts(self) -> dict[Verdict, int]:
        counts = Counter(each.verdict for each in self.jobs)
        return {each: counts[each] for each in Verdict}

    @property
    def schedules(self) -> dict[str, int]:
        return dict(sorted(Counter(each.schedule for each in self.jobs).items()))

    @property
    def missing(self) -> list[Missing]:
        """What stands between the jobs and their runs; what most jobs wait for comes first."""
        counts: Counter[tuple[Topic, str]] = Counter()
        for job in self.jobs:
            counts.update({(each.topic, each.subject) for each in job.findings if each.level is not Level.NOTE})
        ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        return [Missing(topic=topic, subject=subject, jobs=count) for (topic, subject), count in ordered]

    def plain(self) -> dict[str, Any]:
        return {
            "files": list(self.files),
            "totals": {
                "jobs": len(self.jobs),
                "verdicts": {verdict.value: count for verdict, count in self.verdicts.items()},
                "schedules": self.schedules,
                "contents": dict(self.contents),
                "nodeTypes": [
                    {"name": each.name, "runs": each.runs, "nodes": each.nodes, "jobs": each.jobs}
                    for each in self.node_types
                ],
                "needed": [
                    {"topic": each.topic.value, "subject": each.subject, "jobs": each.jobs} for each in self.missing
                ],
            },
            "jobs": [each.plain() for each in self.jobs],
            "faults": [{"file": each.file, "entry": each.entry, "reason": each.reason} for each in self.faults],
        }
