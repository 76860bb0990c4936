"""Jobs: create, edit, read, list, delete.

Decided here: a save without `targetStatus` also submits, `SAVED` does not; a job whose schedule runs or is paused
is not deleted, since that would end the plan without a word: stop it first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer, empty
from arkwright.api.records import all_of
from arkwright.api.route import OFFSET, Route, flag, limit, number, text
from arkwright.api.v1 import documents, fields
from arkwright.api.v1.fields import approvers, choice
from arkwright.api.v1.if_match import IF_MATCH, if_match
from arkwright.api.v1.job_body import JobBody, read_job_body, with_numbers
from arkwright.core.instance import InstanceStatus
from arkwright.core.masking import shown_parameters
from arkwright.engine.vault import Vault
from arkwright.errors import Code, IllegalState, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, DefinitionWrite, Kind, Page

_LAST_STATUSES = (InstanceStatus.SUCCESS, InstanceStatus.FAIL, InstanceStatus.RUNNING_EXCEPTION)

BUSY_STATUSES = frozenset({"SCHEDULING", "PAUSED", "STARTING", "NORMAL", "EXCEPTION", "STOPPING", "PAUSE", "DISABLE"})


async def create_job(call: Call) -> Response:
    body = read_job_body(await call.document())
    await call.parts.store.create_definition(call.place, Kind.JOB, job_write(call, body, status="STOPPED"))
    return empty()


async def edit_job(call: Call) -> Response:
    body = read_job_body(await call.document())
    before = await call.parts.store.get_definition(call.place, Kind.JOB, call.path["job_name"])
    # The status stays as it is: editing a job neither starts nor stops its schedule.
    await call.parts.store.save_definition(
        call.place, Kind.JOB, call.path["job_name"], if_match(call, job_write(call, body, before))
    )
    return empty()


async def show_job(call: Call) -> Response:
    name = call.path["job_name"]
    version = _version(call)
    submitted = call.flag("getJobSubmitVersion")
    dependencies = call.flag("dependencies")
    found = await call.parts.store.get_definition(
        call.place, Kind.JOB, name, version=version, submitted=submitted and version is None
    )
    if found is None:
        raise await _why_not_found(call, name, version)
    reply = job_reply(found)
    if dependencies:
        reply["downstreamJobs"] = await _downstream_jobs(call, name)
    if (call.header(b"user-agent") or "").startswith("golangsdk"):
        reply = with_numbers(reply)
    return answer(reply)


async def list_jobs(call: Call) -> Response:
    category = choice(call.query.get("jobType"), "jobType", ("BATCH", "REAL_TIME")) or "BATCH"
    offset, size = call.slice(most=100)
    tags = {tag.strip() for tag in call.query.get("tags", "").split(",") if tag.strip()}
    name = call.query.get("jobName", "")
    directory = fields.directory(call.query.get("directory")).rstrip("/")
    if tags or directory:
        tagged = [
            each
            for each in await all_jobs(call, category, name)
            if (not tags or tags & tags_of(each)) and f"{each.directory}/".startswith(f"{directory}/")
        ]
        page = Page(total=len(tagged), items=tagged[offset : offset + size])
    else:
        page = await call.parts.store.list_definitions(
            call.place, Kind.JOB, category=category, name_contains=name, offset=offset, limit=size
        )
    items = [job_item(each) for each in page.items]
    await add_last_instances(call, page.items, items)
    return answer(documents.JobList(total=page.total, jobs=items))


async def delete_job(call: Call) -> Response:
    approvers((await call.document(required=False)).get("approvers"))
    name = call.path["job_name"]
    found = await call.parts.store.get_definition(call.place, Kind.JOB, name)
    if found is not None and found.status in BUSY_STATUSES:
        raise IllegalState(
            f"The job {name} is running by its schedule ({found.status}).",
            field="job_name",
            hint="Stop the schedule first (POST …/stop), then delete the job.",
        )
    await call.parts.store.delete_definition(call.place, Kind.JOB, name)
    if found is not None:
        await call.parts.events.forget(found)
    return empty()


# ---------------------------------------------------------------- in and out


def job_write(call: Call, body: JobBody, before: Definition | None = None, *, status: str = "") -> DefinitionWrite:
    """`before`: what this save replaces; its masked parameters keep their values where a mask came back."""
    if body.target_status == "PRODUCTION":
        require(call.actor, Action.JOB_PRODUCE, call.workspace)
    return DefinitionWrite(
        name=body.name,
        category=body.process_type,
        directory=body.directory,
        body=sealed_document(call, body.document, before),
        submit=body.target_status != "SAVED",
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
        status=status,
    )


def sealed_document(call: Call, document: Mapping[str, Any], before: Definition | None) -> Mapping[str, Any]:
    """A job's document as it is stored: masked parameters sealed."""
    vault = Vault(call.parts.directory.sealer)
    return vault.seal_document(call.workspace.id, document, None if before is None else before.body)


def job_reply(definition: Definition) -> dict[str, Any]:
    """The stored document, with what the server knows about it."""
    return {
        "description": "",
        "directory": definition.directory,
        **shown_parameters(definition.body),
        "name": definition.name,
        "processType": definition.category,
        "id": definition.id,
        "version": definition.version,
        "createTime": definition.created_ms,
        "createUser": definition.created_by,
        "lastUpdateUser": definition.updated_by,
    }


def job_item(definition: Definition) -> documents.JobItem:
    basic = definition.body.get("basicConfig") or {}
    priority = basic.get("priority")
    return documents.JobItem(
        name=definition.name,
        jobType=definition.category,
        owner=basic.get("owner") or definition.created_by,
        priority=int(priority) if priority not in (None, "") else 0,
        status=definition.status or "STOPPED",
        createUser=definition.created_by,
        createTime=definition.created_ms,
        lastUpdateTime=definition.updated_ms,
        lastUpdateUser=definition.updated_by,
        path=definition.directory,
        singleNodeJobFlag=str(definition.body.get("singleNodeJobFlag", "")).lower() in {"true", "1"},
    )


async def add_last_instances(call: Call, definitions: Sequence[Definition], items: Sequence[documents.JobItem]) -> None:
    """How the last run of each batch job ended; in the order of the definitions."""
    of_job = {each.id: item for each, item in zip(definitions, items, strict=True) if each.category == "BATCH"}
    for instance in await call.parts.store.newest_instances(call.place, list(of_job), _LAST_STATUSES):
        item = of_job[instance.job_id]
        # Only these two words exist here; an instance that stopped at an error counts as failed.
        item.lastInstanceStatus = "success" if instance.status is InstanceStatus.SUCCESS else "fail"
        if instance.end_time_ms is not None:
            item.lastInstanceEndTime = instance.end_time_ms


# ---------------------------------------------------------------- look-ups


def _version(call: Call) -> int | None:
    """The wanted version; None: the newest. The documents write -1 for it."""
    return None if call.query.get("version", "").strip() == "-1" else call.number("version", least=1)


async def _why_not_found(call: Call, name: str, version: int | None) -> NotFound:
    newest = await call.parts.store.get_definition(call.place, Kind.JOB, name)
    if newest is None:
        message = f"There is no job {name!r} in workspace {call.workspace.name}."
    elif version is not None:
        message = f"The job {name!r} has no version {version}; its newest one is {newest.latest_version}."
    else:
        message = f"The job {name!r} was never submitted."
    return NotFound(message, field="job_name", code=Code.JOB_NOT_FOUND)


async def all_jobs(call: Call, category: str | None, name_contains: str = "") -> list[Definition]:
    return await all_of(call, Kind.JOB, category=category, name_contains=name_contains)


def tags_of(definition: Definition) -> set[str]:
    tags = (definition.body.get("basicConfig") or {}).get("tags")
    return {str(tag) for tag in tags} if isinstance(tags, list) else set()


async def _downstream_jobs(call: Call, name: str) -> list[dict[str, Any]]:
    """Jobs of the workspace whose schedules name this one."""
    return [
        {"jobId": each.id, "jobName": each.name, "workSpace": call.workspace.name}
        for each in await all_jobs(call, None)
        if name in upstream_names(each)
    ]


def upstream_names(definition: Definition) -> set[str]:
    cron = (definition.body.get("schedule") or {}).get("cron") or {}
    depend = cron.get("dependJobs") or {}
    names: set[str] = set()
    for each in depend if isinstance(depend, list) else [depend]:
        names.update(name for name in each.get("jobs") or () if isinstance(name, str))
        names.update(
            job["jobName"]
            for job in each.get("sameWorkSpaceJobs") or ()
            if isinstance(job, dict) and isinstance(job.get("jobName"), str)
        )
    return names


# ---------------------------------------------------------------- routes

_EXAMPLE = {
    "name": "myJob",
    "processType": "BATCH",
    "schedule": {"type": "EXECUTE_ONCE"},
    "params": [{"name": "aaa", "value": "111", "type": "variable"}],
    "nodes": [
        {
            "name": "hello",
            "type": "Shell",
            "location": {"x": "-45.5", "y": "-134.5"},
            "properties": [
                {"name": "statement", "value": "echo hello $1"},
                {"name": "arguments", "value": "${aaa}"},
            ],
        }
    ],
}
_SAVE_ERRORS = (
    Code.JOB_EXISTS,
    Code.JOB_WITHOUT_NODES,
    Code.JOB_TYPE_INVALID,
    Code.JOB_NAME_EMPTY,
    Code.JOB_NAME_INVALID,
    Code.JOB_SCHEDULE_INVALID,
    Code.JOB_DESCRIPTION_INVALID,
)

ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/jobs",
        handler=create_job,
        operation="createJob",
        summary="Create a job.",
        tag="jobs",
        action=Action.JOB_CREATE,
        request=documents.Job,
        success=204,
        errors=_SAVE_ERRORS,
        example=_EXAMPLE,
    ),
    Route(
        method="PUT",
        path="/v1/{project_id}/jobs/{job_name}",
        handler=edit_job,
        operation="updateJob",
        summary="Save a new version of a job; another name in the body renames it.",
        tag="jobs",
        action=Action.JOB_EDIT,
        parameters=(IF_MATCH,),
        request=documents.Job,
        success=204,
        errors=(Code.JOB_NOT_FOUND, Code.STALE_WRITE, *_SAVE_ERRORS),
        example=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/{job_name}",
        handler=show_job,
        operation="showJob",
        summary="A job as it was sent.",
        tag="jobs",
        action=Action.JOB_READ,
        parameters=(
            number("version", "Version; -1 or none: the newest.", minimum=-1),
            flag("getJobSubmitVersion", "Without a version: the last submitted one instead of the newest."),
            flag("dependencies", "Add the jobs that depend on this one."),
        ),
        response=documents.SavedJob,
        errors=(Code.JOB_NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/jobs",
        handler=list_jobs,
        operation="listJobs",
        summary="The jobs of a workspace, newest first.",
        tag="jobs",
        action=Action.JOB_READ,
        parameters=(
            text("jobType", "Kind of jobs.", enum=["BATCH", "REAL_TIME"], default="BATCH"),
            text("jobName", "A part of the name."),
            text("tags", "Jobs that have one of these tags, comma-separated."),
            text("directory", "Ours: jobs in this directory and below."),
            OFFSET,
            limit(100),
        ),
        response=documents.JobList,
    ),
    Route(
        method="DELETE",
        path="/v1/{project_id}/jobs/{job_name}",
        handler=delete_job,
        operation="deleteJob",
        summary="Delete a job. Its instances stay and go on.",
        tag="jobs",
        action=Action.JOB_DELETE,
        request=documents.Approvers,
        request_required=False,
        success=204,
        errors=(Code.JOB_NOT_FOUND,),
    ),
)
