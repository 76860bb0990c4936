"""A hundred thousand scheduled jobs: how long a start takes, what idling costs, and how late ten thousand due ones are.

The jobs are put into a stopped server's store through the store's own door; nothing in the server is prepared for this.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from arkwright.store.base import DefinitionWrite, Kind, Place
from arkwright.store.open import open_store
from arkwright.store.schedule_record import ScheduleRow, ScheduleState
from bench.server import PROJECT, node, serving

JOBS = 100_000
DUE = 10_000
BATCH = 1000
MINUTE_MS = 60_000
LEAD_MS = 95_000
"""Time between the start of the server and the minute with the many due jobs, at least: what is due within a minute is
read ahead, which is no idling."""


def schedules(row: Callable[..., None], limit: Callable[..., None]) -> None:
    """100,000 schedules."""
    folder = Path(tempfile.mkdtemp(prefix="arkwright-bench-"))
    try:
        with serving(data=folder) as bench:
            bench.job("any", [node("a", "Dummy")])
        began = time.perf_counter()
        asyncio.run(_fill(folder))
        limit(f"(filling in {JOBS:,} scheduled jobs took)", time.perf_counter() - began, "s")
        _measure(folder, row)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, row: Callable[..., None]) -> None:
    now_ms = int(time.time() * 1000)
    due_ms = (now_ms + LEAD_MS) // MINUTE_MS * MINUTE_MS + MINUTE_MS
    first_ms = now_ms // MINUTE_MS * MINUTE_MS
    with closing(sqlite3.connect(folder / "arkwright.db")) as database, database:
        move = "UPDATE schedule SET cursor_ms = ?, next_ms = ? WHERE json_extract(body, '$.bench') = ?"
        database.execute(move, (first_ms - 1, first_ms, "first"))
        database.execute(move, (due_ms - 1, due_ms, "due"))
    began = time.perf_counter()
    with serving(data=folder) as bench, closing(sqlite3.connect(folder / "arkwright.db")) as database:

        def planned(at_ms: int) -> int:
            found = database.execute("SELECT count(*) FROM planned WHERE plan_ms = ?", (at_ms,)).fetchone()[0]
            return int(found)

        while not planned(first_ms):
            time.sleep(0.005)
        row(f"{JOBS:,} schedules: start to first fire", time.perf_counter() - began, 10, "s")
        time.sleep(3)
        before, since = bench.cpu_seconds(), time.perf_counter()
        time.sleep(10)
        share = (bench.cpu_seconds() - before) / (time.perf_counter() - since)
        row(f"{JOBS:,} schedules, idle: processor, percent of a core", share * 100, 2, "%")
        row(f"{JOBS:,} schedules, idle: resident memory", bench.resident_bytes() / 1e6, 600, "MB")
        time.sleep(max(0.0, due_ms / 1000 - time.time()))
        while planned(due_ms) < DUE:
            time.sleep(0.01)
            assert time.time() * 1000 < due_ms + 120_000, "not all due jobs were planned within two minutes"
        row(f"{DUE:,} due in one minute: the last one submitted after", time.time() - due_ms / 1000, 5, "s")
        row(f"{JOBS:,} schedules, after that: resident memory", bench.resident_bytes() / 1e6, 600, "MB")


async def _fill(folder: Path) -> None:
    store = open_store(str(folder / "arkwright.db"))
    await store.open()
    try:
        identity = await store.read_identity()
        workspace = next(each for each in identity.workspaces if each.is_default and each.project_id == PROJECT)
        place = Place(project_id=PROJECT, workspace_id=workspace.id)
        for begin in range(0, JOBS, BATCH):
            await store.reserve_ids(BATCH)
            await asyncio.gather(*(_scheduled(store, place, number) for number in range(begin, begin + BATCH)))
    finally:
        await store.close()


async def _scheduled(store: Any, place: Place, number: int) -> None:
    """One due soon, ten thousand of every minute, the others once a day at all times of the coming year's days."""
    name = f"job_{number:06}"
    kind = "first" if not number else "due" if number <= DUE else "later"
    far_ms = int(time.time() * 1000) + 86_400_000 + number * 3000
    expression = "0 * * * * ?" if kind != "later" else f"0 {number % 60} {number // 60 % 24} * * ?"
    cron = {"startTime": "2020-01-01T00:00:00Z", "expression": expression, "expressionTimeZone": "UTC"}
    write = DefinitionWrite(
        name=name,
        category="BATCH",
        directory="/",
        body={"name": name, "nodes": [node("a", "Dummy")], "schedule": {"type": "CRON", "cron": cron}},
        submit=True,
        actor="bench",
        at_ms=0,
    )
    job = await store.create_definition(place, Kind.JOB, write)
    row = ScheduleRow(
        job_id=job.id,
        place=place,
        state=ScheduleState.SCHEDULING,
        cursor_ms=far_ms - 1,
        next_ms=far_ms,
        body={"bench": kind, "started_by": "bench"},
    )
    await store.set_schedule(row, job_name=name, job_status="SCHEDULING")
