"""What a connection is held to before anything of a request is believed: its size, its time, and what is no HTTP.

uvicorn's protocol reads a head of any length for as long as it takes, answers what it can't read in words of its own
(also in the middle of another answer), and takes the trailers of a body for headers. Rules here:

* The head of a request, and whatever else comes without a body making progress (trailers, extensions of chunks, empty
  lines), has at most `HEAD_BYTES`: 431.
* A head is there within `HEAD_SECONDS`; a body goes on within `BODY_SECONDS`, unless it is us who don't read it: 408.
  A connection that says nothing at all is closed as one that was kept alive is. So nobody holds connections for long
  who has shown no credential.
* What can't be read is answered in the one shape of errors. Where an earlier answer on the connection is under way,
  that is brought to its end, and nothing follows.
* Trailers are dropped: they come after everything was decided, and a proxy may not have looked at them.

A connection that owes nothing has no timer of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from arkwright.api.error_codes import BAD_REQUEST, HEAD_TOO_LARGE, REQUEST_TOO_SLOW, ErrorCode
from arkwright.api.errors import HttpRefusal, refusal

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 20.0
BODY_SECONDS = 60.0
LINGER_SECONDS = 2.0


class _HeadTooLarge(Exception):
    """Ends the reading of a request."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol within these limits."""

    _next_request_id: Callable[[], str]
    _between = True
    """No request has begun that is not complete: the parser expects a request line."""
    _head_complete = False
    _moved = False
    """The data in hand brought a request forward."""
    _idle_bytes = 0
    """Bytes that have come since one was last brought forward."""
    _begun = 0.0
    _heard = 0.0
    _too_large = False
    _over = False
    """The last word was said."""
    _owed: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        if self._owed is not None:
            self._owed.cancel()
            self._owed = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._moved = False
        super().data_received(data)
        if self._over or self.transport.is_closing():
            return
        if self._moved:
            self._idle_bytes = 0
        else:
            self._idle_bytes += len(data)
            if self._idle_bytes > HEAD_BYTES:
                self._refuse(HEAD_TOO_LARGE)
                return
        if not self._between or self._idle_bytes:
            self._heard = self.loop.time()
            if self._owed is None:
                self._begun = self._heard
                self._owed = self.loop.call_later(min(HEAD_SECONDS, BODY_SECONDS), self._look)

    def on_message_begin(self) -> None:
        self._between = False
        self._head_complete = False
        self._begun = self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_complete:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._moved = self._head_complete = True
        if len(self.url) + sum([len(name) + len(value) + 4 for name, value in self.headers]) > HEAD_BYTES:
            self._too_large = True
            raise _HeadTooLarge
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = self._between = True
        super().on_message_complete()

    def _look(self) -> None:
        """Whether the rest of a request is overdue."""
        self._owed = None
        if self._over or self.transport.is_closing() or (self._between and not self._idle_bytes):
            return
        now = self.loop.time()
        if self._between or not self._head_complete:
            left = self._begun + HEAD_SECONDS - now
        elif self.flow.read_paused:
            left = BODY_SECONDS
        else:
            left = self._heard + BODY_SECONDS - now
        if left > 0:
            self._owed = self.loop.call_later(left, self._look)
        elif not self._between:
            self._refuse(REQUEST_TOO_SLOW)
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.close()  # empty lines, and no request

    # -- answers
    def send_400_response(self, msg: str) -> None:
        self._refuse(HEAD_TOO_LARGE if self._too_large else BAD_REQUEST)

    def _refuse(self, row: ErrorCode) -> None:
        """The last word on this connection."""
        if self._owed is not None:
            self._owed.cancel()
            self._owed = None
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if self._between or cycle.scope is not self.scope:
                # An earlier request is being answered; when that is over, so is the connection.
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            if cycle.response_started:
                self.transport.close()
                return
            cycle.disconnected = True  # whoever reads the body learns that it won't come, and answers nothing
            cycle.message_event.set()
        answer = refusal(HttpRefusal(row), request_id="").response()
        headers = [
            *self.server_state.default_headers,
            *answer.raw_headers,
            (b"x-request-id", self._next_request_id().encode()),
            (b"connection", b"close"),
        ]
        lines = [STATUS_LINE[row.status]]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join([*lines, b"\r\n", bytes(answer.body)]))
        self._over = True
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            # Closing while the client still sends would take the answer from it: what comes now is dropped for a while.
            self.transport.write_eof()
            self._owed = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()
