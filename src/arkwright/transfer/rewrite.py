"""What an import changes in the documents it brings: values of parameters, the executing user, names of things that
are called otherwise here. Pure: a document in, a changed copy out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_CONNECTION = ("connectionName",)
_CLUSTER = ("clusterName", "cluster")
REPLACEABLE: Mapping[str, tuple[str, ...]] = {
    "DWS_CONNECTION": _CONNECTION,
    "MRS_HIVE_CONNECTION": _CONNECTION,
    "MRS_SPARK_CONNECTION": _CONNECTION,
    "DIS_STREAM": ("streamName", "channel"),
    "CDM_CLUSTER": _CLUSTER,
    "MRS_CLUSTER": _CLUSTER,
    "GES_GRAPH": ("graphName", "graph"),
    "ROMA_INSTANCE": ("instanceName", "instance"),
    "TICS_INSTANCE": ("instanceName", "instance"),
    "DRS_TASK": ("taskName", "task"),
}
"""Per kind of thing that can be replaced, the properties of nodes that name one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    name: str
    type: str
    replace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    parameters: Mapping[str, str] = field(default_factory=dict)
    """For parameters of that name that a job declares."""
    parameters_of_job: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per job; a parameter that it does not declare is added."""
    execute_user: str = ""
    replacements: Sequence[Replacement] = ()

    def job(self, document: Mapping[str, Any]) -> dict[str, Any]:
        changed = dict(document)
        own = self.parameters_of_job.get(str(document.get("name")), {})
        if self.parameters or own:
            changed["params"] = _parameters(changed.get("params"), {**self.parameters, **own}, own)
        if self.execute_user:
            basic = changed.get("basicConfig")
            changed["basicConfig"] = {**(basic if isinstance(basic, dict) else {}), "executeUser": self.execute_user}
        if self.replacements and isinstance(changed.get("nodes"), list):
            changed["nodes"] = [self._node(each) for each in changed["nodes"]]
        return changed

    def script(self, document: Mapping[str, Any]) -> dict[str, Any]:
        changed = dict(document)
        name = changed.get("connectionName")
        for each in self.replacements:
            if each.type.endswith("_CONNECTION") and name == each.name:
                changed["connectionName"] = each.replace
                break
        return changed

    def _node(self, node: Any) -> Any:
        if not isinstance(node, dict) or not isinstance(node.get("properties"), list):
            return node
        return {**node, "properties": [self._property(each) for each in node["properties"]]}

    def _property(self, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        for each in self.replacements:
            if given.get("value") == each.name and given.get("name") in REPLACEABLE[each.type]:
                return {**given, "value": each.replace}
        return given


def _parameters(given: Any, values: Mapping[str, str], own: Mapping[str, str]) -> Any:
    if given is not None and not isinstance(given, list):
        return given  # the check of the document says what is wrong with it
    left = dict(own)
    found: list[Any] = []
    for each in given or []:
        name = each.get("name") if isinstance(each, dict) else None
        if isinstance(name, str) and name in values:
            found.append({**each, "value": values[name]})
            left.pop(name, None)
        else:
            found.append(each)
    found += [{"name": name, "value": value, "type": "variable"} for name, value in left.items()]
    return found
