"""Requests as the Go SDK (gophertelekomcloud, openstack/dataarts/v1) makes them, and what it reads of the answers.

Known of it: it sends a token, `Connection: close` and no Content-Type without a body; it takes only the status codes of
its call, or those of the method (POST and PUT: 201, 202; DELETE: 202, 204), for a success. Fields at Go's zero value
are left out of bodies and queries. A key of it has a dot too many (`dependPrePeriod.`).
"""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import httpx2
import pytest
from tests.api.other_clients import OtherClient
from tests.api.server import RunningServer

ANSWERS = {"GET": (200,), "POST": (201, 202), "PUT": (201, 202), "DELETE": (202, 204)}
INT = int
TEXT = str


@pytest.fixture
def go(server: RunningServer) -> OtherClient:
    return OtherClient(server, "golangsdk/2.0.0", ANSWERS, typed=False)


def job(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "nodes": [
            {
                "name": "hello",
                "type": "Shell",
                "location": {"x": 10, "y": 11},
                "properties": [{"name": "statement", "value": "echo hello"}, {"name": "arguments", "value": ""}],
                "retryTimes": 1,
            }
        ],
        "schedule": {"type": "EXECUTE_ONCE"},
        "processType": "BATCH",
        "basicConfig": {"owner": "anna", "priority": 1, "customFields": {"team": "sales"}},
        **more,
    }


def reads(found: dict[str, Any], **fields: type) -> None:
    """A Go struct takes a missing field, and of one that is there the type alone: 1.0 and "1" are no int."""
    for name, kind in fields.items():
        if name in found and found[name] is not None:
            assert type(found[name]) is kind, (name, found[name])


def test_a_job_lives_its_life(go: OtherClient, name: str) -> None:
    go.send("POST", "jobs", job(name), ok=(204,))
    found = go.send("GET", f"jobs/{name}").json()
    reads(found, id=INT, name=TEXT, processType=TEXT, directory=TEXT, lastUpdateUser=TEXT, logPath=TEXT)
    reads(found["nodes"][0]["location"], x=INT, y=INT)
    reads(found["basicConfig"], owner=TEXT, priority=INT, instanceTimeout=INT)
    assert found["basicConfig"]["customFields"] == {"team": "sales"}
    cron = {"startTime": "2099-01-01T00:00:00+08", "expression": "0 0 2 * * ?", "dependPrePeriod.": True}
    schedule = {"type": "CRON", "cron": cron}
    go.send("PUT", f"jobs/{name}", job(f"{name}_2", schedule=schedule), ok=(204,), workspace="")
    found = go.send("GET", f"jobs/{name}_2").json()
    assert found["schedule"]["cron"] == {**cron, "dependPrePeriod": True}
    go.send("POST", f"jobs/{name}_2/start", {}, ok=(204,))
    listed = go.send("GET", f"jobs?jobName={name}&limit=10").json()
    [item] = [each for each in listed["jobs"] if each["name"] == f"{name}_2"]
    reads(listed, total=INT)
    reads(item, priority=INT, createTime=INT, startTime=INT, lastUpdateTime=INT, singleNodeJobFlag=bool, path=TEXT)
    go.send("POST", f"jobs/{name}_2/stop", ok=(204,))
    go.send("DELETE", f"jobs/{name}_2", {}, ok=(204,))
    assert go.refused("GET", f"jobs/{name}_2")["error_code"] == "DLF.0100"


def test_a_job_runs_now(go: OtherClient, server: RunningServer, name: str) -> None:
    go.send("POST", "jobs", job(name), ok=(204,))
    params = {"jobParams": [{"name": "aaa", "value": "1", "paramType": "variable"}]}
    run = go.send("POST", f"jobs/{name}/run-immediate", params, ok=(200,)).json()
    reads(run, instanceId=INT)
    with server.client.stream("GET", f"jobs/{name}/instances/{run['instanceId']}/events") as stream:
        stream.read()
    found = go.send("GET", f"jobs/{name}/instances/{run['instanceId']}").json()
    reads(found, instanceId=INT, planTime=INT, startTime=INT, endTime=INT, executeTime=INT, total=INT)
    reads(found, forceSuccess=bool, ignoreSuccess=bool)
    for node in found["nodes"]:
        reads(node, instanceId=INT, planTime=INT, startTime=INT, endTime=INT, retryTimes=INT, inputRowCount=INT)
        reads(node, nodeName=TEXT, status=TEXT, type=TEXT, logPath=TEXT)
    query = f"jobName={name}&limit=100&status=success&preciseQuery=true"
    listed = go.send("GET", f"jobs/instances/detail?{query}").json()
    [item] = listed["instances"]
    reads(item, jobId=INT, jobInstanceName=TEXT, executeTime=INT, submitTime=INT, instanceType=INT, version=INT)
    go.send("POST", f"jobs/{name}/instances/{run['instanceId']}/restart", ok=(204,))
    assert go.refused("POST", f"jobs/{name}/instances/1/stop")["error_code"] == "DLF.0137"


def test_a_real_time_job_tells_its_state(go: OtherClient, name: str) -> None:
    go.send("POST", "jobs", job(name, processType="REAL_TIME"), ok=(204,))
    found = go.send("GET", f"jobs/{name}/status").json()
    reads(found, name=TEXT, status=TEXT)
    reads(found["nodes"][0], name=TEXT, status=TEXT, logPath=TEXT, type=TEXT)
    assert found.get("startTime") in (None, ""), "time.Time, which a number would break"


def test_a_script_lives_its_life(go: OtherClient, server: RunningServer, name: str) -> None:
    workspaces = server.client.get("workspaces").json()["workspaces"]
    workspace = next(each["id"] for each in workspaces if each["is_default"])
    body = {"name": name, "type": "Shell", "content": "echo a", "connectionName": "local", "configuration": {"k": "v"}}
    go.send("POST", "scripts", body, ok=(204,), workspace=workspace)
    found = go.send("GET", f"scripts/{name}", workspace=workspace).json()
    reads(found, name=TEXT, type=TEXT, content=TEXT, directory=TEXT, connectionName=TEXT, description=TEXT)
    assert found["configuration"] == {"k": "v"}
    go.send("PUT", f"scripts/{name}", {**body, "content": "echo b"}, ok=(204,), workspace=workspace)
    listed = go.send("GET", f"scripts?scriptName={name}&limit=10").json()
    assert name in [each["name"] for each in listed["scripts"]]
    run = go.send("POST", f"scripts/{name}/execute", {"params": {"a": "1"}}, ok=(200,)).json()  # it expects 204
    reads(run, instanceId=TEXT)
    results = go.send("GET", f"scripts/{name}/instances/{run['instanceId']}").json()
    reads(results, status=TEXT)
    go.send("DELETE", f"scripts/{name}", {}, ok=(204,), workspace=workspace)
    assert go.refused("GET", f"scripts/{name}")["error_code"] == "DLF.6201"


def test_a_resource_lives_its_life(go: OtherClient, name: str) -> None:
    body = {
        "name": name,
        "type": "jar",
        "location": "obs://bucket/a.jar",
        "dependPackages": [{"type": "jar", "location": "obs://bucket/c.jar"}],
        "directory": "/",
        "desc": "a",
    }
    made = go.send("POST", "resources", body, ok=(200,)).json()
    reads(made, resourceId=TEXT)
    path = f"resources/{made['resourceId']}"
    found = go.send("GET", path).json()
    reads(found, name=TEXT, type=TEXT, location=TEXT, desc=TEXT, directory=TEXT, dependPackages=list)
    assert found["dependPackages"] == body["dependPackages"]
    go.send("PUT", path, {**body, "desc": "b"}, ok=(204,))
    listed = go.send("GET", f"resources?resourceName={name}&limit=10").json()
    assert ("b", name) in [(each["desc"], each["name"]) for each in listed["resources"]]
    go.send("DELETE", path, ok=(204,))
    assert go.refused("GET", path)["error_code"] == "DLF.6241"


def test_a_connection_lives_its_life(go: OtherClient, name: str) -> None:
    config = {
        "ip": "10.0.0.5",
        "port": "8000",
        "userName": "dbadmin",
        "password": "S3cret",
        "sslEnable": True,
        "kmsKey": "k",
        "agentName": "a",
    }
    body = {"name": name, "type": "DWS", "config": config, "description": "a"}
    go.send("POST", "connections", body, ok=(204,))
    found = go.send("GET", f"connections/{name}").json()
    reads(found, name=TEXT, type=TEXT, description=TEXT)
    reads(found["config"], ip=TEXT, port=TEXT, userName=TEXT, password=TEXT, sslEnable=bool, kmsKey=TEXT)
    go.send("PUT", f"connections/{name}?ischeck=false", body, ok=(204,))
    go.send("PUT", f"connections/{name}", body, ok=(204,))
    listed = go.send("GET", f"connections?connectionName={name}&limit=10").json()
    assert name in [each["name"] for each in listed["connections"]]
    go.send("DELETE", f"connections/{name}")
    assert go.refused("DELETE", f"connections/{name}")["error_code"] == "DLF.6322"


def test_jobs_go_out_and_come_back(go: OtherClient, server: RunningServer, name: str) -> None:
    go.send("POST", "jobs", job(name), ok=(204,))
    alone = go.send("POST", f"jobs/{name}/export", ok=(200,)).content
    assert f"{name}.job" in " ".join(zipfile.ZipFile(io.BytesIO(alone)).namelist())
    several = go.send("POST", "jobs/batch-export", {"jobList": [name]}, ok=(200,))  # it expects 201 or 202
    token = {"X-Auth-Token": server.client.headers["X-Auth-Token"]}
    bucket = f"go-{name.replace('_', '-')}"
    assert httpx2.put(f"{server.url}/obs/{bucket}/a.zip", content=several.content, headers=token).status_code == 200
    path = f"obs://{bucket}/a.zip"
    info = go.send("POST", "jobs/check-file", {"path": path}, ok=(200,)).json()  # it expects 204
    reads(info["jobs"][0], name=TEXT, path=TEXT, params=dict)
    wish = {"path": path, "sameNamePolicy": "OVERWRITE", "jobsParam": [{"name": name, "params": {"a": "1"}}]}
    task = go.send("POST", "jobs/import", wish, ok=(200,)).json()
    reads(task, taskId=TEXT)
    deadline = time.monotonic() + 30
    while (found := go.send("GET", f"system-tasks/{task['taskId']}").json())["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found["status"] == "SUCCESSFUL", found
    reads(found, id=TEXT, name=TEXT, startTime=INT, endTime=INT, lastUpdate=INT, projectId=TEXT)
    for each in found["subtasks"]:
        reads(each, id=TEXT, name=TEXT, lastUpdate=INT, status=TEXT, taskId=TEXT)
