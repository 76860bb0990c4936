"""One request on its way to a handler: who asks, where, and what was sent.

Rules: parameters are read with a check that names the field; a body is read once, up to the limit; what is
wrong raises, and `errors` makes the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from arkwright.api.body import json_object, once, read_body, stream_body
from arkwright.api.route import Route
from arkwright.api.server_setting import ServerSetting
from arkwright.core.identity import Workspace
from arkwright.core.masking import hidden, holds_sealed_bytes
from arkwright.core.workers import WorkerToken
from arkwright.engine.assignments import Assignments
from arkwright.engine.interface import Engine
from arkwright.engine.resealing import Resealing
from arkwright.engine.run_files import RunFiles
from arkwright.engine.secret_references import References
from arkwright.errors import InvalidInput
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator
from arkwright.iam.directory import Directory
from arkwright.iam.login import Login
from arkwright.iam.model import Actor
from arkwright.iam.tokens import Tokens
from arkwright.iam.worker_tokens import WorkerTokens
from arkwright.notify.sender import Sender
from arkwright.objects.base import Objects
from arkwright.scheduler.event_parts import EventParts
from arkwright.scheduler.interface import Scheduler
from arkwright.store.base import Place, Store
from arkwright.transfer.tasks import SystemTasks

if TYPE_CHECKING:
    from arkwright.api.limits import Limits
    from arkwright.api.metrics import Sources
    from arkwright.executors.warehouse_reader import WarehouseReader

_JSON_WORDS = {None: "null", True: "true", False: "false"}
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What handlers work with."""

    engine: Engine
    store: Store
    directory: Directory
    authenticator: Authenticator
    login: Login
    administration: Administration
    tokens: Tokens
    worker_tokens: WorkerTokens
    run_files: RunFiles
    now_ms: Callable[[], int]
    closing: asyncio.Event
    """Set when the server is about to stop: whoever holds a reply open ends it."""
    base_url: str
    body_limit_bytes: int
    objects: Objects
    object_limit_bytes: int
    """Largest object that may be uploaded."""
    system_tasks: SystemTasks
    scheduler: Scheduler
    events: EventParts
    """Triggers, real-time jobs, webhooks."""
    loopback_allowed: bool
    """Whether a connection may be tested to an address of this machine."""
    sender: Sender | None
    """Who tries a topic. None: nothing is set up to send."""
    offset_mode: str
    """`page`, `record` or `auto`: what a list's `offset` counts."""
    warehouse: WarehouseReader | None = None
    """Asks workspaces' databases what is in them; None: they live on another machine."""
    workspace_folder: Callable[[str], Path] = Path
    """Where a workspace (id) has its files."""
    references: References | None = None
    """Where secrets are that are kept elsewhere."""
    settings: Sequence[ServerSetting] = ()
    """What the server runs with, as it may be shown."""
    resealing: Resealing | None = None
    """Who changes the key that secrets are sealed with."""
    assignments: Assignments | None = None
    """What workers may have. None: there is nothing for them here."""
    assess: Callable[[Path], Mapping[str, Any]] | None = None
    """Tells what the jobs of a zip would need to run here (`arkwright assess`)."""
    metrics: Sources | None = None
    """What is counted here."""
    serves_api: bool = True
    """False: only what tells of the server itself is answered."""
    limits: Limits | None = None
    """The rates that clients are held to; None: there are none."""


class Call:
    """A request that passed the checks of its route."""

    __slots__ = (
        "_body",
        "_query",
        "actor",
        "headers",
        "parts",
        "path",
        "receive",
        "request_id",
        "route",
        "scope",
        "worker",
        "workspace",
    )

    def __init__(self, parts: Parts, route: Route, scope: Scope, receive: Receive) -> None:
        self.parts = parts
        self.route = route
        self.scope = scope
        self.receive = receive
        self.path: Mapping[str, str] = scope.get("path_params", {})
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id: str = scope.get("arkwright.request_id", "")
        self.actor: Actor
        self.workspace: Workspace
        self.worker: WorkerToken
        self._body: bytes | None = None
        self._query: dict[str, str] | None = None

    # -- where and who
    @property
    def place(self) -> Place:
        return Place(project_id=self.workspace.project_id, workspace_id=self.workspace.id)

    def header(self, name: bytes) -> str | None:
        """The header of that (lower case) name; of a repeated one the last counts."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def base_url(self) -> str:
        """Where the client reached us."""
        host = self.header(b"host")
        return f"{self.scope.get('scheme', 'http')}://{host}" if host else self.parts.base_url

    # -- query
    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters; of a repeated one the last value counts."""
        if self._query is None:
            self._query = query_of(self.scope)
        return self._query

    def number(self, name: str, default: int | None = None, *, least: int = 0, most: int = 2**53 - 1) -> int | None:
        given = self.query.get(name, "").strip()
        if not given:
            return default
        value = whole_number(given)
        if value is None or not least <= value <= most:
            raise InvalidInput(f"{name} must be a whole number from {least} to {most}, not {short(given)}.", field=name)
        return value

    def flag(self, name: str) -> bool:
        given = self.query.get(name, "").strip().lower()
        if given in {"", "false", "0"}:
            return False
        if given in {"true", "1"}:
            return True
        raise InvalidInput(f"{name} must be true or false, not {short(given)}.", field=name)

    def slice(self, *, most: int, default: int = 10, first: int = 0) -> tuple[int, int]:
        """(records to skip, records to answer) of a list. `offset` counts pages, as documented, unless the server
        is set to records; `auto` is for clients that are known to send records (factory-api 2.3). `first`: the
        number of the first page, which a few lists count from 1."""
        limit = self.number("limit", default, least=1, most=most) or default
        offset = max((self.number("offset", first) or 0) - first, 0)
        mode = self.parts.offset_mode
        if mode == "auto":
            agent = (self.header(b"user-agent") or "").lower()
            mode = "record" if "terraform" in agent or "kestra" in agent else "page"
        return min(offset * limit if mode == "page" else offset, 2**53 - 1), limit

    # -- body
    async def body(self) -> bytes:
        if self._body is None:
            self._body = await read_body(self.scope, self.receive, self.parts.body_limit_bytes)
        return self._body

    @property
    def body_read(self) -> bytes | None:
        """The body, if somebody has read it by now."""
        return self._body

    async def declared_body(self) -> bytes | str:
        """For a body that the handler reads itself: the hash that X-Sdk-Content-Sha256 declares, which `stream` holds
        the body against. Without that header the whole body, within the usual limit."""
        declared = (self.header(b"x-sdk-content-sha256") or "").strip()
        if _SHA256.fullmatch(declared):
            return declared.lower()
        if declared.upper() == "UNSIGNED-PAYLOAD":
            return "0" * 64  # the signature does not cover the body; the authenticator says when that will do
        return await self.body()

    async def stream(self, limit: int) -> AsyncGenerator[bytes, None]:
        """The body in pieces. Raises `HttpRefusal` (413) past the limit, `ClientGone`, and `InvalidInput` at the end
        if it is not the body whose hash was declared."""
        declared = (self.header(b"x-sdk-content-sha256") or "").strip().lower()
        digest = hashlib.sha256()
        pieces = stream_body(self.scope, self.receive, limit) if self._body is None else once(self._body)
        async for piece in pieces:
            digest.update(piece)
            yield piece
        if _SHA256.fullmatch(declared) and digest.hexdigest() != declared:
            raise InvalidInput("The header X-Sdk-Content-Sha256 does not match the body.", field="X-Sdk-Content-Sha256")

    async def document(self, *, required: bool = True) -> dict[str, Any]:
        """The body's JSON object; without a body the empty one, unless it is required."""
        return json_object(self.scope, await self.body(), required=required)

    # -- waiting
    async def gone(self) -> None:
        """Returns when the client has hung up. The body must have been read."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def while_connected(self, work: asyncio.Future[Any]) -> bool:
        """Wait for `work` as long as there is somebody to tell, and the server goes on. False: `work` was
        cancelled for one of these reasons."""
        others = [asyncio.ensure_future(self.gone()), asyncio.ensure_future(self.parts.closing.wait())]
        try:
            await asyncio.wait([work, *others], return_when=asyncio.FIRST_COMPLETED)
            return work.done()
        finally:
            for each in (work, *others):
                each.cancel()
            for each in others:
                with suppress(asyncio.CancelledError):
                    await each


# ---------------------------------------------------------------- answers

NO_CONTENT = 204


def answer(value: Any, status: int = 200) -> Response:
    """Masked values, which are sealed in whatever holds them, leave as a mask."""
    body = msgspec.json.encode(value)
    if holds_sealed_bytes(body):
        body = hidden(body.decode()).encode()
    return Response(body, status, media_type="application/json")


class Instant:
    """A JSON answer with as little work as possible: for the one route whose speed is promised."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self._body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


def empty(status: int = NO_CONTENT) -> Response:
    return Response(status_code=status)


# ---------------------------------------------------------------- small readings


def query_of(scope: Scope) -> dict[str, str]:
    raw = scope["query_string"]
    if not raw:
        return {}
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors="replace"))


def whole_number(given: str) -> int | None:
    """A number from 0 in plain digits; None: it is none, or far too long."""
    return int(given) if len(given) <= 16 and given.isascii() and given.isdigit() else None


def short(value: object) -> str:
    """For a message; what JSON has words of its own for in these."""
    shown = _JSON_WORDS.get(value) if value is None or isinstance(value, bool) else None
    shown = shown or repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
