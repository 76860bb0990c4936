"""Exports: jobs with what they depend on, and connections, as zips that stream out entry by entry.

Decided here: which versions go in is settled before the first byte leaves, so that an export is of one moment and a
missing job is an error and no broken download. A script or resource that a job names and that does not exist is left
out, as the job may be saved without it. With `obsPath` the zip is also stored there. An export of what is developed
also carries the submitted version where that is another one, so that an import brings both states back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp

from arkwright.api.call import Call, answer, short
from arkwright.api.error_codes import CONNECTION_NOT_FOUND, OBS_PATH_INVALID, OBS_UNREADABLE
from arkwright.api.errors import HttpRefusal
from arkwright.api.obs import told
from arkwright.api.records import all_of
from arkwright.api.route import Route
from arkwright.api.v1.connection_body import without_secrets
from arkwright.api.v1.fields import choice, list_, text, truth
from arkwright.core.job_document import read_job, script_names
from arkwright.core.masking import shown_parameters
from arkwright.errors import Code, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.objects.paths import ObsPath, parse
from arkwright.store.base import Definition, Kind
from arkwright.transfer.archive import SUBMITTED, connection_entry, job_entry, resource_entry, script_entry, zipped

MAX_JOBS = 100


class ExportJob(Struct, kw_only=True, omit_defaults=True):
    exportDepend: bool | UnsetType = UNSET
    exportStatus: Literal["DEVELOP", "SUBMIT"] | UnsetType = UNSET
    obsPath: str | UnsetType = UNSET


class ExportJobs(ExportJob, kw_only=True, omit_defaults=True):
    jobList: list[str]


@dataclass(frozen=True, slots=True)
class _Pin:
    """An immutable version: small, however large its document is."""

    name: str
    id: int
    version: int
    submitted: int | None = 0
    """The version that is submitted, where that is another one; None: no version is. 0: nothing is said of it."""


Pins = Sequence[tuple[str, _Pin]]
"""Paths in the zip, and what goes there."""


async def export_job(call: Call) -> ASGIApp:
    wish = await call.document(required=False)
    name = call.path["job_name"]
    return await _export(call, [name], wish, filename=f"DLF_{name}.zip", alone=True)


async def export_jobs(call: Call) -> ASGIApp:
    wish = await call.document()
    names = list_(wish.get("jobList"), "jobList", "names of jobs")
    if not 1 <= len(names) <= MAX_JOBS:
        raise InvalidInput(f"jobList must have 1 to {MAX_JOBS} names, not {len(names)}.", field="jobList")
    for index, each in enumerate(names):
        text(each, f"jobList[{index}]", 128, least=1)
    return await _export(call, list(dict.fromkeys(names)), wish, filename="jobs.zip", alone=False)


async def export_connections(call: Call) -> ASGIApp:
    pins = [
        (connection_entry(each.name), _Pin(each.name, each.id, each.version))
        for each in await all_of(call, Kind.CONNECTION)
    ]
    if not pins:
        raise HttpRefusal(CONNECTION_NOT_FOUND, "The workspace has no connections.")
    return _download(zipped(_documents(call, pins, secrets=False)), "DLF_All_DataConnections.zip")


# ---------------------------------------------------------------- what goes in


async def _export(call: Call, names: Sequence[str], wish: Mapping[str, Any], *, filename: str, alone: bool) -> ASGIApp:
    depend = truth(wish.get("exportDepend"), "exportDepend") is not False
    submitted = (choice(wish.get("exportStatus"), "exportStatus", ("DEVELOP", "SUBMIT")) or "DEVELOP") == "SUBMIT"
    told_where = bool(wish.get("obsPath")) and (call.header(b"accept") or "").lower() == "application/json"
    folder = _folder(call, wish.get("obsPath"), filename) if told_where else None
    target = _target(wish.get("obsPath") if folder is None else str(folder), filename)
    pins: list[tuple[str, _Pin]] = []
    scripts: dict[str, None] = {}
    values: set[str] = set()
    for name in names:
        job = await _job(call, name, submitted)
        pins.append((job_entry(name, alone=alone), _pin(name, job, submitted)))
        if depend:
            found, used = _dependencies(job)
            scripts.update(dict.fromkeys(found))
            values |= used
    for name in scripts:
        script = await _either(call, Kind.SCRIPT, name, submitted)
        if script is not None:
            pins.append((script_entry(name), _pin(name, script, submitted)))
    if values:
        pins += await _resources(call, values)
    content = zipped(_documents(call, pins))
    if target is None:
        return _download(content, filename)
    with told():
        await call.parts.objects.write(target, content)
    if folder is not None:
        return answer({"obsPath": str(folder)})
    return _download(call.parts.objects.read(target), filename)


def _pin(name: str, found: Definition, submitted: bool) -> _Pin:
    if submitted or found.submitted_version == found.version:
        return _Pin(name, found.id, found.version)
    return _Pin(name, found.id, found.version, found.submitted_version)


def _folder(call: Call, given: Any, filename: str) -> ObsPath:
    """A new folder in the given one, for a client that takes JSON alone: it is told the folder instead of the zip."""
    with told():
        name = filename.removeprefix("DLF_").removesuffix(".zip")
        return parse(given).below(f"{name}_exported/{call.parts.now_ms()}")


def _target(given: Any, filename: str) -> ObsPath | None:
    """Where else to put the zip: a folder, or a path that ends in .zip."""
    if given in (None, ""):
        return None
    with told():
        path = parse(given)
        return path if path.key.endswith(".zip") else path.below(filename)


async def _job(call: Call, name: str, submitted: bool) -> Definition:
    found = await call.parts.store.get_definition(call.place, Kind.JOB, name, submitted=submitted)
    if found is None:
        why = " submitted version of the" if submitted else ""
        raise NotFound(f"There is no{why} job {short(name)}.", field="job_name", code=Code.JOB_NOT_FOUND)
    return found


async def _either(call: Call, kind: Kind, name: str, submitted: bool) -> Definition | None:
    """The wanted version, or the newest where there is no submitted one."""
    found = await call.parts.store.get_definition(call.place, kind, name, submitted=submitted)
    if found is None and submitted:
        found = await call.parts.store.get_definition(call.place, kind, name)
    return found


def _dependencies(job: Definition) -> tuple[Sequence[str], set[str]]:
    """Names of the job's scripts, and all values of its nodes' properties, among which are names of resources."""
    try:
        read = read_job(job.body)
    except InvalidInput as error:
        raise InvalidInput(f"The job {job.name} can't be read: {error.message}", field=error.field) from error
    return script_names(read), {value for node in read.nodes for value in node.properties.values() if value}


async def _resources(call: Call, values: set[str]) -> list[tuple[str, _Pin]]:
    """Resources that are named, or whose file is, by one of the values."""
    found = [
        (resource_entry(each.name), _Pin(each.name, each.id, each.version))
        for each in await all_of(call, Kind.RESOURCE)
        if each.name in values or each.body.get("location") in values
    ]
    return sorted(found, key=lambda each: each[0])


def _shown(definition: Definition) -> Mapping[str, Any]:
    """The document as it may leave: a job's masked parameters without their values."""
    return shown_parameters(definition.body) if definition.kind is Kind.JOB else definition.body


async def _documents(
    call: Call, pins: Pins, *, secrets: bool = True
) -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
    for path, pin in pins:
        definition = await call.parts.store.get_definition_version(pin.id, pin.version)
        if definition is None:
            raise NotFound(f"Version {pin.version} of {pin.name} is gone.")
        # In the order in which it was sent: export, import and export again are the same bytes.
        document = {**_shown(definition), "name": pin.name}
        if definition.kind is not Kind.JOB:
            document.setdefault("type", definition.category)
        if pin.submitted is None:
            document[SUBMITTED] = None
        elif pin.submitted:
            other = await call.parts.store.get_definition_version(pin.id, pin.submitted)
            document[SUBMITTED] = None if other is None else _shown(other)
        if not secrets:
            document["config"] = without_secrets(definition.body.get("config") or {})
        yield path, document


def _download(content: AsyncGenerator[bytes, None], filename: str) -> StreamingResponse:
    plain = filename if filename.isascii() else "export.zip"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename)}"
    return StreamingResponse(content, 200, {"Content-Disposition": disposition}, "application/octet-stream")


# ---------------------------------------------------------------- routes

_ERRORS = (Code.JOB_NOT_FOUND, OBS_PATH_INVALID, OBS_UNREADABLE)

ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/jobs/{job_name}/export",
        handler=export_job,
        operation="exportJob",
        summary="A job with the scripts and resources that it depends on, as DLF_<job>.zip. With `obsPath` and "
        "`Accept: application/json` the reply names the new folder instead.",
        tag="transfer",
        action=Action.JOB_OPERATE,
        request=ExportJob,
        request_required=False,
        response=bytes,
        media_type="application/octet-stream",
        errors=_ERRORS,
        example={"exportDepend": True},
    ),
    Route(
        method="POST",
        path="/v1/{project_id}/jobs/batch-export",
        handler=export_jobs,
        operation="exportJobList",
        summary="Up to 100 jobs with the scripts and resources that they depend on, as jobs.zip.",
        tag="transfer",
        action=Action.JOB_OPERATE,
        request=ExportJobs,
        response=bytes,
        media_type="application/octet-stream",
        errors=_ERRORS,
        example={"jobList": ["job_batch", "job_stream"], "exportDepend": True},
    ),
    Route(
        method="POST",
        path="/v1/{project_id}/connections/export",
        handler=export_connections,
        operation="exportConnections",
        summary="All connections, without their secrets, as DLF_All_DataConnections.zip.",
        tag="transfer",
        action=Action.CONNECTION_OPERATE,
        response=bytes,
        media_type="application/octet-stream",
        errors=(CONNECTION_NOT_FOUND,),
    ),
)
