"""Requests as Terraform's provider (huaweicloud, services/dataarts) makes them, and what it reads of the answers.

Known of it: `RemoveNil` takes what is empty out of a body, down to `"location": {}` at 0, 0; every request says
`Content-Type: application/json`; GET takes 200, POST and PUT 200, 201 or 202, DELETE 200, 202 or 204 where a call names
no codes; a thing is gone when it answers 404, or 400 with a certain code in `error_code` or in `errors[0].error_code`.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from tests.api.other_clients import OtherClient
from tests.api.server import PROJECT, RunningServer

ANSWERS = {"GET": (200,), "POST": (200, 201, 202), "PUT": (200, 201, 202), "DELETE": (200, 202, 204)}


@pytest.fixture
def terraform(server: RunningServer) -> OtherClient:
    return OtherClient(server, "terraform-provider-iac", ANSWERS)


@pytest.fixture
def workspace(server: RunningServer) -> str:
    listed = server.client.get("workspaces").json()["workspaces"]
    found: str = next(each["id"] for each in listed if each["is_default"])
    return found


def job(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "nodes": [
            {"name": "first", "type": "Dummy", "location": {}, "properties": [{"name": "note"}]},
            {
                "name": "second",
                "type": "Shell",
                "location": {"x": 10, "y": 11},
                "preNodeName": ["first"],
                "conditions": [{"preNodeName": "first", "expression": "#{true}"}],
                "properties": [{"name": "statement", "value": "echo hello"}],
                "pollingInterval": 20,
                "maxExecutionTime": 360,
                "failPolicy": "FAIL_CHILD",
            },
        ],
        "schedule": {"type": "EXECUTE_ONCE"},
        "params": [{"name": "aaa", "value": "1", "type": "variable"}],
        "directory": "/terraform",
        "processType": "BATCH",
        "basicConfig": {"owner": "anna", "priority": 1},
        **more,
    }


def test_a_job_lives_its_life(terraform: OtherClient, workspace: str, name: str) -> None:
    terraform.send("POST", "jobs", job(name), ok=(204,), workspace=workspace)
    found = terraform.send("GET", f"jobs/{name}", workspace=workspace).json()
    first, second = found["nodes"]
    assert first["location"] == {}
    assert (second["location"], second["preNodeName"]) == ({"x": "10", "y": "11"}, ["first"])
    assert second["conditions"] == [{"preNodeName": "first", "expression": "#{true}"}]
    assert (second["pollingInterval"], second["maxExecutionTime"]) == (20, 360)
    assert (found["directory"], found["processType"], found["schedule"]) == (
        "/terraform",
        "BATCH",
        {"type": "EXECUTE_ONCE"},
    )
    assert (found["basicConfig"]["owner"], found["basicConfig"]["priority"]) == ("anna", 1)
    terraform.send("PUT", f"jobs/{name}", job(f"{name}_2"), ok=(204,), workspace=workspace)
    terraform.send("DELETE", f"jobs/{name}_2", ok=(204,), workspace=workspace)
    assert terraform.refused("GET", f"jobs/{name}_2")["error_code"] == "DLF.0100"


def test_a_real_time_job_starts_and_stops(terraform: OtherClient, name: str) -> None:
    nodes = job(name)["nodes"]
    terraform.send("POST", "jobs", job(name, processType="REAL_TIME", nodes=nodes[:1]), ok=(204,), workspace="")
    terraform.send("POST", f"jobs/{name}/start", {}, ok=(204,), workspace="")
    listed = terraform.send("GET", f"jobs?limit=100&jobName={name}&jobType=REAL_TIME&offset=0", workspace="").json()
    assert (name, True) in [(each["name"], each["status"] != "STOPPED") for each in listed["jobs"]]
    # Its pages begin where the last one ended; the second is the last.
    page = terraform.send("GET", f"jobs?limit=100&jobName={name}&jobType=REAL_TIME&offset=1").json()
    assert page["jobs"] == []
    terraform.send("POST", f"jobs/{name}/stop", ok=(204,), workspace="")


def test_a_job_runs_now(terraform: OtherClient, server: RunningServer, name: str) -> None:
    terraform.send("POST", "jobs", job(name), ok=(204,))
    wish = {"jobParams": [{"name": "aaa", "value": "2", "type": "variable"}]}
    run = terraform.send("POST", f"jobs/{name}/run-immediate", wish, workspace="").json()
    assert type(run["instanceId"]) is int
    assert run["instanceId"] < 2**53, "it reads a float"
    with server.client.stream("GET", f"jobs/{name}/instances/{run['instanceId']}/events") as stream:
        stream.read()
    assert terraform.send("GET", f"jobs/{name}/instances/{run['instanceId']}").json()["status"] == "success"


def test_a_script_lives_its_life(terraform: OtherClient, workspace: str, name: str) -> None:
    body = {"name": name, "type": "Shell", "content": "echo a", "connectionName": "local", "directory": "/terraform"}
    terraform.send("POST", "scripts", body, ok=(204,), workspace=workspace)
    found = terraform.send("GET", f"scripts/{name}", workspace=workspace).json()
    assert (found["connectionName"], found["directory"], found["createUser"]) == ("local", "/terraform", "admin")
    assert type(found["autoAcquireLock"]) is bool
    terraform.send("PUT", f"scripts/{name}", {**body, "content": "echo b"}, ok=(204,), workspace=workspace)
    run = terraform.send("POST", f"scripts/{name}/execute", {"params": {"a": "1"}}, ok=(200,), workspace=workspace)
    assert type(run.json()["instanceId"]) is str
    path = f"scripts/{name}/instances/{run.json()['instanceId']}"
    assert terraform.send("GET", path, workspace=workspace).json()["status"] in {
        "LAUNCHING",
        "RUNNING",
        "FINISHED",
        "FAILED",
    }
    listed = terraform.send("GET", f"/v2/{PROJECT}/factory/scripts?limit=100&script_name={name}&offset=0").json()
    [item] = [each for each in listed["scripts"] if each["name"] == name]
    assert (item["create_user"], item["connection_name"], item["directory"]) == ("admin", "local", "/terraform")
    assert type(item["modify_time"]) is int
    terraform.send("DELETE", f"scripts/{name}", workspace=workspace)
    gone = terraform.refused("GET", f"scripts/{name}")
    assert gone["errors"][0]["error_code"] == gone["error_code"] == "DLF.6201"


def test_a_resource_lives_its_life(terraform: OtherClient, name: str) -> None:
    packages = [{"type": "jar", "location": "obs://bucket/c.jar"}]
    body: dict[str, Any] = {"name": name, "type": "jar", "location": "obs://bucket/a.jar", "directory": "/"}
    body["depend_packages"] = packages
    made = terraform.send("POST", "resources", body).json()
    assert type(made["resourceId"]) is str
    path = f"resources/{made['resourceId']}"
    assert terraform.send("GET", path).json()["dependPackages"] == packages
    terraform.send("PUT", path, {**body, "desc": "b"}, ok=(204,))
    listed = terraform.send("GET", "resources?limit=100&offset=0").json()
    assert [each["desc"] for each in listed["resources"] if each["resourceId"] == made["resourceId"]] == ["b"]
    terraform.send("DELETE", path)
    assert terraform.refused("GET", path)["error_code"] == "DLF.6241"


def test_a_job_goes_out_and_comes_back(terraform: OtherClient, server: RunningServer, name: str) -> None:
    terraform.send("POST", "jobs", job(name), ok=(204,))
    bucket = f"tf-{name.replace('_', '-')}"
    assert server.client.put(f"{server.url}/obs/{bucket}/jobs/a.txt", content=b"a").status_code == 200
    path = f"obs://{bucket}/jobs/"
    wish = {"exportDepend": True, "exportStatus": "SUBMIT", "obsPath": path}
    answer = terraform.send("POST", f"jobs/{name}/export", wish, ok=(200,)).json()
    assert answer["obsPath"].startswith(f"{path}{name}_exported/"), answer
    [stored] = server.client.get(f"{server.url}/obs/{bucket}?prefix=jobs/{name}_exported/").json()["objects"]
    content = server.client.get(f"{server.url}/obs/{bucket}/{stored['key']}").content
    assert any(name in each for each in zipfile.ZipFile(io.BytesIO(content)).namelist())
    wish = {"path": f"obs://{bucket}/{stored['key']}", "sameNamePolicy": "OVERWRITE", "targetStatus": "SUBMITTED"}
    task = terraform.send("POST", "jobs/import", wish).json()
    assert type(task["taskId"]) is str
    found = terraform.send("GET", f"system-tasks/{task['taskId']}").json()
    assert found["status"] in {"RUNNING", "SUCCESSFUL"}


def test_a_data_connection_lives_its_life(terraform: OtherClient, workspace: str, name: str) -> None:
    one = {"dw_name": name, "dw_type": "DWS", "dw_config": {"ip": "10.0.0.5", "port": "8000"}, "agent_id": "a"}
    checked = {"dw_name": name, "dw_type": "DLI", "dw_config": {}}
    outcome = terraform.send("POST", "data-connections/validation", checked, workspace=workspace).json()
    assert outcome["is_success"] is True
    made = terraform.send("POST", "data-connections", {"data_source_vos": [one]}, workspace=workspace).json()
    assert type(made["data_connection_id"]) is str
    path = f"data-connections/{made['data_connection_id']}"
    found = terraform.send("GET", path, workspace=workspace).json()
    assert (found["dw_name"], found["dw_type"], found["agent_id"], found["env_type"]) == (name, "DWS", "a", 0)
    assert type(found["create_time"]) is int
    assert (found["dw_catagory"], found["update_type"]) == ("", 0)
    terraform.send("PUT", path, {"data_source_vos": [one]}, workspace=workspace)
    listed = terraform.send("GET", f"data-connections?limit=100&name={name}&offset=0", workspace=workspace).json()
    assert made["data_connection_id"] in [each["dw_id"] for each in listed["data_connection_lists"]]
    terraform.send("DELETE", path, workspace=workspace)
    gone = terraform.refused("GET", path)["errors"][0]
    assert gone == {"error_code": "DAYU.1005", "error_msg": "The data connection does not exist."}


def test_a_member_comes_and_goes(terraform: OtherClient, server: RunningServer, workspace: str, name: str) -> None:
    user_id = server.client.post("users", json={"name": name}).json()["id"]
    user = terraform.send("GET", f"/v3.0/OS-USER/users/{user_id}").json()["user"]
    assert (user["id"], user["name"], user["is_domain_owner"]) == (user_id, name, False)
    assert user["domain_id"]
    assert terraform.refused("GET", "/v3.0/OS-USER/users/nobody", status=404)["error_code"] == "IAM.0004"
    [role, *_] = terraform.send("GET", f"/v2/{PROJECT}/users/role?instance_id=x&workspace_id={workspace}").json()
    assert {"role_id", "role_code", "role_name", "description"} <= set(role)
    who = {"user_id": user_id, "user_name": name, "domain_id": user["domain_id"], "is_domain_owner": False}
    members = f"/v2/{PROJECT}/{workspace}/users"
    body = {"type": 0, "user_ids": [who], "roles_ids": [{"role_id": "developer"}]}
    assert terraform.send("POST", members, body).json()["is_success"] is True

    def member() -> list[str]:
        listed = terraform.send("GET", f"{members}?limit=100&offset=0").json()["data"]
        return [each["roles"][0]["role_id"] for each in listed if each["user_id"] == user_id]

    assert member() == ["developer"]
    change = {"type": 0, "user_ids": [who], "roles_ids": [{"role_id": "viewer"}]}
    assert terraform.send("PUT", f"{members}/{user_id}", change).json()["is_success"] is True
    assert member() == ["viewer"]
    away = f"/v2/{PROJECT}/{workspace}/delete-users"
    assert terraform.send("POST", away, {"user_ids": [user_id]}).json()["is_success"] is True
    assert member() == []


def test_lists_answer_what_data_sources_read(terraform: OtherClient, workspace: str) -> None:
    [instance] = terraform.send("GET", "instances?limit=100&offset=0").json()["commodity_orders"]
    assert type(instance["resource_id"]) is str
    assert type(instance["work_space_mode"]) is str
    listed = terraform.send("GET", f"workspaces/{instance['resource_id']}?limit=10&offset=0").json()
    assert type(listed["count"]) is int
    [default] = [each for each in listed["data"] if each["id"] == workspace]
    assert (default["is_default"], type(default["member_num"]), default["eps_id"]) == (1, int, "")
    alarms = terraform.send("GET", f"/v2/{PROJECT}/factory/alarm-info?limit=100&offset=0", workspace=workspace).json()
    assert type(alarms["alarm_info"]) is list
    unknown = terraform.refused("GET", f"workspaces/{'f' * 32}?limit=10&offset=0")
    assert unknown["error_code"] == "DLM.4001"
