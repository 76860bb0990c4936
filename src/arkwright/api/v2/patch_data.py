"""PatchData: runs of a job's plan for days that have passed, asked for, listed and stopped.

Rules: a patch is checked and stored whole, and runs by itself (`scheduler/patch_data.py`). Its state says what has
happened to it: WAITING until its first run starts, RUNNING, then SUCCESS, FAIL or CANCEL. The list finds a waiting
one under RUNNING all the same, since that is the documents' only word for "not over". Whatever is not over can be
stopped. Dates have one spelling (`2023-08-21T00:00:00 +08`); every other one is DLF.30121, as the documents' service
answers it.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer, empty
from arkwright.api.error_codes import PATCH_DATES_INVALID, PATCH_NOT_FOUND_2, TRIGGER_NEEDED
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import all_of, contains
from arkwright.api.route import Route, number, text
from arkwright.api.v1.fields import choice, is_name, list_, object_, truth, wrong
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v2 import documents
from arkwright.api.v2.paths import route
from arkwright.core.patch_document import WrongDate, read_patch_date, read_patch_plan
from arkwright.errors import Code, IllegalState, NotFound
from arkwright.iam.model import Action
from arkwright.scheduler.patch_data import OPEN, PatchWish
from arkwright.store.base import Definition, Kind, Place

LEAST_MS = 2000
_ANY_ZONE = "UTC"
"""No rule of a patch's fields depends on the zone of its days."""


async def create_patch(call: Call) -> Response:
    body = await call.document()
    name = body.get("name")
    if not is_name(name):
        raise wrong("name", "must be 1 to 128 letters, digits, Chinese characters, -, _ and dots", name)
    job_name = text_of(body.get("job_name"), "job_name", 128, least=1)
    try:
        read_patch_plan(body, zone=_ANY_ZONE)
    except WrongDate as error:
        raise HttpRefusal(PATCH_DATES_INVALID, hint=error.hint) from None
    job = await _found(call, call.place, job_name, "job_name")
    if read_patch_date(body["end_date"], "end_date") - read_patch_date(body["start_date"], "start_date") < LEAST_MS:
        raise HttpRefusal(PATCH_DATES_INVALID)
    related = await _related(call, body.get("depend_jobs"), job)
    wish = PatchWish(
        place=call.place,
        name=str(name),
        body=body,
        jobs=(job, *related),
        force=bool(truth(body.get("force"), "force")),
        by=call.actor.user_name,
    )
    await call.parts.scheduler.patches.make(wish)
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
    await call.parts.scheduler.patches.stop(call.place, name)
    return empty(200)


# ---------------------------------------------------------------- inside


async def _related(call: Call, given: Any, main: Definition) -> list[Definition]:
    """The other jobs of the patch, each of them checked to be there and to have a plan."""
    found: dict[int, Definition] = {}
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
        job = await _found(call, place, name, where)
        if job.id != main.id:
            found[job.id] = job
    return list(found.values())


async def _found(call: Call, place: Place, name: str, field: str) -> Definition:
    """The submitted version of a job that runs by the clock."""
    job = await call.parts.store.get_definition(place, Kind.JOB, name)
    if job is None:
        raise NotFound(f"Job[{name}] does not exist", field=field, code=Code.JOB_NOT_FOUND)
    schedule = job.body.get("schedule") or {}
    if job.category != "BATCH" or schedule.get("type") != "CRON" or not schedule.get("cron"):
        raise HttpRefusal(
            TRIGGER_NEEDED,
            f"The job {name} has no trigger.",
            hint="Patches follow a job's plan: give it a schedule of type CRON.",
        )
    submitted = await call.parts.store.get_definition(place, Kind.JOB, name, submitted=True)
    if submitted is None:
        raise IllegalState(f"The job {name} was never submitted.", field=field)
    return submitted


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
        request=documents.NewPatch,
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
        text("status", "SUCCESS, RUNNING (also WAITING), FAIL, CANCEL."),
        number("start_date", "Asked for from then on, epoch milliseconds."),
        number("end_date", "Asked for until then, epoch milliseconds."),
        response=documents.PatchList,
    ),
    route(
        "POST",
        "/supplement-data/{instance_name}/stop",
        stop_patch,
        "stopFactorySupplementDataInstance",
        "Stop a patch that is not over.",
        Action.JOB_OPERATE,
        errors=(PATCH_NOT_FOUND_2, Code.ILLEGAL_STATE),
    ),
)
