"""How a request is signed with an access key: the algorithm SDK-HMAC-SHA256, as whoever sends it computes it.

`iam.signatures` verifies by it, and has its rules; nodes sign with it. Pure: the time comes in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "SDK-HMAC-SHA256"
_PLAIN_PATH = re.compile(rb"[A-Za-z0-9_.~/-]*")


def sha256_hex(body: bytes) -> str:
    """The hash of a body, as it enters a signature."""
    return hashlib.sha256(body).hexdigest()


def sign(
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    access_key: str,
    secret_key: str,
    now_ms: int,
) -> dict[str, str]:
    """The headers to add to a request. `headers` must hold Host; all of them are signed, so send them as they are.

    path: percent-encoded, without the query; query: as it will be sent.
    """
    date = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    # Names with an underscore may be dropped by proxies; the official signers leave them out too.
    values = {name.lower(): value.strip() for name, value in headers.items() if "_" not in name}
    if "host" not in values:
        raise ValueError("A request without Host can't be signed.")
    values["x-sdk-date"] = date
    names = sorted(values)
    listed = ";".join(names)
    request = b"\n".join(
        (
            method.upper().encode(),
            canonical_path(path.encode()),
            next(canonical_queries(query.encode())),
            "".join([f"{name}:{values[name]}\n" for name in names]).encode(),
            listed.encode(),
            values.get("x-sdk-content-sha256", sha256_hex(body)).encode(),
        )
    )
    made = signature(secret_key.encode(), date.encode(), request)
    return {
        "X-Sdk-Date": date,
        "Authorization": f"{ALGORITHM} Access={access_key}, SignedHeaders={listed}, Signature={made}",
    }


def signature(secret_key: bytes, date: bytes, canonical_request: bytes) -> str:
    text = b"SDK-HMAC-SHA256\n%b\n%b" % (date, hashlib.sha256(canonical_request).hexdigest().encode())
    return hmac.digest(secret_key, text, "sha256").hex()


def canonical_path(path: bytes) -> bytes:
    if _PLAIN_PATH.fullmatch(path) is None:
        # Decoding before splitting, as the signers do: an encoded slash separates segments like any other.
        path = quote(unquote_to_bytes(path), safe="/~").encode()
    return path if path.endswith(b"/") else path + b"/"


def canonical_queries(query: bytes) -> Iterator[bytes]:
    """The canonical query; then, where one key has several values, the same with them in the order sent."""
    if not query:
        yield b""
        return
    pairs = []
    for piece in query.split(b"&"):
        if piece:
            key, _, value = piece.replace(b"+", b" ").partition(b"=")
            pairs.append((unquote_to_bytes(key), unquote_to_bytes(value)))
    by_value = sorted(pairs)
    yield _joined(by_value)
    as_sent = sorted(pairs, key=lambda pair: pair[0])
    if as_sent != by_value:
        yield _joined(as_sent)


def _joined(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    return "&".join([f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs]).encode()
