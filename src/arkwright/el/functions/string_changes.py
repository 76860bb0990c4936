"""``StringUtil``: texts made from a text: case, padding, wrapping, abbreviating, turning around."""

from __future__ import annotations

from typing import Final

from arkwright.el.coerce import argument_integer, argument_text
from arkwright.el.context import Context
from arkwright.el.functions.library import Library, bad_argument, texts
from arkwright.el.functions.signature import Kind
from arkwright.el.functions.string_parts import substring
from arkwright.el.functions.string_search import ends_with_ignore_case, starts_with_ignore_case
from arkwright.el.java_text import CONTROLS_AND_SPACE, WHITESPACE_SET, single_case

LIBRARY: Final = Library()
_TEXT: Final = (Kind.TEXT,)
_TWO: Final = (Kind.TEXT, Kind.TEXT)
_TEXT_NUMBER: Final = (Kind.TEXT, Kind.INTEGER)


@LIBRARY.method("upperCase", "toRootUpperCase", takes=_TEXT, is_by_character=True)
def upper_case(text: str | None) -> str | None:
    return None if text is None else text.upper()


@LIBRARY.method("lowerCase", "toRootLowerCase", takes=_TEXT, is_by_character=True)
def lower_case(text: str | None) -> str | None:
    return None if text is None else text.lower()


@LIBRARY.method("capitalize", takes=_TEXT, is_by_character=True)
def capitalize(text: str | None) -> str | None:
    return single_case(text[0], str.title) + text[1:] if text else text


@LIBRARY.method("uncapitalize", takes=_TEXT, is_by_character=True)
def uncapitalize(text: str | None) -> str | None:
    return single_case(text[0], str.lower) + text[1:] if text else text


@LIBRARY.method("swapCase", takes=_TEXT, is_by_character=True)
def swap_case(text: str | None) -> str | None:
    if not text:
        return text
    table = {ord(one): single_case(one, str.upper if one.islower() else str.lower) for one in set(text)}
    return text.translate(table)


@LIBRARY.method("reverse", takes=_TEXT, is_by_character=True)
def reverse(text: str | None) -> str | None:
    return None if text is None else text[::-1]


@LIBRARY.method("rotate", takes=_TEXT_NUMBER)
def rotate(text: str | None, shift: int) -> str | None:
    if not text:
        return text
    cut = -shift % len(text)
    return text[cut:] + text[:cut]


@LIBRARY.method("repeat", takes=(Kind.TEXT, Kind.ANY), optional=(Kind.ANY,), has_budget=True)
def repeat(context: Context, text: str | None, *arguments: object) -> str | None:
    """How often, or a separator and how often."""
    count = max(argument_integer(arguments[-1]), 0)
    separator = argument_text(arguments[0]) if len(arguments) == 2 else None
    if text is None:
        return None
    context.room((len(text) + len(separator or "")) * count)
    return (separator or "").join([text] * count) if separator else text * count


@LIBRARY.method("leftPad", takes=_TEXT_NUMBER, optional=_TEXT, has_budget=True)
def left_pad(context: Context, text: str | None, size: int, padding: str | None = " ") -> str | None:
    return None if text is None else _padding(context, size, len(text), padding) + text


@LIBRARY.method("rightPad", takes=_TEXT_NUMBER, optional=_TEXT, has_budget=True)
def right_pad(context: Context, text: str | None, size: int, padding: str | None = " ") -> str | None:
    return None if text is None else text + _padding(context, size, len(text), padding)


@LIBRARY.method("center", takes=_TEXT_NUMBER, optional=_TEXT, has_budget=True)
def center(context: Context, text: str | None, size: int, padding: str | None = " ") -> str | None:
    if text is None or size <= len(text):
        return text
    before = left_pad(context, text, len(text) + (size - len(text)) // 2, padding)
    return right_pad(context, before, size, padding)


@LIBRARY.method("abbreviate", takes=(Kind.TEXT, Kind.ANY), optional=(Kind.ANY, Kind.ANY))
def abbreviate(text: str | None, *arguments: object) -> str | None:
    """The width; or an offset and the width; either after the marker that stands for what is left out."""
    marker: str | None = "..."
    if len(arguments) == 3 or (len(arguments) == 2 and not _is_number(arguments[0])):
        marker, arguments = argument_text(arguments[0]), arguments[1:]
    numbers = [argument_integer(argument) for argument in arguments]
    return _abbreviated(text, marker, numbers[0] if len(numbers) == 2 else 0, numbers[-1])


@LIBRARY.method("abbreviateMiddle", takes=(Kind.TEXT, Kind.TEXT, Kind.INTEGER))
def abbreviate_middle(text: str | None, middle: str | None, length: int) -> str | None:
    if not text or not middle or length >= len(text) or length < len(middle) + 2:
        return text
    kept = length - len(middle)
    return text[: kept // 2 + kept % 2] + middle + text[len(text) - kept // 2 :]


@LIBRARY.method("appendIfMissing", takes=_TWO, further=Kind.ANY)
def append_if_missing(text: str | None, suffix: str | None, *others: object) -> str | None:
    if text is None or not suffix:
        return text
    is_there = any(text.endswith(end) for end in (suffix, *texts(others)) if end is not None)
    return text if is_there else text + suffix


@LIBRARY.method("appendIfMissingIgnoreCase", takes=_TWO, further=Kind.ANY)
def append_if_missing_ignore_case(text: str | None, suffix: str | None, *others: object) -> str | None:
    if text is None or not suffix:
        return text
    is_there = any(ends_with_ignore_case(text, end) for end in (suffix, *texts(others)))
    return text if is_there else text + suffix


@LIBRARY.method("prependIfMissing", takes=_TWO, further=Kind.ANY)
def prepend_if_missing(text: str | None, prefix: str | None, *others: object) -> str | None:
    if text is None or not prefix:
        return text
    is_there = any(text.startswith(start) for start in (prefix, *texts(others)) if start is not None)
    return text if is_there else prefix + text


@LIBRARY.method("prependIfMissingIgnoreCase", takes=_TWO, further=Kind.ANY)
def prepend_if_missing_ignore_case(text: str | None, prefix: str | None, *others: object) -> str | None:
    if text is None or not prefix:
        return text
    is_there = any(starts_with_ignore_case(text, start) for start in (prefix, *texts(others)))
    return text if is_there else prefix + text


@LIBRARY.method("wrap", takes=_TWO)
def wrap(text: str | None, around: str | None) -> str | None:
    return f"{around}{text}{around}" if text and around else text


@LIBRARY.method("wrapIfMissing", takes=_TWO)
def wrap_if_missing(text: str | None, around: str | None) -> str | None:
    if not text or not around:
        return text
    before = "" if text.startswith(around) else around
    after = "" if text.endswith(around) else around
    return f"{before}{text}{after}"


@LIBRARY.method("unwrap", takes=_TWO)
def unwrap(text: str | None, around: str | None) -> str | None:
    if not text or not around or len(text) < 2 * len(around):
        return text
    is_wrapped = text.startswith(around) and text.endswith(around)
    return text[len(around) : -len(around)] if is_wrapped else text


@LIBRARY.method("overlay", takes=(Kind.TEXT, Kind.TEXT, Kind.INTEGER, Kind.INTEGER))
def overlay(text: str | None, over: str | None, start: int, end: int) -> str | None:
    if text is None:
        return None
    first, last = sorted((min(max(start, 0), len(text)), min(max(end, 0), len(text))))
    return text[:first] + (over or "") + text[last:]


@LIBRARY.method("deleteWhitespace", takes=_TEXT)
def delete_whitespace(text: str | None) -> str | None:
    return None if text is None else "".join(unit for unit in text if unit not in WHITESPACE_SET)


@LIBRARY.method("normalizeSpace", takes=_TEXT)
def normalize_space(text: str | None) -> str | None:
    """One space for each stretch of white space, none at the ends; a no-break space becomes a plain one."""
    if not text:
        return text
    spaced = "".join(" " if unit in WHITESPACE_SET else unit for unit in text)
    collapsed = " ".join(part for part in spaced.split(" ") if part)
    return collapsed.replace("\u00a0", " ").strip(CONTROLS_AND_SPACE)


def _padding(context: Context, size: int, length: int, padding: str | None) -> str:
    missing = size - length
    if missing <= 0:
        return ""
    context.room(size)
    unit = padding or " "
    return (unit * (missing // len(unit) + 1))[:missing]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _abbreviated(text: str | None, marker: str | None, offset: int, width: int) -> str | None:
    if text and marker == "" and width > 0:
        return text[:width]
    if not text or not marker:
        return text
    kept = width - len(marker)
    if kept < 1:
        raise bad_argument(f"the width must be at least {len(marker) + 1}, got {width}")
    if len(text) <= width:
        return text
    offset = min(offset, len(text))
    if len(text) - offset < kept:
        offset = len(text) - kept
    if offset <= len(marker) + 1:
        return text[:kept] + marker
    if kept < len(marker) + 1:
        raise bad_argument(f"with an offset the width must be at least {2 * len(marker) + 1}, got {width}")
    if offset + kept < len(text):
        return marker + (_abbreviated(substring(text, offset), marker, 0, kept) or "")
    return marker + text[len(text) - kept :]
