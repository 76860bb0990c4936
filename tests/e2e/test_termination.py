"""SIGTERM: exit code 0 in time whatever is open, and what runs is found again by the next server."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import STOP_SECONDS, House, Reply, house, node, until


def release(fifo: Path, text: str) -> None:
    """Let a program go on that reads from it. Returns once it has it open, so it runs."""
    opened = threading.Thread(target=fifo.write_text, args=[text], daemon=True)
    opened.start()
    opened.join(30)
    assert not opened.is_alive(), "nothing reads the fifo: the program is gone"


def running_job(home: House, *, exit_code: int) -> tuple[int, Path]:
    """An instance whose program waits for its fifo, and that fifo."""
    fifo = home.folder / "fifo"
    os.mkfifo(fifo)
    client = home.client()
    client.save_job(
        "waits", node("a", statement=f"echo begin; cat {fifo}; echo end; exit {exit_code}", failPolicy="IGNORE")
    )
    instance_id = client.run("waits")
    until(lambda: "begin\n" in client.log("waits", instance_id, "a"), "the program runs")
    client.close()
    return instance_id, fifo


@pytest.mark.parametrize("end", [House.stop, House.kill], ids=["after SIGTERM", "after SIGKILL"])
def test_a_running_program_is_found_again_with_its_exit_code_and_its_whole_log(
    tmp_path: Path, end: Callable[[House], Any]
) -> None:
    with house(tmp_path) as home:
        instance_id, fifo = running_job(home, exit_code=4)
        assert end(home) in (0, None)
        release(fifo, "meanwhile\n")
        home.start()
        client = home.client()
        shown = client.ended("waits", instance_id)
        assert (shown["status"], shown["nodes"][0]["status"], shown["nodes"][0]["exitCode"]) == ("success", "fail", 4)
        assert client.log("waits", instance_id, "a") == "begin\nmeanwhile\nend\n"
        client.close()


def test_it_ends_in_time_with_a_waiting_call_a_stream_and_a_program_open(tmp_path: Path) -> None:
    with house(tmp_path) as home, ThreadPoolExecutor() as pool:
        instance_id, fifo = running_job(home, exit_code=0)
        watcher, waiter, idle = home.client(), home.client(), home.client()
        idle.save_job("long", node("a", statement="sleep 1000"))
        idle.show("waits", instance_id)  # a keep-alive connection that stays open
        with watcher.stream(f"jobs/waits/instances/{instance_id}/events") as events:
            assert events.readline()
            waiting = pool.submit(waiter.call, "POST", "jobs/long/run-immediate?wait=3600")
            [other] = until(lambda: [each for each in _running(home) if each != instance_id], "the second one runs")
            begun = time.monotonic()
            assert home.stop() == 0, home.log
            assert time.monotonic() - begun < STOP_SECONDS
            assert b"event: instance" in events.read() or events.isclosed()
        reply: Reply = waiting.result(10)
        # The call is answered with what is known: the instance runs on.
        assert (reply.status, reply.json) == (200, {"instanceId": other, "status": "running"})
        assert not (home.data / "server.json").exists()
        home.start()
        release(fifo, "late\n")
        client = home.client()
        assert client.ended("waits", instance_id)["status"] == "success"
        client.good("POST", f"jobs/long/instances/{other}/stop")
        assert client.ended("long", other)["status"] == "manual-stop"
        for each in (client, watcher, waiter, idle):
            each.close()


def _running(home: House) -> list[int]:
    client = home.client()
    try:
        return [each["instanceId"] for each in client.listed(status="running")[1]]
    finally:
        client.close()


def test_two_signals_end_it_as_one_does(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        assert home.process is not None
        home.process.terminate()
        assert home.stop() == 0, home.log


def test_a_start_that_is_stopped_at_once_ends_cleanly(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.stop()
        home.spawn()
        until(lambda: (home.data / "lock").read_text(), "the next one has the folder")
        assert home.process is not None
        home.process.terminate()
        code = home.process.wait(STOP_SECONDS)
        # Before its handlers are set, the signal's own default ends it.
        assert code in (0, -15)
        home.kill()
        home.start()
        assert stat.S_IMODE(home.data.stat().st_mode) == 0o700
