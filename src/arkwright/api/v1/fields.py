"""Rules that fields of several documents share. Each check raises `InvalidInput` naming the field and the rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from arkwright.api.call import short
from arkwright.core.document_values import whole
from arkwright.errors import Code, InvalidInput

NAME = re.compile(r"[A-Za-z0-9_.\-\u3400-\u4dbf\u4e00-\u9fff]{1,128}")
"""Of jobs and scripts: ASCII letters, digits, Chinese characters, - _ and dots."""

NODE_NAME = re.compile(r"[A-Za-z0-9_.\-/<>\u3400-\u4dbf\u4e00-\u9fff]{1,128}")
"""As above; the console also allows / < and >."""

PARAMETER_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def wrong(field: str, rule: str, value: Any, *, hint: str = "", code: Code | None = None) -> InvalidInput:
    return InvalidInput(f"{field} {rule}, not {short(value)}.", field=field, hint=hint, code=code)


def is_name(value: Any) -> bool:
    """Whether it can name a job or script. `.` and `..` would not survive in a path."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None and value not in {".", ".."}


def job_name(value: Any) -> str:
    if value is None or value == "":
        raise InvalidInput("name is missing.", field="name", code=Code.JOB_NAME_EMPTY)
    if not is_name(value):
        raise InvalidInput(f"name is {short(value)}.", field="name", code=Code.JOB_NAME_INVALID)
    return str(value)


def object_(value: Any, field: str, *, code: Code | None = None) -> Mapping[str, Any]:
    """An object; missing: an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(field, "must be an object", value, code=code)
    return value


def list_(value: Any, field: str, of: str, *, code: Code | None = None) -> list[Any]:
    """A list; missing: an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(field, f"must be a list of {of}", value, code=code)
    return value


def text(value: Any, field: str, most: int, *, least: int = 0, code: Code | None = None) -> str:
    """A text; missing: an empty one."""
    if value is None and not least:
        return ""
    if not isinstance(value, str):
        raise wrong(field, "must be a text", value, code=code)
    if not least <= len(value) <= most:
        bounds = f"{least} to {most}" if least else f"at most {most}"
        raise InvalidInput(f"{field} must have {bounds} characters, not {len(value)}.", field=field, code=code)
    return value


def choice(value: Any, field: str, choices: Collection[str], *, code: Code | None = None) -> str:
    """One of `choices`; missing or empty: empty."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or value not in choices:
        raise wrong(field, f"must be one of {', '.join(choices)}", value, code=code)
    return value


def number(
    value: Any, field: str, least: int, most: int, *, or_zero: bool = False, code: Code | None = None
) -> int | None:
    """A whole number, also written as a text. None: missing. `or_zero`: 0 stands for "not set" beside the range."""
    if value is None or value == "":
        return None
    found = whole(value)
    if found is None or not (least <= found <= most or (or_zero and found == 0)):
        raise wrong(field, f"must be a whole number from {least} to {most}", value, code=code)
    return found


def truth(value: Any, field: str, *, code: Code | None = None) -> bool | None:
    """true or false, also as texts or 1 and 0. None: missing."""
    match value:
        case None | "":
            return None
        case bool():
            return value
        case str() if value.lower() in {"true", "1"}:
            return True
        case str() if value.lower() in {"false", "0"}:
            return False
        case 1:
            return True
        case 0:
            return False
    raise wrong(field, "must be true or false", value, code=code)


def directory(value: Any, field: str = "directory") -> str:
    """A path in the directory tree in one spelling: `/`, `/a/b`. Missing: the root."""
    given = text(value, field, 1024)
    segments = [each for each in given.split("/") if each]
    if _CONTROL.search(given) or any(each in {".", ".."} for each in segments):
        raise wrong(field, "must be a path such as /dir/a", value)
    return "/" + "/".join(segments)


def approvers(value: Any) -> None:
    for index, each in enumerate(list_(value, "approvers", "objects with approverName")):
        field = f"approvers[{index}]"
        if not isinstance(each, dict):
            raise wrong(field, "must be an object with approverName", each)
        text(each.get("approverName"), f"{field}.approverName", 128, least=1)


def target_status(value: Any) -> str:
    """SAVED, SUBMITTED or PRODUCTION; missing: empty, which submits as well."""
    return choice(value, "targetStatus", ("SAVED", "SUBMITTED", "PRODUCTION"))


def renamed(document: dict[str, Any], aliases: Mapping[str, str], where: str = "") -> dict[str, Any]:
    """A copy with the documents' names in place of the older client's (factory-api 9)."""
    result = dict(document)
    for alias, name in aliases.items():
        if alias not in result:
            continue
        value = result.pop(alias)
        known = result.get(name)
        if value is None:
            continue
        if known is not None and known != value:
            raise InvalidInput(
                f"{where}{name} and {where}{alias} are both given, and differ.",
                field=f"{where}{alias}",
                hint=f"They are two names of one field: send {name} alone.",
            )
        result[name] = value
    return result
