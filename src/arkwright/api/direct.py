"""Run-immediate as it comes from the wire, without framework, task or ASGI messages in between.

What it is for: accepting a run costs little more than its commit; the usual way through the server would cost as much
again (decision 0006). Rules:

* A short way, never a second one: it takes only a plain, whole, well-formed request whose answer is certain to be the
  instance's id. Anything else (another header, a query, a body in pieces, a credential not seen lately, a server that
  counts requests, anything that would be refused) is left to the usual way, before anything has happened. So it decides
  nothing on its own.
* It reads less than the usual way accepts: a header that it doesn't know, or one that comes twice, is not for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from arkwright.api.access import require
from arkwright.api.call import Parts
from arkwright.api.errors import refusal
from arkwright.api.v1.fields import PARAMETER_NAME
from arkwright.api.v1.run_immediate import MAX_VALUE
from arkwright.engine.interface import RunRequest
from arkwright.errors import ArkwrightError
from arkwright.iam.model import Action
from arkwright.store.base import Place

_HEAD = re.compile(
    rb"POST /v1/([0-9A-Za-z_-]{1,64})/jobs/([0-9A-Za-z._-]{1,128})/run-immediate HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]{1,64}:[ -~]{0,8192}\r\n){1,32})\r\n"
)
_IGNORED = frozenset({b"host", b"user-agent", b"accept", b"accept-encoding", b"accept-language", b"x-language"})
_READ = frozenset({b"x-auth-token", b"workspace", b"content-length", b"content-type", b"connection"})
_JSON = frozenset({b"application/json", b"application/json;charset=utf8", b"application/json; charset=utf-8"})


class _Parameter(msgspec.Struct):
    name: str
    value: str
    paramType: Literal["variable", "constants"] = "variable"
    type: None = None


class _Body(msgspec.Struct):
    """The plain body; what is not of this shape is not for the short way, be it right or wrong."""

    jobParams: list[_Parameter] = []
    useExecutionUser: Literal[None, False, "false"] = None
    job_path: None = None


_decode = msgspec.json.Decoder(_Body).decode

Reply = Callable[[int, list[tuple[bytes, bytes]], bytes], None]
"""Called with status, headers and body."""


class Direct:
    def __init__(self, parts: Parts, next_request_id: Callable[[], str]) -> None:
        self._parts = parts
        self._next_request_id = next_request_id

    def take(self, data: bytes, reply: Reply) -> bool:
        """`data`: what has come on a connection that was between two requests. True: `reply` will be called once, on
        this thread, after the instance is durable. False: nothing has happened."""
        match = _HEAD.match(data)
        if match is None or self._parts.limits is not None:  # the usual way counts the calls
            return False
        try:
            request = self._read(match, data[match.end() :])
            if request is None:
                return False
            request_id = self._next_request_id()

            def told(instance_id: int | None, error: BaseException | None) -> None:
                if error is not None:
                    _refused(reply, request_id, error)
                elif instance_id is not None:
                    _accepted(reply, request_id, b'{"instanceId":%d}' % instance_id)

            self._parts.engine.submit_soon(request, told)
        except (ArkwrightError, LookupError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False  # the usual way has the words, if it is a refusal at all
        return True

    def _read(self, match: re.Match[bytes], body: bytes) -> RunRequest | None:
        headers: dict[bytes, bytes] = {}
        for line in match[3].split(b"\r\n"):
            name, _, value = line.partition(b":")
            name = name.lower()
            if name in _READ:
                if name in headers:
                    return None
                headers[name] = value.strip(b" ")
            elif name and name not in _IGNORED:
                return None
        find = headers.get
        token = find(b"x-auth-token")
        if token is None or find(b"connection", b"keep-alive").lower() != b"keep-alive":
            return None
        if find(b"content-length", b"0") != b"%d" % len(body) or len(body) > self._parts.body_limit_bytes:
            return None
        parameters: dict[str, str] = {}
        if body:
            if find(b"content-type", b"application/json").lower() not in _JSON:
                return None
            for each in _decode(body).jobParams:
                name, value = each.name, each.value
                if name in parameters or len(value) > MAX_VALUE or not PARAMETER_NAME.fullmatch(name):
                    return None
                parameters[name] = value
        parts = self._parts
        project_id = match[1].decode()
        actor = parts.authenticator.by_cached_token(token.decode(), project_id)
        if actor is None:
            return None
        header = find(b"workspace")
        workspace = parts.directory.workspace(project_id, header.decode() if header else None)
        require(actor, Action.JOB_OPERATE, workspace)
        return RunRequest(
            place=Place(project_id=project_id, workspace_id=workspace.id),
            job_name=match[2].decode(),
            parameters=parameters,
            by=actor.user_name,
            time_zone=workspace.time_zone,
            condition_policy=workspace.condition_policy,
        )


def _accepted(reply: Reply, request_id: str, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
    ]
    reply(200, headers, body)


def _refused(reply: Reply, request_id: str, error: BaseException) -> None:
    response = refusal(error, version="v1", request_id=request_id).response()
    headers: list[tuple[bytes, bytes]] = [*response.raw_headers, (b"x-request-id", request_id.encode())]
    body: Any = response.body
    reply(response.status_code, headers, bytes(body))
