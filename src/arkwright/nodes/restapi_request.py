"""Reads the settings of a RESTAPI node into a request, and refuses what can't be honoured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from arkwright.core.node_settings import EXTRACT, extraction_lines
from arkwright.core.outcome import FailureKind
from arkwright.errors import InvalidInput
from arkwright.nodes.base import Failed

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")
LOCAL_CONNECTION = "local"

_NO_AUTHENTICATION = ("", "none", "no", "null", "false")
_PLACES = ("agent", "cluster", "connection", "queue")
_NOT_YET = ("requestmode", "urlparam", "check", "polling", "parse", "certificate", "proxy")
"""Parts of the names of settings that change what the node does, and that nothing here reads."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRequest:
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    extractions: tuple[tuple[str, str], ...] = field(default=())
    """Name and JSON path of what is taken out of the answer."""

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each.lower() == name), None)

    @property
    def repeatable(self) -> bool:
        """Sending it a second time does no more than sending it once."""
        return self.method in ("GET", "HEAD") or bool(self.header("idempotency-key"))


def refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)


def read_request(properties: Mapping[str, str]) -> RestRequest | Failed:
    refusal = _refuse_unhonoured(properties)
    if refusal is not None:
        return refusal
    url = properties.get("url", "").strip()
    objection = objection_to_url(url)
    if objection is not None:
        return refused(objection)
    method = properties.get("method", "").strip().upper()
    if method not in METHODS:
        return refused(f"method is {method!r}; it takes {', '.join(METHODS)}.")
    headers = _read_headers(properties.get("headers", ""))
    if isinstance(headers, Failed):
        return headers
    body = properties.get("body", "").encode("utf-8", "surrogateescape")
    try:
        extractions = tuple(extraction_lines(properties.get(EXTRACT, ""), EXTRACT))
    except InvalidInput as error:
        return refused(f"{error} {error.hint}".strip())
    return RestRequest(method=method, url=url, headers=headers, body=body, extractions=extractions)


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


def _refuse_unhonoured(properties: Mapping[str, str]) -> Failed | None:
    for name, value in properties.items():
        word, value = name.lower(), value.strip()
        if any(place in word for place in _PLACES) and value not in ("", LOCAL_CONNECTION):
            return refused(f"{name} is {value!r}: requests can only be sent from the server's own host.")
        if "auth" in word and value.lower() not in _NO_AUTHENTICATION:
            return refused(f"{name} is {value!r}: signed requests are not supported yet; set headers, or none.")
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
