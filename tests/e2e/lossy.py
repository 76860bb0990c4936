"""A way to a PostgreSQL server that now and then loses the connection at the worst moment: around a COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

COMMIT = b"COMMIT\0"


@dataclass
class Lossy:
    address: str
    """Of the database, by way of here."""
    seed: int
    share: float = 0.0
    """Of the commits whose connection is lost: before the server sees them, or before its answer is heard."""
    cut_before: int = 0
    cut_after: int = 0


@contextlib.contextmanager
def lossy_way(address: str, seed: int) -> Iterator[Lossy]:
    parts = urlsplit(address)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    way = Lossy("", seed)
    moments = random.Random(seed)
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    up = threading.Event()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(socket)
        deaf = False

        async def back() -> None:
            while (data := await from_server.read(65536)) and not deaf:
                writer.write(data)

        answers = asyncio.ensure_future(back())
        try:
            while data := await reader.read(65536):
                if COMMIT in data and moments.random() < way.share:
                    if moments.random() < 0.5:
                        way.cut_before += 1
                        return
                    way.cut_after += 1
                    deaf = True
                    to_server.write(data)
                    await answers  # returns with the first answer
                    return
                to_server.write(data)
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            writer.close()
            to_server.close()

    async def serve() -> None:
        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        way.address = f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}?sslmode=disable"
        up.set()
        await ended.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    assert up.wait(30)
    try:
        yield way
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
        loop.close()
