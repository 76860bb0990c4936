"""Why an instance waits, over the API. What is decided is tested in `tests/scheduler`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from tests.api.house import JOB, PROJECT, House

from arkwright.core.gate import Gate, JobSlots, PreviousCycle, Upstream
from arkwright.core.instance import Instance, InstanceType
from arkwright.store.base import Place
from arkwright.store.schedule_record import PlanShare

Refused = Callable[..., dict[str, Any]]
CRON = {"type": "CRON", "cron": {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?"}}
PLAN_MS = 1_773_100_800_000


def waiting(house: House, name: str) -> Instance:
    """A planned instance that waits for the job `NAME_up`, which is scheduled."""
    for each in (f"{name}_up", name):
        house.save_job(each, schedule=CRON)
    assert house.call("POST", f"jobs/{name}_up/start").status_code == 204
    up = house.call("GET", f"jobs/{name}_up").json()["id"]
    place = Place(project_id=PROJECT, workspace_id=house.directory.workspace(PROJECT, None).id)
    upstream = Upstream(job_id=up, job_name=f"{name}_up", from_ms=PLAN_MS, to_ms=2**50, window="all of the day")
    instance = Instance(
        id=house.store.next_id(),
        project_id=place.project_id,
        workspace_id=place.workspace_id,
        job_id=house.call("GET", f"jobs/{name}").json()["id"],
        job_name=name,
        job_version=1,
        instance_type=InstanceType.NORMAL,
        plan_time_ms=PLAN_MS,
        submit_time_ms=PLAN_MS,
        time_zone="UTC",
        gate=Gate(conditions=(upstream, PreviousCycle(), JobSlots(limit=5))),
    )
    house.call("POST", f"jobs/{name}/start")
    plan(house, instance)
    return instance


def plan(house: House, instance: Instance) -> None:
    """As the scheduler does."""
    [row] = house.run(house.store.get_schedules([instance.job_id]))
    share = PlanShare(
        job_id=row.job_id,
        before_ms=row.cursor_ms,
        cursor_ms=row.cursor_ms,
        next_ms=row.next_ms,
        instances=(instance,),
    )
    assert house.run(house.store.plan([share], owner=None)) == {instance.id}


def test_every_unmet_condition_is_told_with_what_would_release_it(house: House, name: str) -> None:
    instance = waiting(house, name)
    found = house.call("GET", f"jobs/instances/{instance.id}/why").json()
    assert (found["instanceId"], found["jobName"], found["status"], found["waits"]) == (
        instance.id,
        name,
        "waiting",
        True,
    )
    [condition] = found["conditions"]
    assert (condition["key"], condition["kind"], condition["removable"]) == (f"job:{name}_up", "upstream", True)
    assert "all of the day" in condition["text"]
    assert "still to come" in condition["text"]
    assert "remove this dependency" in condition["release"]


def test_an_instance_that_was_run_by_hand_waits_for_nothing(house: House, name: str) -> None:
    house.save_job(name)
    instance_id = house.call("POST", f"jobs/{name}/run-immediate").json()["instanceId"]
    found = house.call("GET", f"jobs/instances/{instance_id}/why").json()
    assert (found["waits"], found["conditions"]) == (False, [])


def test_an_unknown_instance_waits_for_nobody(house: House, refused: Refused) -> None:
    refused("DLF.0137", "GET", "jobs/instances/1/why")
    refused("DLF.0137", "GET", "jobs/instances/nothing/why")
    refused("DLF.0137", "DELETE", "jobs/instances/1/dependencies/job:x")


def test_only_a_dependency_that_is_there_can_be_removed(house: House, name: str, refused: Refused) -> None:
    instance = waiting(house, name)
    error = refused("DLF.3051", "DELETE", f"jobs/instances/{instance.id}/dependencies/job:nobody")
    assert f"job:{name}_up" in error["error_msg"]
    assert house.call("DELETE", f"jobs/instances/{instance.id}/dependencies/previous-cycle").status_code == 204


def test_a_schedule_is_paused_and_resumed(house: House, name: str, refused: Refused) -> None:
    house.save_job(name, schedule=CRON)
    refused("DLF.3051", "POST", f"jobs/{name}/pause")
    house.call("POST", f"jobs/{name}/start")
    assert house.call("POST", f"jobs/{name}/pause").status_code == 204
    [job] = house.call("GET", f"jobs?jobName={name}").json()["jobs"]
    assert job["status"] == "PAUSED"
    assert house.call("POST", f"jobs/{name}/resume").status_code == 204
    shown = house.call("GET", "scheduler").json()
    assert (shown["plansHere"], shown["leakedSlots"], shown["slots"]) == (False, 0, [])


def test_a_job_whose_upstream_is_not_scheduled_is_not_started(house: House, name: str, refused: Refused) -> None:
    house.save_job(f"{name}_up", schedule=CRON)
    down = {**CRON, "cron": {**CRON["cron"], "dependJobs": {"jobs": [f"{name}_up"]}}}  # type: ignore[dict-item]
    house.save_job(name, schedule=down)
    error = refused("DLF.3051", "POST", f"jobs/{name}/start")
    assert f"depend job [{name}_up] is not running or pause" in error["error_msg"]
    house.call("POST", f"jobs/{name}_up/start")
    assert house.call("POST", f"jobs/{name}/start").status_code == 204


def test_the_newer_api_tells_which_instances_depend_on_which(house: House, name: str) -> None:
    down = waiting(house, name)
    up_job = house.call("GET", f"jobs/{name}_up").json()["id"]
    down_schedule = {**CRON, "cron": {**CRON["cron"], "dependJobs": {"jobs": [f"{name}_up"]}}}  # type: ignore[dict-item]
    house.call("PUT", f"jobs/{name}", {**JOB, "name": name, "schedule": down_schedule})
    up = msgspec.structs.replace(down, id=house.store.next_id(), job_id=up_job, job_name=f"{name}_up", gate=None)
    plan(house, up)

    def related(instance: Instance, relation: str) -> list[tuple[int, list[int]]]:
        reply = house.call("GET", f"/v2/{PROJECT}/factory/instances/{instance.id}/depend-instances?relation={relation}")
        assert reply.status_code == 200, reply.text
        return [(each["id"], each["parent_instance_ids"]) for each in reply.json()["depend_instances_info"]]

    assert related(down, "parent") == [(up.id, [])]
    assert related(up, "child") == [(down.id, [up.id])]
    assert related(down, "child") == related(up, "parent") == []
