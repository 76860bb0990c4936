"""RESTAPI: sends one HTTP request; 2xx is success.

* The answer's body is the node's output, up to 1,000,000 characters; a body over 30 MB fails the node. The log holds
  the exchange without header values and query, which may be secret.
* Where it may connect to is decided by the fence (`network_fence`), for each redirect anew. At most five redirects
  are followed; 303, and 301 and 302 to a POST, go on as GET; of the given headers only harmless ones go on to another
  origin. Proxies of the environment are not used. TLS certificates are checked.
* `extract` (`name=json.path`, one a line) names what later nodes may use as `${name}`; `core/resolve.py` takes it out
  of the output then. An answer that is no JSON fails the node; a path that leads nowhere gives an empty value.
* `checkReturnValue` asks again and again until the value at `propertyPath` is one of `successFlag` (or `failureFlag`,
  which fails the node), for an hour unless `checkTimeout` says otherwise.
* A connection of type IAM signs the request with its access key (SDK-HMAC-SHA256, as the cloud's IAM authentication);
  a redirect to another origin goes on unsigned.
* Connecting may take 10 s; for the rest the node's own time limit holds.
* No false green: an agent and the other settings of the cloud's node that nothing here honours are refused by name.

When it is repeated: GET and HEAD are sent again, and so is a request with an `Idempotency-Key` header. Whether another
one was carried out before its process died nobody can know: LOST, and the node's retry settings decide.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from arkwright import __version__
from arkwright.core.outcome import FailureKind
from arkwright.core.request_signing import sign
from arkwright.core.resolve import quoted
from arkwright.el import ElError, Missing, NodeOutput, Scope, evaluate_expression
from arkwright.nodes.base import Category, Context, Failed, Log, NodeType, Outcome, Property, Succeeded, Work
from arkwright.nodes.restapi_request import (
    BODY_LIMIT_BYTES,
    IAM,
    METHODS,
    RestRequest,
    ReturnCheck,
    objection_to_url,
    read_request,
    refused,
)

if TYPE_CHECKING:  # the server looks at this type without loading an HTTP library
    import httpx2

    from arkwright.nodes.network_fence import FencedTransport

OUTPUT = "output"
OUTPUT_CHARACTERS = 1_000_000
LOGGED_CHARACTERS = 2_000
QUOTED_CHARACTERS = 300
CONNECT_SECONDS = 10.0
REDIRECTS = 5

_REDIRECTING = (301, 302, 303, 307, 308)
_HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
_ABOUT_BODY = frozenset({"content-type", "content-encoding", "content-language"})


class _Failure(Exception):
    """An expected end of the exchange without an answer that can be used."""

    def __init__(self, outcome: Failed) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class RestApi:
    type = NodeType(
        name="RESTAPI",
        title="Rest Client",
        work=Work.HOSTED,
        portable=True,
        category=Category.SERVICE,
        icon="api",
        summary="Sends an HTTP request; the answer's body is the node's output.",
        aliases=("RestClient",),
        properties=(
            Property(name="url", help="http://… or https://…", required=True),
            Property(name="method", help="How to ask.", required=True, choices=METHODS),
            Property(name="headers", help="One name=value per line, or a JSON object."),
            Property(name="body", help="Text to send; JSON unless a Content-Type header says otherwise."),
            Property(
                name="extract",
                help="What to take out of the JSON answer, one name=json.path a line; later nodes use it as ${name}.",
            ),
            Property(name="urlParams", help="Parameters for the query of the URL, one key=value a line."),
            Property(name="authenticationMode", help="IAM signs the request.", choices=("IAM", "NONE"), default="NONE"),
            Property(name="connectionName", help="For IAM: a connection with accessKey and secretKey."),
            Property(
                name="checkReturnValue",
                help="For GET: ask again until a value in the JSON answer fits.",
                choices=("YES", "NO"),
                default="NO",
            ),
            Property(name="propertyPath", help="JSON path of that value: data.status."),
            Property(name="successFlag", help="Values that end in success, with semicolons between them."),
            Property(name="failureFlag", help="Values that end in failure."),
            Property(name="checkInterval", help="Seconds between two looks.", default="30"),
            Property(name="checkTimeout", help="Seconds after which it fails.", default="3600"),
        ),
        connections=(IAM,),
        server="Any HTTP server that the network rules allow; tested with the standard library's.",
        repeated="GET, HEAD and requests with an Idempotency-Key are sent again; others are LOST.",
        example={
            "name": "ask",
            "type": "RESTAPI",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "url", "value": "https://example.org/"},
                {"name": "method", "value": "GET"},
            ],
        },
    )

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}
        self._transport: FencedTransport | None = None

    def configure(self, settings: Mapping[str, Any]) -> None:
        """`own_addresses`, `allow_loopback_requests`, `allow_private_requests` (see `Fence.from_settings`), and
        `ca_file`: certificates (PEM) to trust instead of the system's. What is under way keeps the old ones."""
        self._settings = dict(settings)
        self._transport = None

    def check(self, context: Context) -> Failed | None:
        request = self.request(context)
        return request if isinstance(request, Failed) else None

    def request(self, context: Context) -> RestRequest | Failed:
        return read_request(context.properties, context.connection)

    def host(self, context: Context) -> str:
        return "rest"

    async def run(self, context: Context, log: Log) -> Outcome:
        from arkwright.nodes.network_fence import BROKEN, AddressRefused

        request = self.request(context)
        if isinstance(request, Failed):
            return request
        try:
            return await self._until_it_fits(request, context, log)
        except _Failure as failure:
            outcome = failure.outcome
        except AddressRefused as refusal:
            outcome = refused(str(refusal))
        except BROKEN as fault:
            outcome = _error(f"The request failed: {_named(fault)}")
        log(f"{context.scrubbed(outcome.message)}\n".encode(errors="replace"))
        return outcome

    async def _until_it_fits(self, request: RestRequest, context: Context, log: Log) -> Outcome:
        end = time.monotonic() + (request.check.timeout_seconds if request.check else 0)
        while True:
            text = await self._exchange(request, context, log)
            if request.check is None or _fits(text, request.check, log, time.monotonic() >= end):
                return _extracted(text, request, log)
            await asyncio.sleep(request.check.interval_seconds)

    async def recall(self, context: Context) -> Outcome | None:
        request = self.request(context)
        if isinstance(request, Failed) or request.repeatable:
            return None
        return Failed(
            kind=FailureKind.LOST,
            message=f"The process that sent this {request.method} died before it had seen the whole answer: the "
            "request may or may not have been carried out. An Idempotency-Key header makes it safe to send again.",
        )

    def _open_transport(self) -> FencedTransport:
        from arkwright.nodes.network_fence import Fence, FencedTransport

        if self._transport is None:
            fence = Fence.from_settings(self._settings)
            self._transport = FencedTransport(fence, ca_file=str(self._settings.get("ca_file") or ""))
        return self._transport

    async def _exchange(self, given: RestRequest, context: Context, log: Log) -> str:
        """The body of a good answer, which is also the output. Raises `_Failure`."""
        transport = self._open_transport()
        first = request = _first_request(given)
        for _ in range(REDIRECTS + 1):
            log(f"{request.method} {_shown(request.url)}\n".encode())
            begun = time.perf_counter()
            if given.key is not None and _origin(request) == _origin(first):
                _sign(request, given)
            response = await transport.handle_async_request(request)
            try:
                location = response.headers.get("location")
                if response.status_code not in _REDIRECTING or not location:
                    return await _answer(response, begun, context, log)
                log(f"{response.status_code}, redirected\n".encode())
                request = _redirected(request, response.status_code, location, given.body)
            finally:
                await response.aclose()
        raise _Failure(_error(f"There were more than {REDIRECTS} redirects; the last was to {_shown(request.url)}."))


def _first_request(given: RestRequest) -> httpx2.Request:
    import httpx2

    # our defaults first; a header that is given twice is sent twice
    defaults = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": f"Arkwright/{__version__}"}
    if given.body:
        defaults["content-type"] = "application/json"
    names = {name.lower() for name, _ in given.headers}
    headers = [*((name, value) for name, value in defaults.items() if name not in names), *given.headers]
    encoded = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers]
    return _request(given.method, httpx2.URL(given.url), encoded, given.body)


def _request(method: str, url: httpx2.URL, headers: list[tuple[bytes, bytes]], body: bytes) -> httpx2.Request:
    import httpx2

    content = body if body or method in ("POST", "PUT", "PATCH") else None
    timeouts = {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None}
    return httpx2.Request(method, url, headers=headers, content=content, extensions={"timeout": timeouts})


def _redirected(request: httpx2.Request, status: int, location: str, body: bytes) -> httpx2.Request:
    """The next request of a redirect. Raises `_Failure` where it leads to what is no web address."""
    import httpx2

    try:
        url = request.url.join(location).copy_with(fragment=None)
    except httpx2.InvalidURL as fault:
        raise _Failure(_error(f"The answer redirects to {location!r}, which is no address: {fault}")) from None
    objection = objection_to_url(str(url))
    if objection is not None:
        raise _Failure(refused(f"The answer redirects: {objection}"))
    method = request.method
    becomes_get = (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST")
    same_origin = (url.scheme, url.host, url.port) == _origin(request)
    headers = []
    for name, value in request.headers.raw:
        word = name.decode("latin-1").lower()
        if word in ("host", "content-length", "transfer-encoding", "x-sdk-date"):  # made anew
            continue
        if (not same_origin and word not in _HARMLESS) or (becomes_get and word in _ABOUT_BODY):
            continue
        headers.append((name, value))
    return _request("GET" if becomes_get else method, url, headers, b"" if becomes_get else body)


def _origin(request: httpx2.Request) -> tuple[str, str, int | None]:
    return request.url.scheme, request.url.host, request.url.port


def _sign(request: httpx2.Request, given: RestRequest) -> None:
    assert given.key is not None
    signed = {name: request.headers[name] for name in ("host", "content-type") if name in request.headers}
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    added = sign(
        method=request.method,
        path=path,
        query=query,
        headers=signed,
        body=request.content,
        access_key=given.key.access_key,
        secret_key=given.key.secret_key,
        now_ms=int(time.time() * 1000),
    )
    request.headers.update(added)


def _fits(text: str, check: ReturnCheck, log: Log, is_last: bool) -> bool:
    """Whether the value is as it should be. Raises `_Failure` when it never will be, or not in time."""
    try:
        found = _value_at(text, check.path)
    except (ValueError, ElError) as fault:
        raise _Failure(_error(f"{check.path} can't be looked for in the answer: {fault}", OUTPUT)) from None
    log(f"{check.path}: {'nothing there' if found is None else found[:QUOTED_CHARACTERS]}\n".encode(errors="replace"))
    if found in check.success:
        return True
    if found in check.failure:
        raise _Failure(_error(f"{check.path} is {found!r}, which is a failure.", OUTPUT))
    if is_last:
        limit = f"{check.timeout_seconds:g} s"
        raise _Failure(_error(f"{check.path} is still {found!r} after {limit}.", OUTPUT))
    return False


def _value_at(text: str, path: str) -> str | None:
    """Raises ValueError for what is no JSON, `ElError` for a path that is none."""
    json.loads(text)
    value = evaluate_expression(f"JSONUtil.path(Job.getNodeOutput(''),{quoted(path)})", _scope(text))
    return None if isinstance(value, Missing) or value.value is None else value.text


async def _answer(response: httpx2.Response, begun: float, context: Context, log: Log) -> str:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > BODY_LIMIT_BYTES:
            raise _Failure(
                _error(f"The answer is larger than {BODY_LIMIT_BYTES // 1024 // 1024} MB; reading it was broken off.")
            )
        parts.append(part)
    text = context.scrubbed(_decoded(b"".join(parts), response.encoding))
    milliseconds = (time.perf_counter() - begun) * 1000
    log(f"{response.status_code} {response.reason_phrase}, {size:,} bytes in {milliseconds:.1f} ms\n".encode())
    if text:
        cut = "" if len(text) <= LOGGED_CHARACTERS else f"\n[… {len(text):,} characters in all]"
        log(f"{text[:LOGGED_CHARACTERS]}{cut}\n".encode(errors="replace"))
    if len(text) > OUTPUT_CHARACTERS:
        log(f"[the node's output is cut at {OUTPUT_CHARACTERS:,} characters]\n".encode())
    (context.folder / OUTPUT).write_bytes(text[:OUTPUT_CHARACTERS].encode(errors="replace"))
    if response.is_success:
        return text
    quoted = " ".join(text[:QUOTED_CHARACTERS].split())
    message = f"HTTP status {response.status_code} {response.reason_phrase}".rstrip() + (
        f": {quoted}" if quoted else "."
    )
    raise _Failure(Failed(kind=FailureKind.ERROR, message=message, output=OUTPUT))


def _decoded(body: bytes, charset: str | None) -> str:
    """As text. What the answer calls its charset is followed only if it is one: Python has codecs for other purposes
    under such names, too, some of which take for ever."""
    try:
        name = codecs.lookup(charset or "utf-8").name
        text = body.decode("utf-8" if name in _NO_CHARSETS else name, "replace")
    except (LookupError, UnicodeError):
        text = body.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")  # the mark of the byte order is no part of it


def _extracted(text: str, request: RestRequest, log: Log) -> Outcome:
    """Nodes after this one take values out of the output when they use them; here it is seen that there are any."""
    if not request.extractions:
        return Succeeded(output=OUTPUT)
    if len(text) > OUTPUT_CHARACTERS:
        message = f"Nothing can be taken out of an answer of more than {OUTPUT_CHARACTERS:,} characters."
        return Failed(kind=FailureKind.ERROR, message=message, output=OUTPUT)
    for name, path in request.extractions:
        try:
            value = _value_at(text, path)
        except ValueError as fault:
            message = f"Nothing can be taken out of the answer, which is no JSON: {fault}."
            return Failed(kind=FailureKind.ERROR, message=message, output=OUTPUT)
        except ElError as error:
            message = f"{name} can't be taken out of the answer: {error}"
            return Failed(kind=FailureKind.ERROR, message=message, output=OUTPUT)
        found = "nothing there" if value is None else value
        log(f"{name} = {path}: {found[:QUOTED_CHARACTERS]}\n".encode(errors="replace"))
    return Succeeded(output=OUTPUT)


def _scope(output: str) -> Scope:
    return Scope(facts={NodeOutput(""): output})


def _shown(url: httpx2.URL) -> str:
    """Without the query, which may hold a secret."""
    plain = str(url.copy_with(query=None, fragment=None))
    return f"{plain}?…" if url.query else plain


def _error(message: str, output: str | None = None) -> Failed:
    return Failed(kind=FailureKind.ERROR, message=message, output=output)


def _named(fault: Exception) -> str:
    text = str(fault)
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__
