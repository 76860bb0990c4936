"""Groups of workers, each with a Dask scheduler of its own: one that is away disturbs no other, and says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import Client, House, node, until
from tests.e2e.yard import LEASE_SECONDS, Process, Yard

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytestmark = pytest.mark.long

LISTEN = ("dask-scheduler", "--listen", "dask://127.0.0.1:0")


class Place:
    """Two groups, and a worker of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rest = Yard(
            folder=folder,
            home=House(folder=folder / "house"),
            scheduler=Process(name="rest", folder=folder, arguments=LISTEN),
        )
        self.gpu = Yard(
            folder=folder, home=self.rest.home, scheduler=Process(name="gpu-scheduler", folder=folder, arguments=LISTEN)
        )

    def start(self) -> None:
        for each in (self.rest, self.gpu):
            each.start_scheduler()
        self.rest.home.options = (
            *("--executor", self.rest.address, "--executor", f"gpu={self.gpu.address}"),
            *("--attempt-lease-seconds", str(LEASE_SECONDS)),
        )
        self.rest.home.start()
        workers = [self.rest.worker("one", "default"), self.gpu.worker("two", "gpu")]
        for each in workers:
            each.spawn()
        for each in workers:
            each.ready()

    def close(self) -> None:
        self.gpu.close()
        self.rest.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("place"))
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    made = place.rest.home.client()
    yield made
    made.close()


def ran_by(place: Place, client: Client, job: str, instance_id: int) -> str:
    assert client.ended(job, instance_id)["status"] == "success"
    path = Path(client.log(job, instance_id, "a").strip())
    return path.relative_to(place.folder).parts[0]


def conditions(client: Client, instance_id: int) -> Any:
    return client.good("GET", f"jobs/instances/{instance_id}/why")["conditions"]


def test_each_group_goes_by_its_own_scheduler_and_one_that_is_away_delays_its_own_alone(
    place: Place, client: Client
) -> None:
    client.save_job("rest", node("a", statement="pwd"))
    client.save_job("gpu", node("a", statement="pwd", workerGroup="gpu"))
    assert ran_by(place, client, "rest", client.run("rest")) == "one"
    assert ran_by(place, client, "gpu", client.run("gpu")) == "two"
    assert client.call("GET", "/readyz").json == {"status": "ready"}

    place.gpu.scheduler.kill()
    until(lambda: "warnings" in client.call("GET", "/readyz").json, "the server noticed", 10)
    ready = client.call("GET", "/readyz")
    assert ready.status == 200
    assert ready.json["warnings"] == ["A Dask scheduler of the groups gpu of workers can't be reached."]
    waiting = client.run("gpu")
    assert ran_by(place, client, "rest", client.run("rest")) == "one"
    told = until(lambda: json.dumps(conditions(client, waiting)), "it says why")
    assert "can't reach the group's Dask scheduler" in told
    assert place.gpu.address in told
    scrape = client.call("GET", "/metrics").body.decode()
    named = {place.rest.address: 'groups="*"', place.gpu.address: 'groups="gpu"'}
    for (address, groups), value in zip(named.items(), (1, 0), strict=True):
        assert f'arkwright_dask_scheduler_connected{{groups={groups[7:]},scheduler="{address}"}} {value}.0' in scrape
    (server,) = client.good("GET", "servers")["servers"]
    assert {each["url"]: each["connected"] for each in server["daskSchedulers"]} == {
        place.rest.address: True,
        place.gpu.address: False,
    }

    place.gpu.start_scheduler()
    assert ran_by(place, client, "gpu", waiting) == "two"
    assert client.call("GET", "/readyz").json == {"status": "ready"}


def test_a_group_that_there_is_not_is_told_from_one_whose_workers_are_away(place: Place, client: Client) -> None:
    client.save_job("typo", node("a", statement="true", workerGroup="gpuu"))
    unknown = client.run("typo")
    (condition,) = until(lambda: conditions(client, unknown), "it says why")
    assert "there is no such group (groups: default, gpu)" in condition["text"]
    client.good("POST", f"jobs/typo/instances/{unknown}/stop")
    place.rest.token("empty")
    client.save_job("empty", node("a", statement="true", workerGroup="empty"))
    empty = client.run("empty")
    (condition,) = until(lambda: conditions(client, empty), "it says why")
    assert "none is connected" in condition["text"]
    client.good("POST", f"jobs/empty/instances/{empty}/stop")


def test_a_worker_at_the_scheduler_of_another_group_is_refused_with_the_right_one(place: Place) -> None:
    worker = place.rest.worker("astray", "gpu")
    worker.spawn()
    assert worker.ended() == 1
    assert f"No server brings work for the group gpu to the Dask scheduler {place.rest.address}" in worker.log
    assert place.gpu.address in worker.log
    assert "Traceback" not in worker.log
