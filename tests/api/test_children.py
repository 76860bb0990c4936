"""For Each and Subjob over the API: progress of the node, its children in lists, and whose each is."""

from __future__ import annotations

import json
from typing import Any

from tests.api.server import PROJECT, RunningServer
from tests.api.test_instances import dummy, ended, wait


def loop(name: str, job: str, rows: list[list[Any]], **more: str) -> dict[str, Any]:
    values = {"jobName": job, "dataset": json.dumps(rows), **more}
    return {
        "name": name,
        "type": "ForEach",
        "location": {"x": 0, "y": 0},
        "properties": [{"name": key, "value": value} for key, value in values.items()],
    }


def shell(name: str, statement: str, arguments: str) -> dict[str, Any]:
    values = {"statement": statement, "arguments": arguments}
    return {
        "name": name,
        "type": "Shell",
        "location": {"x": 0, "y": 0},
        "properties": [{"name": key, "value": value} for key, value in values.items()],
    }


def detail(server: RunningServer, name: str, instance_id: int) -> dict[str, Any]:
    reply = server.client.get(f"jobs/{name}/instances/{instance_id}")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_the_detail_shows_how_far_a_for_each_is_and_where_its_children_are(server: RunningServer, name: str) -> None:
    server.save_job(f"{name}_row", shell("a", "exit $1", "${code}"))
    server.save_job(name, loop("each", f"{name}_row", [[0], [7], [0]], params="code=#{Loop.current[0]}"))
    instance_id = wait(server, name)["instanceId"]
    (each,) = detail(server, name, instance_id)["nodes"]
    told = {key: value for key, value in each.items() if key.startswith("child")}
    assert told == {
        "childJobName": f"{name}_row",
        "childTotal": 3,
        "childSucceeded": 2,
        "childFailed": 1,
        "childRunning": 0,
        "childrenPath": f"/v1/{PROJECT}/jobs/{name}/instances/{instance_id}/children?nodeName=each",
    }
    assert (each["type"], each["status"], "logPath" in each) == ("ForEach", "fail", False)
    page = server.client.get(f"jobs/{name}/instances/{instance_id}/children", params={"nodeName": "each"}).json()
    assert page["total"] == 3
    shown = [(c["jobInstanceName"], c["row"], c["status"], c["instanceType"]) for c in page["instances"]]
    assert shown == [("each_0", 0, "success", 6), ("each_1", 1, "fail", 6), ("each_2", 2, "success", 6)]
    assert {child["parentInstanceId"] for child in page["instances"]} == {instance_id}
    failed = server.client.get(f"jobs/{name}/instances/{instance_id}/children", params={"status": "fail"}).json()
    assert [child["row"] for child in failed["instances"]] == [1]
    second = server.client.get(f"jobs/{name}/instances/{instance_id}/children", params={"limit": 2, "offset": 1}).json()
    assert [child["row"] for child in second["instances"]] == [2]
    unknown = server.client.get(f"jobs/{name}/instances/{instance_id}/children", params={"nodeName": "nowhere"})
    assert unknown.status_code == 400
    assert "has no node .nowhere." in unknown.text.replace("'", ".")


def test_children_are_instances_of_their_own_job_in_the_documented_list(server: RunningServer, name: str) -> None:
    server.save_job(f"{name}_row", dummy("a"))
    server.save_job(name, loop("each", f"{name}_row", [[1], [2]], suffix="no#{Loop.current[0]}"))
    parent = wait(server, name)["instanceId"]
    query = {"jobName": f"{name}_row", "preciseQuery": "true", "instanceType": 6}
    page = server.client.get("jobs/instances/detail", params=query).json()
    assert {each["jobInstanceName"] for each in page["instances"]} == {"each_no1", "each_no2"}
    child = page["instances"][0]
    one = detail(server, f"{name}_row", child["instanceId"])
    assert (one["parentInstanceId"], one["nodes"][0]["status"]) == (parent, "success")
    assert server.client.get("jobs/instances/detail", params={**query, "instanceType": 2}).json()["total"] == 0


def test_a_circle_of_jobs_is_refused_with_the_circle(server: RunningServer, name: str) -> None:
    server.save_job(f"{name}_b", loop("n", name, [[1]]))
    server.save_job(name, loop("n", f"{name}_b", [[1]]))
    reply = server.client.post(f"jobs/{name}/run-immediate")
    assert reply.status_code == 400
    assert f"{name} -> {name}_b -> {name}" in reply.json()["error_msg"]


def test_a_restart_from_the_error_node_runs_the_failed_rows(server: RunningServer, name: str, tmp_path: Any) -> None:
    good = tmp_path / "good"
    server.save_job(f"{name}_row", shell("a", f"test $1 != 1 -o -e {good}", "${n}"))
    server.save_job(name, loop("each", f"{name}_row", [[0], [1], [2]], params="n=#{Loop.offset}", concurrency="3"))
    instance_id = wait(server, name)["instanceId"]
    good.touch()
    body = {"retry_location": "error_node"}
    assert server.client.post(f"jobs/{name}/instances/{instance_id}/restart", json=body).status_code == 204
    assert ended(server, name, instance_id)["status"] == "success"
    page = server.client.get(f"jobs/{name}/instances/{instance_id}/children").json()
    assert [child["row"] for child in page["instances"]] == [1, 0, 1, 2]


def test_a_schedule_whose_job_runs_a_job_that_is_not_there_does_not_start(server: RunningServer, name: str) -> None:
    cron = {"expression": "0 0 2 * * ?", "startTime": "2026-01-01T00:00:00+00"}
    server.save_job(name, loop("n", f"{name}_gone", [[1]]), schedule={"type": "CRON", "cron": cron})
    reply = server.client.post(f"jobs/{name}/start")
    assert reply.status_code == 400
    assert f"The node 'n' of job '{name}' can't run the job '{name}_gone'" in reply.json()["error_msg"]
