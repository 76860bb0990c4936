"""``StringUtil``: questions about one text (``isBlank``, ``isNumeric``, …) and defaults for empty ones."""

from __future__ import annotations

import unicodedata
from typing import Final

from arkwright.el.coerce import argument_text
from arkwright.el.functions.library import Library, texts
from arkwright.el.functions.signature import Kind
from arkwright.el.java_text import CONTROLS_AND_SPACE, WHITESPACE, WHITESPACE_SET
from arkwright.el.values import Integer

LIBRARY: Final = Library()
_TEXT: Final = (Kind.TEXT,)
# str.strip looks through its characters one by one; a set is quicker from about here on.
_FEW: Final = 64


@LIBRARY.method("isEmpty", takes=_TEXT)
def is_empty(text: str | None) -> bool:
    return not text


@LIBRARY.method("isNotEmpty", takes=_TEXT)
def is_not_empty(text: str | None) -> bool:
    return bool(text)


@LIBRARY.method("isBlank", takes=_TEXT)
def is_blank(text: str | None) -> bool:
    return not (text and text.strip(WHITESPACE))


@LIBRARY.method("isNotBlank", takes=_TEXT)
def is_not_blank(text: str | None) -> bool:
    return not is_blank(text)


@LIBRARY.method("isAnyEmpty", further=Kind.ANY)
def is_any_empty(*values: object) -> bool:
    return any(not text for text in texts(values))


@LIBRARY.method("isNoneEmpty", further=Kind.ANY)
def is_none_empty(*values: object) -> bool:
    return not is_any_empty(*values)


@LIBRARY.method("isAllEmpty", further=Kind.ANY)
def is_all_empty(*values: object) -> bool:
    return all(not text for text in texts(values))


@LIBRARY.method("isAnyBlank", further=Kind.ANY)
def is_any_blank(*values: object) -> bool:
    return any(is_blank(text) for text in texts(values))


@LIBRARY.method("isNoneBlank", further=Kind.ANY)
def is_none_blank(*values: object) -> bool:
    return not is_any_blank(*values)


@LIBRARY.method("isAllBlank", further=Kind.ANY)
def is_all_blank(*values: object) -> bool:
    return all(is_blank(text) for text in texts(values))


@LIBRARY.method("isAlpha", takes=_TEXT)
def is_alpha(text: str | None) -> bool:
    return bool(text) and text.isalpha()  # type: ignore[union-attr]


@LIBRARY.method("isAlphaSpace", takes=_TEXT)
def is_alpha_space(text: str | None) -> bool:
    return text is not None and all(unit.isalpha() or unit == " " for unit in text)


@LIBRARY.method("isAlphanumeric", takes=_TEXT)
def is_alphanumeric(text: str | None) -> bool:
    return bool(text) and all(unit.isalpha() or unit.isdecimal() for unit in text or "")


@LIBRARY.method("isAlphanumericSpace", takes=_TEXT)
def is_alphanumeric_space(text: str | None) -> bool:
    return text is not None and all(unit.isalpha() or unit.isdecimal() or unit == " " for unit in text)


@LIBRARY.method("isNumeric", takes=_TEXT)
def is_numeric(text: str | None) -> bool:
    return bool(text) and all(unit.isdecimal() for unit in text or "")


@LIBRARY.method("isNumericSpace", takes=_TEXT)
def is_numeric_space(text: str | None) -> bool:
    return text is not None and all(unit.isdecimal() or unit == " " for unit in text)


@LIBRARY.method("isAsciiPrintable", takes=_TEXT)
def is_ascii_printable(text: str | None) -> bool:
    return text is not None and all(" " <= unit <= "~" for unit in text)


@LIBRARY.method("isWhitespace", takes=_TEXT)
def is_whitespace(text: str | None) -> bool:
    return text is not None and not text.strip(WHITESPACE)


@LIBRARY.method("containsWhitespace", takes=_TEXT)
def contains_whitespace(text: str | None) -> bool:
    return any(unit in WHITESPACE_SET for unit in text or "")


@LIBRARY.method("isAllLowerCase", takes=_TEXT)
def is_all_lower_case(text: str | None) -> bool:
    return bool(text) and all(_is_lower(unit) for unit in text or "")


@LIBRARY.method("isAllUpperCase", takes=_TEXT)
def is_all_upper_case(text: str | None) -> bool:
    return bool(text) and all(_is_upper(unit) for unit in text or "")


@LIBRARY.method("isMixedCase", takes=_TEXT)
def is_mixed_case(text: str | None) -> bool:
    return any(_is_lower(unit) for unit in text or "") and any(_is_upper(unit) for unit in text or "")


@LIBRARY.method("length", takes=_TEXT)
def length(text: str | None) -> Integer:
    return Integer(len(text or ""))


@LIBRARY.method("defaultString", takes=_TEXT, optional=_TEXT)
def default_string(text: str | None, default: str | None = "") -> str | None:
    return default if text is None else text


@LIBRARY.method("defaultIfEmpty", takes=(Kind.TEXT, Kind.TEXT))
def default_if_empty(text: str | None, default: str | None) -> str | None:
    return text or default


@LIBRARY.method("defaultIfBlank", takes=(Kind.TEXT, Kind.TEXT))
def default_if_blank(text: str | None, default: str | None) -> str | None:
    return default if is_blank(text) else text


@LIBRARY.method("firstNonEmpty", further=Kind.ANY)
def first_non_empty(*values: object) -> str | None:
    return next((text for text in texts(values) if text), None)


@LIBRARY.method("firstNonBlank", further=Kind.ANY)
def first_non_blank(*values: object) -> str | None:
    return next((text for text in texts(values) if not is_blank(text)), None)


@LIBRARY.method("trim", takes=_TEXT)
def trim(text: str | None) -> str | None:
    return None if text is None else text.strip(CONTROLS_AND_SPACE)


@LIBRARY.method("trimToNull", takes=_TEXT)
def trim_to_null(text: str | None) -> str | None:
    return trim(text) or None


@LIBRARY.method("trimToEmpty", takes=_TEXT)
def trim_to_empty(text: str | None) -> str:
    return trim(text) or ""


@LIBRARY.method("strip", takes=_TEXT, optional=_TEXT)
def strip(text: str | None, characters: str | None = None) -> str | None:
    return strip_end(strip_start(text, characters), characters)


@LIBRARY.method("stripStart", takes=(Kind.TEXT, Kind.TEXT))
def strip_start(text: str | None, characters: str | None) -> str | None:
    if text is not None and characters is not None and len(characters) > _FEW:
        unwanted = set(characters)
        return text[next((index for index, unit in enumerate(text) if unit not in unwanted), len(text)) :]
    return None if text is None else text.lstrip(WHITESPACE if characters is None else characters)


@LIBRARY.method("stripEnd", takes=(Kind.TEXT, Kind.TEXT))
def strip_end(text: str | None, characters: str | None) -> str | None:
    if text is not None and characters is not None and len(characters) > _FEW:
        turned = strip_start(text[::-1], characters)
        return None if turned is None else turned[::-1]
    return None if text is None else text.rstrip(WHITESPACE if characters is None else characters)


@LIBRARY.method("stripToNull", takes=_TEXT)
def strip_to_null(text: str | None) -> str | None:
    return strip(text) or None


@LIBRARY.method("stripToEmpty", takes=_TEXT)
def strip_to_empty(text: str | None) -> str:
    return strip(text) or ""


@LIBRARY.method("stripAll", takes=(Kind.ANY,), further=Kind.ANY)
def strip_all(first: object, *values: object) -> list[str | None] | None:
    """A list and perhaps the characters to strip, or any number of texts."""
    if first is None:
        return None
    if isinstance(first, list | tuple) and len(values) <= 1:
        characters = argument_text(values[0]) if values else None
        return [strip(text, characters) for text in texts([first])]
    return [strip(text) for text in texts([first, *values])]


# Letters whose stroke or slash is part of the letter, so that taking it apart doesn't remove it.
_STROKES: Final = str.maketrans("ŁłƗɨɄʉƀĐđǤǥɭ", "LlIiUubDdGgl")


@LIBRARY.method("stripAccents", takes=_TEXT)
def strip_accents(text: str | None) -> str | None:
    if not text:
        return text
    apart = unicodedata.normalize("NFD", text).translate(_STROKES)
    return "".join(unit for unit in apart if not "\u0300" <= unit <= "\u036f")


def _is_lower(unit: str) -> bool:
    return unit.islower()


def _is_upper(unit: str) -> bool:
    return unit.isupper()
