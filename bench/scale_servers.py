"""One, two and three servers on one PostgreSQL: how many instances a second, and how long one takes.

Servers, database and load share this machine's cores, so a second server can only use what is idle: read the figures
together with the processor seconds an instance costs each part.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import load, scale_database
from bench.scale_table import Table, children_seconds, cpu_seconds
from bench.server import Bench, node, serving

BACKLOG = 3000
CLIENTS = 12


@contextlib.contextmanager
def cluster(address: str, count: int, *options: str) -> Iterator[list[Bench]]:
    """That many servers with all roles, on data folders of their own that share the key."""
    with contextlib.ExitStack() as stack:
        made: list[Bench] = []
        for number in range(count):
            folder = Path(tempfile.mkdtemp(prefix=f"arkwright-scale-{number}-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            if made:
                shutil.copy2(made[0].data / "secret.key", folder)
            made.append(stack.enter_context(serving("--database-url", address, *options, data=folder)))
            made[-1].token = made[0].token
        yield made


def measure(table: Table) -> None:
    for count in (1, 2, 3):
        with scale_database.postgres() as address, cluster(address, count) as servers:
            servers[0].job("one", [node("a", "Dummy")])
            servers[0].job("shell", [node("a", "Shell", statement="true")])
            name = f"{count} server{'s' if count > 1 else ''}"
            for job, backlog in (("one", BACKLOG), ("shell", BACKLOG // 4)):
                rate, used = throughput(address, servers, job, backlog)
                kind = "Dummy" if job == "one" else "Shell"
                table.line(f"{name}: one-node {kind} instances, accepted to finished", rate, "/s")
                for part, seconds in used.items():
                    table.line(f"{name}: processor of {part}, each {kind} instance", seconds * 1e3 / backlog, "ms")
            for quantile, seconds in latency(servers, "one").items():
                table.line(f"{name}: accepted to finished, one Dummy instance, alone, {quantile}", seconds * 1e3, "ms")


def throughput(address: str, servers: list[Bench], job: str, count: int) -> tuple[float, dict[str, float]]:
    """Instances a second, from the first call to the last end; processor seconds by part."""

    async def send() -> None:
        sent = [
            load.run(
                each.port,
                load.request("POST", each.run_path(job), each.headers),
                clients=CLIENTS // len(servers),
                count=count // len(servers),
            )
            for each in servers
        ]
        for measured in await asyncio.gather(*sent):
            if measured.failures:
                raise SystemExit(f"{len(measured.failures)} calls failed, the first with {measured.failures[0]!r}")

    ended = "SELECT count(*) FROM instance WHERE ended = 1 AND type = 2"
    before = scale_database.value(address, ended)
    wanted = before + count // len(servers) * len(servers)
    cpu = _used(address, servers)
    began = time.perf_counter()
    asyncio.run(send())
    while scale_database.value(address, ended) < wanted:
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    used = {part: after - cpu[part] for part, after in _used(address, servers).items()}
    return count / seconds, used


def _used(address: str, servers: list[Bench]) -> dict[str, float]:
    pids = [each.process.pid for each in servers]
    return {
        "the servers": sum(map(cpu_seconds, pids)),
        "programs on them": sum(map(children_seconds, pids)),
        "PostgreSQL": postgres_seconds(address),
    }


def postgres_seconds(address: str) -> float:
    """Of all of its processes, those that have come and gone among them."""
    folder = scale_database.value(address, "SHOW data_directory")
    first = int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])
    total = cpu_seconds(first) + children_seconds(first)
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int((each / "stat").read_text().rsplit(")", 1)[1].split()[1]) == first:
                total += cpu_seconds(int(each.name))
    return total


def latency(servers: list[Bench], job: str, count: int = 300) -> dict[str, float]:
    message = load.request("POST", servers[-1].run_path(job) + "?wait=30", servers[-1].headers)
    asyncio.run(load.run(servers[-1].port, message, count=20))
    measured = asyncio.run(load.run(servers[-1].port, message, count=count))
    return {"p50": measured.quantile(0.5), "p99": measured.quantile(0.99)}
