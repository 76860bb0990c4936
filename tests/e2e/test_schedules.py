"""The server is killed while a thousand jobs are due: each plan time has exactly one instance in the end.

The clock is the machine's, so the schedules are moved back instead of waiting for a minute to be over: between two
servers the store is told that nothing has been planned since a minute ago.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tests.e2e.house import Client, House, house, until

JOBS = 1000
KILLS = 4
EVERY_MINUTE = {
    "type": "CRON",
    "cron": {
        "startTime": "2020-01-01T00:00:00Z",
        "expression": "0 * * * * ?",
        "expressionTimeZone": "UTC",
        "intervalType": "minutes",
    },
}


def move_back(home: House, at_ms: int) -> None:
    """As if nothing had been planned after that time."""
    with closing(sqlite3.connect(home.data / "arkwright.db")) as database, database:
        database.execute("UPDATE schedule SET cursor_ms = ?, next_ms = ?", (at_ms - 1, at_ms))


def count_planned(home: House, at_ms: int) -> int:
    with closing(sqlite3.connect(home.data / "arkwright.db")) as database:
        return int(database.execute("SELECT count(*) FROM planned WHERE plan_ms = ?", (at_ms,)).fetchone()[0])


def count_done(home: House, at_ms: int) -> int:
    text = """
        SELECT count(*) FROM planned p JOIN instance i ON i.id = p.instance_id
        WHERE plan_ms = ? AND status = 'success'"""
    with closing(sqlite3.connect(home.data / "arkwright.db")) as database:
        return int(database.execute(text, (at_ms,)).fetchone()[0])


def set_up(client: Client) -> None:
    """All are started from tomorrow on, so that nothing is planned yet."""
    tomorrow = int(time.strftime("%Y%m%d", time.gmtime(time.time() + 86_400)))
    for number in range(JOBS):
        name = f"due_{number:04}"
        client.save_job(name, {"name": "only", "type": "Dummy"}, schedule=EVERY_MINUTE)
        client.good("POST", f"jobs/{name}/start", {"start_date": tomorrow})


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_thousand_due_jobs_have_one_instance_each_however_often_the_server_is_killed(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        with closing(home.client()) as client:
            set_up(client)
        home.stop()
        minute = int(time.time()) // 60 * 60_000
        move_back(home, minute)
        for kill in range(KILLS):
            home.spawn()
            # A little further each time: before, while and after they are made, and in the middle of running them.
            enough = min(JOBS, kill * JOBS // (KILLS - 1))
            until(lambda enough=enough: count_planned(home, minute) >= enough, f"{enough} instances")  # type: ignore[misc]
            home.kill()
        home.start()
        with closing(home.client()) as client:
            window = {"instanceType": "0", "minPlanTime": str(minute - 3_600_000)}
            until(lambda: count_done(home, minute) == JOBS, "all instances end", 120)
            _, listed = client.listed(**window)
    found = {each["instanceId"]: each for each in listed}.values()  # pages shift while the next minute is planned
    times = Counter((each["jobName"], each["planTime"]) for each in found)
    assert max(times.values()) == 1
    assert {name for name, at_ms in times if at_ms == minute} == {f"due_{number:04}" for number in range(JOBS)}
