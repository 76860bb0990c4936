"""The stream that tells of changed instances, so that lists need not ask again and again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
from tests.api.server import PASSWORD, RunningServer


def events(reply: httpx2.Response) -> Iterator[tuple[str, dict[str, list[str]]]]:
    name = ""
    for line in reply.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_who_listens_is_told_first_to_look_and_then_which_jobs_have_changed(server: RunningServer, name: str) -> None:
    server.save_job(name, {"name": "only", "type": "Dummy"})
    with server.client.stream("GET", "jobs/instances/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        told = events(reply)
        assert next(told) == ("changed", {"jobs": []})
        server.start(name)
        jobs: list[str] = []
        while name not in jobs:  # other tests' jobs may be told too
            event, found = next(told)
            assert event == "changed"
            jobs += found["jobs"]


def test_nobody_listens_without_a_credential(server: RunningServer) -> None:
    reply = httpx2.get(f"{server.client.base_url}jobs/instances/events")
    assert reply.status_code == 401
    assert PASSWORD not in reply.text
