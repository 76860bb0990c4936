"""What an instance costs while ten thousand, and while millions are stored; what it takes to clear them away.

Everything is measured from outside, on real servers: how long until accepted, until read, until a backlog is worked
off, until due schedules are planned.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import load, scale_database, scale_servers
from bench.scale_table import Table
from bench.server import PROJECT, Bench, node, serving

ACCEPTED = 2000
SCHEDULED = 500
READS = 200
OLD = 50_000
MOST_SECONDS = 30
"""Of clearing away that are watched."""
ROUNDS = 3
BACKLOG = "claimed, run and finished, of a backlog"
PLANNED = "planned and run, of many due at once"
CRON = {"startTime": "2020-01-01T00:00:00Z", "expression": "0 0 * * * ?", "expressionTimeZone": "UTC"}


def measure(table: Table, sizes: tuple[int, ...]) -> None:
    costs: dict[str, dict[int, float]] = {}
    folder = Path(tempfile.mkdtemp(prefix="arkwright-scale-"))
    try:
        with scale_database.postgres() as address:
            _prepare(address, folder)
            for size in sizes:
                began = time.perf_counter()
                stored = scale_database.fill(address, size)
                table.line(f"({size:,} stored: filling took)", time.perf_counter() - began, "s")
                table.line(f"{size:,} stored: bytes an instance, tables", stored.table_bytes / stored.instances, "B")
                table.line(f"{size:,} stored: bytes an instance, indexes", stored.index_bytes / stored.instances, "B")
                for figure, cost in _costs(address, folder).items():
                    costs.setdefault(figure, {})[size] = cost
                    table.line(f"{size:,} stored: {figure}", cost, "ms")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for figure, of_sizes in costs.items():
        # Times by the clock are the machine's mood, too.
        table.growth(figure, of_sizes, "ms", counts="processors" in figure)


def _options(address: str) -> tuple[str, ...]:
    return ("--database-url", address, "--instance-days", "0", "--log-days", "0")


def _prepare(address: str, folder: Path) -> None:
    with serving(*_options(address), data=folder) as bench:
        bench.job("one", [node("a", "Dummy")])
        bench.job("shell", [node("a", "Shell", statement="true")])
        for number in range(SCHEDULED):
            document = {
                "name": f"due_{number:04}",
                "nodes": [node("a", "Dummy")],
                "schedule": {"type": "CRON", "cron": CRON},
                "processType": "BATCH",
            }
            bench.call("POST", f"/v1/{PROJECT}/jobs", document)
            bench.call("POST", f"/v1/{PROJECT}/jobs/due_{number:04}/start", {})
        bench.call("POST", bench.run_path("shell") + "?wait=30", {})


def _costs(address: str, folder: Path) -> dict[str, float]:
    rounds = [_round(address, folder) for _ in range(ROUNDS)]
    return {figure: median(each[figure] for each in rounds) for figure in rounds[0]}


def _round(address: str, folder: Path) -> dict[str, float]:
    """Milliseconds of each: by the clock, and of processors (the server's and PostgreSQL's), which a busy machine
    changes less."""
    found: dict[str, float] = {}
    page = f"/v1/{PROJECT}/jobs/instances/detail?"
    with serving(*_options(address), "--roles", "api", data=folder) as bench:
        meter = Meter(address, bench, found)
        message = load.request("POST", bench.run_path("one"), bench.headers)
        _good(asyncio.run(load.run(bench.port, message, count=200)))
        with meter.of("accepted, 1 client", 400):
            _good(asyncio.run(load.run(bench.port, message, count=400)))
        with meter.of("accepted, 16 clients", ACCEPTED - 600):
            _good(asyncio.run(load.run(bench.port, message, clients=16, count=ACCEPTED - 600)))
        _read(meter, "list, first page of 100", page + "limit=100")
        _read(meter, "list, 10 of one job", page + "limit=10&jobName=shell")
        newest = bench.call("GET", f"{page}limit=1&jobName=shell&status=success")
        instance_id = newest["instances"][0]["instanceId"]
        _read(meter, "one instance", f"/v1/{PROJECT}/jobs/shell/instances/{instance_id}")
    began = time.perf_counter()
    with serving(*_options(address), data=folder) as bench, Meter(address, bench, found, began).of(BACKLOG, ACCEPTED):
        _until(address, "SELECT count(*) = 0 FROM instance WHERE ended = 0")
    due_ms = _make_due(address)
    began = time.perf_counter()
    with serving(*_options(address), data=folder) as bench, Meter(address, bench, found, began).of(PLANNED, SCHEDULED):
        _until(address, f"SELECT count(*) >= {SCHEDULED} FROM planned WHERE plan_ms = {due_ms}")
        _until(address, "SELECT count(*) = 0 FROM instance WHERE ended = 0")
    return found


class Meter:
    """`since`: the server was started then, and what its start costs counts."""

    def __init__(self, address: str, bench: Bench, found: dict[str, float], since: float | None = None) -> None:
        self.bench = bench
        self._address = address
        self._found = found
        self._since = since

    @contextlib.contextmanager
    def of(self, what: str, count: int) -> Iterator[None]:
        began = time.perf_counter() if self._since is None else self._since
        server = self.bench.cpu_seconds() if self._since is None else 0.0
        database = scale_servers.postgres_seconds(self._address)
        yield
        self._found[f"{what}: by the clock, each"] = (time.perf_counter() - began) * 1e3 / count
        used = self.bench.cpu_seconds() - server + scale_servers.postgres_seconds(self._address) - database
        self._found[f"{what}: processors, each"] = used * 1e3 / count


def _make_due(address: str) -> int:
    """All schedules: the last full hour is still to be planned; that time."""
    due_ms = int(time.time() // 3600 * 3600) * 1000
    again = f"DELETE FROM planned WHERE plan_ms = {due_ms}"
    scale_database.execute(address, again, f"UPDATE schedule SET cursor_ms = {due_ms - 1}, next_ms = {due_ms}")
    return due_ms


def _until(address: str, question: str) -> None:
    deadline = time.monotonic() + 300
    while not scale_database.value(address, question):
        assert time.monotonic() < deadline, question
        time.sleep(0.02)


def _read(meter: Meter, what: str, path: str) -> None:
    message = load.request("GET", path, meter.bench.headers)
    _good(asyncio.run(load.run(meter.bench.port, message, count=20)))
    with meter.of(what, READS):
        _good(asyncio.run(load.run(meter.bench.port, message, count=READS)))


def _good(measured: load.Measured) -> load.Measured:
    if measured.failures:
        raise SystemExit(f"{len(measured.failures)} calls failed, the first with {measured.failures[0]!r}")
    return measured


def measure_retention(table: Table) -> None:
    """A month of instances, of which all but the last day are too old: what clearing away some of them costs."""
    folder = Path(tempfile.mkdtemp(prefix="arkwright-scale-"))
    try:
        with scale_database.postgres() as address:
            _prepare(address, folder)
            before = scale_database.fill(address, OLD)
            found: dict[str, float] = {}
            with serving("--database-url", address, "--instance-days", "1", data=folder) as bench:
                left = "SELECT count(*) FROM instance"
                _until(address, f"SELECT count(*) < {before.instances} FROM instance")  # it begins after a minute
                first, began = scale_database.value(address, left), time.perf_counter()
                server, database = bench.cpu_seconds(), scale_servers.postgres_seconds(address)
                last = first
                while last > OLD // 10 and time.perf_counter() < began + MOST_SECONDS:
                    time.sleep(0.5)
                    last = scale_database.value(address, left)
                seconds = time.perf_counter() - began
                found["the server"] = bench.cpu_seconds() - server
                found["PostgreSQL"] = scale_servers.postgres_seconds(address) - database
                gone = first - last
            table.line(f"{OLD:,} stored: too old ones cleared away, beside resting", gone / seconds, "/s")
            for part, used in found.items():
                table.line(f"processor of {part}, each", used * 1e3 / max(gone, 1), "ms")
            table.line("bytes an instance that this frees", before.bytes_each, "B")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
