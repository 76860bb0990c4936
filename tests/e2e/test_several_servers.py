"""Three servers with roles of their own on one PostgreSQL: frozen and killed under load, emptied, refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.e2e.house import COMMAND, Client, House, clean_environment, house, node, until
from tests.servers.postgres import address_of, run_statements, settle

pytestmark = pytest.mark.postgres

LEASE = ("--lease-seconds", "1.5")
TOKEN = "of who reads metrics"
ENVIRONMENT = {"ARKWRIGHT_METRICS_TOKEN": TOKEN}
SCHEDULED = 20
NOW_MS = "extract(epoch FROM clock_timestamp()) * 1000"
EVERY_MINUTE = {
    "type": "CRON",
    "cron": {
        "startTime": "2020-01-01T00:00:00Z",
        "expression": "0 * * * * ?",
        "expressionTimeZone": "UTC",
        "intervalType": "minutes",
    },
}


def engine_name(house: House) -> str:
    return (house.data / "engine-name").read_text().strip()


@dataclass
class Town:
    address: str
    front: House
    workers: list[House]
    trace: Path
    accepted: dict[str, int] = field(default_factory=dict)
    """Per idempotency key, the instance."""

    def metric(self, of: House, name: str) -> float:
        client = Client(of.url, {"Authorization": f"Bearer {TOKEN}"}, "")
        text = client.call("GET", "/metrics").body.decode()
        client.close()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    def planner(self) -> House:
        """Who plans now."""
        held = f"SELECT owner FROM lease WHERE name = 'scheduler' AND until_ms > {NOW_MS}"
        owner = until(lambda: self.rows(held), "somebody plans")[0][0]
        return next(each for each in self.workers if engine_name(each) == owner)

    def holds_its_instances(self, house: House) -> bool:
        """Whether its lease on what it runs is not over; that is another one than the planner's."""
        held = f"SELECT 1 FROM engine WHERE name = '{engine_name(house)}' AND lease_until_ms > {NOW_MS}"
        return bool(self.rows(held))

    def rows(self, query: str) -> list[asyncpg.Record]:
        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.address)
            try:
                return await connection.fetch(query)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def due_again(self, minute_ms: int) -> None:
        """As if nothing had been planned since that minute."""
        moved = f"UPDATE schedule SET cursor_ms = {minute_ms - 1}, next_ms = {minute_ms} WHERE cursor_ms > {minute_ms}"
        asyncio.run(run_statements(self.address, moved, "SELECT pg_notify('arkwright_schedules', '0')"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, postgres_server: Any) -> Iterator[Town]:
    """One for all tests, in the order in which they are here: the last one kills a server."""
    folder = tmp_path_factory.mktemp("town")
    settle(run_statements(address_of(postgres_server, "postgres"), "CREATE DATABASE town"))
    address = address_of(postgres_server, "town")
    options = ("--database-url", address, *LEASE)
    with contextlib.ExitStack() as stack:
        front = stack.enter_context(house(folder / "front", *options, "--roles", "api", **ENVIRONMENT))
        key = ("--seal-key-file", str(front.data / "secret.key"))
        workers = []
        for name in ("one", "two"):
            roles = ("--roles", "engine,scheduler")
            home = House(folder=folder / name, options=(*options, *key, *roles), keys_of=front, environment=ENVIRONMENT)
            stack.callback(home.close)
            home.spawn()
            workers.append(home)
        for home in workers:
            home.accepting()
        yield Town(address, front, workers, folder / "trace")
    settle(run_statements(address_of(postgres_server, "postgres"), "DROP DATABASE town WITH (FORCE)"))


def _load(town: Town, stop: threading.Event) -> None:
    client, number = town.front.client(), 0
    while not stop.is_set():
        number += 1
        town.accepted[f"k{number}"] = client.run("traced", key=f"k{number}")
    client.close()


def test_what_a_replica_accepts_begins_at_once_and_is_watched_and_stopped_there(town: Town) -> None:
    client = town.front.client()
    client.save_job("short", node("a", "Dummy"))
    client.save_job("long", node("a", statement="sleep 1000"))
    waited = []
    for _ in range(5):
        begun = time.monotonic()
        answer = client.good("POST", "jobs/short/run-immediate?wait=10")
        waited.append(time.monotonic() - begun)
        assert answer["status"] == "success", answer
    assert sorted(waited)[2] < 1.0, "no look again and again after a second"
    instance_id = client.run("long")
    until(lambda: client.show("long", instance_id)["status"] == "running", "it runs")
    client.good("POST", f"jobs/long/instances/{instance_id}/stop")
    assert client.ended("long", instance_id)["status"] == "manual-stop"
    worker = town.workers[0]
    refused = worker.get(f"/v1/{worker.project}/jobs")
    assert refused.status == 400
    assert "role api" in refused.json["error_msg"]
    assert worker.get("/healthz").status == 200
    servers = client.good("GET", "servers")["servers"]
    assert sorted((each["roles"], each["state"]) for each in servers) == [
        (["api"], "running"),
        (["engine", "scheduler"], "running"),
        (["engine", "scheduler"], "running"),
    ]
    client.close()


def _arkwright(town: Town, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments, "--data", str(town.front.data)]
    return subprocess.run(command, capture_output=True, text=True, env=clean_environment(), timeout=60, check=False)


def test_a_server_is_emptied_by_a_command_and_takes_work_again(town: Town) -> None:
    client = town.front.client()
    client.save_job("retried", node("a", statement="false", retryTimes=1, retryInterval=120))
    made = [client.run("retried") for _ in range(10)]
    one, two = ((home.data / "engine-name").read_text().strip() for home in town.workers)

    def owners() -> Counter[str]:
        return Counter(row[0] for row in town.rows("SELECT owner FROM instance WHERE ended = 0"))

    until(lambda: set(owners()) <= {one, two} and sum(owners().values()) == len(made), "all are taken up")
    said = _arkwright(town, "server", "drain", one, "--wait")
    assert said.returncode == 0, said.stderr
    assert owners() == {two: len(made)}
    shown = json.loads(_arkwright(town, "server", "list", "--json").stdout)["servers"]
    assert {each["name"]: each["state"] for each in shown}[one] == "empty"
    last = client.run("retried")
    until(lambda: owners() == {two: len(made) + 1}, "new runs go to the other one")
    assert town.planner() is town.workers[1]
    assert _arkwright(town, "server", "resume", one).returncode == 0
    town.workers[1].stop()  # hands over what it has, and doesn't wait for its lease
    until(lambda: owners() == {one: len(made) + 1}, "it has them again")
    town.workers[1].start()
    for instance_id in [*made, last]:
        client.good("POST", f"jobs/retried/instances/{instance_id}/stop")
    until(lambda: not owners(), "all are stopped")
    client.close()


def test_a_server_with_another_key_is_refused(town: Town, tmp_path: Path) -> None:
    stranger = House(folder=tmp_path / "stranger", options=("--database-url", town.address), keys_of=town.front)
    stranger.data.mkdir(parents=True)
    for key in (None, "ab" * 32 + "\n"):
        if key is not None:
            (stranger.data / "secret.key").write_text(key)
        stranger.spawn()
        assert stranger.process is not None
        assert stranger.process.wait(30) != 0
        stranger._gone()
        told = stranger.log.splitlines()[-3:]
        assert (
            any("secret.key" in line and "sealed with the key" in line for line in told)
            or "sealed with" in stranger.log
        )
        assert "Copy the file secret.key" in stranger.log
        assert "Traceback" not in stranger.log


@pytest.mark.timeout(120)
def test_nothing_is_lost_and_nothing_done_twice_while_servers_are_frozen_and_killed(town: Town) -> None:
    client = town.front.client()
    leave = f'echo "$ARKWRIGHT_INSTANCE_ID $ARKWRIGHT_NODE $ARKWRIGHT_ATTEMPT" >> {town.trace}'
    client.save_job(
        "traced", node("a", statement=leave), node("b", "Dummy", "a"), node("c", "Shell", "b", statement=leave)
    )
    tomorrow = int(time.strftime("%Y%m%d", time.gmtime(time.time() + 86_400)))
    for number in range(SCHEDULED):
        client.save_job(f"due{number}", node("d", "Dummy"), schedule=EVERY_MINUTE)
        client.good("POST", f"jobs/due{number}/start", {"start_date": tomorrow})
    stop = threading.Event()
    load = threading.Thread(target=_load, args=(town, stop))
    load.start()
    until(lambda: len(town.accepted) > 20, "the load runs")

    planner = town.planner()
    other = next(each for each in town.workers if each is not planner)
    minute = int(time.time()) // 60 * 60_000
    town.due_again(minute)
    assert planner.process is not None
    planner.process.send_signal(signal.SIGSTOP)  # in the middle of planning, and of running what it has
    assert until(lambda: town.planner() is other, "the other one plans") is True
    town.due_again(minute)
    until(lambda: not town.holds_its_instances(planner), "its lease is over, too")
    planner.process.send_signal(signal.SIGCONT)
    count = len(town.accepted)
    until(lambda: len(town.accepted) > count + 20, "the load goes on")
    other.kill()
    assert until(lambda: town.planner() is planner, "the first one plans again") is True
    town.due_again(minute)
    count = len(town.accepted)
    until(lambda: len(town.accepted) > count + 20, "the load still goes on")
    stop.set()
    load.join(30)

    unended = "SELECT count(*) FROM instance WHERE ended = 0"
    until(lambda: town.rows(unended)[0][0] == 0, "all end")
    traced = "SELECT id, status FROM instance WHERE job_id = (SELECT id FROM definition WHERE name = 'traced')"
    ended = {row[0]: row[1] for row in town.rows(traced)}
    assert set(ended) == set(town.accepted.values()), "what was acknowledged is there, and nothing else"
    lines = Counter(town.trace.read_text().splitlines())
    assert max(lines.values()) == 1, "no attempt ran twice"
    for instance_id, status in ended.items():
        if status == "success":
            assert lines[f"{instance_id} a 1"] == lines[f"{instance_id} c 1"] == 1
        else:
            # On a server that was frozen or killed: nobody can know, and the node has no retries.
            shown = client.show("traced", instance_id)
            assert any("can't be known" in (each.get("errorMessage") or "") for each in shown["nodes"]), shown
    lost = sum(status != "success" for status in ended.values())
    planned = "SELECT i.job_id, i.plan_ms, count(*) FROM planned i GROUP BY 1, 2"
    assert {row[2] for row in town.rows(planned)} == {1}
    made = (
        "SELECT count(*) FROM instance i LEFT JOIN planned p ON p.instance_id = i.id WHERE type = 0 AND plan_ms IS NULL"
    )
    assert town.rows(made)[0][0] == 0, "no instance without its plan time"
    of_minute = f"SELECT count(*) FROM planned WHERE plan_ms = {minute}"
    assert town.rows(of_minute)[0][0] == SCHEDULED
    assert town.metric(planner, "arkwright_slots_leaked") == 0
    assert town.metric(planner, "arkwright_lease_lapses_total") >= 1
    print(f"{len(ended)} runs, {lost} whose fate nobody could know, {SCHEDULED} planned once")
    client.close()
