"""The official SDKs, signed with access key and secret key, against a real server."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.api.server import ACCESS_KEY, PROJECT, SECRET_KEY, RunningServer

with warnings.catch_warnings():
    # The SDKs' own imports use things that newer Pythons deprecate.
    warnings.simplefilter("ignore")
    import huaweicloudsdkdgc.v1 as dgc
    import huaweicloudsdkdlf.v1 as dlf
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
    from huaweicloudsdkcore.http.http_config import HttpConfig
    from huaweicloudsdkcore.region.region import Region

Sdk = Any
"""One of the two modules: they have no types."""


def _client(sdk: Sdk, url: str, project: str | None = PROJECT, secret: str = SECRET_KEY) -> Any:
    kind = sdk.DgcClient if sdk is dgc else sdk.DlfClient
    config = HttpConfig.get_default_config()
    config.retry_times = 0
    credentials = BasicCredentials(ACCESS_KEY, secret, project)
    builder = kind.new_builder().with_http_config(config)
    if project is None:
        # Without a project the SDK asks the identity service for that of the region.
        credentials = credentials.with_iam_endpoint(url)
        return builder.with_credentials(credentials).with_region(Region("eu-de", url)).build()
    return builder.with_credentials(credentials).with_endpoint(url).build()


@pytest.fixture(params=[dgc, dlf], ids=["dgc", "dlf"])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    return request.param


@pytest.fixture
def client(sdk: Sdk, server: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        yield _client(sdk, server.url)


def refused(code: str, call: Callable[[], Any], *, status: int = 400) -> ClientRequestException:
    with pytest.raises(ClientRequestException) as caught:
        call()
    error: ClientRequestException = caught.value
    assert (error.status_code, error.error_code) == (status, code)
    assert error.request_id
    assert error.error_msg
    return error


def job_body(sdk: Sdk, name: str, statement: str = "echo hello $1") -> Any:
    if sdk is dgc:
        properties = [
            dgc.ModelProperty(name="statement", value=statement),
            dgc.ModelProperty(name="arguments", value="${aaa}"),
        ]
        nodes = [
            dgc.Node(name="first", type="Dummy", location=dgc.Location(x="-45.5", y="1")),
            dgc.Node(name="hello", type="Shell", pre_node_name=["first"], properties=properties, retry_times=0),
        ]
        return dgc.JobInfo(
            name=name,
            process_type="BATCH",
            schedule=dgc.Schedule(type="EXECUTE_ONCE"),
            nodes=nodes,
            params=[dgc.JobParam(name="aaa", value="1", type="variable")],
            directory="/sdk",
            basic_config=dgc.BasicConfig(owner="anna", priority=1),
        )
    nodes = [
        dlf.Node(name="first", node_type="Dummy", location=dlf.Location(x=-45, y=1)),
        dlf.Node(
            name="hello",
            node_type="Shell",
            pre_node_names="first",
            node_properties=f"statement={statement}\narguments=${{aaa}}",
        ),
    ]
    return dlf.JobInfo(
        name=name,
        job_type="BATCH",
        schedule=dlf.Schedule(sche_type="EXECUTE_ONCE"),
        nodes=nodes,
        params=[dlf.JobParam(name="aaa", value="1", param_type="variable")],
        directory="/sdk",
        basic_config=dlf.BasicInfo(owner="anna", task_priority=1),
    )


def run_request(sdk: Sdk, name: str, **parameters: str) -> Any:
    kind = "type" if sdk is dgc else "param_type"
    params = [sdk.JobParam(name=key, value=value, **{kind: "variable"}) for key, value in parameters.items()]
    body = dgc.StartJobReq(job_params=params) if sdk is dgc else dlf.StartJobReq(job_params=params)
    return sdk.RunOnceRequest(job_name=name, body=body)


def id_of(reply: Any) -> int:
    """The older client has a name of its own for it in some replies, and reads it as a text."""
    return int(getattr(reply, "instance_id", None) or reply.instances_id)


def test_a_job_lives_its_life(sdk: Sdk, client: Any, server: RunningServer, name: str) -> None:
    reply = client.create_job(sdk.CreateJobRequest(body=job_body(sdk, name)))
    assert reply.status_code == 204

    shown = client.show_job(sdk.ShowJobRequest(job_name=name))
    assert shown.name == name
    assert shown.directory == "/sdk"
    assert [node.name for node in shown.nodes] == ["first", "hello"]
    if sdk is dgc:
        assert shown.nodes[0].location.x == "-45.5"
        assert shown.nodes[1].pre_node_name == ["first"]

    listed = client.list_jobs(sdk.ListJobsRequest())
    assert listed.total >= 1
    if sdk is dgc:
        [item] = client.list_jobs(dgc.ListJobsRequest(job_name=name, limit=10, offset=0)).jobs
        assert (item.name, item.status, item.priority, item.path) == (name, "STOPPED", 1, "/sdk")

    instance_id = id_of(client.run_once(run_request(sdk, name, aaa="111", bbb="222")))
    with server.client.stream("GET", f"jobs/{name}/instances/{instance_id}/events") as stream:
        stream.read()
    detail = client.show_job_instance(sdk.ShowJobInstanceRequest(job_name=name, instance_id=instance_id))
    assert (id_of(detail), detail.status, detail.total) == (instance_id, "success", 2)
    assert [node.status for node in detail.nodes] == ["success", "success"]
    log = server.client.get(f"jobs/{name}/instances/{instance_id}/nodes/hello/log")
    assert log.text == "hello 111\n"

    instances = client.list_job_instances(sdk.ListJobInstancesRequest())
    assert instance_id in [id_of(each) for each in instances.instances]
    again = client.restore_job_instance(sdk.RestoreJobInstanceRequest(job_name=name, instance_id=instance_id))
    assert again.status_code == 204
    with server.client.stream("GET", f"jobs/{name}/instances/{instance_id}/events") as stream:
        stream.read()
    stop = sdk.StopJobInstanceRequest(job_name=name, instance_id=instance_id)
    refused("DLF.3051", lambda: client.stop_job_instance(stop))

    changed = job_body(sdk, f"{name}_new")
    assert client.update_job(sdk.UpdateJobRequest(job_name=name, body=changed)).status_code == 204
    refused("DLF.0100", lambda: client.show_job(sdk.ShowJobRequest(job_name=name)))
    assert client.delete_job(sdk.DeleteJobRequest(job_name=f"{name}_new")).status_code == 204


def test_a_script_lives_its_life(sdk: Sdk, client: Any, name: str) -> None:
    def body(content: str) -> Any:
        return sdk.ScriptInfo(name=name, type="Shell", content=content, connection_name="")

    assert client.create_script(sdk.CreateScriptRequest(body=body("echo a"))).status_code == 204
    refused("DLF.0202", lambda: client.create_script(sdk.CreateScriptRequest(body=body("echo a"))))
    update = sdk.UpdateScriptRequest(script_name=name, body=body("echo b ü"))
    assert client.update_script(update).status_code == 204
    shown = client.show_script(sdk.ShowScriptRequest(script_name=name))
    assert (shown.name, shown.type, shown.content) == (name, "Shell", "echo b ü")
    assert name in [each.name for each in client.list_scripts(sdk.ListScriptsRequest()).scripts]
    assert client.delete_script(sdk.DeleteScriptRequest(script_name=name)).status_code == 204
    refused("DLF.6201", lambda: client.show_script(sdk.ShowScriptRequest(script_name=name)))


def test_refusals_arrive_with_code_text_and_request_id(sdk: Sdk, client: Any, name: str) -> None:
    error = refused("DLF.0100", lambda: client.run_once(run_request(sdk, "nobody")))
    assert error.error_msg == "The job does not exists."
    refused("DLF.3018", lambda: client.create_job(sdk.CreateJobRequest(body=job_body(sdk, "a b"))))
    client.create_job(sdk.CreateJobRequest(body=job_body(sdk, name)))
    refused("DLF.0102", lambda: client.create_job(sdk.CreateJobRequest(body=job_body(sdk, name))))
    refused("DLF.3051", lambda: client.run_once(run_request(sdk, name, **{"x" * 65: "1"})))
    missing = sdk.ShowJobInstanceRequest(job_name=name, instance_id=1)
    refused("DLF.0137", lambda: client.show_job_instance(missing))


def test_a_chinese_name_survives_path_and_signature(sdk: Sdk, client: Any, name: str) -> None:
    chinese = f"{name}_作业"
    client.create_job(sdk.CreateJobRequest(body=job_body(sdk, chinese)))
    assert client.show_job(sdk.ShowJobRequest(job_name=chinese)).name == chinese
    assert client.run_once(run_request(sdk, chinese, aaa="值")).instance_id


def test_a_wrong_secret_key_is_refused(sdk: Sdk, server: RunningServer) -> None:
    wrong = _client(sdk, server.url, secret="wrong" * 8)
    refused("APIGW.0301", lambda: wrong.list_jobs(sdk.ListJobsRequest()), status=401)


def test_another_project_is_refused(sdk: Sdk, server: RunningServer) -> None:
    other = _client(sdk, server.url, project="f" * 32)
    refused("APIGW.0302", lambda: other.list_jobs(sdk.ListJobsRequest()), status=403)


def test_an_unknown_workspace_is_refused(client: Any) -> None:
    request = dgc.ListJobsRequest(workspace="f" * 32)
    if isinstance(client, dgc.DgcClient):
        refused("DLF.0819", lambda: client.list_jobs(request))


def test_a_client_without_a_project_finds_it_by_the_region(sdk: Sdk, server: RunningServer) -> None:
    found = _client(sdk, server.url, project=None)
    assert found.list_jobs(sdk.ListJobsRequest()).status_code == 200
