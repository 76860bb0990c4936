"""Run-immediate, to the letter: what is accepted, what is refused, and with which words."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import PROJECT, House

Refused = Callable[..., dict[str, Any]]


def parameter(**changed: Any) -> dict[str, Any]:
    """A body with one parameter; a field given as None is left out."""
    entry = {"name": "aaa", "value": "111", **changed}
    return {"jobParams": [{key: value for key, value in entry.items() if value is not None}]}


def parameters_of(house: House, instance_id: int) -> dict[str, str]:
    instance = house.run(house.store.load_instance(instance_id))
    assert instance is not None
    return dict(instance.parameters)


def test_the_documents_example_is_answered_as_documented(house: House, job: str) -> None:
    body = {"jobParams": [{"name": "aaa", "value": "111"}, {"name": "bbb", "value": "222"}]}
    reply = house.call("POST", f"jobs/{job}/run-immediate", body)
    assert reply.status_code == 200
    assert list(reply.json()) == ["instanceId"]
    assert type(reply.json()["instanceId"]) is int
    assert reply.headers["Content-Type"] == "application/json"
    assert len(reply.headers["X-Request-Id"]) == 32
    assert parameters_of(house, reply.json()["instanceId"]) == {"aaa": "111", "bbb": "222"}


def test_the_instance_is_stored_as_a_manual_run_planned_for_now(house: House, job: str) -> None:
    instance_id = house.call("POST", f"jobs/{job}/run-immediate").json()["instanceId"]
    instance = house.run(house.store.load_instance(instance_id))
    assert instance is not None
    assert instance.instance_type == 2
    assert instance.plan_time_ms == instance.submit_time_ms
    assert (instance.job_name, instance.job_version, instance.created_by) == (job, 1, "admin")
    assert instance.time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"", "application/json"),
        (b"", "text/plain"),
        (b"", "application/octet-stream"),
        (b" \r\n", None),
        (b"{}", None),
        (b"{}", "application/json"),
        (b"{}", "application/json;charset=UTF-8"),
        (b"{}", "APPLICATION/JSON"),
        (b'{"jobParams":null}', None),
        (b'{"jobParams":[]}', None),
        (b'{"unknown":[1,{"x":null}]}', None),
    ],
)
def test_a_body_is_optional_and_so_is_its_type(house: House, job: str, body: bytes, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = house.call("POST", f"jobs/{job}/run-immediate", content=body, headers=headers)
    assert reply.status_code == 200, reply.text
    assert parameters_of(house, reply.json()["instanceId"]) == {}


@pytest.mark.parametrize(
    "body",
    [
        parameter(),
        parameter(paramType="variable"),
        parameter(paramType="constants"),
        parameter(type="variable"),
        parameter(type="constants", paramType="constants"),
        parameter(value=""),
        parameter(value="x" * 1024),
        parameter(value="ü" * 1024),
        parameter(value="\x00 \u2028 \U0001f600"),
        parameter(name="x" * 64),
        parameter(name="A-b_c.9"),
        parameter(masked=True),
        {"jobParams": [{"name": "a", "value": "1"}, {"name": "A", "value": "2"}]},
        {"useExecutionUser": "false"},
        {"useExecutionUser": False},
        {"useExecutionUser": None},
        {"job_path": "/"},
        {"job_path": ""},
        {"job_path": None},
    ],
    ids=repr,
)
def test_is_accepted(house: House, job: str, body: dict[str, Any]) -> None:
    reply = house.call("POST", f"jobs/{job}/run-immediate", body)
    assert reply.status_code == 200, reply.text
    wanted = {each["name"]: each["value"] for each in body.get("jobParams", ())}
    assert parameters_of(house, reply.json()["instanceId"]) == wanted


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"jobParams": {}}, ["jobParams", "list"]),
        ({"jobParams": "aaa=111"}, ["jobParams", "list"]),
        ({"jobParams": [1]}, ["jobParams[0]", "object"]),
        ({"jobParams": [None]}, ["jobParams[0]", "object", "not null."]),
        (parameter(name=None), ["jobParams[0].name", "missing"]),
        (parameter(name=""), ["jobParams[0].name", "1 to 64"]),
        (parameter(name=7), ["jobParams[0].name", "text"]),
        (parameter(name="x" * 65), ["jobParams[0].name", "64", "65"]),
        (parameter(name="a b"), ["jobParams[0].name", "letters"]),
        (parameter(name="a\n"), ["jobParams[0].name", "letters"]),
        (parameter(name="ä"), ["jobParams[0].name", "letters"]),
        (parameter(value=None), ["jobParams[0].value", "missing"]),
        (parameter(value=111), ["jobParams[0].value", "text", '"111"']),
        (parameter(value=True), ["jobParams[0].value", "text"]),
        (parameter(value=["111"]), ["jobParams[0].value", "text"]),
        (parameter(value="x" * 1025), ["jobParams[0].value", "1024", "1025"]),
        (parameter(paramType="string"), ["jobParams[0].paramType", "variable or constants"]),
        (parameter(paramType=True), ["jobParams[0].paramType", "not true."]),
        (parameter(paramType=1), ["jobParams[0].paramType", "variable or constants"]),
        (parameter(type=""), ["jobParams[0].type", "variable or constants"]),
        (parameter(type="variable", paramType="constants"), ["paramType", "type", "differ"]),
        (
            {"jobParams": [{"name": "a", "value": "1"}, {"name": "b", "value": "1"}, {"name": "a", "value": "1"}]},
            ["jobParams[2].name", "'a'", "twice"],
        ),
        ({"useExecutionUser": "true"}, ["useExecutionUser", "do not exist here yet"]),
        ({"useExecutionUser": True}, ["useExecutionUser", "do not exist here yet"]),
        ({"useExecutionUser": "maybe"}, ["useExecutionUser", '"true" or "false"']),
        ({"useExecutionUser": 1}, ["useExecutionUser", '"true" or "false"']),
        ({"job_path": 7}, ["job_path", "text"]),
        ({"job_path": "/a/../b"}, ["job_path", "path"]),
    ],
    ids=lambda each: repr(each) if isinstance(each, dict) else None,
)
def test_is_refused_with_the_field_and_the_rule(refused: Refused, job: str, body: Any, words: list[str]) -> None:
    error = refused("DLF.3051", "POST", f"jobs/{job}/run-immediate", body)
    for word in words:
        assert word in error["error_msg"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"jobParams"',
        b"1",
        b"null",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'"\xed\xa0\x80"',
        b'{"a":"\\ud800"}',
        b'{"a":"\\ud800x"}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"[" * 200_000,
        b'{"a":NaN}',
        b"{}{}",
        b"\x00",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_json_object_is_refused(refused: Refused, job: str, body: bytes) -> None:
    error = refused("DLF.3051", "POST", f"jobs/{job}/run-immediate", content=body)
    assert "body" in error["error_msg"]


@pytest.mark.parametrize("media", ["application/octet-stream", "text/plain", "application/x-www-form-urlencoded", "x"])
def test_a_body_of_another_type_is_refused_with_the_way_out(refused: Refused, job: str, media: str) -> None:
    headers = {"Content-Type": media}
    error = refused("DLF.3051", "POST", f"jobs/{job}/run-immediate", content=b"{}", headers=headers)
    assert "application/json" in error["error_msg"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xef\xbb\xbf{}", ["byte order mark", "UTF-8"]),
        ("{}".encode("utf-16"), ["UTF-16", "send UTF-8"]),
        ("{}".encode("utf-16-le"), ["UTF-16", "send UTF-8"]),
        (gzip.compress(b"{}", mtime=0), ["compressed"]),
        (b'{"a":"\xfc"}', ["not valid UTF-8", "Send one JSON object"]),
        (b'{"a":"\\ud83d"}', ["\\ud83d", "stands alone"]),
        (b"{'a':1}", ["object keys", "Send one JSON object"]),
        (b"[1]", ["must be a JSON object", '{"name": value}']),
        (b'{"a":' + b"[" * 5000, ["nested too deeply", "flatter"]),
    ],
    ids=lambda each: repr(each[:12]) if isinstance(each, bytes) else None,
)
def test_a_body_that_can_not_be_read_is_told_the_way_out(
    refused: Refused, job: str, body: bytes, words: list[str]
) -> None:
    error = refused("DLF.3051", "POST", f"jobs/{job}/run-immediate", content=body)
    for word in words:
        assert word in error["error_msg"]


def test_a_compressed_body_is_refused_by_its_header(house: House, refused: Refused, job: str) -> None:
    path, content = f"jobs/{job}/run-immediate", gzip.compress(b"{}")
    error = refused("DLF.3051", "POST", path, content=content, headers={"Content-Encoding": "gzip"})
    assert "Content-Encoding 'gzip'" in error["error_msg"]
    assert "without compression" in error["error_msg"]
    assert house.call("POST", path, content=b"{}", headers={"Content-Encoding": "identity"}).status_code == 200


def test_an_encoded_slash_is_no_border_between_segments(house: House, refused: Refused, job: str) -> None:
    refused("APIGW.0101", "POST", f"jobs%2F{job}/run-immediate", status=404)
    encoded = "".join(f"%{ord(each):02x}" for each in job)
    assert house.call("POST", f"jobs/{encoded}/run-immediate").status_code == 200


def test_an_unknown_job_is_answered_in_the_documents_words(refused: Refused) -> None:
    error = refused("DLF.0100", "POST", "jobs/nobody/run-immediate", parameter())
    assert error["error_msg"] == "The job does not exists."
    assert "nobody" in error["hint"]


def test_a_job_that_was_never_submitted_says_so_in_the_hint(house: House, refused: Refused, name: str) -> None:
    house.save_job(name, targetStatus="SAVED")
    error = refused("DLF.0100", "POST", f"jobs/{name}/run-immediate")
    assert error["error_msg"] == "The job does not exists."
    assert "submitted" in error["hint"]


def test_an_unknown_workspace_is_refused_and_an_empty_one_is_the_default(
    house: House, refused: Refused, job: str
) -> None:
    path = f"jobs/{job}/run-immediate"
    refused("DLF.0819", "POST", path, headers={"workspace": "f" * 32})
    default = house.directory.workspace(PROJECT, None).id
    for given in ("", default):
        assert house.call("POST", path, headers={"workspace": given}).status_code == 200


def test_a_missing_or_wrong_credential_is_refused(refused: Refused, job: str) -> None:
    path = f"jobs/{job}/run-immediate"
    refused("APIGW.0301", "POST", path, status=401, role=None)
    refused("APIGW.0301", "POST", path, status=401, role=None, headers={"X-Auth-Token": "wrong"})
    refused("APIGW.0301", "POST", path, status=401, role=None, headers={"Authorization": "SDK-HMAC-SHA256 nonsense"})


def test_another_projects_path_is_forbidden(refused: Refused, job: str) -> None:
    error = refused("APIGW.0302", "POST", f"jobs/{job}/run-immediate", status=403, project="f" * 32)
    assert "project" in error["error_msg"]


@pytest.mark.parametrize("role", ["viewer", "deployer", "stranger"])
def test_who_may_not_operate_jobs_is_forbidden(refused: Refused, job: str, role: str) -> None:
    refused("APIGW.0302", "POST", f"jobs/{job}/run-immediate", status=403, role=role)


def test_the_jobs_path_must_be_its_directory_in_body_and_query(house: House, refused: Refused, name: str) -> None:
    house.save_job(name, directory="/layer1/layer2/")
    path = f"jobs/{name}/run-immediate"
    assert house.call("POST", f"{path}?job_path=/layer1/layer2").status_code == 200
    assert house.call("POST", path, {"job_path": "/layer1/layer2/"}).status_code == 200
    assert house.call("POST", f"{path}?job_path=layer1/layer2", {"job_path": "/layer1/layer2"}).status_code == 200
    for elsewhere in ("/layer1", "/"):
        error = refused("DLF.0100", "POST", f"{path}?job_path={elsewhere}")
        assert "/layer1/layer2" in error["hint"]
    error = refused("DLF.3051", "POST", f"{path}?job_path=/a", {"job_path": "/b"})
    assert "differ" in error["error_msg"]


def test_the_query_may_repeat_and_hold_unknown_names(house: House, job: str) -> None:
    reply = house.call("POST", f"jobs/{job}/run-immediate?a=1&a=2&%ff=%ff&job_path=/x&job_path=/")
    assert reply.status_code == 200, reply.text


# ---------------------------------------------------------------- idempotency


def test_one_key_makes_one_instance(house: House, job: str) -> None:
    def run(key: str, body: Any = None, **more: Any) -> Any:
        return house.call("POST", f"jobs/{job}/run-immediate", body, headers={"Idempotency-Key": key}, **more).json()

    first = run("key", parameter())
    assert run("key", parameter()) == first
    assert run("key", {**parameter(), "unknown": 1, "useExecutionUser": "false"}) == first
    assert run("another", parameter()) != first
    assert run("key", parameter(), role="developer") != first


def test_the_order_of_the_parameters_does_not_make_another_request(house: House, job: str) -> None:
    entries = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    replies = [
        house.call("POST", f"jobs/{job}/run-immediate", {"jobParams": each}, headers={"Idempotency-Key": "order"})
        for each in (entries, entries[::-1])
    ]
    assert replies[0].json() == replies[1].json()


def test_one_key_for_two_requests_is_refused(house: House, refused: Refused, job: str) -> None:
    path, headers = f"jobs/{job}/run-immediate", {"Idempotency-Key": "two"}
    assert house.call("POST", path, parameter(), headers=headers).status_code == 200
    for other in (None, parameter(value="112"), parameter(name="aab"), parameter(type="constants")):
        error = refused("DLF.3051", "POST", path, other, headers=headers)
        assert "key 'two' was used with another request" in error["error_msg"]


def test_a_repeat_is_answered_also_when_the_job_is_gone(house: House, refused: Refused, job: str) -> None:
    path, headers = f"jobs/{job}/run-immediate", {"Idempotency-Key": "lasting"}
    first = house.call("POST", path, parameter(), headers=headers)
    assert first.status_code == 200
    assert house.call("DELETE", f"jobs/{job}").status_code == 204
    assert house.call("POST", path, parameter(), headers=headers).json() == first.json()
    refused("DLF.3051", "POST", path, parameter(value="112"), headers=headers)
    refused("DLF.0100", "POST", path, parameter(), headers={"Idempotency-Key": "fresh"})


def test_a_key_is_for_one_job_in_one_workspace(house: House, job: str) -> None:
    other = f"{job}_other"
    house.save_job(other)
    headers = {"Idempotency-Key": "same"}
    replies = [house.call("POST", f"jobs/{each}/run-immediate", headers=headers) for each in (job, other)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json() != replies[1].json()


def test_a_key_is_for_one_route(house: House, job: str) -> None:
    headers = {"Idempotency-Key": "route"}
    older, newer = (
        house.call("POST", path, headers=headers).json()["instanceId"]
        for path in [f"jobs/{job}/run-immediate", f"/v2/{PROJECT}/factory/jobs/{job}/run-immediate"]
    )
    assert older != newer


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\t", "schlüssel"])
def test_a_key_that_is_none_is_refused(refused: Refused, job: str, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    refused("DLF.3051", "POST", f"jobs/{job}/run-immediate", headers=headers)


# ---------------------------------------------------------------- waiting


@pytest.mark.parametrize("wait", ["", "0", "0.0", "-1", "3601", "1e1", "soon", "inf", "nan", "1" * 400, "٣"])
def test_a_wait_that_is_none_is_refused(refused: Refused, job: str, wait: str) -> None:
    error = refused("DLF.3051", "POST", f"jobs/{job}/run-immediate?wait={wait}")
    assert "wait" in error["error_msg"]


def test_waiting_answers_with_the_status_it_has_when_the_time_is_over(house: House, job: str) -> None:
    reply = house.call("POST", f"jobs/{job}/run-immediate?wait=0.05")
    assert reply.status_code == 200
    assert list(reply.json()) == ["instanceId", "status"]
    assert reply.json()["status"] == "waiting"
