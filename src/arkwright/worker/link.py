"""The worker's side of the runner protocol (`executors/attempt_wire`): one method per message.

Rules: a message that was not answered is sent again, for as long as its sender wants: all of them may come twice. What
the server refuses is `Refused`; whether that ends the worker, `Refused.for_good` says. The token goes to the one
address that the worker was started with, never to one that a task names.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
from msgspec import Struct

import arkwright
from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.executors.attempt_wire import (
    Arrival,
    Asked,
    Cancels,
    Claim,
    ClaimAnswer,
    Held,
    Leave,
    LogEnd,
    Renewal,
    Renewed,
    Report,
    Welcome,
    attempt_name,
    decode,
    encode,
)
from arkwright.nodes.base import AttemptKey

T = TypeVar("T")

ANSWER_SECONDS = 10.0
HELD_OPEN_SECONDS = 40.0
"""Longer than the server holds a question open."""
KEPT_OPEN_SECONDS = 60.0
"""An idle connection: shorter than the server keeps it, longer than between two renewals. A new one is a TLS handshake
on both sides, which costs more than all else of a request."""
FETCH_BYTES = 1024 * 1024
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)


class Refused(ArkwrightError):
    """The server refuses what the worker asks."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.for_good = status in (401, 403)
        """It will refuse everything: the token is not, or no longer, good."""


class Unreachable(StoreUnavailable):
    """The server can't be reached, or can't answer now."""


def _trusted(url: str, ca_file: Path | None) -> ssl.SSLContext | bool:
    """What httpx2 takes for `verify`."""
    if ca_file is not None:
        return ssl.create_default_context(cafile=str(ca_file))
    # Reading the machine's certificates takes 40 ms; without TLS none is shown, so nobody need be trusted.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.lower().startswith("http:") else True


class ServerLink:
    def __init__(self, url: str, token: str, *, runner: str, ca_file: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self.runner = runner
        here = httpx2.URL(self.url).host in {"127.0.0.1", "localhost", "::1"}
        self._http = httpx2.AsyncClient(
            base_url=f"{self.url}/v1/runner",
            headers={"Authorization": f"Bearer {token}", "User-Agent": f"arkwright-worker/{arkwright.__version__}"},
            timeout=ANSWER_SECONDS,
            # Proxies of the environment are meant for the internet; a server on this machine is not behind them.
            mounts={"all://": None} if here else None,
            verify=_trusted(self.url, ca_file),
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=KEPT_OPEN_SECONDS),
        )

    async def close(self) -> None:
        await self._http.aclose()

    # -- the worker
    async def arrive(self, arrival: Arrival) -> Welcome:
        return await self._ask("/arrive", arrival, Welcome)

    async def leave(self) -> None:
        await self._send("POST", "/leave", encode(Leave(runner=self.runner)))

    async def renew(self, renewal: Renewal) -> Renewed:
        return await self._ask("/renew", renewal, Renewed)

    async def cancels(self, known: tuple[Held, ...]) -> tuple[Held, ...]:
        """Held open until there are others than the known ones, or for a while."""
        asked = Asked(runner=self.runner, known=known)
        return (await self._ask("/cancels", asked, Cancels, seconds=HELD_OPEN_SECONDS)).attempts

    # -- attempts
    async def claim(self, key: AttemptKey, *, resume: bool) -> ClaimAnswer:
        claim = Claim(runner=self.runner, version=arkwright.__version__, resume=resume)
        return await self._ask(f"/attempts/{attempt_name(key)}/claim", claim, ClaimAnswer)

    async def fetch(self, key: AttemptKey, epoch: int, number: int, file: Path) -> None:
        """A file that the attempt needs; replaces what is there. Raises `OSError` when it can't be written."""
        path = f"/attempts/{attempt_name(key)}/inputs/{number}"
        query = {"runner": self.runner, "epoch": str(epoch)}
        try:
            async with self._http.stream("GET", path, params=query) as reply:
                if not reply.is_success:
                    await reply.aread()
                    self._check(reply)
                opened = await asyncio.to_thread(file.open, "wb")
                try:
                    async for piece in reply.aiter_bytes(FETCH_BYTES):
                        await asyncio.to_thread(opened.write, piece)
                    await asyncio.to_thread(opened.flush)
                finally:
                    with contextlib.suppress(OSError):  # of a full disk `flush` has told
                        await asyncio.to_thread(opened.close)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from None

    async def finish(self, key: AttemptKey, report: Report) -> None:
        await self._send("POST", f"/attempts/{attempt_name(key)}/finish", encode(report))

    async def write_log(self, key: AttemptKey, epoch: int, offset: int, data: bytes, *, cut: bool = False) -> None:
        more = {"cut": "true"} if cut else {}
        await self._send(
            "PUT",
            f"/attempts/{attempt_name(key)}/log",
            data,
            {"runner": self.runner, "epoch": str(epoch), "offset": str(offset), **more},
        )

    async def log_end(self, key: AttemptKey, epoch: int) -> int:
        where = {"runner": self.runner, "epoch": str(epoch)}
        return self._read(await self._send("GET", f"/attempts/{attempt_name(key)}/log", None, where), LogEnd).offset

    async def write_output(self, key: AttemptKey, epoch: int, name: str, data: bytes) -> None:
        where = {"runner": self.runner, "epoch": str(epoch)}
        await self._send("PUT", f"/attempts/{attempt_name(key)}/files/{name}", data, where)

    # -- inside
    async def _ask(self, path: str, message: Struct, kind: type[T], *, seconds: float = ANSWER_SECONDS) -> T:
        return self._read(await self._send("POST", path, encode(message), seconds=seconds), kind)

    def _read(self, answer: bytes, kind: type[T]) -> T:
        try:
            return decode(answer, kind)
        except msgspec.MsgspecError as error:
            raise Unreachable(f"{self.url} answers what no server of this version does: {error}.") from None

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        query: dict[str, str] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> bytes:
        """Once. Raises `Refused` and `Unreachable`."""
        more: dict[str, Any] = {} if body is None else {"content": body}
        try:
            reply = await self._http.request(method, path, params=query, timeout=seconds, **more)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from None
        self._check(reply)
        return reply.content

    def _unreachable(self, error: httpx2.TransportError) -> Unreachable:
        text = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in text:
            text += ". Name the certificate of its authority with --api-ca"
        return Unreachable(f"The server {self.url} can't be reached: {text}.")

    def _check(self, reply: httpx2.Response) -> None:
        """Of a whole answer. Raises `Refused` and `Unreachable`."""
        if reply.is_success:
            return
        try:
            shape = json.loads(reply.content)
            message = " ".join(part for part in (shape["error_msg"], shape.get("hint", "")) if part)
        except (ValueError, KeyError, TypeError):
            message = f"HTTP {reply.status_code}"
        if reply.status_code in (408, 429) or reply.status_code >= 500:
            raise Unreachable(f"The server {self.url} can't answer now: {message}")
        if reply.status_code == 404 and (message.startswith("HTTP") or "/runner/" in message):
            message = f"{self.url} answers {message} Is it an Arkwright server of this version?"
        raise Refused(message, status=reply.status_code)


async def pause(tries: int, stopped: asyncio.Event | None = None) -> None:
    """Before the next try of something that went unanswered. `stopped`: ends it."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for((stopped or asyncio.Event()).wait(), _PAUSES[min(tries, len(_PAUSES) - 1)])
