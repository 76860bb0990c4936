"""Versions of jobs and scripts: their list, comments, and saves that only count if nobody else saved meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import JOB, SCRIPT, House

Refused = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(("kind", "document"), [("jobs", JOB), ("scripts", SCRIPT)])
def test_a_save_over_what_somebody_else_saved_is_refused_and_changes_nothing(
    house: House, refused: Refused, name: str, kind: str, document: dict[str, Any]
) -> None:
    path = f"{kind}/{name}"
    assert house.call("POST", kind, {**document, "name": name}).status_code == 204
    mine = {**document, "name": name, "description": "mine"}
    theirs = {**document, "name": name, "description": "theirs"}
    assert house.call("PUT", path, theirs, headers={"If-Match": '"1"'}).status_code == 204
    said = refused("DLF.9996", "PUT", path, mine, status=412, headers={"If-Match": '"1"'})
    assert "version 2 now" in said["error_msg"]
    assert house.call("GET", path).json()["description"] == "theirs"
    assert house.call("PUT", path, mine, headers={"If-Match": "*"}).status_code == 204
    refused("DLF.3051", "PUT", path, mine, headers={"If-Match": "W/old"})
    assert house.call("GET", path).json()["version"] == 3


def test_versions_are_listed_with_their_comments_newest_first(house: House, refused: Refused, name: str) -> None:
    job = {**JOB, "name": name}
    assert house.call("POST", "jobs", job).status_code == 204
    assert house.call("PUT", f"jobs/{name}", {**job, "versionComment": "why"}).status_code == 204
    assert house.call("PUT", f"jobs/{name}", {**job, "targetStatus": "SAVED"}).status_code == 204
    found = house.call("GET", f"jobs/{name}/versions").json()
    shown = [(each["version"], each["submitted"], each["comment"]) for each in found["versions"]]
    assert (found["total"], shown) == (3, [(3, False, ""), (2, True, "why"), (1, False, "")])
    assert {each["createUser"] for each in found["versions"]} == {"admin"}
    assert [
        each["version"] for each in house.call("GET", f"jobs/{name}/versions?limit=1&offset=1").json()["versions"]
    ] == [2]
    refused("DLF.0100", "GET", "jobs/nobody/versions")
    refused("DLF.6201", "GET", "scripts/nobody/versions")
    assert (
        "versionComment"
        in refused("DLF.3051", "PUT", f"jobs/{name}", {**job, "versionComment": "x" * 256})["error_msg"]
    )


def test_an_earlier_version_of_a_script_can_be_read(house: House, refused: Refused, name: str) -> None:
    for method, path, content in (("POST", "scripts", "echo 1"), ("PUT", f"scripts/{name}", "echo 2")):
        assert house.call(method, path, {**SCRIPT, "name": name, "content": content}).status_code == 204
    first = house.call("GET", f"scripts/{name}?version=1").json()
    assert (first["version"], first["content"]) == (1, "echo 1")
    assert house.call("GET", f"scripts/{name}").json()["content"] == "echo 2"
    refused("DLF.6201", "GET", f"scripts/{name}?version=3")
