"""Calls about calendars, task groups, and the scheduler itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from arkwright.client.calls import Answer, Call, document, nothing, path


def calendars() -> Call[list[dict[str, Any]]]:
    return Call(method="GET", path="calendars", read=lambda answer: _list(answer, "calendars"))


def save_calendar(name: str, *, default: str, changed: Mapping[str, bool]) -> Call[None]:
    """`default`: MON_TO_FRI or MON_TO_SUN. `changed`: days that differ, True for a working day."""
    return _put(path("calendars", name), {"default": default, "changed": dict(changed)})


def delete_calendar(name: str) -> Call[None]:
    return _delete(path("calendars", name))


def task_groups() -> Call[list[dict[str, Any]]]:
    return Call(method="GET", path="task-groups", read=lambda answer: _list(answer, "task_groups"))


def save_task_group(name: str, *, limit: int) -> Call[None]:
    return _put(path("task-groups", name), {"limit": limit})


def delete_task_group(name: str) -> Call[None]:
    return _delete(path("task-groups", name))


def start(
    job: str,
    *,
    start_date: int | None = None,
    ignore_first_self_dep: bool = False,
    parameters: Mapping[str, str] | None = None,
) -> Call[None]:
    """Plan a job from now on. `start_date`: from that day on, such as 20261201."""
    body: dict[str, Any] = {"ignore_first_self_dep": ignore_first_self_dep}
    if start_date is not None:
        body["start_date"] = start_date
    if parameters:
        body["jobParams"] = [{"name": name, "value": value} for name, value in parameters.items()]
    return Call(method="POST", path=path("jobs", job, "start"), body=body, read=nothing)


def operate(job: str, operation: str) -> Call[None]:
    """`stop`, `pause` or `resume` the schedule of a job."""
    return Call(method="POST", path=path("jobs", job, operation), read=nothing)


def state() -> Call[dict[str, Any]]:
    """Whether the server plans, what it is making up for, and which slots are held."""
    return Call(method="GET", path="scheduler", read=lambda answer: dict(document(answer)))


def _put(where: str, body: Any) -> Call[None]:
    return Call(method="PUT", path=where, body=body, idempotency_key=uuid.uuid4().hex, read=nothing)


def _delete(where: str) -> Call[None]:
    return Call(method="DELETE", path=where, idempotency_key=uuid.uuid4().hex, read=nothing)


def _list(answer: Answer, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(answer)[name]
    return found
