"""Run-immediate as it comes from the wire, without framework, task or ASGI messages in between.

What it is for: accepting a run costs little more than its commit; the usual way through the server would cost as much
again (decision 0006). Rules:

* A short way, never a second one: it takes only a plain, whole, well-formed request whose answer is certain to be the
  instance's id. Anything else (another header, a query, a body in pieces, a credential not seen lately, a server that
  counts requests, anything that would be refused) is left to the usual way, before anything has happened. So it decides
  nothing on its own.
* It reads less than the usual way accepts: a header that it doesn't know, or one that comes twice, is not for it.
* A client sends the same head again and again, so what a head says is remembered (`_heads`), by its hash, since it
  holds a token. Who that token stands for is looked up each time; what follows from them is remembered together with
  the very actor it was worked out for, who is another one after any change of users, roles or workspaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Literal

import msgspec

from arkwright.api.access import require
from arkwright.api.call import Parts
from arkwright.api.errors import refusal
from arkwright.api.request_counts import RequestCounts
from arkwright.api.v1.fields import PARAMETER_NAME
from arkwright.api.v1.run_immediate import MAX_VALUE
from arkwright.core.identity import Workspace
from arkwright.engine.interface import RunRequest
from arkwright.errors import ArkwrightError
from arkwright.iam.model import Action, Actor
from arkwright.iam.tokens import token_hash
from arkwright.store.base import Place

_HEAD = re.compile(
    rb"POST /v1/([0-9A-Za-z_-]{1,64})/jobs/([0-9A-Za-z._-]{1,128})/run-immediate HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]{1,64}:[ -~]{0,8192}\r\n){1,32})"
)
_HEADS = 1024
"""Most heads remembered."""
_IGNORED = frozenset({b"host", b"user-agent", b"accept", b"accept-encoding", b"accept-language", b"x-language"})
_READ = frozenset({b"x-auth-token", b"workspace", b"content-length", b"content-type", b"connection"})
_JSON = frozenset({b"application/json", b"application/json;charset=utf8", b"application/json; charset=utf-8"})


class _Parameter(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    value: str
    paramType: Literal["variable", "constants"] = "variable"
    type: None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """The plain body; what is not of this shape is not for the short way, be it right or wrong."""

    jobParams: list[_Parameter] = []
    useExecutionUser: Literal[None, False, "false"] = None
    job_path: None = None


_is_name = PARAMETER_NAME.fullmatch
_decode = msgspec.json.Decoder(_Body).decode


class _Head:
    """What the head of a request says, and what followed from it the last time."""

    __slots__ = ("actor", "content_type", "job_name", "length", "place", "project_id", "token", "workspace", "zone")

    def __init__(
        self, project_id: str, job_name: str, token: bytes, workspace: str | None, length: bytes, content_type: bytes
    ) -> None:
        self.project_id = project_id
        self.job_name = job_name
        self.token = token
        """Its hash."""
        self.workspace = workspace
        self.length = length
        self.content_type = content_type
        self.actor: Actor | None = None
        self.place: Place
        self.zone: Workspace


Reply = Callable[[int, list[tuple[bytes, bytes]], bytes], None]
"""Called with status, headers and body."""


class Direct:
    def __init__(self, parts: Parts, requests: RequestCounts, next_request_id: Callable[[], str]) -> None:
        self._parts = parts
        self._requests = requests
        self._next_request_id = next_request_id
        self._heads: dict[bytes, _Head] = {}

    def take(self, data: bytes, reply: Reply) -> bool:
        """`data`: what has come on a connection that was between two requests. True: `reply` will be called once, on
        this thread, after the instance is durable. False: nothing has happened."""
        end = data.find(b"\r\n\r\n") + 2
        if end < 2 or self._parts.limits is not None:  # the usual way counts the calls
            return False
        try:
            request = self._read(data[:end], data[end + 2 :])
            if request is None:
                return False
            request_id = self._next_request_id()

            def told(instance_id: int | None, error: BaseException | None) -> None:
                self._requests.direct += 1
                if error is not None:
                    _refused(reply, request_id, error)
                elif instance_id is not None:
                    _accepted(reply, request_id, b'{"instanceId":%d}' % instance_id)

            self._parts.engine.submit_soon(request, told)
        except (ArkwrightError, LookupError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False  # the usual way has the words, if it is a refusal at all
        return True

    def _read(self, text: bytes, body: bytes) -> RunRequest | None:
        digest = sha256(text).digest()
        head = self._heads.get(digest)
        if head is None:
            head = _read_head(text)
            if head is None:
                return None
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[digest] = head
        parts = self._parts
        if head.length != b"%d" % len(body) or len(body) > parts.body_limit_bytes:
            return None
        actor = parts.authenticator.by_cached_hash(head.token, head.project_id)
        if actor is None:
            return None
        if actor is not head.actor:
            workspace = parts.directory.workspace(head.project_id, head.workspace)
            require(actor, Action.JOB_OPERATE, workspace)
            head.place = Place(project_id=head.project_id, workspace_id=workspace.id)
            head.zone = workspace
            head.actor = actor
        parameters: dict[str, str] = {}
        if body:
            if head.content_type not in _JSON:
                return None
            for each in _decode(body).jobParams:
                name, value = each.name, each.value
                if name in parameters or len(value) > MAX_VALUE or not _is_name(name):
                    return None
                parameters[name] = value
        return RunRequest(
            place=head.place,
            job_name=head.job_name,
            parameters=parameters,
            by=actor.user_name,
            time_zone=head.zone.time_zone,
            condition_policy=head.zone.condition_policy,
        )


def _read_head(text: bytes) -> _Head | None:
    match = _HEAD.fullmatch(text)
    if match is None:
        return None
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
    workspace = find(b"workspace")
    return _Head(
        match[1].decode(),
        match[2].decode(),
        token_hash(token.decode()),
        workspace.decode() if workspace else None,
        find(b"content-length", b"0"),
        find(b"content-type", b"application/json").lower(),
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
