"""Data movement: a million rows from a CSV file into a real PostgreSQL, through the API, and back into files."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers.postgres_tcp import PostgresTcp, running

from bench.server import PROJECT, Bench, node, serving

ROWS = 1_000_000
MANY = 3_000_000
TYPES = "id:bigint,name:text,mail:text,amount:numeric(12,2),day:date,at:timestamp"


def measure(row: Callable[..., None], note: Callable[[str, float, str], None]) -> None:
    """`row` and `note` write a figure with and without a limit."""
    with running(fsync="on") as server, serving("--allow-loopback-requests") as bench:
        _connect(bench, server)
        files = bench.data / "obs" / "lake"
        files.mkdir(parents=True)
        table = {"ConnectionName": "warehouse", "Table": "loaded"}
        into = _side("target", table)
        seconds = _move(bench, files, ROWS, "load", sourcePath="obs://lake/load.csv", **into, columnTypes=TYPES)
        row("1,000,000 rows of 6 columns, CSV to PostgreSQL", seconds, 15, "s")
        before = _peak(bench)
        _move(bench, files, MANY, "many", sourcePath="obs://lake/many.csv", **into, mode="replace")
        row("3,000,000 rows: more memory than for 1,000,000", (_peak(bench) - before) / 1e6, 50, "MB")
        note("its process: peak memory", _peak(bench) / 1e6, "MB")
        for name in ("out.csv", "out.parquet", "out.jsonl"):
            seconds = _move(
                bench, files, 0, f"to-{name[4:]}", targetPath=f"obs://lake/{name}", **_side("source", table)
            )
            note(f"3,000,000 rows PostgreSQL to {name}", seconds, "s")
        note("its process: peak memory after all of these", _peak(bench) / 1e6, "MB")
        os.kill(_host(bench), signal.SIGTERM)  # it would wait for more work for a while


def _side(side: str, settings: dict[str, str]) -> dict[str, str]:
    return {f"{side}{key}": value for key, value in settings.items()}


def _connect(bench: Bench, server: PostgresTcp) -> None:
    config = {
        "ip": "127.0.0.1",
        "port": str(server.port),
        "userName": server.user,
        "password": server.password,
        "database": server.database,
        "clusterName": "none",
        "sslEnable": False,
        "kmsKey": "none",
        "agentName": "none",
    }
    bench.call("POST", f"/v1/{PROJECT}/connections", {"name": "warehouse", "type": "DWS", "config": config})


def _move(bench: Bench, files: Path, rows: int, job: str, **properties: str) -> float:
    """Seconds from the call to the finished instance."""
    if rows:
        with (files / f"{job}.csv").open("w") as file:
            file.write("id,name,mail,amount,day,at\n")
            for n in range(rows):
                file.write(
                    f'{n},"customer, no. {n}",c{n}@example.com,{n % 10000}.{n % 100:02},2024-02-{n % 28 + 1:02},'
                )
                file.write(f"2024-03-{n % 28 + 1:02} 12:34:56.{n % 1000:03}\n")
    bench.job(job, [node("move", "DataMigration", **properties)])
    begin = time.perf_counter()
    found = bench.call("POST", bench.run_path(job) + "?wait=60", {})
    seconds = time.perf_counter() - begin
    if found["status"] != "success":
        raise SystemExit(f"{job}: {json.dumps(found)}")
    return seconds


def _peak(bench: Bench) -> int:
    """Bytes that the migrations' process has ever had."""
    status = Path(f"/proc/{_host(bench)}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def _host(bench: Bench) -> int:
    """The migrations' process."""
    address = next((bench.data / "hosts").glob("migration-*.json"))
    pid: int = json.loads(address.read_text())["pid"]
    return pid
