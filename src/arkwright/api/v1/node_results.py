"""What nodes have come to (ours): the rows of SQL as CSV, any other output as its text; whole or in byte ranges.

A node on a database server leaves all its rows (up to 64 MiB) in a file, on the server that ran it. Of DLISQL, and
where that file is not here, the rows are those that later nodes are given, at most 1,000. NULL is an empty field.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator

import msgspec
from starlette.types import ASGIApp

from arkwright.api.call import Call, short
from arkwright.api.error_codes import RANGE_INVALID
from arkwright.api.file_answer import file_answer
from arkwright.api.route import Parameter, Route
from arkwright.api.v1.instances import found
from arkwright.api.v1.logs import node_index
from arkwright.core.instance import ENDED_NODE
from arkwright.engine.attempt_ends import COLUMNS
from arkwright.errors import Code, NotFound
from arkwright.iam.model import Action
from arkwright.nodes.base import RESULT, AttemptKey

MAX_OUTPUT_BYTES = 4_000_000
"""An output has a million characters at most."""
_CSV, _TEXT = "text/csv; charset=utf-8", "text/plain; charset=utf-8"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def show_result(call: Call) -> ASGIApp:
    instance = await found(call)
    index = await node_index(call, instance)
    run = instance.nodes[index] if instance.nodes else None
    if run is None or run.status not in ENDED_NODE or run.output is None:
        state = "has not ended yet" if run is None or run.status not in ENDED_NODE else "has left no result"
        raise NotFound(
            f"The node {short(call.path['node_name'])} {state}.",
            field="node_name",
            hint="Nodes leave one that query something or print something; its log says what it did.",
            code=Code.NODE_NOT_FOUND,
        )
    files, key = call.parts.run_files, AttemptKey(instance_id=instance.id, node=index, attempt=run.attempt)
    size = await files.size(key, RESULT)
    if size is not None:
        return file_answer(
            call,
            size,
            lambda start, end: files.read(key, RESULT, start, end),
            what="The result",
            media_type=_CSV,
            headers=_HEADERS,
        )
    output = await files.output(key, run.output.rpartition("/")[2], MAX_OUTPUT_BYTES)
    if output is None:
        raise NotFound(
            f"The result of the node {short(call.path['node_name'])} is no longer kept, or not where this server can "
            "read it.",
            field="node_name",
            code=Code.NODE_NOT_FOUND,
        )
    columns = await files.output(key, COLUMNS, MAX_OUTPUT_BYTES)
    rows = None if columns is None else await asyncio.to_thread(as_csv, columns, output)

    async def read(start: int, end: int) -> AsyncIterator[bytes]:
        yield (output if rows is None else rows)[start:end]

    return file_answer(
        call,
        len(output if rows is None else rows),
        read,
        what="The result",
        media_type=_TEXT if rows is None else _CSV,
        headers=_HEADERS,
    )


def as_csv(columns: bytes, output: bytes) -> bytes | None:
    """From the JSON texts of the columns' names and of the rows; None: they are none."""
    try:
        names = msgspec.json.decode(columns, type=list[str])
        rows = msgspec.json.decode(output, type=list[list[str | None]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue().encode()


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/nodes/{node_name:path}/result",
        handler=show_result,
        operation="showNodeResult",
        summary=(
            "What a node has come to: the rows of SQL as CSV (all of a database server's, up to 64 MiB; 1,000 of "
            "DLISQL), any other output as plain text."
        ),
        tag="instances",
        action=Action.JOB_READ,
        parameters=(Parameter(name="Range", place="header", summary="A part in bytes.", schema={"type": "string"}),),
        response=str,
        media_type="text/csv",
        errors=(Code.INSTANCE_NOT_FOUND, Code.NODE_NOT_FOUND, RANGE_INVALID),
        ours=True,
    ),
)
