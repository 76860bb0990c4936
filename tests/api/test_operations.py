"""Operations on instances and nodes, and the setting for conditions, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.api.gates import Gate
from tests.api.house import House
from tests.api.server import RunningServer, shell
from tests.api.test_instances import dummy, ended, events, wait

from arkwright.core.instance import InstanceStatus


def post(server: RunningServer, path: str, **headers: str) -> Any:
    return server.client.post(path, headers=headers)


def until(server: RunningServer, path: str, status: str) -> dict[str, Any]:
    """The first state of the instance with that status."""
    with server.client.stream("GET", f"{path}/events", headers={"Accept": "text/event-stream"}) as reply:
        from tests.api.test_instances import parsed

        for event in parsed(reply.iter_lines()):
            if event["data"]["status"] == status:
                found: dict[str, Any] = event["data"]
                return found
    raise AssertionError(f"never {status}")


def suspended(server: RunningServer, name: str, tmp_path: Path) -> str:
    """The path of an instance whose node `b` failed and suspends it."""
    switch = tmp_path / "switch"
    server.save_job(name, dummy("a"), shell("b", f"test -e '{switch}'", "a", failPolicy="SUSPEND"), dummy("c", "b"))
    path = f"jobs/{name}/instances/{server.start(name)}"
    until(server, path, "running-exception")
    return path


def states(record: dict[str, Any]) -> dict[str, str]:
    return {node["nodeName"]: node["status"] for node in record["nodes"]}


def last(server: RunningServer, path: str) -> dict[str, Any]:
    record: dict[str, Any] = events(server, f"{path}/events")[-1]["data"]
    return record


def test_a_suspended_instance_goes_on_past_the_failed_node(server: RunningServer, name: str, tmp_path: Path) -> None:
    path = suspended(server, name, tmp_path)
    reply = post(server, f"{path}/continue")
    assert (reply.status_code, reply.content) == (204, b"")
    record = last(server, path)
    assert (record["status"], record["ignoreSuccess"]) == ("success", True)
    assert states(record) == {"a": "success", "b": "fail", "c": "success"}


def test_a_failed_node_is_run_again_by_hand(server: RunningServer, name: str, tmp_path: Path) -> None:
    path = suspended(server, name, tmp_path)
    (tmp_path / "switch").touch()
    assert post(server, f"{path}/nodes/b/retry").status_code == 204
    record = last(server, path)
    assert (record["status"], record["ignoreSuccess"], record["forceSuccess"]) == ("success", False, False)
    assert record["nodes"][1]["attempt"] == 2


def test_a_failed_node_and_a_failed_instance_are_set_to_success(
    server: RunningServer, name: str, tmp_path: Path
) -> None:
    path = suspended(server, name, tmp_path)
    assert post(server, f"{path}/nodes/b/force-success").status_code == 204
    assert states(last(server, path)) == {"a": "success", "b": "success", "c": "success"}
    server.save_job(f"{name}_bad", shell("a", "exit 3"))
    bad = f"jobs/{name}_bad/instances/{wait(server, f'{name}_bad')['instanceId']}"
    assert post(server, f"{bad}/force-success").status_code == 204
    record = server.client.get(bad).json()
    assert (record["status"], record["forceSuccess"], states(record)) == ("success", True, {"a": "success"})
    history = server.client.get(f"{bad}/history").json()["events"][-1]
    assert (history["event"], history["details"]["by"]) == ("ForceSuccessRequested", "admin")


def test_an_instance_and_a_node_are_paused_skipped_and_resumed(
    server: RunningServer, name: str, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("a", gate.statement), dummy("b", "a"), dummy("c", "b"), dummy("x/y", "a"))
    path = f"jobs/{name}/instances/{server.start(name)}"
    until(server, path, "running")
    for call in ("nodes/b/pause", "nodes/b/resume", "nodes/b/pause", "nodes/x%2Fy/skip", "pause"):
        reply = post(server, f"{path}/{call}")
        assert reply.status_code == 204, f"{call}: {reply.text}"
    assert until(server, path, "pause")["nodes"][3]["status"] == "skip"
    gate.open()
    refused = post(server, f"{path}/nodes/b/resume")
    assert refused.status_code == 400
    assert "pause" in refused.json()["error_msg"]
    assert post(server, f"{path}/resume").status_code == 204
    assert post(server, f"{path}/nodes/b/resume").status_code == 204
    assert states(last(server, path)) == {"a": "success", "b": "success", "c": "success", "x/y": "skip"}


def test_a_refusal_names_the_state_and_what_is_allowed(server: RunningServer, name: str) -> None:
    server.save_job(name, dummy("a"))
    path = f"jobs/{name}/instances/{wait(server, name)['instanceId']}"
    for operation in ("continue", "force-success", "pause", "resume", "confirm", "freeze", "unfreeze"):
        error = post(server, f"{path}/{operation}").json()
        assert error["error_code"] == "DLF.3051"
        assert operation in error["error_msg"]
        assert "this one is success" in error["error_msg"]
        assert "Allowed now: restart." in error["error_msg"]
    error = post(server, f"{path}/nodes/a/retry").json()
    assert "node retry is allowed for an instance that is running-exception" in error["error_msg"]


def test_an_operation_with_a_key_is_carried_out_once(server: RunningServer, name: str, tmp_path: Path) -> None:
    path = suspended(server, name, tmp_path)
    key = {"Idempotency-Key": "once"}
    assert post(server, f"{path}/continue", **key).status_code == 204
    last(server, path)
    assert post(server, f"{path}/continue", **key).status_code == 204
    assert post(server, f"{path}/continue").status_code == 400


def test_a_node_that_does_not_exist_is_named(server: RunningServer, name: str, tmp_path: Path) -> None:
    path = suspended(server, name, tmp_path)
    error = post(server, f"{path}/nodes/nobody/retry").json()
    assert (error["error_code"], "nobody" in error["error_msg"], "a, b, c" in error["error_msg"]) == (
        "DLF.3051",
        True,
        True,
    )
    post(server, f"{path}/stop")


def test_a_server_that_only_accepts_refuses_what_the_engine_would(house: House, name: str) -> None:
    house.save_job(name)
    instance = house.call("POST", f"jobs/{name}/run-immediate").json()["instanceId"]
    path = f"jobs/{name}/instances/{instance}"
    for operation in ("continue", "nodes/only/skip", "confirm"):
        reply = house.call("POST", f"{path}/{operation}")
        assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.3051")
        assert InstanceStatus.WAITING.value in reply.json()["error_msg"]
    assert house.call("POST", f"{path}/freeze").status_code == 204


def test_the_workspace_says_whether_all_conditions_must_hold(server: RunningServer, name: str) -> None:
    conditions = [{"preNodeName": "a", "expression": "true"}, {"preNodeName": "b", "expression": "false"}]
    server.save_job(name, dummy("a"), dummy("b"), dummy("c", "a", "b", conditions=conditions))

    def run() -> str:
        return states(ended(server, name, server.start(name)))["c"]

    assert server.client.get("workspace-settings").json()["conditionPolicy"] == "OR"
    assert run() == "success"
    try:
        assert server.client.put("workspace-settings", json={"conditionPolicy": "AND"}).status_code == 204
        assert server.client.get("workspace-settings").json()["conditionPolicy"] == "AND"
        assert run() == "skip"
    finally:
        server.client.put("workspace-settings", json={"conditionPolicy": "OR"})
    for wrong in ({"conditionPolicy": "XOR"}, {"colour": "red"}):
        assert server.client.put("workspace-settings", json=wrong).json()["error_code"] == "DLF.3051"
