"""What the other tests of the official SDKs leave: schedules, refusals of every list, releases.

`conformance` says at the end of a whole run which operation of an SDK was never tried.
"""

from __future__ import annotations

import asyncio
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from tests.api.gates import Gate
from tests.api.house import PROJECT, House
from tests.api.server import RunningServer, shell
from tests.api.studio import refused as studio_refused
from tests.api.studio import studio, studio_client
from tests.api.test_official_clients import Sdk, client, dgc, dlf, id_of, job_body, refused, sdk

from arkwright.store.base import DefinitionWrite, Kind, Place

__all__ = ["client", "sdk"]

NOWHERE = "f" * 32
"""A workspace that is not there."""


# ---------------------------------------------------------------- the older API


def plain_job(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "processType": "BATCH",
        "schedule": {"type": "EXECUTE_ONCE"},
        "nodes": [{"name": "only", "type": "Dummy"}],
        **more,
    }


def save(server: RunningServer, **job: Any) -> None:
    assert server.client.post("jobs", json=job).status_code == 204


def test_a_schedule_starts_and_stops(sdk: Sdk, client: Any, server: RunningServer, name: str) -> None:
    cron = {"startTime": "2099-01-01T00:00:00+08", "expression": "0 0 2 * * ?"}
    save(server, **plain_job(name, schedule={"type": "CRON", "cron": cron}))
    params = [sdk.JobParam(name="aaa", value="1")]
    body = dgc.StartJobReq(job_params=params) if sdk is dgc else dlf.StartJobReq(job_params=params)
    assert client.start_job(sdk.StartJobRequest(job_name=name, body=body)).status_code == 204
    refused("DLF.3051", lambda: client.start_job(sdk.StartJobRequest(job_name=name, body=body)))
    refused("DLF.3051", lambda: client.delete_job(sdk.DeleteJobRequest(job_name=name)))
    assert client.stop_job(sdk.StopJobRequest(job_name=name)).status_code == 204
    refused("DLF.0100", lambda: client.stop_job(sdk.StopJobRequest(job_name="nobody")))
    assert client.delete_job(sdk.DeleteJobRequest(job_name=name)).status_code == 204


def test_a_real_time_job_tells_its_state(sdk: Sdk, client: Any, server: RunningServer, name: str) -> None:
    save(server, **plain_job(name, processType="REAL_TIME"))
    shown = client.show_job_status(sdk.ShowJobStatusRequest(job_name=name))
    assert (shown.name, shown.status, [each.name for each in shown.nodes]) == (name, "STOPPED", ["only"])
    refused("DLF.0100", lambda: client.show_job_status(sdk.ShowJobStatusRequest(job_name="nobody")))


def test_a_running_instance_is_stopped(sdk: Sdk, client: Any, server: RunningServer, name: str, tmp_path: Any) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("waits", gate.statement))
    instance_id = server.start(name)
    stop = sdk.StopJobInstanceRequest(job_name=name, instance_id=instance_id)
    assert client.stop_job_instance(stop).status_code == 204
    with server.client.stream("GET", f"jobs/{name}/instances/{instance_id}/events") as stream:
        stream.read()
    shown = client.show_job_instance(sdk.ShowJobInstanceRequest(job_name=name, instance_id=instance_id))
    assert (id_of(shown), shown.status) == (instance_id, "manual-stop")
    missing = sdk.RestoreJobInstanceRequest(job_name=name, instance_id=1)
    refused("DLF.0137", lambda: client.restore_job_instance(missing))


def test_what_is_not_there_is_refused(sdk: Sdk, client: Any, name: str) -> None:
    job = job_body(sdk, name)
    script = sdk.ScriptInfo(name=name, type="Shell", content="echo", connection_name="")
    resource = sdk.ResourceInfo(name=name, type="file", location="obs://b/a.txt", directory="/")
    results = sdk.ListScriptResultsRequest(script_name=name, instance_id="x")
    refused("DLF.0100", lambda: client.update_job(sdk.UpdateJobRequest(job_name=name, body=job)))
    refused("DLF.0100", lambda: client.delete_job(sdk.DeleteJobRequest(job_name=name)))
    refused("DLF.6201", lambda: client.update_script(sdk.UpdateScriptRequest(script_name=name, body=script)))
    refused("DLF.6201", lambda: client.delete_script(sdk.DeleteScriptRequest(script_name=name)))
    refused("DLF.6241", lambda: client.update_resource(sdk.UpdateResourceRequest(resource_id="1", body=resource)))
    refused("DLF.6201", lambda: client.list_script_results(results))
    body = sdk.ExportJobsReq(job_list=[name])
    refused("DLF.0100", lambda: client.export_job_list(sdk.ExportJobListRequest(body=body)))


def test_lists_of_a_workspace_that_is_not_there_are_refused(sdk: Sdk, client: Any) -> None:
    lists: list[Callable[[], Any]] = [
        lambda: client.list_jobs(sdk.ListJobsRequest(workspace=NOWHERE)),
        lambda: client.list_job_instances(sdk.ListJobInstancesRequest(workspace=NOWHERE)),
        lambda: client.list_resources(sdk.ListResourcesRequest(workspace=NOWHERE)),
        lambda: client.list_scripts(sdk.ListScriptsRequest(workspace=NOWHERE)),
    ]
    if sdk is dlf:
        lists += [
            lambda: client.list_connections(dlf.ListConnectionsRequest(workspace=NOWHERE)),
            lambda: client.export_connections(dlf.ExportConnectionsRequest(workspace=NOWHERE)),
            lambda: client.show_directory_tree(dlf.ShowDirectoryTreeRequest(workspace=NOWHERE, category="job")),
        ]
    for each in lists:
        refused("DLF.0819", each)


# ---------------------------------------------------------------- the newer API


@pytest.fixture
def newer(server: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        yield studio_client(server.url)


def test_newer_lists_of_a_workspace_that_is_not_there_are_refused(newer: Any) -> None:
    packages = studio.ListReleasePackagesRequestBody(limit=10)
    lists: list[Callable[[], Any]] = [
        lambda: newer.list_factory_pending_items(studio.ListFactoryPendingItemsRequest(workspace=NOWHERE)),
        lambda: newer.list_factory_release_packages(
            studio.ListFactoryReleasePackagesRequest(workspace=NOWHERE, body=packages)
        ),
        lambda: newer.list_factory_scripts(studio.ListFactoryScriptsRequest(workspace=NOWHERE)),
        lambda: newer.list_factory_task_completion(studio.ListFactoryTaskCompletionRequest(workspace=NOWHERE)),
        lambda: newer.list_search_factory_baselines(
            studio.ListSearchFactoryBaselinesRequest(workspace=NOWHERE, instance_id=NOWHERE)
        ),
        lambda: newer.show_factory_env(studio.ShowFactoryEnvRequest(workspace=NOWHERE)),
        lambda: newer.show_factory_supplement_data(studio.ShowFactorySupplementDataRequest(workspace=NOWHERE)),
    ]
    for each in lists:
        studio_refused("DLF.20819", each)
    connections = studio.ListDataconnectionsRequest(workspace=NOWHERE)
    studio_refused("DLF.0819", lambda: newer.list_dataconnections(connections))


def test_the_management_center_refuses_what_is_not_there(newer: Any) -> None:
    members = studio.ListWorkspaceusersRequest(workspace_id=NOWHERE)
    studio_refused("DLM.4001", lambda: newer.list_workspaceusers(members))
    mine = studio.ListWorkspacesForUserRequest(instance_id=NOWHERE, user_id=NOWHERE)
    studio_refused("DLM.4001", lambda: newer.list_workspaces_for_user(mine))
    body = studio.ApigWorkspaceUserDto(type=0, user_ids=[], roles_ids=[studio.ApigRole(role_id="developer")])
    change = studio.UpdateWorkSpaceUserOrGroupRequest(workspace_id=NOWHERE, user_id=NOWHERE, body=body)
    studio_refused("DLM.4001", lambda: newer.update_work_space_user_or_group(change))
    instances = studio.ListDataArtsStudioInstancesRequest(limit=0)
    studio_refused("DLF.3051", lambda: newer.list_data_arts_studio_instances(instances))


def test_a_workspace_and_a_connection_that_are_not_there_are_refused(newer: Any) -> None:
    [instance] = newer.list_data_arts_studio_instances(studio.ListDataArtsStudioInstancesRequest()).commodity_orders
    change = studio.UpdateWorkSpaceOldRequest(
        instance_id=instance.resource_id, workspace_id=NOWHERE, body=studio.WorkspaceDto(name="x")
    )
    studio_refused("DLM.4001", lambda: newer.update_work_space_old(change))
    schemas = studio.ListSchemasRequest(workspace="", connection_id="99", database_name="a")
    studio_refused("DLF.6322", lambda: newer.list_schemas(schemas))
    tables = studio.ListDataTablesRequest(workspace="", connection_id="99")
    studio_refused("DLF.6322", lambda: newer.list_data_tables(tables))
    columns = studio.ListColumnsRequest(workspace="", connection_id="99", table_id="a")
    studio_refused("DLF.6322", lambda: newer.list_columns(columns))


def test_roles_are_for_those_with_a_credential(server: RunningServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        wrong = studio_client(server.url, secret="wrong" * 8)
        roles = studio.ListWorkspaceRolesRequest(instance_id="a", workspace_id="b")
        studio_refused("APIGW.0301", lambda: wrong.list_workspace_roles(roles), status=401)


# ---------------------------------------------------------------- releases: what waits for one is put into the store


@pytest.fixture
def served(house: House) -> Iterator[str]:
    """The house's application behind a port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(house.application, ws="none", lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        # Signals are the test runner's.
        serving = asyncio.run_coroutine_threadsafe(server._serve(sockets=[listener]), house.loop)
        deadline = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        serving.result(timeout=20)


def pending(house: House, item_id: str, job_name: str) -> None:
    place = Place(project_id=PROJECT, workspace_id=house.directory.workspace(PROJECT, None).id)
    body = {"item_name": job_name, "task_type": 1, "update_type": 1, "pending_version": 1, "submit_user_name": "admin"}
    write = DefinitionWrite(
        name=item_id, category="", directory="/", body=body, submit=True, actor="admin", at_ms=1, status=""
    )
    house.run(house.store.create_definition(place, Kind.PENDING_ITEM, write))


def test_a_release_lives_its_life(house: House, served: str, name: str) -> None:
    domain = house.directory.only_domain()
    assert domain is not None
    user = house.directory.user_named(domain.id, "admin")
    assert user is not None
    key = house.run(house.administration.rotate_access_key(user.id))
    house.save_job(name, targetStatus="SAVED")
    pending(house, f"{name}_1", name)
    pending(house, f"{name}_2", name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        client = studio_client(served, access=key.access_key, secret=key.secret_key)

        def package(item: str) -> str:
            body = studio.CreateFactoryPendingItemsPackageBody(
                apply_user_id=user.id, package_name=name, pending_item_list=[item], approver_ids=[user.id]
            )
            request = studio.CreateFactoryPendingItemsPackageRequest(body=body)
            made = client.create_factory_pending_items_package(request)
            assert made.package_name == name
            return str(made.release_package_id)

        first, second = package(f"{name}_1"), package(f"{name}_2")
        show = studio.ShowFactoryPackageDetailRequest(package_id=first)
        detail = client.show_factory_package_detail(show)
        assert detail.release_package.package_id == first
        assert [each.item_name for each in detail.task_details] == [name]
        back = studio.CancelFactoryPackagesRequestBody(package_ids=[second])
        assert client.cancel_factory_packages(studio.CancelFactoryPackagesRequest(body=back)).status_code == 200
        go = studio.DeployFactoryPackagesRequestBody(package_ids=[first], startup_mode=0)
        [task] = client.deploy_factory_packages(studio.DeployFactoryPackagesRequest(body=go)).deploy_package_details
        assert (task.asy_subtask_num, bool(task.asy_task_id)) == (1, True)
        again = studio.DeployFactoryPackagesRequest(body=go)
        studio_refused("DLF.20990", lambda: client.deploy_factory_packages(again))
