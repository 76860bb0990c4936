"""Lists of the newer API that answer what was stored: each with something in it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import PROJECT, House

from arkwright.core.gate import Gate, Upstream
from arkwright.core.instance import Instance, InstanceType
from arkwright.store.base import DefinitionWrite, Kind, Place
from arkwright.store.schedule_record import PlanShare

FACTORY = f"/v2/{PROJECT}/factory"
Refused = Callable[..., dict[str, Any]]
_names = itertools.count(1)


def place(house: House) -> Place:
    return Place(project_id=PROJECT, workspace_id=house.directory.workspace(PROJECT, None).id)


def store(house: House, kind: Kind, body: dict[str, Any], name: str = "") -> str:
    name = name or f"stored-{next(_names)}"
    write = DefinitionWrite(
        name=name, category="", directory="/", body=body, submit=True, actor="admin", at_ms=int(time.time() * 1000)
    )
    house.run(house.store.create_definition(place(house), kind, write))
    return name


def read(house: House, path: str, **more: Any) -> Any:
    reply = house.call("GET", f"{FACTORY}/{path}", **more)
    assert reply.status_code == 200, reply.text
    return reply.json()


def write(house: House, path: str, body: Any = None) -> Any:
    reply = house.call("POST", f"{FACTORY}/{path}", body)
    assert reply.status_code == 200, reply.text
    return reply.json() if reply.content else None


def wait_for(house: House, task_id: str) -> dict[str, Any]:
    """The system task, once it is over."""
    while True:
        task: dict[str, Any] = house.call("GET", f"system-tasks/{task_id}").json()
        if task["status"] != "RUNNING":
            return task


def user_id(house: House, name: str) -> str:
    domain = house.directory.only_domain()
    assert domain is not None
    user = house.directory.user_named(domain.id, name)
    assert user is not None
    return user.id


def test_the_window_of_alarm_records_is_a_week_at_most(house: House, refused: Refused) -> None:
    now = int(time.time() * 1000)
    refused("DLF.3051", "GET", f"{FACTORY}/alarm-info?start_time=1&end_time={now}")
    refused("DLF.3051", "GET", f"{FACTORY}/alarm-info?limit=1001")
    assert read(house, f"alarm-info?start_time={now - 10}&end_time={now - 5}") == {"total": 0, "alarm_info": []}


def test_alarm_rules_are_counted_by_type(house: House, name: str) -> None:
    before = read(house, "alarm/rules")
    house.save_job(name)
    store(house, Kind.ALARM_RULE, {"name": name, "remind_type": 1, "urn": "urn:smn:x", "topic_name": f"topic_{name}"})
    store(house, Kind.ALARM_RULE, {"name": "other", "remind_type": 0})
    found = read(house, f"alarm/rules?name={name}&remind_type=1&ding_name=topic")
    assert found["total"] == 1
    assert found["total_all"] == before["total_all"] + 2
    assert found["exception_count"] == before["exception_count"] + 1
    assert found["success_count"] == before["success_count"] + 1
    [rule] = found["alarm_rules_items_details"]
    assert (rule["name"], rule["urn"], rule["create_user"]) == (name, "urn:smn:x", "admin")
    jobs = read(house, f"jobs?job_name={name}&need_alarms=true")["jobs"]
    assert jobs[0]["alarms"] == [{"alarmType": "1", "topicUrn": "urn:smn:x"}]


def test_approvals_by_who_asks(house: House, refused: Refused, name: str) -> None:
    now = int(time.time() * 1000)
    body = {
        "object_name": name,
        "object_type": "JOB",
        "status": "DEVELOPING",
        "create_user": "admin",
        "approver_name": "the-admin",
        "submit_time": now,
    }
    number = store(house, Kind.APPROVAL, body)
    store(house, Kind.APPROVAL, {**body, "status": "APPROVED", "create_user": "somebody"})
    own = read(house, f"workspaces/approval?object_name={name}")
    assert own == {"total": 1, "job_apply_search_list": [{**body, "apply_id": number}]}
    assert read(house, f"workspaces/approval?object_name={name}&type=FINISHED&create_user=some")["total"] == 1
    assert read(house, f"workspaces/approval?object_name={name}&type=DEVELOPING&apply_id=none")["total"] == 0
    assert read(house, f"workspaces/approval?object_name={name}&end_time={now - 1}")["total"] == 0
    refused("DLF.3051", "GET", f"{FACTORY}/workspaces/approval?status=NO")


def test_a_package_is_made_deployed_and_shown(house: House, name: str, refused: Refused) -> None:
    house.save_job(name, targetStatus="SAVED")
    item = {"item_name": name, "task_type": 1, "update_type": 1, "pending_version": 1, "submit_user_name": "admin"}
    gone = {**item, "item_name": f"{name}_gone"}
    good, bad, back = (store(house, Kind.PENDING_ITEM, body) for body in (item, gone, item))
    listed = read(house, f"pending-items?item_name={name}&update_type=1&task_type=1&submit_user_name=adm")
    assert listed["total"] == 3
    assert {each["pending_item_id"] for each in listed["data"]} == {good, bad, back}

    def package(*items: str) -> str:
        body = {
            "apply_user_id": user_id(house, "admin"),
            "package_name": f"package_{name}",
            "pending_item_list": list(items),
            "approver_ids": [user_id(house, "the-deployer")],
        }
        reply = write(house, "pending-items/package", body)
        assert reply["package_name"] == f"package_{name}"
        return str(reply["release_package_id"])

    first, second, third = package(good), package(bad), package(back)
    refused("DLF.3051", "POST", f"{FACTORY}/pending-items/package", {"package_name": "x"})
    packages = write(house, "release-packages", {"key_word": name, "deploy_status_filter": [1], "limit": 2})
    assert (packages["total"], len(packages["data"])) == (3, 2)

    write(house, "release-packages/unpack", {"package_ids": [third]})
    flags = {each["pending_item_id"]: each["package_flag"] for each in read(house, "pending-items?limit=100")["data"]}
    assert (flags[good], flags[back]) == (1, 0)

    reply = write(house, "release-packages/deploy", {"package_ids": [first, second], "startup_mode": 1})
    assert [each["asy_subtask_num"] for each in reply["deploy_package_details"]] == [1, 1]
    for each in reply["deploy_package_details"]:
        task = wait_for(house, each["asy_task_id"])
        assert task["status"] == ("SUCCESSFUL" if each is reply["deploy_package_details"][0] else "FAILED")
    shown = read(house, f"release-packages/{first}")
    assert (shown["release_package"]["deploy_status"], shown["release_package"]["deploy_user_name"]) == (2, "admin")
    assert [(each["deploy_status"], each["start_job_status"]) for each in shown["task_details"]] == [(2, 3)]
    assert read(house, f"release-packages/{second}")["release_package"]["deploy_status"] == 3
    assert house.call("POST", f"jobs/{name}/run-immediate").status_code == 200
    refused("DLF.20990", "POST", f"{FACTORY}/release-packages/deploy", {"package_ids": [first]})
    refused("DLF.20990", "POST", f"{FACTORY}/release-packages/unpack", {"package_ids": [first]})
    refused("DLF.0810", "POST", f"{FACTORY}/release-packages/deploy", {"package_ids": ["nobody"]})
    refused("DLF.0810", "GET", f"{FACTORY}/release-packages/nobody")


def baseline(name: str, **more: Any) -> dict[str, Any]:
    body = {"name": name, "owner_name": "admin", "sla_task_ids": ["1"], "priority": 3, "sla_hour": "8", "sla_min": "30"}
    return {**body, "smn_topics": [{"name": "t", "max_send_times": 5, "send_interval": 10}], **more}


def test_baselines_are_stored_and_listed_from_page_one(house: House, name: str) -> None:
    aiops = f"aiops/{name}"
    assert write(house, f"{aiops}/baseline", baseline(name)) is None
    write(house, f"{aiops}/baseline", baseline(f"{name}_2", enable=False))
    listed = read(house, f"{aiops}/baseline?offset=1&limit=1&order_by=name")
    assert (listed["total"], [each["name"] for each in listed["baselines"]]) == (2, [name])
    assert (listed["baselines"][0]["sla_hour"], listed["baselines"][0]["owner_id"]) == (8, user_id(house, "admin"))
    assert [each["name"] for each in read(house, f"{aiops}/baseline?enable=true&priority=3")["baselines"]] == [name]
    now = int(time.time() * 1000)
    kept = {"baseline_name": name, "status": "SAFE", "instance_id": name, "start_time": now, "priority": 3}
    store(house, Kind.BASELINE_INSTANCE, kept)
    found = read(house, f"{aiops}/baselineinstance?status=SAFE&baseline_name={name}")
    assert (found["total"], found["baseline_instances"][0]["baseline_name"]) == (1, name)
    event = {"name": name, "status": "PROCESSING", "type": "ERROR", "happen_time": now, "task_name": "job"}
    number = store(house, Kind.BASELINE_EVENT, event)
    found = read(house, f"{aiops}/event?status=PROCESSING&name={name}")
    assert found == {"total": 1, "events": [{**event, "id": number}]}


@pytest.mark.parametrize(
    "change",
    [
        {"priority": 6},
        {"sla_task_ids": []},
        {"sla_hour": None},
        {"type": "HOUR"},
        {"type": "HOUR", "period": [{"period_num": 25, "period_time": "00:59"}]},
        {"type": "HOUR", "period": [{"period_num": 1, "period_time": "24:59"}]},
        {"smn_topics": [{"max_send_times": 51}]},
        {"event_alarm": ["NO"]},
        {"workspace_id": "another"},
    ],
)
def test_a_wrong_baseline_is_refused(house: House, name: str, refused: Refused, change: dict[str, Any]) -> None:
    refused("DLF.3051", "POST", f"{FACTORY}/aiops/{name}/baseline", baseline(name, **change))


def test_a_baseline_needs_an_owner_that_exists(name: str, refused: Refused) -> None:
    refused("DLF.21203", "POST", f"{FACTORY}/aiops/x/baseline", baseline(name, owner_name="nobody"))


def test_planned_instances_know_what_they_depend_on(house: House, name: str) -> None:
    def cron(*names: str) -> dict[str, Any]:
        depend = {"dependJobs": {"jobs": list(names)}} if names else {}
        more = {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?", **depend}
        return {"type": "CRON", "cron": more}

    house.save_job(f"{name}_a", schedule=cron())
    house.save_job(f"{name}_b", schedule=cron(f"{name}_a"))
    house.save_job(f"{name}_c", schedule=cron(f"{name}_b"))
    plan_ms = int(time.time() * 1000) - 60_000
    ids: dict[str, int] = {}
    jobs: dict[str, int] = {}
    for letter, above in (("a", ""), ("b", "a"), ("c", "b")):
        assert house.call("POST", f"jobs/{name}_{letter}/start").status_code == 204
        job_id = jobs[letter] = house.call("GET", f"jobs/{name}_{letter}").json()["id"]
        conditions: tuple[Upstream, ...] = ()
        if above:
            window = {"from_ms": plan_ms, "to_ms": plan_ms + 1}
            conditions = (Upstream(job_id=jobs[above], job_name=f"{name}_{above}", **window),)
        instance = Instance(
            id=house.store.next_id(),
            project_id=PROJECT,
            workspace_id=place(house).workspace_id,
            job_id=job_id,
            job_name=f"{name}_{letter}",
            job_version=1,
            instance_type=InstanceType.NORMAL,
            plan_time_ms=plan_ms,
            submit_time_ms=plan_ms,
            time_zone="UTC",
            gate=Gate(conditions=conditions),
        )
        [row] = house.run(house.store.get_schedules([job_id]))
        share = PlanShare(
            job_id=job_id,
            before_ms=row.cursor_ms,
            cursor_ms=row.cursor_ms,
            next_ms=row.next_ms,
            instances=(instance,),
        )
        house.run(house.store.plan([share], owner=None))
        ids[letter] = instance.id

    def found(letter: str, query: str = "") -> dict[int, list[int]]:
        reply = read(house, f"instances/{ids[letter]}/depend-instances{query}")
        assert reply["total"] == len(reply["depend_instances_info"])
        return {each["id"]: each["parent_instance_ids"] for each in reply["depend_instances_info"]}

    assert found("b") == {ids["a"]: [], ids["c"]: [ids["b"]]}
    assert found("c", "?relation=parent") == {ids["b"]: [ids["a"]]}
    assert set(found("c", "?relation=parent&depth=2&latest=false")) == {ids["a"], ids["b"]}
    assert found("a", "?relation=parent") == {}
