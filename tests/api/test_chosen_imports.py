"""What can be known of a zip before it is imported, and the import of a part of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.api.house import JOB, SCRIPT, House
from tests.api.test_transfer import put, zip_of

Refused = Callable[..., dict[str, Any]]


def stored(house: House, name: str) -> str:
    jobs = [{**JOB, "name": f"{name}_{each}"} for each in "ab"]
    scripts = [{**SCRIPT, "name": f"{name}_{each}"} for each in "ab"]
    jobs[1]["nodes"] = [{"name": "n", "type": "NoSuchNode"}]
    entries = [(f"jobs/{each['name']}.job", each) for each in jobs]
    return put(house, "chosen", zip_of(*entries, *((f"scripts/{each['name']}.script", each) for each in scripts)))


def ended(house: House, task: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (found := house.call("GET", f"system-tasks/{task}").json())["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    answer: dict[str, Any] = found
    return answer


def test_only_what_was_chosen_is_imported(house: House, refused: Refused, name: str) -> None:
    path = stored(house, name)
    only = {"jobs": [f"{name}_a"], "scripts": [f"{name}_b"]}
    reply = house.call("POST", "jobs/import", {"path": path, "only": only})
    task = ended(house, reply.json()["taskId"])
    assert (task["status"], len(task["subtasks"])) == ("SUCCESSFUL", 2), task
    there = [house.call("GET", f"{kind}/{name}_{each}").status_code for kind in ("jobs", "scripts") for each in "ab"]
    assert there == [200, 400, 400, 200]
    refused("DLF.3051", "POST", "jobs/import", {"path": path, "only": {"jobs": "all"}})


def test_a_zip_is_assessed_before_it_is_imported(house: House, refused: Refused, name: str) -> None:
    path = stored(house, name)
    found = house.call("POST", "jobs/assess", {"path": path}).json()
    assert [(each["name"], each["verdict"], each["file"]) for each in found["jobs"]] == [
        (f"{name}_b", "not supported", path),
        (f"{name}_a", "runs", path),
    ]
    assert found["totals"]["verdicts"] == {"runs": 1, "needs mapping": 0, "not supported": 1}
    refused("DLF.0815", "POST", "jobs/assess", {"path": "obs://chosen/nothing.zip"})
