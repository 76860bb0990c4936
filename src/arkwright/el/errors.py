"""What can go wrong with an expression.

One exception class with one stable code per kind of mistake, so that callers can show, translate or count
errors without reading messages. Code that finds a mistake deep inside raises the error without a place; the
evaluator adds the sub-expression and its position on the way out, exactly once.

Positions count characters (Unicode code points, not UTF-16 units) from the start of the full text.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable


class ErrorKind(enum.Enum):
    """The kinds of mistakes; the values are stable and may be stored."""

    SYNTAX = "ARK.EL.0001"
    UNCLOSED_EXPRESSION = "ARK.EL.0002"
    UNCLOSED_STRING = "ARK.EL.0003"
    UNKNOWN_NAME = "ARK.EL.0004"
    UNKNOWN_MEMBER = "ARK.EL.0005"
    ARGUMENT_COUNT = "ARK.EL.0006"
    WRONG_TYPE = "ARK.EL.0007"
    NUMBER = "ARK.EL.0008"
    DIVISION_BY_ZERO = "ARK.EL.0009"
    DATE_PATTERN = "ARK.EL.0010"
    DATE_VALUE = "ARK.EL.0011"
    JSON = "ARK.EL.0012"
    JSON_PATH = "ARK.EL.0013"
    LIMIT = "ARK.EL.0014"
    NOT_AVAILABLE = "ARK.EL.0015"
    REGEX = "ARK.EL.0016"
    TIME_ZONE = "ARK.EL.0017"


class ElError(Exception):
    """An expression that can't be read or evaluated.

    Attributes:
        kind: the kind of mistake.
        message: what happened, in one sentence.
        position: character offset of the sub-expression in the full text, if known.
        expression: source of the sub-expression at fault, if known.
        hint: what to do about it, or "".
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        position: int | None = None,
        expression: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.position = position
        self.expression = expression
        self.hint = hint

    @property
    def code(self) -> str:
        """The stable code, for example ``ARK.EL.0001``."""
        return self.kind.value

    def locate(self, position: int, expression: str) -> ElError:
        """Name the place, unless a more precise one is known already."""
        if self.position is None:
            self.position = position
            self.expression = expression
        return self

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.message}"]
        if self.expression is not None:
            parts.append(f"in '{_shortened(self.expression)}'")
        if self.position is not None:
            parts.append(f"at position {self.position}")
        if self.hint:
            parts.append(f"({self.hint})")
        return " ".join(parts)


def nearest_names(name: str, known: Iterable[str]) -> str:
    """A hint that lists the known names most like ``name``, or all of them when nothing is like it."""
    names = sorted(known)
    by_lower = {known_name.lower(): known_name for known_name in names}
    near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    if near:
        return "did you mean " + " or ".join(near) + "?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"known names: {shown}"


def _shortened(source: str) -> str:
    return source if len(source) <= 80 else source[:77] + "…"
