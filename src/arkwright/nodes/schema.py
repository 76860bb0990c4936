"""The settings of a node type as a JSON Schema (2020-12), for forms and editors.

Rules: settings are texts, as the API takes them; a number or a boolean is accepted and read as its text. Names that a
type does not list are allowed: documents of the cloud carry more of them.
"""

from __future__ import annotations

from typing import Any

from arkwright.nodes.base import NodeType, Property

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def settings_schema(type_: NodeType) -> dict[str, Any]:
    """Of an object that has the settings by name."""
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "title": type_.title,
        "description": type_.summary,
        "type": "object",
        "properties": {each.name: _of(each) for each in type_.properties},
    }
    required = [each.name for each in type_.properties if each.required]
    return {**schema, "required": required} if required else schema


def _of(given: Property) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "number", "boolean"], "description": given.help}
    if given.choices:
        # A parameter or an expression may stand for one of them.
        schema["anyOf"] = [{"enum": list(given.choices)}, {"type": "string", "pattern": r"[#$]\{"}]
    if given.default is not None:
        schema["default"] = given.default
    return schema
