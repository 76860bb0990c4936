"""The official SDK's signer, as the other side of the signature tests."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

with warnings.catch_warnings():
    # The SDK's own imports use things that newer Pythons deprecate.
    warnings.simplefilter("ignore")
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import DerivationAKSKSigner, P256SHA256Signer, Signer, SM2SM3Signer, SM3Signer

ACCESS_KEY = "AKEXAMPLE0123456789A"
SECRET_KEY = "Secret/Key+with=signs0123456789abcdefghi"
DATE = "20260101T000000Z"

__all__ = ["DerivationAKSKSigner", "P256SHA256Signer", "SM2SM3Signer", "SM3Signer", "Signer"]


@dataclass
class Sent:
    """A request as it is on the wire after the official signer has signed it."""

    method: str
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def authorization(self) -> bytes:
        return dict(self.headers)[b"authorization"]

    def without(self, name: bytes) -> list[tuple[bytes, bytes]]:
        return [header for header in self.headers if header[0] != name]

    def with_header(self, name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
        return [*self.without(name), (name, value)]


@dataclass
class Call:
    """A request as a program asks the SDK for it. `path` is what fills the SDK's template: quoted segments."""

    method: str = "GET"
    path: str = "/v1/0123456789abcdef0123456789abcdef/jobs"
    query: list[tuple[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    date: str = DATE

    def signed(self, signer: type[Signer] = Signer) -> Sent:
        headers = {"X-Sdk-Date": self.date, **self.headers}
        request = SdkRequest(
            method=self.method,
            schema="http",
            host="127.0.0.1:8990",
            resource_path=self.path,
            query_params=list(self.query),
            header_params=headers,
            body=self.body,
        )
        credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY, "0123456789abcdef0123456789abcdef")
        if signer is DerivationAKSKSigner:
            DerivationAKSKSigner(credentials).sign(request, "dataarts", "eu-de")
        else:
            signer(credentials).sign(request)
        path, _, query = request.uri.partition("?")
        body = request.body or b""
        return Sent(
            method=self.method,
            path=path.encode(),
            query=query.encode(),
            # The SDK stores header values as the latin-1 reading of their UTF-8 bytes; so they go out as UTF-8.
            headers=[(name.lower().encode(), value.encode("latin-1")) for name, value in request.header_params.items()],
            body=body if isinstance(body, bytes) else body.encode(),
        )


def segment(text: str) -> str:
    """How the SDK fills a path parameter."""
    return quote(text, safe="")
