"""What the schedules of a workspace would do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.house import JOB, PROJECT, House

from arkwright.store.base import DefinitionWrite, Kind, Place

FROM, TO = "2026-03-01T00:00:00+00:00", "2026-03-03T00:00:00+00:00"


def plan(expression: str, **more: Any) -> dict[str, Any]:
    cron = {"startTime": "2020-01-01T00:00:00Z", "expression": expression, "expressionTimeZone": "GMT+0", **more}
    return {"type": "CRON", "cron": cron}


def simulated(house: House, **body: Any) -> dict[str, Any]:
    reply = house.call("POST", "schedule/simulation", {"from": FROM, "to": TO, **body})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def shown(found: dict[str, Any], name: str) -> list[str]:
    return [
        datetime.fromtimestamp(each["planTime"] / 1000, UTC).strftime("%d %H:%M ") + each["status"]
        for each in found["instances"]
        if each["job"] == name
    ]


def test_a_job_and_what_it_depends_on_are_simulated(house: House, name: str) -> None:
    up, down = f"{name}-up", f"{name}-down"
    house.save_job(up, schedule=plan("0 0 2 * * ?"))
    house.save_job(down, schedule=plan("0 0 3 * * ?", dependJobs={"jobs": [up]}))
    found = simulated(house, jobs=[down], only=True, durations={up: 2 * 3600})
    assert (found["total"], [each["job"] for each in found["jobs"]]) == (4, [down, up])
    assert shown(found, down) == ["01 03:00 success", "02 03:00 success"]
    [first, *_] = [each for each in found["instances"] if each["job"] == down]
    assert first["startTime"] - first["planTime"] == 3600 * 1000
    assert "calendar day 2026-03-01" in first["windows"][0]
    assert "is running" in first["waitedFor"][0]
    assert {"diff", "shadow"}.isdisjoint(found)


def test_scheduled_jobs_are_simulated_without_naming_them(house: House, name: str) -> None:
    house.save_job(name, schedule=plan("0 0 2 * * ?"))
    assert shown(simulated(house), name) == []
    assert house.call("POST", f"jobs/{name}/start").status_code == 204
    try:
        assert shown(simulated(house), name) == ["01 02:00 success", "02 02:00 success"]
    finally:
        house.call("POST", f"jobs/{name}/stop")


def test_a_change_is_shown_before_it_is_submitted(house: House, name: str) -> None:
    house.save_job(name, schedule=plan("0 0 2 * * ?"))
    changed = {**JOB, "name": name, "schedule": plan("0 0 2 ? * 2-6")}  # 1 March is a Sunday
    found = simulated(house, documents=[changed], only=True)
    [one] = found["diff"]
    assert (one["change"], one["job"], found["diffTotal"]) == ("removed", name, 1)
    new = {**JOB, "name": f"{name}-new", "schedule": plan("0 0 4 * * ?")}
    assert [each["change"] for each in simulated(house, documents=[new], only=True)["diff"]] == ["added", "added"]
    same = {**JOB, "name": name, "schedule": plan("0 0 2 * * ?")}
    assert simulated(house, documents=[same], only=True)["diff"] == []


def test_a_history_from_elsewhere_is_compared(house: House, name: str) -> None:
    params = [{"name": "day", "value": "#{Job.getYesterday('yyyyMMdd')}"}, {"name": "fixed", "value": "a"}]
    house.save_job(name, schedule=plan("0 0 2 * * ?"), params=params)

    def at(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    history = [
        {"jobName": name, "planTime": at("2026-03-01T02:00"), "params": {"day": "20260228", "fixed": "b"}},
        {"job_name": name, "plan_time": at("2026-03-01T05:00")},
        {"jobName": name, "planTime": at("2026-03-01T06:00"), "instanceType": 2},
        {"jobName": "elsewhere", "planTime": at("2026-03-01T02:00")},
    ]
    shadow = simulated(house, jobs=[name], only=True, history=history)["shadow"]
    assert (shadow["matched"], shadow["unknown"]) == (1, ["elsewhere"])
    assert [each["planTime"] for each in shadow["missing"]] == [at("2026-03-01T05:00")]
    assert [each["planTime"] for each in shadow["extra"]] == [at("2026-03-02T02:00")]
    [value] = shadow["parameters"]
    assert (value["parameter"], value["here"], value["there"]) == ("fixed", "a", "b")


def test_what_could_not_be_started_is_a_conflict(house: House, name: str) -> None:
    one, other = f"{name}-1", f"{name}-2"
    documents = [
        {**JOB, "name": one, "schedule": plan("0 0 2 * * ?", dependJobs={"jobs": [other]})},
        {**JOB, "name": other, "schedule": plan("0 0 2 * * ?", dependJobs={"jobs": [one, "nobody"]})},
    ]
    found = simulated(house, documents=documents, only=True)
    texts = [each["text"] for each in found["conflicts"]]
    assert found["total"] == 0
    assert any(f"{one} waits for {other}, {other} waits for {one}" in text for text in texts)
    assert any("nobody" in text for text in texts)


def test_more_than_a_task_group_has_slots_for_is_a_conflict(house: House, name: str) -> None:
    assert house.call("PUT", f"task-groups/{name}", {"limit": 1}).status_code in (200, 204)
    for each in ("one", "other"):
        house.save_job(f"{name}-{each}", schedule=plan("0 0 2 * * ?"), taskGroup=name)
    found = simulated(house, jobs=[f"{name}-one", f"{name}-other"], only=True)
    [conflict] = found["conflicts"]
    assert (conflict["kind"], conflict["count"]) == ("over-limit", 2)
    assert f"Up to 2 instances run at once that need a slot of the task group {name}, which has 1" in conflict["text"]


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"from": None}, "DLF.3051", "from"),
        ({"to": "2026-03-03"}, "DLF.3051", "to"),
        ({"to": FROM}, "DLF.3051", "later than from"),
        ({"to": "2028-03-03T00:00:00Z"}, "DLF.3051", "366 days"),
        ({"jobs": ["there-is-none"]}, "DLF.3051", "there-is-none"),
        ({"limit": 10_001}, "DLF.3051", "limit"),
        ({"durations": {"a": -1}}, "DLF.3051", "durations.a"),
        ({"documents": [{"name": "a"}]}, "DLF.2014", ""),
        ({"documents": [{**JOB, "schedule": plan("0 0 25 * * ?")}]}, "DLF.3025", "25 is outside"),
        ({"history": [{"jobName": "a"}]}, "DLF.3051", "history[0].planTime"),
    ],
)
def test_what_can_not_be_simulated_says_why(house: House, body: dict[str, Any], code: str, words: str) -> None:
    reply = house.call("POST", "schedule/simulation", {"from": FROM, "to": TO, **body})
    assert (reply.status_code, reply.json()["error_code"]) == (400, code)
    assert words in reply.text


def test_a_stored_job_that_can_not_be_planned_keeps_no_others_from_it(house: House, name: str) -> None:
    workspace = house.directory.workspace(PROJECT, None)
    broken = {**JOB, "name": name, "schedule": plan("0 0 99 * * ?")}
    write = DefinitionWrite(name=name, category="BATCH", directory="/", body=broken, submit=True, actor="ada", at_ms=1)
    place = Place(project_id=PROJECT, workspace_id=workspace.id)
    house.run(house.store.create_definition(place, Kind.JOB, write))
    house.save_job(f"{name}-down", schedule=plan("0 0 3 * * ?", dependJobs={"jobs": [name]}))
    found = simulated(house, jobs=[name, f"{name}-down"], only=True)
    assert [each["job"] for each in found["conflicts"]] == [name, f"{name}-down"]
    assert "99 is outside 0 to 23" in found["conflicts"][0]["text"]
