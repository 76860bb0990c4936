"""When a plan would fire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.house import PROJECT, House

DAILY = {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?", "expressionTimeZone": "GMT+8"}


def shown(times: list[int]) -> list[str]:
    return [datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M") for at in times]


def previewed(house: House, body: dict[str, Any]) -> list[str]:
    reply = house.call("POST", "schedule/preview", body)
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"fireTimes"}
    return shown(reply.json()["fireTimes"])


def test_the_times_count_from_the_start_of_the_plan(house: House) -> None:
    assert previewed(house, {"cron": DAILY, "count": 3}) == [
        "2025-12-31T18:00",
        "2026-01-01T18:00",
        "2026-01-02T18:00",
    ]


def test_ten_times_where_no_count_is_given(house: House) -> None:
    assert len(previewed(house, {"cron": DAILY})) == 10


def test_start_and_end_are_inclusive(house: House) -> None:
    cron = {**DAILY, "startTime": "2026-01-01T02:00:00+08", "endTime": "2026-01-03T02:00:00+08"}
    assert previewed(house, {"cron": cron}) == ["2025-12-31T18:00", "2026-01-01T18:00", "2026-01-02T18:00"]


def test_only_later_times_may_be_asked_for(house: House) -> None:
    after = int(datetime(2026, 2, 1, 18, tzinfo=UTC).timestamp() * 1000)
    assert previewed(house, {"cron": DAILY, "count": 1, "after": after}) == ["2026-02-02T18:00"]


def test_no_lost_and_no_doubled_day_where_clocks_change(house: House) -> None:
    cron = {"startTime": "2026-03-28T00:00:00", "expression": "0 30 2 * * ?", "expressionTimeZone": "Europe/Berlin"}
    assert previewed(house, {"cron": cron, "count": 3}) == ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]


def test_a_saved_jobs_plan_is_shown(house: House, name: str) -> None:
    house.save_job(name, schedule={"type": "CRON", "cron": DAILY})
    assert previewed(house, {"jobName": name, "count": 1}) == ["2025-12-31T18:00"]
    house.save_job(f"{name}-hand")
    reply = house.call("POST", "schedule/preview", {"jobName": f"{name}-hand"})
    assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.3025")
    assert "EXECUTE_ONCE" in reply.text


def test_the_list_of_jobs_says_what_comes_next(house: House, name: str) -> None:
    house.save_job(name, schedule={"type": "CRON", "cron": DAILY})

    def listed() -> dict[str, Any]:
        [item] = house.call("GET", f"/v2/{PROJECT}/factory/jobs?job_name={name}").json()["jobs"]
        return dict(item)

    assert "next_plan_time" not in listed()
    assert house.call("POST", f"jobs/{name}/start").status_code == 204
    assert shown([listed()["next_plan_time"]])[0].endswith("T18:00")
    house.call("POST", f"jobs/{name}/stop")
    assert "next_plan_time" not in listed()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, "DLF.3025", "cron is missing"),
        ({"cron": {}}, "DLF.3025", "cron is missing"),
        ({"cron": "0 0 2 * * ?"}, "DLF.3025", "cron must be an object"),
        ({"cron": {"expression": "0 0 2 * * ?"}}, "DLF.3025", "cron.startTime is missing"),
        ({"cron": {**DAILY, "expression": "0 0 25 * * ?"}}, "DLF.3025", "25 is outside 0 to 23"),
        ({"cron": {**DAILY, "expressionTimeZone": "Mars"}}, "DLF.3025", "cron.expressionTimeZone"),
        ({"cron": DAILY, "count": 0}, "DLF.3051", "count"),
        ({"cron": DAILY, "count": 1001}, "DLF.3051", "count"),
        ({"cron": DAILY, "after": "soon"}, "DLF.3051", "after"),
        ({"cron": DAILY, "jobName": "a"}, "DLF.3051", "both given"),
        ({"jobName": "there-is-none"}, "DLF.0100", "there-is-none"),
    ],
)
def test_what_can_not_be_previewed_says_why(house: House, body: dict[str, Any], code: str, words: str) -> None:
    reply = house.call("POST", "schedule/preview", body)
    assert reply.status_code in {400, 404}
    assert reply.json()["error_code"] == code
    assert words in reply.text
