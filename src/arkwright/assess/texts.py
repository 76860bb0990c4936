"""What texts of a job refer to: parameters, environment variables, calendars, object paths; and what in them is no
expression.

An expression may hold `${name}`, whose value is not known here. It is read with a number of the same length in its
place, which fits where a text or a number fits, and keeps each position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from arkwright.core.resolve import UNSCANNED
from arkwright.el import ElError, ErrorKind, parse_template, references
from arkwright.el.parser import parse_expression
from arkwright.el.syntax import Call, Chain, Choice, Index, Literal, Name, Node, Property, Unary

_PARAMETER = re.compile(r"\$\{(?:dlf\.)?[A-Za-z0-9._<>-]+\}")
_OBJECT_PATH = re.compile(r"\b(?:obs|s3a?)://[^\s\"'`,;()<>|]+")
_CALENDAR_METHODS = frozenset(
    {
        "getCalendarPreviousWorkday",
        "getCalendarPreviousNonWorkday",
        "getCalendarNextWorkday",
        "getCalendarNextNonWorkday",
    }
)
_LOCALS = re.compile(r"\b(?:for|read|local|export|declare|readonly)\s+(?:-\w+\s+)*(\w+)|\b(\w+)\+?=")
_INCOMPLETE = frozenset({ErrorKind.SYNTAX, ErrorKind.UNCLOSED_EXPRESSION, ErrorKind.UNCLOSED_STRING})


@dataclass(slots=True, kw_only=True)
class Uses:
    """What one text refers to, each once, in the order of the text."""

    parameters: tuple[str, ...] = ()
    environment: dict[str, None] = field(default_factory=dict)
    job_parameters: dict[str, None] = field(default_factory=dict)
    """Asked for with Job.getParam."""
    nodes: dict[str, None] = field(default_factory=dict)
    calendars: dict[str, None] = field(default_factory=dict)
    object_paths: tuple[str, ...] = ()
    error: ElError | None = None

    @property
    def incomplete(self) -> bool:
        """Whether the fault is one that leaves a script's text as it is, as in a comment with `#{` in it."""
        return self.error is not None and self.error.kind in _INCOMPLETE


def is_scanned(property_name: str) -> bool:
    return property_name.lower() not in UNSCANNED


@lru_cache(maxsize=4096)
def uses_of(text: str) -> Uses:
    """Remembered, because many jobs run the same scripts: nobody may change the answer."""
    uses = Uses(
        parameters=references(text),
        object_paths=tuple(dict.fromkeys(each.rstrip(".") for each in _OBJECT_PATH.findall(text))),
    )
    if "#{" not in text:
        return uses
    try:
        template = parse_template(_PARAMETER.sub(lambda found: "1".ljust(len(found[0])), text))
    except ElError as error:
        uses.error = error
        return uses
    for source in template.expressions:
        for call in _calls(parse_expression(source).root):
            _note(uses, call)
    return uses


@lru_cache(maxsize=4096)
def shell_names(text: str) -> frozenset[str]:
    """Names that a shell script gives values to by itself."""
    return frozenset(name for pair in _LOCALS.findall(text) for name in pair if name)


def _note(uses: Uses, call: Call) -> None:
    callee = call.callee
    if not isinstance(callee, Property) or not isinstance(callee.base, Name) or not call.arguments:
        return
    first = call.arguments[0]
    # A name that is worked out at run time can't be told here; it still counts as a use.
    name = first.value if isinstance(first, Literal) and isinstance(first.value, str) else "(computed)"
    if callee.base.name in {"Env", "Evn"} and callee.name == "get":
        uses.environment[name] = None
    elif callee.base.name == "Job" and callee.name == "getParam":
        uses.job_parameters[name] = None
    elif callee.base.name == "Job" and callee.name in {"getNodeOutput", "getNodeStatus"}:
        uses.nodes[name] = None
    elif callee.base.name == "Job" and callee.name in _CALENDAR_METHODS:
        uses.calendars[name] = None


def _calls(node: Node) -> Iterator[Call]:
    """Bounded by the parser's bound of nesting."""
    children: tuple[Node, ...] = ()
    match node:
        case Call():
            yield node
            children = (node.callee, *node.arguments)
        case Property():
            children = (node.base,)
        case Index():
            children = (node.base, node.key)
        case Unary():
            children = (node.operand,)
        case Chain():
            children = (node.first, *(operand for _, operand in node.rest))
        case Choice():
            children = (node.condition, node.yes, node.no)
    for child in children:
        yield from _calls(child)
