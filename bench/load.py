"""A light HTTP/1.1 load generator: keep-alive connections, prepared requests, nothing parsed but the length.

It shares the machine with the server, so it must cost as little as can be.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Measured:
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Connection(asyncio.Protocol):
    """One keep-alive connection: sends the next request as soon as the last one is answered."""

    def __init__(self, next_request: Callable[[], bytes | None], measured: Measured, keep: bool) -> None:
        self._next = next_request
        self._measured = measured
        self._keep = keep
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    def _send(self) -> None:
        request = self._next()
        if request is None:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        at = head.lower().find(b"content-length:")
        if at >= 0:
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._measured.times.append(time.perf_counter() - self._sent)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 204")):
            self._measured.failures.append(head + body)
        if self._keep:
            self._measured.bodies.append(body)
        self._buffer = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method in {"POST", "PUT"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run(
    port: int,
    message: bytes,
    *,
    clients: int = 1,
    count: int | None = None,
    seconds: float | None = None,
    keep: bool = False,
) -> Measured:
    """Send `message` over and over: `count` times in all, or for that long."""
    measured = Measured()
    left = count
    end = time.perf_counter() + seconds if seconds is not None else None

    def next_request() -> bytes | None:
        nonlocal left
        if left is not None:
            left -= 1
            return message if left >= 0 else None
        assert end is not None
        return message if time.perf_counter() < end else None

    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    connections = []
    for _ in range(clients):
        _, protocol = await loop.create_connection(lambda: _Connection(next_request, measured, keep), "127.0.0.1", port)
        connections.append(protocol.done)
    await asyncio.gather(*connections)
    measured.seconds = time.perf_counter() - start
    return measured


async def run_each(port: int, messages: Iterable[bytes]) -> Measured:
    """Send each message once, one after another on one connection."""
    measured = Measured()
    left = iter(messages)
    start = time.perf_counter()
    _, protocol = await asyncio.get_running_loop().create_connection(
        lambda: _Connection(lambda: next(left, None), measured, False), "127.0.0.1", port
    )
    await protocol.done
    measured.seconds = time.perf_counter() - start
    return measured
