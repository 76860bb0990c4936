"""Sends calls: `Client` waits, `AsyncClient` awaits. All decisions stand in `_Session`, which does no I/O.

Repeating: a call that may be repeated without harm (a GET, or one with an Idempotency-Key) is sent again when the
connection breaks and after 429, 502, 503 and 504; any call is sent again when no connection could be made at all
or the server says it was not carried out (429). Waits double from `first_seconds`, with a random part so that many
clients do not come back at once; a `Retry-After` of the server wins.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from arkwright.client.calls import Answer, Call, Watch
from arkwright.client.errors import AnswerUnusable, ApiError, ClientError, NotReachable
from arkwright.client.signing import AccessKey, Credential, SignedRequests, TokenRequests

T = TypeVar("T")

BUSY = frozenset({429, 502, 503, 504})
_NOT_TRUSTED = "CERTIFICATE_VERIFY_FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How often and how patiently calls are repeated."""

    attempts: int = 6
    first_seconds: float = 0.1
    longest_seconds: float = 5.0

    def pause(self, attempt: int, retry_after: str = "") -> float:
        """Seconds to wait after `attempt` (from 1) failed."""
        if retry_after.isdigit():
            return min(float(retry_after), 60.0)
        longest = min(self.first_seconds * 2.0 ** (attempt - 1), self.longest_seconds)
        return longest * (0.5 + random.random() / 2)  # noqa: S311 (spreads load, guards nothing)


class _Session:
    """What both clients know and decide."""

    def __init__(
        self,
        url: str,
        project_id: str,
        credential: Credential,
        workspace: str,
        timeout_seconds: float,
        repeats: Repeats,
        ca_file: str | os.PathLike[str] | None,
    ) -> None:
        self.url = url.rstrip("/")
        self.project_id = project_id
        self._workspace = workspace
        self._timeout_seconds = timeout_seconds
        self._repeats = repeats
        self._ca_file = ca_file
        self._auth: httpx2.Auth = (
            SignedRequests(credential)
            if isinstance(credential, AccessKey)
            else TokenRequests(self.url, project_id, credential)
        )

    def _options(self, transport: Any) -> dict[str, Any]:
        # Proxies of the environment are meant for the internet; a server on this machine is not behind them.
        here = httpx2.URL(self.url).host in {"127.0.0.1", "localhost", "::1"}
        return {
            "auth": self._auth,
            "timeout": self._timeout_seconds,
            "transport": transport,
            "mounts": {"all://": None} if here else None,
            "verify": trusted(self.url, self._ca_file),
            "headers": {"User-Agent": "arkwright-client"},
        }

    def _request(self, call: Call[T]) -> dict[str, Any]:
        headers = {**self._headers(), "Accept": "application/json", **call.headers}
        if call.idempotency_key:
            headers["Idempotency-Key"] = call.idempotency_key
        request: dict[str, Any] = {
            "method": call.method,
            "url": self._address(call.path, call.version),
            "params": dict(call.query),
            "headers": headers,
            "timeout": self._timeout_seconds + call.extra_seconds,
        }
        if call.body is not None:
            request["json"] = call.body
        return request

    def _watch_request(self, watch: Watch[T], last_id: str) -> dict[str, Any]:
        headers = {**self._headers(), "Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        # A quiet node sends nothing for long; only connecting has a time limit.
        timeout = httpx2.Timeout(None, connect=self._timeout_seconds)
        return {"url": self._address(watch.path), "params": dict(watch.query), "headers": headers, "timeout": timeout}

    def _headers(self) -> dict[str, str]:
        headers = {"X-Project-Id": self.project_id}
        if self._workspace:
            headers["workspace"] = self._workspace
        return headers

    def _address(self, path: str, version: str = "v1") -> str:
        return f"{self.url}/{version}/{self.project_id}/{path}"

    def _pause(self, call: Call[T], attempt: int, outcome: httpx2.Response | httpx2.TransportError) -> float | None:
        """Seconds until the next attempt; None: this outcome is final."""
        if attempt >= self._repeats.attempts:
            return None
        if isinstance(outcome, httpx2.Response):
            again = outcome.status_code == 429 or (outcome.status_code in BUSY and call.repeatable)
            return self._repeats.pause(attempt, outcome.headers.get("Retry-After", "")) if again else None
        if _NOT_TRUSTED in str(outcome):
            return None
        unsent = isinstance(outcome, httpx2.ConnectError | httpx2.ConnectTimeout)
        return self._repeats.pause(attempt) if unsent or call.repeatable else None

    def _give_up(self, error: Exception | None, failures: int) -> None:
        """Raises, unless a stream that broke or was refused may be opened again."""
        last = failures >= self._repeats.attempts or _NOT_TRUSTED in str(error)
        if isinstance(error, ApiError) and (last or error.status not in BUSY):
            raise error
        if last:
            raise self._unreachable(error or ClientError("the stream ended early")) from error

    def _unreachable(self, error: Exception) -> NotReachable:
        return unreachable(self.url, error)

    def _answer(self, call: Call[T], response: httpx2.Response) -> T:
        if not response.is_success:
            raise api_error(response.status_code, response.headers, response.content)
        answer = Answer(status=response.status_code, headers=response.headers, body=response.content)
        try:
            return call.read(answer)
        except (ValueError, KeyError, TypeError) as error:
            raise AnswerUnusable(
                f"{call.method} {response.url} answered something that Arkwright does not: {error!r}.",
                hint="Does the address belong to an Arkwright server of this version?",
            ) from error


def trusted(url: str, ca_file: str | os.PathLike[str] | None) -> ssl.SSLContext | bool:
    """What httpx2 takes for `verify`. Raises `ClientError`."""
    if not ca_file:
        # Reading the machine's certificates takes 40 ms; without TLS none is shown, so nobody need be trusted.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.lower().startswith("http:") else True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # also what ssl says of a file without certificates
        raise ClientError(
            f"{os.fspath(ca_file)} can't be used as certificates to trust: {error.strerror or error}.",
            hint="Name a PEM file with the certificate of the server's authority: ca_file, --ca-file.",
        ) from None


def unreachable(url: str, error: Exception) -> NotReachable:
    said = (str(error) or type(error).__name__).rstrip(".")
    if _NOT_TRUSTED in said:
        what = f"The certificate of {url} is not trusted: {said}."
        if "expired" in said:
            return NotReachable(what, hint="The server needs a new one: --tls-cert, --tls-key of `arkwright serve`.")
        if "ostname mismatch" in said or "IP address mismatch" in said:
            return NotReachable(what, hint="Reach the server by a name that its certificate is for.")
        return NotReachable(
            what, hint="Name the certificate of its authority, or its own if it signed itself: ca_file, --ca-file."
        )
    if "[SSL" in said:
        return NotReachable(f"No answer from {url}: {said}.", hint="Does it speak TLS there? If not, write http://.")
    if isinstance(error, httpx2.RemoteProtocolError):
        return NotReachable(f"No answer from {url}: {said}.", hint="Does it speak TLS there? Then write https://.")
    return NotReachable(
        f"No answer from {url}: {said}.", hint="Is the server running there? `arkwright serve` starts one."
    )


def api_error(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The server's error shape; also for answers of proxies that know nothing of it."""
    request_id = headers.get("X-Request-Id", "")
    try:
        shape = json.loads(body)
        code, message = str(shape["error_code"]), str(shape["error_msg"])
    except (ValueError, KeyError, TypeError):
        text = body[:200].decode(errors="replace").strip()
        return ApiError(
            status=status, error_code="", message=f"HTTP {status}: {text}".rstrip(": "), request_id=request_id
        )
    return ApiError(
        status=status, error_code=code, message=message, hint=str(shape.get("hint") or ""), request_id=request_id
    )


class Client(_Session):
    """Sends calls, one after another. One client may be used by several threads.

    `ca_file`: certificates (PEM) to trust instead of the machine's.
    Raises `ApiError`, `NotReachable`, `AnswerUnusable` (all `ClientError`).
    """

    def __init__(
        self,
        url: str,
        *,
        project_id: str,
        credential: Credential,
        workspace: str = "",
        timeout_seconds: float = 30.0,
        repeats: Repeats | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(url, project_id, credential, workspace, timeout_seconds, repeats or Repeats(), ca_file)
        self._sleep = sleep
        self._http = httpx2.Client(**self._options(transport))

    def send(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            outcome: httpx2.Response | httpx2.TransportError
            try:
                outcome = self._http.request(**self._request(call))
            except httpx2.TransportError as error:
                outcome = error
            pause = self._pause(call, attempt, outcome)
            if pause is None:
                break
            self._sleep(pause)
            attempt += 1
        if isinstance(outcome, httpx2.TransportError):
            raise self._unreachable(outcome) from outcome
        return self._answer(call, outcome)

    def watch(self, watch: Watch[T]) -> Iterator[T]:
        """What the server tells, until the last."""
        last_id, failures = "", 0
        while True:
            error: Exception | None = None
            try:
                with self._http.stream("GET", **self._watch_request(watch, last_id)) as response:
                    if not response.is_success:
                        raise api_error(response.status_code, response.headers, response.read())
                    for event in httpx2.EventSource(response):
                        last_id, failures = event.id or last_id, 0
                        item = watch.read(event.event, event.data)
                        yield item
                        if watch.last(item):
                            return
            except (httpx2.TransportError, ApiError) as broken:
                error = broken
            failures += 1
            self._give_up(error, failures)
            self._sleep(self._repeats.pause(failures))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Session):
    """As `Client`, awaited."""

    def __init__(
        self,
        url: str,
        *,
        project_id: str,
        credential: Credential,
        workspace: str = "",
        timeout_seconds: float = 30.0,
        repeats: Repeats | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(url, project_id, credential, workspace, timeout_seconds, repeats or Repeats(), ca_file)
        self._sleep = sleep
        self._http = httpx2.AsyncClient(**self._options(transport))

    async def send(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            outcome: httpx2.Response | httpx2.TransportError
            try:
                outcome = await self._http.request(**self._request(call))
            except httpx2.TransportError as error:
                outcome = error
            pause = self._pause(call, attempt, outcome)
            if pause is None:
                break
            await self._sleep(pause)
            attempt += 1
        if isinstance(outcome, httpx2.TransportError):
            raise self._unreachable(outcome) from outcome
        return self._answer(call, outcome)

    async def watch(self, watch: Watch[T]) -> AsyncIterator[T]:
        """What the server tells, until the last."""
        last_id, failures = "", 0
        while True:
            error: Exception | None = None
            try:
                async with self._http.stream("GET", **self._watch_request(watch, last_id)) as response:
                    if not response.is_success:
                        raise api_error(response.status_code, response.headers, await response.aread())
                    async for event in httpx2.EventSource(response):
                        last_id, failures = event.id or last_id, 0
                        item = watch.read(event.event, event.data)
                        yield item
                        if watch.last(item):
                            return
            except (httpx2.TransportError, ApiError) as broken:
                error = broken
            failures += 1
            self._give_up(error, failures)
            await self._sleep(self._repeats.pause(failures))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
