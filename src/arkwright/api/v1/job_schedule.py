"""The schedule of a job as a request brings it: one spelling, then checked by reading it (`core/schedule_document.py`).

Broken rules are DLF.3025.
"""

from __future__ import annotations

from typing import Any

from arkwright.api.v1.fields import renamed
from arkwright.core.schedule_document import TYPE_ALIASES, read_cron, read_event, read_schedule
from arkwright.errors import Code, InvalidInput

_ANY_ZONE = "UTC"
"""No rule depends on the zone that a plan without one gets."""


def plain_schedule(schedule: dict[str, Any]) -> dict[str, Any]:
    plain = renamed(schedule, {"scheType": "type"}, "schedule.")
    kind = plain.get("type")
    if isinstance(kind, str) and kind in TYPE_ALIASES:
        plain["type"] = TYPE_ALIASES[kind]
    if isinstance(plain.get("cron"), dict):
        plain["cron"] = plain_cron(plain["cron"])
    return plain


def plain_cron(cron: dict[str, Any]) -> dict[str, Any]:
    """The Go SDK writes and reads `dependPrePeriod` with a dot too many: it is kept beside the right one."""
    dotted = cron.get("dependPrePeriod.")
    return cron if dotted is None or "dependPrePeriod" in cron else {**cron, "dependPrePeriod": dotted}


def check_schedule(value: Any) -> None:
    if value is None or value == {}:
        raise InvalidInput(
            "schedule is missing." if value is None else "schedule.type is missing.",
            field="schedule" if value is None else "schedule.type",
            hint='A job that is only run by hand has {"type": "EXECUTE_ONCE"}.',
            code=Code.JOB_SCHEDULE_INVALID,
        )
    # CRON without cron is "no plan yet": the documents' own example sends it.
    read_schedule({"schedule": value}, default_zone=_ANY_ZONE)


def check_cron(value: Any, where: str) -> None:
    read_cron(value, where, default_zone=_ANY_ZONE)


def check_event(value: Any, where: str) -> None:
    read_event(value, where)
