"""Starting and stopping schedules, and what real-time jobs tell of themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import PROJECT, House

from arkwright.store.base import Definition, Kind, Place

CRON = {"type": "CRON", "cron": {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?"}}
EVENT = {"type": "EVENT", "event": {"eventType": "OBS", "channel": "obs://bucket/a/"}}

Refused = Callable[..., dict[str, Any]]


def status(house: House, name: str, kind: str = "BATCH") -> str:
    [item] = [
        each for each in house.call("GET", f"jobs?jobName={name}&jobType={kind}").json()["jobs"] if each["name"] == name
    ]
    return str(item["status"])


def started_with(house: House, name: str) -> Definition:
    workspace = house.directory.workspace(PROJECT, None)
    job_id = house.call("GET", f"jobs/{name}").json()["id"]
    place = Place(project_id=PROJECT, workspace_id=workspace.id)
    found = house.run(house.store.get_definition(place, Kind.SCHEDULE, str(job_id)))
    assert found is not None
    return found


@pytest.mark.parametrize("schedule", [CRON, EVENT], ids=["cron", "event"])
def test_a_schedule_is_started_and_stopped(house: House, name: str, schedule: dict[str, Any]) -> None:
    house.save_job(name, schedule=schedule)
    reply = house.call("POST", f"jobs/{name}/start")
    assert (reply.status_code, reply.content) == (204, b"")
    assert status(house, name) == "SCHEDULING"
    reply = house.call("POST", f"jobs/{name}/stop", content=b"", headers={"workspace": ""})
    assert (reply.status_code, reply.content) == (204, b"")
    assert status(house, name) == "STOPPED"
    assert house.call("POST", f"jobs/{name}/stop").status_code == 204


def test_what_a_schedule_was_started_with_is_kept(house: House, name: str) -> None:
    house.save_job(name, schedule=CRON)
    body = {
        "jobParams": [{"name": "aaa", "value": "111", "paramType": "constants"}],
        "start_date": 20241030,
        "ignore_first_self_dependence": "true",
        "more": {"of": "it"},
    }
    assert house.call("POST", f"jobs/{name}/start", body).status_code == 204
    stored = started_with(house, name)
    assert stored.body["jobParams"] == [{"name": "aaa", "value": "111", "type": "constants"}]
    assert (stored.body["start_date"], stored.body["ignore_first_self_dep"]) == (20241030, True)
    assert (stored.body["more"], stored.body["job_version"], stored.body["started_by"]) == ({"of": "it"}, 1, "admin")
    house.call("POST", f"jobs/{name}/stop")
    assert house.call("POST", f"jobs/{name}/start").status_code == 204
    assert "jobParams" not in started_with(house, name).body


def test_a_running_schedule_is_not_started_again(house: House, name: str, refused: Refused) -> None:
    house.save_job(name, schedule=CRON)
    house.call("POST", f"jobs/{name}/start")
    assert "is running" in refused("DLF.3051", "POST", f"jobs/{name}/start")["error_msg"]
    refused("DLF.3051", "DELETE", f"jobs/{name}")


def test_what_has_no_plan_is_not_started(house: House, name: str, refused: Refused) -> None:
    house.save_job(name)
    refused("DLF.3051", "POST", f"jobs/{name}/start")
    house.save_job(f"{name}_empty", schedule={"type": "CRON"})
    refused("DLF.3051", "POST", f"jobs/{name}_empty/start")
    house.save_job(f"{name}_saved", schedule=CRON, targetStatus="SAVED")
    refused("DLF.3051", "POST", f"jobs/{name}_saved/start")
    refused("DLF.0100", "POST", "jobs/nobody/start")
    refused("DLF.0100", "POST", "jobs/nobody/stop")


def test_scripts_must_be_submitted(house: House, name: str, refused: Refused) -> None:
    node = {"name": "one", "type": "Shell", "properties": [{"name": "scriptName", "value": name}]}
    house.save_job(name, schedule=CRON, nodes=[node])
    refused("DLF.6201", "POST", f"jobs/{name}/start")
    script = {"name": name, "type": "Shell", "content": "true", "targetStatus": "SAVED"}
    assert house.call("POST", "scripts", script).text == ""
    error = refused("DLF.3051", "POST", f"jobs/{name}/start")
    assert "The script of node one has not been submitted" in error["error_msg"]
    house.call("PUT", f"scripts/{name}", {**script, "targetStatus": "SUBMITTED"})
    assert house.call("POST", f"jobs/{name}/start").status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"jobParams": {}},
        {"jobParams": [{"name": "x" * 65, "value": ""}]},
        {"jobParams": [{"name": "a", "value": "x" * 1025}]},
        {"jobParams": [{"name": "a", "value": "1", "paramType": "no"}]},
        {"start_date": 20241331},
        {"start_date": True},
        {"ignore_first_self_dep": "perhaps"},
    ],
)
def test_a_wrong_wish_starts_nothing(house: House, name: str, refused: Refused, body: dict[str, Any]) -> None:
    house.save_job(name, schedule=CRON)
    refused("DLF.3051", "POST", f"jobs/{name}/start", body)
    assert status(house, name) == "STOPPED"


def test_a_real_time_job_tells_its_state(house: House, name: str, refused: Refused) -> None:
    house.save_job(name, processType="REAL_TIME")
    shown = house.call("GET", f"jobs/{name}/status").json()
    assert (shown["name"], shown["status"], shown["lastModifiyUser"]) == (name, "STOPPED", "admin")
    assert shown["nodes"] == [{"name": "only", "status": "STOPPED", "type": "Dummy", "nodeType": "Dummy"}]
    assert "starttime" not in shown
    assert house.call("POST", f"jobs/{name}/start").status_code == 204
    shown = house.call("GET", f"jobs/{name}/status").json()
    assert shown["status"] == "STARTING"
    assert shown["starttime"] == shown["startTime"] > 0
    house.save_job(f"{name}_batch")
    refused("DLF.3051", "GET", f"jobs/{name}_batch/status")
    refused("DLF.0100", "GET", "jobs/nobody/status")
