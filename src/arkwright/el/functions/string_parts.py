"""``StringUtil``: parts of a text, splitting it, and joining parts."""

from __future__ import annotations

import unicodedata
from typing import Final

from arkwright.el.coerce import argument_integer, argument_text
from arkwright.el.context import Context
from arkwright.el.functions.library import Library, bad_argument, texts
from arkwright.el.functions.signature import Kind
from arkwright.el.java_text import WHITESPACE, last_place
from arkwright.el.values import Integer

LIBRARY: Final = Library()
_TEXT: Final = (Kind.TEXT,)
_TWO: Final = (Kind.TEXT, Kind.TEXT)
_TEXT_NUMBER: Final = (Kind.TEXT, Kind.INTEGER)
_TO_SPACE: Final = {ord(space): " " for space in WHITESPACE}


@LIBRARY.method("left", takes=_TEXT_NUMBER)
def left(text: str | None, count: int) -> str | None:
    return None if text is None else text[: max(count, 0)]


@LIBRARY.method("right", takes=_TEXT_NUMBER)
def right(text: str | None, count: int) -> str | None:
    return None if text is None else text[max(len(text) - max(count, 0), 0) :]


@LIBRARY.method("mid", takes=(Kind.TEXT, Kind.INTEGER, Kind.INTEGER))
def mid(text: str | None, start: int, count: int) -> str | None:
    if text is None:
        return None
    start = max(start, 0)
    return text[start : start + max(count, 0)]


@LIBRARY.method("substring", takes=_TEXT_NUMBER, optional=(Kind.INTEGER,))
def substring(text: str | None, start: int, end: int | None = None) -> str | None:
    """Negative numbers count from the end."""
    if text is None:
        return None
    size = len(text)
    end = size if end is None else (end + size if end < 0 else end)
    start = start + size if start < 0 else start
    return text[max(start, 0) : max(end, 0)]


@LIBRARY.method("substringAfter", takes=_TWO)
def substring_after(text: str | None, separator: str | None) -> str | None:
    if not text:
        return text
    if separator is None:
        return ""
    return text.partition(separator)[2] if separator else text


@LIBRARY.method("substringAfterLast", takes=_TWO)
def substring_after_last(text: str | None, separator: str | None) -> str | None:
    if not text:
        return text
    if not separator:
        return ""
    at = last_place(text, separator, len(text))
    return text[at + len(separator) :] if at >= 0 else ""


@LIBRARY.method("substringBefore", takes=_TWO)
def substring_before(text: str | None, separator: str | None) -> str | None:
    if not text or separator is None:
        return text
    return text.partition(separator)[0] if separator else ""


@LIBRARY.method("substringBeforeLast", takes=_TWO)
def substring_before_last(text: str | None, separator: str | None) -> str | None:
    if not text or not separator:
        return text
    at = last_place(text, separator, len(text))
    return text[:at] if at >= 0 else text


@LIBRARY.method("substringBetween", takes=_TWO, optional=_TEXT)
def substring_between(text: str | None, opening: str | None, *closings: str | None) -> str | None:
    closing = closings[0] if closings else opening
    if text is None or opening is None or closing is None:
        return None
    start = text.find(opening)
    if start < 0:
        return None
    start += len(opening)
    end = text.find(closing, start)
    return text[start:end] if end >= 0 else None


@LIBRARY.method("substringsBetween", takes=(Kind.TEXT, Kind.TEXT, Kind.TEXT))
def substrings_between(text: str | None, opening: str | None, closing: str | None) -> list[str] | None:
    if text is None or not opening or not closing:
        return None
    if not text:
        return []
    found: list[str] = []
    position = 0
    while (start := text.find(opening, position)) >= 0:
        start += len(opening)
        end = text.find(closing, start)
        if end < 0:
            break
        found.append(text[start:end])
        position = end + len(closing)
    return found or None


@LIBRARY.method("truncate", takes=_TEXT_NUMBER, optional=(Kind.INTEGER,))
def truncate(text: str | None, *numbers: int) -> str | None:
    """The width, or an offset and the width."""
    offset, width = numbers if len(numbers) == 2 else (0, numbers[0])
    if offset < 0 or width < 0:
        raise bad_argument("offset and width can't be negative")
    return None if text is None else text[offset : offset + width]


@LIBRARY.method("chop", takes=_TEXT)
def chop(text: str | None) -> str | None:
    if text is None:
        return None
    return text[:-2] if text.endswith("\r\n") else text[:-1]


@LIBRARY.method("chomp", takes=_TEXT, optional=_TEXT)
def chomp(text: str | None, *ends: str | None) -> str | None:
    if not text:
        return text
    if ends:
        return text.removesuffix(ends[0] or "")
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text[-1] in "\r\n" else text


@LIBRARY.method("getDigits", takes=_TEXT)
def get_digits(text: str | None) -> str | None:
    if not text:
        return text
    return "".join(unit for unit in text if unit.isdecimal())


@LIBRARY.method("split", takes=_TEXT, optional=_TEXT_NUMBER)
def split(text: str | None, separators: str | None = None, limit: int = -1) -> list[str] | None:
    """At any of the characters; neighbours count as one, none at the ends; null means white space."""
    return _split(text, separators, limit, keep_empty=False)


@LIBRARY.method("splitPreserveAllTokens", takes=_TEXT, optional=_TEXT_NUMBER)
def split_preserve_all_tokens(text: str | None, separators: str | None = None, limit: int = -1) -> list[str] | None:
    return _split(text, separators, limit, keep_empty=True)


@LIBRARY.method("splitByWholeSeparator", takes=_TWO, optional=(Kind.INTEGER,))
def split_by_whole_separator(text: str | None, separator: str | None, limit: int = -1) -> list[str] | None:
    return _split_whole(text, separator, limit, keep_empty=False)


@LIBRARY.method("splitByWholeSeparatorPreserveAllTokens", takes=_TWO, optional=(Kind.INTEGER,))
def split_by_whole_separator_preserve_all_tokens(
    text: str | None, separator: str | None, limit: int = -1
) -> list[str] | None:
    return _split_whole(text, separator, limit, keep_empty=True)


@LIBRARY.method("splitByCharacterType", takes=_TEXT)
def split_by_character_type(text: str | None) -> list[str] | None:
    return _split_by_type(text, is_camel_case=False)


@LIBRARY.method("splitByCharacterTypeCamelCase", takes=_TEXT)
def split_by_character_type_camel_case(text: str | None) -> list[str] | None:
    return _split_by_type(text, is_camel_case=True)


@LIBRARY.method("join", further=Kind.ANY, has_budget=True)
def join(context: Context, *values: object) -> str | None:
    """A list, perhaps a separator, perhaps the first index and the one after the last; or texts to put together."""
    if not values:
        return ""
    if values[0] is None and len(values) in (2, 4):
        return None
    if not isinstance(values[0], list | tuple):
        return _joined(context, texts(list(values)), "")
    parts = texts([values[0]])
    if len(values) == 1:
        return _joined(context, parts, "")
    separator = argument_text(values[1]) or ""
    if len(values) == 2:
        return _joined(context, parts, separator)
    if len(values) != 4:
        raise bad_argument("join takes a list, a separator, and the first and last index")
    start, end = argument_integer(values[2]), argument_integer(values[3])
    if start < 0:
        raise bad_argument("the first index can't be negative")
    return _joined(context, parts[start : max(start, end)], separator)


@LIBRARY.method("joinWith", takes=_TEXT, further=Kind.ANY, has_budget=True)
def join_with(context: Context, separator: str | None, *values: object) -> str:
    return _joined(context, texts(values), separator or "")


@LIBRARY.method("reverseDelimited", takes=_TWO, has_budget=True)
def reverse_delimited(context: Context, text: str | None, separator: str | None) -> str | None:
    if text is None:
        return None
    if not separator:
        raise bad_argument("expected a separator of one character")
    parts = _split(text, separator[0], -1, keep_empty=False) or []
    return _joined(context, list(reversed(parts)), separator[0])


@LIBRARY.method("toCodePoints", takes=_TEXT, is_by_character=True)
def to_code_points(text: str | None) -> list[Integer] | None:
    return None if text is None else [Integer(ord(character)) for character in text]


def _joined(context: Context, parts: list[str | None] | list[str], separator: str) -> str:
    context.room(sum(len(part or "") for part in parts) + len(separator) * max(len(parts) - 1, 0))
    return separator.join([part or "" for part in parts])


def _split(text: str | None, separators: str | None, limit: int, *, keep_empty: bool) -> list[str] | None:
    if not text:
        return None if text is None else []
    if separators is None:
        text_with_marks, mark = text.translate(_TO_SPACE), " "
    elif not separators:
        return [text]
    else:
        mark = separators[0]
        text_with_marks = text.translate({ord(separator): mark for separator in separators})
    pieces = text_with_marks.split(mark)
    if limit <= 0 or len(pieces) <= limit:
        return pieces if keep_empty else [piece for piece in pieces if piece]
    return _limited(text, pieces, limit, keep_empty=keep_empty)


def _limited(text: str, pieces: list[str], limit: int, *, keep_empty: bool) -> list[str]:
    """At most ``limit`` pieces, the last one being the rest of the text with its separators."""
    found: list[str] = []
    position = 0
    for piece in pieces:
        if piece or keep_empty:
            if len(found) == limit - 1:
                found.append(text[position:])
                return found
            found.append(piece)
        position += len(piece) + 1
    return found


def _split_whole(text: str | None, separator: str | None, limit: int, *, keep_empty: bool) -> list[str] | None:
    if not text or not separator:
        return _split(text, None, limit, keep_empty=keep_empty)
    found: list[str] = []
    position = 0
    while (end := text.find(separator, position)) >= 0:
        if end > position or keep_empty:
            if len(found) == limit - 1:
                break
            found.append(text[position:end])
        position = end + len(separator)
    return [*found, text[position:]]


def _split_by_type(text: str | None, *, is_camel_case: bool) -> list[str] | None:
    if not text:
        return None if text is None else []
    found: list[str] = []
    start = 0
    current = unicodedata.category(text[0])
    for index in range(1, len(text)):
        kind = unicodedata.category(text[index])
        if kind == current:
            continue
        # "fooBar", "XMLFile": the capital before a small letter belongs to the new word.
        cut = index - 1 if is_camel_case and kind == "Ll" and current == "Lu" else index
        if cut != start:
            found.append(text[start:cut])
            start = cut
        current = kind
    return [*found, text[start:]]
