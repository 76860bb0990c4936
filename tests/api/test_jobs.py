"""Jobs over V1: documents in, the same documents out, and every rule of their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import JOB, PROJECT, House

from arkwright.store.base import Kind, Place

Refused = Callable[..., dict[str, Any]]

CRON = {"startTime": "2018-10-22T23:59:59+08", "expression": "0 0/5 * * * ?"}
"""As the documents write it."""

FULL: dict[str, Any] = {
    "name": "myJob",
    "processType": "BATCH",
    "directory": "/myDir/a/",
    "logPath": "obs://dlf-test-log",
    "description": "what it is for",
    "params": [{"name": "aaa", "value": "111", "type": "variable"}, {"name": "b.c", "value": "", "type": "constants"}],
    "schedule": {
        "type": "CRON",
        "cron": {
            **CRON,
            "endTime": "2028-10-22T23:59:59+08:00",
            "expressionTimeZone": "GMT+8",
            "intervalType": "minutes",
            "dependPrePeriod": False,
            "dependJobs": {"jobs": ["other"], "dependPeriod": "SAME_PERIOD", "dependFailPolicy": "IGNORE"},
        },
    },
    "basicConfig": {
        "owner": "test_user",
        "priority": 1,
        "executeUser": "",
        "instanceTimeout": 0,
        "customFields": {"team": "data"},
        "tags": ["nightly"],
        "agency": "",
    },
    "emptyRunningJob": "0",
    "somethingNew": {"deep": [1, 2.5, None, "ü"]},
    "nodes": [
        {
            "name": "MRS_Hive_SQL",
            "type": "Hive SQL",
            "location": {"x": "-45.5", "y": "-134.5"},
            "maxExecutionTime": 360,
            "pollingInterval": 20,
            "retryInterval": 120,
            "retryTimes": 0,
            "failPolicy": "FAIL_CHILD",
            "preNodeName": [],
            "properties": [{"name": "scriptName", "value": "test_hive_sql"}],
            "somethingNew": "kept",
        },
        {
            "name": "after",
            "type": "Dummy",
            "preNodeName": ["MRS_Hive_SQL"],
            "conditions": [{"preNodeName": "MRS_Hive_SQL", "expression": "#{true}"}],
            "execTimeOutRetry": "true",
        },
    ],
}


def node(**changed: Any) -> dict[str, Any]:
    return {**JOB, "nodes": [{"name": "only", "type": "Dummy", **changed}]}


def cron(**changed: Any) -> dict[str, Any]:
    return {**JOB, "schedule": {"type": "CRON", "cron": {**CRON, **changed}}}


def basic(**fields: Any) -> dict[str, Any]:
    return {**JOB, "basicConfig": fields}


def test_what_was_sent_comes_back_unknown_fields_included(house: House, name: str) -> None:
    sent = {**FULL, "name": name}
    assert house.call("POST", "jobs", sent).status_code == 204
    got = house.call("GET", f"jobs/{name}").json()
    assert {key: got[key] for key in sent} == sent
    assert got["version"] == 1
    assert (got["lastUpdateUser"], got["createUser"]) == ("admin", "admin")
    assert type(got["id"]) is int
    assert type(got["createTime"]) is int


def test_a_save_answers_nothing_and_makes_a_version(house: House, job: str) -> None:
    reply = house.call("PUT", f"jobs/{job}", {**JOB, "name": job, "description": "second"}, role="developer")
    assert (reply.status_code, reply.content) == (204, b"")
    got = house.call("GET", f"jobs/{job}").json()
    assert (got["version"], got["description"], got["lastUpdateUser"]) == (2, "second", "the-developer")
    assert house.call("GET", f"jobs/{job}?version=1").json()["description"] == ""
    assert house.call("GET", f"jobs/{job}?version=-1").json()["version"] == 2


def test_a_job_can_be_renamed_by_editing_it(house: House, refused: Refused, job: str) -> None:
    id_ = house.call("GET", f"jobs/{job}").json()["id"]
    assert house.call("PUT", f"jobs/{job}", {**JOB, "name": f"{job}_new", "id": id_}).status_code == 204
    refused("DLF.0100", "GET", f"jobs/{job}")
    assert house.call("GET", f"jobs/{job}_new").json()["id"] == id_


def test_a_name_is_used_once(house: House, refused: Refused, job: str) -> None:
    error = refused("DLF.0102", "POST", "jobs", {**JOB, "name": job})
    assert error["error_msg"] == "The job name already exists."
    house.save_job(f"{job}_2")
    refused("DLF.0102", "PUT", f"jobs/{job}_2", {**JOB, "name": job})


def test_a_job_that_is_not_there_is_refused_everywhere(refused: Refused) -> None:
    for method, path, body in (
        ("GET", "jobs/nobody", None),
        ("PUT", "jobs/nobody", JOB),
        ("DELETE", "jobs/nobody", None),
        ("POST", "jobs/nobody/run-immediate", None),
    ):
        assert refused("DLF.0100", method, path, body)["error_msg"] == "The job does not exists."


def test_a_version_that_is_not_there_is_refused_with_the_newest(refused: Refused, job: str) -> None:
    assert "version 7" in refused("DLF.0100", "GET", f"jobs/{job}?version=7")["hint"]
    refused("DLF.3051", "GET", f"jobs/{job}?version=x")


def test_saving_submits_unless_it_says_saved(house: House, refused: Refused, name: str) -> None:
    house.save_job(name, targetStatus="SAVED")
    refused("DLF.0100", "GET", f"jobs/{name}?getJobSubmitVersion=true")
    house.call("PUT", f"jobs/{name}", {**JOB, "name": name})
    house.call("PUT", f"jobs/{name}", {**JOB, "name": name, "targetStatus": "SAVED"})
    assert house.call("GET", f"jobs/{name}?getJobSubmitVersion=true").json()["version"] == 2
    got = house.call("GET", f"jobs/{name}").json()
    assert got["version"] == 3
    assert "targetStatus" not in got


def test_only_an_administrator_of_the_workspace_may_save_for_production(
    house: House, refused: Refused, name: str
) -> None:
    body = {**JOB, "name": name, "targetStatus": "PRODUCTION"}
    refused("APIGW.0302", "POST", "jobs", body, status=403, role="developer")
    assert house.call("POST", "jobs", body, role="admin").status_code == 204


def test_a_deleted_job_is_gone_and_its_name_is_free(house: House, refused: Refused, job: str) -> None:
    assert house.call("DELETE", f"jobs/{job}").status_code == 204
    refused("DLF.0100", "GET", f"jobs/{job}")
    house.save_job(job)
    body = {"approvers": [{"approverName": "somebody"}]}
    assert house.call("DELETE", f"jobs/{job}", body).status_code == 204


def test_a_job_whose_schedule_runs_is_not_deleted(house: House, refused: Refused, job: str) -> None:
    place = Place(project_id=PROJECT, workspace_id=house.directory.workspace(PROJECT, None).id)
    house.run(house.store.set_definition_status(place, Kind.JOB, job, "SCHEDULING"))
    assert "is running" in refused("DLF.3051", "DELETE", f"jobs/{job}")["error_msg"]
    house.run(house.store.set_definition_status(place, Kind.JOB, job, "STOPPED"))
    assert house.call("DELETE", f"jobs/{job}").status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {**JOB, "schedule": {"type": "CRON"}},
        {**JOB, "schedule": {"type": "CRON", "cron": {}}},
        {**JOB, "schedule": {"type": "EVENT", "event": {"eventType": "KAFKA", "concurrent": 128}}},
        {**JOB, "processType": "REAL_TIME"},
        {**JOB, "directory": None, "params": None, "basicConfig": None},
        {**JOB, "description": "x" * 255},
        cron(startTime="2018-10-22T23:59:59+0800"),
        cron(startTime="2018-10-22T23:59:59Z"),
        cron(dependPrePeriod="true", dependJobs=[{"jobs": ["a"]}]),
        basic(tags={}, priority="2", instanceTimeout="5"),
        node(maxExecutionTime=0, retryInterval=0, pollingInterval=0),
        node(maxExecutionTime="60", retryTimes="5", retryInterval="5", pollingInterval="60"),
        node(execTimeOutRetry=True),
        node(properties=[{"name": "a", "value": 1}, {"name": "b", "value": None}, {"name": "c"}]),
        node(name="a/b<c>"),
        node(type="Some new type"),
    ],
    ids=repr,
)
def test_is_saved(house: House, name: str, body: dict[str, Any]) -> None:
    reply = house.call("POST", "jobs", {**body, "name": name})
    assert reply.status_code == 204, reply.text


@pytest.mark.parametrize(
    ("code", "body", "words"),
    [
        ("DLF.3004", {**JOB, "name": ""}, ["name"]),
        ("DLF.3004", {**JOB, "name": None}, ["name"]),
        ("DLF.3018", {**JOB, "name": "a b"}, ["'a b'"]),
        ("DLF.3018", {**JOB, "name": "x" * 129}, ["1 to 128"]),
        ("DLF.3018", {**JOB, "name": ".."}, ["'..'"]),
        ("DLF.3018", {**JOB, "name": 7}, ["7"]),
        ("DLF.1006", {**JOB, "nodes": []}, ["nodes"]),
        ("DLF.1006", {**JOB, "nodes": None}, ["nodes"]),
        ("DLF.2014", {**JOB, "processType": "batch"}, ["BATCH", "'batch'"]),
        ("DLF.2014", {**JOB, "processType": None}, ["BATCH"]),
        ("DLF.3025", {**JOB, "schedule": None}, ["schedule", "EXECUTE_ONCE"]),
        ("DLF.3025", {**JOB, "schedule": "CRON"}, ["schedule"]),
        ("DLF.3025", {**JOB, "schedule": {}}, ["schedule.type"]),
        ("DLF.3025", {**JOB, "schedule": {"type": "DAILY"}}, ["schedule.type", "CRON"]),
        ("DLF.3025", cron(startTime=None), ["schedule.cron.startTime"]),
        ("DLF.3025", cron(startTime="yesterday"), ["schedule.cron.startTime"]),
        ("DLF.3025", cron(expression=None), ["schedule.cron.expression"]),
        ("DLF.3025", cron(expression="* * * *"), ["schedule.cron.expression", "six fields"]),
        ("DLF.3025", cron(intervalType="fortnights"), ["schedule.cron.intervalType"]),
        ("DLF.3025", cron(dependJobs={"jobs": "a"}), ["schedule.cron.dependJobs.jobs"]),
        ("DLF.3025", cron(dependJobs={"dependPeriod": "x"}), ["schedule.cron.dependJobs.dependPeriod"]),
        ("DLF.3025", {**JOB, "schedule": {"type": "EVENT", "event": {"channel": "x"}}}, ["eventType"]),
        ("DLF.3050", {**JOB, "description": "x" * 256}, ["255", "256"]),
        ("DLF.3051", {**JOB, "nodes": {}}, ["nodes", "list"]),
        ("DLF.3051", {**JOB, "nodes": ["a"]}, ["nodes[0]"]),
        ("DLF.3051", {**JOB, "params": [{"name": "a"}]}, ["params[0].value", "missing"]),
        ("DLF.3051", {**JOB, "params": [{"name": "a b", "value": ""}]}, ["params[0].name"]),
        ("DLF.3051", {**JOB, "params": [{"name": "a", "value": "x" * 1025}]}, ["params[0].value", "1024"]),
        ("DLF.3051", {**JOB, "params": [{"name": "a", "value": "", "type": "x"}]}, ["params[0].type"]),
        ("DLF.3051", {**JOB, "params": [{"name": "a", "value": ""}] * 2}, ["params[1].name", "twice"]),
        ("DLF.3051", {**JOB, "directory": "/a/../b"}, ["directory"]),
        ("DLF.3051", {**JOB, "logPath": "/var/log"}, ["logPath", "obs://"]),
        ("DLF.3051", {**JOB, "targetStatus": "DONE"}, ["targetStatus", "SAVED"]),
        ("DLF.3051", {**JOB, "approvers": ["a"]}, ["approvers[0]"]),
        ("DLF.3051", basic(priority=3), ["basicConfig.priority", "0 to 2"]),
        ("DLF.3051", basic(owner="x" * 129), ["basicConfig.owner", "128"]),
        ("DLF.3051", basic(instanceTimeout=4), ["basicConfig.instanceTimeout", "5 to 1440"]),
        ("DLF.3051", basic(customFields={"a": "x" * 2048}), ["basicConfig.customFields", "2048"]),
        ("DLF.3051", basic(tags="a"), ["basicConfig.tags"]),
        ("DLF.3051", node(name=None), ["nodes[0].name"]),
        ("DLF.3051", node(name="a b"), ["nodes[0].name"]),
        ("DLF.3051", node(type=None), ["nodes[0].type"]),
        ("DLF.3051", node(type="Dum\0my"), ["nodes[0].type"]),
        ("DLF.3051", node(retryTimes=6), ["nodes[0].retryTimes", "0 to 5"]),
        ("DLF.3051", node(retryInterval=4), ["nodes[0].retryInterval", "5 to 120"]),
        ("DLF.3051", node(maxExecutionTime=1441), ["nodes[0].maxExecutionTime", "5 to 1440"]),
        ("DLF.3051", node(pollingInterval=61), ["nodes[0].pollingInterval", "1 to 60"]),
        ("DLF.3051", node(pollingInterval=1.5), ["nodes[0].pollingInterval"]),
        ("DLF.3051", node(failPolicy="fail"), ["nodes[0].failPolicy", "FAIL_CHILD"]),
        ("DLF.3051", node(execTimeOutRetry="maybe"), ["nodes[0].execTimeOutRetry"]),
        ("DLF.3051", node(location=[]), ["nodes[0].location"]),
        ("DLF.3051", node(location={"x": "here"}), ["nodes[0].location.x"]),
        ("DLF.3051", node(properties=[{"value": "a"}]), ["nodes[0].properties[0].name"]),
        ("DLF.3051", node(properties=[{"name": "a", "value": []}]), ["nodes[0].properties[0].value"]),
        ("DLF.3051", node(preNodeName=["nobody"]), ["nodes[0].preNodeName[0]", "'nobody'", "only"]),
        ("DLF.3051", node(conditions=[{"preNodeName": "x", "expression": "#{1}"}]), ["nodes[0].conditions[0]"]),
        ("DLF.3051", node(cronTrigger=[]), None),
        ("DLF.3051", [], ["body"]),
    ],
    ids=lambda each: repr(each)[:60] if isinstance(each, dict) else None,
)
def test_is_refused(refused: Refused, code: str, body: Any, words: list[str] | None) -> None:
    if words is None:
        code, words = "DLF.3025", ["cronTrigger"]
    error = refused(code, "POST", "jobs", body)
    shown = f"{error['error_msg']} {error.get('hint', '')}"
    for word in words:
        assert word in shown


def test_a_cycle_is_refused_and_shown(refused: Refused) -> None:
    nodes = [
        {"name": "start", "type": "Dummy"},
        {"name": "a", "type": "Dummy", "preNodeName": ["start", "c"]},
        {"name": "b", "type": "Dummy", "preNodeName": ["a"]},
        {"name": "c", "type": "Dummy", "preNodeName": ["b"]},
    ]
    error = refused("DLF.3051", "POST", "jobs", {**JOB, "nodes": nodes})
    assert "a -> b -> c -> a" in error["error_msg"]


def test_two_nodes_of_one_name_are_refused(refused: Refused) -> None:
    nodes = [{"name": "twin", "type": "Dummy"}, {"name": "twin", "type": "Shell"}]
    error = refused("DLF.3051", "POST", "jobs", {**JOB, "nodes": nodes})
    assert "nodes[1].name" in error["error_msg"]
    assert "nodes[0]" in error["error_msg"]


def test_the_older_clients_names_are_accepted_and_answered_as_documented(house: House, name: str) -> None:
    sent = {
        "name": name,
        "jobType": "BATCH",
        "schedule": {"scheType": "RUN_ONCE"},
        "params": [{"name": "a", "value": "1", "paramType": "constants"}],
        "basicConfig": {"taskPriority": 2},
        "nodes": [
            {"name": "one", "nodeType": "Dummy", "location": {"x": "-45.5", "y": "10"}},
            {
                "name": "two",
                "nodeType": "Shell",
                "location": {"x": 10.0, "y": "7"},
                "preNodeNames": "one",
                "condition": {"preNodeName": "one", "expression": "#{true}"},
                "nodeProperties": '[{"name":"statement","value":"echo"}]',
            },
            {"name": "three", "nodeType": "Shell", "preNodeNames": "one, two", "nodeProperties": "statement=a=b\nx=1"},
        ],
    }
    assert house.call("POST", "jobs", sent).status_code == 204
    got = house.call("GET", f"jobs/{name}").json()
    assert got["processType"] == "BATCH"
    assert got["schedule"] == {"type": "EXECUTE_ONCE"}
    assert got["params"] == [{"name": "a", "value": "1", "type": "constants"}]
    assert got["basicConfig"] == {"priority": 2}
    assert got["nodes"] == [
        {"name": "one", "type": "Dummy", "location": {"x": "-45.5", "y": "10"}},
        {
            "name": "two",
            "type": "Shell",
            "location": {"x": "10", "y": "7"},
            "preNodeName": ["one"],
            "conditions": [{"preNodeName": "one", "expression": "#{true}"}],
            "properties": [{"name": "statement", "value": "echo"}],
        },
        {
            "name": "three",
            "type": "Shell",
            "preNodeName": ["one", "two"],
            "properties": [{"name": "statement", "value": "a=b"}, {"name": "x", "value": "1"}],
        },
    ]


def test_both_names_of_a_field_must_agree(house: House, refused: Refused, name: str) -> None:
    both = {**JOB, "name": name, "jobType": "BATCH"}
    assert house.call("POST", "jobs", both).status_code == 204
    error = refused("DLF.3051", "POST", "jobs", {**both, "jobType": "REAL_TIME"})
    assert "jobType" in error["error_msg"]


# ---------------------------------------------------------------- the list


def test_the_list_finds_by_part_of_the_name_kind_and_tag(house: House, name: str) -> None:
    house.save_job(f"{name}_Alpha", basicConfig={"owner": "anna", "priority": 1, "tags": ["red", "blue"]})
    house.save_job(f"{name}_beta", directory="/deep/er/", basicConfig={"tags": ["green"]})
    house.save_job(f"{name}_live", processType="REAL_TIME")

    def found(query: str) -> list[str]:
        got = house.call("GET", f"jobs?jobName={name}&{query}").json()
        assert got["total"] == len(got["jobs"])
        return sorted(each["name"].removeprefix(f"{name}_") for each in got["jobs"])

    assert found("") == ["Alpha", "beta"]
    assert found("jobType=REAL_TIME") == ["live"]
    assert found("tags=blue") == ["Alpha"]
    assert found("tags=blue,green") == ["Alpha", "beta"]
    assert found("tags=yellow") == []
    assert found("directory=/deep") == found("directory=/deep/er") == ["beta"]
    assert found("directory=/dee") == []
    [item] = house.call("GET", f"jobs?jobName={name}_alpha").json()["jobs"]
    assert item["name"] == f"{name}_Alpha"
    assert (item["jobType"], item["status"], item["owner"], item["priority"], item["path"]) == (
        "BATCH",
        "STOPPED",
        "anna",
        1,
        "/",
    )
    [item] = house.call("GET", f"jobs?jobName={name}_beta").json()["jobs"]
    assert item["path"] == "/deep/er"


def test_offset_counts_pages_from_zero(house: House, name: str) -> None:
    for number in range(5):
        house.save_job(f"{name}_{number}")

    def page(query: str) -> list[str]:
        got = house.call("GET", f"jobs?jobName={name}&{query}").json()
        assert got["total"] == 5
        return [each["name"] for each in got["jobs"]]

    pages = [page(f"limit=2&offset={number}") for number in range(4)]
    assert [len(each) for each in pages] == [2, 2, 1, 0]
    assert sorted(name for each in pages for name in each) == [f"{name}_{number}" for number in range(5)]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=-1", "offset=-1", "offset=x", "jobType=NONE", "limit=1e1"]
)
def test_a_query_out_of_range_is_refused(refused: Refused, query: str) -> None:
    assert query.partition("=")[0] in refused("DLF.3051", "GET", f"jobs?{query}")["error_msg"]


def test_jobs_that_depend_on_a_job_are_named_on_request(house: House, job: str) -> None:
    house.save_job(
        f"{job}_after", schedule={"type": "CRON", "cron": {**CRON, "dependJobs": {"jobs": [job, "elsewhere"]}}}
    )
    assert "downstreamJobs" not in house.call("GET", f"jobs/{job}").json()
    [after] = house.call("GET", f"jobs/{job}?dependencies=true").json()["downstreamJobs"]
    assert after["jobName"] == f"{job}_after"


def test_jobs_of_another_workspace_are_not_seen(house: House, refused: Refused, job: str) -> None:
    made = house.run(
        house.administration.create_workspace(PROJECT, f"{job}_space", time_zone="UTC", created_by="admin")
    )
    headers = {"workspace": made.id}
    refused("DLF.0100", "GET", f"jobs/{job}", headers=headers)
    assert house.call("POST", "jobs", {**JOB, "name": job}, headers=headers).status_code == 204
    assert house.call("GET", "jobs", headers=headers).json()["total"] == 1
    refused("APIGW.0302", "GET", "jobs", headers=headers, status=403, role="developer")
