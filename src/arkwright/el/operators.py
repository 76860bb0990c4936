"""What the operators do with two values: the rules of Unified EL, with the refinements of this language.

``+`` adds numbers and texts that look like numbers, and joins otherwise. ``/`` of whole numbers is a whole number.
Nothing wraps: a result past 64 bits is an error.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from arkwright.el.coerce import (
    finite,
    in_range,
    number_or_none,
    to_double,
    to_long,
    to_number,
    to_truth,
    wrong_type,
)
from arkwright.el.context import Context
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.java_text import units
from arkwright.el.values import Date, type_name

Operate = Callable[[object, object, Context], object]


def add(left: object, right: object, context: Context) -> object:
    """The sum if both sides are numbers or look like numbers, otherwise the texts one after the other."""
    if _adds(left, right):
        one, other = number_or_none(left), number_or_none(right)
        if one is not None and other is not None:
            return _checked(one + other)
    first, second = context.text(left), context.text(right)
    context.room(len(first) + len(second))
    return first + second


def negate(value: object) -> object:
    """``-value``"""
    return _checked(-to_number(value))


def subtract(left: object, right: object, context: Context) -> object:
    """``left - right``"""
    return _checked(to_number(left) - to_number(right))


def multiply(left: object, right: object, context: Context) -> object:
    """``left * right``"""
    return _checked(to_number(left) * to_number(right))


def divide(left: object, right: object, context: Context) -> object:
    """``left / right``; whole numbers give a whole number, cut off towards zero as in Java."""
    one, other = to_number(left), _divisor(right)
    if isinstance(one, float) or isinstance(other, float):
        return _checked(one / other)
    quotient = abs(one) // abs(other)
    return _checked(quotient if (one < 0) == (other < 0) else -quotient)


def remainder(left: object, right: object, context: Context) -> object:
    """``left % right``; it has the sign of the left side."""
    one, other = to_number(left), _divisor(right)
    if isinstance(one, float) or isinstance(other, float):
        return _checked(math.fmod(one, other))
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def equal(left: object, right: object, context: Context) -> bool:
    """``left == right``: as numbers if one side is a number, as truth values if one is, as texts if one is."""
    if left is None or right is None:
        return left is right
    match _compared_as(left, right):
        case "double":
            return to_double(left) == to_double(right)
        case "long":
            return to_long(left) == to_long(right)
        case "truth":
            return to_truth(left) == to_truth(right)
        case "text":
            return context.text(left) == context.text(right)
        case _:
            return left == right


def unequal(left: object, right: object, context: Context) -> bool:
    """``left != right``"""
    return not equal(left, right, context)


def _ordering(compare: Callable[[Any, Any], bool], *, holds_for_equal: bool) -> Operate:
    def run(left: object, right: object, context: Context) -> bool:
        if left is None or right is None:
            # null is neither before nor after anything, but equal to itself.
            return holds_for_equal and left is right
        match _compared_as(left, right):
            case "double":
                return compare(to_double(left), to_double(right))
            case "long":
                return compare(to_long(left), to_long(right))
            case "text" | "truth" if isinstance(left, str) or isinstance(right, str):
                first, second = context.text(left), context.text(right)
                if first.isascii() and second.isascii():
                    return compare(first, second)
                return compare(units(first), units(second))
            case _:
                if isinstance(left, Date) and isinstance(right, Date):
                    return compare(left.milliseconds, right.milliseconds)
                if isinstance(left, bool) and isinstance(right, bool):
                    return compare(left, right)
                raise wrong_type(f"a {type_name(left)} and a {type_name(right)} have no order")

    return run


def _compared_as(left: object, right: object) -> str:
    if isinstance(left, float) or isinstance(right, float):
        return "double"
    if _is_whole(left) or _is_whole(right):
        return "long"
    if isinstance(left, bool) or isinstance(right, bool):
        return "truth"
    if isinstance(left, str) or isinstance(right, str):
        return "text"
    return "value"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _adds(left: object, right: object) -> bool:
    # Null and "" are 0 beside a number (or beside null), but beside a text they are nothing: ""+"05" stays "05".
    if left is None and right is None:
        return True
    if left is None or left == "":
        return _is_number(right)
    if right is None or right == "":
        return _is_number(left)
    return True


def _divisor(value: object) -> int | float:
    number = to_number(value)
    if number == 0:
        raise ElError(ErrorKind.DIVISION_BY_ZERO, "the divisor is zero", hint='null and "" count as zero')
    return number


def _checked(number: int | float) -> int | float:
    return finite(number) if isinstance(number, float) else in_range(int(number))


BINARY: Final[dict[str, Operate]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "==": equal,
    "!=": unequal,
    "<": _ordering(operator.lt, holds_for_equal=False),
    "<=": _ordering(operator.le, holds_for_equal=True),
    ">": _ordering(operator.gt, holds_for_equal=False),
    ">=": _ordering(operator.ge, holds_for_equal=True),
}
