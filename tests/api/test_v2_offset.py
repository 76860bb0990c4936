"""What `offset` counts: pages, as documented, unless the server is set to records or to look at who asks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.api.house import PROJECT, House

from arkwright.errors import SettingInvalid
from arkwright.settings import Settings, read_settings


def names(house: House, query: str, agent: str) -> list[str]:
    reply = house.call("GET", f"/v2/{PROJECT}/factory/jobs?{query}", headers={"User-Agent": agent})
    return [each["name"] for each in reply.json()["jobs"]]


@pytest.mark.parametrize(
    ("mode", "agent", "expected"),
    [
        ("page", "terraform-provider", ["1", "0"]),
        ("record", "python", ["2", "1"]),
        ("auto", "python", ["1", "0"]),
        ("auto", "HashiCorp Terraform/1.9", ["2", "1"]),
        ("auto", "Kestra", ["2", "1"]),
    ],
)
def test_the_setting_says_what_an_offset_counts(
    house: House, name: str, monkeypatch: pytest.MonkeyPatch, mode: str, agent: str, expected: list[str]
) -> None:
    for number in range(4):
        house.save_job(f"{name}_{number}")
    parts = house.application._parts
    for endpoint in house.application._table.endpoints:
        monkeypatch.setattr(endpoint, "_parts", replace(parts, offset_mode=mode))
    assert names(house, f"job_name={name}&offset=1&limit=2", agent) == [f"{name}_{each}" for each in expected]


def test_the_setting_takes_three_words() -> None:
    assert Settings().offset_mode == "page"
    assert read_settings({"ARKWRIGHT_OFFSET_MODE": "auto"}).offset_mode == "auto"
    with pytest.raises(SettingInvalid):
        read_settings({"ARKWRIGHT_OFFSET_MODE": "both"})
