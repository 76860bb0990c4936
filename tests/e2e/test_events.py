"""Events against real servers that are killed: each message, file and delivery starts one run, whatever happens."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.house import Client, House, house, node, until
from tests.servers.kafka import Broker

from arkwright.scheduler.events.webhook import sign

LOOPBACK = "--allow-loopback-requests"
"""The brokers of these tests are there."""
MESSAGES = 60
KILLS = 3


def writing(trace: Path) -> dict[str, Any]:
    return node("note", statement=f'echo "$1" >> {trace}', arguments="#{Job.eventData}")


def lines(trace: Path) -> list[str]:
    return trace.read_text().split() if trace.exists() else []


def triggers(client: Client, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.good("GET", f"jobs/{job}/triggers")["triggers"]
    return found


def listen_to_kafka(client: Client, broker: Broker, topic: str, *nodes: dict[str, Any], **more: Any) -> None:
    config = {"bootstrapServers": broker.address}
    client.good("POST", "connections", {"name": "bus", "type": "KAFKA", "config": config})
    event = {"eventType": "KAFKA", "connectionName": "bus", "channel": topic, **more}
    client.save_job("fed", *nodes, schedule={"type": "EVENT", "event": event})
    client.good("POST", "jobs/fed/start")


@pytest.mark.long
def test_each_kafka_message_runs_once_however_often_the_server_is_killed(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    trace = tmp_path / "trace"
    with house(tmp_path, LOOPBACK) as home:
        client = home.client()
        listen_to_kafka(client, kafka_broker, topic, writing(trace), concurrent=8)
        for part in range(KILLS):
            first = part * MESSAGES // KILLS
            kafka_broker.send(topic, *(f"m{n}" for n in range(first, first + MESSAGES // KILLS)))
            # Somewhere in the middle of these.
            until(lambda seen=first + 3: len(lines(trace)) >= seen, "some of them have run")
            client.close()
            home.kill()
            home.start()
            client = home.client()
        until(lambda: len(lines(trace)) >= MESSAGES, "all have run")
        until(lambda: client.listed(status="success")[0] == MESSAGES, "all have ended")
        assert Counter(lines(trace)) == Counter(f"m{n}" for n in range(MESSAGES))
        (trigger,) = triggers(client, "fed")
        assert trigger["reason"] == "It listens."
        client.good("POST", "jobs/fed/stop")
        client.close()
        assert home.stop() == 0


def test_an_event_job_is_paused_resumed_and_stopped_over_the_api_and_says_why_it_does_not_fire(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.topic()
    trace = tmp_path / "trace"
    with house(tmp_path, LOOPBACK) as home:
        client = home.client()
        listen_to_kafka(client, kafka_broker, topic, writing(trace))
        assert client.call("POST", "jobs/fed/start").status == 400
        client.good("POST", "jobs/fed/pause")
        assert client.good("GET", "jobs?jobName=fed")["jobs"][0]["status"] == "PAUSED"
        assert "operator paused" in triggers(client, "fed")[0]["reason"]
        kafka_broker.send(topic, "a")
        client.good("POST", "jobs/fed/resume")
        until(lambda: lines(trace) == ["a"], "it has run")
        client.good("POST", "jobs/fed/stop")
        assert client.good("GET", "jobs?jobName=fed")["jobs"][0]["status"] == "STOPPED"
        assert "stopped" in triggers(client, "fed")[0]["reason"]
        refused = client.call("POST", "jobs/nope/start")
        assert refused.status == 400
        client.close()
        assert home.stop() == 0


def test_an_upload_starts_a_run(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        client = home.client()
        event = {"eventType": "OBS", "channel": "obs://incoming/orders/"}
        shown = node("show", statement='echo "$1"', arguments="#{Job.trigger.obsNewFiles}")
        client.save_job("fed", shown, schedule={"type": "EVENT", "event": event})
        client.good("POST", "jobs/fed/start")
        client.good("PUT", "/obs/incoming/orders/a.csv", {"any": "body"})
        found = until(lambda: client.listed(status="success")[1], "it has run")
        assert found[0]["eventSource"] == "OBS obs://incoming/orders/a.csv"
        assert "obs://incoming/orders/a.csv" in client.log("fed", found[0]["instanceId"], "show")
        client.good("POST", "jobs/fed/stop")
        client.close()
        assert home.stop() == 0


def test_a_delivery_that_was_acknowledged_runs_once_also_when_the_server_is_killed_and_it_comes_again(
    tmp_path: Path,
) -> None:
    trace = tmp_path / "trace"
    with house(tmp_path) as home:
        client = home.client()
        client.save_job("hooked", writing(trace))
        hook = client.good("POST", "hooks", {"jobName": "hooked"})
        body = json.dumps({"order": 7}).replace(" ", "").encode()

        def deliver() -> Any:
            timestamp = str(int(time.time()))
            headers = {
                "X-Arkwright-Timestamp": timestamp,
                "X-Arkwright-Delivery": "order-7",
                "X-Arkwright-Signature": sign(hook["secret"], timestamp=timestamp, delivery="order-7", body=body),
            }
            path = hook["url"].split("/v1/", 1)[1]
            return httpx2.post(f"{home.url}/v1/{path}", content=body, headers=headers)

        first = deliver()
        assert first.status_code == 202, first.text
        client.close()
        home.kill()
        home.start()
        again = deliver()
        assert again.json() == {"instanceId": first.json()["instanceId"], "replayed": True}
        client = home.client()
        client.ended("hooked", first.json()["instanceId"])
        assert lines(trace) == ['{"order":7}'] or lines(trace) == ["{order:7}"]
        client.close()
        assert home.stop() == 0


@pytest.mark.long
def test_a_real_time_job_lives_on_through_a_kill_and_its_states_are_real(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    trace = tmp_path / "trace"
    with house(tmp_path, LOOPBACK) as home:
        client = home.client()
        config = {"bootstrapServers": kafka_broker.address}
        client.good("POST", "connections", {"name": "bus", "type": "KAFKA", "config": config})
        event = {"eventType": "KAFKA", "connectionName": "bus", "channel": topic, "concurrent": 5}
        client.save_job(
            "live",
            node("stream", statement="echo on; sleep 1000"),
            writing(trace) | {"eventTrigger": event},
            processType="REAL_TIME",
        )
        assert status(client)["status"] == "STOPPED"
        client.good("POST", "jobs/live/start")
        until(lambda: status(client)["status"] == "NORMAL", "it is running")
        kafka_broker.send(topic, "a")
        until(lambda: lines(trace) == ["a"], "it has run")
        client.close()
        home.kill()
        home.start()
        client = home.client()
        kafka_broker.send(topic, "b")
        until(lambda: lines(trace) == ["a", "b"], "it has run")
        now = status(client)
        assert {each["name"]: each["status"] for each in now["nodes"]} == {"stream": "NORMAL", "note": "NORMAL"}
        stream = next(each for each in now["nodes"] if each["name"] == "stream")
        assert stream["lastInstanceStatus"] == "running"
        detail = client.good("GET", f"{v2(client)}/real-time-jobs/live")
        assert detail["state"] == "NORMAL"
        assert client.listed(jobName="live_stream")[0] == 1
        client.good("POST", "jobs/live/nodes/note/disable")
        assert {each["name"]: each["status"] for each in status(client)["nodes"]}["note"] == "DISABLE"
        client.good("POST", "jobs/live/nodes/note/restore", {"concurrent": 2})
        assert client.call("PUT", "jobs/live/nodes/note/event", {"concurrent": 11}).status == 400
        client.good("PUT", "jobs/live/nodes/note/event", {"concurrent": 3})
        assert client.call("POST", "jobs/live/nodes/stream/clear-messages").status == 400
        client.good("POST", "jobs/live/stop")
        until(lambda: status(client)["status"] == "STOPPED", "all of it has ended")
        assert client.show("live_stream", stream["jobInstanceId"])["status"] == "manual-stop"
        client.close()
        assert home.stop() == 0


def status(client: Client) -> Any:
    return client.good("GET", "jobs/live/status")


def v2(client: Client) -> str:
    return client._base.replace("/v1/", "/v2/").rstrip("/") + "/factory"


@pytest.mark.long
def test_a_planned_instance_waits_for_its_object(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    cron = {"expression": "0/5 * * * * ?", "startTime": "2026-01-01T00:00:00+00", "concurrent": 50}
    listening = {"path": "obs://incoming/#{Job.name}/_SUCCESS", "interval": 60, "timeout": 1440}
    with house(tmp_path) as home:
        client = home.client()
        client.save_job(
            "waiter",
            node("note", statement=f"echo ran >> {trace}"),
            schedule={"type": "CRON", "cron": cron, "obsListening": listening},
        )
        client.good("POST", "jobs/waiter/start")
        waiting = until(lambda: client.listed(status="waiting")[1], "an instance waits")
        why = client.good("GET", f"jobs/instances/{waiting[0]['instanceId']}/why")
        assert "obs://incoming/" in json.dumps(why)
        client.good("POST", "jobs/waiter/stop")
        client.close()
        home.kill()
        home.start()
        client = home.client()
        assert not trace.exists()
        client.good("PUT", "/obs/incoming/waiter/_SUCCESS", {})
        until(lambda: client.listed(status="success")[0] >= 1, "it has run", 20)
        assert lines(trace)
        client.close()
        assert home.stop() == 0


@pytest.mark.long
@pytest.mark.postgres
def test_another_server_takes_over_a_trigger_when_its_server_is_killed(
    tmp_path: Path, kafka_broker: Broker, postgres_address: str
) -> None:
    """Messages come all the while; each is taken by one of the two, and none by both."""
    topic = kafka_broker.topic()
    event = {"eventType": "KAFKA", "connectionName": "bus", "channel": topic, "concurrent": 50}
    options = ("--database-url", postgres_address, "--lease-seconds", "1.5", LOOPBACK)
    with house(tmp_path / "a", *options) as first:
        client = first.client()
        config = {"bootstrapServers": kafka_broker.address}
        client.good("POST", "connections", {"name": "bus", "type": "KAFKA", "config": config})
        client.save_job("fed", node("note", "Dummy"), schedule={"type": "EVENT", "event": event})
        client.good("POST", "jobs/fed/start")
        (tmp_path / "b" / "data").mkdir(parents=True)
        shutil.copy(first.data / "secret.key", tmp_path / "b" / "data")
        second = House(folder=tmp_path / "b", options=options, keys_of=first)
        try:
            second.start()
            kafka_broker.send(topic, *(f"m{n}" for n in range(20)))
            until(lambda: client.listed()[0] >= 5, "some were taken")
            client.close()
            first.kill()
            kafka_broker.send(topic, *(f"m{n}" for n in range(20, 30)))
            client = second.client()
            until(lambda: client.listed(status="success")[0] == 30, "all have run")
            sources = Counter(each["eventSource"] for each in client.listed()[1])
            assert sources == Counter(f"KAFKA {topic}/0@{n}" for n in range(30))
            client.close()
            assert second.stop() == 0
        finally:
            second.close()
