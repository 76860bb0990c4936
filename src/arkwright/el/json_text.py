"""JSON in and out, and paths into it.

Whole numbers keep all their digits. Decimals are Doubles and print as Java prints them. Text comes out compact and
with other than ASCII characters as they are.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.values import INTEGER_MAX, INTEGER_MIN, Date, Integer, double_text

# Python refuses to read longer numbers; nobody's data has them.
_LONGEST_NUMBER: Final = 4000
_STEP: Final = re.compile(
    r"""\.?\[\s*(?P<index>-?\d{1,9})\s*\]
    | \.?\[\s*(?P<quote>["'])(?P<quoted>(?:(?!(?P=quote)).)*)(?P=quote)\s*\]
    | \.?(?P<name>[^.\[\]]+)""",
    re.VERBOSE | re.DOTALL,
)


def parse_json(text: str) -> object:
    """The value of a JSON text; an empty text is null; ElError if it isn't JSON."""
    if not text.strip():
        return None
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ElError(ErrorKind.LIMIT, "the JSON text nests too deeply") from None
    except json.JSONDecodeError as error:
        shown = text if len(text) <= 40 else text[:37] + "…"
        message = f"'{shown}' isn't JSON: {error.msg} at its character {error.pos + 1}"
        raise ElError(ErrorKind.JSON, message) from None
    except ValueError as error:
        raise ElError(ErrorKind.JSON, f"the text isn't JSON: {error}") from None


def json_text(value: object) -> str:
    """A value as JSON."""
    pieces: list[str] = []
    try:
        _write(value, pieces)
    except RecursionError:
        raise ElError(ErrorKind.LIMIT, "the value nests too deeply") from None
    return "".join(pieces)


def follow_path(value: object, path: str) -> object:
    """What stands at a path such as ``cities[0].areaCode``, or None if nothing does."""
    for step in _steps(path):
        match value:
            case dict():
                value = value.get(str(step))
            case list() | tuple() if isinstance(step, int):
                value = value[step] if -len(value) <= step < len(value) else None
            case _:
                return None
    return value


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str | int, ...]:
    """The names and indexes of a path."""
    steps: list[str | int] = []
    position = 0
    if path == "$" or path.startswith(("$.", "$[")):
        position = 1
    while position < len(path):
        found = _STEP.match(path, position)
        is_first = position == 0
        if found is None or (found["name"] and not is_first and path[position] != "."):
            raise ElError(
                ErrorKind.JSON_PATH,
                f"the path '{path}' can't be read from its character {position + 1} on",
                hint="paths look like a.b[0].c or a['some key']",
            )
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            steps.append(found["name"] if found["quoted"] is None else found["quoted"])
        position = found.end()
    return tuple(steps)


def _read_integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number has more than {_LONGEST_NUMBER} digits")
    number = int(digits)
    return Integer(number) if INTEGER_MIN <= number <= INTEGER_MAX else number


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} isn't a JSON value")


def _read_decimal(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text} is too large")
    return number


_DECODER: Final = json.JSONDecoder(
    strict=False, parse_int=_read_integer, parse_float=_read_decimal, parse_constant=_refuse_constant
)
_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


def _write(value: object, pieces: list[str]) -> None:
    match value:
        case None:
            pieces.append("null")
        case str():
            pieces.append(_quoted(value))
        case bool():
            pieces.append("true" if value else "false")
        case int():
            pieces.append(str(value))
        case float():
            pieces.append(double_text(value))
        case Date():
            pieces.append(str(value.milliseconds))
        case dict():
            _write_all("{", [(_quoted(str(key)) + ":", item) for key, item in value.items()], "}", pieces)
        case list() | tuple():
            _write_all("[", [("", item) for item in value], "]", pieces)
        case _:
            raise ElError(ErrorKind.WRONG_TYPE, f"a {type(value).__name__} has no JSON form")


def _write_all(opening: str, items: list[tuple[str, object]], closing: str, pieces: list[str]) -> None:
    pieces.append(opening)
    for number, (label, item) in enumerate(items):
        pieces.append("," + label if number else label)
        _write(item, pieces)
    pieces.append(closing)
