"""What the jobs of a zip would need to run here (ours): the answer of `arkwright assess`, before an import.

Rules: nothing is stored. The zip is one that an import takes, named by its path in the object storage.
"""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.error_codes import NOT_CONFIGURED, OBS_PATH_INVALID, OBS_UNREADABLE
from arkwright.api.errors import HttpRefusal
from arkwright.api.route import Route
from arkwright.api.v1.import_source import fetched
from arkwright.api.v1.imports import FilePath
from arkwright.iam.model import Action


class AssessedFinding(Struct, kw_only=True):
    level: str
    """`note`, `needs mapping`, `not supported`."""
    topic: str
    subject: str
    reason: str
    where: str
    """The node or script; empty: the job as a whole."""
    position: int | None


class AssessedJob(Struct, kw_only=True):
    name: str
    file: str
    verdict: str
    """`runs`, `needs mapping`, `not supported`."""
    schedule: str
    nodeTypes: dict[str, int]
    findings: list[AssessedFinding]


class AssessedFault(Struct, kw_only=True):
    file: str
    entry: str
    reason: str


class Assessed(Struct, kw_only=True):
    files: list[str]
    totals: dict[str, Any]
    jobs: list[AssessedJob]
    """Worst first, then by name."""
    faults: list[AssessedFault]


async def assess_file(call: Call) -> Response:
    assess = call.parts.assess
    if assess is None:
        raise HttpRefusal(NOT_CONFIGURED, "This server does not assess files.", hint="Use `arkwright assess FILE.zip`.")
    source = await fetched(call, (await call.document()).get("path"))
    try:
        found = dict(await asyncio.to_thread(assess, source.file))
    finally:
        await source.close()
    # The copy's own name says nothing to anybody.
    for each in (*found["jobs"], *found["faults"]):
        each["file"] = str(source.path)
    return answer({**found, "files": [str(source.path)]})


ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/jobs/assess",
        handler=assess_file,
        operation="assessFile",
        summary="Which jobs of a zip would run here, and what the others lack.",
        tag="transfer",
        action=Action.JOB_OPERATE,
        request=FilePath,
        response=Assessed,
        errors=(OBS_UNREADABLE, OBS_PATH_INVALID, NOT_CONFIGURED),
        example={"path": "obs://aaaaa/jobs.zip"},
        ours=True,
    ),
)
