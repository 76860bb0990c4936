"""Topics, alarm rules and notices over the API; the newer API's lists answer what was stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import PROJECT, House

from arkwright.core.alerts import Notice, Remind
from arkwright.store.base import Kind, Place
from arkwright.store.notice_record import NoticeState, Settled

FACTORY = f"/v2/{PROJECT}/factory"
Refused = Callable[..., dict[str, Any]]


def place(house: House) -> Place:
    return Place(project_id=PROJECT, workspace_id=house.directory.workspace(PROJECT, None).id)


def ok(house: House, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
    reply = house.call(method, path, body, **more)
    assert reply.status_code == status, reply.text
    return reply.json() if reply.content else None


@pytest.fixture
def topic(house: House, name: str) -> str:
    ok(house, "POST", "alert-topics", {"name": f"topic_{name}", "kind": "mail", "addresses": ["ops@example.org"]})
    return f"topic_{name}"


def test_a_topic_is_made_changed_and_deleted_and_shows_no_secret(house: House, name: str, refused: Refused) -> None:
    url = "https://hooks.example.org/secret-path"
    made = ok(house, "POST", "alert-topics", {"name": name, "kind": "webhook", "url": url})
    assert made["secret"].startswith("whsec_")
    shown = ok(house, "GET", f"alert-topics/{name}")
    assert shown == {
        "name": name,
        "kind": "webhook",
        "url": "******",
        "secret": "******",
        "target": "https://hooks.example.org/…",
    }
    assert shown in ok(house, "GET", "alert-topics")["topics"]
    stored = house.run(house.store.get_definition(place(house), Kind.ALERT_TOPIC, name))
    assert stored is not None
    before = stored.body["secret"]
    ok(house, "PUT", f"alert-topics/{name}", {**shown, "target": None} | {"url": url + "2"}, status=400)
    shown.pop("target")
    ok(house, "PUT", f"alert-topics/{name}", {**shown, "url": url + "2"}, status=204)
    stored = house.run(house.store.get_definition(place(house), Kind.ALERT_TOPIC, name))
    assert stored is not None
    assert stored.body["secret"] == before
    refused("DLF.3051", "PUT", f"alert-topics/{name}", {**shown, "name": "other"})
    refused("DLF.3051", "POST", "alert-topics", {"name": name, "kind": "webhook", "url": url})
    ok(house, "DELETE", f"alert-topics/{name}", status=204)
    refused("DLF.3051", "GET", f"alert-topics/{name}")


def test_a_rule_is_made_listed_by_both_apis_changed_and_deleted(
    house: House, topic: str, job: str, refused: Refused
) -> None:
    before = ok(house, "GET", f"{FACTORY}/alarm/rules")
    body = {"name": job, "remind_type": 1, "topic_name": topic, "max_send_times": "3", "send_interval": 15}
    made = ok(house, "POST", "alert-rules", body)
    assert (made["rule_name"], made["max_send_times"], made["use_flag"]) == (f"{job}_failure", 3, 1)
    assert made["urn"].endswith(f":{topic}")
    after = ok(house, "GET", f"{FACTORY}/alarm/rules?name={job}")
    assert [each["id"] for each in after["alarm_rules_items_details"]] == [made["id"]]
    assert (after["total"], after["exception_count"]) == (1, before["exception_count"] + 1)
    assert made["id"] in [each["id"] for each in ok(house, "GET", "alert-rules")["rules"]]
    [listed] = ok(house, "GET", f"{FACTORY}/jobs?job_name={job}&need_alarms=true")["jobs"]
    assert listed["alarms"] == [{"alarmType": "1", "topicUrn": made["urn"]}]
    ok(house, "PUT", f"alert-rules/{made['id']}", {**made, "use_flag": 0}, status=204)
    assert ok(house, "GET", f"alert-rules/{made['rule_name']}")["use_flag"] == 0
    assert "hint" in refused("DLF.3051", "DELETE", f"alert-topics/{topic}") or True
    ok(house, "DELETE", f"alert-rules/{made['id']}", status=204)
    ok(house, "DELETE", f"alert-topics/{topic}", status=204)
    refused("DLF.3051", "GET", f"alert-rules/{made['id']}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"remind_type": 7}, "remind_type"),
        ({"remind_type": 101}, "remind_type"),
        ({"remind_type": None}, "remind_type"),
        ({"topic_name": "nobody"}, "topic_name"),
        ({"topic_name": None}, "topic_name"),
        ({"name": "no_such_job"}, "no_such_job"),
        ({"node_name_list": ["no_such_job"]}, "no_such_job"),
        ({"node_name_list": "a"}, "node_name_list"),
        ({"max_send_times": 51}, "max_send_times"),
        ({"send_interval": 4}, "send_interval"),
        ({"complete_time": "06:30"}, "complete_time"),
        ({"remind_type": 12, "complete_time": "25:00"}, "complete_time"),
        ({"remind_type": 0, "max_send_times": 2}, "max_send_times"),
        ({"duty_schedule_id": 3}, "duty_schedule_id"),
        ({"use_flag": 2}, "use_flag"),
        ({"alarm_periods": [{"complete_time": "06:30"}, {"complete_time": "07:30"}]}, "alarm_periods"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_field(
    house: House, topic: str, refused: Refused, change: dict[str, Any], said: str
) -> None:
    error = refused("DLF.3051", "POST", "alert-rules", {"remind_type": 1, "topic_name": topic, **change})
    assert said in error["error_msg"]


def test_notices_are_listed_and_a_dead_one_is_sent_again(house: House, name: str, refused: Refused) -> None:
    now = int(time.time() * 1000)
    notices = {
        key: Notice(
            key=f"{name}.{key}",
            remind=Remind.FAILURE,
            at_ms=now - 1000,
            topic=f"{name}_{key}",
            job_id=7,
            job_name=name,
            instance_id=5,
            instance_type=0,
            plan_time_ms=now - 5000,
            detail="It failed.",
        )
        for key in ("sent", "dead", "waiting")
    }

    async def tell() -> None:
        for key, notice in notices.items():
            await house.store.add_notices(place(house), [(house.store.next_id(), notice)])
            if key == "waiting":
                continue
            batch = await house.store.claim_notices(
                place(house), notice.topic, now_ms=now, lease_until_ms=now + 60_000, limit=9
            )
            state = NoticeState.SENT if key == "sent" else NoticeState.DEAD
            error = "" if key == "sent" else "refused"
            await house.store.settle_notices(
                place(house),
                Settled(ids=[batch[0].id], tries=1, state=state, at_ms=now, due_ms=0, error=error),
            )

    house.run(tell())
    found = [each for each in ok(house, "GET", "alerts")["alerts"] if each.get("jobName") == name]
    assert {each["topic"]: each["state"] for each in found} == {
        f"{name}_sent": "sent",
        f"{name}_dead": "dead",
        f"{name}_waiting": "pending",
    }
    [dead] = [each for each in ok(house, "GET", "alerts?state=dead")["alerts"] if each.get("jobName") == name]
    assert (dead["error"], dead["text"], dead["tries"]) == ("refused", f"Job {name} failed. It failed.", 1)

    records = ok(house, "GET", f"{FACTORY}/alarm-info?start_time={now - 2000}&limit=1000")
    mine = [each for each in records["alarm_info"] if each["job_name"] == name]
    assert sorted(each["send_status"] for each in mine) == [0, 1]  # what waits is no record yet
    assert mine[0] == {
        "alarm_time": now - 1000,
        "job_name": name,
        "schedule_type": 0,
        "send_msg": f"Job {name} failed. It failed.",
        "plan_time": now - 5000,
        "remind_type": 1,
        "send_status": mine[0]["send_status"],
        "job_id": 7,
    }

    ok(house, "POST", f"alerts/{dead['id']}/retry", status=204)
    refused("DLF.3051", "POST", f"alerts/{dead['id']}/retry")
    refused("DLF.3051", "POST", "alerts/1/retry")
    refused("DLF.3051", "POST", "alerts/nobody/retry")
    refused("DLF.3051", "GET", "alerts?state=lost")
    refused("DLF.3051", "GET", f"alerts?from=1&to={now}")


def test_a_test_says_when_nothing_sends(house: House, topic: str, refused: Refused) -> None:
    assert "sends no notices" in refused("DLF.3051", "POST", f"alert-topics/{topic}/test")["error_msg"]


def test_the_settings_of_a_workspace_about_alerts_retention_and_quotas(house: House, refused: Refused) -> None:
    given = {
        "alerts": {"days": 3, "ignoredFailure": "failure", "eachRetry": True},
        "retention": {"instanceDays": 90, "jobs": {"nightly": {"logDays": 7}}},
        "quotas": {"waitingInstances": 10, "storageBytes": 10**12},
    }
    ok(house, "PUT", "workspace-settings", given, status=204)
    assert {name: ok(house, "GET", "workspace-settings")[name] for name in given} == given
    for wrong, field in (
        ({"alerts": {"days": 271}}, "alerts.days"),
        ({"alerts": {"dayz": 1}}, "alerts"),
        ({"alerts": 5}, "alerts"),
        ({"retention": {"logDays": -1}}, "retention.logDays"),
        ({"retention": {"jobs": {"nightly": {"days": 1}}}}, "retention.jobs.nightly"),
        ({"quotas": {"processes": "many"}}, "quotas.processes"),
    ):
        assert field in refused("DLF.3051", "PUT", "workspace-settings", wrong)["error_msg"]
    ok(house, "PUT", "workspace-settings", {"alerts": {}, "retention": {}, "quotas": {}}, status=204)
    assert ok(house, "GET", "workspace-settings")["quotas"] == {}
