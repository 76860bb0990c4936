"""How `docs/conformance.md` comes about."""

from __future__ import annotations

import subprocess
import sys

import httpx2
import pytest
from tests import conformance
from tests.conformance import CLIENTS, REFUSAL, SDKS, SUCCESS, Recorder

from arkwright.api.routes import ROUTES

PROJECT = "0123456789abcdef0123456789abcdef"


def test_deviations_name_operations_and_clients_that_there_are() -> None:
    operations = {route.operation for route in ROUTES}
    for each in conformance.deviations():
        assert set(each.operations) <= operations, each
        assert set(each.clients) <= set(CLIENTS), each
        assert each.what.endswith("."), each
        assert each.reason.endswith("."), each
        assert each.without in {"", SUCCESS, REFUSAL}


def test_calls_are_known_by_client_operation_and_outcome() -> None:
    recorder = Recorder()
    recorder.by_url("GET", f"/v1/{PROJECT}/jobs?limit=1".encode(), "python-httpx", 200)
    recorder.by_url("GET", f"/v1/{PROJECT}/jobs/a%2Fb".encode(), "arkwright-client", 400)
    recorder.by_url("POST", f"/v1/{PROJECT}/jobs".encode(), "golangsdk/2.0.0", 204)
    recorder.by_template("PUT", "/v1/{project_id}/jobs/{job_name}", "dgc", 204)
    assert recorder.seen == {
        ("listJobs", "raw", SUCCESS),
        ("showJob", "client", REFUSAL),
        ("createJob", "go", SUCCESS),
        ("updateJob", "dgc", SUCCESS),
    }


def test_what_is_no_operation_or_no_answer_is_not_noted() -> None:
    recorder = Recorder()
    recorder.by_url("GET", b"/nowhere", "", 404)
    recorder.by_url("PATCH", f"/v1/{PROJECT}/jobs".encode(), "", 405)
    recorder.by_url("GET", f"/v1/{PROJECT}/jobs".encode(), "", 500)
    recorder.by_template("GET", "/v1/{project_id}/another-service", "studio", 200)
    recorder.active = False
    recorder.by_url("GET", f"/v1/{PROJECT}/jobs".encode(), "", 200)
    assert recorder.seen == set()


def test_the_clients_are_watched_where_they_send() -> None:
    recorder = Recorder()
    answer = httpx2.MockTransport(lambda request: httpx2.Response(200))
    with conformance.watching(recorder), httpx2.Client(transport=answer) as client:
        client.get(f"http://a/v1/{PROJECT}/scripts", headers={"User-Agent": "terraform-provider-iac"})
    assert recorder.seen == {("listScripts", "terraform", SUCCESS)}


def test_an_operation_of_an_sdk_that_was_never_tried_is_told() -> None:
    every = {
        (operation, client, outcome)
        for client in SDKS
        for operation in conformance.offered(client)
        for outcome in (SUCCESS, REFUSAL)
    }
    assert conformance.never_called(every) == []
    lacking = conformance.never_called(every - {("createJob", "dgc", REFUSAL)})
    assert lacking == ["createJob by dgc: no refusal"]
    assert "**never called**" in conformance.page(set())


def test_what_differs_between_two_pages_is_told_line_by_line() -> None:
    seen = {("createJob", "raw", SUCCESS)}
    before, after = conformance.page(seen), conformance.page(seen | {("createJob", "raw", REFUSAL)})
    told = conformance.differences(before, after)
    assert [line[:13] for line in told] == ["-| createJob ", "+| createJob "]
    assert conformance.differences(before, before) == []


class One(pytest.Item):
    def runtest(self) -> None:
        """It is never run."""


@pytest.mark.parametrize(
    ("path", "marks", "counted"),
    [
        ("tests/api/test_jobs.py", (), True),
        ("tests/cli/test_job.py", ("postgres",), True),
        ("tests/api/test_jobs.py", ("hypothesis",), False),
        ("tests/api/test_jobs.py", ("long",), False),
        ("tests/nodes/test_shell.py", (), False),
    ],
)
def test_calls_count_of_tests_that_are_the_same_in_every_run(
    request: pytest.FixtureRequest, path: str, marks: tuple[str, ...], counted: bool
) -> None:
    item = One.from_parent(request.session, name="one", path=conformance.TOP / path)
    for mark in marks:
        item.add_marker(mark)
    assert conformance.counts(item) is counted


def test_the_sdks_have_nothing_of_the_factory_that_is_not_here() -> None:
    assert {client: conformance.missing_here(client) for client in SDKS} == {client: [] for client in SDKS}
    assert len(conformance.offered("dlf")) == 39


@pytest.mark.parametrize("option", [[], ["--write-conformance"]])
def test_a_run_of_some_tests_neither_writes_the_page_nor_minds_it(option: list[str]) -> None:
    before = conformance.PAGE.read_bytes()
    command = [sys.executable, "-m", "pytest", "tests/api/test_byte_range.py", "-p", "no:cacheprovider", *option]
    run = subprocess.run(command, cwd=conformance.TOP, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout
    assert conformance.PAGE.read_bytes() == before
