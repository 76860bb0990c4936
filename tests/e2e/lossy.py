"""A way to a PostgreSQL server that loses connections at the worst moment, around a COMMIT, or goes silent."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

COMMIT = b"COMMIT\0"
PIECE = 65536


class Lossy:
    def __init__(self, address: str, seed: int) -> None:
        parts = urlsplit(address)
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._user, self._database = parts.username, parts.path
        self._random = random.Random(seed)
        self.address = ""
        """Of the database, by way of here."""
        self.commits = 0.0
        """Share of the commits whose connection is lost: before the server sees them, or before its answer is heard."""
        self.others = 0.0
        """Share of all other messages whose connection is lost before the server sees them."""
        self.silent = False
        """Nothing is carried any more; connections stay open."""
        self.lost_before = 0
        self.lost_after = 0

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.address = f"postgresql://{self._user}@127.0.0.1:{port}{self._database}?sslmode=disable"
        return server

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._socket)
        last_words = asyncio.Event()
        """The server shall be heard no more, but for the answer that tells that it is done."""

        async def back() -> None:
            while data := await from_server.read(PIECE):
                if last_words.is_set():
                    return
                if not self.silent:
                    writer.write(data)

        async def forth() -> None:
            while data := await reader.read(PIECE):
                if self.silent:
                    continue
                if COMMIT in data and self._random.random() < self.commits:
                    if self._random.random() < 0.5:
                        self.lost_before += 1
                        return
                    self.lost_after += 1
                    last_words.set()
                elif self._random.random() < self.others:
                    self.lost_before += 1
                    return
                to_server.write(data)
                if last_words.is_set():
                    await answers
                    return

        answers, questions = asyncio.ensure_future(back()), asyncio.ensure_future(forth())
        try:
            await asyncio.wait([answers, questions], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answers, questions):
                task.cancel()
            await asyncio.gather(answers, questions, return_exceptions=True)
            for each in (writer, to_server):
                each.close()
                with contextlib.suppress(OSError):  # the other side was quicker
                    await each.wait_closed()


@contextlib.contextmanager
def lossy_way(address: str, seed: int) -> Iterator[Lossy]:
    way = Lossy(address, seed)
    up, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        server = await way.listen()
        up.set()
        await asyncio.to_thread(ended.wait)
        server.close()

    thread = threading.Thread(target=asyncio.run, args=[serve()], daemon=True)
    thread.start()
    assert up.wait(30)
    try:
        yield way
    finally:
        ended.set()
        thread.join(30)
