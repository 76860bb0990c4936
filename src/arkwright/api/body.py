"""Request bodies: read up to the limit, and decoded into JSON objects without ever failing the server.

Rules: an absent body may come with any Content-Type or none; a body that is there must be JSON. Whatever can be
wrong with one (encoding, depth, numbers that don't fit, no object) is the client's mistake, and is told as such.
"""

from __future__ import annotations

import codecs
import re
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

_HINT = "Send one JSON object in UTF-8."
_LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")

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
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def header(scope: Scope, name: bytes) -> str:
    """The first header of that (lower case) name; empty: there is none."""
    return next((str(value.decode("latin-1")) for each, value in scope["headers"] if each == name), "")


def json_object(scope: Scope, body: bytes, *, required: bool) -> dict[str, Any]:
    """The object in the body. Raises `InvalidInput`."""
    if not body or body.isspace():
        if required:
            raise InvalidInput("The request body is missing.", field="body", hint="Send a JSON object.")
        return {}
    coding = header(scope, b"content-encoding").strip().lower()
    if coding not in {"", "identity"}:
        raise InvalidInput(
            f"The Content-Encoding {coding[:80]!r} is not supported.",
            field="Content-Encoding",
            hint="Send the body as it is, without compression.",
        )
    media = content_type(scope)
    if media not in {"", "application/json"} and not media.endswith("+json"):
        raise InvalidInput(
            f"The Content-Type {media[:80]!r} is not supported.", field="Content-Type", hint="Use application/json."
        )
    try:
        value = _decode(body)
    except RecursionError:
        raise InvalidInput(
            "The request body is nested too deeply.", field="body", hint="Send a flatter JSON object."
        ) from None
    except UnicodeDecodeError:
        raise InvalidInput("The request body is not valid UTF-8.", field="body", hint=_HINT) from None
    except msgspec.DecodeError as error:
        raise InvalidInput(f"The request body is not valid JSON: {error}.", field="body", hint=_hint(body)) from None
    if not isinstance(value, dict):
        raise InvalidInput("The request body must be a JSON object.", field="body", hint='Its form is {"name": value}.')
    return value


def _hint(body: bytes) -> str:
    """The usual mistakes, by how a body begins or what it holds."""
    if body.startswith(codecs.BOM_UTF8):
        return "It begins with a byte order mark: send UTF-8 without one."
    if body.startswith(b"\x1f\x8b"):
        return "It looks compressed: send it as it is."
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in body[:4]:
        return "It looks like UTF-16 or UTF-32: send UTF-8."
    if _LONE_SURROGATE.search(body):
        return "A half of a pair such as \\ud83d\\ude00 stands alone: write both, or neither."
    return _HINT


def _too_large(limit: int) -> HttpRefusal:
    return HttpRefusal(
        BODY_TOO_LARGE,
        f"The request body is larger than {limit} bytes.",
        hint="Send less at once, or raise ARKWRIGHT_BODY_LIMIT_BYTES.",
        headers={"Connection": "close"},
    )
