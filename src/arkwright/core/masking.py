"""Masked parameters: how a secret value travels through documents, states, events and commands without being readable.

A masked value is sealed where it comes in (a saved job, a run's own values) and opened where a node is handed to its
executor, and nowhere between: what is stored, replayed, logged or answered holds the sealed form. The core can't open
it; it passes the sealed form on as any other text, and says so where an expression would have to look inside.

A sealed value is a text of its own kind, `sealed:v1:…:`, so that it can be a part of another text ("Bearer ${key}").
Who seals and opens is `engine/vault.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MASK = "******"
"""What is shown in the place of a secret; a masked parameter that comes back with it keeps its value."""

_SEALED = re.compile(r"sealed:v1:([A-Za-z0-9_-]+):")
_ANY_PART = re.compile(r"sealed:v1:[A-Za-z0-9_-]*:?")
_BEGIN = "sealed:v1:"
_BEGIN_BYTES = _BEGIN.encode()


def sealed_form(code: str) -> str:
    """The text for a secret whose sealed bytes are `code`, in URL-safe base64."""
    return f"{_BEGIN}{code}:"


def sealed_parts(text: str) -> list[str]:
    """The sealed values in a text, as they stand there."""
    return [found[0] for found in _SEALED.finditer(text)] if _BEGIN in text else []


def is_sealed(value: object) -> bool:
    return isinstance(value, str) and _SEALED.fullmatch(value) is not None


def holds_sealed(text: str) -> bool:
    return _BEGIN in text and _SEALED.search(text) is not None


def holds_sealed_bytes(data: bytes) -> bool:
    """Whether encoded text may hold a sealed value."""
    return _BEGIN_BYTES in data


def opened(text: str, open_: Callable[[str], str]) -> str:
    """The text with each sealed value replaced by what `open_` makes of its code."""
    return _SEALED.sub(lambda found: open_(found[1]), text) if _BEGIN in text else text


def hidden(text: str) -> str:
    """The text with each sealed value, or what is left of one in an excerpt, replaced by the mask: what may be
    shown."""
    return _ANY_PART.sub(MASK, text) if _BEGIN in text else text


def is_masked(parameter: object) -> bool:
    """Whether an entry of a job document's `params` is marked as masked."""
    return isinstance(parameter, Mapping) and str(parameter.get("masked", "")).strip().lower() in {"true", "1"}


def shown_parameters(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A job's document as it may be answered or exported: masked parameters have the mask as value."""
    given = document.get("params")
    if not isinstance(given, list) or not any(is_masked(each) for each in given):
        return document
    shown = [{**each, "value": MASK} if is_masked(each) else each for each in given]
    return {**document, "params": shown}
