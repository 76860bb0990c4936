"""The directory tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import PROJECT, SCRIPT, House

TREE = f"/v1.0/{PROJECT}/directory/tree"


@pytest.fixture
def here(house: House, name: str) -> dict[str, Any]:
    """A directory of this test's own with jobs in it."""
    directory = f"/{name}/b"
    house.save_job(f"{name}_2", directory=directory, basicConfig={"owner": "anna"}, singleNodeJobFlag=True)
    house.save_job(f"{name}_1", directory=directory)
    house.save_job(f"{name}_3", directory=f"{directory}/c")
    root = house.call("GET", TREE).json()
    [top] = [each for each in root["sub_directories"] if each["directory_name"] == name]
    [found] = top["sub_directories"]
    assert isinstance(found, dict)
    return found


def test_the_tree_holds_what_lies_in_it(house: House, here: dict[str, Any], name: str) -> None:
    root = house.call("GET", TREE).json()
    assert (root["directory_name"], root["parent_directory_id"], root["category_type"]) == ("/", "-1", "job")
    assert (here["directory_name"], here["count"], here["paging"]) == ("b", 2, False)
    first, second = here["elements"]
    id_ = str(house.call("GET", f"jobs/{name}_2").json()["id"])
    assert second == {
        "type": "job",
        "parent_directory_id": here["directory_id"],
        "name": f"{name}_2",
        "element_id": id_,
        "owner": "anna",
        "process_type": "BATCH",
        "is_single_node_job": True,
    }
    assert (first["name"], first["owner"], first["is_single_node_job"]) == (f"{name}_1", "admin", False)
    [below] = here["sub_directories"]
    assert (below["directory_name"], below["parent_directory_id"]) == ("c", here["directory_id"])
    assert [each["name"] for each in below["elements"]] == [f"{name}_3"]


def test_a_part_is_asked_for_by_its_id_and_in_pages(house: House, here: dict[str, Any], name: str) -> None:
    path = f"{TREE}?directory_id={here['directory_id']}"
    assert house.call("GET", path).json() == here
    page = house.call("GET", f"{path}&limit=1&offset=1").json()
    assert (page["paging"], page["limit"], page["offset"], page["count"]) == (True, 1, 1, 2)
    assert [each["name"] for each in page["elements"]] == [f"{name}_2"]
    chosen = house.call("GET", f"{path}&name={name}_1").json()
    assert [each["name"] for each in chosen["elements"]] == [f"{name}_1"]


def test_scripts_have_a_tree_of_their_own(house: House, here: dict[str, Any], name: str) -> None:
    house.call("POST", "scripts", {**SCRIPT, "name": name, "directory": f"/{name}"})
    root = house.call("GET", f"{TREE}?category=SCRIPT").json()
    [found] = [each for each in root["sub_directories"] if each["directory_name"] == name]
    [element] = found["elements"]
    assert (element["type"], element["name"], found["sub_directories"]) == ("script", name, [])
    assert "process_type" not in element


def test_is_refused(refused: Callable[..., dict[str, Any]]) -> None:
    for query in ("category=resource", "directory_id=nobody", "limit=0", "limit=x", "offset=-1"):
        refused("DLF.3051", "GET", f"{TREE}?{query}")
