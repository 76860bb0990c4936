"""Reads a stored script document into the core's `Script`. Pure, and lenient as `job_document` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from arkwright.core.job import Script
from arkwright.errors import Code, InvalidInput

_EXTRA = ("queueName", "configuration")
"""What a node type may have to honour, or to refuse by name, beside connection and database."""


def read_script(name: str, body: Mapping[str, Any], version: int) -> Script:
    """Raises `InvalidInput` for a script without a type, or whose text is no text."""
    type_name = body.get("type")
    if not isinstance(type_name, str) or not type_name:
        raise InvalidInput(
            f"The script {name!r} has no type.",
            field="type",
            hint="Save it again with a type such as Shell or DLISQL.",
            code=Code.SCRIPT_TYPE_MISSING,
        )
    text = body.get("content")
    if text is not None and not isinstance(text, str):
        raise InvalidInput("content must be a text.", field="content")
    extra: dict[str, str] = {}
    for key in _EXTRA:
        value = body.get(key)
        if value:
            extra[key] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Script(
        name=name,
        type=type_name,
        text=text or "",
        version=version,
        connection_name=_optional_text(body, "connectionName"),
        database=_optional_text(body, "database"),
        extra=extra,
    )


def _optional_text(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be a text.", field=field)
    return value
