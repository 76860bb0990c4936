"""Looking into values: keys of maps, elements of lists, emptiness. What isn't there is null."""

from __future__ import annotations

from arkwright.el.coerce import argument_integer, argument_text, wrong_type
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.values import type_name


def is_empty(value: object) -> bool:
    """``empty value``: null, an empty text, list or map."""
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def member(base: object, name: str) -> object:
    """``base.name``: a key of a map; anything of null is null."""
    if base is None:
        return None
    if isinstance(base, dict):
        return base.get(name)
    hint = {
        "String": "JSONUtil.path or JSONUtil.parse look into JSON text",
        "Date": "DateUtil.getDay and the like take a date apart",
        "List": "elements are taken with [0]",
    }.get(type_name(base), "")
    raise ElError(ErrorKind.UNKNOWN_MEMBER, f"a {type_name(base)} has no member '{name}'", hint=hint)


def element(base: object, key: object) -> object:
    """``base[key]``: null if there is no such element, or no base."""
    if base is None or key is None:
        return None
    if isinstance(base, dict):
        return base.get(argument_text(key))
    if isinstance(base, list | tuple):
        index = int(key) if isinstance(key, float) else argument_integer(key)
        return base[index] if 0 <= index < len(base) else None
    hint = {
        "String": "StringUtil.split or JSONUtil.parse make a list of it; StringUtil.mid takes a part",
    }.get(type_name(base), "")
    raise wrong_type(f"a {type_name(base)} has no elements", hint)
