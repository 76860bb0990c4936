"""``JSONUtil``: JSON text to values, values to JSON text, and paths into either."""

from __future__ import annotations

from typing import Final

from arkwright.el.context import Context
from arkwright.el.functions.signature import BuiltIn, Kind, method, table
from arkwright.el.json_text import follow_path, json_text, parse_json


def _parse(context: Context, text: str | None) -> object:
    return None if text is None else parse_json(text)


def _to_string(context: Context, value: object) -> str:
    return json_text(value)


def _path(context: Context, document: object, path: str) -> object:
    value = parse_json(document) if isinstance(document, str) else document
    return follow_path(value, path)


JSON_UTIL: Final = BuiltIn(
    name="JSONUtil",
    methods=table(
        method("parse", Kind.TEXT, run=_parse),
        method("toString", Kind.ANY, run=_to_string),
        method("path", Kind.ANY, Kind.NEEDED_TEXT, run=_path),
    ),
)
