"""What a program can do on a worker: the same as on the server's machine, or it is said before it starts what it can't.

One server, one Dask scheduler, and two workers: `one`, and `strict`, whose own options bound what programs may take.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import END_SECONDS, Client, node
from tests.e2e.yard import Yard, yard
from tests.servers.spark import spark_home
from tests.servers.ssh import SshServer, ssh_server  # noqa: F401

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

HOG = """
kept = []
while True:
    kept.append(b"x" * 20_000_000)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with yard(tmp_path_factory.mktemp("programs"), "--attempt-lease-seconds", "20") as made:
        made.worker("one", "default").spawn()
        bounds = {"program-seconds": "1", "log-cap-bytes": "2000"}
        made.worker("strict", "strict", **bounds).spawn()
        for each in made.workers.values():
            each.ready()
        yield made


@pytest.fixture
def client(place: Yard) -> Iterator[Client]:
    made = place.home.client()
    yield made
    made.close()


NUMBERS = count()


def ran(client: Client, given: Any, seconds: float = END_SECONDS) -> Any:
    """A node, run in a job of its own, once it has ended; with its log."""
    job = f"job{next(NUMBERS)}"
    client.save_job(job, given)
    instance_id = client.run(job)
    shown = client.ended(job, instance_id, seconds)["nodes"][0]
    return {**shown, "log": client.log(job, instance_id, given["name"])}


@pytest.fixture(scope="module")
def workspace(place: Yard) -> Path:
    """The folder of the workspace, on the server."""
    client = place.home.client()
    folder = Path(ran(client, node("a", statement="echo $ARKWRIGHT_WORKSPACE_FOLDER"))["log"].strip())
    client.close()
    (folder / "own").mkdir(parents=True)
    (folder / "own" / "main.jar").write_text("the file")
    (folder / "way").mkdir()
    (folder / "way" / "out").symlink_to(place.home.data / "secret.key")
    return folder


def test_the_limits_of_a_workspace_hold_on_a_worker_and_are_told_in_the_same_words(client: Client) -> None:
    settings = client.good("GET", "workspace-settings")
    client.good("PUT", "workspace-settings", {**settings, "programs": {"memoryMb": 100}})
    try:
        away, here = (
            ran(client, node("a", "Python", statement=HOG, workerGroup=group)) for group in ("default", "local")
        )
    finally:
        client.good("PUT", "workspace-settings", {**settings, "programs": {}})
    assert away["status"] == "fail"
    assert away["errorMessage"].startswith("Its memory is limited to 100 MB. Exit code 1.")
    words = [each["errorMessage"].partition("The log ends with")[0] for each in (away, here)]
    assert words[0] == words[1]


def test_an_attempt_costs_two_requests_with_its_log_and_output(place: Yard, client: Client) -> None:
    """The claim brings all that it needs, the report takes all that is left."""

    def asked() -> dict[str, float]:
        lines = client.call("GET", "/metrics").body.decode().splitlines()
        found = [line for line in lines if "/v1/runner/attempts/" in line and "_created" not in line]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in found}

    before = asked()
    shown = ran(client, node("a", statement="echo one; echo two", workerGroup="default"))
    assert (shown["status"], shown["log"]) == ("success", "one\ntwo\n")
    more = {name: count - before.get(name, 0) for name, count in asked().items() if count > before.get(name, 0)}
    assert sorted(more.values()) == [1, 1], more
    assert {"claim" in name or "finish" in name for name in more} == {True}


def test_of_a_workers_own_bounds_and_the_workspaces_the_stricter_wins(client: Client) -> None:
    text = "head -c 5000 /dev/zero | tr '\\0' x; sleep 600"
    shown = ran(client, node("a", statement=text, workerGroup="strict", programSeconds="300"))
    assert shown["errorMessage"] == "It was stopped: over its time of 1 s."
    assert "the log is longer than 2,000 bytes" in shown["log"]


def test_who_looks_for_the_workspaces_files_unsaid_is_told_where_they_are(client: Client) -> None:
    hidden = 'eval "f=\\$ARKWRIGHT_WORK""SPACE_FOLDER"'
    shown = ran(client, node("a", statement=f"{hidden}; mkdir -p $f/made; cat $f/list"))
    assert shown["status"] == "fail"
    assert shown["log"].count("workspace-files-are-on-the-server") == 2
    assert shown["log"].count("Not a directory") == 2


def test_who_names_the_workspaces_folder_stays_on_the_server_or_is_refused(place: Yard, client: Client) -> None:
    text = "echo $ARKWRIGHT_WORKSPACE_FOLDER"
    stays = ran(client, node("a", statement=text))
    assert stays["status"] == "success"
    assert stays["log"].startswith(str(place.home.data))
    refused = ran(client, node("a", statement=text, workerGroup="default"))
    assert refused["errorMessage"] == (
        "statement uses ARKWRIGHT_WORKSPACE_FOLDER, and the files of the workspace are on the server's machine alone. "
        "So it can't run on workers of the group 'default'. Take workerGroup away, or set it to local."
    )


@pytest.fixture(scope="module")
def spark(place: Yard) -> str:
    """A connection to a `spark-submit` that says what it was given. Spark itself takes half a minute (below)."""
    home = place.folder / "spark"
    (home / "bin").mkdir(parents=True)
    submit = home / "bin" / "spark-submit"
    submit.write_text(
        '#!/bin/sh\nwhile [ "$1" != --jars ]; do shift; done\n'
        'for each in $(echo "$2" | tr , " ") "$3"; do echo "$each"; cat "$each"; echo; done\n'
    )
    submit.chmod(0o700)
    client = place.home.client()
    config = {"master": "spark://nowhere:7077", "sparkHome": str(home)}
    body = {"data_source_vos": [{"dw_name": "cluster", "dw_type": "MRSSpark", "dw_config": config}]}
    client.good("POST", "data-connections", body)
    client.close()
    return "cluster"


def put(client: Client, path: str, text: str) -> None:
    assert client.call("PUT", f"/obs/{path}", text).status in (200, 201)


def test_objects_and_files_that_a_node_names_are_brought_to_the_worker(
    place: Yard, client: Client, spark: str, workspace: Path
) -> None:
    put(client, "jobs/lib/more.jar", "the object")
    given = {"resourcePath": "own/main.jar", "jars": "obs://jobs/lib/more.jar", "connectionName": spark}
    shown = ran(client, node("a", "MRSSpark", **given, workerGroup="default"))
    assert shown["status"] == "success", shown
    more, object_, main, file = shown["log"].splitlines()
    assert more.startswith(f"{place.folder}/one/runs/")
    assert (Path(more).name, object_) == ("more.jar", '"the object"')  # a test's client sends JSON
    assert (Path(main).name, file) == ("main.jar", "the file")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("obs://jobs/none.jar", "There is no object obs://jobs/none.jar"),
        ("none/none.jar", "There is no file none/none.jar in the workspace's folder on this server"),
        ("../../secret.key", "../../secret.key is outside of the workspace's folder"),
        ("way/out", "way/out is outside of the workspace's folder"),
        ("own", "own is no file"),
    ],
)
def test_what_can_not_be_brought_fails_the_node_by_name(
    client: Client, spark: str, workspace: Path, path: str, why: str
) -> None:
    given = {"resourcePath": "/there.jar", "jars": path, "connectionName": spark, "workerGroup": "default"}
    shown = ran(client, node("a", "MRSSpark", **given))
    assert shown["status"] == "fail"
    assert shown["errorMessage"].startswith(f"{path} can't be brought to the worker: {why}")


@pytest.mark.long
@pytest.mark.timeout(400)
def test_spark_itself_runs_on_a_worker_with_a_script_from_the_storage(place: Yard, client: Client) -> None:
    spark_home()
    statement = (
        "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"
        "spark.range(7).write.saveAsTable('seven')\nprint('rows', spark.table('seven').count())"
    )
    own = {"programParameter": f"spark.sql.warehouse.dir={place.folder}/tables", "workerGroup": "default"}
    shown = ran(client, node("a", "MRSSparkPython", statement=statement, **own), seconds=300)
    assert shown["status"] == "success", shown
    assert "rows 7" in shown["log"]


@pytest.mark.long
def test_keys_of_hosts_are_the_workspaces_on_every_machine(
    client: Client,
    workspace: Path,
    ssh_server: SshServer,  # noqa: F811
) -> None:
    config = {
        "ip": "127.0.0.1",
        "port": str(ssh_server.port),
        "userName": ssh_server.user,
        "password": "of no use there",
        "privateKey": ssh_server.private_key,
    }
    client.good("POST", "connections", {"name": "far", "type": "HOST", "config": config})
    known = workspace / "known_hosts"
    given = {"statement": "echo there", "connectionName": "far"}
    first = ran(client, node("a", **given, workerGroup="default"))
    assert first["status"] == "success", first
    learnt = known.read_text()
    assert learnt.split()[1:] == ssh_server.host_key.split()[:2]
    second = ran(client, node("a", **given, workerGroup="default"))
    assert second["status"] == "success", second
    assert known.read_text() == learnt
    known.write_text(
        learnt.replace(learnt.split()[2], "AAAAC3NzaC1lZDI1NTE5AAAAIHcrIH5EcZ1YWvv3ThCPqeg8kTQ9JVFtLqTYYRXbBR7Y")
    )
    refused = ran(client, node("a", **given, workerGroup="default"))
    assert refused["status"] == "fail"
    assert "is not the one that is known" in refused["log"]
    assert "from the workspace's known_hosts on the server" in refused["log"]
