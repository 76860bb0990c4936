"""Mode strict holds clients to the documented quotas and rates; mode open, the default, to none of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.api.house import JOB, SCRIPT, House, close_house, open_house

from arkwright.api import limits
from arkwright.api.limits import Rate, rate_of
from arkwright.api.routes import ROUTES
from arkwright.errors import SettingInvalid
from arkwright.settings import Settings, read_settings

CONNECTION = {"type": "HOST", "config": {"ip": "10.0.0.1", "port": "22", "userName": "u", "password": "p"}}


class Clock:
    """Stands still until it is set."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def strict(tmp_path: Path, clock: Clock) -> Iterator[House]:
    house, thread = open_house(tmp_path, strict=True)
    counting = house.application._parts.limits
    assert counting is not None
    counting.seconds = clock
    yield house
    close_house(house, thread)


def refused(reply: httpx2.Response, code: str, status: int = 400) -> str:
    error = reply.json()
    assert (reply.status_code, error["error_code"]) == (status, code), error
    return f"{error['error_msg']} {error.get('hint', '')}"


def test_a_user_who_calls_too_often_waits_for_the_next_second(strict: House, clock: Clock) -> None:
    for _ in range(30):
        assert strict.call("GET", "jobs").status_code == 200
    reply = strict.call("GET", "jobs")
    assert "30 calls of one user per second" in refused(reply, "APIGW.0308", 429)
    assert reply.headers["Retry-After"] == "1"
    assert strict.call("GET", "scripts").status_code == 200, "another operation has a count of its own"
    assert strict.call("GET", "jobs", role="viewer").status_code == 200, "so has another user"
    clock.seconds += 1
    assert strict.call("GET", "jobs").status_code == 200


def test_run_immediate_is_counted_too(strict: House) -> None:
    strict.save_job("often")
    replies = [strict.call("POST", "jobs/often/run-immediate") for _ in range(31)]
    assert [each.status_code for each in replies] == [200] * 30 + [429]


def test_all_users_together_have_a_limit(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "rate_of", lambda route: Rate(2, 30))
    assert strict.call("GET", "jobs").status_code == 200
    assert strict.call("GET", "jobs", role="viewer").status_code == 200
    assert "of all users together" in refused(strict.call("GET", "jobs", role=None), "APIGW.0308", 429)


def test_the_documented_rates() -> None:
    by_name = {each.operation: rate_of(each) for each in ROUTES}
    assert by_name["createJob"] == by_name["runOnce"] == Rate(300, 30)
    assert by_name["listFactoryJobs"] == Rate(100, 10)
    assert by_name["listDataconnections"] == Rate(100, None)
    assert by_name["createToken"] is by_name["listUsers"] is None


def test_a_workspace_holds_so_many_documents(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOBS", "SCRIPTS", "CONNECTIONS"):
        monkeypatch.setattr(limits, name, 1)
    strict.save_job("one")
    assert "at most 1 jobs" in refused(strict.call("POST", "jobs", {**JOB, "name": "two"}), "DLF.0101")
    assert strict.call("PUT", "jobs/one", {**JOB, "name": "one"}).status_code == 204, "what is there may be edited"
    assert strict.call("POST", "scripts", {**SCRIPT, "name": "one"}).status_code == 204
    assert "at most 1 scripts" in refused(strict.call("POST", "scripts", {**SCRIPT, "name": "two"}), "DLF.6253")
    assert strict.call("POST", "connections", {**CONNECTION, "name": "one"}).status_code == 204
    assert "at most 1 connections" in refused(
        strict.call("POST", "connections", {**CONNECTION, "name": "two"}), "DLF.3051"
    )


def test_real_time_jobs_have_a_quota_of_their_own(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REAL_TIME_JOBS", 0)
    strict.save_job("batch")
    real_time = {**JOB, "name": "stream", "processType": "REAL_TIME"}
    assert "real-time" in refused(strict.call("POST", "jobs", real_time), "DLF.0101")


def test_a_job_has_so_many_nodes_and_lies_so_deep(strict: House) -> None:
    nodes = [{"name": f"n{i}", "type": "Dummy"} for i in range(201)]
    assert "at most 200 entries, not 201" in refused(
        strict.call("POST", "jobs", {**JOB, "name": "wide", "nodes": nodes}), "DLF.3051"
    )
    strict.save_job("wide", nodes=nodes[:200])
    deep = {**JOB, "name": "deep", "directory": "/a/b/c/d/e/f/g/h/i/j/k"}
    assert "11 levels" in refused(strict.call("POST", "jobs", deep), "DLF.3051")


def test_an_import_is_of_so_many_bytes(strict: House) -> None:
    assert strict.call("PUT", "/obs/bucket/big.zip", content=b"x" * (limits.IMPORT_BYTES + 1)).status_code < 300
    reply = strict.call("POST", "jobs/import", {"path": "obs://bucket/big.zip"})
    assert f"more than {limits.IMPORT_BYTES} bytes" in refused(reply, "DLF.0815")


def test_mode_open_has_none_of_these(house: House, name: str) -> None:
    assert {house.call("GET", "jobs").status_code for _ in range(40)} == {200}
    house.save_job(name, nodes=[{"name": f"n{i}", "type": "Dummy"} for i in range(201)])


def test_the_setting_takes_two_words() -> None:
    assert Settings().limits == "open"
    assert read_settings({"ARKWRIGHT_LIMITS": "strict"}).limits == "strict"
    with pytest.raises(SettingInvalid):
        read_settings({"ARKWRIGHT_LIMITS": "some"})
