"""What needs a real connection: how bodies arrive, proxies, and how the server lets go."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.api.house import JOB, PROJECT, close_house, open_house
from tests.api.server import RunningServer

from arkwright.api.proxies import TrustedProxies
from arkwright.errors import SettingInvalid

LIMIT = 12 * 1024 * 1024


def raw(server: RunningServer, head: str, *chunks: bytes) -> bytes:
    """What comes back over a connection of its own, until the server closes it or has answered."""
    token = server.client.headers["X-Auth-Token"]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(f"{head}\r\nHost: a\r\nX-Auth-Token: {token}\r\nConnection: close".encode())
        try:
            for chunk in chunks:
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has heard enough
        found = b""
        while True:
            try:
                part = connection.recv(65536)
            except ConnectionResetError:
                return found
            if not part:
                return found
            found += part


def test_a_body_in_chunks_is_read(server: RunningServer, name: str) -> None:
    server.save_job(name, {"name": "a", "type": "Dummy"})
    body = json.dumps({"jobParams": [{"name": "a", "value": "x" * 1000}]}).encode()
    chunks = [b"\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for start in range(0, len(body), 100):
        part = body[start : start + 100]
        chunks.append(b"%x\r\n%s\r\n" % (len(part), part))
    reply = raw(server, f"POST /v1/{PROJECT}/jobs/{name}/run-immediate HTTP/1.1", *chunks, b"0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200"), reply
    assert b'{"instanceId":' in reply


def test_two_tokens_are_refused_although_one_is_good(server: RunningServer) -> None:
    assert server.client.get("jobs").status_code == 200
    reply = raw(server, f"GET /v1/{PROJECT}/jobs HTTP/1.1\r\nX-Auth-Token: other", b"\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 401"), reply


@pytest.mark.parametrize("path", ["jobs/nobody/run-immediate", "jobs"])
def test_a_body_over_the_limit_is_refused_whether_announced_or_not(server: RunningServer, path: str) -> None:
    head = f"POST /v1/{PROJECT}/{path} HTTP/1.1"
    announced = raw(server, head, b"\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1), b"x" * (LIMIT + 1))
    assert announced.startswith(b"HTTP/1.1 413"), announced[:200]
    assert b"APIGW.0201" in announced
    huge = raw(server, head, b"\r\nContent-Length: %d\r\n\r\n" % (LIMIT * 1000), b"x" * 1000)
    assert huge.startswith(b"HTTP/1.1 413"), huge[:200]
    megabyte = b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    chunked = raw(server, head, b"\r\nTransfer-Encoding: chunked\r\n\r\n", *[megabyte] * 13, b"0\r\n\r\n")
    assert chunked.startswith(b"HTTP/1.1 413"), chunked[:200]


def test_streams_and_waits_end_when_the_server_is_about_to_stop(tmp_path: Path) -> None:
    house, thread = open_house(tmp_path)  # its engine only accepts, so its instances wait for ever
    try:
        house.call("POST", "jobs", {**JOB, "name": "waits"})
        instance_id = house.call("POST", "jobs/waits/run-immediate").json()["instanceId"]
        base = f"/v1/{PROJECT}/jobs/waits"
        headers = [(b"x-auth-token", house.tokens["administrator"].encode())]

        async def ask(method: str, path: str, query: bytes = b"") -> list[dict[str, Any]]:
            sent: list[dict[str, Any]] = []
            started = asyncio.Event()
            body_read = False

            async def receive() -> dict[str, Any]:
                nonlocal body_read
                if not body_read:
                    body_read = True
                    return {"type": "http.request", "body": b""}
                started.set()
                return await asyncio.Event().wait()  # type: ignore[return-value]

            async def send(message: Any) -> None:
                sent.append(message)

            scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
            answering = asyncio.create_task(house.application(scope, receive, send))
            await started.wait()
            house.application.close()
            await asyncio.wait_for(answering, 30)
            return sent

        waited = house.run(ask("POST", f"{base}/run-immediate", b"wait=3600"))
        assert waited[0]["status"] == 200
        assert json.loads(waited[1]["body"])["status"] == "waiting"
        streamed = house.run(ask("GET", f"{base}/instances/{instance_id}/events"))
        assert streamed[-1] == {"type": "http.response.body", "body": b""}
        assert b"event: end" not in b"".join(each.get("body", b"") for each in streamed)
        assert "stopping" in house.call("GET", "/readyz").text
    finally:
        close_house(house, thread)


# ---------------------------------------------------------------- proxies


def scope(client: str, **headers: str) -> dict[str, Any]:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "client": (client, 5), "headers": [(b"host", b"inside"), *given]}


FORWARDED = {"x_forwarded_host": "outside", "x_forwarded_for": "9.9.9.9, 8.8.8.8", "x_forwarded_proto": "https"}


def test_a_trusted_proxy_says_who_called_and_by_which_name() -> None:
    changed = TrustedProxies("10.0.0.0/8, ::1").applied(scope("10.1.2.3", **FORWARDED))
    assert dict(changed["headers"])[b"host"] == b"outside"
    assert changed["client"] == ("8.8.8.8", 0)
    assert changed["scheme"] == "https"


@pytest.mark.parametrize("client", ["11.0.0.1", "testclient", ""])
def test_nobody_else_is_believed(client: str) -> None:
    given = scope(client, **FORWARDED)
    assert TrustedProxies("10.0.0.0/8").applied(given) is given
    assert not TrustedProxies("")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SettingInvalid):
        TrustedProxies("proxy.example")
