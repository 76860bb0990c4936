"""Requests as programs make them that are no SDK of ours to run: the headers that they send, the codes they accept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
from tests.api.server import PLAIN, RunningServer

Json = dict[str, Any]


@dataclass(frozen=True)
class OtherClient:
    """`answers`: per method the status codes that the client takes for a success where a call names none."""

    server: RunningServer
    agent: str
    answers: dict[str, tuple[int, ...]]
    typed: bool = True
    """Whether a request without a body has a Content-Type all the same."""

    def send(
        self, method: str, path: str, body: Any = None, *, ok: tuple[int, ...] = (), workspace: str | None = None
    ) -> httpx2.Response:
        reply = self._send(method, path, body, workspace)
        assert reply.status_code in (ok or self.answers[method]), reply.text
        return reply

    def refused(self, method: str, path: str, body: Any = None, *, status: int = 400) -> Json:
        reply = self._send(method, path, body, None)
        assert reply.status_code == status, reply.text
        found: Json = reply.json()
        return found

    def _send(self, method: str, path: str, body: Any, workspace: str | None) -> httpx2.Response:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": self.agent,
            "X-Auth-Token": self.server.client.headers["X-Auth-Token"],
        }
        if body is not None or self.typed:
            headers["Content-Type"] = "application/json"
        if workspace is not None:
            headers["workspace"] = workspace
        url = path if path.startswith("/") else f"{self.server.client.base_url.path}{path}"
        request = httpx2.Request(method, f"{self.server.url}{url}", json=body, headers=headers)
        with httpx2.Client(timeout=30, verify=PLAIN) as client:
            return client.send(request)
