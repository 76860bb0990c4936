"""CSS in a real host. No OpenSearch can be had here, so what is tested is the request: on an HTTP server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.hosted_kit import HostedStage
from tests.nodes.test_restapi_web import Web

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Connection
from arkwright.nodes.css import Css


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path)
    yield stage
    stage.close()


def cluster(web: Web, **config: Any) -> Connection:
    return Connection(name="search", type="CSS", config={"ip": "127.0.0.1", "port": str(web.port), **config})


def test_the_request_goes_to_the_connections_cluster_with_its_user(stage: HostedStage, web: Web) -> None:
    body = '{"query": {"match_all": {}}}'
    outcome, log, output = stage.ask(
        "CSS",
        cluster(web, userName="ada", password="Search-Pass-9"),
        method="GET",
        path="orders/_search?size=1",
        body=body,
        outputPath="obs://answers/found.json",
    )
    assert outcome == Succeeded(output="output"), log
    assert output == '{"ok": true}'
    ((method, path, headers, sent),) = web.hits
    assert (method, path, sent.decode()) == ("GET", "/orders/_search?size=1", body)
    assert headers["authorization"] == "Basic " + base64.b64encode(b"ada:Search-Pass-9").decode()
    assert "Search-Pass-9" not in log
    assert (stage.folder / "obs/answers/found.json").read_text() == '{"ok": true}'


def test_an_error_of_the_cluster_fails_the_node(stage: HostedStage, web: Web) -> None:
    outcome, _, _ = stage.ask("CSS", cluster(web), method="DELETE", path="/status/404")
    assert isinstance(outcome, Failed)
    assert "404" in outcome.message


@pytest.mark.parametrize(
    ("config", "properties", "part"),
    [
        ({"ip": "", "clusterName": "css-1"}, {}, "css-1"),
        ({}, {"method": "PATCHY"}, "PATCHY"),
        ({}, {"outputPath": "/etc/passwd"}, "obs://"),
    ],
)
def test_what_cannot_be_honoured_is_named(
    stage: HostedStage, web: Web, config: dict[str, str], properties: dict[str, str], part: str
) -> None:
    outcome, _, _ = stage.ask("CSS", cluster(web, **config), **{"method": "GET", "path": "/a", **properties})
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    assert part in outcome.message
    assert web.hits == []


@pytest.mark.parametrize(("method", "again"), [("GET", True), ("PUT", True), ("POST", False), ("DELETE", False)])
def test_only_what_may_be_done_twice_is_done_again(stage: HostedStage, web: Web, method: str, again: bool) -> None:
    request = Css().request(stage.on(cluster(web), {"method": method, "path": "/a/_doc/1"}))
    assert not isinstance(request, Failed)
    assert request.repeatable is again
