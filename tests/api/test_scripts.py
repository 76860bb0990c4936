"""Scripts over V1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import SCRIPT, House

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def script(house: House, name: str) -> str:
    assert house.call("POST", "scripts", {**SCRIPT, "name": name}).status_code == 204
    return name


def test_what_was_sent_comes_back_unknown_fields_included(house: House, name: str) -> None:
    sent = {
        "name": name,
        "type": "DLISQL",
        "content": "SELECT 'ü'\n",
        "directory": "/sql/",
        "connectionName": "",
        "database": "main",
        "queueName": "default",
        "configuration": {"spark.sql.x": 1},
        "description": "what it is for",
        "somethingNew": [1, None],
    }
    assert house.call("POST", "scripts", sent).status_code == 204
    got = house.call("GET", f"scripts/{name}").json()
    assert {key: got[key] for key in sent} == sent
    assert (got["version"], got["owner"], got["createUser"], got["autoAcquireLock"]) == (1, "admin", "admin", True)
    assert type(got["id"]) is str
    assert type(got["modifyTime"]) is int


def test_modifying_makes_a_version_and_keeps_name_and_type(house: House, refused: Refused, script: str) -> None:
    path = f"scripts/{script}"
    assert house.call("PUT", path, {**SCRIPT, "name": script, "content": "echo b"}).status_code == 204
    assert house.call("PUT", path, {"content": "echo c"}).status_code == 204
    got = house.call("GET", path).json()
    assert (got["version"], got["content"], got["type"]) == (3, "echo c", "Shell")
    assert "name" in refused("DLF.3051", "PUT", path, {**SCRIPT, "name": "other"})["error_msg"]
    assert "type" in refused("DLF.3051", "PUT", path, {**SCRIPT, "name": script, "type": "PYTHON"})["error_msg"]


def test_a_name_is_used_once(refused: Refused, script: str) -> None:
    refused("DLF.0202", "POST", "scripts", {**SCRIPT, "name": script})


def test_a_script_that_is_not_there_is_refused_everywhere(refused: Refused) -> None:
    for method, body in (("GET", None), ("PUT", SCRIPT), ("DELETE", None)):
        assert refused("DLF.6201", method, "scripts/nobody", body)["error_msg"] == "The script does not exist."


def test_a_deleted_script_is_gone(house: House, refused: Refused, script: str) -> None:
    assert house.call("DELETE", f"scripts/{script}").status_code == 204
    refused("DLF.6201", "GET", f"scripts/{script}")


def test_the_list_finds_by_part_of_the_name(house: House, script: str) -> None:
    house.call("POST", "scripts", {**SCRIPT, "name": f"{script}_Other"})
    got = house.call("GET", f"scripts?scriptName={script}&limit=1").json()
    assert (got["total"], len(got["scripts"])) == (2, 1)
    got = house.call("GET", f"scripts?scriptName={script}_other").json()
    assert [each["name"] for each in got["scripts"]] == [f"{script}_Other"]
    assert got["scripts"][0]["content"] == "echo a"


@pytest.mark.parametrize("kind", ["Shell", "PYTHON", "Python", "Spark Python", "SparkPython", "DLI SQL", "PRESTO"])
def test_every_spelling_of_a_type_is_accepted(house: House, name: str, kind: str) -> None:
    assert house.call("POST", "scripts", {**SCRIPT, "name": name, "type": kind}).status_code == 204
    assert house.call("GET", f"scripts/{name}").json()["type"] == kind


@pytest.mark.parametrize(
    ("code", "changed", "words"),
    [
        ("DLF.6247", {"type": None}, ["type"]),
        ("DLF.6247", {"type": ""}, ["type"]),
        ("DLF.3051", {"type": "Shel"}, ["type", "Shell"]),
        ("DLF.3051", {"name": None}, ["name"]),
        ("DLF.3051", {"name": "a b"}, ["name"]),
        ("DLF.3051", {"name": "x" * 129}, ["name", "128"]),
        ("DLF.3051", {"content": None}, ["content", "missing"]),
        ("DLF.3051", {"content": 1}, ["content"]),
        ("DLF.3051", {"content": "ü" * (2 * 1024 * 1024 + 1)}, ["content", "4194304"]),
        ("DLF.3051", {"description": "x" * 256}, ["description", "255"]),
        ("DLF.3051", {"configuration": "a=b"}, ["configuration"]),
        ("DLF.3051", {"connectionName": 1}, ["connectionName"]),
        ("DLF.3051", {"targetStatus": "DONE"}, ["targetStatus"]),
        ("DLF.3051", {"directory": 1}, ["directory"]),
        ("DLF.3051", {"approvers": {}}, ["approvers"]),
    ],
    ids=lambda each: repr(each)[:50] if isinstance(each, dict) else None,
)
def test_is_refused(refused: Refused, code: str, changed: dict[str, Any], words: list[str]) -> None:
    error = refused(code, "POST", "scripts", {**SCRIPT, **changed})
    for word in words:
        assert word in f"{error['error_msg']} {error.get('hint', '')}"
