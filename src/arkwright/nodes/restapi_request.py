"""Reads the settings of a RESTAPI node into a request, and refuses what can't be honoured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from arkwright.core.node_settings import EXTRACT, extraction_lines
from arkwright.core.outcome import FailureKind
from arkwright.errors import InvalidInput
from arkwright.nodes.base import Connection, Failed
from arkwright.nodes.registry import canonical

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")
LOCAL_CONNECTION = "local"

_NO_AUTHENTICATION = ("", "none", "no", "null", "false")
_PLACES = ("agent", "cluster", "connection", "queue")
_NOT_YET = ("requestmode", "polling", "parse", "certificate", "proxy")
"""Parts of the names of settings that change what the node does, and that nothing here reads."""
IAM = "IAM"
"""The type of connections with an access key, `accessKey` and `secretKey`."""
SIGNED = ("iam", "aksk", "ak/sk")
URL_PARAMETERS = ("urlParams", "urlParam", "urlParameters")
CHECKED = ("checkReturnValue", "propertyPath", "successFlag", "failureFlag", "checkInterval", "checkTimeout")
BODY_LIMIT_BYTES = 30 * 1024 * 1024
CHECK_INTERVAL_SECONDS = 30.0
CHECK_TIMEOUT_SECONDS = 3600.0

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCheck:
    """Ask again until the value at the path is one of those."""

    path: str
    success: frozenset[str]
    failure: frozenset[str]
    interval_seconds: float
    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRequest:
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    extractions: tuple[tuple[str, str], ...] = field(default=())
    """Name and JSON path of what is taken out of the answer."""
    check: ReturnCheck | None = None
    key: AccessKey | None = None
    """What to sign it with."""
    repeatable_methods: tuple[str, ...] = ("GET", "HEAD")

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each.lower() == name), None)

    @property
    def repeatable(self) -> bool:
        """Sending it a second time does no more than sending it once."""
        return self.method in self.repeatable_methods or bool(self.header("idempotency-key"))


def refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)


def read_request(properties: Mapping[str, str], connection: Connection | None = None) -> RestRequest | Failed:
    refusal = _refuse_unhonoured(properties, connection)
    if refusal is not None:
        return refusal
    url = properties.get("url", "").strip()
    objection = objection_to_url(url)
    if objection is not None:
        return refused(objection)
    whole = _with_parameters(url, next((text for name in URL_PARAMETERS if (text := properties.get(name, ""))), ""))
    if isinstance(whole, Failed):
        return whole
    method = properties.get("method", "").strip().upper()
    if method not in METHODS:
        return refused(f"method is {method!r}; it takes {', '.join(METHODS)}.")
    headers = _read_headers(properties.get("headers", ""))
    if isinstance(headers, Failed):
        return headers
    body = properties.get("body", "").encode("utf-8", "surrogateescape")
    if len(body) > BODY_LIMIT_BYTES:
        return refused(f"The body is larger than {BODY_LIMIT_BYTES // 1024 // 1024} MB.")
    try:
        extractions = tuple(extraction_lines(properties.get(EXTRACT, ""), EXTRACT))
    except InvalidInput as error:
        return refused(str(error))
    check = _read_check(properties, method)
    if isinstance(check, Failed):
        return check
    key = _read_key(properties, connection)
    if isinstance(key, Failed):
        return key
    return RestRequest(
        method=method, url=whole, headers=headers, body=body, extractions=extractions, check=check, key=key
    )


def _with_parameters(url: str, text: str) -> str | Failed:
    """`key=value`, one a line, into the query."""
    pairs = []
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if not line.strip():
            continue
        if not separator or not name.strip():
            return refused(f"The URL parameter {line.strip()!r} is no key=value.")
        pairs.append((name.strip(), value.strip()))
    if not pairs:
        return url
    plain, hash_, fragment = url.partition("#")
    glue = "" if plain.endswith(("?", "&")) else "&" if "?" in plain else "?"
    return f"{plain}{glue}{urlencode(pairs)}{hash_}{fragment}"


def _read_check(properties: Mapping[str, str], method: str) -> ReturnCheck | Failed | None:
    given = {name: properties.get(name, "").strip() for name in CHECKED}
    word = given["checkReturnValue"].lower()
    if word not in ("", "yes", "no", "true", "false"):
        return refused(f"checkReturnValue is {given['checkReturnValue']!r}; it takes YES or NO.")
    if word in ("", "no", "false"):
        return None
    if method != "GET":
        return refused(f"checkReturnValue asks again until the answer fits, so it is for GET alone, not {method}.")
    success, failure = (frozenset(_flags(given[name])) for name in ("successFlag", "failureFlag"))
    if not given["propertyPath"] or not success:
        return refused("checkReturnValue needs propertyPath and successFlag.")
    both = sorted(success & failure)
    if both:
        return refused(f"{both[0]!r} is both in successFlag and in failureFlag.")
    seconds = []
    for name, default in (("checkInterval", CHECK_INTERVAL_SECONDS), ("checkTimeout", CHECK_TIMEOUT_SECONDS)):
        try:
            value = float(given[name] or default)
        except ValueError:
            value = 0.0
        if not 1 <= value <= 7 * 24 * 3600:
            return refused(f"{name} is {given[name]!r}; it must be seconds, 1 to {7 * 24 * 3600}.")
        seconds.append(value)
    return ReturnCheck(
        path=given["propertyPath"],
        success=success,
        failure=failure,
        interval_seconds=seconds[0],
        timeout_seconds=seconds[1],
    )


def _flags(text: str) -> list[str]:
    return [each.strip() for each in text.split(";") if each.strip()]


def _read_key(properties: Mapping[str, str], connection: Connection | None) -> AccessKey | Failed | None:
    mode = next((value.strip().lower() for name, value in properties.items() if "auth" in name.lower()), "")
    if connection is None:
        if mode in SIGNED:
            return refused(
                f"The request is to be signed, and there is no key: set connectionName to a connection of type {IAM}, "
                "which holds an access key."
            )
        return None
    if canonical(connection.type) != canonical(IAM):
        return refused(f"The connection {connection.name!r} is of type {connection.type}; this node takes {IAM}.")
    found = {canonical(key): str(value) for key, value in connection.config.items() if value not in (None, "")}
    access, secret = found.get("accesskey") or found.get("ak"), found.get("secretkey") or found.get("sk")
    if not access or not secret:
        return refused(f"The connection {connection.name!r} has no accessKey and secretKey.")
    return AccessKey(access_key=access, secret_key=secret)


def objection_to_url(url: str) -> str | None:
    if not url:
        return "There is no url."
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or any(ord(character) <= 32 for character in url):
        return f"The url {url!r} can't be used; it must be http://… or https://… without blanks."
    if "@" in parts.netloc:
        return "The url holds a user name or password; send them in an Authorization header."
    return None


def _refuse_unhonoured(properties: Mapping[str, str], connection: Connection | None) -> Failed | None:
    for name, value in properties.items():
        word, value = name.lower(), value.strip()
        if word == "connectionname" and connection is not None:
            continue
        if any(place in word for place in _PLACES) and value not in ("", LOCAL_CONNECTION):
            return refused(f"{name} is {value!r}: requests can only be sent from the server's own host.")
        if "auth" in word and value.lower() not in (*_NO_AUTHENTICATION, "non-authentication", *SIGNED):
            return refused(f"{name} is {value!r}; it takes IAM or none. Another way to log in can be set in headers.")
        if any(part in word for part in _NOT_YET) and value:
            return refused(f"{name} is set, and nothing here honours it yet.")
    return None


def _read_headers(text: str) -> tuple[tuple[str, str], ...] | Failed:
    """`name=value` lines, or a JSON object."""
    if text.lstrip().startswith("{"):
        try:
            given = json.loads(text)
        except ValueError as fault:
            return refused(f"The headers begin as a JSON object and are none: {fault}.")
        pairs = [(str(name), value if isinstance(value, str) else json.dumps(value)) for name, value in given.items()]
    else:
        pairs = []
        for line in text.splitlines():
            name, separator, value = line.partition("=")
            if not line.strip():
                continue
            if not separator:
                return refused(f"The header line {line.strip()!r} is no name=value.")
            pairs.append((name.strip(), value.strip()))
    for name, value in pairs:
        if _TOKEN.fullmatch(name) is None:
            return refused(f"{name!r} is no name for a header.")
        if name.lower() in _FRAMING:
            return refused(f"The header {name} is not yours to set: it follows from the request.")
        if any(character in value for character in "\r\n\0"):
            return refused(f"The value of the header {name} holds a line break or a NUL character.")
    return tuple(pairs)
