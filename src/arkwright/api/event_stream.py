"""Server-sent events: an answer that stays open and says what happens.

Rules: it ends when its source ends, when the client hangs up, and when the server is about to stop (then without
a last word, so that clients come back to the next server). A comment every few seconds keeps proxies from
closing a quiet stream, and finds out that a client is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from arkwright.api.call import Call

KEEP_ALIVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    name: str
    data: Any
    """Sent as one line of JSON."""
    id: int | None = None
    """What a client sends back as Last-Event-ID to go on from here."""

    def encoded(self) -> bytes:
        number = b"" if self.id is None else b"id: %d\n" % self.id
        return b"event: %s\n%sdata: %s\n\n" % (self.name.encode(), number, msgspec.json.encode(self.data))


def wanted(call: Call) -> bool:
    return "text/event-stream" in (call.header(b"accept") or "").lower()


class EventStream:
    """An ASGI response that sends what `events` yields."""

    def __init__(self, call: Call, events: AsyncGenerator[StreamEvent, None]) -> None:
        self._call = call
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            if scope["method"] != "HEAD":
                await self._send_all(send)
        finally:
            await self._events.aclose()
        await send({"type": "http.response.body", "body": b""})

    async def _send_all(self, send: Send) -> None:
        endings: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._call.gone()),
            asyncio.ensure_future(self._call.parts.closing.wait()),
        ]
        following: asyncio.Future[Any] | None = None
        try:
            while True:
                following = following or asyncio.ensure_future(anext(self._events))
                await asyncio.wait(
                    [following, *endings], timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if following.done():
                    try:
                        chunk = following.result().encoded()
                    except StopAsyncIteration:
                        return
                    following = None
                elif any(each.done() for each in endings):
                    return
                else:
                    chunk = b": still here\n\n"
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            for each in (following, *endings):
                if each is not None:
                    each.cancel()
                    with suppress(asyncio.CancelledError, StopAsyncIteration):
                        await each
