"""Credentials of a client, and how requests carry them.

`AccessKey` signs each request (SDK-HMAC-SHA256, factory-api 7.3); `Password` fetches a token once, and again when
the server no longer accepts it. Both are sans-I/O flows that the synchronous and the asynchronous transport share.
The server's half stands in `arkwright.iam`; the two share no code, so that the tests can hold one against the other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote

import httpx2

ALGORITHM = "SDK-HMAC-SHA256"
SIGNED = ("content-type", "host", "workspace", "x-project-id")


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key id and its secret."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """A user's name and password."""

    user: str
    password: str = field(repr=False)
    domain: str = "arkwright"


Credential = AccessKey | Password


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def signature(
    key: AccessKey, *, method: str, raw_path: str, headers: dict[str, str], body: bytes = b"", body_sha256: str = ""
) -> str:
    """The value of `Authorization`. `headers`: those to sign, with lower-case names, `x-sdk-date` among them.
    `body_sha256`: the hash of a body that is not at hand as a whole."""
    path, _, query = raw_path.partition("?")
    uri = "/".join(_encoded(part) for part in unquote(path).split("/"))
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    names = sorted(headers)
    canonical = "\n".join(
        [
            method.upper(),
            uri if uri.endswith("/") else uri + "/",
            "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs),
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            body_sha256 or hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join([ALGORITHM, headers["x-sdk-date"], hashlib.sha256(canonical.encode()).hexdigest()])
    digest = hmac.new(key.secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={key.access_key}, SignedHeaders={';'.join(names)}, Signature={digest}"


class SignedRequests(httpx2.Auth):
    """Signs each request anew, repeats included, so that its date is always fresh."""

    requires_request_body = True

    def __init__(self, key: AccessKey, *, now: Callable[[], dt.datetime] = _utc_now) -> None:
        self._key = key
        self._now = now

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["X-Sdk-Date"] = self._now().strftime("%Y%m%dT%H%M%SZ")
        signed = {name: request.headers[name] for name in (*SIGNED, "x-sdk-date") if name in request.headers}
        request.headers["Authorization"] = signature(
            self._key,
            method=request.method,
            raw_path=request.url.raw_path.decode("ascii"),
            headers=signed,
            body=request.content,
        )
        yield request


class TokenRequests(httpx2.Auth):
    """Fetches a project-scoped token on first use and once more whenever the server answers 401."""

    requires_response_body = True

    def __init__(self, base_url: str, project_id: str, password: Password) -> None:
        self._url = f"{base_url}/v3/auth/tokens"
        user = {"name": password.user, "password": password.password, "domain": {"name": password.domain}}
        self._body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"id": project_id}},
            }
        }
        self._token = ""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if self._token:
            request.headers["X-Auth-Token"] = self._token
            answer = yield request
            if answer.status_code != 401:
                return
        answer = yield httpx2.Request("POST", self._url, json=self._body)
        if answer.status_code != 201:
            # The refusal of the log-in is what the caller has to see, not a second refusal of the call.
            return
        self._token = answer.headers.get("X-Subject-Token", "")
        request.headers["X-Auth-Token"] = self._token
        yield request
