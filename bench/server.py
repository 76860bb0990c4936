"""A real server for measuring: `arkwright serve` as a process of its own, on a fresh data folder."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = "0123456789abcdef0123456789abcdef"
PASSWORD = "Bench-mark-1"


class Bench:
    def __init__(self, process: subprocess.Popen[bytes], data: Path, port: int, ready_seconds: float) -> None:
        self.process = process
        self.data = data
        self.port = port
        self.ready_seconds = ready_seconds
        self.token = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Auth-Token": self.token, "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        message = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, self.headers, method=method)
        try:
            with urllib.request.urlopen(message, timeout=120) as reply:
                text = reply.read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read()!r}") from None
        return json.loads(text) if text else None

    def log_in(self) -> None:
        user = {"name": "admin", "password": PASSWORD, "domain": {"name": "arkwright"}}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"id": PROJECT}},
            }
        }
        message = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v3/auth/tokens",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(message, timeout=30) as reply:
            self.token = reply.headers["X-Subject-Token"]

    def job(self, name: str, nodes: list[dict[str, Any]]) -> None:
        document = {"name": name, "nodes": nodes, "schedule": {"type": "EXECUTE_ONCE"}, "processType": "BATCH"}
        self.call("POST", f"/v1/{PROJECT}/jobs", document)

    def run_path(self, name: str) -> str:
        return f"/v1/{PROJECT}/jobs/{name}/run-immediate"

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def cpu_seconds(self) -> float:
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def node(name: str, type_: str, *, after: list[str] | None = None, **properties: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": type_,
        "location": {"x": "0", "y": "0"},
        "preNodeName": after or [],
        "properties": [{"name": key, "value": value} for key, value in properties.items()],
    }


@contextlib.contextmanager
def serving(*options: str, data: Path | None = None) -> Iterator[Bench]:
    folder = data or Path(tempfile.mkdtemp(prefix="arkwright-bench-"))
    arkwright = Path(sys.executable).parent / "arkwright"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ARKWRIGHT_")},
        "ARKWRIGHT_PROJECT_ID": PROJECT,
        "ARKWRIGHT_ADMIN_PASSWORD": PASSWORD,
    }
    log = (folder / "serve.log").open("ab")
    start = time.perf_counter()
    process = subprocess.Popen(
        [arkwright, "serve", "--port", "0", "--data", folder, *options],
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        port = _wait_ready(process, folder)
        bench = Bench(process, folder, port, time.perf_counter() - start)
        bench.log_in()
        yield bench
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        log.close()
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


def _wait_ready(process: subprocess.Popen[bytes], folder: Path) -> int:
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            port = int(json.loads((folder / "server.json").read_text())["url"].rsplit(":", 1)[1])
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return port
        time.sleep(0.005)
    raise SystemExit(f"the server did not start:\n{(folder / 'serve.log').read_text()}")
