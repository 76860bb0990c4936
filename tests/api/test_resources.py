"""Resources over V1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import JOB, House

Refused = Callable[..., dict[str, Any]]

RESOURCE: dict[str, Any] = {"type": "jar", "location": "obs://dlf-test/a.jar", "directory": "/resource"}


@pytest.fixture
def resource(house: House, name: str) -> str:
    """The id of a saved resource."""
    reply = house.call("POST", "resources", {**RESOURCE, "name": name})
    assert reply.status_code == 200, reply.text
    found: str = reply.json()["resourceId"]
    return found


def test_what_was_sent_comes_back_unknown_fields_included(house: House, name: str) -> None:
    sent = {
        **RESOURCE,
        "name": name,
        "dependFiles": ["obs://dlf-test/depend1.jar"],
        "dependPackages": [{"type": "jar", "location": "obs://dlf-test/depend2.jar"}],
        "desc": "ü",
        "somethingNew": {"a": None},
    }
    made = house.call("POST", "resources", sent).json()
    assert set(made) == {"resourceId"}
    assert type(made["resourceId"]) is str
    got = house.call("GET", f"resources/{made['resourceId']}").json()
    assert got == {**sent, "id": made["resourceId"], "resourceId": made["resourceId"], "jobRelation": []}
    listed = house.call("GET", f"resources?resourceName={name.upper()}&limit=1").json()
    assert (listed["total"], listed["resources"]) == (1, [got])


def test_snake_case_is_accepted(house: House, name: str) -> None:
    packages = [{"type": "jar", "location": "obs://dlf-test/b.jar"}]
    made = house.call("POST", "resources", {**RESOURCE, "name": name, "depend_packages": packages}).json()
    assert house.call("GET", f"resources/{made['resourceId']}").json()["dependPackages"] == packages


def test_a_resource_is_renamed_and_keeps_id_type_and_directory(
    house: House, refused: Refused, resource: str, name: str
) -> None:
    path = f"resources/{resource}"
    assert house.call("PUT", path, {"name": f"{name}_b", "location": "obs://dlf-test/c.jar"}).status_code == 204
    got = house.call("GET", path).json()
    assert (got["name"], got["location"]) == (f"{name}_b", "obs://dlf-test/c.jar")
    assert (got["type"], got["directory"]) == ("jar", "/resource")
    refused("DLF.6263", "PUT", path, {**RESOURCE, "name": name, "type": "file"})
    refused("DLF.3051", "PUT", path, {**RESOURCE, "name": name, "directory": "/other"})


def test_a_name_is_used_once(house: House, refused: Refused, resource: str, name: str) -> None:
    error = refused("DLF.6259", "POST", "resources", {**RESOURCE, "name": name})
    assert error["error_msg"] == "Files of the same name exist in the directory."
    other = house.call("POST", "resources", {**RESOURCE, "name": f"{name}_2"}).json()["resourceId"]
    refused("DLF.6259", "PUT", f"resources/{other}", {**RESOURCE, "name": name})


def test_what_is_not_there_is_refused(house: House, refused: Refused, resource: str, job: str) -> None:
    job_id = house.call("GET", f"jobs/{job}").json()["id"]
    for id_ in ("1", "nobody", "9" * 20, job_id):
        for method, body in (("GET", None), ("PUT", RESOURCE), ("DELETE", None)):
            error = refused("DLF.6241", method, f"resources/{id_}", body)
            assert error["error_msg"] == "The resource information does not exist."


def test_a_deleted_resource_is_gone_also_when_another_takes_its_name(
    house: House, refused: Refused, resource: str
) -> None:
    name = house.call("GET", f"resources/{resource}").json()["name"]
    assert house.call("DELETE", f"resources/{resource}").status_code == 204
    refused("DLF.6241", "GET", f"resources/{resource}")
    assert house.call("POST", "resources", {**RESOURCE, "name": name}).status_code == 200
    refused("DLF.6241", "GET", f"resources/{resource}")


def test_a_resource_tells_which_jobs_use_it(house: House, resource: str, name: str) -> None:
    def users() -> list[str]:
        got = house.call("GET", f"resources/{resource}").json()["jobRelation"]
        listed = house.call("GET", f"resources?resourceName={name}").json()["resources"][0]["jobRelation"]
        assert got == listed
        return sorted(each["taskName"] for each in got)

    def node(value: str) -> list[dict[str, Any]]:
        return [{"name": "n", "type": "Dummy", "properties": [{"name": "resourcePath", "value": value}]}]

    assert users() == []
    house.save_job(f"{name}_by_name", nodes=node(name))
    location = house.call("GET", f"resources/{resource}").json()["location"]
    house.save_job(f"{name}_by_file", nodes=node(location))
    house.save_job(f"{name}_other", nodes=node(f"{name}_elsewhere"))
    assert users() == [f"{name}_by_file", f"{name}_by_name"]
    house.call("PUT", f"jobs/{name}_by_name", {**JOB, "name": f"{name}_by_name"})
    house.call("DELETE", f"jobs/{name}_by_file")
    assert f"{name}_by_name" not in users()
    assert f"{name}_by_file" not in users()


@pytest.mark.parametrize(
    ("code", "changed", "words"),
    [
        ("DLF.3051", {"name": "x" * 33}, ["name", "32"]),
        ("DLF.3051", {"name": "a.b"}, ["name"]),
        ("DLF.3051", {"name": None}, ["name"]),
        ("DLF.6263", {"type": "zip"}, ["archive, file, jar, pyFile"]),
        ("DLF.6263", {"type": None}, ["type"]),
        ("DLF.6264", {"location": "/etc/passwd"}, ["obs://"]),
        ("DLF.6264", {"location": None}, ["location"]),
        ("DLF.6264", {"location": "obs://bbb/" + "x/" * 510}, ["location", "1023"]),
        ("DLF.6264", {"dependFiles": ["nowhere"]}, ["dependFiles[0]"]),
        ("DLF.6264", {"dependPackages": [{"type": "jar"}]}, ["dependPackages[0].location"]),
        ("DLF.3051", {"dependFiles": ["obs://bbb/" + "x" * 200] * 50}, ["10240"]),
        ("DLF.3051", {"dependFiles": "obs://bbb/a"}, ["dependFiles"]),
        ("DLF.6265", {"desc": "x" * 256}, ["desc", "255"]),
        ("DLF.3051", {"directory": "/a/../b"}, ["directory"]),
    ],
)
def test_is_refused(refused: Refused, name: str, code: str, changed: dict[str, Any], words: list[str]) -> None:
    error = refused(code, "POST", "resources", {**RESOURCE, "name": name, **changed})
    for word in words:
        assert word in f"{error['error_msg']} {error.get('hint', '')}"
