"""Two engines on one database, and a worker: kill -9 of the engine that owns a run leaves the run to the other one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.house import House, node, until
from tests.e2e.yard import LEASE_SECONDS, Process, Yard, written

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytestmark = pytest.mark.postgres


@pytest.mark.long
def test_what_runs_and_what_waits_for_a_worker_is_gone_on_with_by_another_engine(
    tmp_path: Path, postgres_address: str
) -> None:
    scheduler = Process(
        name="scheduler", folder=tmp_path, arguments=["dask-scheduler", "--listen", "dask://127.0.0.1:0"]
    )
    front = House(folder=tmp_path / "front")
    place = Yard(folder=tmp_path, home=front, scheduler=scheduler)
    engines: list[House] = []
    try:
        place.start_scheduler()
        common = ("--database-url", postgres_address, "--lease-seconds", "1.5")
        away = ("--executor", place.address, "--attempt-lease-seconds", str(LEASE_SECONDS))
        front.options = (*common, *away, "--roles", "api")
        front.start()
        key = ("--seal-key-file", str(front.data / "secret.key"))
        for name in ("one", "two"):
            roles = ("--roles", "engine,scheduler")
            engines.append(House(folder=tmp_path / name, options=(*common, *away, *key, *roles), keys_of=front))
        engines[0].start()
        place.worker("worker", "default", slots="1").start()
        client = front.client()
        go, trace = tmp_path / "go", tmp_path / "trace"
        text = f"echo b >> {trace}; until [ -e {go} ]; do sleep 0.05; done; echo e >> {trace}"
        client.save_job("j", node("a", statement=text))
        runs, waits = client.run("j"), client.run("j")
        written(trace)
        until(lambda: client.good("GET", f"jobs/instances/{waits}/why")["waits"], "the other one waits for a slot")
        engines[1].start()
        engines[0].kill()
        go.touch()
        for each in (runs, waits):
            assert client.ended("j", each)["status"] == "success"
        assert sorted(written(trace, 4)) == ["b", "b", "e", "e"], "each ran once"
        client.close()
    finally:
        for home in engines:
            home.close()
        place.close()
