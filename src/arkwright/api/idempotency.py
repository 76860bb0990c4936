"""Idempotency-Key on every POST that may create something: a repeat is answered what the first call was.

Theory of operation
-------------------
* A key belongs to its user, project, workspace and route; it is kept for seven days, over restarts. The same key with
  another body or query is refused (400). Only what succeeded is kept: what was refused changed nothing, and a repeat
  is tried anew.
* The promise is written in the transaction of the first change (`Store.promising`), the answer after the audit record
  and before the reply. So a repeat after a crash finds: nothing, then nothing was done, and it is done now; the answer,
  then that is it; the promise alone, then it was done, and the answer was lost with the process. Where the answer is
  always the same (204) it is given; else the repeat is refused with the advice to look, and nothing is done twice.
* Two calls under one key at the same time: the second waits for the first (in one server), or is refused (in two).
* Answers may hold secrets (a new user's password), so they are sealed with the installation's key.

Routes whose operation has ids of its own (run-immediate, operations on instances) do it in their own way; calls that
change nothing (lists by POST, exports) need none.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp

from arkwright.api import audit
from arkwright.api.call import NO_CONTENT, Call, Parts, empty
from arkwright.api.route import Access, Parameter, Route
from arkwright.errors import Code, IdempotencyConflict, InvalidInput
from arkwright.store.base import IdempotencyKey, KeptAnswer

HEADER = "Idempotency-Key"
KEPT_MS = 7 * 24 * 60 * 60 * 1000
PARAMETER = Parameter(
    name=HEADER,
    place="header",
    summary="A key of the client's own: a repeat of the call under it does nothing new and is answered the same.",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_canonical = msgspec.json.Encoder(order="deterministic").encode

Handler = Callable[[Call], Awaitable[ASGIApp]]


def with_key(route: Route) -> Route:
    """The route, with the header where its answers are kept."""
    if not _keeps_answers(route):
        return route
    return replace(
        route,
        keeps_answers=True,
        parameters=(*route.parameters, PARAMETER),
        errors=tuple(dict.fromkeys((*route.errors, Code.IDEMPOTENCY_CONFLICT))),
    )


def _keeps_answers(route: Route) -> bool:
    own_way = any(each.name == HEADER for each in route.parameters)
    plain = route.media_type == "application/json" and not route.streamed
    return (
        route.method == "POST"
        and audit.is_audited(route)
        and route.access is not Access.PUBLIC
        and plain
        and not own_way
    )


class Answers:
    """Gives one answer per key."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._under_way: dict[tuple[str, str], asyncio.Event] = {}

    async def once(self, call: Call, work: Handler) -> ASGIApp:
        """`work`'s answer, or the one that was given for this key before. The call has been admitted."""
        given = call.header(b"idempotency-key")
        if given is None:
            return await work(call)
        promise = promise_of(call, given, _digest(await call.body(), call.scope["query_string"]))
        name = (promise.scope, promise.key)
        while (first := self._under_way.get(name)) is not None:
            await first.wait()
        self._under_way[name] = over = asyncio.Event()
        try:
            return await self._once(call, work, promise)
        finally:
            del self._under_way[name]
            over.set()

    async def _once(self, call: Call, work: Handler, promise: IdempotencyKey) -> ASGIApp:
        store, now_ms = self._parts.store, self._parts.now_ms()
        kept = await store.find_answer(promise.scope, promise.key, now_ms=now_ms)
        if kept is None:
            with store.promising(promise, now_ms=now_ms):
                response = await work(call)
        elif kept.request_digest != promise.request_digest:
            raise IdempotencyConflict(
                f"This {HEADER} was used with another request.", hint="Take a new key for a new request."
            )
        elif kept.status:
            return self._again(promise, kept)
        elif call.route.success == NO_CONTENT:
            await audit.record_success(call)
            response = empty()
        else:
            raise IdempotencyConflict(
                "This was done by an earlier call with this key, and the server was killed before it could answer.",
                hint="Look at what there is; it is not done a second time.",
            )
        if isinstance(response, Response) and response.status_code < 400:
            await store.keep_answer(promise, self._kept(promise, response))
        return response

    # -- answers at rest
    def _kept(self, promise: IdempotencyKey, response: Response) -> KeptAnswer:
        body = bytes(response.body).decode()
        sealed = self._parts.directory.sealer.seal(_label(promise), body) if body else b""
        return KeptAnswer(request_digest=promise.request_digest, status=response.status_code, sealed_body=sealed)

    def _again(self, promise: IdempotencyKey, kept: KeptAnswer) -> Response:
        if not kept.sealed_body:
            return empty(kept.status)
        body = self._parts.directory.sealer.unsealed(_label(promise), kept.sealed_body)
        return Response(body, kept.status, media_type="application/json")


def promise_of(call: Call, given: str, digest: str) -> IdempotencyKey:
    """Raises `InvalidInput` for a key that is none."""
    if not _KEY.fullmatch(given):
        raise InvalidInput(
            f"The header {HEADER} must be 1 to 255 visible ASCII characters.",
            field=HEADER,
            hint="A random UUID is a good key.",
        )
    workspace = call.workspace.id if hasattr(call, "workspace") else call.header(b"workspace") or ""
    parts = (
        call.actor.user_id,
        call.path.get("project_id", ""),
        workspace,
        f"{call.route.method} {call.scope['path']}",
    )
    return IdempotencyKey(
        scope="|".join(parts), key=given, request_digest=digest, expires_ms=call.parts.now_ms() + KEPT_MS
    )


def run_promise(call: Call, meant: object) -> IdempotencyKey | None:
    """For a route whose promise is kept with the instance that it makes. `meant`: what the call asks for."""
    given = call.header(b"idempotency-key")
    if given is None:
        return None
    return promise_of(call, given, hashlib.sha256(_canonical(meant)).hexdigest())


def _digest(body: bytes, query: bytes) -> str:
    """Of what was meant: spaces and the order of fields don't count."""
    try:
        plain = _canonical(msgspec.json.decode(body)) if body else b""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        plain = body
    return hashlib.sha256(b"%d %b %b" % (len(plain), plain, query)).hexdigest()


def _label(promise: IdempotencyKey) -> str:
    return f"answer {promise.scope} {promise.key}"
