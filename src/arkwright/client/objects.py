"""Objects in and out, streamed: `obs://bucket/key` on the server's object storage.

    with ObjectClient("http://127.0.0.1:8990", project_id=…, credential=AccessKey(…, …)) as objects:
        objects.upload(Path("jobs.zip"), "my-bucket", "in/jobs.zip")

An upload is read twice, once for its hash, which an access key signs in place of the body.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from arkwright.client.errors import ApiError, NotReachable
from arkwright.client.signing import SIGNED, AccessKey, Credential, TokenRequests, signature
from arkwright.client.transport import api_error, trusted, unreachable

_CHUNK = 256 * 1024
_HASH = "X-Sdk-Content-Sha256"


class _DeclaredHash(httpx2.Auth):
    """Signs a request over the hash that its header declares, so that the body can be a stream."""

    def __init__(self, key: AccessKey) -> None:
        self._key = key

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        declared = request.headers.setdefault(_HASH, hashlib.sha256(b"").hexdigest())
        request.headers["X-Sdk-Date"] = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        names = (*SIGNED, "x-sdk-date", _HASH.lower())
        request.headers["Authorization"] = signature(
            self._key,
            method=request.method,
            raw_path=request.url.raw_path.decode("ascii"),
            headers={name: request.headers[name] for name in names if name in request.headers},
            body_sha256=declared,
        )
        yield request


class ObjectClient:
    """One client may be used by several threads. Raises `ApiError` and `NotReachable`."""

    def __init__(
        self,
        url: str,
        *,
        project_id: str,
        credential: Credential,
        workspace: str = "",
        timeout_seconds: float = 60.0,
        ca_file: str | os.PathLike[str] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        headers = {"X-Project-Id": project_id, "User-Agent": "arkwright-client"}
        if workspace:
            headers["workspace"] = workspace
        auth: httpx2.Auth = (
            _DeclaredHash(credential)
            if isinstance(credential, AccessKey)
            else TokenRequests(self.url, project_id, credential)
        )
        here = httpx2.URL(self.url).host in {"127.0.0.1", "localhost", "::1"}
        self._http = httpx2.Client(
            auth=auth,
            headers=headers,
            timeout=timeout_seconds,
            mounts={"all://": None} if here else None,
            verify=trusted(self.url, ca_file),
        )

    def upload(self, file: Path, bucket: str, key: str) -> int:
        """Answers the size in bytes."""
        digest = hashlib.sha256()
        for piece in _pieces(file):
            digest.update(piece)
        size = file.stat().st_size
        headers = {_HASH: digest.hexdigest(), "Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._send("PUT", _address(bucket, key), content=_pieces(file), headers=headers)
        return size

    def download(self, bucket: str, key: str, file: Path) -> int:
        """The file is there whole or not at all. Answers the size in bytes."""
        unfinished = file.with_name(f".{file.name}.{os.getpid()}")
        size = 0
        try:
            with self._http.stream("GET", self.url + _address(bucket, key)) as response:
                if not response.is_success:
                    raise api_error(response.status_code, response.headers, response.read())
                with unfinished.open("xb") as target:
                    for piece in response.iter_bytes(_CHUNK):
                        target.write(piece)
                        size += len(piece)
            unfinished.rename(file)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        finally:
            unfinished.unlink(missing_ok=True)
        return size

    def delete(self, bucket: str, key: str) -> None:
        self._send("DELETE", _address(bucket, key))

    def list(self, bucket: str, prefix: str = "") -> Iterator[dict[str, Any]]:
        """Objects as the API answers them: key, size, lastModified, etag."""
        marker = ""
        while True:
            query = {"prefix": prefix, **({"marker": marker} if marker else {})}
            page = self._send("GET", _address(bucket, ""), params=query).json()
            yield from page["objects"]
            if not page["truncated"]:
                return
            marker = page["nextMarker"]

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        try:
            response = self._http.request(method, self.url + path, **more)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise _refused(response)
        return response

    def _unreachable(self, error: Exception) -> NotReachable:
        return unreachable(self.url, error)


def _refused(response: httpx2.Response) -> ApiError:
    return api_error(response.status_code, response.headers, response.content)


def _address(bucket: str, key: str) -> str:
    return f"/obs/{quote(bucket, safe='')}" + (f"/{quote(key)}" if key else "")


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_CHUNK):
            yield piece
