"""Servers on PostgreSQL: killed like the embedded one, and several on one database."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.e2e.house import Client, House, command_with, house, node, statuses, until
from tests.e2e.lossy import lossy_way
from tests.e2e.storm import Storm
from tests.e2e.test_kills import KILLS, SEED

pytestmark = pytest.mark.postgres

LEASE = ("--lease-seconds", "1.5")
SOME_KILLS = max(4, KILLS // 4)


@pytest.mark.long
@pytest.mark.timeout(120 + 10 * SOME_KILLS)
def test_every_instance_ends_as_if_the_server_had_never_been_killed(tmp_path: Path, postgres_address: str) -> None:
    with house(tmp_path, "--database-url", postgres_address) as home:
        storm = Storm(home, SEED, SOME_KILLS)
        storm.prepare()
        storm.rage()
        storm.settle()
        storm.judge()
        asyncio.run(storm.judge_store(postgres_address))
        print(storm.count)


@pytest.mark.long
def test_a_database_that_loses_commits_and_answers_loses_no_run(tmp_path: Path, postgres_address: str) -> None:
    """The server lives on, and is never started again: nothing may wait for that."""
    with lossy_way(postgres_address, SEED) as way, house(tmp_path, "--database-url", way.address, *LEASE) as home:
        storm = Storm(home, SEED, 0)
        storm.unavailable_is_an_answer = True
        storm.prepare()
        way.commits, way.others = 0.15, 0.02
        storm.strain(SOME_KILLS * 2)
        way.commits = way.others = 0.0
        storm.settle()
        storm.judge()
        asyncio.run(storm.judge_store(postgres_address))
        assert way.lost_before
        assert way.lost_after
        print(storm.count, way.lost_before, way.lost_after)


@pytest.mark.long
def test_a_server_whose_database_has_gone_silent_ends_in_time(tmp_path: Path, postgres_address: str) -> None:
    with (
        lossy_way(postgres_address, SEED) as way,
        house(tmp_path, "--database-url", way.address, command=command_with(CLOSE_SECONDS=2)) as home,
    ):
        client = home.client()
        client.save_job("j", node("a", statement="sleep 1000"))
        instance_id = client.run("j")
        until(lambda: client.show("j", instance_id)["status"] == "running", "it runs")
        way.silent = True
        with ThreadPoolExecutor(1) as pool:
            unanswered = pool.submit(client.call, "POST", "jobs/j/run-immediate")
            assert home.stop() != 0  # not everything could be closed, and it says so
            assert "database" in home.log
            assert unanswered.exception(10) is not None or unanswered.result().status == 503
        way.silent = False
        home.start()
        client = home.client()
        client.good("POST", f"jobs/j/instances/{instance_id}/stop")
        assert client.ended("j", instance_id)["status"] == "manual-stop"
        client.close()


@contextlib.contextmanager
def two_houses(folder: Path, address: str) -> Iterator[tuple[House, House]]:
    """Two servers with folders of their own on one database."""
    with house(folder / "1", "--database-url", address, *LEASE) as first:
        second = House(folder=folder / "2", options=first.options, keys_of=first)
        # As the manual says: they share the key that unseals access keys.
        second.data.mkdir(parents=True, mode=0o700)
        shutil.copy2(first.data / "secret.key", second.data)
        try:
            second.start()
            yield first, second
        finally:
            second.close()


def _waits_for_its_retry(client: Client, instance_id: int) -> bool:
    return any(each["retryTimes"] for each in client.show("retried", instance_id)["nodes"])


def _run_here_and_stop_there(here: House, there: House) -> None:
    client, other = here.client(), there.client()
    client.save_job("long", node("a", statement="echo on; sleep 1000"))
    instance_id = client.run("long")
    until(lambda: client.log("long", instance_id, "a"), "the program runs")
    other.good("POST", f"jobs/long/instances/{instance_id}/stop")
    for each in (client, other):
        assert each.ended("long", instance_id)["status"] == "manual-stop"
        each.close()


@pytest.mark.long
def test_two_servers_on_one_database_both_accept_and_run(tmp_path: Path, postgres_address: str) -> None:
    trace = tmp_path / "trace"
    with two_houses(tmp_path, postgres_address) as homes:
        client = homes[0].client()
        client.save_job("j", node("a", statement=f'echo "$ARKWRIGHT_INSTANCE_ID" >> {trace}'), node("d", "Dummy", "a"))
        client.close()

        def accept(home: House) -> list[int]:
            client = home.client()
            # Both use the same keys: half of the calls are repeats, wherever they arrive.
            made = [client.run("j", key=str(number)) for number in range(30)] + [client.run("j") for _ in range(30)]
            client.close()
            return made

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(accept, homes)
        assert first[:30] == second[:30]
        accepted = {*first, *second}
        assert len(accepted) == 90
        for home in homes:
            client = home.client()
            until(lambda client=client: client.listed(status="success")[0] == 90, "all have ended")
            assert client.listed()[0] == 90
            client.close()
        _run_here_and_stop_there(*homes)
        assert [home.stop() for home in homes] == [0, 0]
    assert Counter(int(line) for line in trace.read_text().split()) == Counter(accepted)


def test_a_dead_servers_instances_are_taken_over_and_nothing_runs_twice(tmp_path: Path, postgres_address: str) -> None:
    trace = tmp_path / "trace"
    leave = f'echo "$ARKWRIGHT_JOB $ARKWRIGHT_NODE $ARKWRIGHT_ATTEMPT" >> {trace}'
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with two_houses(tmp_path, postgres_address) as (first, second):
        client = first.client()
        # Its first attempt is over when the server dies, its retry is due after that.
        client.save_job(
            "retried",
            node("a", statement=f'{leave}; test "$ARKWRIGHT_ATTEMPT" = 2', retryTimes=1, retryInterval=5),
            node("b", "Shell", "a", statement=leave),
        )
        # It runs on the dead server's host: nobody else can know what becomes of it.
        client.save_job("running", node("a", statement=f"{leave}; cat {fifo}"), node("b", "Dummy", "a"))
        retried, running = client.run("retried"), client.run("running")
        until(lambda: _waits_for_its_retry(client, retried), "it waits for its retry")
        until(lambda: trace.read_text().count("\n") == 2, "the other one runs")
        client.close()
        first.kill()

        client = second.client()
        shown = client.ended("retried", retried)
        assert (shown["status"], statuses(shown)) == ("success", {"a": "success", "b": "success"})
        shown = client.ended("running", running)
        assert shown["status"] == "fail", shown
        assert "can't be known" in shown["nodes"][0]["errorMessage"]
        assert "server" in shown["nodes"][0]["errorMessage"]
        client.close()
        lines = Counter(trace.read_text().splitlines())
        assert set(lines.values()) == {1}, lines

        # The dead server comes back: what others have ended stays ended.
        first.start()
        client = first.client()
        assert client.show("running", running)["status"] == "fail"
        assert client.listed()[0] == 2
        client.close()
        assert first.stop() == second.stop() == 0


@pytest.mark.long
def test_a_server_that_slept_through_its_lease_does_nothing_more_of_what_others_took_over(
    tmp_path: Path, postgres_address: str
) -> None:
    trace = tmp_path / "trace"
    leave = f'echo "$ARKWRIGHT_NODE $ARKWRIGHT_ATTEMPT" >> {trace}'
    with two_houses(tmp_path, postgres_address) as (first, second):
        client = first.client()
        client.save_job(
            "retried",
            node("a", statement=f'{leave}; test "$ARKWRIGHT_ATTEMPT" = 2', retryTimes=1, retryInterval=5),
            node("b", "Shell", "a", statement=leave),
        )
        client.save_job("short", node("d", "Dummy"))
        instance_id = client.run("retried")
        until(lambda: _waits_for_its_retry(client, instance_id), "it waits for its retry")
        client.close()
        assert first.process is not None
        first.process.send_signal(signal.SIGSTOP)
        client = second.client()
        assert client.ended("retried", instance_id)["status"] == "success"
        history = client.good("GET", f"jobs/retried/instances/{instance_id}/history")
        first.process.send_signal(signal.SIGCONT)
        other = first.client()
        # Its own timer is due long since: it has fired before this one has run to its end.
        assert other.ended("short", other.run("short"))["status"] == "success"
        assert client.good("GET", f"jobs/retried/instances/{instance_id}/history") == history
        other.close()
        client.close()
        assert Counter(trace.read_text().splitlines()) == {"a 1": 1, "a 2": 1, "b 1": 1}
        assert first.stop() == second.stop() == 0
