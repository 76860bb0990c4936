"""Shell nodes on one to four workers, carried by Dask: how many a second, how long one takes, what it costs whom."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import scale_database
from bench.scale_servers import cluster, latency, throughput
from bench.scale_table import Table, cpu_seconds
from bench.server import PASSWORD, PROJECT, Bench, node

ARKWRIGHT = str(Path(sys.executable).parent / "arkwright")
ATTEMPTS = 400
SLOTS = 8


def measure(table: Table) -> None:
    folder = Path(tempfile.mkdtemp(prefix="arkwright-scale-"))
    try:
        with contextlib.ExitStack() as stack:
            address = stack.enter_context(scale_database.postgres())
            carrier, told = stack.enter_context(_running("dask-scheduler", "--listen", "dask://127.0.0.1:0"))
            [server] = stack.enter_context(cluster(address, 1, "--executor", told["address"]))
            server.job("shell", [node("a", "Shell", statement="true")])
            token = _token(server, folder)
            workers: list[int] = []
            for count in range(1, 5):
                data = folder / f"worker{count}"
                given = [
                    "--scheduler",
                    told["address"],
                    "--api",
                    f"http://127.0.0.1:{server.port}",
                    "--data",
                    str(data),
                ]
                given += ["--token-file", str(token), "--slots", str(SLOTS)]
                workers.append(stack.enter_context(_running("worker", *given))[0])
                _measure(table, address, server, carrier, workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(table: Table, address: str, server: Bench, carrier: int, workers: list[int]) -> None:
    name = f"{len(workers)} worker{'s' if len(workers) > 1 else ''}"
    before = {"the Dask scheduler": cpu_seconds(carrier), "the workers": sum(map(cpu_seconds, workers))}
    rate, used = throughput(address, [server], "shell", ATTEMPTS)
    del used["programs on them"]  # they are the workers'
    used["the Dask scheduler"] = cpu_seconds(carrier) - before["the Dask scheduler"]
    used["the workers"] = sum(map(cpu_seconds, workers)) - before["the workers"]
    table.line(f"{name}: one-node Shell instances, accepted to finished", rate, "/s")
    for part, seconds in used.items():
        table.line(f"{name}: processor of {part}, each", seconds * 1e3 / ATTEMPTS, "ms")
    for quantile, seconds in latency([server], "shell", 60).items():
        table.line(f"{name}: accepted to finished, alone, {quantile}", seconds * 1e3, "ms")


def _token(server: Bench, folder: Path) -> Path:
    path = folder / "token"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARKWRIGHT_")}
    given = {
        "ARKWRIGHT_URL": f"http://127.0.0.1:{server.port}",
        "ARKWRIGHT_USER": "admin",
        "ARKWRIGHT_PASSWORD": PASSWORD,
        "ARKWRIGHT_PROJECT_ID": PROJECT,
    }
    command = [ARKWRIGHT, "worker", "token", "create", "--group", "default", "--out", str(path)]
    subprocess.run(command, env=clean | given, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return path


@contextlib.contextmanager
def _running(*arguments: str) -> Iterator[tuple[int, dict[str, str]]]:
    """A process of ours, and what it told when it was ready."""
    command: Sequence[str] = [ARKWRIGHT, *arguments, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{' '.join(command)} ended"
        yield process.pid, json.loads(line)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
