"""Which jobs read or write a table: lineage of jobs, from the SQL of their submitted versions.

Rules: looked at are nodes of the types DLI SQL, Hive SQL and Spark SQL, with their own statement or their script; where
the text names no database, it is that of the node or script. See `sql_tables` for what counts as a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.records import all_of, contains, page_of
from arkwright.api.route import Route, number, text
from arkwright.api.v1.fields import choice
from arkwright.api.v2 import report_documents
from arkwright.api.v2.jobs import matches_owner, owner_of
from arkwright.api.v2.paths import PAGE, route
from arkwright.api.v2.sql_tables import tables_of
from arkwright.core.job_document import canonical_type
from arkwright.errors import InvalidInput
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind

_TYPES = {"DLI": "dlisql", "HIVE": "hivesql", "SPARK": "sparksql"}
_STATEMENTS = ("statement", "sql", "script", "sqlStatement")


async def list_references(call: Call) -> Response:
    query = call.query
    table = query.get("table_name", "").strip()
    if not table:
        raise InvalidInput("table_name is missing.", field="table_name")
    kind = choice(query.get("db_type"), "db_type", _TYPES)
    if not kind:
        raise InvalidInput("db_type is missing.", field="db_type", hint="DLI, HIVE or SPARK.")
    io_type = call.number("io_type", most=1)
    found: list[dict[str, Any]] = []
    if contains(call.workspace.name, query.get("workspace_name", "")):
        for job in await all_of(call, Kind.JOB):
            if matches_owner(job, query.get("owner", "")):
                found += await _references(call, job, table.lower(), kind)
    found = [
        each
        for each in found
        if (io_type is None or each["io_type"] == io_type)
        and contains(each["data_base"], query.get("data_base_name", ""))
        and contains(each["cluster_name"], query.get("cluster_name", ""))
        and contains(each["execute_user"], query.get("execute_user", ""))
    ]
    shown = page_of(call, found, default=20)
    return answer({"total": len(found), "task_table_detail_list": shown})


async def _references(call: Call, job: Definition, table: str, kind: str) -> list[dict[str, Any]]:
    if job.submitted_version is None:
        return []
    submitted = job
    if job.submitted_version != job.latest_version:
        known = await call.parts.store.get_definition_version(job.id, job.submitted_version)
        submitted = known or job
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for node in submitted.body.get("nodes", ()):
        if canonical_type(str(node.get("type", ""))) != _TYPES[kind]:
            continue
        properties = {each["name"]: str(each.get("value") or "") for each in node.get("properties") or ()}
        sql, script = await _sql(call, properties)
        database = properties.get("database") or str(script.get("database") or "")
        for each in tables_of(sql):
            key = (each.database or database, int(each.written))
            if each.name.lower() == table and key not in found:
                found[key] = {
                    "job_id": job.id,
                    "job_name": job.name,
                    "db_type": kind,
                    "data_base": key[0],
                    "table_name": each.name,
                    "cluster_name": properties.get("clusterName", ""),
                    "workspace_name": call.workspace.name,
                    "workspace_id": call.workspace.id,
                    "owner": owner_of(job),
                    "last_submit_time": submitted.updated_ms,
                    "io_type": key[1],
                    "is_dynamic": each.dynamic,
                    "execute_user": str((submitted.body.get("basicConfig") or {}).get("executeUser") or ""),
                }
    return list(found.values())


async def _sql(call: Call, properties: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
    """The node's SQL, and the script that it comes from."""
    name = properties.get("scriptName", "")
    if name and properties.get("statementOrScript", "").lower() != "statement":
        script = await call.parts.store.get_definition(call.place, Kind.SCRIPT, name, submitted=True)
        return ("", {}) if script is None else (str(script.body.get("content") or ""), script.body)
    return "\n".join(properties[each] for each in _STATEMENTS if properties.get(each)), {}


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/task-table-references",
        list_references,
        "listTaskTableReferenceDetail",
        "Jobs that read or write a table.",
        Action.JOB_READ,
        text("table_name", "Name of the table.", example="orders"),
        text("db_type", "Kind of database.", enum=list(_TYPES)),
        text("data_base_name", "A part of the database's name."),
        text("cluster_name", "A part of the cluster's name."),
        number("io_type", "0 reads, 1 writes.", minimum=0, maximum=1),
        text("workspace_name", "A part of the workspace's name."),
        text("owner", "A part of the owner's name."),
        text("execute_user", "A part of the execution user's name."),
        PAGE,
        number("limit", "Records on a page.", minimum=1, maximum=100, default=20),
        response=report_documents.TableReferences,
    ),
)
