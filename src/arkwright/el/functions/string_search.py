"""``StringUtil``: looking for something in a text, and comparing texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from arkwright.el.context import Context
from arkwright.el.functions.library import Library, bad_argument, texts
from arkwright.el.functions.signature import Kind
from arkwright.el.java_text import folded, last_place
from arkwright.el.values import Integer

LIBRARY: Final = Library()
_TWO: Final = (Kind.TEXT, Kind.TEXT)
_INDEX: Final = (Kind.INTEGER,)
_NOT_FOUND: Final = Integer(-1)


def _fold(text: str | None) -> str | None:
    return None if text is None else folded(text)


@LIBRARY.method("equals", takes=_TWO)
def equals(one: str | None, other: str | None) -> bool:
    return one == other


@LIBRARY.method("equalsIgnoreCase", takes=_TWO)
def equals_ignore_case(one: str | None, other: str | None) -> bool:
    return _fold(one) == _fold(other)


@LIBRARY.method("equalsAny", takes=(Kind.TEXT,), further=Kind.ANY)
def equals_any(text: str | None, *candidates: object) -> bool:
    return text in texts(candidates)


@LIBRARY.method("equalsAnyIgnoreCase", takes=(Kind.TEXT,), further=Kind.ANY)
def equals_any_ignore_case(text: str | None, *candidates: object) -> bool:
    return _fold(text) in [_fold(candidate) for candidate in texts(candidates)]


@LIBRARY.method("compare", takes=_TWO, optional=(Kind.TRUTH,))
def compare(one: str | None, other: str | None, null_is_less: bool = True) -> Integer:
    return _compare(one, other, null_is_less)


@LIBRARY.method("compareIgnoreCase", takes=_TWO, optional=(Kind.TRUTH,))
def compare_ignore_case(one: str | None, other: str | None, null_is_less: bool = True) -> Integer:
    return _compare(_fold(one), _fold(other), null_is_less)


@LIBRARY.method("contains", takes=_TWO)
def contains(text: str | None, search: str | None) -> bool:
    return text is not None and search is not None and search in text


@LIBRARY.method("containsIgnoreCase", takes=_TWO)
def contains_ignore_case(text: str | None, search: str | None) -> bool:
    return contains(_fold(text), _fold(search))


@LIBRARY.method("containsAny", takes=(Kind.TEXT,), further=Kind.ANY, has_budget=True)
def contains_any(context: Context, text: str | None, *searches: object) -> bool:
    """One text means any of its characters; several, or a list, mean any of these texts."""
    if len(searches) == 1 and not isinstance(searches[0], list | tuple):
        return not set(text or "").isdisjoint(texts(searches)[0] or "")
    return bool(text) and any(contains(text, search) for search in _paid(context, text, searches))


@LIBRARY.method("containsAnyIgnoreCase", takes=(Kind.TEXT,), further=Kind.ANY, has_budget=True)
def contains_any_ignore_case(context: Context, text: str | None, *searches: object) -> bool:
    where = _fold(text)
    return bool(where) and any(contains(where, _fold(search)) for search in _paid(context, where, searches))


@LIBRARY.method("containsNone", takes=_TWO)
def contains_none(text: str | None, characters: str | None) -> bool:
    return text is None or characters is None or not set(text) & set(characters)


@LIBRARY.method("containsOnly", takes=_TWO)
def contains_only(text: str | None, characters: str | None) -> bool:
    return text is not None and characters is not None and set(text) <= set(characters)


@LIBRARY.method("startsWith", takes=_TWO)
def starts_with(text: str | None, prefix: str | None) -> bool:
    if text is None or prefix is None:
        return text is prefix
    return text.startswith(prefix)


@LIBRARY.method("startsWithIgnoreCase", takes=_TWO)
def starts_with_ignore_case(text: str | None, prefix: str | None) -> bool:
    return starts_with(_fold(text), _fold(prefix))


@LIBRARY.method("startsWithAny", takes=(Kind.TEXT,), further=Kind.ANY)
def starts_with_any(text: str | None, *prefixes: object) -> bool:
    return bool(text) and any(starts_with(text, prefix) for prefix in texts(prefixes))


@LIBRARY.method("endsWith", takes=_TWO)
def ends_with(text: str | None, suffix: str | None) -> bool:
    if text is None or suffix is None:
        return text is suffix
    return text.endswith(suffix)


@LIBRARY.method("endsWithIgnoreCase", takes=_TWO)
def ends_with_ignore_case(text: str | None, suffix: str | None) -> bool:
    return ends_with(_fold(text), _fold(suffix))


@LIBRARY.method("endsWithAny", takes=(Kind.TEXT,), further=Kind.ANY)
def ends_with_any(text: str | None, *suffixes: object) -> bool:
    return bool(text) and any(ends_with(text, suffix) for suffix in texts(suffixes))


@LIBRARY.method("countMatches", takes=_TWO)
def count_matches(text: str | None, search: str | None) -> Integer:
    return Integer(text.count(search) if text and search else 0)


@LIBRARY.method("indexOf", takes=_TWO, optional=_INDEX)
def index_of(text: str | None, search: str | None, start: int = 0) -> Integer:
    if text is None or search is None:
        return _NOT_FOUND
    return Integer(text.find(search, max(0, min(start, len(text)))))


@LIBRARY.method("indexOfIgnoreCase", takes=_TWO, optional=_INDEX)
def index_of_ignore_case(text: str | None, search: str | None, start: int = 0) -> Integer:
    if text is None or search is None or start > len(text) - len(search) + 1:
        return _NOT_FOUND
    if not search:
        return Integer(max(start, 0))
    return index_of(_fold(text), _fold(search), start)


@LIBRARY.method("lastIndexOf", takes=_TWO, optional=_INDEX)
def last_index_of(text: str | None, search: str | None, start: int | None = None) -> Integer:
    if text is None or search is None:
        return _NOT_FOUND
    if start is None:
        return Integer(last_place(text, search, len(text)))
    return Integer(last_place(text, search, start + len(search))) if start >= 0 else _NOT_FOUND


@LIBRARY.method("lastIndexOfIgnoreCase", takes=_TWO, optional=_INDEX)
def last_index_of_ignore_case(text: str | None, search: str | None, start: int | None = None) -> Integer:
    return last_index_of(_fold(text), _fold(search), start)


@LIBRARY.method("ordinalIndexOf", takes=(*_TWO, Kind.INTEGER), has_budget=True)
def ordinal_index_of(context: Context, text: str | None, search: str | None, ordinal: int) -> Integer:
    if text is None or search is None or ordinal <= 0:
        return _NOT_FOUND
    if not search:
        return Integer(0)
    return Integer(_ordinal_place(context, text, search, ordinal))


@LIBRARY.method("lastOrdinalIndexOf", takes=(*_TWO, Kind.INTEGER), has_budget=True)
def last_ordinal_index_of(context: Context, text: str | None, search: str | None, ordinal: int) -> Integer:
    if text is None or search is None or ordinal <= 0:
        return _NOT_FOUND
    if not search:
        return Integer(len(text))
    place = _ordinal_place(context, text[::-1], search[::-1], ordinal)
    return Integer(len(text) - place - len(search)) if place >= 0 else _NOT_FOUND


@LIBRARY.method("indexOfAny", takes=(Kind.TEXT,), further=Kind.ANY, has_budget=True)
def index_of_any(context: Context, text: str | None, *searches: object) -> Integer:
    """One text means any of its characters; several, or a list, mean any of these texts."""
    if text is None:
        return _NOT_FOUND
    if len(searches) == 1 and not isinstance(searches[0], list | tuple):
        wanted = set(texts(searches)[0] or "")
        return _first_unit(text, lambda unit: unit in wanted)
    found = [text.find(search) for search in _paid(context, text, searches) if search is not None]
    return Integer(min((index for index in found if index >= 0), default=-1))


@LIBRARY.method("lastIndexOfAny", takes=(Kind.TEXT,), further=Kind.ANY, has_budget=True)
def last_index_of_any(context: Context, text: str | None, *searches: object) -> Integer:
    if text is None:
        return _NOT_FOUND
    found = [last_place(text, search, len(text)) for search in _paid(context, text, searches) if search is not None]
    return Integer(max(found, default=-1))


@LIBRARY.method("indexOfAnyBut", takes=_TWO)
def index_of_any_but(text: str | None, characters: str | None) -> Integer:
    if not text or not characters:
        return _NOT_FOUND
    unwanted = set(characters)
    return _first_unit(text, lambda unit: unit not in unwanted)


@LIBRARY.method("indexOfDifference", further=Kind.ANY)
def index_of_difference(*values: object) -> Integer:
    candidates = texts(values)
    present = [text for text in candidates if text is not None]
    if len(candidates) <= 1 or not present:
        return _NOT_FOUND
    if len(present) < len(candidates):
        return Integer(0)
    shortest = min(len(text) for text in present)
    for index in range(shortest):
        if any(text[index] != present[0][index] for text in present):
            return Integer(index)
    return Integer(shortest) if any(len(text) != shortest for text in present) else _NOT_FOUND


@LIBRARY.method("difference", takes=_TWO)
def difference(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return other if one is None else one
    index = index_of_difference(one, other)
    return "" if index < 0 else other[index:]


@LIBRARY.method("getCommonPrefix", further=Kind.ANY)
def get_common_prefix(*values: object) -> str:
    candidates = texts(values)
    if not candidates:
        return ""
    index = index_of_difference(*candidates)
    return (candidates[0] or "") if index < 0 else (candidates[0] or "")[:index]


@LIBRARY.method("getLevenshteinDistance", takes=_TWO, optional=_INDEX, has_budget=True)
def get_levenshtein_distance(
    context: Context, one: str | None, other: str | None, threshold: int | None = None
) -> Integer:
    """Number of single changes from one text to the other; -1 if it is beyond the threshold."""
    if one is None or other is None:
        raise bad_argument("the distance from null to a text is not defined")
    if threshold is not None and threshold < 0:
        raise bad_argument("the threshold can't be negative")
    context.work(len(one) * len(other))
    row = list(range(len(other) + 1))
    for number, unit in enumerate(one, start=1):
        previous, row[0] = row[0], number
        for index, target in enumerate(other, start=1):
            change = previous + (unit != target)
            previous = row[index]
            row[index] = min(change, previous + 1, row[index - 1] + 1)
    return _NOT_FOUND if threshold is not None and row[-1] > threshold else Integer(row[-1])


@LIBRARY.method("getJaroWinklerDistance", takes=_TWO, has_budget=True)
def get_jaro_winkler_distance(context: Context, one: str | None, other: str | None) -> float:
    """Likeness from 0.0 to 1.0, rounded to two places."""
    if one is None or other is None:
        raise bad_argument("the distance from null to a text is not defined")
    shorter, longer = (other, one) if len(one) > len(other) else (one, other)
    reach = max(len(longer) // 2 - 1, 0)
    context.work(len(shorter) * min(len(longer), 2 * reach + 1))
    taken = [False] * len(longer)
    kept: list[str] = []
    for index, unit in enumerate(shorter):
        for position in range(max(index - reach, 0), min(index + reach + 1, len(longer))):
            if not taken[position] and longer[position] == unit:
                taken[position] = True
                kept.append(unit)
                break
    if not kept:
        return 0.0
    facing = [unit for unit, is_taken in zip(longer, taken, strict=True) if is_taken]
    transpositions = sum(a != b for a, b in zip(kept, facing, strict=True)) // 2
    prefix = int(index_of_difference(one, other))
    prefix = len(shorter) if prefix < 0 else prefix
    count = len(kept)
    likeness = (count / len(one) + count / len(other) + (count - transpositions) / count) / 3
    if likeness >= 0.7:
        likeness += min(0.1, 1 / len(longer)) * prefix * (1 - likeness)
    return int(likeness * 100 + 0.5) / 100


def _compare(one: str | None, other: str | None, null_is_less: bool) -> Integer:
    if one is None or other is None:
        return Integer(0 if one is other else (-1 if (one is None) == null_is_less else 1))
    for unit, against in zip(one, other, strict=False):
        if unit != against:
            return Integer(ord(unit) - ord(against))
    return Integer(len(one) - len(other))


def _paid(context: Context, text: str | None, searches: Sequence[object]) -> Iterator[str | None]:
    """The texts to look for; each search costs work in proportion to the text."""
    for search in texts(searches):
        context.work(1 + len(text or "") // 64)
        yield search


def _ordinal_place(context: Context, text: str, search: str, ordinal: int) -> int:
    """Where a text stands for the n-th time, overlaps included, or -1."""
    place = -1
    for _ in range(ordinal):
        context.work(1 + len(search) // 64)
        place = text.find(search, place + 1)
        if place < 0:
            break
    return place


def _first_unit(text: str, wanted: Callable[[str], bool]) -> Integer:
    return Integer(next((index for index, unit in enumerate(text) if wanted(unit)), -1))
