"""Webhooks: who may make them, what a delivery must prove, and that one delivery starts one run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.house import House, close_house, open_house

from arkwright.scheduler.events.webhook import BODY_BYTES, sign, sign_standard


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house, thread = open_house(Path(tmp_path_factory.mktemp("hooks")))
    house.save_job("hooked")
    yield house
    close_house(house, thread)


def made(house: House, **more: Any) -> dict[str, Any]:
    reply = house.call("POST", "hooks", {"jobName": "hooked", **more})
    assert reply.status_code == 200, reply.text
    hook: dict[str, Any] = reply.json()
    return hook


def deliver(house: House, hook: dict[str, Any], body: bytes = b"{}", **headers: str) -> Any:
    return house.call("POST", f"hooks/{hook['id']}", content=body, role=None, headers=headers)


def signed(hook: dict[str, Any], body: bytes, delivery: str, *, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    return {
        "X-Arkwright-Timestamp": timestamp,
        "X-Arkwright-Delivery": delivery,
        "X-Arkwright-Signature": sign(hook["secret"], timestamp=timestamp, delivery=delivery, body=body),
    }


def event_of(house: House, instance_id: int) -> str | None:
    instance = house.run(house.store.load_instance(instance_id))
    assert instance is not None
    return instance.event_data


def test_a_signed_delivery_starts_a_run_that_sees_its_body(house: House) -> None:
    hook = made(house)
    body = '{"order": "ä"}'.encode()
    reply = deliver(house, hook, body, **signed(hook, body, "d1"))
    assert reply.status_code == 202, reply.text
    assert not reply.json()["replayed"]
    assert event_of(house, reply.json()["instanceId"]) == '{"order": "ä"}'


def test_one_delivery_id_starts_one_run_and_another_body_under_it_is_a_conflict(house: House) -> None:
    hook = made(house)
    first = deliver(house, hook, b"1", **signed(hook, b"1", "same"))
    again = deliver(house, hook, b"1", **signed(hook, b"1", "same"))
    assert again.json() == {"instanceId": first.json()["instanceId"], "replayed": True}
    other = deliver(house, hook, b"2", **signed(hook, b"2", "same"))
    assert other.status_code == 400, other.text
    assert "another request" in other.json()["error_msg"]


def test_a_signed_delivery_can_not_be_cut_elsewhere_and_sent_again(house: House) -> None:
    """What is signed has dots between its parts, so a dot more or less in the delivery's id would be another run."""
    hook = made(house)
    body = b'{"price":1.5}'
    given = signed(hook, body, "d1")
    assert deliver(house, hook, body, **given).status_code == 202
    assert deliver(house, hook, b"5}", **given | {"X-Arkwright-Delivery": 'd1.{"price":1'}).status_code == 401
    now = str(int(time.time()))
    sign_ = sign_standard(hook["secret"], timestamp=now, delivery="msg", body=now.encode() + b".x")
    headers = {"webhook-id": f"msg.{now}", "webhook-timestamp": now, "webhook-signature": sign_}
    assert deliver(house, hook, b"x", **headers).status_code == 401


@pytest.mark.parametrize(
    "spoil",
    [
        lambda given: given | {"X-Arkwright-Signature": "v1=" + "0" * 64},
        lambda given: given | {"X-Arkwright-Delivery": "another"},
        lambda given: given | {"X-Arkwright-Timestamp": str(int(time.time()) + 1)},
        lambda given: given | {"X-Arkwright-Timestamp": "now"},
        lambda given: {key: value for key, value in given.items() if "Signature" not in key},
        lambda given: {},
    ],
)
def test_what_does_not_prove_the_secret_is_refused_without_a_word_why(house: House, spoil: Any) -> None:
    hook = made(house)
    reply = deliver(house, hook, b"x", **spoil(signed(hook, b"x", "d")))
    unknown = deliver(house, {"id": "0" * 24}, b"x", **signed(hook, b"x", "d"))
    assert reply.status_code == unknown.status_code == 401
    assert reply.json()["error_msg"] == unknown.json()["error_msg"]
    assert house.run(house.store.trigger_runs(trigger_of(house, hook))) == []


def trigger_of(house: House, hook: dict[str, Any]) -> int:
    (found,) = house.run(house.store.list_triggers(slot=f"hook:{hook['id']}"))
    return int(found.id)


def test_a_changed_body_is_refused(house: House) -> None:
    hook = made(house)
    assert deliver(house, hook, b"y", **signed(hook, b"x", "d")).status_code == 401


@pytest.mark.parametrize("off", [-301, 301])
def test_an_old_or_early_timestamp_is_refused(house: House, off: int) -> None:
    hook = made(house)
    reply = deliver(house, hook, b"x", **signed(hook, b"x", "d", at=time.time() + off + (2 if off > 0 else -2)))
    assert reply.status_code == 401


def test_a_bearer_secret_will_do_where_the_hook_says_so(house: House) -> None:
    hook = made(house, authentication="bearer")
    assert deliver(house, hook, Authorization=f"Bearer {hook['secret']}").status_code == 202
    assert deliver(house, hook, Authorization="Bearer whsec_wrong").status_code == 401
    assert deliver(house, hook, b"x", **signed(hook, b"x", "d")).status_code == 401
    strict = made(house)
    assert deliver(house, strict, Authorization=f"Bearer {strict['secret']}").status_code == 401


def test_the_example_of_standard_webhooks_is_signed_as_its_authors_did() -> None:
    body = b'{"event_type":"ping","data":{"success":true}}'
    signed = sign_standard(
        "whsec_plJ3nmyCDGBKInavdOK15jsl", timestamp="1731705121", delivery="msg_loFOjxBNrRLzqYUf", body=body
    )
    assert signed == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_a_sender_of_standard_webhooks_is_understood(house: House) -> None:
    hook = made(house)
    now = str(int(time.time()))
    good = sign_standard(hook["secret"], timestamp=now, delivery="msg_1", body=b"x")
    headers = {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": f"v1,AAAA {good}"}
    assert deliver(house, hook, b"x", **headers).status_code == 202
    assert deliver(house, hook, b"x", **headers).json()["replayed"]
    assert deliver(house, hook, b"x", **headers | {"webhook-id": "msg_2"}).status_code == 401
    assert deliver(house, hook, b"y", **headers).status_code == 401


def test_the_secret_is_told_once_and_lies_sealed_in_the_store(house: House) -> None:
    hook = made(house)
    shown = house.call("GET", f"hooks/{hook['id']}").json()
    assert "secret" not in shown
    assert shown["url"].endswith(f"/hooks/{hook['id']}")
    assert all("secret" not in each for each in house.call("GET", "hooks?jobName=hooked").json()["hooks"])
    (stored,) = house.run(house.store.list_triggers(slot=f"hook:{hook['id']}"))
    assert hook["secret"] not in str(stored.body)


def test_after_a_rotation_both_secrets_are_taken_as_long_as_was_said(house: House) -> None:
    hook = made(house, authentication="bearer")
    new = house.call("POST", f"hooks/{hook['id']}/rotate", {"keepSeconds": 60}).json()["secret"]
    assert deliver(house, hook, Authorization=f"Bearer {hook['secret']}").status_code == 202
    assert deliver(house, hook, Authorization=f"Bearer {new}").status_code == 202
    newest = house.call("POST", f"hooks/{hook['id']}/rotate", {"keepSeconds": 0}).json()["secret"]
    assert deliver(house, hook, Authorization=f"Bearer {new}").status_code == 401
    assert deliver(house, hook, Authorization=f"Bearer {newest}").status_code == 202


def test_a_disabled_hook_starts_nothing_and_a_deleted_one_is_unknown(house: House) -> None:
    hook = made(house, authentication="bearer")
    secret = {"Authorization": f"Bearer {hook['secret']}"}
    assert house.call("PUT", f"hooks/{hook['id']}", {"enabled": False}).json()["enabled"] is False
    refused = deliver(house, hook, **secret)
    assert refused.status_code == 400
    assert "disabled" in refused.text
    house.call("PUT", f"hooks/{hook['id']}", {"enabled": True})
    assert deliver(house, hook, **secret).status_code == 202
    assert house.call("DELETE", f"hooks/{hook['id']}").status_code == 204
    assert deliver(house, hook, **secret).status_code == 401


def test_no_more_runs_at_once_than_allowed(house: House) -> None:
    hook = made(house, authentication="bearer", concurrent=1)
    secret = {"Authorization": f"Bearer {hook['secret']}"}
    assert deliver(house, hook, **secret).status_code == 202  # nothing runs here, so it stays under way
    reply = deliver(house, hook, **secret)
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) > 0


def test_a_body_that_is_too_large_is_refused(house: House) -> None:
    hook = made(house, authentication="bearer")
    reply = deliver(house, hook, b"x" * (BODY_BYTES + 1), Authorization=f"Bearer {hook['secret']}")
    assert reply.status_code == 413


def test_a_hook_of_another_project_is_unknown_there(house: House) -> None:
    hook = made(house, authentication="bearer")
    reply = house.call(
        "POST",
        f"hooks/{hook['id']}",
        content=b"",
        role=None,
        project="f" * 32,
        headers={"Authorization": f"Bearer {hook['secret']}"},
    )
    assert reply.status_code == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "jobName"),
        ({"jobName": "nope"}, "does not exists"),
        ({"jobName": "hooked", "authentication": "none"}, "authentication"),
        ({"jobName": "hooked", "concurrent": 129}, "concurrent"),
    ],
)
def test_a_hook_that_can_not_be_made_says_why(house: House, body: dict[str, Any], words: str) -> None:
    reply = house.call("POST", "hooks", body)
    assert reply.status_code == 400
    assert words in reply.text


def test_changes_are_audited_and_deliveries_are_not(house: House) -> None:
    hook = made(house, authentication="bearer")
    deliver(house, hook, Authorization=f"Bearer {hook['secret']}")
    house.call("POST", f"hooks/{hook['id']}/rotate", {})
    reply = house.call("GET", "audit?limit=100").text
    assert "rotateHook" in reply
    assert hook["id"] in reply
    assert "deliverHook" not in reply
    assert hook["secret"] not in reply


def test_a_deleted_job_has_no_hooks(house: House) -> None:
    house.save_job("gone")
    hook = house.call("POST", "hooks", {"jobName": "gone", "authentication": "bearer"}).json()
    assert house.call("DELETE", "jobs/gone").status_code == 204
    assert deliver(house, hook, Authorization=f"Bearer {hook['secret']}").status_code == 401
