"""Jobs in the newer API: create, list, rename, tags, and which job waits for which.

Rules: a job is the same document as in the older API and is stored in its spelling (`names`). A new name or new tags
are a new version of the job, submitted if the newest one was: what is planned goes on with what was submitted.
Dependencies are those that the newest versions of the jobs of the workspace declare; nothing is guessed from runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, whole_number
from arkwright.api.records import all_of, contains, page_of, texts_of
from arkwright.api.route import Route, flag, text
from arkwright.api.v1 import fields
from arkwright.api.v1.documents import JobItem
from arkwright.api.v1.fields import choice, list_, wrong
from arkwright.api.v1.job_body import read_job_body
from arkwright.api.v1.jobs import add_last_instances, job_item, job_write, tags_of, upstream_names
from arkwright.api.v1.schedule import found_job, started_with
from arkwright.api.v2 import documents
from arkwright.api.v2.names import newer, older_job
from arkwright.api.v2.paths import PAGE, RELATION, SIZE, route
from arkwright.core.alerts import job_names
from arkwright.errors import Code, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, DefinitionWrite, Kind

STATUSES = (
    "SCHEDULING",
    "STOPPED",
    "PAUSED",
    "STARTING",
    "NORMAL",
    "EXCEPTION",
    "STOPPING",
    "PAUSE",
    "ABNORMAL",
    "DISABLE",
    "OVERLOAD",
    "INIT",
)
MAX_IDS = 50
MAX_TAGS = 100
_CONNECTION_PROPERTIES = {
    "source_type": "sourceType",
    "source_name": "sourceName",
    "sink_type": "sinkType",
    "sink_name": "sinkName",
}


async def create_job(call: Call) -> Response:
    document = older_job(await call.document())
    # The newer body says owner and priority twice; the inner one counts.
    basic = document.get("basicConfig")
    if basic is None or isinstance(basic, dict):
        outer = {key: document[key] for key in ("owner", "priority") if document.get(key) not in (None, "")}
        inner = {key: value for key, value in (basic or {}).items() if value not in (None, "")}
        if outer:
            document["basicConfig"] = {**(basic or {}), **outer, **inner}
    body = read_job_body(document)
    _check_period(body.document)
    await call.parts.store.create_definition(call.place, Kind.JOB, job_write(call, body, status="STOPPED"))
    return empty()


async def list_jobs(call: Call) -> Response:
    category = choice(call.query.get("job_type"), "job_type", ("BATCH", "REAL_TIME")) or None
    name = call.query.get("job_name", "")
    wanted = _filter(call)
    if wanted is None:
        offset, size = call.slice(most=100)
        page = await call.parts.store.list_definitions(
            call.place, Kind.JOB, category=category, name_contains=name, offset=offset, limit=size
        )
        total, shown = page.total, page.items
    else:
        found = [job for job in await all_of(call, Kind.JOB, category=category, name_contains=name) if wanted(job)]
        total, shown = len(found), page_of(call, found)
    alarms = await _alarms(call) if call.flag("need_alarms") else None
    items = [job_item(job) for job in shown]
    await add_last_instances(call, shown, items)
    replies = [await _reply(call, job, item, alarms) for job, item in zip(shown, items, strict=True)]
    await _add_next_plan_times(call, shown, replies)
    return answer({"total": total, "jobs": replies})


async def rename_job(call: Call) -> Response:
    name = fields.job_name((await call.document()).get("name"))
    job = await _found(call)
    await _save(call, job, {**job.body, "name": name}, name=name)
    return answer({"is_success": True, "status_code": 200})


async def set_tags(call: Call) -> Response:
    given = list_((await call.document()).get("tag_names"), "tag_names", "texts")
    tags = list(dict.fromkeys(fields.text(tag, f"tag_names[{i}]", 128, least=1) for i, tag in enumerate(given)))
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"tag_names must have at most {MAX_TAGS} entries, not {len(tags)}.", field="tag_names")
    job = await _found(call)
    basic = {**(job.body.get("basicConfig") or {}), "tags": tags}
    await _save(call, job, {**job.body, "basicConfig": basic})
    return empty()


async def list_dependencies(call: Call) -> Response:
    relation = choice(call.query.get("relation"), "relation", ("parent", "child", "both")) or "both"
    job = await _found(call)
    jobs = await all_of(call, Kind.JOB)
    found: list[dict[str, Any]] = []
    if relation != "child":
        named = upstream_names(job)
        found += [_relative(each, "parent", call.workspace.name) for each in jobs if each.name in named]
        found += await _elsewhere(call, job)
    if relation != "parent":
        found += [
            _relative(each, "child", call.workspace.name)
            for each in jobs
            if each.id != job.id and job.name in upstream_names(each)
        ]
    return answer(found)


# ---------------------------------------------------------------- inside


async def _found(call: Call) -> Definition:
    name = call.path["job_name"]
    try:
        return await found_job(call, name)
    except NotFound:
        raise NotFound(f"Job[{name[:128]}] does not exist", field="job_name", code=Code.JOB_NOT_FOUND) from None


async def _save(call: Call, job: Definition, body: Mapping[str, Any], *, name: str = "") -> None:
    write = DefinitionWrite(
        name=name or job.name,
        category=job.category,
        directory=job.directory,
        body=body,
        submit=job.submitted_version == job.latest_version,
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
    )
    await call.parts.store.save_definition(call.place, Kind.JOB, job.name, write)


def _check_period(document: Mapping[str, Any]) -> None:
    cron = document["schedule"].get("cron")
    if cron and not cron.get("period"):
        raise InvalidInput(
            "schedule.cron.period is missing.",
            field="schedule.cron.period",
            hint='For instance "1 days".',
            code=Code.JOB_SCHEDULE_INVALID,
        )


def _filter(call: Call) -> Any:
    """The test that a job must pass; None: nothing is asked for that the store does not filter by itself."""
    query = call.query
    ids: set[int] = set()
    given_ids = texts_of(query.get("job_id", ""))
    for each in given_ids:
        value = whole_number(each)
        if value is None:
            raise wrong("job_id", "must be ids of jobs, comma-separated", each)
        ids.add(value)
    if len(given_ids) > MAX_IDS or len(query.get("job_id", "")) > 1000:
        raise InvalidInput(f"job_id must have at most {MAX_IDS} ids and 1000 characters.", field="job_id")
    statuses = {choice(each, "status", STATUSES) for each in texts_of(query.get("status", ""))}
    tags = set(texts_of(query.get("tags", "")))
    all_tags = call.flag("match_all_tags")
    connection = query.get("connection_name", "")
    properties = {key: query[name] for name, key in _CONNECTION_PROPERTIES.items() if query.get(name)}
    if not (ids or statuses or tags or connection or properties):
        return None

    def passes(job: Definition) -> bool:
        if ids and job.id not in ids:
            return False
        if statuses and (job.status or "STOPPED") not in statuses:
            return False
        if tags and not (tags <= tags_of(job) if all_tags else tags & tags_of(job)):
            return False
        given = [_properties(node) for node in job.body.get("nodes", ())]
        if connection and not any(each.get("connectionName") == connection for each in given):
            return False
        return all(any(str(each.get(key)) == value for each in given) for key, value in properties.items())

    return passes


def _properties(node: Mapping[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in node.get("properties") or ()}


async def _reply(
    call: Call, job: Definition, item: JobItem, alarms: Mapping[str, list[dict[str, str]]] | None
) -> dict[str, Any]:
    found = newer(msgspec.to_builtins(item))
    if job.status not in ("", "STOPPED"):
        started = await started_with(call, job)
        if started is not None:
            found["start_time"] = started.body["started_ms"]
    for key in ("singleNodeJobType", "emptyRunningJob"):
        if job.body.get(key) is not None:
            found.update(newer({key: job.body[key]}))
    if alarms is not None:
        found["alarms"] = alarms.get(job.name, [])
    return found


async def _add_next_plan_times(call: Call, jobs: Sequence[Definition], replies: Sequence[dict[str, Any]]) -> None:
    """Of jobs whose schedules are started and go on."""
    rows = await call.parts.store.get_schedules([job.id for job in jobs])
    next_ms = {row.job_id: row.next_ms for row in rows if row.next_ms is not None}
    for job, reply in zip(jobs, replies, strict=True):
        if job.id in next_ms:
            reply["next_plan_time"] = next_ms[job.id]


async def _alarms(call: Call) -> dict[str, list[dict[str, str]]]:
    """Per job the alarms that its rules make. These fields keep the older spelling, as the documents show them."""
    found: dict[str, list[dict[str, str]]] = {}
    for rule in await all_of(call, Kind.ALARM_RULE):
        alarm = {"alarmType": str(rule.body.get("remind_type", "")), "topicUrn": str(rule.body.get("urn", ""))}
        for name in job_names(rule.body):
            found.setdefault(name, []).append(alarm)
    return found


def owner_of(job: Definition) -> str:
    return str((job.body.get("basicConfig") or {}).get("owner") or job.created_by)


def _relative(job: Definition, layer: str, workspace: str) -> dict[str, Any]:
    return {
        "job_name": job.name,
        "job_path": job.directory,
        "depend_layer": layer,
        "workspace_name": workspace,
        "owner": owner_of(job),
    }


async def _elsewhere(call: Call, job: Definition) -> list[dict[str, Any]]:
    """Jobs of other workspaces that this one waits for, where they are this project's."""
    cron = (job.body.get("schedule") or {}).get("cron") or {}
    depend = cron.get("dependJobs") or {}
    found: list[dict[str, Any]] = []
    for each in depend if isinstance(depend, list) else [depend]:
        for other in each.get("otherWorkSpaceJobs") or ():
            if not isinstance(other, dict):
                continue
            workspace = call.parts.directory.workspace_by_id(str(other.get("workSpaceId", "")))
            if workspace is None or workspace.project_id != call.place.project_id:
                continue
            name = str(other.get("jobName", ""))
            entry = {"job_name": name, "depend_layer": "parent", "workspace_name": workspace.name}
            found.append({**entry, "job_path": "", "owner": ""})
    return found


def matches_owner(job: Definition, owner: str) -> bool:
    return contains(owner_of(job), owner)


# ---------------------------------------------------------------- routes

_EXAMPLE = {
    "name": "myJob",
    "process_type": "BATCH",
    "schedule": {
        "type": "CRON",
        "cron": {"start_time": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?", "period": "1 days"},
    },
    "nodes": [{"name": "only", "type": "Dummy", "location": {"x": "1", "y": "1"}, "properties": []}],
}

ROUTES: tuple[Route, ...] = (
    route(
        "POST",
        "/jobs",
        create_job,
        "createFactoryJob",
        "Create a job.",
        Action.JOB_CREATE,
        success=204,
        errors=(Code.JOB_EXISTS, Code.JOB_WITHOUT_NODES, Code.JOB_NAME_INVALID, Code.JOB_SCHEDULE_INVALID),
        example=_EXAMPLE,
        request=documents.NewJob,
    ),
    route(
        "GET",
        "/jobs",
        list_jobs,
        "listFactoryJobs",
        "The jobs of a workspace, newest first.",
        Action.JOB_READ,
        text("job_type", "Kind of jobs; none: all.", enum=["BATCH", "REAL_TIME"]),
        text("job_name", "A part of the name."),
        text("job_id", "Ids, comma-separated, at most 50."),
        text("status", "Statuses, comma-separated."),
        text("tags", "Tags, comma-separated."),
        flag("match_all_tags", "All of the tags instead of one of them."),
        flag("need_alarms", "Answer the alarms of each job."),
        text("connection_name", "Jobs with a node that uses this connection."),
        text("source_type", "Type of the source's connection."),
        text("source_name", "Name of the source's connection."),
        text("sink_type", "Type of the target's connection."),
        text("sink_name", "Name of the target's connection."),
        PAGE,
        SIZE,
        response=documents.JobList,
    ),
    route(
        "PUT",
        "/jobs/{job_name}/rename",
        rename_job,
        "updateFactoryJobName",
        "Give a job another name.",
        Action.JOB_EDIT,
        errors=(Code.JOB_NOT_FOUND, Code.JOB_EXISTS, Code.JOB_NAME_INVALID),
        example={"name": "newName"},
        request=documents.NewName,
        response=documents.Done,
    ),
    route(
        "POST",
        "/jobs/{job_name}/tags",
        set_tags,
        "setFactoryJobTags",
        "Set the tags of a job; an empty list removes them.",
        Action.TAG_EDIT,
        success=204,
        errors=(Code.JOB_NOT_FOUND,),
        example={"tag_names": ["daily"]},
        request=documents.Tags,
    ),
    route(
        "GET",
        "/jobs/{job_name}/depend",
        list_dependencies,
        "showFactoryJobDependInstances",
        "Jobs that this job waits for, and jobs that wait for it.",
        Action.JOB_READ,
        RELATION,
        errors=(Code.JOB_NOT_FOUND,),
        response=list[documents.RelatedJob],
    ),
)
