"""How values turn into the type that an operator or a function wants: the rules of Unified EL.

Each function takes a value of the language and returns the wanted type or raises ElError without a place (the
evaluator knows where it is).
"""

from __future__ import annotations

import re
from typing import Final

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.json_text import json_text
from arkwright.el.values import INTEGER_MAX, INTEGER_MIN, LONG_MAX, LONG_MIN, Date, double_text, type_name

_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_INFINITE: Final = (float("inf"), float("-inf"))


def to_text(value: object) -> str:
    """A value as it appears in a text: nothing for null, JSON for lists and maps. Dates need ``Context.text``."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return double_text(value)
        case _:
            return json_text(value)


def to_truth(value: object) -> bool:
    """A condition: "true" in any case is true, other texts and null are false, anything else is a mistake."""
    match value:
        case bool():
            return value
        case None:
            return False
        case str():
            return value.lower() == "true"
        case _:
            hint = "compare it with something, for example != 0 or != null"
            raise wrong_type(f"a {type_name(value)} is not a condition", hint)


def to_number(value: object) -> int | float:
    """A number to calculate with: null and "" are 0, texts are read, other types are mistakes."""
    number = number_or_none(value)
    if number is None:
        raise _no_number(value)
    return number


def number_or_none(value: object) -> int | float | None:
    """As ``to_number``, but None if the value doesn't look like a number."""
    match value:
        case bool():
            return None
        case int():
            return in_range(value)
        case float():
            return value
        case None | "":
            return 0
        case str() if _WHOLE.fullmatch(value):
            return _whole(value)
        case str() if _DECIMAL.fullmatch(value):
            return finite(float(value))
        case _:
            return None


def to_long(value: object) -> int:
    """The whole number that a value is compared as when the other side is a whole number."""
    match value:
        case bool():
            raise _no_number(value)
        case int():
            return in_range(value)
        case None | "":
            return 0
        case str() if _WHOLE.fullmatch(value):
            return _whole(value)
        case _:
            raise _no_number(value, "whole number")


def to_double(value: object) -> float:
    """The Double that a value is compared as when the other side is a Double."""
    return float(to_number(value))


def in_range(number: int) -> int:
    """The number, if 64 bits can hold it."""
    if LONG_MIN <= number <= LONG_MAX:
        return number
    raise ElError(ErrorKind.NUMBER, "the number doesn't fit into 64 bits", hint="keep it as text, or use a decimal")


def finite(number: float) -> float:
    """The number, if a Double can hold it."""
    if number in _INFINITE or number != number:
        raise ElError(ErrorKind.NUMBER, "the number is too large for a Double")
    return number


def argument_text(value: object) -> str | None:
    """A text argument: numbers and truth values are welcome, null stays null."""
    match value:
        case str() | None:
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return double_text(value)
        case Date():
            raise wrong_type("expected a text, got a Date", "DateUtil.format makes a text of it")
        case _:
            hint = "JSONUtil.toString makes a text of it, [0] takes its first element"
            raise wrong_type(f"expected a text, got a {type_name(value)}", hint)


def argument_integer(value: object) -> int:
    """A whole-number argument: digits are welcome."""
    match value:
        case bool():
            raise wrong_type("expected a whole number, got a Boolean")
        case int():
            number = value
        case str() if _WHOLE.fullmatch(value):
            number = _whole(value)
        case float() if value.is_integer():
            number = int(value)
        case None:
            raise wrong_type("expected a whole number, got null")
        case _:
            raise wrong_type(f"expected a whole number, got the {type_name(value)} {_shown(value)}")
    if INTEGER_MIN <= number <= INTEGER_MAX:
        return number
    raise ElError(ErrorKind.NUMBER, f"{number} doesn't fit into the 32 bits that this argument has")


def argument_date(value: object) -> Date:
    """A Date argument. Nothing turns into a Date by itself."""
    if isinstance(value, Date):
        return value
    hint = "DateUtil.parseDate makes a Date of a text" if isinstance(value, str) else "Job.planTime is one"
    raise wrong_type(f"expected a Date, got {_described(value)}", hint)


def argument_needed_text(value: object) -> str:
    """A text argument that can't be null, such as a pattern or a name."""
    text = argument_text(value)
    if text is None:
        raise wrong_type("expected a text, got null")
    return text


def whole_text(text: str) -> str:
    """Join halves of characters that were put side by side, and replace lone halves by "?" as Java does on output."""
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _SURROGATE.sub("?", joined)


def wrong_type(message: str, hint: str = "") -> ElError:
    """The error for a value of the wrong type."""
    return ElError(ErrorKind.WRONG_TYPE, message, hint=hint)


def _whole(text: str) -> int:
    # Python refuses to read very long numbers; leading zeros don't count.
    digits = text.lstrip("+-").lstrip("0") or "0"
    if len(digits) > 19:
        raise ElError(ErrorKind.NUMBER, f"'{_shortened(text)}' doesn't fit into 64 bits", hint="keep it as text")
    return in_range(-int(digits) if text.startswith("-") else int(digits))


def _no_number(value: object, wanted: str = "number") -> ElError:
    hint = "compare texts with texts: put the other side into quotes" if isinstance(value, str) else ""
    return wrong_type(f"expected a {wanted}, got {_described(value)}", hint)


def _described(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, str | int | float):
        return f"the {type_name(value)} {_shown(value)}"
    return f"a {type_name(value)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{_shortened(value)}'"
    return str(value)[:40] if isinstance(value, int | float) else ""


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"
