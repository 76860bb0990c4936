"""The server is killed again and again while a patch runs: each plan time has exactly one instance in the end."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import Client, House, house, until

HOURLY = {
    "type": "CRON",
    "cron": {
        "startTime": "2020-01-01T00:00:00Z",
        "expression": "0 0 * * * ?",
        "expressionTimeZone": "UTC",
        "intervalType": "hours",
    },
}
NAME = "P_hourly_1"
RUNS = 48
KILLS = 5
FIRST = 1772323200000
"""2026-03-01 00:00 UTC."""


def count_made(home: House) -> int:
    with closing(sqlite3.connect(home.data / "arkwright.db")) as database:
        return int(database.execute("SELECT count(*) FROM instance WHERE type = 5").fetchone()[0])


def base(home: House) -> str:
    return f"/v2/{home.project}/factory/supplement-data"


def status(home: House, client: Client) -> Any:
    [row] = client.good("GET", f"{base(home)}?name={NAME}")["rows"]
    return row["status"]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_patch_goes_on_where_it_was_however_often_the_server_is_killed(tmp_path: Path) -> None:
    started_ms = int(time.time() * 1000)
    with house(tmp_path) as home:
        with closing(home.client()) as client:
            client.save_job("hourly", {"name": "only", "type": "Dummy"}, schedule=HOURLY)
            wish = {
                "name": NAME,
                "job_name": "hourly",
                "start_date": "2026-03-01T00:00:00 +00",
                "end_date": "2026-03-02T23:59:59 +00",
                "parallel": 2,
            }
            client.good("POST", base(home), wish)
        for kill in range(KILLS):
            # A little further each time.
            enough = min(RUNS, 1 + kill * RUNS // KILLS)
            until(lambda enough=enough: count_made(home) >= enough, f"{enough} runs are made")  # type: ignore[misc]
            home.kill()
            home.start()
        with closing(home.client()) as client:
            until(lambda: status(home, client) == "SUCCESS", "the patch ends", 120)
            _, found = client.listed(instanceType="5", minPlanTime=str(started_ms))
            name, window = found[0]["jobInstanceName"], f"min_plan_time={started_ms}"
            of_patch = f"/v2/{home.project}/factory/jobs/{name}/instances/detail"
            assert client.good("GET", f"{of_patch}?{window}")["total"] == RUNS
            of_another = of_patch.replace(name, f"P_hourly_{FIRST}")
            assert client.good("GET", f"{of_another}?{window}")["total"] == 0
            assert client.good("GET", f"jobs/{name}/instances/{found[0]['instanceId']}")["jobName"] == "hourly"
        with closing(sqlite3.connect(home.data / "arkwright.db")) as database:
            assert database.execute("SELECT count(*) FROM patch").fetchone() == (0,)
            assert database.execute("SELECT count(*) FROM patch_run").fetchone() == (0,)
    times = Counter(each["planTime"] for each in found)
    assert sorted(times) == [FIRST + hour * 3_600_000 for hour in range(RUNS)]
    assert set(times.values()) == {1}
    assert {each["status"] for each in found} == {"success"}
    assert {each["jobInstanceName"].rpartition("_")[0] for each in found} == {"P_hourly"}
