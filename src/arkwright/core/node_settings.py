"""Settings of nodes and lines with a little language of their own: exit codes, extractions, what a condition skips.

Every complaint is an `InvalidInput` that names the field, the rule and the way out, as those of `job_document`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from arkwright.core.control import ASSIGNMENT
from arkwright.core.control.reading import ASSIGNED_NAME, VARIABLE_NAME, setting
from arkwright.core.job import Node, Parameter
from arkwright.core.rules import SkipPolicy
from arkwright.errors import InvalidInput

PROGRAMS = frozenset({"shell", "python"})
"""Types whose attempts end with an exit code."""
REST = "restapi"
EXTRACT = "extract"
"""The property of a REST node that holds its extractions."""
LARGEST_EXIT_CODE = 255

_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?", re.ASCII)


def read_exit_codes(given: Any, type_name: str, where: str) -> tuple[tuple[int, int], ...]:
    """`retryExitCodes`: `1-5,137` is 1 to 5, and 137. None or empty: every failure may be retried."""
    if given is None or given == "" or given == []:
        return ()
    field = f"{where}.retryExitCodes"
    if type_name not in PROGRAMS:
        raise InvalidInput(
            f"{field} is set, and a node of this type has no exit code.",
            field=field,
            hint="Only Shell and Python nodes have one: remove the field.",
        )
    parts = given if isinstance(given, list | tuple) else str(given).replace(";", ",").split(",")
    ranges: list[tuple[int, int]] = []
    for part in parts:
        found = None if isinstance(part, bool) else _RANGE.fullmatch(str(part).strip())
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not low <= high <= LARGEST_EXIT_CODE:
            raise InvalidInput(
                f"{field} must be exit codes and ranges of them, not {str(part)[:40]!r}.",
                field=field,
                hint=f"For example 1-5,137; codes go from 0 to {LARGEST_EXIT_CODE}.",
            )
        ranges.append((low, high))
    return tuple(ranges)


def read_skip_policy(given: Any, field: str) -> SkipPolicy | None:
    if given is None or given == "":
        return None
    try:
        return SkipPolicy(str(given).upper())
    except ValueError:
        raise InvalidInput(
            f"{field} must be {' or '.join(SkipPolicy)}, not {str(given)[:40]!r}.",
            field=field,
            hint="NEXT skips the node alone, ALL the node and everything after it.",
        ) from None


def read_extractions(nodes: Iterable[Node], parameters: Iterable[Parameter]) -> Mapping[str, tuple[int, str]]:
    """Per name the position of the node whose answer it comes from, and the JSON path in it."""
    taken = {parameter.name: "a parameter of the job" for parameter in parameters}
    found: dict[str, tuple[int, str]] = {}
    for node in nodes:
        field = f"nodes[{node.index}].properties.{ASSIGNED_NAME[0] if node.type == ASSIGNMENT else EXTRACT}"
        for name, path in _set_by(node, field):
            if name in taken:
                raise InvalidInput(
                    f"{field} sets {name!r}, which is {taken[name]} too.",
                    field=field,
                    hint="Names of values that nodes give to later ones must be unique in the job.",
                )
            taken[name] = f"{'taken out of the answer' if path else 'the value'} of node {node.name!r}"
            found[name] = (node.index, path)
    return found


def _set_by(node: Node, field: str) -> list[tuple[str, str]]:
    """Names that the node gives a value, each with the JSON path to it; empty: all of an Assignment's value."""
    if node.type == REST:
        return extraction_lines(node.properties.get(EXTRACT, ""), field)
    name = setting(node, ASSIGNED_NAME).strip() if node.type == ASSIGNMENT else ""
    return [(name, "")] if VARIABLE_NAME.fullmatch(name) else []


def extraction_lines(text: str, field: str) -> list[tuple[str, str]]:
    """`name=json.path`, one a line."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, path = (part.strip() for part in line.partition("="))
        if not equals or not path or not VARIABLE_NAME.fullmatch(name):
            raise InvalidInput(
                f"{field} has the line {line.strip()[:80]!r}, which is no name=json.path.",
                field=field,
                hint="For example clusterId=clusters[0].clusterId.",
            )
        found.append((name, path))
    return found
