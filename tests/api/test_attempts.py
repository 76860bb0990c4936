"""The attempts of an instance's nodes, one by one."""

from __future__ import annotations

from tests.api.server import RunningServer, shell
from tests.api.test_instances import ended


def test_each_attempt_of_a_node_is_told_with_its_own_times_also_those_before_a_rerun(
    server: RunningServer, name: str
) -> None:
    server.save_job(name, shell("first", "echo ok"), shell("second", "exit 3", "first"))
    instance_id = server.start(name)
    path = f"jobs/{name}/instances/{instance_id}"
    ended(server, name, instance_id)
    assert server.client.post(f"{path}/restart", json={"retry_location": "error_node"}).status_code in (200, 204)
    ended(server, name, instance_id)
    attempts = server.client.get(f"{path}/attempts").json()["attempts"]
    told = [(each["nodeName"], each["attempt"], each["status"], each.get("exitCode")) for each in attempts]
    assert told == [("first", 1, "success", None), ("second", 1, "fail", 3), ("second", 2, "fail", 3)]
    assert all(each["startTime"] <= each["endTime"] for each in attempts)
    assert attempts[1]["endTime"] <= attempts[2]["startTime"]
    assert "Exit code 3" in attempts[1]["message"]
    missing = server.client.get(f"jobs/{name}/instances/1/attempts")
    assert missing.status_code == 400
    assert missing.json()["error_code"] == "DLF.0137"
