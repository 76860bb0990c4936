"""A whole server tells a webhook of its jobs, and refuses new runs without room: over HTTP, on loopback."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook
from tests.api.server import PROJECT, RunningServer, running_server, shell
from tests.api.studio import studio, studio_client
from tests.notify.test_sending import Web, web  # noqa: F401

WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("telling") / "data", allow_loopback_requests=True) as running:
        yield running


def post(server: RunningServer, path: str, body: Any) -> Any:
    reply = server.client.post(path, json=body)
    assert reply.status_code in (200, 204), reply.text
    return reply.json() if reply.content else None


def told(web: Web, secret: str) -> Any:  # noqa: F811
    headers, body = web.arrived.get(timeout=WAIT_SECONDS)
    return Webhook(secret).verify(body, headers)


@pytest.fixture
def hook(web: Web) -> Web:  # noqa: F811
    web.arrived = Queue()

    class Arrivals(list):
        def append(self, each: Any) -> None:
            super().append(each)
            web.arrived.put(each)

    web.got = Arrivals()
    return web


def test_a_failure_reaches_the_webhook_and_the_records(telling: RunningServer, hook: Web) -> None:
    secret = post(telling, "alert-topics", {"name": "ops", "kind": "webhook", "url": hook.url})["secret"]
    post(telling, "alert-topics/ops/test", None)
    test = told(hook, secret)
    assert test["data"]["notices"][0]["test"] is True
    telling.save_job("nightly", shell("load", "exit 3"))
    post(telling, "alert-rules", {"name": "nightly", "remind_type": 1, "topic_name": "ops"})
    instance_id = telling.start("nightly")
    message = told(hook, secret)
    [notice] = message["data"]["notices"]
    assert (message["type"], message["workspace"]) == ("job.failed", "default")
    assert (notice["jobName"], notice["instanceId"]) == ("nightly", instance_id)
    assert notice["failedNodes"] == [{"name": "load", "exitCode": 3}]
    for _ in range(200):  # it is marked after the reply to it has come
        info = telling.client.get(f"{telling.url}/v2/{PROJECT}/factory/alarm-info").json()
        if info["total"]:
            break
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        official = studio_client(telling.url)
        [record] = official.list_factory_alarm_info(studio.ListFactoryAlarmInfoRequest()).alarm_info
        [rule] = official.list_factory_alarm_rules(studio.ListFactoryAlarmRulesRequest()).alarm_rules_items_details
        del official
    assert (record.job_name, record.remind_type, record.send_status, record.schedule_type) == ("nightly", 1, 0, 2)
    assert (rule.name, rule.remind_type, rule.topic_name, rule.use_flag) == ("nightly", 1, "ops", 1)
    assert len(hook.got) == 2
    [listed] = telling.client.get("alerts?state=sent").json()["alerts"]
    assert (listed["instanceId"], listed["tries"]) == (instance_id, 1)


def test_a_failed_test_says_why(telling: RunningServer) -> None:
    url = "http://169.254.169.254/latest/meta-data"
    post(telling, "alert-topics", {"name": "inside", "kind": "webhook", "url": url})
    reply = telling.client.post("alert-topics/inside/test")
    assert reply.status_code == 400
    assert "link-local" in reply.json()["error_msg"]


def test_without_room_a_run_is_refused_with_503_and_a_time(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", least_free_bytes=2**60) as server:
        server.save_job("j", shell("a", "true"))
        reply = server.client.post("jobs/j/run-immediate")
        assert reply.status_code == 503
        assert int(reply.headers["Retry-After"]) > 0
        assert reply.json()["error_code"] == "DLF.9997"
        assert "free" in reply.json()["error_msg"]
        ready = httpx2.get(f"{server.url}/readyz")
        assert ready.status_code == 503
        assert "New runs are refused" in json.dumps(ready.json())
        assert server.client.get("jobs").status_code == 200
        assert server.client.get("jobs/instances/detail").json()["total"] == 0


def test_a_quota_is_429_with_the_numbers(telling: RunningServer, tmp_path: Path) -> None:
    wait = f"until test -e {tmp_path}/go; do sleep 0.05; done"
    telling.save_job("slow", shell("a", wait))
    first = telling.start("slow")
    while telling.client.get(f"jobs/slow/instances/{first}").json()["nodes"][0]["status"] != "running":
        pass
    assert telling.client.put("workspace-settings", json={"quotas": {"processes": 1}}).status_code == 204
    reply = telling.client.post("jobs/slow/run-immediate")
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 0
    assert "has 1 nodes that run; its quota processes is 1" in reply.json()["error_msg"]
    assert telling.client.put("workspace-settings", json={"quotas": {}}).status_code == 204
    (tmp_path / "go").touch()
    assert telling.client.post("jobs/slow/run-immediate?wait=30").json()["status"] == "success"
