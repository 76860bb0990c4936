"""From an exception to the one error shape: `{"error_code", "error_msg"[, "hint"]}`.

Rules: every refusal leaves in this shape, whatever raised it; nothing of an unexpected exception is told but the
request's id, under which the server's log has the traceback.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import msgspec
from starlette.responses import Response

from arkwright.api.error_codes import INTERNAL, ErrorCode, error_code
from arkwright.errors import ArkwrightError, Code, NoRoom, TooManyRequests

log = logging.getLogger("arkwright.api")

_JSON = "application/json"


class NestedError(msgspec.Struct, kw_only=True):
    error_code: str
    error_msg: str


class ErrorBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What every refusal answers. `hint` is ours: what to do about it. `errors` is for clients that look there for what
    is gone."""

    error_code: str
    error_msg: str
    hint: str = ""
    errors: tuple[NestedError, ...] = ()


class HttpRefusal(Exception):
    """A refusal that only HTTP knows: no such route, a body that is too large, …"""

    def __init__(
        self, row: ErrorCode, message: str = "", *, hint: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message or row.text)
        self.row = row
        self.message = message
        self.hint = hint
        self.headers = headers or {}


class ClientGone(Exception):
    """The client hung up before it had sent its request; there is nobody to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal ready to be sent."""

    row: ErrorCode
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        return Response(self.body, self.row.status, self.headers, _JSON)


def refusal(error: BaseException, *, version: str = "v1", request_id: str = "") -> Refusal:
    """How to answer `error` on a route of that version of the API."""
    match error:
        case HttpRefusal():
            return _refusal(error.row, error.message, error.hint, error.headers)
        case TooManyRequests() | NoRoom():
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return _refusal(error_code(error.code, version), error.message, error.hint, headers)
        case ArkwrightError() if error_code(error.code, version) is not INTERNAL:
            row = error_code(error.code, version)
            headers = {"WWW-Authenticate": "SDK-HMAC-SHA256"} if error.code is Code.UNAUTHENTICATED else {}
            return _refusal(row, error.message, error.hint, headers)
        case _:
            log.error("request %s failed", request_id, exc_info=error)
            return _refusal(INTERNAL, "", "", {})


def _refusal(row: ErrorCode, message: str, hint: str, headers: dict[str, str]) -> Refusal:
    if row.free:
        # One text with everything: many clients show error_msg alone.
        text = " ".join(part for part in (message or row.text, hint or row.hint) if part)
        body = ErrorBody(error_code=row.code, error_msg=text)
    else:
        more = " ".join(part for part in (message, hint or row.hint) if part and part != row.text)
        nested = (NestedError(error_code=row.nested, error_msg=row.text),) if row.nested else ()
        body = ErrorBody(error_code=row.code, error_msg=row.text, hint=more, errors=nested)
    return Refusal(row=row, body=msgspec.json.encode(body), headers=headers)
