"""Loops: how fast a For Each goes through its rows."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable

from bench import load
from bench.limits import sync_seconds
from bench.server import Bench, node, serving

ROWS = 1000
AT_A_TIME = 50


def measure(row: Callable[..., None], note: Callable[[str, float, str], None]) -> None:
    """`row` and `note` write a figure with and without a limit."""
    with serving() as bench:
        sync = statistics.median(sync_seconds(bench.data, 300))
        note("machine: append 4 KiB and fdatasync, p50", sync * 1e3, "ms")
        bench.job("leaf", [node("a", "Dummy")])
        dataset = json.dumps([[number] for number in range(ROWS)])
        each = node("each", "ForEach", jobName="leaf", dataset=dataset, concurrency=str(AT_A_TIME))
        each["properties"].append({"name": "params", "value": "n=#{Loop.current[0]}"})
        bench.job("loop", [each])
        _seconds(bench)
        seconds = statistics.median(_seconds(bench) for _ in range(5))
        row(f"For Each of {ROWS:,} Dummy children, {AT_A_TIME} at a time, p50", seconds, 2.0, "s")
        row("the same, per child, in syncs of this machine", seconds / ROWS / sync, 3.0, "syncs")


def _seconds(bench: Bench) -> float:
    message = load.request("POST", bench.run_path("loop") + "?wait=60", bench.headers)
    begin = time.perf_counter()
    measured = asyncio.run(load.run(bench.port, message, count=1, keep=True))
    seconds = time.perf_counter() - begin
    assert json.loads(measured.bodies[0])["status"] == "success", measured.bodies
    return seconds
