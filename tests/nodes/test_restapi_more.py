"""RESTAPI: parameters of the URL, waiting for a value, and signing, in a real host against a real HTTP server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.hosted_kit import HostedStage

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.iam.signatures import parse, sha256_hex
from arkwright.nodes.base import Connection

KEY = Connection(name="cloud", type="IAM", config={"accessKey": "AKEXAMPLE", "secretKey": "Signing-Secret-9"})


class Web(ThreadingHTTPServer):
    """Answers what it is given, one after another, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, Any]] = [(200, {})]
        self.location = ""
        self.hits: list[tuple[str, str, list[tuple[bytes, bytes]], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        self.server.hits.append((self.command, self.path, headers, body))
        status, answer = self.server.answers[0]
        if len(self.server.answers) > 1:
            self.server.answers.pop(0)
        text = json.dumps(answer).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("rest"))
    yield stage
    stage.close()


CHECK = {"checkReturnValue": "YES", "propertyPath": "job.state", "successFlag": "DONE;OK", "failureFlag": "BAD"}


def test_parameters_go_into_the_query_and_are_encoded(stage: HostedStage, web: Web) -> None:
    outcome, _, _ = stage.ask("RESTAPI", url=f"{web.url}/x?a=1", method="GET", urlParams="day=2024 02\n\nq=ä&b")
    assert isinstance(outcome, Succeeded)
    assert web.hits[0][1] == "/x?a=1&day=2024+02&q=%C3%A4%26b"


def test_it_asks_until_the_value_is_one_of_success(stage: HostedStage, web: Web) -> None:
    web.answers = [(200, {"job": {"state": each}}) for each in ("RUNNING", "DONE")]
    outcome, log, output = stage.ask(
        "RESTAPI", url=web.url, method="GET", checkInterval="1", extract="state=job.state", **CHECK
    )
    assert outcome == Succeeded(output="output"), log
    assert json.loads(output or "") == {"job": {"state": "DONE"}}
    assert len(web.hits) == 2
    assert log.index("job.state: RUNNING") < log.index("job.state: DONE") < log.index("state = job.state: DONE")


@pytest.mark.parametrize(
    ("answer", "more", "part"),
    [
        ((200, {"job": {"state": "BAD"}}), {}, "a failure"),
        (
            (200, {"job": {"state": "RUNNING"}}),
            {"checkInterval": "1", "checkTimeout": "1"},
            "still 'RUNNING' after 1 s",
        ),
        ((200, {}), {"checkInterval": "1", "checkTimeout": "1"}, "still None"),
        ((500, {"job": {"state": "DONE"}}), {}, "500"),
    ],
)
def test_it_fails_with_the_failure_flag_or_in_time(
    stage: HostedStage, web: Web, answer: tuple[int, Any], more: dict[str, str], part: str
) -> None:
    web.answers = [answer]
    outcome, _, _ = stage.ask("RESTAPI", url=web.url, method="GET", **CHECK, **more)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert part in outcome.message


def verified(hit: tuple[str, str, list[tuple[bytes, bytes]], bytes]) -> None:
    """By the server's half of the algorithm."""
    method, path, headers, body = hit
    claim = parse(dict(headers)[b"authorization"], headers, now_ms=int(time.time() * 1000))
    assert claim.access_key == "AKEXAMPLE"
    plain, _, query = path.partition("?")
    claim.verify(
        b"Signing-Secret-9", method=method, path=plain.encode(), query=query.encode(), body_sha256=sha256_hex(body)
    )


def test_a_connection_signs_each_request_also_after_a_redirect(stage: HostedStage, web: Web) -> None:
    web.answers = [(307, {}), (200, {})]
    web.location = "/b/c"
    outcome, log, _ = stage.ask(
        "RESTAPI",
        KEY,
        url=f"{web.url}/a b/x?q=1&p=ä".replace(" ", "%20"),
        method="POST",
        body='{"a": 1}',
        authenticationMode="IAM",
        connectionName="cloud",
        headers="X-Note=hi",
    )
    assert isinstance(outcome, Succeeded), log
    assert [hit[1] for hit in web.hits] == ["/a%20b/x?q=1&p=%C3%A4", "/b/c"]
    for hit in web.hits:
        verified(hit)
    assert "Signing-Secret-9" not in log


def test_another_origin_gets_no_signature(stage: HostedStage, web: Web) -> None:
    web.answers = [(302, {}), (200, {})]
    web.location = f"http://localhost:{web.server_port}/x"
    outcome, _, _ = stage.ask("RESTAPI", KEY, url=web.url, method="GET", connectionName="cloud")
    assert isinstance(outcome, Succeeded)
    assert b"authorization" not in dict(web.hits[1][2])
    assert b"x-sdk-date" not in dict(web.hits[1][2])


def test_a_connection_without_a_key_is_refused(stage: HostedStage, web: Web, tmp_path: Path) -> None:
    for connection in (
        Connection(name="cloud", type="IAM", config={"accessKey": "A"}),
        Connection(name="cloud", type="DWS", config={"ip": "10.0.0.1"}),
    ):
        outcome, _, _ = stage.ask("RESTAPI", connection, url=web.url, method="GET", connectionName="cloud")
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.REFUSED
        assert "'cloud'" in outcome.message
    assert web.hits == []
