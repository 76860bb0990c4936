"""A real server on a free port, in a thread of its own, and a client that is logged in."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from tests.executors.hosts import end_hosts
from tests.servers.database import url_for

from arkwright.app import Server
from arkwright.settings import Settings

PROJECT = "0123456789abcdef0123456789abcdef"
PASSWORD = "Correct-Horse-7"
ACCESS_KEY = "AKEXAMPLE0123456789A"
SECRET_KEY = "SecretKeyWithFortyCharacters012345678901"
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""`verify` of clients that speak without TLS: without it, each of them reads the machine's certificates for 40 ms."""


@dataclass
class RunningServer:
    url: str
    client: httpx2.Client
    """Sends a token; paths are below /v1/{project}/."""
    thread: threading.Thread

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def save_job(self, name: str, *nodes: dict[str, Any], **more: Any) -> None:
        job = {
            "name": name,
            "processType": "BATCH",
            "schedule": {"type": "EXECUTE_ONCE"},
            "nodes": list(nodes),
            **more,
        }
        reply = self.client.post("jobs", json=job)
        assert reply.status_code == 204, reply.text

    def start(self, name: str, **parameters: str) -> int:
        body = {"jobParams": [{"name": key, "value": value} for key, value in parameters.items()]}
        reply = self.client.post(f"jobs/{name}/run-immediate", json=body)
        assert reply.status_code == 200, reply.text
        instance_id: int = reply.json()["instanceId"]
        return instance_id


def shell(name: str, statement: str, *before: str, **more: Any) -> dict[str, Any]:
    properties = [{"name": "statement", "value": statement}]
    return {"name": name, "type": "Shell", "preNodeName": list(before), "properties": properties, **more}


def log_in(url: str, *, user: str = "admin", password: str = PASSWORD) -> httpx2.Response:
    who = {"name": user, "password": password, "domain": {"name": "arkwright"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": who}}, "scope": {"project": {"id": PROJECT}}}
    return httpx2.post(f"{url}/v3/auth/tokens", json={"auth": auth}, verify=PLAIN)


@contextmanager
def running_server(data: Path, **more: Any) -> Iterator[RunningServer]:
    """`more`: settings."""
    more.setdefault("database_url", url_for(data))
    settings = Settings(
        data=data,
        port=0,
        project_id=PROJECT,
        admin_password=PASSWORD,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        time_zone="Europe/Berlin",
        **more,
    )
    started = threading.Event()
    outcome: dict[str, Any] = {}

    async def serve() -> None:
        server = Server(settings)
        stop = asyncio.Event()
        try:
            await server.start()
            outcome.update(url=server.url, stop=stop, loop=asyncio.get_running_loop())
        finally:
            started.set()
        await stop.wait()
        await server.stop()

    def work() -> None:
        try:
            asyncio.run(serve())
        except Exception as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, name="server", daemon=True)
    thread.start()
    assert started.wait(60)
    if "url" not in outcome:
        thread.join(10)
        raise outcome["error"]
    url = outcome["url"]
    token = log_in(url).headers["X-Subject-Token"]
    base, headers = f"{url}/v1/{PROJECT}/", {"X-Auth-Token": token}
    with httpx2.Client(base_url=base, headers=headers, timeout=30, verify=PLAIN) as client:
        yield RunningServer(url, client, thread)
    outcome["loop"].call_soon_threadsafe(outcome["stop"].set)
    thread.join(30)
    assert not thread.is_alive(), "the server did not stop"
    end_hosts(data / "hosts")  # they would wait for the next server
    if "error" in outcome:
        raise outcome["error"]
