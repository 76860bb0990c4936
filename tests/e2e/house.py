"""A data folder and the real servers that live in it, one after another, each a process of its own.

Nothing here looks into the server: it is started by its command, spoken to over HTTP, and ended by signals.
"""

from __future__ import annotations

import contextlib
import csv
import http.client
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

COMMAND = (str(Path(sys.executable).parent / "arkwright"),)
START_SECONDS = 60
STOP_SECONDS = 10
END_SECONDS = 60


def command_with(**seconds: float) -> tuple[str, ...]:
    """The same command, with other values of `app/server.py`'s constants, so that a test needn't wait for long ones."""
    changes = "".join(f"server.{name} = {value!r}; " for name, value in seconds.items())
    return (sys.executable, "-c", f"from arkwright.app import server; {changes}from arkwright.cli import main; main()")


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ARKWRIGHT_")} | dict(more or {})


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One keep-alive connection. What goes wrong with it is raised (`OSError`, `http.client.HTTPException`)."""

    def __init__(self, url: str, headers: Mapping[str, str], project: str, timeout: float = END_SECONDS) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
        self._headers = dict(headers)
        self._base = f"/v1/{project}/"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """`path` is below /v1/{project}/, or absolute. Underscores in names of headers stand for hyphens."""
        data = None if body is None else json.dumps(body).encode()
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path if path.startswith("/") else self._base + path, data, sent)
        answer = self._connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(status=answer.status, headers=found, body=answer.read())

    def good(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of an answer that must be a success."""
        reply = self.call(method, path, body, **headers)
        assert reply.status in (200, 204), (method, path, reply)
        return reply.json if reply.body else None

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """An answer that stays open; this client can't be used for anything else then."""
        self._connection.request("GET", self._base + path, headers=self._headers | {"Accept": "text/event-stream"})
        answer = self._connection.getresponse()
        assert answer.status == 200, answer.read()
        yield answer

    def close(self) -> None:
        self._connection.close()

    # -- jobs and instances
    def save_job(self, name: str, *nodes: dict[str, Any], **more: Any) -> None:
        schedule = {"type": "EXECUTE_ONCE"}
        self.good(
            "POST", "jobs", {"name": name, "processType": "BATCH", "schedule": schedule, "nodes": list(nodes), **more}
        )

    def run(self, job: str, *, key: str = "", **parameters: str) -> int:
        body = {"jobParams": [{"name": name, "value": value} for name, value in parameters.items()]}
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.good("POST", f"jobs/{job}/run-immediate", body, **headers)
        return int(answer["instanceId"])

    def show(self, job: str, instance_id: int) -> Any:
        return self.good("GET", f"jobs/{job}/instances/{instance_id}")

    def ended(self, job: str, instance_id: int, seconds: float = END_SECONDS) -> Any:
        """The instance once it has ended."""
        return until(
            lambda: (shown := self.show(job, instance_id))["status"] not in UNENDED and shown,
            f"instance {instance_id} of {job} ends",
            seconds,
        )

    def log(self, job: str, instance_id: int, node: str) -> str:
        return self.call("GET", f"jobs/{job}/instances/{instance_id}/nodes/{node}/log").body.decode()

    def listed(self, **where: str) -> tuple[int, list[Any]]:
        """Total and all items of the list of instances."""
        query = "&".join(f"{name}={value}" for name, value in where.items())
        found: list[Any] = []
        while True:
            page = len(found) // 1000
            answer = self.good("GET", f"jobs/instances/detail?limit=1000&offset={page}&{query}")
            found += answer["instances"]
            if len(answer["instances"]) < 1000:
                return answer["total"], found


UNENDED = ("waiting", "running", "pause", "freeze", "running-exception")


def until(reached: Callable[[], Any], what: str, seconds: float = END_SECONDS) -> Any:
    """What `reached` answers once it is true. Looks again and again, and fails after that time."""
    deadline = time.monotonic() + seconds
    while not (answer := reached()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return answer


@dataclass(kw_only=True)
class House:
    folder: Path
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = COMMAND
    process: subprocess.Popen[str] | None = None
    url: str = ""
    keys_of: House | None = None
    """The house that made the installation, where it was another one."""
    _token: str = ""

    # -- life
    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def spawn(self, *options: str) -> None:
        """Start a server, and don't wait for it."""
        assert self.process is None
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", "--port", "0", "--json", "--data", str(self.data), *self.options, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean_environment(self.environment),
                start_new_session=True,
            )

    def accepting(self) -> Any:
        """What the server says when it accepts requests."""
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(START_SECONDS), f"the server did not start:\n{self.log}"
        line = self.process.stdout.readline()
        assert line, f"the server ended:\n{self.log}"
        said = json.loads(line)
        self.url = said["url"]
        return said

    def start(self, *options: str) -> Any:
        self.spawn(*options)
        return self.accepting()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._gone()

    def stop(self) -> int:
        """SIGTERM; the exit code. It must come in time."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_SECONDS)
        return self._gone()

    def stop_traced(self) -> None:
        """As `stop`, where the process is a tracer, and the server below it."""
        assert self.process is not None
        os.kill(json.loads((self.data / "server.json").read_text())["pid"], signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0
        self._gone()

    def _gone(self) -> int:
        assert self.process is not None
        code = self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def close(self) -> None:
        """Nothing of it goes on: server, hosts, programs."""
        if self.process is not None:
            self.kill()
        for address in (self.data / "hosts").glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(json.loads(address.read_text())["pid"], signal.SIGKILL)
        for claim in (self.data / "runs").glob("*/*/*/child"):
            lines = claim.read_text().splitlines()
            claimed = lines[0].split() if len(lines) == 1 else []  # more lines: it has written its end
            if len(claimed) > 2:
                with contextlib.suppress(OSError):
                    os.killpg(int(claimed[1]), signal.SIGKILL)

    # -- speaking with it
    @property
    def credentials(self) -> dict[str, str]:
        with ((self.keys_of or self).data / "credentials.csv").open(newline="") as file:
            return next(csv.DictReader(file))

    @property
    def project(self) -> str:
        return self.credentials["Project Id"]

    def client(self, timeout: float = END_SECONDS) -> Client:
        """With a token, which outlives the servers."""
        if not self._token:
            self._token = self.log_in()
        headers = {"X-Auth-Token": self._token, "Content-Type": "application/json"}
        return Client(self.url, headers, self.project, timeout)

    def log_in(self) -> str:
        keys = self.credentials
        user = {"name": keys["User Name"], "password": keys["Password"], "domain": {"name": keys["Domain"]}}
        scope = {"project": {"id": keys["Project Id"]}}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
        client = Client(self.url, {"Content-Type": "application/json"}, keys["Project Id"])
        reply = client.call("POST", "/v3/auth/tokens", {"auth": auth})
        client.close()
        assert reply.status == 201, reply
        return reply.headers["x-subject-token"]

    def get(self, path: str) -> Reply:
        """Without a token."""
        client = Client(self.url, {}, "")
        try:
            return client.call("GET", path)
        finally:
            client.close()


@contextlib.contextmanager
def house(folder: Path, *options: str, command: Sequence[str] = COMMAND, **environment: str) -> Iterator[House]:
    """A house whose first server is up."""
    made = House(folder=folder, options=options, command=command, environment=environment)
    try:
        made.start()
        yield made
    finally:
        made.close()


def node(name: str, type_: str = "Shell", *after: str, **more: Any) -> dict[str, Any]:
    """A node as the API takes it; keywords that are no field of a node are properties."""
    fields = {"failPolicy", "retryTimes", "retryInterval", "maxExecutionTime"}
    return {
        "name": name,
        "type": type_,
        "location": {"x": "0", "y": "0"},
        "preNodeName": list(after),
        "properties": [{"name": key, "value": value} for key, value in more.items() if key not in fields],
        **{key: value for key, value in more.items() if key in fields},
    }


def statuses(shown: Any) -> dict[str, str]:
    """Per node of an instance's detail."""
    return {each["nodeName"]: each["status"] for each in shown["nodes"]}
