"""`make bench`: Arkwright's figures beside the machine's own limits, measured in the same run.

Every line names a figure, its limit as a ratio of what this machine can do, and whether it holds. Exits 1 if one
does not. Give names of cases to run only those: accept, nodes, start, history, create, lists, export,
schedules, loops, movement.
"""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import api, history, load, loops, movement, schedules
from bench.limits import spawn_seconds, sync_seconds
from bench.server import PROJECT, Bench, node, serving

ROWS: list[tuple[str, str, str, bool]] = []


def row(figure: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> None:
    """One line of the result: milliseconds, megabytes or rates."""
    good = value >= limit if at_least else value <= limit
    sign = "≥" if at_least else "≤"
    ROWS.append((figure, f"{value:,.2f} {unit}", f"{sign} {limit:,.2f} {unit}", good))
    print(f"{'ok  ' if good else 'MISS'}  {figure:<58} {value:>12,.2f} {unit:<5} {sign} {limit:,.2f}", flush=True)


def limit(figure: str, value: float, unit: str) -> None:
    print(f"      {figure:<58} {value:>12,.2f} {unit}", flush=True)


class Limits:
    """p50 seconds of a spawn, a sync and a round trip on this machine, over all times that they were taken."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._spawns: list[float] = []
        self._syncs: list[float] = []
        self._trips: list[float] = []

    def take(self, rounds: int = 300) -> None:
        healthz = load.request("GET", "/healthz", {})
        self._spawns += spawn_seconds(rounds)
        self._syncs += sync_seconds(self._bench.data, rounds)
        self._trips += asyncio.run(load.run(self._bench.port, healthz, count=rounds)).times

    def tell(self) -> None:
        self.spawn, self.sync, self.trip = map(statistics.median, (self._spawns, self._syncs, self._trips))
        limit("machine: spawn of true, p50", self.spawn * 1e3, "ms")
        limit("machine: append 4 KiB and fdatasync, p50", self.sync * 1e3, "ms")
        limit("machine: round trip to /healthz, p50", self.trip * 1e3, "ms")


def accept() -> None:
    """Accepting runs; the backlog is not executed meanwhile (`--roles api`)."""
    with serving("--roles", "api") as bench:
        limits = Limits(bench)
        limits.take()
        limits.tell()
        bench.job("plain", [node("a", "Dummy")])
        body = json.dumps({"jobParams": [{"name": "aaa", "value": "111", "paramType": "variable"}]}).encode()
        message = load.request("POST", bench.run_path("plain"), bench.headers, body)
        asyncio.run(load.run(bench.port, message, count=500))
        one = _checked(asyncio.run(load.run(bench.port, message, count=2000)))
        row(
            "run-immediate accepted, 1 client, p50",
            one.quantile(0.5) * 1e3,
            (2 * (limits.trip + limits.sync)) * 1e3 + 1,
            "ms",
        )
        # In turns, so that a change of the machine's mood meets both.
        healthy, accepted = [], []
        for _ in range(5):
            health = asyncio.run(load.run(bench.port, load.request("GET", "/healthz", {}), clients=16, seconds=0.7))
            many = _checked(asyncio.run(load.run(bench.port, message, clients=16, seconds=0.7)))
            healthy.append(health.per_second)
            accepted.append(many.per_second)
        limit("round trips to /healthz with 16 clients", statistics.median(healthy), "/s")
        row(
            "run-immediate accepted with 16 clients",
            statistics.median(accepted),
            statistics.median(healthy) / 2,
            "/s",
            at_least=True,
        )


def nodes() -> None:
    """Running nodes."""
    with serving() as bench:
        limits = Limits(bench)
        bench.job("one", [node("a", "Shell", statement="true")])
        chain = [node(f"n{i}", "Shell", after=[f"n{i - 1}"] if i else [], statement="true") for i in range(40)]
        bench.job("chain", chain)
        bench.job("fan", [node(f"n{i}", "Shell", statement="true") for i in range(100)])
        bench.job("dummies", [node(f"n{i}", "Dummy", after=[f"n{i - 1}"] if i % 10 else []) for i in range(200)])
        times: dict[str, list[float]] = {"one": [], "chain": [], "fan": []}
        rates: dict[str, list[float]] = {"one": [], "dummies": []}
        for job in times:
            _runs(bench, job, 3)  # the first are slower
        # In turns, so that a change of the machine's mood meets its limits and our figures alike.
        for _ in range(5):
            for job, count in (("one", 20), ("chain", 4), ("fan", 4)):
                limits.take(100)
                times[job] += _runs(bench, job, count)
            rates["one"].append(_backlog(bench, "one", 400, clients=4))
            limits.take(100)
        for _ in range(3):
            rates["dummies"].append(_backlog(bench, "dummies", 50, clients=4) * 200)
        limits.tell()
        spawn, sync, trip = limits.spawn, limits.sync, limits.trip
        one, chain_of_40, fan = (statistics.median(each) for each in times.values())
        row(
            "one Shell node `true`, call to finished, p50", one * 1e3, 3 * (2 * trip + spawn + 3 * sync) * 1e3 + 2, "ms"
        )
        row("chain of 40 Shell nodes, p50", chain_of_40 * 1e3, 4 * 40 * (spawn + 2 * sync) * 1e3, "ms")
        row("fan of 100 Shell nodes, p50", fan * 1e3, 3 * 100 * spawn * 1e3 + 50, "ms")
        runs, dummies = (statistics.median(each) for each in rates.values())
        row("400 one-node runs from 4 clients", runs, 1 / spawn / 4, "/s", at_least=True)
        row("Dummy nodes, committed transitions", dummies, 5000, "/s", at_least=True)


def start() -> None:
    """Starting, and doing nothing."""
    ready = []
    for _ in range(3):
        with serving() as bench:
            ready.append(bench.ready_seconds)
    row("cold start to ready, best of 3", min(ready), 1.0, "s")
    with serving() as bench:
        bench.job("one", [node("a", "Shell", statement="true")])
        bench.call("POST", bench.run_path("one") + "?wait=10", {})
        time.sleep(2)
        before, since = bench.cpu_seconds(), time.perf_counter()
        time.sleep(10)
        share = (bench.cpu_seconds() - before) / (time.perf_counter() - since)
        row("idle: processor, percent of a core", share * 100, 0.5, "%")
        row("idle: resident memory", bench.resident_bytes() / 1e6, 120, "MB")


def with_history() -> None:
    """100,000 finished instances must not slow anything down."""
    folder = Path(tempfile.mkdtemp(prefix="arkwright-bench-"))
    try:
        with serving(data=folder) as bench:
            bench.job("one", [node("a", "Dummy")])
            bench.call("POST", bench.run_path("one") + "?wait=10", {})
            empty = _reads(bench)
        began = time.perf_counter()
        history.fill(folder, PROJECT, "one", 100_000)
        limit("(filling in 100,000 finished instances took)", time.perf_counter() - began, "s")
        with serving(data=folder) as bench:
            full = _reads(bench)
        for name, seconds in full.items():
            row(f"{name} with 100,000 finished instances, p50", seconds * 1e3, empty[name] * 1.5e3, "ms")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reads(bench: Bench) -> dict[str, float]:
    instance = bench.call("POST", bench.run_path("one") + "?wait=10", {})["instanceId"]
    paths = {
        "instance list": ("GET", f"/v1/{PROJECT}/jobs/instances/detail?limit=10"),
        "instance detail": ("GET", f"/v1/{PROJECT}/jobs/one/instances/{instance}"),
        "run-immediate": ("POST", bench.run_path("one")),
    }
    times = {}
    for name, (method, path) in paths.items():
        message = load.request(method, path, bench.headers)
        asyncio.run(load.run(bench.port, message, count=200))
        times[name] = _checked(asyncio.run(load.run(bench.port, message, count=600))).quantile(0.5)
    return times


def _runs(bench: Bench, job: str, count: int) -> list[float]:
    """Seconds from the call to the finished instance, one after another."""
    message = load.request("POST", bench.run_path(job) + "?wait=60", bench.headers)
    measured = _checked(asyncio.run(load.run(bench.port, message, count=count, keep=True)))
    for body in measured.bodies:
        assert json.loads(body)["status"] == "success", body
    return measured.times


def _backlog(bench: Bench, job: str, count: int, *, clients: int) -> float:
    """Runs per second, from the first call to the end of the last run."""
    plain = load.request("POST", bench.run_path(job), bench.headers)
    before = _instances(bench, job, "success")
    begin = time.perf_counter()
    _checked(asyncio.run(load.run(bench.port, plain, clients=clients, count=count)))
    while _instances(bench, job, "success") < before + count:
        assert _instances(bench, job, "fail") == 0
        time.sleep(0.02)  # asking more often would cost more than the runs
    return count / (time.perf_counter() - begin)


def _instances(bench: Bench, job: str, status: str) -> int:
    """How many, from the list's total: counters, so asking disturbs little."""
    path = f"/v1/{PROJECT}/jobs/instances/detail?jobName={job}&preciseQuery=true&status={status}&limit=1"
    total: int = bench.call("GET", path)["total"]
    return total


def _checked(measured: load.Measured) -> load.Measured:
    if measured.failures:
        raise SystemExit(f"{len(measured.failures)} calls failed, the first with {measured.failures[0]!r}")
    return measured


def _of_api(case: Callable[..., None]) -> Callable[[], None]:
    @functools.wraps(case)
    def run() -> None:
        case(row, limit)

    return run


def through_loops() -> None:
    """For Each."""
    loops.measure(row, limit)


def of_rows() -> None:
    """Data movement."""
    movement.measure(row, limit)


CASES: dict[str, Callable[[], None]] = {
    "accept": accept,
    "nodes": nodes,
    "start": start,
    "history": with_history,
    "create": _of_api(api.create),
    "lists": _of_api(api.lists),
    "export": _of_api(api.export),
    "schedules": _of_api(schedules.schedules),
    "loops": through_loops,
    "movement": of_rows,
}


def main(names: list[str]) -> int:
    for name in names or list(CASES):
        print(f"-- {name}: {(CASES[name].__doc__ or '').strip()}")
        CASES[name]()
    missed = [figure for figure, _, _, good in ROWS if not good]
    print(
        f"{len(ROWS) - len(missed)} of {len(ROWS)} figures hold" + (f"; missed: {', '.join(missed)}" if missed else "")
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
