"""Merge: joins whatever came (decision 0013).

Rules: it is decided when all nodes before it have ended. Each line to it then has a state: `skip` for a node that was
skipped with all that follows, a line that a Branch did not choose, or one whose condition doesn't hold; `fail` for a
failure that is ignored; else `success`. It succeeds if at least `least` lines (`all` of them) have one of the states in
`states`; otherwise it is skipped with all that follows. What a failPolicy keeps from running it does not run either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from arkwright.core.control.reading import SettingWrong, names_in, setting
from arkwright.core.job import Node

STATES = ("states", "status", "acceptedStates")
LEAST = ("least", "atLeast")

KNOWN = ("success", "fail", "skip")
DEFAULT_STATES = "success, fail"


def read_states(node: Node) -> frozenset[str]:
    """The states that count. Raises `SettingWrong`."""
    states = names_in((setting(node, STATES) or DEFAULT_STATES).lower())
    strange = [state for state in states if state not in KNOWN]
    if strange or not states:
        raise SettingWrong(
            f"The property {STATES[0]} of node {node.name!r} names {', '.join(map(repr, strange)) or 'nothing'}: "
            f"choose from {', '.join(KNOWN)}."
        )
    return frozenset(states)


def read_merge(node: Node) -> tuple[frozenset[str], int]:
    """The states that count, and how many lines must have one. Raises `SettingWrong`."""
    states = read_states(node)
    least = setting(node, LEAST).strip().lower() or "1"
    if least == "all":
        return states, len(node.predecessors)
    if not (least.isascii() and least.isdigit() and len(least) < 5):
        raise SettingWrong(
            f"The property {LEAST[0]} of node {node.name!r} must be a whole number from 0, or all, not {least[:40]!r}."
        )
    if int(least) > len(node.predecessors):
        raise SettingWrong(
            f"The property {LEAST[0]} of node {node.name!r} wants {least} lines; {len(node.predecessors)} lead to it."
        )
    return states, int(least)


def joins(node: Node, lines: Sequence[str]) -> bool:
    """`lines`: the state of each. Raises `SettingWrong`."""
    states, least = read_merge(node)
    return sum(state in states for state in lines) >= least


def left_out(node: Node, lines: Sequence[str]) -> str:
    """Why it does not join."""
    states, least = read_merge(node)
    ended = ", ".join(f"{count} {state}" for state, count in sorted(Counter(lines).items()))
    wanted = " or ".join(state for state in KNOWN if state in states)
    return f"Skipped: of the lines to it at least {least} must end as {wanted}, and they ended as: {ended}."
