"""Request bodies: read up to the limit, and decoded into JSON objects without ever failing the server.

Rules: an absent body may come with any Content-Type or none; a body that is there must be JSON. Whatever can be
wrong with one (encoding, depth, numbers that don't fit, no object) is the client's mistake, and is told as such.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.types import Receive, Scope

from arkwright.api.error_codes import BODY_TOO_LARGE
from arkwright.api.errors import ClientGone, HttpRefusal
from arkwright.errors import InvalidInput

_DRAIN_TIMES = 4
"""A body up to this many times the limit is read to its end (and dropped) before it is refused: most clients look at
the answer only after they have sent everything."""

_decode = msgspec.json.Decoder().decode


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises `HttpRefusal` (413) past the limit, `ClientGone` when the client hangs up."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) <= limit:
            return body
    declared = content_length(scope)
    if declared > limit * _DRAIN_TIMES:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size > limit * _DRAIN_TIMES or not message.get("more_body"):
            raise _too_large(limit)
        else:
            chunks.clear()
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


async def stream_body(scope: Scope, receive: Receive, limit: int) -> AsyncGenerator[bytes, None]:
    """The body as it arrives. Raises as `read_body`, which see."""
    if content_length(scope) > limit:
        raise _too_large(limit)
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if piece:
            yield piece
        if not message.get("more_body"):
            return


async def once(body: bytes) -> AsyncGenerator[bytes, None]:
    """A body that was read already, as a stream."""
    yield body


def content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def content_type(scope: Scope) -> str:
    """Media type in lower case without its parameters; empty: none was sent."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            return str(value.decode("latin-1")).partition(";")[0].strip().lower()
    return ""


def json_object(scope: Scope, body: bytes, *, required: bool) -> dict[str, Any]:
    """The object in the body. Raises `InvalidInput`."""
    if not body or body.isspace():
        if required:
            raise InvalidInput("The request body is missing.", field="body", hint="Send a JSON object.")
        return {}
    media = content_type(scope)
    if media not in {"", "application/json"} and not media.endswith("+json"):
        raise InvalidInput(
            f"The Content-Type {media[:80]!r} is not supported.", field="Content-Type", hint="Use application/json."
        )
    try:
        value = _decode(body)
    except RecursionError:
        raise InvalidInput("The request body is nested too deeply.", field="body") from None
    except UnicodeDecodeError:
        raise InvalidInput("The request body is not valid UTF-8.", field="body") from None
    except msgspec.DecodeError as error:
        raise InvalidInput(f"The request body is not valid JSON: {error}.", field="body") from None
    if not isinstance(value, dict):
        raise InvalidInput("The request body must be a JSON object.", field="body")
    return value


def _too_large(limit: int) -> HttpRefusal:
    return HttpRefusal(
        BODY_TOO_LARGE,
        f"The request body is larger than {limit} bytes.",
        hint="Send less at once, or raise ARKWRIGHT_BODY_LIMIT_BYTES.",
        headers={"Connection": "close"},
    )
