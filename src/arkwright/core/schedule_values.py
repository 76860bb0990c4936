"""Single values of a schedule's document: each reader refuses what breaks its rule, naming field and rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final, NoReturn

from arkwright.core.document_values import short, whole
from arkwright.core.zone_changes import instant_of
from arkwright.errors import Code, InvalidInput

_TIME: Final = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    r"(?:(Z)|([+-])(\d{2})(?::?(\d{2}))?)?"
)
_SNAKE: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_EPOCH: Final = datetime(1970, 1, 1)
_SECOND: Final = timedelta(seconds=1)


def field_of(given: Mapping[str, Any], name: str) -> Any:
    """A field in the older spelling, or else in the newer one."""
    value = given.get(name)
    return given.get(_newer(name)) if value is None and given else value


@cache
def _newer(name: str) -> str:
    return _SNAKE.sub(lambda match: f"_{match[1].lower()}", name)


def time_of(value: Any, field: str, zone: str) -> int | None:
    given = text_of(value, field, 64)
    if not given:
        return None
    match = _TIME.fullmatch(given)
    try:
        wall = (datetime.fromisoformat(match[1]) - _EPOCH) // _SECOND if match else None
    except ValueError:
        wall = None
    if match is None or wall is None:
        refuse(field, f"must be a time such as 2018-10-22T23:59:59+08, not {short(value)}")
    if match[2]:
        return wall * 1000
    if match[3]:
        hours, minutes = int(match[4]), int(match[5] or "0")
        try:
            shift = timezone(timedelta(hours=hours, minutes=minutes)).utcoffset(None) // _SECOND
        except ValueError:
            refuse(field, f"has an offset beyond a day: {short(value)}")
        return (wall - shift if match[3] == "+" else wall + shift) * 1000
    return instant_of(zone, wall) * 1000


def refuse(field: str, rule: str, *, hint: str = "") -> NoReturn:
    raise InvalidInput(f"{field} {rule}.", field=field, hint=hint, code=Code.JOB_SCHEDULE_INVALID)


def object_of(value: Any, field: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        refuse(field, f"must be an object, not {short(value)}")
    return value


def list_of(value: Any, field: str, of: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        refuse(field, f"must be a list of {of}, not {short(value)}")
    return list(value)


def text_of(value: Any, field: str, most: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        refuse(field, f"must be a text, not {short(value)}")
    if len(value) > most:
        refuse(field, f"must have at most {most} characters, not {len(value)}")
    return value


def name_of(value: Any, field: str) -> str:
    found = text_of(value, field, 128)
    if not found:
        refuse(field, "must be the name of a job")
    return found


def choice_of(value: Any, field: str, choices: Collection[str]) -> str:
    """Missing or empty: empty."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or value not in choices:
        refuse(field, f"must be one of {', '.join(choices)}, not {short(value)}")
    return value


def number_of(value: Any, field: str, least: int, most: int) -> int | None:
    if value is None or value == "":
        return None
    found = whole(value)
    if found is None or not least <= found <= most:
        refuse(field, f"must be a whole number from {least} to {most}, not {short(value)}")
    return found


def truth_of(value: Any, field: str) -> bool:
    match value:
        case None | "":
            return False
        case bool():
            return value
        case str() if value.lower() in {"true", "1"}:
            return True
        case str() if value.lower() in {"false", "0"}:
            return False
        case 1 | 0:
            return bool(value)
    refuse(field, f"must be true or false, not {short(value)}")


# What other parts of the document check: here it only must not fail.


def lenient_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def lenient_number(value: Any, most: int) -> int:
    text = str(value).strip()
    return min(int(text), most) if not isinstance(value, bool) and _WHOLE.fullmatch(text) else 0


def lenient_truth(value: Any) -> bool:
    return str(value).strip().lower() in {"true", "1"}
