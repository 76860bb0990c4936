"""Sessions of browsers: cookies that keep the token from scripts, and the proof that a change comes from our pages."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.api.server import PASSWORD, PLAIN, PROJECT, RunningServer

SESSION, CSRF = "arkwright_session", "arkwright_csrf"
JOBS = f"/v1/{PROJECT}/jobs"


@pytest.fixture
def browser(server: RunningServer) -> Iterator[httpx2.Client]:
    """Keeps cookies, as a browser does, and sends no credential of its own."""
    with httpx2.Client(base_url=server.url, timeout=30, verify=PLAIN) as client:
        reply = client.post("/console/session", json={"name": "admin", "password": PASSWORD})
        assert reply.status_code == 201, reply.text
        yield client


def new_job(name: str) -> dict[str, object]:
    node = {"name": "only", "type": "Dummy"}
    return {"name": name, "processType": "BATCH", "schedule": {"type": "EXECUTE_ONCE"}, "nodes": [node]}


def test_the_token_is_hidden_from_scripts_and_neither_cookie_is_sent_by_other_sites(server: RunningServer) -> None:
    reply = httpx2.post(f"{server.url}/console/session", json={"name": "admin", "password": PASSWORD}, verify=PLAIN)
    cookies = {each.partition("=")[0]: each.lower() for each in reply.headers.get_list("set-cookie")}
    assert set(cookies) == {SESSION, CSRF}
    assert "; httponly" in cookies[SESSION]
    assert "; httponly" not in cookies[CSRF]  # the page reads it, to send it back in a header
    for each in cookies.values():
        assert "; samesite=strict" in each
        assert "; path=/" in each
        assert "; max-age=86400" in each
    assert reply.cookies[SESSION] not in reply.text


def test_logging_in_answers_who_it_is_and_where_they_may_work(server: RunningServer) -> None:
    reply = httpx2.post(f"{server.url}/console/session", json={"name": "admin", "password": PASSWORD}, verify=PLAIN)
    found = reply.json()
    assert (found["userName"], found["administrator"], found["projectId"]) == ("admin", True, PROJECT)
    assert [each["role"] for each in found["workspaces"]][:1] == ["admin"]
    assert found["workspaces"][0]["timeZone"] == "Europe/Berlin"


def test_a_session_reads_and_with_the_proof_changes(browser: httpx2.Client, name: str) -> None:
    assert browser.get("/console/session").json()["userName"] == "admin"
    made = browser.post(JOBS, json=new_job(name), headers={"X-CSRF-Token": browser.cookies[CSRF]})
    assert made.status_code == 204, made.text
    assert browser.get(f"{JOBS}/{name}").json()["name"] == name


@pytest.mark.parametrize("shown", [None, "", "guessed"])
def test_a_change_without_the_proof_is_refused_and_does_nothing(
    browser: httpx2.Client, name: str, shown: str | None
) -> None:
    headers = {} if shown is None else {"X-CSRF-Token": shown}
    refused = browser.post(JOBS, json=new_job(name), headers=headers)
    assert refused.status_code == 403
    assert "X-CSRF-Token" in refused.json()["error_msg"]
    assert CSRF in refused.text
    assert browser.get(f"{JOBS}/{name}").status_code != 200


def test_without_its_second_cookie_a_session_changes_nothing(browser: httpx2.Client, name: str) -> None:
    token = browser.cookies[SESSION]
    with httpx2.Client(base_url=str(browser.base_url), headers={"Cookie": f"{SESSION}={token}"}, verify=PLAIN) as half:
        refused = half.post(JOBS, json=new_job(name), headers={"X-CSRF-Token": ""})
    assert refused.status_code == 403


def test_logging_out_ends_the_token_for_whoever_kept_it(server: RunningServer, browser: httpx2.Client) -> None:
    token, proof = browser.cookies[SESSION], browser.cookies[CSRF]
    refused = browser.delete("/console/session")
    assert refused.status_code == 403  # nobody else logs a user out
    gone = browser.delete("/console/session", headers={"X-CSRF-Token": proof})
    assert gone.status_code == 204
    assert SESSION not in browser.cookies
    kept = httpx2.get(f"{server.url}/console/session", headers={"Cookie": f"{SESSION}={token}"}, verify=PLAIN)
    assert kept.status_code == 401
    as_token = httpx2.get(f"{server.url}/v1/{PROJECT}/jobs", headers={"X-Auth-Token": token}, verify=PLAIN)
    assert as_token.status_code == 401


def test_a_request_with_a_credential_of_its_own_needs_no_proof(browser: httpx2.Client, name: str) -> None:
    """A program's token is not sent by a browser by itself, cookies beside it or not."""
    token = browser.cookies[SESSION]
    made = browser.post(JOBS, json=new_job(name), headers={"X-Auth-Token": token})
    assert made.status_code == 204, made.text


def test_a_wrong_password_sets_no_cookie(server: RunningServer) -> None:
    reply = httpx2.post(
        f"{server.url}/console/session", json={"name": "admin", "password": "wrong-Password-1"}, verify=PLAIN
    )
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers
    missing = httpx2.post(f"{server.url}/console/session", json={"name": "admin"}, verify=PLAIN)
    assert missing.status_code == 400
    assert "password" in missing.json()["error_msg"]


def test_a_project_that_is_not_there_leaves_no_session_behind(server: RunningServer) -> None:
    body = {"name": "admin", "password": PASSWORD, "project": "nowhere"}
    reply = httpx2.post(f"{server.url}/console/session", json=body, verify=PLAIN)
    assert reply.status_code == 400
    assert "set-cookie" not in reply.headers


def test_the_console_may_load_and_ask_this_server_alone(server: RunningServer) -> None:
    page = httpx2.get(f"{server.url}/console/", verify=PLAIN)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert httpx2.get(f"{server.url}/", verify=PLAIN).headers["location"] == "/console/"
    assert httpx2.get(f"{server.url}/console/assets/..%2findex.html", verify=PLAIN).status_code in (200, 404)
    assert httpx2.get(f"{server.url}/console/assets/no-such.js", verify=PLAIN).status_code == 404
