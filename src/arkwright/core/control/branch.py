"""Branch: chooses which of the lines behind it are gone along (decision 0013).

Rules: `branches` is a list of cases, each with a condition (or a value that `expression` is compared with) and the
nodes right behind that it stands for. Every case that holds is gone along, with `mode` FIRST the first one alone; none:
the nodes in `default`, or nothing. Each node right behind belongs to a case or to the default. A line that is
not chosen is one whose condition doesn't hold. A Branch that has decided nothing (a dry run, an ignored failure, an
operator who skipped it or set it to success) holds back none of its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from arkwright.core.control.deciding import Decision
from arkwright.core.control.reading import SettingWrong, names_in, setting
from arkwright.core.document_values import text_of
from arkwright.core.job import Job, Node
from arkwright.core.record import Record
from arkwright.core.resolve import Resolver
from arkwright.el import Fact, Missing

BRANCHES = ("branches", "cases", "branchConditions")
EXPRESSION = ("expression", "switch")
DEFAULT = ("default", "defaultNodes", "else")
MODE = ("mode", "matchMode")
MODES = ("ALL", "FIRST")

MAX_BRANCHES = 50


class Case(Record, frozen=True, kw_only=True):
    condition: str | None
    """None: it is chosen by `value`."""
    value: str
    nodes: tuple[str, ...]


class Settings(Record, frozen=True, kw_only=True):
    cases: tuple[Case, ...]
    expression: str
    default: tuple[str, ...]
    first_alone: bool


def branch(node: Node, job: Job, resolver: Resolver) -> Decision | Missing:
    """Raises `SettingWrong` and `ElError`."""
    settings = read_branch(node)
    behind = {job.nodes[index].name: index for index in node.successors}
    _check_lines(node, settings, behind)
    expression = resolver.text(settings.expression)
    missing: set[Fact] = set() if isinstance(expression, str) else set(expression.facts)
    held: list[Case] = []
    for case in settings.cases:
        holds = _holds(case, expression, resolver)
        if isinstance(holds, Missing):
            missing |= holds.facts
        elif holds:
            held.append(case)
            if settings.first_alone:
                break
    if missing:
        return Missing(frozenset(missing))
    names = dict.fromkeys(name for case in held for name in case.nodes) if held else dict.fromkeys(settings.default)
    return Decision(chosen=tuple(sorted(behind[name] for name in names)), message=_told(bool(held), names))


def read_branch(node: Node) -> Settings:
    """What the node's own settings say. Raises `SettingWrong`."""
    text = setting(node, BRANCHES).strip()
    if not text:
        raise SettingWrong(f"The node {node.name!r} has nothing to choose from: give the property {BRANCHES[0]}.")
    try:
        given: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise _wrong(node, f"is no JSON ({error})") from None
    if not isinstance(given, list) or not given:
        raise _wrong(node, "is no list of cases")
    if len(given) > MAX_BRANCHES:
        raise _wrong(node, f"has {len(given)} cases, and may have {MAX_BRANCHES}")
    mode = setting(node, MODE).strip().upper() or MODES[0]
    if mode not in MODES:
        raise SettingWrong(f"The property {MODE[0]} of node {node.name!r} must be {' or '.join(MODES)}, not {mode!r}.")
    cases = tuple(_case(node, number, each) for number, each in enumerate(given))
    expression = setting(node, EXPRESSION)
    by_value = next((number for number, case in enumerate(cases) if case.condition is None), None)
    if by_value is not None and not expression:
        raise _wrong(
            node, f"gives case {by_value} a value, and the property {EXPRESSION[0]} to compare it with is empty"
        )
    default = names_in(setting(node, DEFAULT))
    return Settings(cases=cases, expression=expression, default=default, first_alone=mode == "FIRST")


def _case(node: Node, number: int, given: Any) -> Case:
    if not isinstance(given, Mapping):
        raise _wrong(node, f"has a case {number} that is no object")
    keys = {str(key).lower(): value for key, value in given.items()}
    condition = keys.get("condition", keys.get("expression"))
    value = keys.get("value")
    nodes = keys.get("nodes", keys.get("nextnodes", keys.get("node")))
    if (condition is None) is (value is None):
        raise _wrong(node, f"must give case {number} either a condition or a value")
    names = tuple(str(each) for each in nodes) if isinstance(nodes, list) else names_in(str(nodes or ""))
    if not names:
        raise _wrong(node, f"does not say which nodes case {number} stands for")
    return Case(condition=None if condition is None else text_of(condition), value=text_of(value), nodes=names)


def _check_lines(node: Node, settings: Settings, behind: Mapping[str, int]) -> None:
    named = {name for case in settings.cases for name in case.nodes} | set(settings.default)
    strange, forgotten = sorted(named - behind.keys()), [name for name in behind if name not in named]
    if strange:
        raise SettingWrong(f"The node {node.name!r} chooses {_some(strange)}, to which no line leads from it.")
    if forgotten:
        raise SettingWrong(
            f"A line leads from node {node.name!r} to {_some(forgotten)}, of which none of its cases speaks: "
            f"name it in {BRANCHES[0]} or in {DEFAULT[0]}."
        )


def _holds(case: Case, expression: str | Missing, resolver: Resolver) -> bool | Missing:
    if case.condition is not None:
        return resolver.condition(case.condition)
    value = resolver.text(case.value)
    if isinstance(value, Missing):
        return value
    return expression if isinstance(expression, Missing) else value.strip() == expression.strip()


def _told(held: bool, names: Iterable[str]) -> str:
    chosen = _some(list(names))
    if held:
        return f"Chose {chosen}."
    return (
        f"No case holds: chose the default, {chosen}." if chosen else "No case holds: none of its lines is gone along."
    )


def _some(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:10]) + (", …" if len(names) > 10 else "")


def _wrong(node: Node, what: str) -> SettingWrong:
    return SettingWrong(
        f"The property {BRANCHES[0]} of node {node.name!r} {what}. "
        'Write [{"condition": "#{…}", "nodes": ["a", "b"]}, …], or "value" in the place of "condition".'
    )
