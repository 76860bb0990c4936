"""The versions of jobs and scripts (ours): who saved which one when, and what they said of it.

A version's comment is the field `versionComment` of the document that was saved; it belongs to that version alone.
"""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import OFFSET, Route, limit
from arkwright.api.v1.documents import Milliseconds
from arkwright.errors import Code, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Kind, SavedVersion

COMMENT = "versionComment"


class VersionItem(Struct, kw_only=True):
    version: int
    createTime: Milliseconds
    createUser: str
    submitted: bool
    """Whether this is the version that runs."""
    comment: str


class VersionList(Struct, kw_only=True):
    total: int
    versions: list[VersionItem]


async def job_versions(call: Call) -> Response:
    return await _versions(call, Kind.JOB, call.path["job_name"], Code.JOB_NOT_FOUND)


async def script_versions(call: Call) -> Response:
    return await _versions(call, Kind.SCRIPT, call.path["script_name"], Code.SCRIPT_NOT_FOUND)


async def _versions(call: Call, kind: Kind, name: str, code: Code) -> Response:
    found = await call.parts.store.get_definition(call.place, kind, name)
    if found is None:
        raise NotFound(
            f"There is no {kind.value} {name!r} in workspace {call.workspace.name}.",
            field=f"{kind.value}_name",
            code=code,
        )
    offset, size = call.slice(most=100)
    saved = await call.parts.store.definition_versions(found.id, offset=offset, limit=size)
    items = [_item(each, each.version == found.submitted_version) for each in saved]
    return answer(VersionList(total=found.latest_version, versions=items))


def _item(saved: SavedVersion, submitted: bool) -> VersionItem:
    comment = saved.body.get(COMMENT)
    return VersionItem(
        version=saved.version,
        createTime=saved.created_ms,
        createUser=saved.created_by,
        submitted=submitted,
        comment=comment if isinstance(comment, str) else "",
    )


_ANSWER = {
    "total": 1,
    "versions": [
        {"version": 1, "createTime": 1760000000000, "createUser": "admin", "submitted": True, "comment": "first"}
    ],
}

ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/{job_name}/versions",
        handler=job_versions,
        operation="listJobVersions",
        summary="The versions of a job, newest first.",
        tag="jobs",
        action=Action.JOB_READ,
        parameters=(OFFSET, limit(100)),
        response=VersionList,
        errors=(Code.JOB_NOT_FOUND,),
        answer=_ANSWER,
        ours=True,
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/scripts/{script_name}/versions",
        handler=script_versions,
        operation="listScriptVersions",
        summary="The versions of a script, newest first.",
        tag="scripts",
        action=Action.SCRIPT_READ,
        parameters=(OFFSET, limit(100)),
        response=VersionList,
        errors=(Code.SCRIPT_NOT_FOUND,),
        answer=_ANSWER,
        ours=True,
    ),
)
