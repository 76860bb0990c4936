"""``StringUtil``: replacing and removing, by text, by character and by regular expression."""

from __future__ import annotations

from typing import Final

from arkwright.el.context import Context
from arkwright.el.functions.library import Library, bad_argument, texts
from arkwright.el.functions.signature import Kind
from arkwright.el.functions.string_search import ends_with_ignore_case, starts_with_ignore_case
from arkwright.el.java_text import folded
from arkwright.el.regex import replace_matches

LIBRARY: Final = Library()
_TWO: Final = (Kind.TEXT, Kind.TEXT)
_THREE: Final = (Kind.TEXT, Kind.TEXT, Kind.TEXT)
_LISTS: Final = (Kind.TEXT, Kind.ANY, Kind.ANY)


@LIBRARY.method("replace", takes=_THREE, optional=(Kind.INTEGER,), has_budget=True)
def replace(
    context: Context, text: str | None, search: str | None, replacement: str | None, limit: int = -1
) -> str | None:
    if not text or not search or replacement is None or limit == 0:
        return text
    limit = max(limit, -1)
    count = text.count(search) if limit < 0 else min(limit, text.count(search))
    context.room(len(text) + count * (len(replacement) - len(search)))
    return text.replace(search, replacement, limit)


@LIBRARY.method("replaceOnce", takes=_THREE, has_budget=True)
def replace_once(context: Context, text: str | None, search: str | None, replacement: str | None) -> str | None:
    return replace(context, text, search, replacement, 1)


@LIBRARY.method("replaceIgnoreCase", takes=_THREE, optional=(Kind.INTEGER,), has_budget=True)
def replace_ignore_case(
    context: Context, text: str | None, search: str | None, replacement: str | None, limit: int = -1
) -> str | None:
    if not text or not search or replacement is None or limit == 0:
        return text
    where, what = folded(text), folded(search)
    pieces: list[str] = []
    position = 0
    while limit != 0 and (found := where.find(what, position)) >= 0:
        pieces.append(text[position:found])
        position = found + len(what)
        limit -= 1
    context.room(len(text) + len(pieces) * (len(replacement) - len(search)))
    return replacement.join([*pieces, text[position:]])


@LIBRARY.method("replaceOnceIgnoreCase", takes=_THREE, has_budget=True)
def replace_once_ignore_case(
    context: Context, text: str | None, search: str | None, replacement: str | None
) -> str | None:
    return replace_ignore_case(context, text, search, replacement, 1)


@LIBRARY.method("replaceChars", takes=_THREE)
def replace_chars(text: str | None, search: str | None, replacement: str | None) -> str | None:
    """Character by character; those without a counterpart disappear."""
    if not text or not search:
        return text
    by: dict[int, str] = {}
    for index, unit in enumerate(search):
        by.setdefault(ord(unit), (replacement or "")[index : index + 1])
    return text.translate(by)


@LIBRARY.method("replaceEach", takes=_LISTS, has_budget=True)
def replace_each(context: Context, text: str | None, searches: object, replacements: object) -> str | None:
    pairs = _pairs(searches, replacements)
    return text if not text else _replaced_each(context, text, pairs)


@LIBRARY.method("replaceEachRepeatedly", takes=_LISTS, has_budget=True)
def replace_each_repeatedly(context: Context, text: str | None, searches: object, replacements: object) -> str | None:
    pairs = _pairs(searches, replacements)
    if not text:
        return text
    goes_in_circles = bool({search for search, _ in pairs} & {replacement for _, replacement in pairs})
    rounds = 0
    while True:
        replaced = _replaced_each(context, text, pairs)
        if not any(search in text for search, _ in pairs):
            return replaced
        rounds += 1
        if goes_in_circles and rounds > len(pairs):
            raise bad_argument("the replacements go round in circles")
        text = replaced


@LIBRARY.method("remove", takes=_TWO)
def remove(text: str | None, what: str | None) -> str | None:
    return text.replace(what, "") if text and what else text


@LIBRARY.method("removeIgnoreCase", takes=_TWO, has_budget=True)
def remove_ignore_case(context: Context, text: str | None, what: str | None) -> str | None:
    return replace_ignore_case(context, text, what, "")


@LIBRARY.method("removeStart", takes=_TWO)
def remove_start(text: str | None, what: str | None) -> str | None:
    return text.removeprefix(what) if text and what else text


@LIBRARY.method("removeStartIgnoreCase", takes=_TWO)
def remove_start_ignore_case(text: str | None, what: str | None) -> str | None:
    return text[len(what) :] if text and what and starts_with_ignore_case(text, what) else text


@LIBRARY.method("removeEnd", takes=_TWO)
def remove_end(text: str | None, what: str | None) -> str | None:
    return text.removesuffix(what) if text and what else text


@LIBRARY.method("removeEndIgnoreCase", takes=_TWO)
def remove_end_ignore_case(text: str | None, what: str | None) -> str | None:
    return text[: -len(what)] if text and what and ends_with_ignore_case(text, what) else text


@LIBRARY.method("replaceAll", takes=_THREE, has_budget=True, is_by_character=True)
def replace_all(context: Context, text: str | None, pattern: str | None, replacement: str | None) -> str | None:
    if text is None or pattern is None or replacement is None:
        return text
    return replace_matches(context, text, pattern, replacement)


@LIBRARY.method("replaceFirst", takes=_THREE, has_budget=True, is_by_character=True)
def replace_first(context: Context, text: str | None, pattern: str | None, replacement: str | None) -> str | None:
    if text is None or pattern is None or replacement is None:
        return text
    return replace_matches(context, text, pattern, replacement, limit=1)


@LIBRARY.method("replacePattern", takes=_THREE, has_budget=True, is_by_character=True)
def replace_pattern(context: Context, text: str | None, pattern: str | None, replacement: str | None) -> str | None:
    if text is None or pattern is None or replacement is None:
        return text
    return replace_matches(context, text, pattern, replacement, dot_all=True)


@LIBRARY.method("removeAll", takes=_TWO, has_budget=True, is_by_character=True)
def remove_all(context: Context, text: str | None, pattern: str | None) -> str | None:
    return replace_all(context, text, pattern, "")


@LIBRARY.method("removeFirst", takes=_TWO, has_budget=True, is_by_character=True)
def remove_first(context: Context, text: str | None, pattern: str | None) -> str | None:
    return replace_first(context, text, pattern, "")


@LIBRARY.method("removePattern", takes=_TWO, has_budget=True, is_by_character=True)
def remove_pattern(context: Context, text: str | None, pattern: str | None) -> str | None:
    return replace_pattern(context, text, pattern, "")


def _pairs(searches: object, replacements: object) -> list[tuple[str, str]]:
    """What to look for and what to put there; pairs with null or nothing to look for don't count."""
    if searches is None or replacements is None:
        return []
    if not isinstance(searches, list | tuple) or not isinstance(replacements, list | tuple):
        raise bad_argument("expected two lists", "StringUtil.split makes a list of a text")
    if not searches or not replacements:
        return []
    if len(searches) != len(replacements):
        raise bad_argument(f"there are {len(searches)} texts to look for but {len(replacements)} replacements")
    both = zip(texts([searches]), texts([replacements]), strict=True)
    return [(search, replacement) for search, replacement in both if search and replacement is not None]


def _replaced_each(context: Context, text: str, pairs: list[tuple[str, str]]) -> str:
    """One pass: at each place the first pair that fits there."""
    context.work(len(text) // 64)
    following = {index: text.find(search) for index, (search, _) in enumerate(pairs)}
    pieces: list[str] = []
    position = size = 0
    while True:
        context.work(1 + len(pairs))
        for index, place in following.items():
            if 0 <= place < position:
                following[index] = text.find(pairs[index][0], position)
        places = [(place, index) for index, place in following.items() if place >= 0]
        if not places:
            return "".join([*pieces, text[position:]])
        place, index = min(places)
        search, replacement = pairs[index]
        pieces += (text[position:place], replacement)
        size += place - position + len(replacement)
        context.room(size)
        position = place + len(search)
