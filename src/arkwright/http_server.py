"""uvicorn as a part of our process: no signal handlers of its own, asleep while nothing happens, and with a short way
for the one call whose speed is promised (`api/direct.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import uvicorn
import uvicorn.server
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from arkwright.api.application import Application
from arkwright.api.direct import Direct
from arkwright.errors import SettingInvalid
from arkwright.http_guard import GuardedProtocol


class _ServerState(uvicorn.server.ServerState):
    """uvicorn's, with a Date header that is made when it is asked for."""

    _made: int = 0
    _headers: list[tuple[bytes, bytes]]

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        second = int(time.time())
        if second != self._made:
            self._headers = [(b"date", formatdate(second, usegmt=True).encode())]
            self._made = second
        return self._headers

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """uvicorn sets none but this one."""


def protocol_for(application: Application, *, short_way: bool) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol within our limits; with `short_way` it first offers `application.direct` what comes
    between two requests."""

    class Plain(GuardedProtocol):
        _next_request_id = staticmethod(application.next_request_id)

    class Short(_ShortWay):
        _next_request_id = staticmethod(application.next_request_id)
        _direct = application.direct

    return Short if short_way else Plain


class _ShortWay(GuardedProtocol):
    """While a direct request is under way (`_under_way`), what comes after it is held back, so that replies keep the
    order of their requests. The keep-alive timer is left running over direct requests and looks, when it is due, when
    the last one was."""

    _direct: Direct
    _under_way = False
    _close_after = False
    _last_reply = 0.0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._held: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        if self._under_way:
            self._held.append(data)
            if len(self._held) == 1:
                self.flow.pause_reading()
            return
        if (
            self._between
            and not self._over
            and data.startswith(b"POST /v1/")
            and (self.cycle is None or self.cycle.response_complete)
            and self._direct.take(data, self._reply)
        ):
            self._under_way = True
            self._idle_bytes = 0
            return
        super().data_received(data)

    def _reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._under_way = False
        transport = self.transport
        if transport.is_closing():
            self._held.clear()
            return
        lines = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers):
            lines += (name, b": ", value, b"\r\n")
        lines += (b"\r\n", body)
        transport.write(b"".join(lines))
        self.server_state.total_requests += 1
        self._last_reply = self.loop.time()
        if self._close_after:
            transport.close()
        elif self._held:
            data = b"".join(self._held)
            self._held.clear()
            self.flow.resume_reading()
            self.data_received(data)
        elif self.timeout_keep_alive_task is None:
            self._wait_for_more(self.timeout_keep_alive)

    def _wait_for_more(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        left = self._last_reply + self.timeout_keep_alive - self.loop.time()
        if self._under_way or left > 0:
            self._wait_for_more(max(left, 1.0))
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        if self._under_way:
            self._close_after = True
        else:
            super().shutdown()


class HttpServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the process belongs to us. And without its ten looks a second at whether
    it is to end: an idle server sleeps."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def leave(self) -> None:
        """Begin to shut down."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        await self._leaving.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    async def wait_started(self, serving: asyncio.Task[None]) -> None:
        """Returns when requests are accepted; raises what stopped the server from starting."""
        waiting = asyncio.ensure_future(self._listening.wait())
        done, _ = await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
        if serving in done:
            waiting.cancel()
            serving.result()
            raise SettingInvalid("The HTTP server ended before it started.")

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = _ServerState()
        self._listening = asyncio.Event()
        self._leaving = asyncio.Event()
