"""Assignment: gives a value to the nodes after it (decision 0013).

Rules: the value is the property `value` with its parameters and expressions replaced; without one it is the output of
the node before it, of `sourceNode` where several come before. Nodes behind it read the value as the output of this one
(`Job.getNodeOutput`), and under the name in `name` as `${name}`. It is kept in the instance's state, so that a
restart from a later node finds it again. An empty source gives no value: `getNodeOutput` answers null then.
"""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.control.deciding import Decision
from arkwright.core.control.reading import ASSIGNED_NAME, VARIABLE_NAME, SettingWrong, setting
from arkwright.core.instance import NodeRun, NodeStatus
from arkwright.core.job import Node
from arkwright.core.masking import holds_sealed
from arkwright.core.resolve import Resolver
from arkwright.el import Missing

VALUE = ("value", "expression", "assignValue")
SOURCE_NODE = ("sourceNode", "fromNode", "preNode")

MAX_CHARACTERS = 1_000_000
"""Of a value: as much as is passed on of a node's output (factory-behaviour 3)."""
_SHOWN = 80


def assignment(node: Node, runs: Sequence[NodeRun], resolver: Resolver) -> Decision | Missing:
    """Raises `SettingWrong` and `ElError`."""
    name = variable_name(node)
    text = setting(node, VALUE)
    value = resolver.text(text) if text else resolver.output(_source(node, runs).name)
    if isinstance(value, Missing):
        return value
    if value is not None and len(value) > MAX_CHARACTERS:
        raise SettingWrong(
            f"The value of node {node.name!r} has {len(value):,} characters, and may have {MAX_CHARACTERS:,}: hand "
            "over a file's path in its place."
        )
    if value is not None and holds_sealed(value):
        raise SettingWrong(
            f"The value of node {node.name!r} holds a masked parameter, which can't be assigned: insert the parameter "
            "itself where it is needed."
        )
    return Decision(value=value, message=_told(name, value))


def variable_name(node: Node) -> str:
    """What later nodes call the value; empty: nothing. Raises `SettingWrong`."""
    name = setting(node, ASSIGNED_NAME).strip()
    if name and not VARIABLE_NAME.fullmatch(name):
        raise SettingWrong(
            f"The property {ASSIGNED_NAME[0]} of node {node.name!r} is {name[:64]!r}: a name has 1 to 64 letters, "
            "digits, dots, hyphens and underscores."
        )
    return name


def _source(node: Node, runs: Sequence[NodeRun]) -> NodeRun:
    before = [runs[index] for index in node.predecessors]
    wanted = setting(node, SOURCE_NODE).strip()
    if wanted:
        found = next((run for run in before if run.name == wanted), None)
        if found is None:
            raise SettingWrong(
                f"The property {SOURCE_NODE[0]} of node {node.name!r} names {wanted!r}, from which no line leads to it."
            )
        return found
    came = [run for run in before if run.status is not NodeStatus.SKIP]
    if len(came) == 1:
        return came[0]
    why = "several nodes that came before it" if came else "no node before it that came"
    raise SettingWrong(
        f"The node {node.name!r} has no {VALUE[0]}, and {why}: give the property {VALUE[0]}, or say with "
        f"{SOURCE_NODE[0]} whose output it takes."
    )


def _told(name: str, value: str | None) -> str:
    what = f"${{{name}}}" if name else "The output"
    if value is None:
        return f"{what} has no value: there is no output to take."
    plain = " ".join(value[: _SHOWN * 4].split())
    cut = plain[:_SHOWN] + ("…" if len(plain) > _SHOWN or len(value) > _SHOWN * 4 else "")
    return f"{what} is {cut!r}."
