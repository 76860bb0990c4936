"""What keeps one node from running here."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arkwright.assess.model import Finding, Level, Topic
from arkwright.assess.reading import Collection
from arkwright.assess.texts import Uses, is_scanned, shell_names, uses_of
from arkwright.core.control import PARENT_TYPES
from arkwright.core.control.reading import JOB_NAME, PARAMETERS, SettingWrong, parameters, plain_names, setting
from arkwright.core.document_values import text_of
from arkwright.core.job import Node, Script
from arkwright.core.job_document import canonical_type
from arkwright.core.script_document import read_script
from arkwright.errors import InvalidInput
from arkwright.nodes.base import AttemptKey, Connection, Context, Failed
from arkwright.nodes.registry import Registry

LOCAL = frozenset({"", "local"})
_PLACES = ("cluster", "queue", "agent", "host")
_RESOURCES = frozenset({"resourcepath", "resource", "resourcename", "jarresource"})
_SHELL_LIKE = frozenset({"shell", "python", "sparkpython"})
_SIMPLE = re.compile(r"\$\[[^\]\n]{1,200}\]|\$\{yyyymmdd[^}\n]{0,100}\}")
_NOWHERE = Path("nowhere")
"""No file is touched: only a node's own check of its settings is asked."""
_ANY_CONNECTION = {
    "ip": "192.0.2.1",
    "port": "1",
    "userName": "user",
    "password": "-",
    "bootstrapServers": "192.0.2.1:1",
    "accessKey": "-",
    "secretKey": "-",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the nodes of a job may refer to."""

    collection: Collection
    registry: Registry
    job: str
    parameters: frozenset[str]
    nodes: frozenset[str]


def node_type(node: Mapping[str, Any]) -> str:
    return str(node.get("type") or node.get("nodeType") or "(none)")


def runs_here(registry: Registry, name: str) -> bool:
    return not isinstance(registry.find(canonical_type(name)), Failed)


def node_findings(node: Mapping[str, Any], scope: Scope) -> Iterator[Finding]:
    name, type_name = str(node.get("name") or "?"), node_type(node)
    kind = canonical_type(type_name)
    properties = properties_of(node)
    supported = runs_here(scope.registry, type_name)

    def finding(level: Level, topic: Topic, subject: str, reason: str) -> Finding:
        return Finding(level=level, topic=topic, subject=subject, reason=reason, where=name)

    if not supported:
        known = scope.registry.unsupported(type_name)
        reason = (
            f"Nodes of type {known.name} don't run here. {known.reason} {known.instead}"
            if known is not None
            else f"Nodes of type {type_name} don't run here; there are {', '.join(scope.registry.names())}."
        )
        yield finding(Level.BLOCKS, Topic.NODE_TYPE, type_name, reason)
    if kind == "cdmjob" and not any(properties.get(name) for name in ("jobJson", "jobPath")):
        job = f"{properties.get('clusterName', '?')}/{properties.get('jobName', '?')}"
        reason = f"It runs the CDM job {job}, whose definition no export holds: put its JSON into cdm/<jobName>.json."
        yield finding(Level.NEEDS, Topic.CDM, job, reason)
    script, found = _script(properties, scope, name)
    yield from found
    yield from _places(properties, script, kind, name, scope)
    yield from _references(properties, kind, name, scope)
    for field, value in _texts(name, kind, properties):
        if is_scanned(field):
            yield from text_findings(value, scope, where=f"{name}: {field}")
    conditions = node.get("conditions") or node.get("condition")
    for each in conditions if isinstance(conditions, list) else [conditions]:
        if isinstance(each, dict) and isinstance(each.get("expression"), str):
            yield from text_findings(each["expression"], scope, where=f"{name}: condition")
    if script is not None:
        own = frozenset(_arguments(properties.get("scriptArgs", "")))
        yield from text_findings(script.text, scope, where=f"{name}: script {script.name}", own=own, script=script)
    wanted = properties.get("scriptName") and properties.get("statementOrScript", "").lower() != "statement"
    if supported and (script is not None or not wanted):
        refusal = _refusal(kind, properties, script, scope, name)
        if refusal:
            yield finding(Level.BLOCKS, Topic.NODE, type_name, refusal)


def text_findings(
    text: str, scope: Scope, *, where: str, own: frozenset[str] = frozenset(), script: Script | None = None
) -> Iterator[Finding]:
    """What a text needs: a property, a condition, a parameter's value, or a script (whose own names are `own`)."""
    uses = uses_of(text)

    def finding(level: Level, topic: Topic, subject: str, reason: str, position: int | None = None) -> Finding:
        return Finding(level=level, topic=topic, subject=subject, reason=reason, where=where, position=position)

    if uses.error is not None:
        error = uses.error
        harmless = script is not None and uses.incomplete
        reason = f"{error.message[:1].upper()}{error.message[1:]}" + (f" ({error.hint})" if error.hint else "")
        reason += "; the text stays as it is." if harmless else "."
        level = Level.NOTE if harmless else Level.BLOCKS
        yield finding(level, Topic.EXPRESSION, error.expression or error.code, reason, error.position)
    for name in uses.environment:
        if name not in scope.collection.variables:
            yield finding(Level.NEEDS, Topic.VARIABLE, name, f"The environment variable {name} needs a value.")
    yield from _parameters(uses, scope, where, own, script)
    for name in uses.calendars:
        yield finding(Level.NEEDS, Topic.CALENDAR, name, f"The calendar {name} has to be made; no export holds it.")
    for name in uses.nodes:
        if name not in scope.nodes and name != "(computed)":
            yield finding(Level.BLOCKS, Topic.EXPRESSION, name, f"It asks for the node {name}, which the job lacks.")
    for path in uses.object_paths:
        bucket = "/".join(path.split("/")[:3])
        yield finding(Level.NEEDS, Topic.OBJECT_PATH, bucket, f"{path} has to be brought here, or pointed elsewhere.")
    for simple in dict.fromkeys(_SIMPLE.findall(text)):
        # ${yyyymmdd} may also be a parameter of that name; a shell's $[1+1] is arithmetic.
        if simple[2:-1] not in scope.parameters and "yyyy" in simple:
            reason = f"The simple variable {simple} is not replaced here; write an expression #{{…}} in its place."
            yield finding(Level.NEEDS, Topic.VARIABLE, simple, reason)


def _parameters(uses: Uses, scope: Scope, where: str, own: frozenset[str], script: Script | None) -> Iterator[Finding]:
    known = scope.parameters | scope.collection.variables | own
    shell_like = script is not None and canonical_type(script.type) in _SHELL_LIKE
    known |= shell_names(script.text) if script is not None and shell_like else frozenset()
    for name in uses.parameters:
        if name.removeprefix("dlf.") in known or name in known or name.startswith("yyyymmdd"):
            continue
        # In a shell's text it may well be a variable of the shell, and what nobody defines stays as it is.
        level = Level.NOTE if shell_like else Level.NEEDS
        reason = f"${{{name}}} is no parameter of the job" + (
            "; it stays as it is, for the shell." if shell_like else ": it needs a value, as a parameter or a variable."
        )
        yield Finding(level=level, topic=Topic.VARIABLE, subject=name, reason=reason, where=where)
    for name in uses.job_parameters:
        if name not in scope.parameters and name != "(computed)":
            reason = f"Job.getParam({name!r}): the job has no such parameter, so a run has to give it."
            yield Finding(level=Level.NEEDS, topic=Topic.VARIABLE, subject=name, reason=reason, where=where)


def properties_of(node: Mapping[str, Any]) -> dict[str, str]:
    """Name and value of what can be read; the rest is the document's fault, which is told elsewhere."""
    given = node.get("properties")
    if isinstance(given, dict):
        return {str(name): text_of(value) for name, value in given.items()}
    if not isinstance(given, list):
        return {}
    return {
        each["name"]: text_of(each.get("value"))
        for each in given
        if isinstance(each, dict) and isinstance(each.get("name"), str)
    }


def _script(properties: Mapping[str, str], scope: Scope, where: str) -> tuple[Script | None, list[Finding]]:
    name = properties.get("scriptName", "")
    if not name or properties.get("statementOrScript", "").lower() == "statement":
        return None, []

    def needs(level: Level, reason: str) -> tuple[None, list[Finding]]:
        return None, [Finding(level=level, topic=Topic.SCRIPT, subject=name, reason=reason, where=where)]

    if "${" in name or "#{" in name:
        return needs(Level.NEEDS, f"Which script it runs is only known at run time: {name}.")
    found = scope.collection.scripts.get(name)
    if found is None:
        return needs(Level.NEEDS, f"The script {name} is in none of the files.")
    try:
        return read_script(name, found.document, 1), []
    except InvalidInput as error:
        return needs(Level.BLOCKS, f"The script {name} can't be used: {error.message}")


def _places(
    properties: Mapping[str, str], script: Script | None, kind: str, where: str, scope: Scope
) -> Iterator[Finding]:
    connection = properties.get("connectionName", "").strip() or (script.connection_name.strip() if script else "")
    if connection not in LOCAL:
        held = scope.collection.connections.get(connection)
        told = f" (of type {held.document.get('type')})" if held is not None else ", which is in none of the files"
        reason = f"It runs on the connection {connection}{told}; point it at one that is here."
        yield Finding(level=Level.NEEDS, topic=Topic.CONNECTION, subject=connection, reason=reason, where=where)
    for name in ("sourceConnectionName", "targetConnectionName"):
        if value := properties.get(name, "").strip():
            reason = f"{name} is the connection {value}; point it at one that is here."
            yield Finding(level=Level.NEEDS, topic=Topic.CONNECTION, subject=value, reason=reason, where=where)
    for name, value in properties.items():
        if kind != "cdmjob" and _is_place(name, value):
            reason = f"{name} is {value!r}, and there is nothing of that name here."
            yield Finding(level=Level.NEEDS, topic=Topic.PLACE, subject=value, reason=reason, where=where)
    schema = properties.get("database", "").strip() or (script.database.strip() if script else "")
    if kind == "dlisql" and schema.lower() not in {"", "default", "main"}:
        reason = f"The database {schema} has to be made first (CREATE SCHEMA {schema})."
        yield Finding(level=Level.NEEDS, topic=Topic.PLACE, subject=schema, reason=reason, where=where)


def _texts(name: str, kind: str, properties: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Field and text of all that may hold expressions; what a node hands to another job is a list of texts."""
    handed = plain_names(PARAMETERS) if kind in PARENT_TYPES else frozenset()
    for field, value in properties.items():
        if canonical_type(field) not in handed:
            yield field, value
    if handed:
        with contextlib.suppress(SettingWrong):  # the node's own check tells
            for parameter, value in parameters(_node(name, kind, properties)).items():
                yield f"parameter {parameter}", value


def _node(name: str, kind: str, properties: Mapping[str, str]) -> Node:
    return Node(index=0, name=name, type=kind, properties=properties)


def _is_place(name: str, value: str) -> bool:
    word = name.lower()
    here = {"", "local", "default"} if "queue" in word else LOCAL
    return any(place in word for place in _PLACES) and value.strip() not in here


def _references(properties: Mapping[str, str], kind: str, where: str, scope: Scope) -> Iterator[Finding]:
    """Resources, and jobs that the node runs."""
    for name, value in properties.items():
        word = name.lower()
        if word in _RESOURCES and value and "/" not in value and value not in scope.collection.resources:
            reason = f"The resource {value} is in none of the files."
            yield Finding(level=Level.NEEDS, topic=Topic.RESOURCE, subject=value, reason=reason, where=where)
    if kind in PARENT_TYPES:
        value = setting(_node(where, kind, properties), JOB_NAME).strip()
        if value and value not in scope.collection.jobs:
            reason = f"It runs the job {value}, which is in none of the files."
            yield Finding(level=Level.NEEDS, topic=Topic.JOB, subject=value, reason=reason, where=where)


def _refusal(kind: str, properties: Mapping[str, str], script: Script | None, scope: Scope, name: str) -> str:
    """What the node itself says to its settings, once those that have to be mapped are."""
    node = scope.registry.find(kind)
    mapped = {
        field: value
        for field, value in properties.items()
        if field.lower() != "connectionname" and not _is_place(field, value)
    }
    if isinstance(node, Failed) or any("${" in each or "#{" in each for each in mapped.values()):
        return ""  # what values the settings will have is not known yet
    named = properties.get("connectionName", "").strip() or (script.connection_name.strip() if script else "")
    connection = None
    if node.type.connections and named not in LOCAL:  # what it says has to be mapped; here any will do
        connection = Connection(name=named, type=node.type.connections[0], config=_ANY_CONNECTION)
    context = Context(
        key=AttemptKey(instance_id=1, node=0, attempt=1),
        project_id="",
        workspace_id="",
        job_name=scope.job,
        node_name=name,
        properties={**mapped, "connectionName": named},
        connection=connection,
        script=script,
        folder=_NOWHERE,
        workspace_folder=_NOWHERE,
        local_programs_allowed=True,
    )
    try:
        refused = node.check(context)
    except Exception as error:  # a plug-in's fault must not cost the assessment of the others
        return f"The node's own check failed: {error!r}."
    return refused.message if refused is not None else ""


def _arguments(text: str) -> Iterator[str]:
    for line in text.splitlines():
        name, equals, _ = line.partition("=")
        if equals and name.strip():
            yield name.strip()
