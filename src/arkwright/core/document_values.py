"""Single values of a document, as its readers take and show them."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")


def text_of(value: Any) -> str:
    """The text that a value stands for: none is empty, and what is no text is written as JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case int() if not isinstance(value, bool):
            return str(value)  # of any size, which msgspec refuses
        case _:
            return msgspec.json.encode(value).decode()


def whole(value: Any) -> int | None:
    """A whole number, also written as a text or as `3.0`. None: it is none."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if _WHOLE.fullmatch(value):
            return int(value)
    return None


def short(value: Any) -> str:
    """For a message: a document may hold anything, of any length."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
