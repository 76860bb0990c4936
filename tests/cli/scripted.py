"""A real HTTP server on the loopback that answers as a test told it to, and remembers what it was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    path: bytes
    query: bytes
    headers: dict[str, str]
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(kw_only=True)
class Scripted:
    url: str
    answers: list[Response] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.asked.append(
            Asked(
                method=request.method,
                path=request.scope["raw_path"],
                query=request.scope["query_string"],
                headers=dict(request.headers),
                raw_headers=request.headers.raw,
                body=await request.body(),
            )
        )
        return self.answers.pop(0)


@contextmanager
def scripted() -> Iterator[Scripted]:
    listener = socket.create_server(("127.0.0.1", 0))
    script = Scripted(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    methods = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", script.answer, methods=methods)])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield script  # the socket listens already: a request waits in its queue until the server takes it
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
