"""Start and stop of a job's schedule.

Rules: starting checks all that could make the first planned run fail, then stores what the schedule was started with
(`Kind.SCHEDULE`, named by the job's id, so that a rename keeps it) and after that the state, so that a job in state
SCHEDULING always has the values it was started with. A batch job is SCHEDULING until it is stopped. A real-time job
stays STARTING until something has taken it up: it is never called NORMAL because of this call alone. Stopping is
harmless on a job that is stopped already.

The schedule of a batch job of type CRON is the scheduler's: it checks dependencies, plans, and keeps the state with
the plan. What is stored here beside it is the wish.
"""

from __future__ import annotations

import datetime
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, empty
from arkwright.api.records import put, write_of
from arkwright.api.route import Route
from arkwright.api.v1 import documents
from arkwright.api.v1.fields import renamed, truth, wrong
from arkwright.api.v1.jobs import BUSY_STATUSES
from arkwright.api.v1.run_immediate import read_parameters
from arkwright.core.control import is_parent
from arkwright.core.job_document import read_job, script_names
from arkwright.core.job_document import read_parameters as read_job_parameters
from arkwright.engine.vault import Vault
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.scheduler.interface import ScheduleStart
from arkwright.store.base import Definition, Kind

_ALIASES = {
    "ignore_first_self_dependence": "ignore_first_self_dep",
    "ignoreFirstSelfDep": "ignore_first_self_dep",
    "startDate": "start_date",
    "job_params": "jobParams",
}


async def start_job(call: Call) -> Response:
    given = read_start(await call.document(required=False))
    await begin(call, await found_job(call, call.path["job_name"]), given)
    return empty()


async def begin(call: Call, job: Definition, given: dict[str, Any]) -> None:
    """Start the job's schedule with these values. Raises `IllegalState`, `InvalidInput`, `NotFound` (script)."""
    if job.status in BUSY_STATUSES:
        raise IllegalState(
            f"The job {job.name} is running ({job.status}).",
            field="job_name",
            hint="Stop its schedule first (POST …/stop) to start it with other values.",
        )
    submitted = await _submitted(call, job)
    given = _sealed(call, submitted, given)
    _check_plan(submitted)
    await _check_scripts(call, submitted)
    body = {
        **given,
        "job_name": job.name,
        "job_version": submitted.version,
        "started_by": call.actor.user_name,
        "started_ms": call.parts.now_ms(),
    }
    await put(call, Kind.SCHEDULE, write_of(call, str(job.id), body, category=job.category))
    wish = ScheduleStart(job=submitted, given=given, by=call.actor.user_name, time_zone=call.workspace.time_zone)
    await call.parts.scheduler.start(wish)


def _sealed(call: Call, job: Definition, given: dict[str, Any]) -> dict[str, Any]:
    """Values of masked parameters never lie in the store as they are."""
    masked = {each.name for each in read_job_parameters(job.body) if each.masked}
    if not masked or not given.get("jobParams"):
        return given
    vault = Vault(call.parts.directory.sealer)
    sealed = [
        {**each, "value": vault.seal(call.workspace.id, each["value"])} if each["name"] in masked else each
        for each in given["jobParams"]
    ]
    return {**given, "jobParams": sealed}


async def stop_job(call: Call) -> Response:
    await call.parts.scheduler.stop(await found_job(call, call.path["job_name"]))
    return empty()


async def pause_job(call: Call) -> Response:
    await call.parts.scheduler.pause(await found_job(call, call.path["job_name"]))
    return empty()


async def resume_job(call: Call) -> Response:
    await call.parts.scheduler.resume(await found_job(call, call.path["job_name"]))
    return empty()


def read_start(document: dict[str, Any]) -> dict[str, Any]:
    """What to start with, checked. Unknown fields stay."""
    given = renamed(document, _ALIASES)
    parameters, kinds = read_parameters(given.get("jobParams"))
    start_date = given.get("start_date")
    if start_date is not None:
        try:
            datetime.datetime.strptime(str(start_date), "%Y%m%d")
        except ValueError:
            raise wrong("start_date", "must be a day such as 20241030", start_date) from None
        given["start_date"] = int(start_date)
    ignored = truth(given.get("ignore_first_self_dep"), "ignore_first_self_dep")
    if ignored is not None:
        given["ignore_first_self_dep"] = ignored
    if parameters:
        given["jobParams"] = [{"name": name, "value": value, "type": kinds[name]} for name, value in parameters.items()]
    return given


async def found_job(call: Call, name: str) -> Definition:
    """The newest version of a job."""
    job = await call.parts.store.get_definition(call.place, Kind.JOB, name)
    if job is None:
        raise NotFound(
            f"There is no job {name!r} in workspace {call.workspace.name}.", field="job_name", code=Code.JOB_NOT_FOUND
        )
    return job


async def started_with(call: Call, job: Definition) -> Definition | None:
    """What the job's schedule was last started with."""
    return await call.parts.store.get_definition(call.place, Kind.SCHEDULE, str(job.id))


async def _submitted(call: Call, job: Definition) -> Definition:
    if job.submitted_version is not None:
        submitted = await call.parts.store.get_definition_version(job.id, job.submitted_version)
        if submitted is not None:
            return submitted
    raise IllegalState(
        f"The job {job.name} was saved but never submitted.",
        field="job_name",
        hint="Save it without targetStatus, or with targetStatus SUBMITTED.",
    )


def _check_plan(job: Definition) -> None:
    if job.category == "REAL_TIME":
        return  # It runs from its start on, and its nodes have triggers of their own.
    schedule = job.body.get("schedule") or {}
    kind = schedule.get("type")
    if kind == "CRON" and schedule.get("cron"):
        return
    if kind == "EVENT" and schedule.get("event"):
        return
    missing = "is run once, by hand" if kind not in ("CRON", "EVENT") else f"is of type {kind} but has no plan yet"
    raise InvalidInput(
        f"The job {job.name} has no schedule to start: it {missing}.",
        field="schedule",
        hint="Give it a schedule of type CRON or EVENT, or run it with POST …/run-immediate.",
    )


async def _check_scripts(call: Call, job: Definition) -> None:
    read = read_job(job.body)
    for name in script_names(read):
        script = await call.parts.store.get_definition(call.place, Kind.SCRIPT, name)
        node = next(each.name for each in read.nodes if each.properties.get("scriptName") == name)
        if script is None:
            raise NotFound(
                f"The script {name!r} of node {node} does not exist.", field="scriptName", code=Code.SCRIPT_NOT_FOUND
            )
        if script.submitted_version is None:
            raise IllegalState(
                f"The script of node {node} has not been submitted.",
                field="scriptName",
                hint=f"Save the script {name} without targetStatus, or with targetStatus SUBMITTED.",
            )
    if any(is_parent(node) for node in read.nodes):
        await call.parts.engine.check(call.place, job.name)


START_EXAMPLE = {"jobParams": [{"name": "aaa", "value": "111", "paramType": "variable"}]}
START_ERRORS = (Code.JOB_NOT_FOUND, Code.SCRIPT_NOT_FOUND, Code.ILLEGAL_STATE)


def _route(name: str, handler: Any, operation: str, summary: str, **more: Any) -> Route:
    return Route(
        method="POST",
        path=f"/v1/{{project_id}}/jobs/{{job_name}}/{name}",
        handler=handler,
        operation=operation,
        summary=summary,
        tag="jobs",
        action=Action.JOB_OPERATE,
        request_required=False,
        success=204,
        **more,
    )


ROUTES = (
    _route(
        "start",
        start_job,
        "startJob",
        "Start the schedule of a job.",
        request=documents.Start,
        errors=START_ERRORS,
        example=START_EXAMPLE,
    ),
    _route(
        "stop", stop_job, "stopJob", "Stop the schedule of a job. Its instances go on.", errors=(Code.JOB_NOT_FOUND,)
    ),
    _route(
        "pause",
        pause_job,
        "pauseJob",
        "Plan nothing for a scheduled job until it is resumed. Times that pass meanwhile are not made up for.",
        errors=(Code.JOB_NOT_FOUND, Code.ILLEGAL_STATE),
        ours=True,
    ),
    _route(
        "resume",
        resume_job,
        "resumeJob",
        "Plan again for a paused job, from now on.",
        errors=(Code.JOB_NOT_FOUND, Code.ILLEGAL_STATE),
        ours=True,
    ),
)
