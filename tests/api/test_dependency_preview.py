"""What a plan's dependencies would wait for, asked before the job is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api.house import JOB, House

Refused = Callable[..., dict[str, Any]]
HOURLY = {
    "type": "CRON",
    "cron": {"startTime": "2026-01-01T00:00:00+00", "expression": "0 30 * * * ?", "intervalType": "hours"},
}
DAILY = {"startTime": "2026-01-01T00:00:00+00", "expression": "0 0 2 * * ?", "expressionTimeZone": "GMT+0"}
NOON = 1_767_528_000_000  # 2026-01-04 12:00 UTC


def ask(house: House, cron: dict[str, Any], plan_time: int = NOON) -> list[dict[str, Any]]:
    reply = house.call("POST", "schedule/dependency-preview", {"cron": cron, "planTime": plan_time})
    assert reply.status_code == 200, reply.text
    assert reply.json()["planTime"] == plan_time
    jobs: list[dict[str, Any]] = reply.json()["jobs"]
    return jobs


def test_the_windows_and_plan_times_of_an_upstream_job_are_told(house: House, name: str) -> None:
    assert house.call("POST", "jobs", {**JOB, "name": name, "schedule": HOURLY}).status_code == 204
    [one] = ask(house, {**DAILY, "dependJobs": {"jobs": [name], "dependFailPolicy": "SUSPEND"}})
    assert (one["job"], one["status"], one["failPolicy"]) == (name, "STOPPED", "SUSPEND")
    [window] = one["windows"]
    assert (window["take"], window["count"], len(window["planTimes"])) == ("ALL", 24, 24)
    assert "2026-01-04" in window["rule"]
    last = {"jobName": name, "dependType": "LAST", "dependOnLastPeriod": True, "dependOnLastNPeriodValue": 2}
    [one] = ask(house, {**DAILY, "dependJobs": {"sameWorkSpaceJobs": [last]}})
    assert [(each["take"], each["count"]) for each in one["windows"]] == [("LAST", 1), ("LAST", 1)]


def test_what_speaks_against_a_dependency_is_told_in_its_place(house: House, name: str) -> None:
    assert house.call("POST", "jobs", {**JOB, "name": name}).status_code == 204
    others = [{"jobName": "x", "workSpaceId": "nowhere"}]
    found = ask(house, {**DAILY, "dependJobs": {"jobs": [name, "nobody"], "otherWorkSpaceJobs": others}})
    assert {each["job"]: each["problem"].split(",")[0] for each in found} == {
        name: "It does not run by the clock",
        "nobody": "There is no such job",
        "x": "There is no workspace nowhere.",
    }
    assert all("windows" not in each for each in found)


def test_a_plan_that_can_t_be_read_is_refused(refused: Refused) -> None:
    refused("DLF.3025", "POST", "schedule/dependency-preview", {"cron": {"startTime": "2026-01-01T00:00:00+00"}})
    refused("DLF.3025", "POST", "schedule/dependency-preview", {"cron": {}})
