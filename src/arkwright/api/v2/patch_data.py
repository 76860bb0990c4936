"""PatchData: runs of a job's plan for days that have passed, asked for and listed.

Rules: a patch is checked and stored whole. Its state says what has happened to it: WAITING until something has taken
it up, RUNNING while it runs, then SUCCESS or CANCEL. It is never called RUNNING because of the request alone; the list
finds it under RUNNING all the same, since that is the documents' only word for "not over". Whatever is not over can be
stopped. Dates have one spelling (`2023-08-21T00:00:00 +08`); every other one is DLF.30121, as the documents' service
answers it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer, empty
from arkwright.api.error_codes import PATCH_DATES_INVALID, PATCH_NOT_FOUND_2, TRIGGER_NEEDED
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import all_of, contains, write_of
from arkwright.api.route import Route, number, text
from arkwright.api.v1.fields import choice, is_name, list_, object_, truth, wrong
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.schedule import found_job
from arkwright.api.v2.paths import route
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind, Place

OPEN = ("WAITING", "RUNNING")
LEAST_MS = 2000

_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d) ([+-]\d\d)")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)")


async def create_patch(call: Call) -> Response:
    body = await call.document()
    name = body.get("name")
    if not is_name(name):
        raise wrong("name", "must be 1 to 128 letters, digits, Chinese characters, -, _ and dots", name)
    job_name = text_of(body.get("job_name"), "job_name", 128, least=1)
    if number_of(body.get("parallel"), "parallel", 1, 5) is None:
        raise InvalidInput("parallel is missing.", field="parallel", hint="A whole number from 1 to 5.")
    _check_options(body)
    job = await found_job(call, job_name)
    schedule = job.body.get("schedule") or {}
    if job.category != "BATCH" or schedule.get("type") != "CRON" or not schedule.get("cron"):
        raise HttpRefusal(
            TRIGGER_NEEDED,
            f"The job {job_name} has no trigger.",
            hint="Patches follow a job's plan: give it a schedule of type CRON.",
        )
    if job.submitted_version is None:
        raise IllegalState(f"The job {job_name} was never submitted.", field="job_name")
    start_ms, end_ms = _date(body.get("start_date"), "start_date"), _date(body.get("end_date"), "end_date")
    if end_ms - start_ms < LEAST_MS:
        raise HttpRefusal(PATCH_DATES_INVALID)
    related = await _related(call, body.get("depend_jobs"))
    stored = {**body, "start_ms": start_ms, "end_ms": end_ms, "job_list": [job_name, *related], "type": 0}
    write = write_of(call, str(name), stored, category="PATCH_DATA", status="WAITING")
    await call.parts.store.create_definition(call.place, Kind.PATCH_DATA, write)
    return empty(200)


async def list_patches(call: Call) -> Response:
    query = call.query
    sort = choice(query.get("sort"), "sort", ("desc", "asc")) or "desc"
    status = choice(query.get("status"), "status", ("SUCCESS", "RUNNING", "CANCEL", "CANCLE", "WAITING", "FAIL"))
    status = "CANCEL" if status == "CANCLE" else status
    from_ms, to_ms = call.number("start_date"), call.number("end_date")
    page = call.number("page", 0) or 0
    size = call.number("size", 10, least=1, most=100) or 10
    found = [
        each
        for each in await all_of(call, Kind.PATCH_DATA, name_contains=query.get("name", ""))
        if contains(each.created_by, query.get("user_name", ""))
        and (not status or each.status == status or (status == "RUNNING" and each.status in OPEN))
        and (from_ms is None or each.created_ms >= from_ms)
        and (to_ms is None or each.created_ms <= to_ms)
    ]
    if sort == "asc":
        found.reverse()
    rows = [_row(each) for each in found[page * size : page * size + size]]
    return answer({"success": True, "msg": "", "total": len(found), "rows": rows})


async def stop_patch(call: Call) -> Response:
    name = call.path["instance_name"]
    found = await call.parts.store.get_definition(call.place, Kind.PATCH_DATA, name)
    if found is None:
        raise HttpRefusal(PATCH_NOT_FOUND_2, f"The supplement [{name[:128]}] does not exist.")
    if found.status not in OPEN:
        raise IllegalState(
            f"The supplement [{name}] is over ({found.status}); only a running one can be stopped.",
            field="instance_name",
        )
    await call.parts.store.set_definition_status(call.place, Kind.PATCH_DATA, name, "CANCEL")
    return empty(200)


# ---------------------------------------------------------------- inside


def _date(value: Any, field: str) -> int:
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        try:
            zone = timezone(timedelta(hours=int(match[2])))
            return int(datetime.fromisoformat(match[1]).replace(tzinfo=zone).timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
    raise HttpRefusal(PATCH_DATES_INVALID, hint=f"{field} is written as in 2023-08-21T00:00:00 +08.")


def _check_options(body: dict[str, Any]) -> None:
    truth(body.get("is_day_granularity"), "is_day_granularity")
    number_of(body.get("priority"), "priority", 0, 2)
    if truth(body.get("is_stop_when_fail"), "is_stop_when_fail") and not truth(
        body.get("is_day_granularity"), "is_day_granularity"
    ):
        raise InvalidInput(
            "is_stop_when_fail needs is_day_granularity.",
            field="is_stop_when_fail",
            hint="Only days that run one after the other can be stopped at a failure.",
        )
    number_of(body.get("reverse_order"), "reverse_order", 0, 1)
    truth(body.get("force"), "force")
    for field in ("supplement_data_run_time", "supplement_data_instance_time"):
        window = object_(body.get(field), field)
        time_of_day = text_of(window.get("time_of_day"), f"{field}.time_of_day", 64)
        if time_of_day and not _TIME_OF_DAY.fullmatch(time_of_day):
            raise wrong(f"{field}.time_of_day", "must be a span such as 10:15-23:30", time_of_day)
        for part, most in (("day_of_week", 7), ("day_of_month", 31)):
            for each in text_of(window.get(part), f"{field}.{part}", 255).split(","):
                number_of(each.strip(), f"{field}.{part}", 1, most)
        for index, day in enumerate(list_(window.get("days"), f"{field}.days", "texts")):
            text_of(day, f"{field}.days[{index}]", 64, least=1)


async def _related(call: Call, given: Any) -> list[str]:
    """Names of the other jobs of the patch, each of them checked to be there."""
    names: list[str] = []
    for index, each in enumerate(list_(given, "depend_jobs", "objects with job_name and workspace_id")):
        where = f"depend_jobs[{index}]"
        each = object_(each, where)
        name = text_of(each.get("job_name"), f"{where}.job_name", 128, least=1)
        workspace_id = text_of(each.get("workspace_id"), f"{where}.workspace_id", 128)
        place = call.place
        if workspace_id and workspace_id != place.workspace_id:
            workspace = call.parts.directory.workspace(place.project_id, workspace_id)
            require(call.actor, Action.JOB_RERUN, workspace)
            place = Place(project_id=place.project_id, workspace_id=workspace.id)
        if await call.parts.store.get_definition(place, Kind.JOB, name) is None:
            raise NotFound(f"Job[{name}] does not exist", field=where, code=Code.JOB_NOT_FOUND)
        if name not in names:
            names.append(name)
    return names


def _row(patch: Definition) -> dict[str, Any]:
    body = patch.body
    found = {
        "name": patch.name,
        "status": patch.status,
        "type": body["type"],
        "parallel": int(body["parallel"]),
        "start_date": body["start_ms"],
        "end_date": body["end_ms"],
        "submitted_date": patch.created_ms,
        "user_name": patch.created_by,
        "job_list": body["job_list"],
    }
    for field in ("supplement_data_run_time", "supplement_data_instance_time"):
        if body.get(field) is not None:
            found[field] = body[field]
    return found


_EXAMPLE = {
    "name": "P_myJob_20230821",
    "job_name": "myJob",
    "start_date": "2023-08-21T00:00:00 +08",
    "end_date": "2023-08-22T00:00:00 +08",
    "parallel": 1,
}

ROUTES: tuple[Route, ...] = (
    route(
        "POST",
        "/supplement-data",
        create_patch,
        "createFactorySupplementDataInstance",
        "Ask for runs of a job's plan for days that have passed.",
        Action.JOB_OPERATE,
        errors=(Code.JOB_NOT_FOUND, TRIGGER_NEEDED, PATCH_DATES_INVALID),
        example=_EXAMPLE,
    ),
    route(
        "GET",
        "/supplement-data",
        list_patches,
        "showFactorySupplementData",
        "Patches of the workspace.",
        Action.JOB_READ,
        text("sort", "By the time of the request.", enum=["desc", "asc"], default="desc"),
        number("page", "Page, counted from 0.", minimum=0, default=0),
        number("size", "Records on a page.", minimum=1, maximum=100, default=10),
        text("name", "A part of the name."),
        text("user_name", "A part of the name of who asked."),
        text("status", "SUCCESS, RUNNING (also WAITING), CANCEL."),
        number("start_date", "Asked for from then on, epoch milliseconds."),
        number("end_date", "Asked for until then, epoch milliseconds."),
    ),
    route(
        "POST",
        "/supplement-data/{instance_name}/stop",
        stop_patch,
        "stopFactorySupplementDataInstance",
        "Stop a patch that is not over.",
        Action.JOB_OPERATE,
        no_body=True,
        errors=(PATCH_NOT_FOUND_2, Code.ILLEGAL_STATE),
    ),
)
