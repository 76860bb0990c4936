"""Objects in and out (ours): put, get, head, delete and list, streamed both ways.

Rules: buckets belong to the installation; whoever may read resources in the workspace of the request may read objects,
and so with writing and deleting. The workspace is the header's, or the default one of the credential's project; a
signed request names its project in `X-Project-Id`, unless there is only one. Objects have a size limit of their own.
A signed upload that is larger than an ordinary body declares its hash in `X-Sdk-Content-Sha256`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import wraps
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.responses import Response
from starlette.types import ASGIApp

from arkwright.api.access import require
from arkwright.api.call import Call, answer, empty
from arkwright.api.error_codes import (
    BUCKET_NOT_FOUND,
    OBJECT_NOT_FOUND,
    OBS_PATH_INVALID,
    OBS_UNREADABLE,
    RANGE_INVALID,
)
from arkwright.api.errors import HttpRefusal
from arkwright.api.file_answer import file_answer
from arkwright.api.log_objects import find_log
from arkwright.api.route import Access, Handler, Parameter, Route, number, text
from arkwright.errors import Forbidden
from arkwright.iam.model import Action
from arkwright.objects.base import BucketMissing, ObjectInfo, ObjectMissing, StorageFailed
from arkwright.objects.paths import ObsPath, PathInvalid

Work = Callable[[Call], Awaitable[ASGIApp]]


class StoredObject(Struct, kw_only=True):
    key: str
    size: int
    lastModified: Annotated[int, Meta(description="Epoch milliseconds.")]
    etag: str


class ObjectList(Struct, kw_only=True, omit_defaults=True):
    bucket: str
    prefix: str
    objects: list[StoredObject]
    truncated: bool
    nextMarker: str | UnsetType = UNSET


@contextmanager
def told() -> Iterator[None]:
    """The object storage's errors in the API's words."""
    try:
        yield
    except PathInvalid as error:
        raise HttpRefusal(OBS_PATH_INVALID, error.message, hint=error.hint) from error
    except BucketMissing as error:
        raise HttpRefusal(BUCKET_NOT_FOUND, error.message) from error
    except (ObjectMissing, StorageFailed) as error:
        raise HttpRefusal(OBS_UNREADABLE, error.message, hint=error.hint) from error


def _allowed(action: Action) -> Callable[[Work], Handler]:
    """These paths name no project, so who may do this is decided here and not before the handler."""

    def wrap(handler: Work) -> Handler:
        @wraps(handler)
        async def checked(call: Call) -> ASGIApp:
            call.workspace = call.parts.directory.workspace(_project_id(call), call.header(b"workspace"))
            require(call.actor, action, call.workspace)
            with told():
                return await handler(call)

        return checked

    return wrap


def _project_id(call: Call) -> str:
    if call.actor.project_id is not None:
        return call.actor.project_id
    projects = call.parts.directory.projects_of(call.actor.domain_id)
    if len(projects) != 1:
        raise Forbidden(
            "The request does not say for which project it is.", hint="Send the project's id in X-Project-Id."
        )
    return projects[0].id


def _path(call: Call) -> ObsPath:
    return ObsPath(call.path["bucket"], call.path["key"])


@_allowed(Action.RESOURCE_EDIT)
async def put_object(call: Call) -> ASGIApp:
    info = await call.parts.objects.write(_path(call), call.stream(call.parts.object_limit_bytes))
    return Response(status_code=200, headers={"ETag": f'"{info.etag}"'})


@_allowed(Action.RESOURCE_READ)
async def get_object(call: Call) -> ASGIApp:
    path = _path(call)
    info = await call.parts.objects.head(path)
    log = await find_log(call, path)
    if log is not None and (log.size or info is None):
        etag = f"{log.modified_ms:x}-{log.size:x}"
        info = ObjectInfo(key=path.key, size=log.size, modified_ms=log.modified_ms, etag=etag)
    else:
        log = None
    if info is None:
        raise HttpRefusal(OBJECT_NOT_FOUND, f"There is no object {path}.")
    headers = {
        "ETag": f'"{info.etag}"',
        "Last-Modified": formatdate(info.modified_ms / 1000, usegmt=True),
        # What somebody uploaded must never run as a page of ours.
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
    }

    def read(start: int, end: int) -> AsyncIterator[bytes]:
        if log is not None:
            return call.parts.run_files.read_log(log, start, end)
        return call.parts.objects.read(path, start, end)

    return file_answer(call, info.size, read, what="The object", media_type="application/octet-stream", headers=headers)


@_allowed(Action.RESOURCE_DELETE)
async def delete_object(call: Call) -> ASGIApp:
    path = _path(call)
    if not await call.parts.objects.delete(path):
        raise HttpRefusal(OBJECT_NOT_FOUND, f"There is no object {path}.")
    return empty()


@_allowed(Action.RESOURCE_READ)
async def list_objects(call: Call) -> ASGIApp:
    bucket, prefix = call.path["bucket"], call.query.get("prefix", "")
    size = call.number("limit", 1000, least=1, most=1000) or 1000
    page = await call.parts.objects.list(bucket, prefix, after=call.query.get("marker", ""), limit=size)
    return answer(
        ObjectList(
            bucket=bucket,
            prefix=prefix,
            objects=[_stored(each) for each in page.items],
            truncated=page.truncated,
            nextMarker=page.items[-1].key if page.truncated else UNSET,
        )
    )


def _stored(info: ObjectInfo) -> StoredObject:
    return StoredObject(key=info.key, size=info.size, lastModified=info.modified_ms, etag=info.etag)


_OBJECT = "/obs/{bucket}/{key:path}"
_HASH = Parameter(
    name="X-Sdk-Content-Sha256",
    place="header",
    summary="SHA-256 of the body in hex. A signed upload of more than an ordinary body's size needs it.",
    schema={"type": "string"},
)

ROUTES = (
    Route(
        method="PUT",
        path=_OBJECT,
        handler=put_object,
        operation="putObject",
        summary="Store the body as an object, replacing what was there. The bucket is made if need be.",
        tag="obs",
        access=Access.ACTOR,
        parameters=(_HASH,),
        errors=(OBS_PATH_INVALID, OBS_UNREADABLE),
        streamed=True,
        ours=True,
    ),
    Route(
        method="GET",
        path=_OBJECT,
        handler=get_object,
        operation="getObject",
        summary="An object, or a part of it. HEAD tells its size alone.",
        tag="obs",
        access=Access.ACTOR,
        parameters=(Parameter(name="Range", place="header", summary="A part in bytes.", schema={"type": "string"}),),
        response=bytes,
        media_type="application/octet-stream",
        errors=(OBS_PATH_INVALID, OBJECT_NOT_FOUND, OBS_UNREADABLE, RANGE_INVALID),
        ours=True,
    ),
    Route(
        method="DELETE",
        path=_OBJECT,
        handler=delete_object,
        operation="deleteObject",
        summary="Delete an object.",
        tag="obs",
        access=Access.ACTOR,
        success=204,
        errors=(OBS_PATH_INVALID, OBJECT_NOT_FOUND),
        ours=True,
    ),
    Route(
        method="GET",
        path="/obs/{bucket}",
        handler=list_objects,
        operation="listObjects",
        summary="The objects of a bucket in the order of their keys.",
        tag="obs",
        access=Access.ACTOR,
        parameters=(
            text("prefix", "Only keys that begin so."),
            text("marker", "Only keys after this one: nextMarker of the page before."),
            number("limit", "Objects on a page.", minimum=1, maximum=1000, default=1000),
        ),
        response=ObjectList,
        errors=(OBS_PATH_INVALID, BUCKET_NOT_FOUND),
        ours=True,
    ),
)
