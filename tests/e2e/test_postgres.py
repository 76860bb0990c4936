"""Servers on PostgreSQL: killed like the embedded one, and several on one database."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.e2e.house import House, command_with_lease, house, node, statuses, until
from tests.e2e.lossy import lossy_way
from tests.e2e.storm import Storm
from tests.e2e.test_kills import KILLS, SEED

pytestmark = pytest.mark.postgres

LEASE_SECONDS = 1.5
SOME_KILLS = max(4, KILLS // 4)


@pytest.mark.timeout(120 + 10 * SOME_KILLS)
def test_every_instance_ends_as_if_the_server_had_never_been_killed(tmp_path: Path, postgres_address: str) -> None:
    with house(tmp_path, "--database-url", postgres_address) as home:
        storm = Storm(home, SEED, SOME_KILLS)
        storm.prepare()
        storm.rage()
        storm.settle()
        storm.judge()
        asyncio.run(storm.judge_store(postgres_address))
        print(storm.count, len(storm.wishes))


def test_a_database_that_loses_commits_and_answers_loses_no_run(tmp_path: Path, postgres_address: str) -> None:
    """The server lives on, and is never started again: nothing may wait for that."""
    with lossy_way(postgres_address, SEED) as way:
        command = command_with_lease(LEASE_SECONDS)
        with house(tmp_path, "--database-url", way.address, command=command) as home:
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
            print(storm.count, len(storm.wishes), way.lost_before, way.lost_after)


def test_a_server_whose_database_has_gone_silent_ends_in_time(tmp_path: Path, postgres_address: str) -> None:
    with lossy_way(postgres_address, SEED) as way, house(tmp_path, "--database-url", way.address) as home:
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
    command = command_with_lease(LEASE_SECONDS)
    with house(folder / "1", "--database-url", address, command=command) as first:
        second = House(folder=folder / "2", options=first.options, command=command, keys_of=first)
        # As the manual says: they share the key that unseals access keys.
        second.data.mkdir(parents=True, mode=0o700)
        shutil.copy2(first.data / "secret.key", second.data)
        try:
            second.start()
            yield first, second
        finally:
            second.close()


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
            # Stop and follow work at either server, whoever owns the instance.
            assert {client.show("j", each)["status"] for each in list(accepted)[:5]} == {"success"}
            client.close()
            assert home.stop() == 0
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
        until(lambda: client.show("retried", retried)["nodes"][0]["retryTimes"] == 1, "it waits for its retry")
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

        # Its server comes back: what others have ended stays ended.
        first.start()
        client = first.client()
        assert client.show("running", running)["status"] == "fail"
        assert client.listed()[0] == 2
        client.close()
        assert first.stop() == second.stop() == 0
