"""Judges each job of a collection, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from arkwright.api.v1.job_body import read_job_body
from arkwright.assess.model import Assessment, Finding, JobReport, Level, NodeTypeTotal, Topic, Verdict
from arkwright.assess.nodes import Scope, node_findings, node_type, properties_of, runs_here, text_findings
from arkwright.assess.reading import Collection
from arkwright.assess.schedules import depended_on, kind_of, schedule_findings
from arkwright.core.control import ASSIGNMENT
from arkwright.core.control.reading import ASSIGNED_NAME, setting
from arkwright.core.job import Node
from arkwright.core.job_document import canonical_type
from arkwright.errors import InvalidInput
from arkwright.nodes.registry import Registry

_KNOWN_FIELDS = frozenset({
    "name", "nodes", "schedule", "params", "directory", "processType", "jobType", "logPath", "lastUpdateUser",
    "basicConfig", "targetStatus", "approvers", "emptyRunningJob", "cleanOverdueDays", "cleanWaitingJob",
    "singleNodeJobFlag", "singleNodeJobType", "description", "id", "version", "createTime", "createUser",
    "downstreamJobs", "lastUpdateTime", "owner", "status", "arkwrightSubmitted",
})  # fmt: skip
_KNOWN_NODE_FIELDS = frozenset({
    "name", "type", "nodeType", "location", "preNodeName", "preNodeNames", "conditions", "condition", "properties",
    "nodeProperties", "pollingInterval", "maxExecutionTime", "retryTimes", "retryInterval", "execTimeOutRetry",
    "failPolicy", "eventTrigger", "cronTrigger", "emptyRunningJob",
})  # fmt: skip
_WORST_FIRST = list(reversed(Verdict))


def assess(collection: Collection, registry: Registry | None = None) -> Assessment:
    registry = registry or Registry()
    reports = {
        name: _report(name, found.file, found.document, collection, registry) for name, found in collection.jobs.items()
    }
    verdicts = {name: report.verdict for name, report in reports.items()}
    jobs = [_with_upstream(report, collection, verdicts) for report in reports.values()]
    return Assessment(
        files=tuple(collection.files),
        jobs=sorted(jobs, key=lambda each: (_WORST_FIRST.index(each.verdict), -each.count(Level.BLOCKS), each.name)),
        node_types=_node_types(jobs, registry),
        contents={f"{kind.value}s": len(things) for kind, things in collection.things.items()},
        faults=tuple(collection.faults),
    )


def _assigned(nodes: list[dict[str, Any]]) -> frozenset[str]:
    """Names that Assignment nodes give values to."""
    found = (Node(index=0, name="", type=ASSIGNMENT, properties=properties_of(each)) for each in nodes
             if canonical_type(node_type(each)) == ASSIGNMENT)  # fmt: skip
    return frozenset(name for node in found if (name := setting(node, ASSIGNED_NAME).strip()))


def _report(name: str, file: str, document: Mapping[str, Any], collection: Collection, registry: Registry) -> JobReport:
    plain, fault = _plain(name, document)
    found = [fault] if fault is not None else []
    nodes = [each for each in _list(plain.get("nodes")) if isinstance(each, dict)]
    scope = Scope(
        collection=collection,
        registry=registry,
        job=name,
        parameters=frozenset(
            each["name"]
            for each in _list(plain.get("params"))
            if isinstance(each, dict) and isinstance(each.get("name"), str)
        )
        | _assigned(nodes),
        nodes=frozenset(str(each.get("name")) for each in nodes),
    )
    for node in nodes:
        found += node_findings(node, scope)
    found += _parameter_findings(plain, scope)
    found += schedule_findings(plain, collection)
    found += _field_findings(document, plain)
    return JobReport(
        name=name,
        file=file,
        schedule=kind_of(plain),
        node_types=dict(sorted(Counter(node_type(each) for each in nodes).items())),
        findings=tuple(dict.fromkeys(found)),
    )


def _plain(name: str, document: Mapping[str, Any]) -> tuple[Mapping[str, Any], Finding | None]:
    """The document as an import would store it; where it would refuse, the document itself, and why."""
    try:
        return read_job_body(dict(document)).document, None
    except InvalidInput as error:
        hint = f" {error.hint}" if error.hint else ""
        reason = f"An import would refuse it: {error.message}{hint}"
        subject = error.field or "document"
        return document, Finding(level=Level.BLOCKS, topic=Topic.DOCUMENT, subject=subject, reason=reason)


def _parameter_findings(job: Mapping[str, Any], scope: Scope) -> Iterator[Finding]:
    for each in _list(job.get("params")):
        if isinstance(each, dict) and isinstance(each.get("value"), str) and "#{" in each["value"]:
            yield from text_findings(each["value"], scope, where=f"parameter {each.get('name')}")


def _field_findings(document: Mapping[str, Any], job: Mapping[str, Any]) -> Iterator[Finding]:
    def note(subject: str, reason: str) -> Finding:
        return Finding(level=Level.NOTE, topic=Topic.FIELD, subject=subject, reason=reason)

    basic = job.get("basicConfig")
    for field in ("executeUser", "agency"):
        if isinstance(basic, dict) and basic.get(field):
            yield note(field, f"{field} is {basic[field]!r}: runs here bear the user who started them.")
    if str(job.get("emptyRunningJob")).lower() in {"1", "true"}:
        yield note("emptyRunningJob", "It is a dry run: its nodes succeed without doing anything.")
    unknown = dict.fromkeys(each for each in document if each not in _KNOWN_FIELDS)
    for node in _list(job.get("nodes")):
        if isinstance(node, dict):
            unknown.update((f"nodes[].{each}", None) for each in node if each not in _KNOWN_NODE_FIELDS)
    for field in unknown:
        yield note(field, f"The field {field} is kept, and has no effect here.")


def _with_upstream(report: JobReport, collection: Collection, verdicts: Mapping[str, Verdict]) -> JobReport:
    """What a job waits for may itself not run; the job does, so this changes no verdict."""
    waits = [
        Finding(
            level=Level.NOTE,
            topic=Topic.JOB,
            subject=name,
            reason=f"It waits for the job {name}, whose own verdict is: {verdicts[name].value}.",
        )
        for name in depended_on(collection.jobs[report.name].document)
        if verdicts.get(name, Verdict.RUNS) is not Verdict.RUNS
    ]
    return replace(report, findings=(*report.findings, *waits)) if waits else report


def _node_types(jobs: list[JobReport], registry: Registry) -> list[NodeTypeTotal]:
    """One line per type, however it is spelt; what does not run comes first."""
    names: dict[str, Counter[str]] = {}
    used: Counter[str] = Counter()
    for job in jobs:
        for name, count in job.node_types.items():
            names.setdefault(canonical_type(name), Counter())[name] += count
        used.update({canonical_type(name) for name in job.node_types})
    totals = [
        NodeTypeTotal(
            name=min(spelt, key=lambda name: (-spelt[name], name)),
            runs=runs_here(registry, kind),
            nodes=spelt.total(),
            jobs=used[kind],
        )
        for kind, spelt in names.items()
    ]
    return sorted(totals, key=lambda each: (each.runs, -each.nodes, each.name))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
