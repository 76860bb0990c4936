"""The audit: what is recorded, what is not, and who may read it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.house import PROJECT, House

from arkwright.api.audit import NOT_AUDITED, is_audited
from arkwright.api.route import Access, Route
from arkwright.api.routes import ROUTES
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS

DAY_MS = 24 * 60 * 60 * 1000
CHANGES = [each for each in ROUTES if each.method not in ("GET", "HEAD")]


def records(house: House, query: str = "", **more: Any) -> list[dict[str, Any]]:
    reply = house.call("GET", f"audit?limit=1000&{query}", **more)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["records"]
    return found


def test_a_change_is_recorded_with_who_when_where_what_and_outcome(house: House, name: str) -> None:
    house.save_job(name)
    [record] = records(house, f"object={name}")
    assert record["operation"] == "createJob"
    assert (record["user_name"], record["outcome"], record["object"]) == ("admin", "success", name)
    assert record["workspace_id"] == house.directory.workspace(PROJECT, None).id
    assert record["source"]
    assert record["time"] > 1_700_000_000_000
    assert len(record["request_id"]) == 32


def test_a_record_is_there_when_the_reply_is(house: House, name: str) -> None:
    for number in range(5):
        house.save_job(f"{name}_{number}")
        assert records(house, f"object={name}_{number}")


OPERATED = [
    *((f"{name}", "") for name in OPERATIONS),
    *((f"nodes/only/{name}", "/only") for name in NODE_OPERATIONS),
    ("stop", ""),
    ("restart", ""),
]


@pytest.mark.parametrize(("path", "on"), OPERATED, ids=[path for path, _ in OPERATED])
def test_every_operation_is_recorded_with_who_when_what_and_from_where(
    house: House, name: str, path: str, on: str
) -> None:
    house.save_job(name)
    instance_id = house.call("POST", f"jobs/{name}/run-immediate").json()["instanceId"]
    reply = house.call("POST", f"jobs/{name}/instances/{instance_id}/{path}")
    assert reply.status_code in (204, 400), reply.text
    [record] = records(house, f"object={name}/{instance_id}{on}")
    assert record["outcome"] == ("success" if reply.status_code == 204 else reply.json()["error_code"])
    assert record["operation"]
    assert (record["user_name"], bool(record["source"]), bool(record["time"])) == ("admin", True, True)


def test_refusals_are_recorded_with_their_code(house: House, name: str) -> None:
    house.save_job(name)
    house.call("POST", "jobs", {"name": name})
    house.call("DELETE", f"jobs/{name}", role="viewer")
    found = records(house, f"object={name}&outcome=refused")
    assert [(each["user_name"], each["outcome"]) for each in found] == [
        ("the-viewer", "APIGW.0302"),
        ("admin", "DLF.2014"),
    ]
    assert records(house, f"object={name}&outcome=APIGW.0302&user=the-viewer&operation=deleteJob")
    assert records(house, f"object={name}&outcome=success&user=the-viewer") == []


def test_log_ins_are_recorded_failed_ones_under_the_name_that_was_claimed(house: House) -> None:
    who = {"name": "mallory", "password": "guess", "domain": {"name": "arkwright"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": who}}}}
    house.call("POST", "/v3/auth/tokens", body, role=None)
    [record] = records(house, "installation=true&user=mallory")
    assert (record["operation"], record["outcome"], record["user_id"]) == ("createToken", "APIGW.0301", "")
    assert "guess" not in str(record)


def test_strangers_leave_no_records(house: House) -> None:
    def every() -> int:
        return len(records(house)) + len(records(house, "installation=true"))

    before = every()
    house.call("POST", "jobs", {"name": "x"}, role=None)
    house.call("POST", "jobs", {"name": "x"}, role=None, headers={"X-Auth-Token": "wrong"})
    assert every() == before


def test_reading_and_running_leave_no_records(house: House, name: str) -> None:
    house.save_job(name)
    house.call("GET", f"jobs/{name}")
    house.call("POST", f"jobs/{name}/run-immediate")
    house.call("POST", f"/v2/{PROJECT}/factory/jobs/{name}/run-immediate")
    house.call("POST", f"/v2/{PROJECT}/factory/release-packages", {"key_word": name})
    assert [each["operation"] for each in records(house, f"object={name}")] == ["createJob"]


def test_pages_follow_each_other(house: House, name: str) -> None:
    for _ in range(5):
        house.call("DELETE", f"jobs/{name}")
    seen: list[int] = []
    marker = ""
    for _ in range(3):
        page = house.call("GET", f"audit?object={name}&limit=2&marker={marker}").json()
        seen += [each["id"] for each in page["records"]]
        marker = page["next_marker"]
    assert marker == ""
    assert len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    assert house.call("GET", "audit?marker=x").json()["error_code"] == "DLF.3051"
    assert house.call("GET", f"audit?from=1&to={100 * DAY_MS}").json()["error_code"] == "DLF.3051"
    assert records(house, "from=1000&to=2000") == []


def test_only_administrators_of_the_installation_see_what_is_outside_of_workspaces(house: House) -> None:
    assert house.call("GET", "audit", role="admin").status_code == 200
    assert house.call("GET", "audit?installation=true", role="admin").status_code == 403


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.operation)
def test_every_change_is_audited_unless_it_is_named(route: Route) -> None:
    # What a worker says of an attempt is in the history of its instance.
    assert is_audited(route) is (route.operation not in NOT_AUDITED and route.access is not Access.WORKER)


def test_what_is_not_audited_exists() -> None:
    assert {each.operation for each in CHANGES} >= NOT_AUDITED
