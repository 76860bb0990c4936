"""Calendars: which days are working days (ours; the original has them in its console alone).

Rules (factory-behaviour 4.4): a calendar has default working days and single days that differ; a job names its
calendar in `schedule.calendar`, and on other days its instances are dry runs. A change touches instances planned from
then on. A calendar that a job's schedule names can't be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.records import all_of, put, write_of
from arkwright.api.route import Route
from arkwright.api.v1.fields import choice, is_name, object_, truth, wrong
from arkwright.core.calendar import WorkingDays
from arkwright.errors import IllegalState, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind

_DEFAULTS = tuple(each.value for each in WorkingDays)
_MOST_DAYS = 4000
_FIELDS = ("name", "default", "changed")


class Calendar(Struct, kw_only=True):
    """`default`: the working days of a usual week. `changed`: single days that differ, true for a working day."""

    name: str
    default: Literal["MON_TO_FRI", "MON_TO_SUN"] = "MON_TO_FRI"
    changed: dict[str, bool] = {}


class CalendarBody(Struct, kw_only=True):
    default: Literal["MON_TO_FRI", "MON_TO_SUN"] = "MON_TO_FRI"
    changed: dict[str, bool] = {}


class Calendars(Struct, kw_only=True):
    total: int
    calendars: list[Calendar]


async def list_calendars(call: Call) -> Response:
    found = [_shown(each) for each in await all_of(call, Kind.CALENDAR)]
    return answer(Calendars(total=len(found), calendars=sorted(found, key=lambda each: each.name)))


async def show_calendar(call: Call) -> Response:
    return answer(_shown(await _found(call, Kind.CALENDAR)))


async def save_calendar(call: Call) -> Response:
    name = _named(call)
    body = await call.document()
    unknown = sorted(set(body) - set(_FIELDS))
    if unknown:
        raise InvalidInput(f"A calendar has no {unknown[0][:64]!r}.", field=unknown[0], hint="It has default, changed.")
    default = choice(body.get("default"), "default", _DEFAULTS) or WorkingDays.MONDAY_TO_FRIDAY.value
    document = {"default": default, "changed": _days(body.get("changed"))}
    await put(call, Kind.CALENDAR, write_of(call, name, document))
    return empty()


async def delete_calendar(call: Call) -> Response:
    found = await _found(call, Kind.CALENDAR)
    user = await _used_by(call, "calendar", found.name)
    if user is not None:
        raise IllegalState(
            f"The calendar {found.name} is used by the job {user.name}.",
            field="name",
            hint="Take it out of the job's schedule.calendar first.",
        )
    await call.parts.store.delete_definition(call.place, Kind.CALENDAR, found.name)
    return empty()


def _shown(found: Definition) -> Calendar:
    return Calendar(name=found.name, default=found.body["default"], changed=dict(found.body["changed"]))


def _days(given: Any) -> dict[str, bool]:
    days: dict[str, bool] = {}
    for day, works in object_(given, "changed").items():
        try:
            plain = date.fromisoformat(str(day)).isoformat()
        except ValueError:
            raise wrong("changed", "must have days such as 2026-12-25 as its names", day) from None
        works = truth(works, f"changed.{plain}")
        if works is None:
            raise wrong(f"changed.{plain}", "must be true (a working day) or false", works)
        days[plain] = works
    if len(days) > _MOST_DAYS:
        raise InvalidInput(f"changed must have at most {_MOST_DAYS} days.", field="changed")
    return dict(sorted(days.items()))


# ---------------------------------------------------------------- task groups


class TaskGroup(Struct, kw_only=True):
    """How many nodes of the group run at once."""

    name: str
    limit: int


class TaskGroupBody(Struct, kw_only=True):
    limit: int


class TaskGroups(Struct, kw_only=True):
    total: int
    task_groups: list[TaskGroup]


async def list_groups(call: Call) -> Response:
    found = [_group(each) for each in await all_of(call, Kind.TASK_GROUP)]
    return answer(TaskGroups(total=len(found), task_groups=sorted(found, key=lambda each: each.name)))


async def show_group(call: Call) -> Response:
    return answer(_group(await _found(call, Kind.TASK_GROUP)))


async def save_group(call: Call) -> Response:
    name = _named(call)
    body = await call.document()
    limit = body.get("limit")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 1000:
        raise wrong("limit", "must be a whole number from 1 to 1000", limit)
    await put(call, Kind.TASK_GROUP, write_of(call, name, {"limit": limit}))
    return empty()


async def delete_group(call: Call) -> Response:
    found = await _found(call, Kind.TASK_GROUP)
    user = await _used_by(call, "taskGroup", found.name)
    if user is not None:
        raise IllegalState(
            f"The task group {found.name} is used by the job {user.name}.",
            field="name",
            hint="Take it out of the job and its nodes first.",
        )
    await call.parts.store.delete_definition(call.place, Kind.TASK_GROUP, found.name)
    return empty()


def _group(found: Definition) -> TaskGroup:
    return TaskGroup(name=found.name, limit=found.body["limit"])


# ---------------------------------------------------------------- both


def _named(call: Call) -> str:
    name = call.path["name"]
    if not is_name(name):
        raise wrong("name", "must have 1 to 128 letters, digits, hyphens, underscores and dots", name)
    return name


async def _found(call: Call, kind: Kind) -> Definition:
    found = await call.parts.store.get_definition(call.place, kind, call.path["name"])
    if found is None:
        what = kind.value.replace("-", " ")
        raise NotFound(f"There is no {what} {call.path['name'][:128]!r} in this workspace.", field="name")
    return found


async def _used_by(call: Call, field: str, name: str) -> Definition | None:
    """A job whose newest version names it, in its schedule or in one of its nodes."""
    for job in await all_of(call, Kind.JOB):
        if any(each.get(field) == name for each in _places(job.body) if isinstance(each, Mapping)):
            return job
    return None


def _places(body: Mapping[str, Any]) -> list[Any]:
    schedule = body.get("schedule") or {}
    return [
        body,
        body.get("basicConfig"),
        schedule,
        schedule.get("cron") if isinstance(schedule, Mapping) else None,
        *(body.get("nodes") or ()),
    ]


def _routes(
    noun: str,
    path: str,
    handlers: tuple[Any, Any, Any, Any],
    body: Any,
    one: Any,
    many: Any,
    edit: Action,
    example: Any,
) -> tuple[Route, ...]:
    show_all, show, save, delete = handlers
    name = "".join(each.capitalize() for each in noun.split())
    base = f"/v1/{{project_id}}/{path}"

    def route(method: str, handler: Any, operation: str, summary: str, action: Action, **more: Any) -> Route:
        return Route(
            method=method,
            path=more.pop("path"),
            handler=handler,
            operation=operation,
            summary=summary,
            tag="scheduling",
            action=action,
            ours=True,
            **more,
        )

    single = f"{base}/{{name}}"
    return (
        route("GET", show_all, f"list{name}s", f"All {noun}s.", Action.WORKSPACE_READ, path=base, response=many),
        route("GET", show, f"show{name}", f"One {noun}.", Action.WORKSPACE_READ, path=single, response=one),
        route(
            "PUT",
            save,
            f"save{name}",
            f"Make a {noun}, or change it.",
            edit,
            path=single,
            request=body,
            success=204,
            example=example,
        ),
        route("DELETE", delete, f"delete{name}", f"Delete a {noun} that no job names.", edit, path=single, success=204),
    )


ROUTES = (
    *_routes(
        "calendar",
        "calendars",
        (list_calendars, show_calendar, save_calendar, delete_calendar),
        CalendarBody,
        Calendar,
        Calendars,
        Action.ENVIRONMENT_EDIT,
        {"default": "MON_TO_FRI", "changed": {"2026-12-25": False}},
    ),
    *_routes(
        "task group",
        "task-groups",
        (list_groups, show_group, save_group, delete_group),
        TaskGroupBody,
        TaskGroup,
        TaskGroups,
        Action.WORKSPACE_MANAGE,
        {"limit": 3},
    ),
)
