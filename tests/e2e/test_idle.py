"""Nothing polls: a server with nothing to do isn't woken up."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from tests.e2e.house import House, house, node, until

WINDOW_SECONDS = 1.5
WAKE_UPS = 3
"""Stray ones, of whatever runs once in a long while. Whoever polls is woken up far more often."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts as Linux counts")


def wake_ups(process_id: int) -> dict[str, int]:
    """Per thread how often it has gone to sleep of its own will so far, which is once per wake-up."""
    counted: dict[str, int] = {}
    for task in Path(f"/proc/{process_id}/task").iterdir():
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.MULTILINE)
        assert found
        counted[f"{task.name} {(task / 'comm').read_text().strip()}"] = int(found[1])
    return counted


def in_a_window(process_id: int) -> int:
    before = wake_ups(process_id)
    time.sleep(WINDOW_SECONDS)  # the window itself: nothing is waited for
    return sum(count - before.get(thread, 0) for thread, count in wake_ups(process_id).items())


def idle(home: House) -> bool:
    """What is under way at first (a host that comes up, a first look at something) ends sooner or later."""
    assert home.process is not None
    process_id = home.process.pid
    return bool(until(lambda: in_a_window(process_id) <= WAKE_UPS, "nothing wakes the server up", 20))


def test_an_idle_server_sleeps(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        client = home.client()
        client.save_job("j", node("a", statement="true"), node("q", "DLISQL", statement="SELECT 1"))
        client.ended("j", client.run("j"))
        assert idle(home)
        client.close()
        assert home.stop() == 0


def test_a_server_whose_programs_run_sleeps_as_they_do(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        client = home.client()
        client.save_job("long", node("a", statement="echo on; sleep 1000"))
        instance_id = client.run("long")
        until(lambda: client.log("long", instance_id, "a"), "the program runs")
        watcher = home.client()
        with watcher.stream(f"jobs/long/instances/{instance_id}/events") as events:
            assert events.readline()
            assert idle(home)
        watcher.close()
        client.close()


def test_answers_carry_the_time_although_nothing_ticks(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        first = parsedate_to_datetime(home.get("/healthz").headers["date"])
        later = until(
            lambda: (told := parsedate_to_datetime(home.get("/healthz").headers["date"])) > first and told,
            "the time goes on",
        )
        assert (later - first).total_seconds() >= 1
