"""Logs and outputs in the object storage: read by every server, whoever ran the program and whether it lives."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.e2e.house import Client, House, house, node, until
from tests.e2e.yard import yard
from tests.examples import seldom
from tests.servers.s3 import s3_endpoint  # noqa: F401

# A shorter lag, and a shorter wait for a dead server.
COMMAND = (
    sys.executable,
    "-c",
    "from arkwright.app import server; from arkwright.executors import shipping; "
    "server.LEASE_SECONDS = 1.5; shipping.LAG_SECONDS = 0.2; from arkwright.cli import main; main()",
)


@pytest.fixture
def bucket(s3_endpoint: str) -> dict[str, str]:  # noqa: F811
    """Settings of servers that keep logs in a bucket of their own."""
    request = urllib.request.Request(f"{s3_endpoint}/logs", method="PUT")
    urllib.request.urlopen(request).close()
    return {
        "ARKWRIGHT_LOG_STORE": "obs://logs/of/test",
        "ARKWRIGHT_S3_ENDPOINT": s3_endpoint,
        "ARKWRIGHT_S3_ACCESS_KEY": "key",
        "ARKWRIGHT_S3_SECRET_KEY": "secret",
    }


@contextlib.contextmanager
def two_houses(folder: Path, address: str, environment: dict[str, str]) -> Iterator[tuple[House, House]]:
    with house(folder / "1", "--database-url", address, command=COMMAND, **environment) as first:
        second = House(
            folder=folder / "2", options=first.options, environment=environment, command=COMMAND, keys_of=first
        )
        second.data.mkdir(parents=True, mode=0o700)
        shutil.copy2(first.data / "secret.key", second.data)
        try:
            second.start()
            yield first, second
        finally:
            second.close()


def followed(client: Client, job: str, instance_id: int, name: str) -> Iterator[tuple[str, str]]:
    """(event, text) of the live log."""
    with contextlib.closing(client), client.stream(f"jobs/{job}/instances/{instance_id}/nodes/{name}/log") as answer:
        event = ""
        for raw in answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                yield event, json.loads(line[6:]).get("text", "")
                if event == "end":
                    return


@pytest.mark.long
@pytest.mark.postgres
def test_a_server_serves_what_another_one_ran_while_it_runs_and_after_that_was_killed(
    tmp_path: Path, postgres_address: str, bucket: dict[str, str]
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with two_houses(tmp_path, postgres_address, bucket) as (first, second):
        client, other = first.client(), second.client()
        client.save_job(
            "handed-on",
            node("a", statement="echo from a"),
            node("b", "Shell", "a", statement=f"seq 1 3000; cat {fifo}"),
        )
        # The retry, and what reads the output, come when the first server is dead.
        client.save_job(
            "retried",
            node("a", statement="echo 'größe 7'"),
            node("b", "Shell", "a", statement='test "$ARKWRIGHT_ATTEMPT" = 2', retryTimes=1, retryInterval=5),
            node("c", "Shell", "b", statement='echo "got $*"', arguments='#{Job.getNodeOutput("a")}'),
        )
        running, retried = client.run("handed-on"), client.run("retried")
        said = "".join(f"{number}\n" for number in range(1, 3001))
        until(lambda: other.log("handed-on", running, "b") == said, "the other server serves what was said so far")
        ranged = other.call("GET", f"jobs/handed-on/instances/{running}/nodes/b/log", Range="bytes=2-5")
        assert (ranged.status, ranged.body) == (206, said.encode()[2:6])
        live = followed(second.client(), "handed-on", running, "b")
        assert next(live) == ("log", said)
        until(lambda: client.show("retried", retried)["nodes"][1]["retryTimes"], "it waits for its retry")
        client.close()
        first.kill()

        shown = other.ended("handed-on", running)
        assert shown["status"] == "fail"
        assert other.log("handed-on", running, "a") == "from a\n"
        assert other.log("handed-on", running, "b") == said
        assert [event for event, _ in live] == ["end"]
        path = "/obs/" + quote(shown["nodes"][1]["logPath"].removeprefix("obs://"))
        assert other.call("GET", path).body.decode() == said
        assert other.ended("retried", retried)["status"] == "success"
        assert other.log("retried", retried, "c") == "got größe 7\n"

        # What it said after its server had died reaches the storage when that is back.
        with fifo.open("w") as end:
            end.write("last words\n")
        first.start()
        client = first.client()
        assert client.show("handed-on", running)["status"] == "fail"
        client.close()
        refused = other.call("GET", "/obs/logs/of/test/0/001/x")
        assert (refused.status, b"keeps logs" in refused.body) == (400, True)
        assert other.call("GET", "/obs/logs").json["objects"] == []
        other.close()
        assert first.stop() == second.stop() == 0


@pytest.mark.parametrize("kept", ["folder", *seldom("s3")])
def test_a_server_that_is_killed_again_and_again_ships_everything_once(
    tmp_path: Path, kept: str, request: pytest.FixtureRequest
) -> None:
    environment = (
        request.getfixturevalue("bucket")
        if kept == "s3"
        else {"ARKWRIGHT_LOG_STORE": "obs://logs", "ARKWRIGHT_OBJECTS_FOLDER": str(tmp_path / "shared")}
    )
    stop = tmp_path / "stop"
    with house(tmp_path, command=COMMAND, **environment) as home:
        client = home.client()
        loop = f"i=0; until test -e {stop}; do i=$((i+1)); echo line $i; sleep 0.005; done; echo $i lines"
        client.save_job(
            "talks", node("a", statement=loop), logPath="obs://logs-of-job/here" if kept == "folder" else ""
        )
        instance_id = client.run("talks")
        for _ in range(2):
            seen = len(client.log("talks", instance_id, "a"))
            until(
                lambda client=client, seen=seen: len(client.log("talks", instance_id, "a")) > seen + 500, "it goes on"
            )
            client.close()
            home.kill()
            home.start()
            client = home.client()
        stop.touch()
        shown = client.ended("talks", instance_id)
        assert shown["status"] == "success"
        (log,) = home.data.glob("runs/*/*/*/log")
        local = log.read_text()
        count = int(local.split()[-2])
        assert local == "".join(f"line {n}\n" for n in range(1, count + 1)) + f"{count} lines\n"
        shutil.rmtree(log.parent)
        assert client.log("talks", instance_id, "a") == local, "without the folder it comes from the storage"
        if kept == "folder":
            own = shown["nodes"][0]["logPath"]
            assert own.startswith("obs://logs-of-job/here/talks/")
            assert client.call("GET", "/obs/" + quote(own.removeprefix("obs://"))).body.decode() == local
        client.close()
        assert list((home.data / "shipping").iterdir()) == []
        assert home.stop() == 0


@pytest.mark.long
def test_what_workers_run_goes_there_too(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs arkwright[dask]")
    shared = tmp_path / "shared"
    kept = ("--log-store", "obs://logs", "--objects-folder", str(shared))
    with yard(tmp_path, *kept) as place:
        place.worker("one", "default").start()
        client = place.home.client()
        client.save_job(
            "afar",
            node("a", statement="seq 1 500; echo 42"),
            node("b", "Shell", "a", statement='echo "got $#"', arguments='#{Job.getNodeOutput("a")}'),
            logPath="obs://logs-of-job/here",
        )
        instance_id = client.run("afar")
        shown = client.ended("afar", instance_id)
        assert shown["status"] == "success", shown
        said = "".join(f"{number}\n" for number in range(1, 501)) + "42\n"
        assert client.log("afar", instance_id, "a") == said
        assert client.log("afar", instance_id, "b") == "got 501\n"
        assert not list(place.home.data.glob("runs/*/*/*/log")), "the server keeps none of it"
        assert list(shared.glob("logs/*/*/*/log/*"))
        own = shown["nodes"][0]["logPath"].removeprefix("obs://")
        assert (shared / own).read_text() == said
        client.close()
