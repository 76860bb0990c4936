"""The rest of V1 through the official SDKs: connections, resources, executed scripts, export, import, directories."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests.api.server import RunningServer
from tests.api.test_official_clients import Sdk, client, dgc, dlf, job_body, refused, sdk

__all__ = ["client", "sdk"]

older = pytest.mark.parametrize("sdk", [dlf], ids=["dlf"], indirect=True)
"""Only the older client has these operations."""


@pytest.fixture
def bucket(name: str, sdk: Sdk) -> str:
    return f"sdk-{name.replace('_', '-')}"


def put(server: RunningServer, bucket: str, content: bytes) -> str:
    token = {"X-Auth-Token": server.client.headers["X-Auth-Token"]}
    assert httpx2.put(f"{server.url}/obs/{bucket}/a.zip", content=content, headers=token).status_code == 200
    return f"obs://{bucket}/a.zip"


def downloaded(reply: Any) -> bytes:
    """These clients have no streams: they give what came as it came."""
    assert reply.status_code == 200
    content = reply.raw_content
    return content if isinstance(content, bytes) else content.encode("latin-1")


def until(look: Callable[[], Any], over: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 30
    while not over(found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def task(sdk: Sdk, client: Any, task_id: str) -> Any:
    request = sdk.ListSystemTasksRequest(task_id=task_id)
    return until(lambda: client.list_system_tasks(request), lambda found: found.status != "RUNNING")


def subtasks(found: Any) -> list[tuple[str, str]]:
    every = getattr(found, "subtasks", None) or found.sub_tasks
    return [(each.name, each.status) for each in every]


@older
def test_a_connection_lives_its_life(client: Any, name: str) -> None:
    config = {"ip": "10.0.0.5", "port": "22", "userName": "root", "password": "S3cret", "agentName": "", "kmsKey": "k"}
    body = dlf.ConnectionInfo(name=name, type="HOST", config=config, description="a host")
    assert client.create_connection(dlf.CreateConnectionRequest(body=body)).status_code == 204
    refused("DLF.6309", lambda: client.create_connection(dlf.CreateConnectionRequest(body=body)))
    shown = client.show_connection(dlf.ShowConnectionRequest(connection_name=name))
    assert (shown.name, shown.type, shown.description) == (name, "HOST", "a host")
    assert shown.config == {**config, "password": "******"}
    assert name in [each.name for each in client.list_connections(dlf.ListConnectionsRequest()).connections]
    update = dlf.UpdateConnectionRequest(connection_name=name, body=body)
    assert client.update_connection(update).status_code == 204
    other = dlf.ConnectionInfo(name=name, type="DLI", config={})
    refused("DLF.6323", lambda: client.update_connection(dlf.UpdateConnectionRequest(connection_name=name, body=other)))
    half = dlf.ConnectionInfo(name=f"{name}_2", type="DWS", config={})
    refused("DLF.6418", lambda: client.create_connection(dlf.CreateConnectionRequest(body=half)))
    assert client.delete_connction(dlf.DeleteConnctionRequest(connection_name=name)).status_code == 204
    refused("DLF.6322", lambda: client.delete_connction(dlf.DeleteConnctionRequest(connection_name=name)))
    refused("DLF.6322", lambda: client.show_connection(dlf.ShowConnectionRequest(connection_name=name)))


@older
def test_connections_are_exported_and_imported(sdk: Sdk, client: Any, server: RunningServer, bucket: str) -> None:
    name = bucket
    config = {"ip": "10.0.0.5", "port": "22", "userName": "root", "password": "S3cret"}
    body = dlf.ConnectionInfo(name=name, type="HOST", config=config)
    client.create_connection(dlf.CreateConnectionRequest(body=body))
    content = downloaded(client.export_connections(dlf.ExportConnectionsRequest()))
    assert f"connections/{name}.conn" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    client.delete_connction(dlf.DeleteConnctionRequest(connection_name=name))
    wish = dlf.ImportConnectionReq(
        path=put(server, bucket, content),
        same_name_policy="OVERWRITE",
        params=[dlf.ConnectionParam(name=name, connection_type="HOST", params={"password": "New"})],
    )
    reply = client.import_connections(dlf.ImportConnectionsRequest(body=wish))
    found = task(sdk, client, reply.task_id)
    assert (f"Import the {name} connection.", "SUCCESSFUL") in subtasks(found), found
    assert client.show_connection(dlf.ShowConnectionRequest(connection_name=name)).config["password"] == "******"
    wish.path = f"obs://{bucket}/nothing.zip"
    refused("DLF.0815", lambda: client.import_connections(dlf.ImportConnectionsRequest(body=wish)))


def test_a_resource_lives_its_life(sdk: Sdk, client: Any, name: str) -> None:
    def body(**changed: Any) -> Any:
        given = {"name": name, "type": "jar", "location": "obs://dlf-test/a.jar", "directory": "/r", "desc": "test"}
        return sdk.ResourceInfo(**{**given, "depend_files": ["obs://dlf-test/b.jar"], **changed})

    reply = client.create_resource(sdk.CreateResourceRequest(body=body()))
    assert reply.status_code == 200
    refused("DLF.6259", lambda: client.create_resource(sdk.CreateResourceRequest(body=body())))
    refused("DLF.6263", lambda: client.create_resource(sdk.CreateResourceRequest(body=body(type="exe"))))
    [listed] = [each for each in client.list_resources(sdk.ListResourcesRequest()).resources if each.name == name]
    assert listed.depend_files == ["obs://dlf-test/b.jar"]
    id_ = reply.raw_content and httpx2.Response(200, content=reply.raw_content).json()["resourceId"]
    shown = client.show_resource(sdk.ShowResourceRequest(resource_id=id_))
    assert (shown.name, shown.type, shown.location, shown.directory, shown.desc) == (
        name,
        "jar",
        "obs://dlf-test/a.jar",
        "/r",
        "test",
    )
    update = sdk.UpdateResourceRequest(resource_id=id_, body=body(desc="new"))
    assert client.update_resource(update).status_code == 204
    assert client.show_resource(sdk.ShowResourceRequest(resource_id=id_)).desc == "new"
    assert client.delete_resource(sdk.DeleteResourceRequest(resource_id=id_)).status_code == 204
    refused("DLF.6241", lambda: client.show_resource(sdk.ShowResourceRequest(resource_id=id_)))
    refused("DLF.6241", lambda: client.delete_resource(sdk.DeleteResourceRequest(resource_id=id_)))


def test_a_script_is_executed(sdk: Sdk, client: Any, name: str) -> None:
    content = "SELECT '${tableVar}' AS a, 2 AS b"
    body = sdk.ScriptInfo(name=name, type="DLISQL", content=content, connection_name="")
    client.create_script(sdk.CreateScriptRequest(body=body))
    request = sdk.ExecuteScriptRequest(script_name=name, body=sdk.ExecuteScriptReq(params={"tableVar": "citys"}))
    run = client.execute_script(request).instance_id
    assert type(run) is str
    look = sdk.ListScriptResultsRequest(script_name=name, instance_id=run)
    found = until(lambda: client.list_script_results(look), lambda each: each.status in {"FINISHED", "FAILED"})
    assert found.status == "FINISHED"
    [only] = found.results if sdk is dgc else found.result
    assert only.row_count == 1
    assert only.rows in ([["citys", "2"]], "[['citys', '2']]")
    assert only.schema in ([{"a": "string"}, {"b": "string"}], "[{'a': 'string'}, {'b': 'string'}]")
    stop = sdk.CancelScriptRequest(script_name=name, instance_id=run)
    refused("DLF.3051", lambda: client.cancel_script(stop))
    refused("DLF.6205", lambda: client.cancel_script(sdk.CancelScriptRequest(script_name=name, instance_id="x")))
    refused("DLF.6201", lambda: client.execute_script(sdk.ExecuteScriptRequest(script_name="nobody")))


def test_a_running_script_is_stopped(sdk: Sdk, client: Any, name: str) -> None:
    body = sdk.ScriptInfo(name=name, type="Shell", content="sleep 60", connection_name="")
    client.create_script(sdk.CreateScriptRequest(body=body))
    request = sdk.ExecuteScriptRequest(script_name=name, body=sdk.ExecuteScriptReq(params={}))
    run = client.execute_script(request).instance_id
    assert client.cancel_script(sdk.CancelScriptRequest(script_name=name, instance_id=run)).status_code == 204
    look = sdk.ListScriptResultsRequest(script_name=name, instance_id=run)
    assert until(lambda: client.list_script_results(look), lambda each: each.status == "FAILED")


def test_jobs_go_out_and_come_back(sdk: Sdk, client: Any, server: RunningServer, bucket: str) -> None:
    name = bucket
    client.create_job(sdk.CreateJobRequest(body=job_body(sdk, name)))
    before = server.client.get(f"jobs/{name}").json()
    wish = {"body": dgc.ExportJobReq(export_depend=True, export_status="DEVELOP")} if sdk is dgc else {}
    alone = downloaded(client.export_job(sdk.ExportJobRequest(job_name=name, **wish)))
    assert zipfile.ZipFile(io.BytesIO(alone)).namelist() == [f"jobs/{name}.job"]
    every = sdk.ExportJobsReq(job_list=[name], export_depend=True)
    several = downloaded(client.export_job_list(sdk.ExportJobListRequest(body=every)))
    assert zipfile.ZipFile(io.BytesIO(several)).namelist() == [f"jobs/{name}/{name}.job"]
    client.delete_job(sdk.DeleteJobRequest(job_name=name))

    path = put(server, bucket, several)
    info = client.show_file_info(sdk.ShowFileInfoRequest(body=sdk.FilePath(path=path)))
    assert [(each.name, each.path, each.params) for each in info.jobs] == [(name, "/sdk", {"aaa": "1"})]
    assert info.scripts == []
    body = sdk.ImportFileReq(path=path, same_name_policy="SKIP", params={}, jobs_param=[{"name": name}])
    found = task(sdk, client, client.import_job(sdk.ImportJobRequest(body=body)).task_id)
    assert (found.status, subtasks(found)) == ("SUCCESSFUL", [(f"Import the {name} job.", "SUCCESSFUL")])
    after = server.client.get(f"jobs/{name}").json()
    made = {"id", "version", "createTime"}
    assert {key: value for key, value in after.items() if key not in made} == {
        key: value for key, value in before.items() if key not in made
    }

    refused("DLF.0100", lambda: client.export_job(sdk.ExportJobRequest(job_name="nobody", **wish)))
    nowhere = sdk.FilePath(path=f"obs://{bucket}/nothing.zip")
    refused("DLF.0815", lambda: client.show_file_info(sdk.ShowFileInfoRequest(body=nowhere)))
    body.path = "nowhere"
    refused("DLF.0803", lambda: client.import_job(sdk.ImportJobRequest(body=body)))
    refused("DLF.20810", lambda: client.list_system_tasks(sdk.ListSystemTasksRequest(task_id="nobody")))


@older
def test_the_directory_tree_is_read(sdk: Sdk, client: Any, name: str) -> None:
    client.create_job(dlf.CreateJobRequest(body=job_body(sdk, name)))
    tree = client.show_directory_tree(dlf.ShowDirectoryTreeRequest(category="job", name=name))
    [directory] = [each for each in tree.sub_directories if each.directory_name == "sdk"]
    [element] = [each for each in directory.elements if each.name == name]
    assert (element.type, element.process_type, element.owner) == ("job", "BATCH", "anna")
    assert element.parent_directory_id == directory.directory_id
