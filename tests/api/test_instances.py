"""Instances on a real server: run, wait, list, detail, stop, restart, follow."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from tests.api.gates import Gate
from tests.api.server import PROJECT, RunningServer, shell


def dummy(name: str, *before: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "Dummy", "preNodeName": list(before), **more}


def wait(server: RunningServer, name: str, **query: Any) -> dict[str, Any]:
    reply = server.client.post(f"jobs/{name}/run-immediate", params={"wait": 60, **query})
    assert reply.status_code == 200, reply.text
    answered: dict[str, Any] = reply.json()
    return answered


def ended(server: RunningServer, name: str, instance_id: int) -> dict[str, Any]:
    """The last state of an instance that is followed to its end."""
    states = [each["data"] for each in events(server, f"jobs/{name}/instances/{instance_id}/events")]
    last: dict[str, Any] = states[-1]
    return last


def events(server: RunningServer, path: str, **headers: str) -> list[dict[str, Any]]:
    with server.client.stream("GET", path, headers={"Accept": "text/event-stream", **headers}) as reply:
        assert reply.status_code == 200
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        return list(parsed(reply.iter_lines()))


def parsed(lines: Any) -> Any:
    event: dict[str, Any] = {}
    for line in lines:
        field, _, value = line.partition(": ")
        if not line and event:
            yield event
            event = {}
        elif field == "data":
            event["data"] = json.loads(value)
        elif field:
            event[field] = value


def test_waiting_holds_the_reply_until_the_end(server: RunningServer, name: str) -> None:
    server.save_job(name, shell("a", "exit 0"))
    assert wait(server, name)["status"] == "success"
    server.save_job(f"{name}_bad", shell("a", "exit 3"))
    assert wait(server, f"{name}_bad")["status"] == "fail"


def test_a_wait_that_is_over_answers_running_and_the_run_goes_on(
    server: RunningServer, name: str, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("a", gate.statement))
    answered = wait(server, name, wait=0.2)
    assert answered["status"] == "running"
    gate.open()
    assert ended(server, name, answered["instanceId"])["status"] == "success"


def test_a_client_that_hangs_up_while_waiting_does_not_hurt_the_run(
    server: RunningServer, name: str, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("a", gate.statement))
    token = server.client.headers["X-Auth-Token"]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            f"POST /v1/{PROJECT}/jobs/{name}/run-immediate?wait=3600 HTTP/1.1\r\n"
            f"Host: a\r\nX-Auth-Token: {token}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        gate.open()  # somebody runs, so the request was accepted
    [item] = server.client.get(f"jobs/instances/detail?jobName={name}&preciseQuery=true").json()["instances"]
    assert ended(server, name, item["instanceId"])["status"] == "success"


def test_the_detail_shows_every_node_as_documented(server: RunningServer, name: str) -> None:
    server.save_job(
        name,
        dummy("first"),
        {**shell("second", "echo hello $1; echo oops >&2", "first"), "type": "shell"},
        params=[{"name": "who", "value": "nobody"}],
    )
    instance_id = wait(server, name)["instanceId"]
    got = server.client.get(f"jobs/{name}/instances/{instance_id}").json()
    assert (got["jobName"], got["instanceId"], got["status"], got["total"]) == (name, instance_id, "success", 2)
    assert (got["instanceType"], got["version"], got["forceSuccess"], got["ignoreSuccess"]) == (2, 1, False, False)
    assert got["submitTime"] == got["planTime"] <= got["startTime"] <= got["endTime"]
    assert got["executeTime"] == got["endTime"] - got["startTime"]
    first, second = got["nodes"]
    assert (first["nodeName"], first["type"], first["status"], first["retryTimes"]) == ("first", "Dummy", "success", 0)
    assert (second["nodeName"], second["type"], second["status"]) == ("second", "shell", "success")
    assert {each["instanceId"] for each in got["nodes"]} == {instance_id}
    assert re.fullmatch(
        rf"obs://dlf-log-{PROJECT}/{name}/\d{{4}}-\d\d-\d\d \d\d_\d\d_\d\d\.\d{{3}}-{instance_id}/second/second.job",
        second["logPath"],
    )
    url = f"{server.url}/{second['logPath'].replace('://', '/')}"
    log = server.client.get(url)
    assert (log.text, log.headers["Content-Length"]) == ("hello\noops\n", "11")
    assert server.client.get(url, headers={"Range": "bytes=6-"}).text == "oops\n"
    assert server.client.head(url).headers["Content-Length"] == "11"
    assert server.client.put(url, content=b"nothing happened").status_code == 200
    assert server.client.get(url).text == "hello\noops\n", "nobody puts words into a log"
    assert server.client.head(url).headers["Content-Length"] == "11"
    assert server.client.delete(url).status_code == 204
    for other in (
        url.replace("second.job", "third.job"),
        url.replace(str(instance_id), "1"),
        url.replace("second", "x"),
    ):
        assert server.client.get(other).status_code == 404
    elsewhere = server.client.get(url, headers={"workspace": "0" * 32})
    assert elsewhere.json()["error_code"] == "DLF.0819"


def test_an_instance_is_found_under_its_job_only(server: RunningServer, name: str) -> None:
    server.save_job(name, dummy("a"))
    server.save_job(f"{name}_other", dummy("a"))
    instance_id = wait(server, name)["instanceId"]
    for path in (
        f"jobs/{name}_other/instances/{instance_id}",
        f"jobs/nobody/instances/{instance_id}",
        f"jobs/{name}/instances/{instance_id + 10**9}",
        f"jobs/{name}/instances/{2**53}",
        f"jobs/{name}/instances/x",
    ):
        reply = server.client.get(path)
        assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.0137")
        assert reply.json()["error_msg"] == "Job instance does not exist."
    job = {**server.client.get(f"jobs/{name}").json(), "name": f"{name}_renamed"}
    assert server.client.put(f"jobs/{name}", json=job).status_code == 204
    for current in (name, f"{name}_renamed"):
        assert server.client.get(f"jobs/{current}/instances/{instance_id}").status_code == 200


def test_the_list_shows_todays_and_filters(server: RunningServer, name: str) -> None:
    server.save_job(name, shell("a", 'test "$ARKWRIGHT_PARAM_GOOD" = yes'), params=[{"name": "GOOD", "value": "yes"}])
    good = wait(server, name)["instanceId"]
    bad = server.start(name, GOOD="no")
    assert ended(server, name, bad)["status"] == "fail"

    def found(**query: Any) -> list[int]:
        got = server.client.get("jobs/instances/detail", params={"jobName": name, "limit": 100, **query}).json()
        assert got["total"] == len(got["instances"])
        return [each["instanceId"] for each in got["instances"]]

    assert found(preciseQuery="true") == [bad, good]
    assert found() == [bad, good]
    assert found(status="success") == [good]
    assert found(status="fail,success") == [bad, good]
    assert found(status="running") == []
    assert found(status="forceSuccess") == []
    assert found(instanceType=2) == [bad, good]
    assert found(instanceType="0,5") == []
    assert found(jobName=name[:-1]) != []
    assert found(jobName=name[:-1], preciseQuery="false", status="fail")[0] == bad
    now = time.time_ns() // 1_000_000
    assert found(minPlanTime=now - 60_000_000, maxPlanTime=now - 50_000_000) == []
    assert found(minPlanTime=now - 60_000, maxPlanTime=now + 1) == [bad, good]
    assert server.client.get(f"jobs?jobName={name}").json()["jobs"][0]["lastInstanceStatus"] == "fail"
    assert server.client.get(f"jobs?jobName={name}").json()["jobs"][0]["lastInstanceEndTime"] <= now


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("minPlanTime=1&maxPlanTime=604800001000", "DLF.3051"),
        ("minPlanTime=1", "DLF.3051"),
        ("minPlanTime=2&maxPlanTime=1", "DLF.3051"),
        ("minPlanTime=x", "DLF.3051"),
        ("status=done", "DLF.3051"),
        ("instanceType=1", "DLF.3051"),
        ("preciseQuery=maybe&jobName=a", "DLF.3051"),
        ("limit=1001", "DLF.3051"),
        ("limit=0", "DLF.3051"),
        ("preciseQuery=true&jobName=nobody", "DLF.0100"),
    ],
)
def test_a_query_that_is_wrong_is_refused(server: RunningServer, query: str, code: str) -> None:
    reply = server.client.get(f"jobs/instances/detail?{query}")
    assert (reply.status_code, reply.json()["error_code"]) == (400, code), reply.text


def test_a_window_of_seven_days_and_a_future_one_are_accepted(server: RunningServer) -> None:
    week = 7 * 24 * 60 * 60 * 1000
    for query in (
        f"minPlanTime=1&maxPlanTime={1 + week}",
        "minPlanTime=9007199254740991",
        "maxPlanTime=0",
        "limit=1000",
    ):
        assert server.client.get(f"jobs/instances/detail?{query}").status_code == 200


def test_a_running_instance_is_stopped_and_an_ended_one_is_not(
    server: RunningServer, name: str, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("a", gate.statement), dummy("b", "a"))
    instance_id = server.start(name)
    path = f"jobs/{name}/instances/{instance_id}"
    reply = server.client.post(f"{path}/stop")
    assert (reply.status_code, reply.content) == (204, b"")
    last = ended(server, name, instance_id)
    assert last["status"] == "manual-stop"
    assert last["nodes"][1]["status"] in {"manual-stop", "skip", "waiting"}
    reply = server.client.post(f"{path}/stop")
    assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.3051")


def test_an_ended_instance_runs_again_from_the_node_that_is_named(
    server: RunningServer, name: str, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    switch = tmp_path / "switch"
    server.save_job(
        name,
        shell("a", f"echo a >> '{trace}'"),
        shell("b", f"echo b >> '{trace}'; test -e '{switch}'", "a"),
        shell("c", f"echo c >> '{trace}'", "b"),
    )
    answered = wait(server, name)
    assert answered["status"] == "fail"
    path = f"jobs/{name}/instances/{answered['instanceId']}"

    def again(body: Any = None) -> str:
        trace.write_text("")
        reply = server.client.post(f"{path}/restart", json=body) if body else server.client.post(f"{path}/restart")
        assert (reply.status_code, reply.content) == (204, b""), reply.text
        assert ended(server, name, answered["instanceId"])["status"] in {"success", "fail"}
        return trace.read_text().replace("\n", "")

    assert again() == "ab"
    assert again({"retry_location": "first_node", "ignore_obs_monitor": False}) == "ab"
    assert again({"retry_location": "errorNode"}) == "b"
    switch.touch()
    assert again({"retry_location": "error_node", "job_param_version": "original_version"}) == "bc"
    assert again({"retry_location": "specified_node", "node_name": "c"}).endswith("c")


def test_the_latest_version_is_that_of_its_job_whatever_the_job_is_called_now(
    server: RunningServer, name: str, tmp_path: Path
) -> None:
    trace, latest = tmp_path / "trace", {"job_param_version": "latest_version"}

    def job(called: str, word: str) -> dict[str, Any]:
        node = shell("a", f"echo {word} >> '{trace}'")
        return {"name": called, "processType": "BATCH", "schedule": {"type": "EXECUTE_ONCE"}, "nodes": [node]}

    server.client.post("jobs", json=job(name, "first")).raise_for_status()
    instance_id = wait(server, name)["instanceId"]
    path = f"jobs/{name}/instances/{instance_id}/restart"
    server.client.put(f"jobs/{name}", json=job(f"{name}_new", "second")).raise_for_status()
    server.client.post("jobs", json=job(name, "another job")).raise_for_status()
    assert server.client.post(path, json=latest).status_code == 204
    assert ended(server, name, instance_id)["version"] == 2
    assert trace.read_text() == "first\nsecond\n"
    server.client.delete(f"jobs/{name}_new").raise_for_status()
    server.client.put(f"jobs/{name}", json=job(f"{name}_new", "another job")).raise_for_status()
    reply = server.client.post(path, json=latest)
    assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.0100")
    assert "was deleted" in reply.json()["hint"]
    assert server.client.post(path).status_code == 204
    assert ended(server, name, instance_id)["status"] == "success"
    assert trace.read_text() == "first\nsecond\nsecond\n"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"retry_location": "middle"}, "retry_location"),
        ({"retry_location": "specified_node"}, "node_name"),
        ({"retry_location": "specified_node", "node_name": "nobody"}, "nobody"),
        ({"job_param_version": "newest"}, "job_param_version"),
        ({"ignore_obs_monitor": "perhaps"}, "ignore_obs_monitor"),
    ],
)
def test_a_restart_that_is_wrong_is_refused(server: RunningServer, name: str, body: Any, word: str) -> None:
    server.save_job(name, dummy("a"))
    instance_id = wait(server, name)["instanceId"]
    reply = server.client.post(f"jobs/{name}/instances/{instance_id}/restart", json=body)
    assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.3051")
    assert word in reply.json()["error_msg"]


def test_events_tell_each_change_until_the_end(server: RunningServer, name: str, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("a", gate.statement), dummy("b", "a"))
    instance_id = server.start(name)
    headers = {"Accept": "text/event-stream"}
    seen: list[str] = []
    with server.client.stream("GET", f"jobs/{name}/instances/{instance_id}/events", headers=headers) as reply:
        for event in parsed(reply.iter_lines()):
            assert event["event"] == "instance"
            seen.append(event["data"]["status"])
            if event["data"]["status"] == "running" and "running" not in seen[:-1]:
                gate.open()
    assert seen[-1] == "success"
    assert "running" in seen


def test_the_history_tells_what_happened_in_order(server: RunningServer, name: str) -> None:
    server.save_job(name, shell("a", "exit 4"))
    instance_id = wait(server, name)["instanceId"]
    path = f"jobs/{name}/instances/{instance_id}/history"
    got = server.client.get(path).json()["events"]
    assert [each["sequence"] for each in got] == list(range(1, len(got) + 1))
    assert got[0]["event"] == "InstanceRequested"
    assert got[0]["details"]["by"] == "admin"
    [end] = [each for each in got if each["event"] == "AttemptEnded"]
    assert end["nodeName"] == "a"
    assert (end["details"]["outcome"]["type"], end["details"]["outcome"]["exitCode"]) == ("Failed", 4)
    assert server.client.get(path, params={"after": len(got)}).json() == {"events": []}
