"""The body of a script: one spelling, and the rules of its fields (factory-api 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arkwright.api.v1 import fields
from arkwright.api.v1.fields import object_, text, wrong
from arkwright.core.job_document import canonical_type
from arkwright.core.script_document import read_script
from arkwright.errors import Code, InvalidInput

MAX_CONTENT_BYTES = 4 * 1024 * 1024

SCRIPT_TYPES = (
    "FlinkSQL",
    "DLISQL",
    "SparkSQL",
    "HiveSQL",
    "DWSSQL",
    "RDSSQL",
    "Shell",
    "PRESTO",
    "ClickHouseSQL",
    "HetuEngineSQL",
    "PYTHON",
    "ImpalaSQL",
    "Spark Python",
    "DorisSQL",
)
_KNOWN = frozenset(canonical_type(each) for each in SCRIPT_TYPES)

_NOT_STORED = (
    "targetStatus",
    "approvers",
    "id",
    "version",
    "owner",
    "createUser",
    "createTime",
    "modifyTime",
    "autoAcquireLock",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptBody:
    """A script that may be saved."""

    name: str
    type: str
    directory: str
    target_status: str
    document: Mapping[str, Any]


def read_script_body(document: Mapping[str, Any]) -> ScriptBody:
    """Raises `InvalidInput` with the code of the rule that is broken."""
    kind = document.get("type")
    if kind is None or kind == "":
        raise InvalidInput("type is missing.", field="type", code=Code.SCRIPT_TYPE_MISSING)
    if not isinstance(kind, str) or canonical_type(kind) not in _KNOWN:
        raise wrong("type", f"must be one of {', '.join(SCRIPT_TYPES)}", kind)
    name = document.get("name")
    if name is None or name == "":
        raise InvalidInput("name is missing.", field="name", hint="Give the script a name.")
    if not fields.is_name(name):
        raise wrong("name", "must be 1 to 128 letters, digits, Chinese characters, hyphens, underscores and dots", name)
    content = document.get("content")
    if content is None:
        raise InvalidInput("content is missing.", field="content", hint="It is the text of the script.")
    if not isinstance(content, str):
        raise wrong("content", "must be a text", content)
    if len(content.encode()) > MAX_CONTENT_BYTES:
        raise InvalidInput(
            f"content must have at most {MAX_CONTENT_BYTES} bytes in UTF-8.",
            field="content",
            hint="Keep what is long in a file that the script reads.",
        )
    for field in ("connectionName", "database", "queueName"):
        text(document.get(field), field, 255)
    object_(document.get("configuration") or None, "configuration")
    text(document.get("description"), "description", 255)
    target_status = fields.target_status(document.get("targetStatus"))
    fields.approvers(document.get("approvers"))
    stored = {key: value for key, value in document.items() if key not in _NOT_STORED}
    read_script(name, stored, 0)
    return ScriptBody(
        name=name,
        type=kind,
        directory=fields.directory(document.get("directory")),
        target_status=target_status,
        document=stored,
    )
