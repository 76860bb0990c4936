"""The newer API through its official SDK, against a real server: jobs, runs, patches, variables, numbers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.server import RunningServer, shell
from tests.api.studio import refused, studio, studio_client


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        yield studio_client(server.url)


def job_body(name: str, *, period: str | None = "1 days", depends: tuple[str, ...] = ()) -> Any:
    cron = studio.Cron(
        start_time="2026-01-01T00:00:00+08",
        expression="0 0 2 * * ?",
        period=period,
        depend_pre_period=False,
        depend_jobs=[studio.DependJob(jobs=list(depends), depend_period="SAME_PERIOD")] if depends else None,
    )
    properties = [studio.ModelProperty(name="statement", value="echo needle")]
    nodes = [
        studio.Node(name="first", type="Dummy", location=studio.Location(x="1", y="2"), properties=[]),
        studio.Node(
            name="second",
            type="Shell",
            pre_node_names=["first"],
            conditions=[studio.Condition(pre_node_name="first", expression="#{true}")],
            properties=properties,
            polling_interval=10,
            max_execution_time=60,
            retry_times=1,
            retry_interval=120,
            fail_policy="FAIL_CHILD",
        ),
    ]
    return studio.JobInfoRequest(
        name=name,
        nodes=nodes,
        schedule=studio.Schedule(type="CRON", cron=cron),
        params=[studio.JobParam(name="aaa", value="1", type="variable")],
        directory="/v2",
        process_type="BATCH",
        owner="anna",
        priority="1",
        basic_config=studio.BasicInfo(execute_user="bob", instance_timeout=30, custom_fields={"some_key": "x"}),
    )


def create(client: Any, name: str, **more: Any) -> None:
    reply = client.create_factory_job(studio.CreateFactoryJobRequest(body=job_body(name, **more)))
    assert reply.status_code == 204


def ended(server: RunningServer, name: str, instance_id: int) -> None:
    with server.client.stream("GET", f"jobs/{name}/instances/{instance_id}/events") as stream:
        stream.read()


def test_a_job_is_stored_in_the_older_spelling_and_listed_in_the_newer(
    client: Any, server: RunningServer, name: str
) -> None:
    create(client, name)
    stored = server.client.get(f"jobs/{name}").json()
    second = stored["nodes"][1]
    assert (second["preNodeName"], second["failPolicy"], second["retryTimes"]) == (["first"], "FAIL_CHILD", 1)
    assert second["conditions"] == [{"preNodeName": "first", "expression": "#{true}"}]
    assert stored["schedule"]["cron"]["startTime"] == "2026-01-01T00:00:00+08"
    assert stored["basicConfig"] == {
        "owner": "anna",
        "priority": "1",
        "executeUser": "bob",
        "instanceTimeout": 30,
        "customFields": {"some_key": "x"},
    }
    request = studio.ListFactoryJobsRequest(job_name=name, limit=10, offset=0, need_alarms=True)
    [item] = client.list_factory_jobs(request).jobs
    assert (item.name, item.job_type, item.status, item.path, item.owner) == (name, "BATCH", "STOPPED", "/v2", "anna")
    assert (item.priority, item.create_user, item.alarms) == (1, "admin", [])
    refused("DLF.0102", lambda: create(client, name))
    refused("DLF.3018", lambda: create(client, "a b"))
    refused("DLF.3025", lambda: create(client, f"{name}_x", period=None))


def test_jobs_are_filtered(client: Any, server: RunningServer, name: str) -> None:
    create(client, name)
    job_id = server.client.get(f"jobs/{name}").json()["id"]

    def names(**query: Any) -> list[str]:
        return [each.name for each in client.list_factory_jobs(studio.ListFactoryJobsRequest(**query)).jobs]

    assert names(job_id=f"{job_id},99") == [name]
    assert names(job_name=name, status="STOPPED,PAUSED") == [name]
    assert names(job_name=name, status="SCHEDULING") == []
    assert names(job_name=name, job_type="REAL_TIME") == []
    tags = studio.SetFactoryJobTagsRequest(job_name=name, body=studio.SetJobTagsRequestBody(tag_names=[name, "t2"]))
    assert client.set_factory_job_tags(tags).status_code == 204
    assert names(tags=f"{name},other") == [name]
    assert names(tags=f"{name},other", match_all_tags=True) == []
    assert names(tags=f"{name},t2", match_all_tags=True) == [name]
    none = studio.SetFactoryJobTagsRequest(job_name=name, body=studio.SetJobTagsRequestBody(tag_names=[]))
    client.set_factory_job_tags(none)
    assert names(tags=name) == []
    refused("DLF.3051", lambda: names(status="NO"))
    refused("DLF.3051", lambda: names(job_id="x"))
    refused("DLF.3051", lambda: names(limit=101))
    missing = studio.SetFactoryJobTagsRequest(job_name="nobody", body=studio.SetJobTagsRequestBody(tag_names=["a"]))
    refused("DLF.30100", lambda: client.set_factory_job_tags(missing))


def test_a_job_gets_another_name(client: Any, server: RunningServer, name: str) -> None:
    create(client, name)
    create(client, f"{name}_taken")

    def rename(old: str, new: str) -> Any:
        body = studio.UpdateFactoryJobNameRequestBody(name=new)
        return client.update_factory_job_name(studio.UpdateFactoryJobNameRequest(job_name=old, body=body))

    reply = rename(name, f"{name}_new")
    assert (reply.status_code, reply.is_success) == (200, True)
    renamed = server.client.get(f"jobs/{name}_new").json()
    assert renamed["name"] == f"{name}_new"
    assert server.client.post(f"jobs/{name}_new/run-immediate").status_code == 200
    assert refused("DLF.30100", lambda: rename(name, "x")).error_msg.startswith(f"Job[{name}] does not exist")
    refused("DLF.0102", lambda: rename(f"{name}_new", f"{name}_taken"))
    refused("DLF.3018", lambda: rename(f"{name}_new", "a b"))


def test_dependencies_are_those_of_the_schedules(client: Any, name: str) -> None:
    create(client, f"{name}_up")
    create(client, name, depends=(f"{name}_up",))
    create(client, f"{name}_down", depends=(name,))

    def depend(**query: Any) -> list[tuple[str, str, str]]:
        request = studio.ShowFactoryJobDependInstancesRequest(job_name=name, **query)
        return [
            (each.job_name, each.depend_layer, each.job_path)
            for each in client.show_factory_job_depend_instances(request).body
        ]

    parent, child = (f"{name}_up", "parent", "/v2"), (f"{name}_down", "child", "/v2")
    assert depend() == [parent, child]
    assert depend(relation="parent") == [parent]
    assert depend(relation="child") == [child]
    refused("DLF.3051", lambda: depend(relation="x"))
    missing = studio.ShowFactoryJobDependInstancesRequest(job_name="nobody")
    refused("DLF.30100", lambda: client.show_factory_job_depend_instances(missing))


def test_instances_are_listed_and_run_again(client: Any, server: RunningServer, name: str) -> None:
    server.save_job(name, shell("one", "echo 1"), shell("two", "echo 2", "one"))
    instance_id = server.start(name)
    ended(server, name, instance_id)

    def instances(**query: Any) -> Any:
        request = studio.ListFactoryJobInstancesByNameRequest(job_name=name, **query)
        return client.list_factory_job_instances_by_name(request)

    [item] = instances(limit=10, offset=0).instances
    assert (item.instance_id, item.status, item.job_name, item.instance_type) == (instance_id, "success", name, 2)
    assert item.execute_time == item.end_time - item.start_time
    assert instances(status="fail").total == 0
    assert instances(force_success=True).total == 0
    refused("DLF.3051", lambda: instances(min_plan_time=1, max_plan_time=10**13))
    refused("DLF.30100", lambda: _instances_of(client, "nobody"))

    state = server.client.get(f"{server.url}/v2/{_project(server)}/factory/jobs/{name}/instances/{instance_id}").json()
    assert (state["instance_id"], state["status"]) == (instance_id, "success")
    assert set(state) >= {"plan_time", "start_time"}

    def retry(**body: Any) -> Any:
        request = studio.RetryFactoryJobInstanceRequest(
            job_name=name,
            body=studio.RetryFactoryJobInstanceBody(
                **{"retry_location": "firstNode", "retry_task_version": "current_version", **body}
            ),
        )
        return client.retry_factory_job_instance(request)

    named = studio.RetryFactoryJobInstanceBodyTaskRetrys(
        job_id=item.job_id, plan_time=item.plan_time, submit_time=item.submit_time
    )
    assert retry(task_retrys=[named], ignore_obs_monitor=True).status_code == 200
    ended(server, name, instance_id)
    window = {"begin_time": item.plan_time - 1000, "end_time": int(time.time() * 1000) + 1000}
    assert retry(retry_location="specifiedNode", node_name="two", **window).status_code == 200
    ended(server, name, instance_id)
    refused("DLF.3051", lambda: retry(retry_location="specifiedNode", node_name="nobody", **window))
    refused("DLF.3051", lambda: retry(retry_location="x", **window))
    refused("DLF.3051", lambda: retry())
    wrong = studio.RetryFactoryJobInstanceBodyTaskRetrys(job_id=item.job_id, plan_time=1, submit_time=1)
    refused("DLF.30137", lambda: retry(task_retrys=[wrong]))
    jobs = [studio.RetryFactoryJobInstanceBodyJobs(job_name="nobody", workspace_id=None)]
    refused("DLF.30100", lambda: retry(jobs=jobs, concurrent=1, **window))
    depend = studio.ShowFactoryDependInstancesRequest(instance_id=instance_id)
    assert client.show_factory_depend_instances(depend).total == 0
    unknown = studio.ShowFactoryDependInstancesRequest(instance_id=1)
    refused("DLF.30137", lambda: client.show_factory_depend_instances(unknown))


def _instances_of(client: Any, name: str) -> Any:
    return client.list_factory_job_instances_by_name(studio.ListFactoryJobInstancesByNameRequest(job_name=name))


def _project(server: RunningServer) -> str:
    return str(server.client.base_url).rstrip("/").rpartition("/")[2]


def patch(name: str, job: str, **more: Any) -> Any:
    body = studio.CreateFactorySupplementDataInstanceRequestBody(
        **{
            "name": name,
            "job_name": job,
            "start_date": "2023-08-21T00:00:00 +08",
            "end_date": "2023-08-23T00:00:00 +08",
            "parallel": 2,
            **more,
        }
    )
    return studio.CreateFactorySupplementDataInstanceRequest(body=body)


def test_a_patch_is_stored_listed_and_stopped(client: Any, server: RunningServer, name: str) -> None:
    create(client, name)
    server.save_job(f"{name}_once", shell("one", "true"))
    window = studio.CreateFactorySupplementDataInstanceRequestBodySupplementDataRunTime(
        time_of_day="10:15-23:30", day_of_month="1,3"
    )
    reply = client.create_factory_supplement_data_instance(
        patch(f"P_{name}", name, is_day_granularity=True, reverse_order=1, supplement_data_run_time=window)
    )
    assert reply.status_code == 200

    def rows(**query: Any) -> list[Any]:
        return list(client.show_factory_supplement_data(studio.ShowFactorySupplementDataRequest(**query)).rows)

    [row] = rows(name=f"P_{name}", sort="asc", page="0", size="10")
    assert (row.status, row.parallel, row.type, row.job_list, row.user_name) == ("WAITING", 2, 0, [name], "admin")
    assert row.end_date - row.start_date == 2 * 24 * 60 * 60 * 1000
    assert row.start_date == 1692547200000
    assert row.supplement_data_run_time.time_of_day == "10:15-23:30"
    assert len(rows(name=f"P_{name}", status="RUNNING", user_name="adm")) == 1
    assert rows(name=f"P_{name}", page="1") == []

    def make(**more: Any) -> Any:
        job = more.pop("job", name)
        return client.create_factory_supplement_data_instance(patch(f"P2_{name}", job, **more))

    refused("DLF.30111", lambda: make(job=f"{name}_once"))
    refused("DLF.30100", lambda: make(job="nobody"))
    refused("DLF.30121", lambda: make(start_date="2023-08-21"))
    refused("DLF.30121", lambda: make(end_date="2023-08-21T00:00:01 +08"))
    refused("DLF.3051", lambda: make(parallel=6))
    refused("DLF.3051", lambda: make(is_stop_when_fail=True))

    def stop(which: str) -> Any:
        return client.stop_factory_supplement_data_instance(
            studio.StopFactorySupplementDataInstanceRequest(instance_name=which)
        )

    assert stop(f"P_{name}").status_code == 200
    assert [each.status for each in rows(name=f"P_{name}")] == ["CANCEL"]
    refused("DLF.3051", lambda: stop(f"P_{name}"))
    error = refused("DLF.30113", lambda: stop("nobody"))
    assert error.error_msg == "The supplement [nobody] does not exist."


def test_variables_are_replaced_as_a_whole(client: Any) -> None:
    def save(*params: Any) -> Any:
        body = studio.EnvRequestBody(params=list(params))
        return client.create_factory_env(studio.CreateFactoryEnvRequest(body=body))

    one = studio.EnvRequestBodyParams(name="region", type="variable", value="eu-de", desc="where")
    two = studio.EnvRequestBodyParams(name="other", type="constant", value="")
    reply = save(one, two)
    assert (reply.status_code, reply.is_success) == (200, True)
    shown = client.show_factory_env(studio.ShowFactoryEnvRequest()).params
    assert [(each.name, each.value, each.type) for each in shown] == [
        ("region", "eu-de", "variable"),
        ("other", "", "constant"),
    ]
    save(two)
    assert [each.name for each in client.show_factory_env(studio.ShowFactoryEnvRequest()).params] == ["other"]
    refused("DLF.3051", lambda: save(two, two))
    refused("DLF.3051", lambda: save(studio.EnvRequestBodyParams(name="a b", value="1")))


def test_scripts_are_listed_and_found(client: Any, server: RunningServer, name: str) -> None:
    server.client.post("scripts", json={"name": name, "type": "Shell", "content": f"echo Needle_{name}"})
    [item] = client.list_factory_scripts(studio.ListFactoryScriptsRequest(script_name=name, limit=10)).scripts
    assert (item.name, item.type, item.create_user, item.version) == (name, "Shell", "admin", 1)
    create(client, f"{name}_job")

    def search(text: str, **query: Any) -> Any:
        return client.show_factory_full_text(studio.ShowFactoryFullTextRequest(search_text=text, **query))

    found = search(f"needle_{name}")
    assert (found.total_hits, found.limit, found.offset) == (1, 10, 0)
    [hit] = found.search_details
    assert (hit.doc_type, hit.script_name, hit.script_type, hit.new_save_or_commit) == (
        "script",
        name,
        "Shell",
        "commit",
    )
    nodes = search(f"{name}_job needle", doc_types="node", owners="anna").search_details
    assert [(each.job_name, each.node_name, each.schedule_state) for each in nodes] == [
        (f"{name}_job", "second", "stop")
    ]
    assert nodes[0].node_type == "com.cloud.datacraft.activity.ExecuteScript"
    assert search(f"{name}_job needle", match_type=1).total_hits == 0
    exact = search(f"{name}_job", is_exact="true", exact_field="jobName", node_type="Dummy")
    assert [each.node_name for each in exact.search_details] == ["first"]
    refused("DLF.3051", lambda: search("a"))


def test_numbers_are_those_of_the_instances(client: Any, server: RunningServer, name: str) -> None:
    server.save_job(name, shell("one", "true"))
    before = client.list_factory_task_overview(studio.ListFactoryTaskOverviewRequest(query_days="all"))
    ended(server, name, server.start(name))
    overview = client.list_factory_task_overview(studio.ListFactoryTaskOverviewRequest(query_days="all"))
    assert overview.success_count == before.success_count + 1
    assert overview.total_count == before.total_count + 1
    states = overview.to_json_object()
    assert sum(value for key, value in states.items() if key != "total_count") == overview.total_count
    own = client.list_factory_task_overview(studio.ListFactoryTaskOverviewRequest(is_own="true"))
    assert own.success_count >= 1
    curve = client.list_factory_task_completion(studio.ListFactoryTaskCompletionRequest(type="all"))
    assert len(curve.yesterday) in (23, 24, 25)
    assert {each.task_completion_num for each in curve.yesterday} == {0}
    assert len(curve.average) >= len(curve.today)
    refused(
        "DLF.3051", lambda: client.list_factory_task_overview(studio.ListFactoryTaskOverviewRequest(query_days="x"))
    )


def test_who_reads_and_writes_a_table(client: Any, server: RunningServer, name: str) -> None:
    table = f"orders_{name}"
    sql = f"INSERT INTO dw.target SELECT * FROM {table} -- FROM nowhere"
    server.client.post("scripts", json={"name": name, "type": "DLISQL", "content": sql, "database": "sales"})
    properties = [{"name": "scriptName", "value": name}]
    server.save_job(name, {"name": "one", "type": "DLI SQL", "properties": properties})

    def references(which: str, **query: Any) -> Any:
        query = {"db_type": "DLI", **query}
        request = studio.ListTaskTableReferenceDetailRequest(table_name=which, **query)
        return client.list_task_table_reference_detail(request)

    [read] = references(table).task_table_detail_list
    assert (read.job_name, read.data_base, read.io_type, read.is_dynamic) == (name, "sales", 0, False)
    written = [each.job_name for each in references("TARGET", io_type=1, data_base_name="dw").task_table_detail_list]
    assert name in written
    assert references(table, io_type=1).total == 0
    refused("DLF.3051", lambda: references(table, db_type="ORACLE"))


def test_a_real_time_job_tells_its_state(client: Any, server: RunningServer, name: str) -> None:
    node = {"name": "one", "type": "Dummy", "cronTrigger": {}}
    server.save_job(name, node, processType="REAL_TIME")
    request = studio.ShowRealTimeJobDetailsRequest(job_name=name)
    detail = client.show_real_time_job_details(request)
    assert (detail.is_success, detail.state, detail.startup_timestamp) == (True, "STOPPED", None)
    assert [(task.task_name, task.task_type) for task in detail.task_details] == [("one", "Dummy")]
    assert server.client.post(f"jobs/{name}/start").status_code == 204
    assert client.show_real_time_job_details(request).state in ("STARTING", "NORMAL")
    assert client.show_real_time_job_details(request).startup_timestamp is not None
    missing = studio.ShowRealTimeJobDetailsRequest(job_name="nobody")
    refused("DLF.30100", lambda: client.show_real_time_job_details(missing))


def test_the_extensions_do_what_the_older_calls_do(server: RunningServer, name: str) -> None:
    base = f"{server.url}/v2/{_project(server)}/factory/jobs/{name}"
    server.save_job(name, shell("one", "sleep 30"))
    instance_id = server.client.post(f"{base}/run-immediate", json={"jobParams": []}).json()["instanceId"]
    assert server.client.post(f"{base}/instances/{instance_id}/stop").status_code == 204
    ended(server, name, instance_id)
    assert server.client.get(f"{base}/instances/{instance_id}").json()["status"] == "manual-stop"
    reply = server.client.get(f"{base}/instances/1")
    assert reply.json()["error_code"] == "DLF.30137"
    assert reply.json()["error_msg"] == "Job instance does not exist."
    assert server.client.post(f"{base}_nobody/run-immediate").json()["error_code"] == "DLF.30100"
    assert server.client.post(f"{base}/start").json()["error_code"] == "DLF.3051"
    assert server.client.post(f"{base}/stop").status_code == 204
