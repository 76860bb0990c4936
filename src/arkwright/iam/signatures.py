"""Signatures with an access key: the algorithm SDK-HMAC-SHA256, made and verified.

Rules (factory-api 7.3; the quirks are those of the official Python, Go and Java signers):
* The canonical request is rebuilt from the bytes that came over the wire and from the headers that `SignedHeaders`
  lists, no others. `x-sdk-date` must be signed, and `host` unless the caller waives it (the official Go signer
  leaves it out). A signed header may come only once.
* The signer's clock may be 15 minutes off either way.
* `X-Sdk-Content-Sha256` must be the hash of the body. UNSIGNED-PAYLOAD is taken only with a content type that is not
  JSON, as the SDKs send it: otherwise whoever intercepts an upload could send it again as another call.
* The signers disagree on two points, so a signature may match either way: the order of one key's values in the
  query (sorted as text; or as sent: numbers sorted as numbers, Java), and the hash of an empty body beside
  UNSIGNED-PAYLOAD (Python: of the empty body; others: the header).
* Whatever is wrong is `Unauthenticated`; signatures are compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from arkwright.core.request_signing import (
    ALGORITHM,
    canonical_path,
    canonical_queries,
    sha256_hex,
    sign,
    signature,
)
from arkwright.errors import Unauthenticated

__all__ = ["ALGORITHM", "Claim", "parse", "sha256_hex", "sign", "signature"]

SKEW_MS = 15 * 60 * 1000
UNSIGNED_PAYLOAD = b"UNSIGNED-PAYLOAD"

_AUTHORIZATION = re.compile(
    rb"SDK-HMAC-SHA256 +Access=([^\s,]{1,256}), *SignedHeaders=([^\s,]{1,8192}), *Signature=([0-9a-fA-F]{64}) *"
)
_SCHEME = re.compile(rb"[A-Za-z0-9_-]{1,40}(?= |$)")
_DATE = re.compile(rb"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a signed request says of itself; nothing is proven before `verify`."""

    access_key: str
    date: bytes
    signed_headers: bytes
    """As listed."""
    canonical_headers: bytes
    content_sha256: bytes | None
    signature: str

    def verify(self, secret_key: bytes, *, method: str, path: bytes, query: bytes, body_sha256: str) -> None:
        """Raises `Unauthenticated` unless the signature was made with `secret_key` for this very request.

        path: percent-encoded as it came, without the query. body_sha256: hex, in lower case.
        """
        payloads = self._payloads(body_sha256.encode())
        plain_path = canonical_path(path)
        first = b""
        for canonical_query in canonical_queries(query):
            for payload in payloads:
                request = b"\n".join(
                    (
                        method.upper().encode("utf-8", "replace"),
                        plain_path,
                        canonical_query,
                        self.canonical_headers,
                        self.signed_headers,
                        payload,
                    )
                )
                if hmac.compare_digest(signature(secret_key, self.date, request), self.signature):
                    return
                first = first or request
        raise Unauthenticated(
            "The signature in the header Authorization does not match the request.",
            hint="Check the secret key, and that nothing on the way changed host, path, query, signed headers or body. "
            f"SHA-256 of the canonical request as it arrived: {sha256_hex(first)}.",
        )

    def _payloads(self, body_sha256: bytes) -> Sequence[bytes]:
        sent = self.content_sha256
        if not sent:
            return (body_sha256,)
        if sent == UNSIGNED_PAYLOAD:
            return (UNSIGNED_PAYLOAD, _EMPTY_SHA256) if body_sha256 == _EMPTY_SHA256 else (UNSIGNED_PAYLOAD,)
        if not hmac.compare_digest(sent.lower(), body_sha256):
            raise Unauthenticated(
                "The header X-Sdk-Content-Sha256 does not match the body.",
                hint="Send the SHA-256 of the body in hex, or leave the header out.",
            )
        return (sent,)


def parse(
    authorization: bytes, headers: Sequence[tuple[bytes, bytes]], *, now_ms: int, require_signed_host: bool = True
) -> Claim:
    """Everything about a signature that can be judged without its key and the body. Raises `Unauthenticated`.

    headers: all of the request's, names in lower case.
    """
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise _unreadable(authorization)
    access_key, listed, signature = match.groups()
    names = sorted(listed.lower().split(b";"))
    values = _values(headers, names)
    if b"x-sdk-date" not in values:
        raise _unsigned("X-Sdk-Date")
    if require_signed_host and b"host" not in values:
        raise _unsigned("Host")
    _check_date(values[b"x-sdk-date"], now_ms)
    return Claim(
        access_key=access_key.decode("latin-1"),
        date=values[b"x-sdk-date"],
        signed_headers=listed,
        canonical_headers=b"".join([b"%b:%b\n" % (name, values[name]) for name in names]),
        content_sha256=_content_sha256(headers),
        signature=signature.decode().lower(),
    )


def _values(headers: Sequence[tuple[bytes, bytes]], names: Sequence[bytes]) -> dict[bytes, bytes]:
    """The values of the signed headers, each exactly once."""
    wanted = set(names)
    if len(wanted) != len(names) or b"" in wanted:
        raise Unauthenticated("SignedHeaders in the header Authorization has an empty or repeated name.")
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in wanted:
            if name in values:
                raise Unauthenticated(f"The signed header {_shown(name)} was sent more than once.")
            values[name] = value.strip()
    if len(values) != len(wanted):
        missing = min(wanted - values.keys())
        raise Unauthenticated(
            f"The header {_shown(missing)} is listed in SignedHeaders but did not arrive.",
            hint="Something between signer and server may have removed it.",
        )
    return values


def _check_date(date: bytes, now_ms: int) -> None:
    match = _DATE.fullmatch(date)
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute, second = map(int, match.groups())
        signed_ms = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        raise Unauthenticated(
            "The header X-Sdk-Date is not a time such as 20260101T120000Z.", hint="It is in UTC, without separators."
        ) from None
    if abs(now_ms - signed_ms) > SKEW_MS:
        now = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        raise Unauthenticated(
            f"The request was signed at {date.decode()}, more than 15 minutes from the server's time {now}.",
            hint="Set the clock of the signing machine.",
        )


def _content_sha256(headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    found = [value.strip() for name, value in headers if name == b"x-sdk-content-sha256"]
    if len(found) > 1:
        raise Unauthenticated("The header X-Sdk-Content-Sha256 was sent more than once.")
    if not found or not found[0]:
        return None
    if found[0] == UNSIGNED_PAYLOAD:
        types = [value.strip().lower() for name, value in headers if name == b"content-type"]
        if len(types) != 1 or not types[0] or b"json" in types[0]:
            raise Unauthenticated(
                "The body must be signed: UNSIGNED-PAYLOAD is accepted only with a Content-Type other than JSON.",
                hint="Send the SHA-256 of the body in X-Sdk-Content-Sha256, or leave the header out.",
            )
    return found[0]


def _unsigned(header: str) -> Unauthenticated:
    return Unauthenticated(
        f"The header {header} must be signed.", hint="SignedHeaders must list at least host and x-sdk-date."
    )


def _unreadable(authorization: bytes) -> Unauthenticated:
    scheme = _SCHEME.match(authorization)
    form = f"{ALGORITHM} Access=<access key>, SignedHeaders=<a;b>, Signature=<64 hex digits>"
    if scheme is not None and scheme[0].decode() != ALGORITHM:
        return Unauthenticated(
            f"The signature algorithm {scheme[0].decode()} is not supported.",
            hint=f"Sign with {ALGORITHM}, or send a token in the header X-Auth-Token.",
        )
    return Unauthenticated("The header Authorization can't be read.", hint=f"Its form is: {form}.")


def _shown(name: bytes) -> str:
    return name[:64].decode("latin-1")
