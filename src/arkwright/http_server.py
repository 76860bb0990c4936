"""uvicorn as a part of our process: no signal handlers of its own, and asleep while nothing happens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate

import uvicorn
import uvicorn.server

from arkwright.errors import SettingInvalid


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
