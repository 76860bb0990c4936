"""Full-text search over the nodes of jobs and the scripts of the workspaces that the caller may read.

Rules: every hit is a node of a job, or a script. General matching finds documents with all words of the wish, in any
order; fuzzy matching finds the wish as it is written. Both ignore case. Job parameters are searched only on demand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.records import all_of, texts_of
from arkwright.api.route import Route, flag, number, text
from arkwright.api.v1.fields import choice, wrong
from arkwright.api.v2 import documents
from arkwright.api.v2.jobs import owner_of
from arkwright.api.v2.paths import PAGE, SIZE, route
from arkwright.core.identity import Workspace
from arkwright.core.job_document import canonical_type
from arkwright.errors import InvalidInput
from arkwright.iam.model import Action, can
from arkwright.store.base import Definition, Kind, Place

_JAVA = "com.cloud.datacraft."
NODE_CLASSES: Mapping[str, str] = {
    canonical_type(name): f"{_JAVA}{where}"
    for name, where in (
        ("HiveSQL", "processactivity.ExecuteHiveJob"),
        ("SparkSQL", "activity.ExecuteSparkSQL"),
        ("MRSSparkPython", "activity.MRSSparkPython"),
        ("MRSImpalaSQL", "activity.ExecuteImpalaJob"),
        ("DLISQL", "activity.DLISQL"),
        ("DLIFlinkJob", "activity.DliFlinkJob"),
        ("DWSSQL", "activity.ExecuteDWSJob"),
        ("RDSSQL", "activity.ExecuteQuery"),
        ("MRSPrestoSQL", "activity.MRSPrestoSQL"),
        ("Shell", "activity.ExecuteScript"),
        ("Python", "activity.ExecutePythonScript"),
        ("MRSClickHouse", "activity.ExecuteClickHouseJob"),
        ("MRSHetuEngine", "activity.ExecuteHetuEngineJob"),
        ("DataMigration", "activity.DataMigration"),
    )
}
"""Per canonical node type the name that this search has for it."""

_SCRIPT_TYPES = {"hive": "hivesql", "dli": "dlisql", "dws": "dwssql", "rds": "rdssql", "clickhouse": "clickhousesql"}
_EXACT = ("jobName", "scriptName", "jobId", "scriptId")
_STOPPED = ("", "STOPPED")


async def search(call: Call) -> Response:
    wanted = call.query.get("search_text", "")
    if len(wanted.strip()) < 2:
        raise InvalidInput(
            "search_text must have at least 2 characters.", field="search_text", hint="Send the text to look for."
        )
    hit = _matcher(call, wanted.strip().casefold())
    kinds = {choice(each, "doc_types", ("node", "script")) for each in texts_of(call.query.get("doc_types", ""))}
    offset, size = call.slice(most=100)
    found: list[dict[str, Any]] = []
    for workspace in _workspaces(call):
        place = Place(project_id=workspace.project_id, workspace_id=workspace.id)
        if not kinds or "node" in kinds:
            async for job in _documents(call, Kind.JOB, place):
                if _wanted_job(call, job):
                    found += [each for each in _nodes(call, job, workspace) if hit(each)]
        if not kinds or "script" in kinds:
            async for script in _documents(call, Kind.SCRIPT, place):
                detail = _script(script, workspace)
                if _wanted_script(call, script) and hit(detail):
                    found.append(detail)
    found.sort(key=lambda each: (-each["last_modified_time"], each["id"]))
    shown = [{key: value for key, value in each.items() if key != "text"} for each in found[offset : offset + size]]
    page = call.number("offset", 0) or 0
    return answer({"limit": size, "offset": page, "total_hits": len(found), "search_details": shown})


def _matcher(call: Call, wanted: str) -> Callable[[dict[str, Any]], bool]:
    fuzzy = call.number("match_type", 0, most=1) == 1
    if call.flag("is_exact"):
        field = choice(call.query.get("exact_field"), "exact_field", _EXACT)
        if not field:
            raise wrong("exact_field", f"must be one of {', '.join(_EXACT)} with is_exact", None)
        name = {"jobName": "job_name", "scriptName": "script_name", "jobId": "job_id", "scriptId": "script_id"}[field]
        return lambda detail: str(detail.get(name, "")).casefold() == wanted
    words = [wanted] if fuzzy else wanted.split()
    return lambda detail: all(word in detail["text"] for word in words)


def _workspaces(call: Call) -> list[Workspace]:
    only = call.query.get("workspace_id", "")
    if only:
        call.parts.directory.workspace(call.place.project_id, only)  # raises when there is none
    return [
        each
        for each in call.parts.directory.workspaces_of(call.place.project_id)
        if (not only or each.id == only) and can(call.actor, Action.JOB_READ, each.id)
    ]


async def _documents(call: Call, kind: Kind, place: Place) -> AsyncIterator[Definition]:
    """The newest or the submitted versions, as asked for, of the owners and times asked for."""
    committed = (
        choice(call.query.get("new_save_or_commit"), "new_save_or_commit", ("save", "commit")) or ""
    ) == "commit"
    owners = set(texts_of(call.query.get("owners", "")))
    from_ms, to_ms = call.number("begin_time"), call.number("end_time")
    for each in await all_of(call, kind, place=place):
        found: Definition | None = each
        if committed and each.submitted_version != each.latest_version:
            version = each.submitted_version
            found = None if version is None else await call.parts.store.get_definition_version(each.id, version)
        if (
            found is None
            or (owners and owner_of(found) not in owners)
            or (from_ms is not None and found.updated_ms < from_ms)
            or (to_ms is not None and found.updated_ms > to_ms)
        ):
            continue
        yield found


def _wanted_job(call: Call, job: Definition) -> bool:
    types = set(texts_of(call.query.get("job_type", "")))
    state = choice(call.query.get("schedule_state"), "schedule_state", ("running", "stop"))
    if types and job.category not in types:
        return False
    return not state or (state == "stop") is (job.status in _STOPPED)


def _wanted_script(call: Call, script: Definition) -> bool:
    types = {each.lower() for each in texts_of(call.query.get("script_type", ""))}
    if not types:
        return True
    plain = script.category.replace(" ", "").lower()
    return any(plain == _SCRIPT_TYPES.get(each, each) for each in types)


def _nodes(call: Call, job: Definition, workspace: Workspace) -> list[dict[str, Any]]:
    types = {each.casefold() for each in texts_of(call.query.get("node_type", ""))}
    with_parameters = call.flag("if_query_parameters")
    parameters = "\n".join(f"{each.get('name')}={each.get('value')}" for each in job.body.get("params") or ())
    found = []
    for index, node in enumerate(job.body.get("nodes", ())):
        canonical = canonical_type(node["type"])
        class_name = NODE_CLASSES.get(canonical, node["type"])
        if types and not types & {class_name.casefold(), node["type"].casefold()}:
            continue
        properties = [f"{each.get('name')}={each.get('value')}" for each in node.get("properties") or ()]
        texts = [job.name, node["name"], *properties, *([parameters] if with_parameters else [])]
        detail = {
            **_common(job, workspace, "node"),
            "id": f"{job.id}-{index}",
            "job_id": str(job.id),
            "job_name": job.name,
            "job_type": job.category,
            "job_params": parameters,
            "node_name": node["name"],
            "node_type": class_name,
            "schedule_state": "stop" if job.status in _STOPPED else "running",
            "text": "\n".join(texts).casefold(),
        }
        if job.body.get("singleNodeJobType"):
            detail["single_node_job_type"] = str(job.body["singleNodeJobType"])
        found.append(detail)
    return found


def _script(script: Definition, workspace: Workspace) -> dict[str, Any]:
    return {
        **_common(script, workspace, "script"),
        "id": str(script.id),
        "script_id": str(script.id),
        "script_name": script.name,
        "script_type": script.category,
        "text": f"{script.name}\n{script.body.get('content') or ''}".casefold(),
    }


def _common(found: Definition, workspace: Workspace, kind: str) -> dict[str, Any]:
    return {
        "project_id": workspace.project_id,
        "workspace": workspace.id,
        "workspace_name": workspace.name,
        "doc_type": kind,
        "owner": owner_of(found),
        "new_save_or_commit": "commit" if found.version == found.submitted_version else "save",
        "version": found.version,
        "last_modified_time": found.updated_ms,
    }


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/search",
        search,
        "showFactoryFullText",
        "Search nodes of jobs and scripts for a text.",
        Action.JOB_READ,
        text("search_text", "At least two characters.", example="select"),
        text("workspace_id", "Search this workspace alone."),
        text("job_type", "BATCH, REAL_TIME; comma-separated."),
        text("script_type", "Types of scripts, comma-separated."),
        text("node_type", "Types of nodes, comma-separated."),
        text("new_save_or_commit", "Newest or submitted versions.", enum=["save", "commit"], default="save"),
        text("owners", "Owners, comma-separated."),
        text("doc_types", "node, script; comma-separated."),
        number("begin_time", "Changed from then on, epoch milliseconds."),
        number("end_time", "Changed until then, epoch milliseconds."),
        flag("if_query_parameters", "Search the parameters of jobs as well."),
        number("match_type", "0: all words; 1: the text as it is.", minimum=0, maximum=1, default=0),
        text("schedule_state", "State of the job's schedule.", enum=["running", "stop"]),
        flag("is_exact", "Compare one field, `exact_field`, as a whole."),
        text("exact_field", "Field to compare.", enum=list(_EXACT)),
        PAGE,
        SIZE,
        response=documents.Hits,
    ),
)
