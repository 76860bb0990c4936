"""A cluster's REST gateway behind a connection: Flink's JobManager, YARN's ResourceManager.

Every connection goes through the workspace's network fence. An answer is a status and a document; what the gateway
can't be asked is a `GatewayFailed`, and a server that is gone for a while is asked again by whoever polls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from arkwright.nodes.base import Connection, Failed
from arkwright.nodes.connection_settings import PASSWORD, USER, is_tls, setting, where
from arkwright.nodes.network_fence import BROKEN, AddressRefused, Fence, FencedTransport

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0


class GatewayFailed(Exception):
    """It can't be asked; the text says why."""


class GatewayRefused(GatewayFailed):
    """Nothing of this installation may connect there."""


class Gateway:
    def __init__(self, client: httpx2.AsyncClient, place: str) -> None:
        self._client = client
        self.place = place

    async def ask(
        self, method: str, path: str, document: Any = None, *, file: Path | None = None, **params: str
    ) -> tuple[int, Any]:
        """Status, and the answer as JSON (its text where it is none). `file` is uploaded as a form's `jarfile`."""
        given: dict[str, Any] = {"params": params} if params else {}
        try:
            if file is not None:
                with file.open("rb") as opened:
                    answer = await self._client.request(
                        method, path, files={"jarfile": (file.name, opened, "application/x-java-archive")}, **given
                    )
            elif document is not None:
                headers = {"Content-Type": "application/json"}
                body = msgspec.json.encode(document)
                answer = await self._client.request(method, path, content=body, headers=headers, **given)
            else:
                answer = await self._client.request(method, path, **given)
        except AddressRefused as error:
            raise GatewayRefused(str(error)) from None
        except BROKEN as error:
            raise GatewayFailed(f"{self.place} can't be asked: {error or type(error).__name__}") from None
        try:
            return answer.status_code, msgspec.json.decode(answer.content)
        except msgspec.DecodeError:
            return answer.status_code, answer.text


@asynccontextmanager
async def opened(
    connection: Connection, settings: Mapping[str, Any], default_port: int, title: str
) -> AsyncIterator[Gateway | Failed]:
    """`settings`: of the network fence (`Fence.from_settings`), and `ca_file`."""
    found = where(connection, default_port)
    if isinstance(found, Failed):
        yield found
        return
    host, port = found
    name = f"[{host}]" if ":" in host else host
    user = setting(connection, USER)
    transport = FencedTransport(Fence.from_settings(settings), ca_file=str(settings.get("ca_file") or ""))
    client = httpx2.AsyncClient(
        base_url=f"{'https' if is_tls(connection) else 'http'}://{name}:{port}",
        auth=(user, setting(connection, PASSWORD)) if user else None,
        transport=transport,
        timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
    )
    async with client:
        yield Gateway(client, f"{title} at {host}:{port}")
