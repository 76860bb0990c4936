"""The tree of an expression.

Every node knows where it stands in the source (``start`` to ``end``, half open) and how many levels are below it
(``height``), which the parser bounds so that nothing that walks the tree can run out of stack.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A number, string, truth value or null."""

    value: str | int | float | bool | None
    start: int
    end: int
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A bare name."""

    name: str
    start: int
    end: int
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """``base.name``"""

    base: Node
    name: str
    start: int
    end: int
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """``base[key]``"""

    base: Node
    key: Node
    start: int
    end: int
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """``callee(arguments)``"""

    callee: Node
    arguments: tuple[Node, ...]
    start: int
    end: int
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary:
    """``-``, ``!`` or ``empty`` before an operand."""

    operator: str
    operand: Node
    start: int
    end: int
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Operands joined by operators of one precedence, to be worked off from the left.

    A list rather than a tree of pairs, so that long sums don't nest.
    """

    first: Node
    rest: tuple[tuple[str, Node], ...]
    start: int
    end: int
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``condition ? yes : no``"""

    condition: Node
    yes: Node
    no: Node
    start: int
    end: int
    height: int = 0


Node = Literal | Name | Property | Index | Call | Unary | Chain | Choice
