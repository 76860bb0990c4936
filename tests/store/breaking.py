"""A way to a PostgreSQL server that breaks at the n-th message, whichever side sent it, in one of the ways of breaking.

It lives in the event loop of the test. Messages are told apart, so that each point of a conversation is met once.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from enum import Enum
from urllib.parse import parse_qs, urlsplit

LATER_SECONDS = 0.02
PULSE_SECONDS = 0.02
_CANCEL = 80877102


class How(Enum):
    CUT = "the connection is reset, and the message is lost"
    DONE = "the connection is reset once the message has arrived"
    HALF = "half of the message arrives, then the connection is reset"
    FATAL = "in the message's place the server says that it goes, and goes"
    IDLE = "the message arrives, then the server says that it goes, and goes a moment later"
    SILENT = "this message and all that follow it are lost, and the connection stays open"


def _fatal() -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": "57P01", "M": "terminating connection due to administrator command"}
    body = b"".join(f"{key}{value}\0".encode() for key, value in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


class Breaking:
    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._user, self._database = parts.username, parts.path
        self.address = ""
        """Of the database, by way of here."""
        self.messages = 0
        """Seen since the last `arm`."""
        self.broke = False
        self.slowest = 0.0
        """How long an answer took at most where nothing was broken, or this event loop to come round. Only grows."""
        self._at, self._how = 0, How.CUT
        self._carrying: set[asyncio.Task[None]] = set()

    def arm(self, at: int, how: How) -> None:
        """Break at this message, from 1; 0: never."""
        self._at, self._how, self.messages, self.broke = at, how, 0, False

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.address = f"postgresql://{self._user}@127.0.0.1:{port}{self._database}?sslmode=disable"
        pulse = asyncio.create_task(self._feel())
        try:
            yield
        finally:
            pulse.cancel()
            server.close()
            for task in self._carrying:
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _feel(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await asyncio.sleep(PULSE_SECONDS)
            self.took(loop.time() - begun - PULSE_SECONDS)

    def took(self, seconds: float) -> None:
        self.slowest = max(self.slowest, seconds)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        from_server, to_server = await asyncio.open_unix_connection(self._socket)
        line = _Line(self, (reader, writer), (from_server, to_server))
        try:
            await line.carry()
        finally:
            self._carrying.discard(task)
            for each in (writer, to_server):
                each.transport.abort() if line.reset else each.close()

    def reached(self) -> How | None:
        """Whether it breaks at this message."""
        self.messages += 1
        if self.broke or self.messages != self._at:
            return None
        self.broke = True
        return self._how


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Line:
    """One connection."""

    def __init__(self, way: Breaking, client: Ends, server: Ends) -> None:
        self._way = way
        self._client = client
        self._server = server
        self.reset = False
        self._silent = False
        self._asked: float | None = None

    async def carry(self) -> None:
        try:
            length = await self._client[0].readexactly(4)
            rest = await self._client[0].readexactly(struct.unpack("!i", length)[0] - 4)
        except (asyncio.IncompleteReadError, OSError):  # it gave up before it said anything
            return
        self._server[1].write(length + rest)
        cancels = struct.unpack("!i", rest[:4])[0] == _CANCEL
        work = [asyncio.ensure_future(self._pass_on(self._server[0], self._client[1], counted=not cancels))]
        if not cancels:
            work.append(asyncio.ensure_future(self._pass_on(self._client[0], self._server[1], counted=True)))
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in work:
                each.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self._answered()  # or given up

    def _answered(self) -> None:
        if self._asked is not None and not self._silent:
            self._way.took(asyncio.get_running_loop().time() - self._asked)
        self._asked = None

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, counted: bool) -> None:
        """Returns when the connection is over."""
        while True:
            try:
                head = await source.readexactly(5)
                message = head + await source.readexactly(struct.unpack("!i", head[1:])[0] - 4)
            except (asyncio.IncompleteReadError, OSError):
                return
            if self._silent:
                continue
            how = self._way.reached() if counted else None
            if how is None:
                target.write(message)
                if source is self._server[0]:
                    self._answered()
                elif self._asked is None:
                    self._asked = asyncio.get_running_loop().time()
                continue
            if not await self._break(how, message, target):
                return

    async def _break(self, how: How, message: bytes, target: asyncio.StreamWriter) -> bool:
        """Whether the connection is still there."""
        if how is How.SILENT:
            self._silent = True
            return True
        if how in (How.DONE, How.IDLE):
            target.write(message)
            await target.drain()
        if how is How.HALF:
            target.write(message[: len(message) // 2])
            await target.drain()
        if how in (How.FATAL, How.IDLE):
            self._silent = True
            self._client[1].write(_fatal())
            await self._client[1].drain()
            await asyncio.sleep(LATER_SECONDS if how is How.IDLE else 0)
            return False
        self.reset = True
        return False
