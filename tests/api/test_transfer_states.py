"""An export carries what is developed and what is submitted; an import brings both back."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from tests.api.house import JOB, SCRIPT, House
from tests.api.test_transfer import bucket, imported, messages, wipe, zip_of

from arkwright.store.base import Kind
from arkwright.transfer.archive import SUBMITTED

__all__ = ["bucket"]


def export(house: House, name: str, **wish: Any) -> bytes:
    reply = house.call("POST", f"jobs/{name}/export", wish)
    assert reply.status_code == 200, reply.text
    return reply.content


def entry(content: bytes, path: str) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found: dict[str, Any] = json.loads(archive.read(path))
        return found


def descriptions(house: House, name: str) -> tuple[str | None, str | None]:
    """Of the version that is developed, and of the submitted one."""
    latest = house.call("GET", f"jobs/{name}")
    submitted = house.call("GET", f"jobs/{name}?getJobSubmitVersion=true")
    return (
        latest.json()["description"] if latest.status_code == 200 else None,
        submitted.json()["description"] if submitted.status_code == 200 else None,
    )


@pytest.fixture
def drafted(house: House, name: str) -> str:
    """A job and its script, both changed since they were submitted."""
    script = {**SCRIPT, "name": f"{name}_s", "content": "echo submitted"}
    house.call("POST", "scripts", script)
    house.call("PUT", f"scripts/{name}_s", {**script, "content": "echo draft", "targetStatus": "SAVED"})
    nodes = [{"name": "n", "type": "Shell", "properties": [{"name": "scriptName", "value": f"{name}_s"}]}]
    house.save_job(name, nodes=nodes, description="submitted")
    draft = {**JOB, "name": name, "nodes": nodes, "description": "draft", "targetStatus": "SAVED"}
    assert house.call("PUT", f"jobs/{name}", draft).status_code == 204
    return name


def test_both_states_come_back(house: House, drafted: str, bucket: str) -> None:
    first = export(house, drafted)
    assert entry(first, f"jobs/{drafted}.job")["description"] == "draft"
    wipe(house, {Kind.JOB: drafted, Kind.SCRIPT: f"{drafted}_s"})
    task = imported(house, bucket, first)
    assert task["status"] == "SUCCESSFUL", task
    assert descriptions(house, drafted) == ("draft", "submitted")
    assert house.call("GET", f"scripts/{drafted}_s").json()["content"] == "echo draft"
    assert export(house, drafted) == first
    assert SUBMITTED not in house.call("GET", f"jobs/{drafted}").json()


def test_both_states_come_back_over_what_is_there(house: House, drafted: str, bucket: str) -> None:
    first = export(house, drafted)
    house.call("PUT", f"jobs/{drafted}", {**JOB, "name": drafted, "description": "newer"})
    assert descriptions(house, drafted) == ("newer", "newer")
    imported(house, bucket, first, sameNamePolicy="OVERWRITE")
    assert descriptions(house, drafted) == ("draft", "submitted")


def test_what_was_never_submitted_is_not_submitted_by_an_import(house: House, name: str, bucket: str) -> None:
    house.call("POST", "jobs", {**JOB, "name": name, "description": "draft", "targetStatus": "SAVED"})
    first = export(house, name)
    assert entry(first, f"jobs/{name}.job")[SUBMITTED] is None
    wipe(house, {Kind.JOB: name})
    imported(house, bucket, first)
    assert descriptions(house, name) == ("draft", None)


def test_the_caller_may_say_otherwise(house: House, drafted: str, bucket: str) -> None:
    first = export(house, drafted)
    wipe(house, {Kind.JOB: drafted, Kind.SCRIPT: f"{drafted}_s"})
    imported(house, bucket, first, targetStatus="SUBMITTED")
    assert descriptions(house, drafted) == ("draft", "draft")
    wipe(house, {Kind.JOB: drafted, Kind.SCRIPT: f"{drafted}_s"})
    imported(house, bucket, first, targetStatus="SAVED")
    assert descriptions(house, drafted) == ("draft", None)


def test_where_there_is_one_state_the_file_says_nothing_of_it(house: House, drafted: str) -> None:
    house.save_job(f"{drafted}_2")
    assert SUBMITTED not in entry(export(house, f"{drafted}_2"), f"jobs/{drafted}_2.job")
    assert SUBMITTED not in entry(export(house, drafted, exportStatus="SUBMIT"), f"jobs/{drafted}.job")


def test_a_submitted_state_that_can_not_be_read_fails_its_own_subtask(house: House, name: str, bucket: str) -> None:
    content = zip_of(
        (f"jobs/{name}.job", {**JOB, "name": name, SUBMITTED: {"nodes": []}}),
        (f"jobs/{name}_2.job", {**JOB, "name": f"{name}_2", SUBMITTED: 7}),
    )
    task = imported(house, bucket, content)
    assert {status for status, _ in messages(task).values()} == {"FAILED"}
    assert descriptions(house, name) == (None, None)
