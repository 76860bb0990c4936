"""Nodes on workers: how long one takes, how many a second, and what each process pays for it.

    python -m bench.workers [RUNS]

A server, a Dask scheduler and 1, 2, 4 workers on this machine. Processor times tell more than rates where all share it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e import yard
from tests.e2e.house import Client, node, until

CLIENTS = 4
WORKERS = (1, 2, 4)


def processor_ms(place: yard.Yard) -> dict[str, float]:
    """Per process, so far."""
    assert place.home.process is not None
    pids = {"server": place.home.process.pid, "scheduler": place.scheduler.pid}
    pids |= {name: worker.pid for name, worker in place.workers.items()}
    found = {}
    for name, pid in pids.items():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        found[name] = (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
    return found


def one_after_another(client: Client, job: str, count: int) -> str:
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        instance_id = client.run(job)
        while client.show(job, instance_id)["status"] in ("waiting", "running"):
            time.sleep(0.001)
        took.append((time.perf_counter() - begun) * 1000)
    return f"p50 {statistics.median(took):.1f} ms, longest {max(took):.1f} ms"


def many(place: yard.Yard, job: str, count: int) -> str:
    before, begun = processor_ms(place), time.perf_counter()

    def submit(_: int) -> None:
        client = place.home.client()
        for _ in range(count // CLIENTS):
            client.run(job)
        client.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(submit, range(CLIENTS)))
    client = place.home.client()
    until(lambda: not sum(client.listed(status=each)[0] for each in ("running", "waiting")), "all have ended", 600)
    took = time.perf_counter() - begun
    client.close()
    paid = {name: (spent - before.get(name, 0.0)) / count for name, spent in processor_ms(place).items()}
    shown = ", ".join(f"{name} {spent:.1f}" for name, spent in paid.items())
    return f"{count / took:.0f} a second; processor ms per run: {shown}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    yard.LEASE_SECONDS = 20.0
    with tempfile.TemporaryDirectory(prefix="arkwright-bench-") as folder, yard.yard(Path(folder)) as place:
        client = place.home.client()
        client.save_job("here", node("a", statement="true", workerGroup="local"))
        client.save_job("away", node("a", statement="true"))
        one_after_another(client, "here", 5)
        print("here, one after another:", one_after_another(client, "here", 40))
        print("here, many:", many(place, "here", count), flush=True)
        for workers in WORKERS:
            for number in range(len(place.workers), workers):
                place.worker(f"worker{number}", "default").start()
            one_after_another(client, "away", 5)
            if workers == WORKERS[0]:
                print("away, one after another:", one_after_another(client, "away", 40))
            print(f"away, {workers} workers of 4 slots:", many(place, "away", count), flush=True)
        client.close()


if __name__ == "__main__":
    main()
