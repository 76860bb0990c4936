"""Scripts executed by themselves, on a real server."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.api.house import SCRIPT, House
from tests.api.server import RunningServer

from arkwright.api.v1.script_runs import read_id, shown_id


def save(server: RunningServer, name: str, kind: str, content: str, **more: Any) -> None:
    reply = server.client.post("scripts", json={"name": name, "type": kind, "content": content, **more})
    assert reply.status_code == 204, reply.text


def execute(server: RunningServer, name: str, **params: str) -> str:
    reply = server.client.post(f"scripts/{name}/execute", json={"params": params})
    assert reply.status_code == 200, reply.text
    made = reply.json()
    assert made["instanceId"] == made["instancesId"]
    assert [len(part) for part in made["instanceId"].split("-")] == [8, 4, 4, 4, 12]
    return str(made["instanceId"])


def result(server: RunningServer, name: str, run: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while True:
        found: dict[str, Any] = server.client.get(f"scripts/{name}/instances/{run}").json()
        if found["status"] in {"FINISHED", "FAILED"}:
            assert found["result"] == found["results"]
            return found
        assert found["status"] in {"LAUNCHING", "RUNNING"}
        assert found["results"] == []
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_sql_answers_rows_and_their_schema(server: RunningServer, name: str) -> None:
    save(server, name, "DLISQL", "SELECT 1 AS a, '${tableVar}' AS \"ü b\" UNION ALL SELECT 2, NULL ORDER BY 1")
    found = result(server, name, execute(server, name, tableVar="citys"))
    assert (found["status"], found["message"]) == ("FINISHED", "")
    [only] = found["results"]
    assert only["rows"] == [["1", "citys"], ["2", None]]
    assert only["schema"] == [{"a": "string"}, {"ü b": "string"}]
    assert only["rowCount"] == 2
    assert type(only["duration"]) is float


def test_sql_without_a_result_answers_no_rows(server: RunningServer, name: str) -> None:
    save(server, name, "DLISQL", f"CREATE TABLE {name} (a int); INSERT INTO {name} VALUES (1), (2)")
    [only] = result(server, name, execute(server, name))["results"]
    assert (only["rows"], only["schema"], only["rowCount"], only["resultCount"]) == ([], [], 0, 2)


@pytest.mark.parametrize(("kind", "content"), [("Shell", "echo hello ${who}"), ("PYTHON", "print('hello', '${who}')")])
def test_a_program_answers_its_text(server: RunningServer, name: str, kind: str, content: str) -> None:
    save(server, name, kind, content)
    found = result(server, name, execute(server, name, who="world"))
    assert found["status"] == "FINISHED", found
    assert found["results"][0]["rawResult"].strip() == "hello world"
    assert found["results"][0]["rows"] == []


def test_a_failure_says_why(server: RunningServer, name: str) -> None:
    save(server, name, "Shell", "exit 3")
    found = result(server, name, execute(server, name))
    assert found["status"] == "FAILED"
    assert "3" in found["message"]
    assert found["results"][0]["message"] == found["message"]


@pytest.mark.parametrize(
    "kind", ["HiveSQL", "RDSSQL", "DWSSQL", "PRESTO", "ImpalaSQL", "ClickHouseSQL", "HetuEngineSQL"]
)
def test_a_connection_that_is_not_there_fails_the_script_and_is_named(
    server: RunningServer, name: str, kind: str
) -> None:
    save(server, name, kind, "SELECT 1", connectionName="nowhere")
    found = result(server, name, execute(server, name))
    assert found["status"] == "FAILED"
    assert "'nowhere'" in found["message"]


@pytest.mark.parametrize("kind", ["Spark Python", "FlinkSQL"])
def test_a_type_that_cannot_run_here_fails_with_the_reason(server: RunningServer, name: str, kind: str) -> None:
    save(server, name, kind, "SELECT 1", connectionName="c")
    found = result(server, name, execute(server, name))
    assert found["status"] == "FAILED"
    assert kind.replace(" ", "").lower() in found["message"].replace(" ", "").lower()


def test_a_run_is_stopped_once(server: RunningServer, name: str) -> None:
    save(server, name, "Shell", "sleep 60")
    run = execute(server, name)
    path = f"scripts/{name}/instances/{run}"
    assert server.client.post(f"{path}/stop").status_code == 204
    found = result(server, name, run)
    assert (found["status"], found["message"]) == ("FAILED", "The script was stopped.")
    again = server.client.post(f"{path}/stop")
    assert (again.status_code, again.json()["error_code"]) == (400, "DLF.3051")


def test_runs_are_in_no_list_of_jobs_and_instances(server: RunningServer, name: str) -> None:
    save(server, name, "Shell", "true")
    run = execute(server, name)
    result(server, name, run)
    assert server.client.get(f"jobs?jobName={name}").json()["total"] == 0
    number = read_id(run)
    for query in ("", "?status=success", f"?jobName={name}"):
        page = server.client.get(f"jobs/instances/detail{query}", params={"limit": 1000}).json()
        assert number not in [each["instanceId"] for each in page["instances"]]
    refused = server.client.get("jobs/instances/detail?instanceType=100")
    assert refused.json()["error_code"] == "DLF.3051"


def test_the_newest_submitted_version_runs(server: RunningServer, name: str) -> None:
    save(server, name, "Shell", "echo 1")
    server.client.put(f"scripts/{name}", json={"content": "echo 2"})
    server.client.put(f"scripts/{name}", json={"content": "echo 3", "targetStatus": "SAVED"})
    assert result(server, name, execute(server, name))["results"][0]["rawResult"] == "2"


def test_what_is_not_there_is_refused(house: House, name: str) -> None:
    def code(method: str, path: str, body: Any = None) -> str:
        reply = house.call(method, path, body)
        assert reply.status_code == 400
        return str(reply.json()["error_code"])

    house.call("POST", "scripts", {**SCRIPT, "name": name})
    run = house.call("POST", f"scripts/{name}/execute").json()["instanceId"]
    house.call("POST", "scripts", {**SCRIPT, "name": f"{name}_2"})
    house.save_job(name)
    job_run = house.call("POST", f"jobs/{name}/run-immediate").json()["instanceId"]
    assert code("POST", "scripts/nobody/execute") == "DLF.6201"
    assert code("GET", f"scripts/nobody/instances/{run}") == "DLF.6201"
    for other in (f"{name}_2/instances/{run}", f"{name}/instances/nobody", f"{name}/instances/{job_run}"):
        assert code("GET", f"scripts/{other}") == "DLF.6205"
        assert code("POST", f"scripts/{other}/stop") == "DLF.6205"
    house.call("POST", "scripts", {**SCRIPT, "name": f"{name}_3", "targetStatus": "SAVED"})
    assert code("POST", f"scripts/{name}_3/execute") == "DLF.6201"
    for params in ([], {"a": 1}, {"a": None}, {"": "x"}, {"x" * 65: "x"}):
        assert code("POST", f"scripts/{name}/execute", {"params": params}) == "DLF.3051"


def test_an_execution_waits_until_somebody_runs_it(house: House, name: str) -> None:
    house.call("POST", "scripts", {**SCRIPT, "name": name})
    run = house.call("POST", f"scripts/{name}/execute").json()["instanceId"]
    found = house.call("GET", f"scripts/{name}/instances/{run}").json()
    assert found == {"status": "LAUNCHING", "message": "", "results": [], "result": []}


@pytest.mark.parametrize("number", [0, 1, 2**32, 2**53 - 1])
def test_an_id_looks_like_a_uuid_and_is_read_again(number: int) -> None:
    assert read_id(shown_id(number)) == read_id(shown_id(number).upper()) == read_id(str(number)) == number


@pytest.mark.parametrize("given", ["", "nobody", "a5c21915-0000-4000-8000-00000000000", "9" * 30, str(2**53)])
def test_other_texts_are_no_ids(given: str) -> None:
    assert read_id(given) is None


def test_earlier_runs_are_listed_with_their_values_newest_first(server: RunningServer, name: str) -> None:
    save(server, name, "Shell", "echo ${who}")
    path = f"scripts/{name}/instances"
    assert server.client.get(path).json() == {"total": 0, "instances": []}
    first, second = (execute(server, name, who=who) for who in ("a", "b"))
    for run in (first, second):
        result(server, name, run)
    found = server.client.get(path).json()
    assert found["total"] == 2
    assert [(each["instanceId"], each["status"], each["params"]) for each in found["instances"]] == [
        (second, "success", {"who": "b"}),
        (first, "success", {"who": "a"}),
    ]
    assert server.client.get("scripts/nobody/instances").json()["error_code"] == "DLF.6201"
