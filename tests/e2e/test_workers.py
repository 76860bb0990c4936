"""Nodes on workers: a real server, a real Dask scheduler, real workers, each killed, frozen or cut off in its turn.

What a program does, it writes into a file of the test (`trace`): a line when it begins, one when it ends. So a side
effect that happened twice, or went on after its attempt was given up, is seen.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import Client, node, statuses, until
from tests.e2e.yard import LEASE_SECONDS, Process, Yard, gone, other_version, written, yard

from arkwright.certificates import make_certificates
from arkwright.executors.dask_settings import DaskAddress, security
from arkwright.executors.dask_task import take_attempt

pytest.importorskip("distributed", reason="the extra `dask` is not installed")


def files(folder: Path, side: str) -> list[tuple[str, str]]:
    """What one side of TLS proves itself with."""
    certs = folder / "certs"
    return [("ca", f"{certs}/ca.pem"), ("cert", f"{certs}/{side}.pem"), ("key", f"{certs}/{side}-key.pem")]


def options(folder: Path) -> list[str]:
    return [part for name, file in files(folder, "worker") for part in (f"--tls-{name}", file)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("yard")
    make_certificates(folder / "certs", ["127.0.0.1", "localhost"], days=1)
    own = [part for name, file in files(folder, "server") for part in (f"--executor-{name}", file)]
    with yard(folder, *own, scheme="tls", tls=[*options(folder)]) as made:
        for name in ("one", "two"):
            made.worker(name, "default").spawn()
        for each in made.workers.values():
            each.ready()
        yield made


@pytest.fixture
def client(place: Yard) -> Iterator[Client]:
    made = place.home.client()
    yield made
    made.close()


def begun(place: Yard, client: Client, job: str, text: str, trace: Path, **more: Any) -> tuple[int, int]:
    """A run whose program says who it is and then does `text`: (instance, process group)."""
    client.save_job(job, node("a", statement=f"echo $$ >> {trace}; {text}", **more))
    instance_id = client.run(job)
    return instance_id, os.getpgid(int(written(trace)[-1]))


def holder(place: Yard) -> str:
    """Name of the worker that has an attempt's folder."""
    found: list[Path] = until(lambda: list(place.folder.glob("*/runs/*-*-*")), "a worker has it")
    return found[0].parent.parent.name


def revive(place: Yard, name: str) -> None:
    worker = place.workers[name]
    if worker.running is None:
        worker.start()


def outcome(client: Client, job: str, instance_id: int) -> Any:
    ended = client.ended(job, instance_id)
    return ended["nodes"][0]


def test_a_program_runs_on_a_worker_and_its_log_and_output_come_back(place: Yard, client: Client) -> None:
    client.save_job(
        "hello",
        node("a", statement="echo from $PWD; echo 42"),
        node("b", "Shell", "a", statement="echo got $1", arguments='#{Job.getNodeOutput("a")}'),
    )
    instance_id = client.run("hello")
    assert client.ended("hello", instance_id)["status"] == "success"
    first, last = client.log("hello", instance_id, "a").splitlines()
    assert first.startswith(f"from {place.folder}/")
    assert "house" not in first
    assert last == "42"
    assert client.log("hello", instance_id, "b") == "got from\n"
    assert not list(place.folder.glob("*/runs/*-*-*")), "a worker keeps nothing"


def test_a_failure_is_told_with_its_exit_code_and_last_words(client: Client) -> None:
    client.save_job("fail", node("a", statement="echo so it is; exit 3"))
    shown = outcome(client, "fail", client.run("fail"))
    assert shown["status"] == "fail"
    assert "Exit code 3" in shown["errorMessage"]
    assert "so it is" in shown["errorMessage"]


def test_the_log_is_there_while_the_program_runs(place: Yard, client: Client, tmp_path: Path) -> None:
    go = tmp_path / "go"
    trace = tmp_path / "trace"
    instance_id, _ = begun(place, client, "stream", f"echo early; until [ -e {go} ]; do sleep 0.05; done", trace)
    until(lambda: client.log("stream", instance_id, "a") == "early\n", "its first words are there", 10)
    go.touch()
    assert outcome(client, "stream", instance_id)["status"] == "success"


def test_a_cancel_kills_the_program_and_its_children_within_two_seconds(
    place: Yard, client: Client, tmp_path: Path
) -> None:
    instance_id, group = begun(place, client, "cancel", "sleep 600 & sleep 601", tmp_path / "trace")
    asked = time.monotonic()
    client.good("POST", f"jobs/cancel/instances/{instance_id}/stop")
    assert client.ended("cancel", instance_id)["status"] == "manual-stop"
    took = time.monotonic() - asked
    assert gone(group)
    assert took < 2, took
    print(f"cancelled in {took:.2f} s")


def test_secrets_reach_the_program_and_no_file(place: Yard, client: Client, tmp_path: Path) -> None:
    secret = "worker-Tiger-4711"
    trace = tmp_path / "trace"
    text = (
        f'test "$ARKWRIGHT_PARAM_KEY" = {secret[:-4]}$((4700 + 11)) && echo right >> {trace}; echo $ARKWRIGHT_PARAM_KEY'
    )
    client.save_job("masked", node("a", statement=text), params=[{"name": "key", "value": secret, "masked": True}])
    instance_id = client.run("masked")
    assert client.ended("masked", instance_id)["status"] == "success"
    assert written(trace) == ["right"]
    assert client.log("masked", instance_id, "a") == "******\n"
    holding = [path for path in place.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holding == []


def looked(worker: Process, instance_id: int) -> bool:
    return f"Attempt {instance_id}/0-1 from before" in worker.log


def test_a_killed_worker_that_comes_back_in_time_goes_on(place: Yard, client: Client, tmp_path: Path) -> None:
    for tries in range(3):  # on a busy machine it may not come back in time
        go, trace = tmp_path / f"go{tries}", tmp_path / f"trace{tries}"
        text = f"until [ -e {go} ]; do sleep 0.05; done; echo end >> {trace}"
        instance_id, _ = begun(place, client, f"adopt{tries}", text, trace)
        worker = place.workers[holder(place)]
        worker.kill()
        killed = time.monotonic()
        worker.spawn()
        until(partial(looked, worker, instance_id), "it looks at what it had")
        in_time = time.monotonic() - killed < 0.7 * LEASE_SECONDS
        worker.ready()
        go.touch()
        shown = outcome(client, f"adopt{tries}", instance_id)
        if in_time:
            assert shown["status"] == "success", shown.get("errorMessage")
            assert written(trace, 2)[1:] == ["end"]
            return
        assert shown["status"] in ("success", "fail")
    pytest.skip("this machine is too busy to start a worker within a lease")


def test_what_a_killed_worker_ran_is_dead_before_it_is_lost_and_its_retry_runs_elsewhere(
    place: Yard, client: Client, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    again = f"if [ $(wc -l < {trace}) -gt 1 ]; then exit 0; fi"
    first = f"{again}; while :; do sleep 0.05; date > {tmp_path}/alive; done"
    instance_id, group = begun(place, client, "lost", first, trace, retryTimes=1, retryInterval=5)
    name = holder(place)
    place.workers[name].kill()
    killed = time.monotonic()
    shown = outcome(client, "lost", instance_id)
    took = time.monotonic() - killed
    assert shown["status"] == "success"
    assert gone(group)
    pids = written(trace, 2)
    assert len(pids) == 2, "begun twice: that is what its retry policy says"
    history = client.good("GET", f"jobs/lost/instances/{instance_id}/history")["events"]
    ends = [each for each in history if each["event"] == "AttemptEnded"]
    assert "not heard of" in json.dumps(ends[0])
    alive = (tmp_path / "alive").stat().st_mtime
    assert alive < ends[0]["time"] / 1000, "it did nothing any more once it was lost"
    assert took < LEASE_SECONDS + 5 + 4, took  # 5: retryInterval
    revive(place, name)


def test_what_a_frozen_worker_ran_is_dead_before_it_is_lost_and_its_report_counts_no_more(
    place: Yard, client: Client, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    instance_id, group = begun(
        place, client, "frozen", f"while :; do sleep 0.05; date > {tmp_path}/alive; done", trace, failPolicy="IGNORE"
    )
    worker = place.workers[holder(place)]
    worker.signal(signal.SIGSTOP)
    try:
        until(lambda: gone(group), "the guard kills it", LEASE_SECONDS + 1)
        assert statuses(client.show("frozen", instance_id)) == {"a": "running"}, "it is dead before its lease is over"
        shown = outcome(client, "frozen", instance_id)
        assert "not heard of" in shown["errorMessage"]
    finally:
        worker.signal(signal.SIGCONT)
    until(lambda: not list((place.folder / worker.name / "runs").glob("*-*-*")), "it gives up what it had", 10)
    client.save_job("after", node("a", statement="true"))
    assert outcome(client, "after", client.run("after"))["status"] == "success"


def test_a_lost_scheduler_delays_what_waits_and_touches_nothing_that_runs(
    place: Yard, client: Client, tmp_path: Path
) -> None:
    go, trace = tmp_path / "go", tmp_path / "trace"
    text = f"echo b >> {trace}; until [ -e {go} ]; do sleep 0.05; done; echo e >> {trace}"
    client.save_job("many", node("a", statement=text))
    instances = [client.run("many") for _ in range(12)]  # 8 slots
    written(trace, 8)
    place.scheduler.kill()
    instances.append(client.run("many"))  # nobody is there to bring it
    place.start_scheduler()
    go.touch()
    for each in instances:
        shown = outcome(client, "many", each)
        assert shown["status"] == "success", shown.get("errorMessage")
    lines = written(trace, 26)
    assert (lines.count("b"), lines.count("e")) == (13, 13), "each ran once"


def test_a_report_whose_answer_is_lost_with_the_server_counts_once(place: Yard, client: Client, tmp_path: Path) -> None:
    go, trace = tmp_path / "go", tmp_path / "trace"
    text = f"until [ -e {go} ]; do sleep 0.05; done; echo end >> {trace}"
    instance_id, group = begun(place, client, "restart", text, trace)
    place.home.options = (*place.home.options, "--port", place.home.url.rsplit(":", 1)[1])  # where the workers look
    place.home.kill()
    go.touch()
    until(lambda: gone(group), "it ends while there is no server")
    place.home.start()
    again = place.home.client()
    assert outcome(again, "restart", instance_id)["status"] == "success"
    history = again.good("GET", f"jobs/restart/instances/{instance_id}/history")["events"]
    assert [each["event"] for each in history].count("AttemptEnded") == 1
    assert len(written(trace)) == 2
    again.close()


def test_a_second_delivery_of_an_attempt_is_left(place: Yard, client: Client, tmp_path: Path) -> None:
    """The same name, brought once more by somebody else's task: to the worker that has it, and to the other one."""
    from distributed import Client as Dask

    go, trace = tmp_path / "go", tmp_path / "trace"
    instance_id, _ = begun(place, client, "twice", f"until [ -e {go} ]; do sleep 0.05; done", trace)
    ca, cert, key = (Path(file) for _, file in files(place.folder, "worker"))
    secure = security(DaskAddress(url=place.address, ca=ca, cert=cert, key=key))
    with Dask(place.address, security=secure, set_as_default=False) as dask:
        dask.wait_for_workers(2, timeout=60)  # one may be on its way back after the test before
        addresses = list(dask.scheduler_info()["workers"])
        assert len(addresses) == 2
        futures = [
            dask.submit(take_attempt, f"{instance_id}-0-1", key=f"again-{number}", pure=False, workers=[address])
            for number, address in enumerate(addresses)
        ]
        until(lambda: any(each.done() for each in futures), "the other worker leaves it")
        assert next(each.result() for each in futures if each.done()).startswith(
            f"The attempt {instance_id}-0-1 is claimed by "
        )
        go.touch()
        assert outcome(client, "twice", instance_id)["status"] == "success"
        for each in futures:
            each.result(timeout=10)
    assert len(written(trace)) == 1


def test_a_node_whose_group_has_no_workers_says_what_it_waits_for_and_can_be_stopped(
    place: Yard, client: Client
) -> None:
    client.save_job("nobody", node("a", statement="true", workerGroup="gpu"))
    instance_id = client.run("nobody")
    why = until(
        lambda: (found := client.good("GET", f"jobs/instances/{instance_id}/why"))["waits"] and found, "it waits"
    )
    text = json.dumps(why["conditions"])
    assert "gpu" in text
    assert "default" in text, "the groups that there are"
    client.good("POST", f"jobs/nobody/instances/{instance_id}/stop")
    assert client.ended("nobody", instance_id)["status"] == "manual-stop"


def test_a_group_is_named_by_node_job_or_default_and_local_is_the_server(place: Yard, client: Client) -> None:
    place.worker("three", "gpu").start()
    try:
        client.save_job("here", node("a", statement="pwd", workerGroup="local"))
        client.save_job("node", node("a", statement="pwd", workerGroup="gpu"))
        client.save_job("job", node("a", statement="pwd"), workerGroup="gpu")
        client.save_job("else", node("a", statement="pwd"))
        expected = {"here": "house", "node": "three", "job": "three"}
        ran = {}
        for job in (*expected, "else"):
            instance_id = client.run(job)
            assert client.ended(job, instance_id)["status"] == "success"
            path = Path(client.log(job, instance_id, "a").strip())
            ran[job] = path.relative_to(place.folder).parts[0]
        assert ran.pop("else") in ("one", "two")
        assert ran == expected
        listed = client.good("GET", "workers")
        assert [each["name"] for each in listed["groups"] if each["workers"]] == ["default", "gpu"]
    finally:
        place.workers["three"].kill()


def test_a_node_that_needs_the_server_is_refused_elsewhere(client: Client) -> None:
    client.save_job("dli", node("a", "DLISQL", statement="SELECT 1", workerGroup="gpu"))
    shown = outcome(client, "dli", client.run("dli"))
    assert shown["status"] == "fail"
    assert "DLISQL" in shown["errorMessage"]
    assert "workerGroup" in shown["errorMessage"]


def test_a_worker_of_another_version_is_refused_with_the_way_out(place: Yard) -> None:
    worker = place.worker("old", "default", command=other_version("0.0.9"))
    worker.spawn()
    assert worker.ended() == 1
    assert "runs Arkwright 0.0.9" in worker.log
    assert "Traceback" not in worker.log


def test_a_worker_without_a_right_to_its_group_is_refused(place: Yard) -> None:
    worker = place.worker("stranger", "default")
    worker.arguments = [*worker.arguments, "--group", "secret-group"]
    worker.spawn()
    assert worker.ended() == 1
    assert "secret-group" in worker.log


def test_a_drained_worker_finishes_what_it_has_and_takes_no_more(place: Yard, client: Client, tmp_path: Path) -> None:
    go, trace = tmp_path / "go", tmp_path / "trace"
    instance_id, _ = begun(place, client, "drain", f"until [ -e {go} ]; do sleep 0.05; done", trace)
    name = holder(place)
    worker = place.workers[name]
    worker.signal(signal.SIGTERM)
    until(lambda: "Waiting 5 s" in worker.log, "it drains", 10)
    client.save_job("next", node("a", statement="pwd"))
    other = client.run("next")
    assert client.ended("next", other)["status"] == "success"
    assert f"/{name}/" not in client.log("next", other, "a")
    go.touch()
    assert worker.ended() == 0
    assert outcome(client, "drain", instance_id)["status"] == "success"
    revive(place, name)


def test_a_revoked_token_ends_its_worker(place: Yard, client: Client) -> None:
    worker = place.worker("revoked", "default")
    worker.start()
    token_id = int(Path(worker.arguments[worker.arguments.index("--token-file") + 1]).name.removeprefix("token-"))
    client.good("DELETE", f"worker-tokens/{token_id}")
    assert worker.ended() == 1
    assert "was revoked" in worker.log


def test_a_node_that_calls_another_system_runs_on_a_worker_where_it_is_told_to(place: Yard, client: Client) -> None:
    """RESTAPI: its request comes from the worker, which may not call loopback addresses, and says so."""
    properties = {"url": f"{place.home.url}/healthz", "method": "GET", "workerGroup": "default"}
    client.save_job("rest", node("a", "RESTAPI", **properties))
    instance_id = client.run("rest")
    shown = outcome(client, "rest", instance_id)
    assert shown["status"] == "fail"
    assert "loopback" in shown["errorMessage"]
    assert not list((place.home.data / "hosts").glob("*.json")), "no host of the server was asked"


def test_who_shows_no_certificate_is_told_nothing(place: Yard) -> None:
    host, port = place.address.removeprefix("tls://").split(":")
    nobody = ssl.create_default_context(cafile=str(place.folder / "certs" / "ca.pem"))
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        pytest.raises(ssl.SSLError),
        nobody.wrap_socket(raw, server_hostname=host) as talk,
    ):
        talk.recv(1)
