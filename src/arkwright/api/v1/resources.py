"""Resources: files in the object storage that jobs refer to by name.

Decided here: names are unique in a workspace, as exported files are named by them. The id is a text and stays the same
for life; type and directory can't be changed, the name can. `jobRelation` is looked up in the jobs whenever it is asked
for, never stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short, whole_number
from arkwright.api.error_codes import (
    RESOURCE_DESCRIPTION_INVALID,
    RESOURCE_EXISTS,
    RESOURCE_NOT_FOUND,
    RESOURCE_PATH_INVALID,
    RESOURCE_TYPE_INVALID,
    ErrorCode,
)
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import named_page
from arkwright.api.route import OFFSET, Route, limit
from arkwright.api.route import text as text_parameter
from arkwright.api.v1 import fields
from arkwright.api.v1.fields import list_, renamed, text, wrong
from arkwright.api.v1.jobs import all_jobs
from arkwright.errors import AlreadyExists, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.objects.paths import PathInvalid, parse
from arkwright.store.base import Definition, DefinitionWrite, Kind

TYPES = ("archive", "file", "jar", "pyFile")
MAX_LOCATION = 1023
MAX_DEPENDENCIES = 10_240

_NAME = re.compile(r"[A-Za-z0-9_\-\u3400-\u4dbf\u4e00-\u9fff]{1,32}")
_ALIASES = {
    "depend_packages": "dependPackages",
    "depend_files": "dependFiles",
    "description": "desc",
}
_NOT_STORED = ("id", "resourceId", "jobRelation")


class DependPackage(Struct, kw_only=True, omit_defaults=True):
    type: str
    location: str


class Resource(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[str, Meta(min_length=1, max_length=32)]
    type: str
    location: Annotated[str, Meta(max_length=MAX_LOCATION)]
    dependFiles: list[str] | UnsetType = UNSET
    dependPackages: list[DependPackage] | UnsetType = UNSET
    desc: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    directory: str | UnsetType = UNSET


class Relation(Struct, kw_only=True):
    """A job that uses the resource, as it is being developed."""

    relationType: str
    taskName: str
    taskId: int
    userName: str
    version: int
    relationId: str
    deleted: bool


class SavedResource(Resource, kw_only=True, omit_defaults=True):
    """`resourceId` is `id` again: the name that Terraform's provider reads."""

    id: str
    resourceId: str
    jobRelation: list[Relation] = []


class ResourceList(Struct, kw_only=True):
    total: int
    resources: list[SavedResource]


class ResourceId(Struct, kw_only=True):
    resourceId: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceBody:
    """A resource that may be saved."""

    name: str
    type: str
    directory: str
    document: Mapping[str, Any]


def read_resource_body(document: Mapping[str, Any]) -> ResourceBody:
    """Raises `InvalidInput`, or `HttpRefusal` with the code of the rule that is broken."""
    plain = renamed(dict(document), _ALIASES)
    name = plain.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong("name", "must be 1 to 32 letters, digits, Chinese characters, hyphens and underscores", name)
    kind = plain.get("type")
    if not isinstance(kind, str) or kind.lower() not in {each.lower() for each in TYPES}:
        raise HttpRefusal(RESOURCE_TYPE_INVALID, f"type must be one of {', '.join(TYPES)}, not {short(kind)}.")
    _check_location(plain.get("location"), "location")
    length = 0
    for index, each in enumerate(list_(plain.get("dependFiles"), "dependFiles", "paths")):
        length += len(_check_location(each, f"dependFiles[{index}]"))
    for index, each in enumerate(list_(plain.get("dependPackages"), "dependPackages", "objects")):
        where = f"dependPackages[{index}]"
        if not isinstance(each, dict):
            raise wrong(where, "must be an object with type and location", each)
        text(each.get("type"), f"{where}.type", 64)
        length += len(_check_location(each.get("location"), f"{where}.location"))
    if length > MAX_DEPENDENCIES:
        raise InvalidInput(
            f"The paths of dependFiles have more than {MAX_DEPENDENCIES} characters.", field="dependFiles"
        )
    try:
        text(plain.get("desc"), "desc", 255)
    except InvalidInput as error:
        raise HttpRefusal(RESOURCE_DESCRIPTION_INVALID, error.message) from error
    return ResourceBody(
        name=name,
        type=kind,
        directory=fields.directory(plain.get("directory")),
        document={key: value for key, value in plain.items() if key not in _NOT_STORED},
    )


def _check_location(value: Any, field: str) -> str:
    try:
        given = text(value, field, MAX_LOCATION, least=1)
        # The console also writes hdfs:// paths of clusters.
        if not given.startswith("hdfs://"):
            parse(given)
    except PathInvalid as error:
        raise HttpRefusal(RESOURCE_PATH_INVALID, f"{field}: {error.message}", hint=error.hint) from error
    except InvalidInput as error:
        raise HttpRefusal(RESOURCE_PATH_INVALID, error.message) from error
    return given


async def create_resource(call: Call) -> Response:
    body = read_resource_body(await call.document())
    try:
        made = await call.parts.store.create_definition(call.place, Kind.RESOURCE, write_of(call, body))
    except AlreadyExists as error:
        raise HttpRefusal(RESOURCE_EXISTS, error.message) from error
    return answer(ResourceId(resourceId=str(made.id)))


async def update_resource(call: Call) -> Response:
    before = await _found(call)
    known = {key: before.body[key] for key in ("name", "type", "directory") if key in before.body}
    body = read_resource_body({**known, **await call.document()})
    if body.type.lower() != before.category.lower():
        raise _fixed("type", body.type, before.category, RESOURCE_TYPE_INVALID)
    if body.directory != before.directory:
        raise InvalidInput(
            f"directory {short(body.directory)} is not the resource's, {before.directory}.",
            field="directory",
            hint="The directory of a resource can't be changed: create a new one.",
        )
    try:
        await call.parts.store.save_definition(call.place, Kind.RESOURCE, before.name, write_of(call, body))
    except AlreadyExists as error:
        raise HttpRefusal(RESOURCE_EXISTS, error.message) from error
    except NotFound as error:
        raise HttpRefusal(RESOURCE_NOT_FOUND) from error
    return empty()


async def show_resource(call: Call) -> Response:
    found = await _found(call)
    return answer((await _replies(call, [found]))[0])


async def list_resources(call: Call) -> Response:
    page = await named_page(call, Kind.RESOURCE, "resourceName")
    return answer({"total": page.total, "resources": await _replies(call, page.items)})


async def delete_resource(call: Call) -> Response:
    found = await _found(call)
    try:
        await call.parts.store.delete_definition(call.place, Kind.RESOURCE, found.name)
    except NotFound as error:
        raise HttpRefusal(RESOURCE_NOT_FOUND) from error
    return empty()


def write_of(call: Call, body: ResourceBody) -> DefinitionWrite:
    return DefinitionWrite(
        name=body.name,
        category=body.type,
        directory=body.directory,
        body=body.document,
        submit=True,
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
    )


def resource_reply(definition: Definition) -> dict[str, Any]:
    return {
        "desc": "",
        "directory": definition.directory,
        **definition.body,
        "id": str(definition.id),
        "resourceId": str(definition.id),
        "name": definition.name,
        "type": definition.category,
    }


async def _replies(call: Call, resources: Sequence[Definition]) -> list[dict[str, Any]]:
    """With the jobs that use them: those with a node one of whose properties names the resource, or its file."""
    users: list[list[Relation]] = [[] for _ in resources]
    for job in await all_jobs(call, None) if resources else ():
        values = _property_values(job.body)
        for resource, relations in zip(resources, users, strict=True):
            if resource.name in values or resource.body.get("location") in values:
                relations.append(_relation(job, resource))
    return [{**resource_reply(each), "jobRelation": found} for each, found in zip(resources, users, strict=True)]


def _property_values(job: Mapping[str, Any]) -> set[str]:
    return {
        part["value"]
        for node in job.get("nodes") or ()
        for part in node.get("properties") or ()
        if isinstance(part.get("value"), str)
    }


def _relation(job: Definition, resource: Definition) -> Relation:
    return Relation(
        relationType="RESOURCE",
        taskName=job.name,
        taskId=job.id,
        userName=job.updated_by,
        version=job.version,
        relationId=str(resource.id),
        deleted=False,
    )


async def _found(call: Call) -> Definition:
    """The resource whose id the path holds."""
    given = call.path["resource_id"]
    number = whole_number(given)
    if number is not None and number < 2**53:
        first = await call.parts.store.get_definition_version(number, 1)
        if first is not None and first.kind is Kind.RESOURCE and first.place == call.place:
            # Also a deleted one is found by its id; another one may have its name by now.
            current = await call.parts.store.get_definition(call.place, Kind.RESOURCE, first.name)
            if current is not None and current.id == number:
                return current
    raise HttpRefusal(RESOURCE_NOT_FOUND, f"There is no resource with the id {short(given)} in this workspace.")


def _fixed(field: str, given: str, known: str, row: ErrorCode) -> HttpRefusal:
    return HttpRefusal(row, f"{field} {short(given)} is not the resource's, {known}, which can't be changed.")


# ---------------------------------------------------------------- routes

_ONE = "/v1/{project_id}/resources/{resource_id}"
_EXAMPLE = {
    "name": "test",
    "type": "jar",
    "location": "obs://dlf-test/hadoop-mapreduce-examples-2.4.1.jar",
    "dependFiles": ["obs://dlf-test/depend1.jar", "obs://dlf-test/depend2.jar"],
    "desc": "test",
    "directory": "/resource",
}
_SAVE_ERRORS = (RESOURCE_EXISTS, RESOURCE_TYPE_INVALID, RESOURCE_PATH_INVALID, RESOURCE_DESCRIPTION_INVALID)

ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/resources",
        handler=create_resource,
        operation="createResource",
        summary="Create a resource.",
        tag="resources",
        action=Action.RESOURCE_CREATE,
        request=Resource,
        response=ResourceId,
        errors=_SAVE_ERRORS,
        example=_EXAMPLE,
        answer={"resourceId": "1024"},
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/resources",
        handler=list_resources,
        operation="listResources",
        summary="The resources of a workspace, newest first.",
        tag="resources",
        action=Action.RESOURCE_READ,
        parameters=(text_parameter("resourceName", "A part of the name."), OFFSET, limit(100)),
        response=ResourceList,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=show_resource,
        operation="showResource",
        summary="A resource as it was sent.",
        tag="resources",
        action=Action.RESOURCE_READ,
        response=SavedResource,
        errors=(RESOURCE_NOT_FOUND,),
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=update_resource,
        operation="updateResource",
        summary="Save a resource anew. Type and directory can't be changed.",
        tag="resources",
        action=Action.RESOURCE_EDIT,
        request=Resource,
        success=204,
        errors=(RESOURCE_NOT_FOUND, *_SAVE_ERRORS),
        example=_EXAMPLE,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_resource,
        operation="deleteResource",
        summary="Delete a resource. The file in the object storage stays.",
        tag="resources",
        action=Action.RESOURCE_DELETE,
        success=204,
        errors=(RESOURCE_NOT_FOUND,),
    ),
)
