"""One Idempotency-Key, one change: on every POST that creates something, over restarts too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from tests.api.house import JOB, PROJECT, SCRIPT, House, close_house, open_house
from tests.api.server import running_server
from tests.servers.database import ON_POSTGRES, changed, contents, looked_up

from arkwright.api.route import Access
from arkwright.api.routes import ROUTES

Refused = Callable[..., dict[str, Any]]


def key(word: str) -> dict[str, str | bytes]:
    return {"Idempotency-Key": word}


def resource(name: str) -> dict[str, Any]:
    return {"name": name, "type": "file", "location": "obs://bucket/x.txt"}


def test_a_repeat_is_answered_as_the_first_call_and_makes_nothing_new(house: House, name: str) -> None:
    first = house.call("POST", "resources", resource(name), headers=key(name))
    again = house.call("POST", "resources", resource(name), headers=key(name))
    assert first.status_code == 200
    assert (again.status_code, again.json()) == (200, first.json())
    assert house.call("GET", f"resources?resourceName={name}").json()["total"] == 1


def test_a_repeat_of_a_call_without_an_answer_has_none_either(house: House, name: str) -> None:
    for _ in range(3):
        reply = house.call("POST", "jobs", {**JOB, "name": name}, headers=key(name))
        assert (reply.status_code, reply.content) == (204, b"")


def test_the_same_request_may_be_written_in_another_order(house: House, name: str) -> None:
    given = {**SCRIPT, "name": name}
    assert house.call("POST", "scripts", given, headers=key(name)).status_code == 204
    turned = dict(reversed(list(given.items())))
    assert house.call("POST", "scripts", turned, headers=key(name)).status_code == 204


def test_one_key_with_another_body_is_refused(house: House, name: str, refused: Refused) -> None:
    assert house.call("POST", "jobs", {**JOB, "name": name}, headers=key(name)).status_code == 204
    error = refused("DLF.3051", "POST", "jobs", {**JOB, "name": f"{name}_2"}, headers=key(name))
    assert "Take a new key" in error["error_msg"]
    assert house.call("GET", f"jobs/{name}_2").status_code == 400


def test_a_key_belongs_to_its_user_and_its_route(house: House, name: str) -> None:
    assert house.call("POST", "scripts", {**SCRIPT, "name": name}, headers=key(name)).status_code == 204
    assert house.call("POST", "resources", resource(name), headers=key(name)).status_code == 200
    other = {**SCRIPT, "name": f"{name}_2"}
    assert house.call("POST", "scripts", other, headers=key(name), role="developer").status_code == 204


def test_what_was_refused_is_tried_anew(house: House, name: str, refused: Refused) -> None:
    refused("DLF.6201", "POST", f"scripts/{name}/execute", {}, headers=key(name))
    refused("DLF.6247", "POST", "scripts", {"name": name, "content": ""}, headers=key(name))
    assert house.call("POST", "scripts", {**SCRIPT, "name": name}, headers=key(name)).status_code == 204
    refused("DLF.0202", "POST", "scripts", {**SCRIPT, "name": name}, headers=key(f"{name}_2"))
    assert house.call("DELETE", f"scripts/{name}").status_code == 204
    assert house.call("POST", "scripts", {**SCRIPT, "name": name}, headers=key(f"{name}_2")).status_code == 204


def test_a_script_is_executed_once_per_key(house: House, name: str, refused: Refused) -> None:
    assert house.call("POST", "scripts", {**SCRIPT, "name": name}).status_code == 204
    first = house.call("POST", f"scripts/{name}/execute", {"params": {"a": "1"}}, headers=key(name)).json()
    assert house.call("POST", f"scripts/{name}/execute", {"params": {"a": "1"}}, headers=key(name)).json() == first
    refused("DLF.3051", "POST", f"scripts/{name}/execute", {"params": {"a": "2"}}, headers=key(name))


def test_a_key_that_is_none_is_refused(house: House, name: str, refused: Refused) -> None:
    for word in (b"", b"with space", "ü".encode(), b"x" * 256):
        error = refused("DLF.3051", "POST", "jobs", {**JOB, "name": name}, headers={"Idempotency-Key": word})
        assert "Idempotency-Key" in error["error_msg"]


def test_a_kept_password_is_in_no_table_as_it_is(house: House, name: str) -> None:
    made = house.call("POST", "users", {"name": name}, headers=key(name)).json()
    assert house.call("POST", "users", {"name": name}, headers=key(name)).json() == made
    held = contents(house.place)
    assert name.encode() in held
    assert made["password"].encode() not in held


def test_calls_at_the_same_time_under_one_key_make_one(house: House, name: str) -> None:
    async def together() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(house.application)
        headers = {"X-Auth-Token": house.tokens["administrator"], "Idempotency-Key": name}
        async with httpx2.AsyncClient(transport=transport, base_url="http://arkwright.test") as client:
            path = f"/v1/{PROJECT}/resources"
            return await asyncio.gather(*(client.post(path, json=resource(name), headers=headers) for _ in range(8)))

    replies = house.run(together())
    assert {each.status_code for each in replies} == {200}
    assert len({each.text for each in replies}) == 1


def test_a_repeat_is_recorded_in_the_audit_once(house: House, name: str) -> None:
    for _ in range(3):
        house.call("POST", "jobs", {**JOB, "name": name}, headers=key(name))
    records = house.call("GET", f"audit?object={name}").json()["records"]
    assert [each["outcome"] for each in records] == ["success"]


def test_a_key_outlives_the_server(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        first = server.client.post("resources", json=resource("kept"), headers={"Idempotency-Key": "k"}).json()
    with running_server(tmp_path / "data") as server:
        again = server.client.post("resources", json=resource("kept"), headers={"Idempotency-Key": "k"})
        assert again.json() == first


def test_after_a_kill_between_change_and_answer_nothing_is_done_twice(tmp_path: Path) -> None:
    house, thread = open_house(tmp_path)
    assert house.call("POST", "jobs", {**JOB, "name": "done"}, headers=key("k")).status_code == 204
    assert house.call("POST", "resources", resource("done"), headers=key("k")).status_code == 200
    # What a kill in between leaves: the promise, which is written with the change, and no answer.
    assert looked_up(house.place, "SELECT count(*) FROM answer") == [(2,)]
    kind = "bytea" if ON_POSTGRES else "blob"
    changed(house.place, f"UPDATE answer SET status = 0, sealed_body = CAST('' AS {kind})")
    again = house.call("POST", "jobs", {**JOB, "name": "done"}, headers=key("k"))
    assert (again.status_code, again.content) == (204, b"")
    unknown = house.call("POST", "resources", resource("done"), headers=key("k"))
    assert unknown.status_code == 400
    assert "not done a second time" in unknown.json()["error_msg"]
    assert house.call("GET", "resources").json()["total"] == 1
    close_house(house, thread)


# How the table of the audit refuses each row, and how it takes them again.
REFUSE = (
    "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'broken'); END",
    "DROP TRIGGER broken",
)
REFUSE_ON_POSTGRES = (
    "ALTER TABLE audit ADD CONSTRAINT broken CHECK (false) NOT VALID",
    "ALTER TABLE audit DROP CONSTRAINT broken",
)


def test_the_promise_is_written_with_the_change(tmp_path: Path) -> None:
    """The audit fails, as if the server had been killed behind the change: the promise is there all the same."""
    house, thread = open_house(tmp_path)
    refuse, accept = REFUSE_ON_POSTGRES if ON_POSTGRES else REFUSE
    changed(house.place, refuse)
    assert house.call("POST", "jobs", {**JOB, "name": "done"}, headers=key("k")).status_code >= 400
    assert looked_up(house.place, "SELECT status FROM answer") == [(0,)]
    changed(house.place, accept)
    assert house.call("POST", "jobs", {**JOB, "name": "done"}, headers=key("k")).status_code == 204
    assert house.call("GET", "jobs?jobName=done").json()["total"] == 1
    close_house(house, thread)


def test_every_route_that_creates_something_takes_a_key() -> None:
    without = {
        each.operation
        for each in ROUTES
        if each.method == "POST"
        and each.access is not Access.PUBLIC  # log-ins, and hooks, whose senders have ways of their own
        and each.access is not Access.WORKER  # each of them may come twice: the claim's epoch decides
        and not any(parameter.name == "Idempotency-Key" for parameter in each.parameters)
    }
    assert without == {
        "evaluateExpression",
        "exportJob",
        "exportJobList",
        "exportConnections",
        "showFileInfo",
        "listFactoryReleasePackages",
        "debugDataconnection",
    }
