"""Calendars, task groups and the scheduling settings of a workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import House

Refused = Callable[..., dict[str, Any]]
CRON = {"type": "CRON", "cron": {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?"}}


def test_a_calendar_is_kept_changed_and_deleted(house: House, name: str, refused: Refused) -> None:
    path = f"calendars/{name}"
    assert house.call("PUT", path, {"changed": {"2026-12-25": False, "2026-12-24": True}}).status_code == 204
    shown = {"name": name, "default": "MON_TO_FRI", "changed": {"2026-12-24": True, "2026-12-25": False}}
    assert house.call("GET", path).json() == shown
    assert shown in house.call("GET", "calendars").json()["calendars"]
    house.call("PUT", path, {"default": "MON_TO_SUN"})
    assert house.call("GET", path).json() == {"name": name, "default": "MON_TO_SUN", "changed": {}}
    assert house.call("DELETE", path).status_code == 204
    refused("DLF.3051", "GET", path)
    refused("DLF.3051", "DELETE", path)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"default": "SUNDAYS"}, "default"),
        ({"changed": {"25.12.2026": False}}, "changed"),
        ({"changed": {"2026-12-25": "perhaps"}}, "changed.2026-12-25"),
        ({"days": []}, "days"),
    ],
)
def test_a_wrong_calendar_is_refused(
    house: House, name: str, refused: Refused, body: dict[str, Any], field: str
) -> None:
    assert field in refused("DLF.3051", "PUT", f"calendars/{name}", body)["error_msg"]
    refused("DLF.3051", "GET", f"calendars/{name}")


def test_what_a_job_names_is_not_deleted(house: House, name: str, refused: Refused) -> None:
    house.call("PUT", f"calendars/{name}", {})
    house.call("PUT", f"task-groups/{name}", {"limit": 2})
    house.save_job(name, schedule={**CRON, "calendar": name}, nodes=[{"name": "a", "type": "Dummy", "taskGroup": name}])
    assert f"used by the job {name}" in refused("DLF.3051", "DELETE", f"calendars/{name}")["error_msg"]
    assert f"used by the job {name}" in refused("DLF.3051", "DELETE", f"task-groups/{name}")["error_msg"]


def test_a_task_group_has_a_limit(house: House, name: str, refused: Refused) -> None:
    path = f"task-groups/{name}"
    for limit in (0, 1001, "3", None, True):
        assert "limit" in refused("DLF.3051", "PUT", path, {"limit": limit})["error_msg"]
    assert house.call("PUT", path, {"limit": 3}).status_code == 204
    assert house.call("GET", path).json() == {"name": name, "limit": 3}
    assert {"name": name, "limit": 3} in house.call("GET", "task-groups").json()["task_groups"]
    assert house.call("DELETE", path).status_code == 204


def test_the_scheduling_of_a_workspace_is_a_setting(house: House, refused: Refused) -> None:
    given = {
        "dependencyPolicy": "TRADITIONAL",
        "catchUp": "LATEST",
        "waitingDays": 7,
        "instancesPerJob": 2,
        "dependents": ["other"],
    }
    assert house.call("PUT", "workspace-settings", {"scheduling": given}).status_code == 204
    assert house.call("GET", "workspace-settings").json()["scheduling"] == given
    for wrong in (
        {"catchUp": "SOME"},
        {"waitingDays": 1},
        {"instancesPerJob": 0},
        {"dependents": [1]},
        {"dependents": "MANY"},
    ):
        [field] = wrong
        error = refused("DLF.3051", "PUT", "workspace-settings", {"scheduling": wrong})
        assert f"scheduling.{field}" in error["error_msg"]
    error = refused("DLF.3051", "PUT", "workspace-settings", {"scheduling": {"more": 1}})
    assert "scheduling has no 'more'" in error["error_msg"]
    assert house.call("PUT", "workspace-settings", {"scheduling": {}}).status_code == 204
    assert house.call("GET", "workspace-settings").json()["scheduling"] == {}
