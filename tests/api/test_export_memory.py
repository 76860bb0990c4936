"""Exporting many jobs holds one of them in memory at a time, however large the zip becomes."""

from __future__ import annotations

import asyncio
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from tests.api.house import PROJECT, House, close_house, open_house

from arkwright.store import sql_store

JOBS = 1000
NOISE_BYTES = 30_000
"""Of each job: text that can't be packed well, so that the zip grows with the jobs."""
CACHED = 1_000_000
"""What the store keeps of definitions; here less than usual."""
MOST_BYTES = 10_000_000


class Drain:
    """An ASGI client that takes the reply and keeps none of it."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status = 0
        self.taken = 0

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            await asyncio.Event().wait()  # it goes on listening
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.taken += len(message.get("body", b""))


async def export(house: House, names: list[str]) -> Drain:
    drain = Drain(json.dumps({"jobList": names}).encode())
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/v1/{PROJECT}/jobs/batch-export",
        "raw_path": f"/v1/{PROJECT}/jobs/batch-export".encode(),
        "query_string": b"",
        "headers": [
            (b"x-auth-token", house.tokens["administrator"].encode()),
            (b"content-type", b"application/json"),
        ],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
    }
    await house.application(scope, drain.receive, drain.send)
    assert drain.status == 200
    return drain


def noise(seed: int) -> str:
    return random.Random(seed).randbytes(NOISE_BYTES // 2).hex()


@pytest.mark.long
def test_memory_stays_flat_while_a_thousand_jobs_are_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_store, "CACHED_CHARACTERS", CACHED)
    house, thread = open_house(tmp_path)
    try:
        for number in range(JOBS):
            house.save_job(f"job_{number}", noise=noise(number))
        names = [f"job_{number}" for number in range(JOBS)]
        house.run(export(house, names[:100]))  # what is loaded once is not counted
        tracemalloc.start()
        try:
            taken = sum(house.run(export(house, names[at : at + 100])).taken for at in range(0, JOBS, 100))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    finally:
        close_house(house, thread)
    assert taken > 1.3 * MOST_BYTES, "the zips are larger than what may be held"
    assert peak < MOST_BYTES, f"{peak:,} bytes for zips of {taken:,} bytes"
