"""How it goes out with what a worker runs when something of the worker's is gone: each way has one end, and says it."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import COMMAND, Client, node, until
from tests.e2e.yard import Process, Yard, gone, other_version, written, yard

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytestmark = pytest.mark.long

LEASE_SECONDS = 8.0
"""Longer than a busy machine holds up a renewal: nothing here is to end by that."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with yard(tmp_path_factory.mktemp("ends"), "--attempt-lease-seconds", str(LEASE_SECONDS)) as made:
        made.home.environment = {"ARKWRIGHT_ALLOW_LOOPBACK_REQUESTS": "true"}
        made.home.kill()
        made.home.start()
        yield made


@pytest.fixture
def client(place: Yard) -> Iterator[Client]:
    made = place.home.client()
    yield made
    made.close()


@pytest.fixture
def worker(place: Yard, request: pytest.FixtureRequest) -> Iterator[Process]:
    """One of a group of its own, which has its name."""
    name = request.node.name.removeprefix("test_")[:40].strip("_")
    made = place.worker(name, name, grace="0.5")
    made.start()
    yield made
    if made.running is not None:
        made.signal(signal.SIGCONT)
    made.kill()


def begun(client: Client, worker: Process, trace: Path, text: str = "sleep 600 & sleep 601") -> tuple[int, int]:
    """(instance, process group) of a program on the worker."""
    client.save_job(worker.name, node("a", statement=f"echo $$ >> {trace}; {text}", workerGroup=worker.name))
    instance_id = client.run(worker.name)
    return instance_id, os.getpgid(int(written(trace)[-1]))


def outcome(client: Client, worker: Process, instance_id: int) -> Any:
    return client.ended(worker.name, instance_id)["nodes"][0]


def test_after_its_grace_a_drained_worker_stops_what_runs_and_says_so_at_once(
    client: Client, worker: Process, tmp_path: Path
) -> None:
    instance_id, group = begun(client, worker, tmp_path / "trace")
    asked = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert gone(group)
    assert "was shut down and gave it 0.5 s to end" in outcome(client, worker, instance_id)["errorMessage"]
    assert time.monotonic() - asked < 10


def test_what_a_worker_runs_whose_token_is_revoked_is_dead_before_it_is_lost(
    client: Client, worker: Process, tmp_path: Path
) -> None:
    instance_id, group = begun(client, worker, tmp_path / "trace")
    client.good("DELETE", f"worker-tokens/{token_id(worker)}")
    shown = outcome(client, worker, instance_id)
    assert gone(group)
    assert "was not heard of for the length of its lease" in shown["errorMessage"]
    assert worker.ended() == 1
    assert "was revoked" in worker.log


def test_an_expired_token_ends_its_worker_with_the_way_out(place: Yard, client: Client, worker: Process) -> None:
    with closing(sqlite3.connect(place.home.data / "arkwright.db", timeout=30)) as database, database:
        changed = database.execute(
            "UPDATE worker_token SET body = json_set(body, '$.expires_ms', ?) WHERE id = ?",
            (1000 * int(time.time()) - 1, token_id(worker)),
        )
        assert changed.rowcount == 1
    assert worker.ended() == 1
    assert "has expired" in worker.log
    assert "arkwright worker token create" in worker.log


def test_a_worker_finds_out_at_its_next_claim_that_the_server_was_upgraded(place: Yard, tmp_path: Path) -> None:
    go, trace = tmp_path / "go", tmp_path / "trace"
    before = place.home.options
    # The same port, where the worker looks; and a lease that a restart on a busy machine does not use up.
    port = ("--port", place.home.url.rsplit(":", 1)[1])
    place.home.options = (*before, *port, "--attempt-lease-seconds", "60")
    place.home.kill()
    place.home.start()
    worker = place.worker("old", "old", slots="2")
    worker.start()
    try:
        with closing(place.home.client()) as client:
            instance_id, _ = begun(client, worker, trace, f"until [ -e {go} ]; do sleep 0.05; done")
        place.home.kill()
        place.home.command = other_version("99.0.0")
        place.home.start()
        with closing(place.home.client()) as client:
            client.save_job("next", node("a", statement="true", workerGroup="old"))
            waits = client.run("next")
            until(lambda: "the server 99.0.0" in worker.log, "it is refused the claim")
            go.touch()
            assert outcome(client, worker, instance_id)["status"] == "success", "it finishes what it has"
            assert worker.ended() == 1
            assert "Install arkwright==99.0.0 there, and start it again." in worker.log
            assert "Traceback" not in worker.log
            assert client.show("next", waits)["status"] == "running", "it waits for a worker of the new version"
            client.good("POST", f"jobs/next/instances/{waits}/stop")
    finally:
        worker.kill()
        place.home.kill()
        place.home.options, place.home.command = before, COMMAND
        place.home.start()


def test_a_killed_guard_is_replaced_and_the_new_one_keeps_the_promise(
    client: Client, worker: Process, tmp_path: Path
) -> None:
    instance_id, group = begun(client, worker, tmp_path / "trace")
    (first,) = guards(worker)
    os.kill(first, signal.SIGKILL)
    until(lambda: [each for each in guards(worker) if each != first], "there is another guard")
    assert "starting another one" in worker.log
    worker.signal(signal.SIGSTOP)
    until(lambda: gone(group), "the new one kills it", LEASE_SECONDS + 2)
    worker.signal(signal.SIGCONT)
    assert outcome(client, worker, instance_id)["status"] == "fail"


def test_a_frozen_workers_own_nodes_end_with_it_before_they_are_lost(client: Client, worker: Process) -> None:
    """A hosted node is part of the worker's process, so the guard ends that."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        client.save_job(worker.name, node("a", "RESTAPI", url=url, method="POST", workerGroup=worker.name))
        instance_id = client.run(worker.name)
        silent.settimeout(30)
        asked, _ = silent.accept()
        with asked:
            asked.recv(1000)
            worker.signal(signal.SIGSTOP)
            asked.settimeout(LEASE_SECONDS + 2)
            assert asked.recv(1000) == b"", "its connection ends with the process"
            assert client.show(worker.name, instance_id)["nodes"][0]["status"] == "running", "before it is lost"
            assert worker.ended() == -signal.SIGKILL
    assert "was not heard of" in outcome(client, worker, instance_id)["errorMessage"]


def test_a_full_disk_on_the_worker_fails_its_nodes_and_not_the_worker(
    place: Yard, client: Client, tmp_path: Path
) -> None:
    data = place.folder / "full"
    data.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(data)], capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    worker = place.worker("full", "full", slots="1")
    try:
        worker.start()
        many = "head -c 5000000 /dev/zero | tr '\\0' x; echo $? behind >&2; exit 7"
        client.save_job("writes", node("a", statement=many, workerGroup="full"))
        shown = client.ended("writes", client.run("writes"))["nodes"][0]
        assert shown["status"] == "fail"
        assert shown["errorMessage"] == (
            "It ended with exit code 7, and its output can't be kept: No space left on device."
        )
        until(lambda: not list((data / "runs").glob("*/")), "nothing of it takes room any more")
        filler = data / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(b"x" * 3_000_000)
        client.save_job("starts", node("a", statement="echo begun", workerGroup="full"))
        shown = client.ended("starts", client.run("starts"))["nodes"][0]
        assert shown["status"] == "fail"
        assert "No space left on device" in shown["errorMessage"]
        filler.unlink()
        client.save_job("again", node("a", statement="echo begun", workerGroup="full"))
        assert client.ended("again", client.run("again"))["status"] == "success", "the worker goes on"
    finally:
        worker.kill()
        until(
            lambda: not subprocess.run(["umount", str(data)], capture_output=True).returncode, "its guard lets go", 20
        )


def token_id(worker: Process) -> int:
    return int(Path(worker.arguments[worker.arguments.index("--token-file") + 1]).name.removeprefix("token-"))


def guards(worker: Process) -> list[int]:
    listing = subprocess.run(
        ["ps", "-ww", "--ppid", str(worker.pid), "-o", "pid=,stat=,args="], capture_output=True, text=True, check=False
    ).stdout
    lines = [line.split(None, 2) for line in listing.splitlines()]
    return [int(pid) for pid, state, arguments in lines if "worker/guard.py" in arguments and state[0] != "Z"]
