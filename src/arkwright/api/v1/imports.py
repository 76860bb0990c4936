"""Imports: zips of jobs, scripts and resources, or of connections, as system tasks; and a look into such a zip.

Decided here: the file is fetched before the answer, so that a missing one is refused at once; everything after that is
the task's. Each thing is one subtask and one write, which happens whole or not at all. What exists already is skipped
or overwritten as `sameNamePolicy` says; a job whose schedule runs is never overwritten, and an import never starts a
schedule. Without `targetStatus`, what was saved and not submitted stays so where the file says it, as our exports do.
`params` sets parameters that a job declares, `jobsParam` those of one job, declared or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer
from arkwright.api.error_codes import NOT_CONFIGURED, OBS_PATH_INVALID, OBS_UNREADABLE
from arkwright.api.route import Route
from arkwright.api.v1 import fields
from arkwright.api.v1.documents import Approver
from arkwright.api.v1.fields import choice, list_, object_, renamed, text, wrong
from arkwright.api.v1.import_source import Source, fetched, unreadable
from arkwright.api.v1.savers import Policy, Saver, save_connection, saver
from arkwright.errors import InvalidInput
from arkwright.iam.model import Action
from arkwright.transfer.package import CONNECTIONS, JOBS, Entry, EntryKind, PackageInvalid
from arkwright.transfer.rewrite import REPLACEABLE, Changes, Replacement
from arkwright.transfer.tasks import Progress

MAX_LISTED = 10_000


class JobParams(Struct, kw_only=True, omit_defaults=True):
    name: str
    params: dict[str, str] | UnsetType = UNSET


class ReplacedResource(Struct, kw_only=True, omit_defaults=True):
    name: str
    type: str
    replace: str


class Chosen(Struct, kw_only=True, omit_defaults=True):
    jobs: list[str] = []
    scripts: list[str] = []


class ImportJobs(Struct, kw_only=True, omit_defaults=True):
    path: str
    params: dict[str, str] | UnsetType = UNSET
    sameNamePolicy: Literal["SKIP", "OVERWRITE"] | UnsetType = UNSET
    jobsParam: list[JobParams] | UnsetType = UNSET
    executeUser: str | UnsetType = UNSET
    targetStatus: Literal["SAVED", "SUBMITTED", "PRODUCTION"] | UnsetType = UNSET
    approvers: list[Approver] | UnsetType = UNSET
    resources: list[ReplacedResource] | UnsetType = UNSET
    only: Chosen | UnsetType = UNSET
    """Ours: of the jobs and scripts of the zip these alone; none: all of them. Resources always come along."""


class ConnectionParams(Struct, kw_only=True, omit_defaults=True):
    name: str
    type: str | UnsetType = UNSET
    params: dict[str, str] | UnsetType = UNSET


class ImportConnections(Struct, kw_only=True, omit_defaults=True):
    path: str
    params: list[ConnectionParams] | UnsetType = UNSET
    sameNamePolicy: Literal["SKIP", "OVERWRITE"] | UnsetType = UNSET


class TaskId(Struct, kw_only=True):
    taskId: str


class FilePath(Struct, kw_only=True):
    path: str


class FileJob(Struct, kw_only=True):
    name: str
    path: str
    params: dict[str, Any]


class FileScript(Struct, kw_only=True):
    name: str
    path: str


class FileInfo(Struct, kw_only=True):
    jobs: list[FileJob]
    scripts: list[FileScript]


async def import_jobs(call: Call) -> Response:
    wish = await call.document()
    changes = Changes(
        parameters=_values(wish.get("params"), "params"),
        parameters_of_job=_parameters_of_jobs(wish.get("jobsParam")),
        execute_user=text(wish.get("executeUser"), "executeUser", 128),
        replacements=_replacements(wish.get("resources")),
    )
    target_status = fields.target_status(wish.get("targetStatus"))
    if target_status == "PRODUCTION":
        require(call.actor, Action.JOB_PRODUCE, call.workspace)
    fields.approvers(wish.get("approvers"))
    submit = target_status != "SAVED" if target_status else None
    policy = Policy(overwrite=_overwrites(wish), submit=submit, changes=changes)
    chosen = _chosen(wish.get("only"))
    return await _start(call, wish, "Import the job from", JOBS, saver(call, policy), chosen)


async def import_connections(call: Call) -> Response:
    wish = await call.document()
    given = _connection_params(wish.get("params"))
    overwrite = _overwrites(wish)

    async def save(kind: EntryKind, document: Mapping[str, Any]) -> str:
        return await save_connection(call, document, given, overwrite=overwrite)

    return await _start(call, wish, "Import the connection from", CONNECTIONS, save)


async def _start(
    call: Call,
    wish: Mapping[str, Any],
    title: str,
    kinds: frozenset[EntryKind],
    save: Saver,
    chosen: Mapping[EntryKind, frozenset[str]] | None = None,
) -> Response:
    source = await fetched(call, wish.get("path"))

    async def steps(progress: Progress) -> None:
        try:
            await _import(progress, source, kinds, save, chosen or {})
        finally:
            await source.close()

    try:
        task_id = await call.parts.system_tasks.start(
            call.place, name=f"{title} {source.path}.", actor=call.actor.user_name, steps=steps
        )
    except BaseException:
        await source.close()
        raise
    return answer(TaskId(taskId=task_id))


async def _import(
    progress: Progress,
    source: Source,
    kinds: frozenset[EntryKind],
    save: Saver,
    chosen: Mapping[EntryKind, frozenset[str]],
) -> None:
    try:
        await source.open()
        entries = [
            entry
            for entry in await asyncio.to_thread(source.package.entries, kinds)
            if entry.kind is None or entry.kind not in chosen or entry.name in chosen[entry.kind]
        ]
        if not entries:
            raise InvalidInput(f"{source.path} holds nothing to import.")
    except InvalidInput as error:
        await progress.subtask(f"Read {source.path}.", partial(_fail, error))
        return
    for entry in entries:
        await progress.subtask(_title(entry), partial(_import_one, source, entry, save))


async def _fail(error: InvalidInput) -> str:
    raise error


async def _import_one(source: Source, entry: Entry, save: Saver) -> str:
    if entry.fault or entry.kind is None:
        raise InvalidInput(entry.fault)
    document = await asyncio.to_thread(source.package.read, entry)
    document["name"] = entry.name
    return await save(entry.kind, document)


def _title(entry: Entry) -> str:
    return f"Import the {entry.name} {entry.kind or 'file'}."


async def check_file(call: Call) -> Response:
    source = await fetched(call, (await call.document()).get("path"))
    try:
        return answer(await _file_info(source))
    except PackageInvalid as error:
        raise unreadable(error) from error
    finally:
        await source.close()


async def _file_info(source: Source) -> FileInfo:
    await source.open()
    entries = await asyncio.to_thread(source.package.entries, JOBS)
    info = FileInfo(jobs=[], scripts=[])
    for entry in entries[:MAX_LISTED]:
        if entry.fault:
            raise PackageInvalid(entry.fault)
        if entry.kind is EntryKind.RESOURCE:
            continue
        document = await asyncio.to_thread(source.package.read, entry)
        path = fields.directory(document.get("directory"))
        if entry.kind is EntryKind.SCRIPT:
            info.scripts.append(FileScript(name=entry.name, path=path))
        else:
            info.jobs.append(FileJob(name=entry.name, path=path, params=_declared(document)))
    return info


def _declared(document: Mapping[str, Any]) -> dict[str, Any]:
    params = document.get("params")
    found = [each for each in params if isinstance(each, dict)] if isinstance(params, list) else []
    return {str(each.get("name")): each.get("value") for each in found}


# ---------------------------------------------------------------- reading the wish


def _overwrites(wish: Mapping[str, Any]) -> bool:
    return choice(wish.get("sameNamePolicy"), "sameNamePolicy", ("SKIP", "OVERWRITE")) == "OVERWRITE"


def _values(given: Any, field: str) -> dict[str, str]:
    found = {}
    for name, value in object_(given, field).items():
        if not fields.PARAMETER_NAME.fullmatch(name):
            raise wrong(field, "has a name that is none of a parameter", name)
        found[name] = text(value, f"{field}.{name}", 1024)
    return found


def _parameters_of_jobs(given: Any) -> dict[str, dict[str, str]]:
    if isinstance(given, dict):  # the clients type it as an object
        given = [given] if "name" in given else [{"name": key, "params": each} for key, each in given.items()]
    found: dict[str, dict[str, str]] = {}
    for index, each in enumerate(list_(given, "jobsParam", "objects with name and params")):
        where = f"jobsParam[{index}]"
        if not isinstance(each, dict):
            raise wrong(where, "must be an object with name and params", each)
        name = text(each.get("name"), f"{where}.name", 128, least=1)
        found.setdefault(name, {}).update(_values(each.get("params"), f"{where}.params"))
    return found


def _replacements(given: Any) -> list[Replacement]:
    found = []
    for index, each in enumerate(list_(given, "resources", "objects with name, type and replace")):
        where = f"resources[{index}]"
        if not isinstance(each, dict):
            raise wrong(where, "must be an object with name, type and replace", each)
        kind = choice(each.get("type"), f"{where}.type", REPLACEABLE)
        if not kind:
            raise InvalidInput(f"{where}.type is missing.", field=f"{where}.type")
        found.append(
            Replacement(
                name=text(each.get("name"), f"{where}.name", 255, least=1),
                type=kind,
                replace=text(each.get("replace"), f"{where}.replace", 255, least=1),
            )
        )
    return found


def _chosen(given: Any) -> dict[EntryKind, frozenset[str]]:
    """Names per kind; a kind that is not in it is not bounded."""
    if given is None:
        return {}
    wish = object_(given, "only")
    found = {}
    for kind, field in ((EntryKind.JOB, "jobs"), (EntryKind.SCRIPT, "scripts")):
        names = list_(wish.get(field), f"only.{field}", "names")
        found[kind] = frozenset(text(each, f"only.{field}[{index}]", 128, least=1) for index, each in enumerate(names))
    return found


def _connection_params(given: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for index, each in enumerate(list_(given, "params", "objects with name, type and params")):
        where = f"params[{index}]"
        if not isinstance(each, dict):
            raise wrong(where, "must be an object with name, type and params", each)
        plain = renamed(each, {"connectionType": "type"}, f"{where}.")
        name = text(plain.get("name"), f"{where}.name", 100, least=1)
        kind = text(plain.get("type"), f"{where}.type", 64)
        found[name] = {"type": kind, "params": dict(object_(plain.get("params"), f"{where}.params"))}
    return found


# ---------------------------------------------------------------- routes

_ERRORS = (OBS_UNREADABLE, OBS_PATH_INVALID, NOT_CONFIGURED)

ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/jobs/import",
        handler=import_jobs,
        operation="importJob",
        summary="Import jobs, scripts and resources from a zip, as a system task. Never starts a schedule.",
        tag="transfer",
        action=Action.JOB_OPERATE,
        request=ImportJobs,
        response=TaskId,
        errors=_ERRORS,
        example={"path": "obs://aaaaa/job_batch.zip", "jobsParam": [{"name": "job_batch"}]},
        answer={"taskId": "008aae2e675933c7016759418e870000"},
    ),
    Route(
        method="POST",
        path="/v1/{project_id}/jobs/check-file",
        handler=check_file,
        operation="showFileInfo",
        summary="The jobs and scripts in a zip.",
        tag="transfer",
        action=Action.JOB_OPERATE,
        request=FilePath,
        response=FileInfo,
        errors=_ERRORS,
        example={"path": "obs://aaaaa/DLF_myJob.zip"},
    ),
    Route(
        method="POST",
        path="/v1/{project_id}/connections/import",
        handler=import_connections,
        operation="importConnections",
        summary="Import connections from a zip, as a system task. Secrets come from `params`.",
        tag="transfer",
        action=Action.CONNECTION_OPERATE,
        request=ImportConnections,
        response=TaskId,
        errors=_ERRORS,
        example={"path": "obs://aaaaa/DLF_All_DataConnections.zip", "sameNamePolicy": "OVERWRITE"},
        answer={"taskId": "008aae2e675933c7016759418e870000"},
    ),
)
