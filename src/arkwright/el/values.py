"""The values an expression can have, and how they look as text.

The language has the types of the original: String, Integer, Long, Double, Boolean, Date, List, Map and null.
They are represented by ``str``, ``Integer``, ``int``, ``float``, ``bool``, ``Date``, ``list`` or ``tuple``, ``dict``
and ``None``. The difference between Integer and Long is only a name: arithmetic always yields a Long.
"""

from __future__ import annotations

from typing import Final

LONG_MIN: Final = -(2**63)
LONG_MAX: Final = 2**63 - 1
INTEGER_MIN: Final = -(2**31)
INTEGER_MAX: Final = 2**31 - 1


class Integer(int):
    """A whole number that Java would hold as an ``int``; any arithmetic with it yields a plain ``int``."""

    __slots__ = ()


class Date:
    """An instant, in milliseconds since 1970-01-01T00:00:00Z. It has no zone of its own."""

    __slots__ = ("milliseconds",)

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Date) and other.milliseconds == self.milliseconds

    def __hash__(self) -> int:
        return hash((Date, self.milliseconds))

    def __repr__(self) -> str:
        return f"Date({self.milliseconds})"


def type_name(value: object) -> str:
    """The name of a value's type as the preview shows it."""
    match value:
        case None:
            return "null"
        case str():
            return "String"
        case bool():
            return "Boolean"
        case Integer():
            return "Integer"
        case int():
            return "Long"
        case float():
            return "Double"
        case Date():
            return "Date"
        case list() | tuple():
            return "List"
        case dict():
            return "Map"
        case _:
            return type(value).__name__


def double_text(number: float) -> str:
    """A Double as Java prints it: ``0.1``, ``100.0``, ``1.0E7``."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    magnitude = abs(number)
    if magnitude == 0.0 or 1e-3 <= magnitude < 1e7:
        text = repr(number)
        return text if "e" not in text else f"{number:f}"
    mantissa, _, exponent = repr(number).partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent or "0") + len(whole) - 1
    digits = whole + fraction
    stripped = digits.lstrip("0")
    power -= len(digits) - len(stripped)
    stripped = stripped.rstrip("0")
    return f"{sign}{stripped[0]}.{stripped[1:] or '0'}E{power}"
