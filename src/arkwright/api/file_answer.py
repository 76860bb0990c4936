"""A file as an answer: whole, or the part that the `Range` header asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from arkwright.api.byte_range import ByteRange, NotSatisfiable, parse_range
from arkwright.api.call import Call
from arkwright.api.error_codes import RANGE_INVALID
from arkwright.api.errors import HttpRefusal


def file_answer(
    call: Call,
    size: int,
    read: Callable[[int, int], AsyncIterator[bytes]],
    *,
    what: str,
    media_type: str,
    headers: Mapping[str, str],
) -> ASGIApp:
    """`read`: bytes from a position up to another. `what`: in the refusal of a part that lies outside."""
    try:
        part = parse_range(call.header(b"range"), size)
    except NotSatisfiable:
        raise HttpRefusal(
            RANGE_INVALID, f"{what} has {size} bytes.", headers={"Content-Range": f"bytes */{size}"}
        ) from None
    whole = part or ByteRange(0, size)
    more = {"Accept-Ranges": "bytes", "Content-Length": str(whole.end - whole.start)}
    if part is not None:
        more["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    status = 200 if part is None else 206
    if call.scope["method"] == "HEAD":
        return Response(None, status, {**headers, **more}, media_type)
    return StreamingResponse(read(whole.start, whole.end), status, {**headers, **more}, media_type)
