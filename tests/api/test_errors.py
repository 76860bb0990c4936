"""One shape for every refusal, one number for every reply."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import BODY_LIMIT, JOB, House

from arkwright.api.error_codes import ERROR_CODES, error_code
from arkwright.errors import ArkwrightError, Code, StoreUnavailable, TooManyRequests

Refused = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/v1", "/v1/x/nothing", "/jobs", "/healthz/", "/healthz/x", "/%ff", "/v1/%00/jobs/"),
        *("/console/assets/%00", "/console/assets/" + "a" * 300, "/console/assets/..%2f..%2findex.html"),
    ],
)
def test_an_unknown_path_is_not_found(refused: Refused, path: str) -> None:
    refused("APIGW.0101", "GET", path, status=404)


def test_a_method_that_a_path_lacks_is_refused_with_those_it_has(house: House, refused: Refused) -> None:
    refused("APIGW.0101", "PATCH", "jobs/x", status=405)
    reply = house.call("DELETE", "jobs")
    assert (reply.status_code, reply.json()["error_code"]) == (405, "APIGW.0101")
    assert {"GET", "POST"} <= set(reply.headers["Allow"].split(", "))
    assert house.call("GET", "jobs/x/run-immediate").status_code == 405


def test_a_body_over_the_limit_is_refused(house: House, refused: Refused, name: str) -> None:
    large = b" " * (BODY_LIMIT + 1)
    for path in ("jobs", "jobs/x/run-immediate", "/v3/auth/tokens"):
        error = refused("APIGW.0201", "POST", path, status=413, content=large)
        assert str(BODY_LIMIT) in error["error_msg"]
    just = b'{"a":"' + b"x" * (BODY_LIMIT - 8) + b'"}'
    refused("DLF.3004", "POST", "jobs", content=just)


def test_a_defect_is_answered_without_its_traceback(
    house: House, refused: Refused, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> int:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(house.application._parts.directory, "workspace", lambda *_: broken())
    with caplog.at_level(logging.ERROR, "arkwright.api"):
        error = refused("DLF.9999", "GET", "jobs", status=500)
    assert "secret" not in str(error)
    assert "Traceback" not in str(error)
    assert "ZeroDivisionError" in caplog.text
    assert "request" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("It is away."), 503, "DLF.9998"),
        (TooManyRequests("Slower.", retry_after_seconds=7), 429, "APIGW.0308"),
    ],
)
def test_what_the_server_can_not_do_now_has_its_own_status(
    house: House, monkeypatch: pytest.MonkeyPatch, error: ArkwrightError, status: int, code: str
) -> None:
    def raising(*_: object) -> None:
        raise error

    monkeypatch.setattr(house.application._parts.directory, "workspace", raising)
    reply = house.call("GET", "jobs")
    assert (reply.status_code, reply.json()["error_code"]) == (status, code)
    if status == 429:
        assert reply.headers["Retry-After"] == "7"


def test_every_reply_has_a_number_of_its_own_and_none_is_taken_from_clients(house: House) -> None:
    headers = {"X-Request-Id": "mine"}
    paths = ("/healthz", "/nothing", "jobs", "jobs/nobody")
    numbers = [house.call("GET", path, headers=headers).headers.get_list("X-Request-Id") for path in paths]
    assert all(len(each) == 1 for each in numbers)
    assert len({each[0] for each in numbers}) == len(paths)
    assert "mine" not in str(numbers)
    deleted = house.call("POST", "jobs", {**JOB, "name": "numbered"})
    assert deleted.status_code == 204
    assert deleted.headers["X-Request-Id"]


def test_every_code_of_ours_has_a_row_in_both_families() -> None:
    for code in Code:
        assert error_code(code, "v1").code
        assert error_code(code, "v2").code
    assert error_code(Code.JOB_NOT_FOUND, "v2").code == "DLF.30100"


def test_the_table_holds_each_code_with_a_text() -> None:
    assert all(row.text and 400 <= row.status < 600 for row in ERROR_CODES)
    codes = [row.code for row in ERROR_CODES if row.code.startswith("DLF.") and row.status == 400]
    assert len(set(codes)) == len(codes)


def test_health_needs_no_credential(house: House) -> None:
    reply = house.call("GET", "/healthz", role=None)
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    assert house.call("HEAD", "/healthz", role=None).status_code == 200
    assert house.call("GET", "/readyz", role=None).json() == {"status": "ready"}


def test_a_server_that_can_not_work_says_why(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ping() -> None:
        raise StoreUnavailable("The database at 10.1.2.3 can't be used: the disk is full.")

    monkeypatch.setattr(house.store, "ping", ping)
    reply = house.call("GET", "/readyz", role=None)
    assert reply.status_code == 503
    assert reply.json()["reasons"][0] == "The database can't be used; the server's log says why."
