"""How much is given to each group of workers: what a group is grown and shrunk by."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from tests.servers.postgres import run_statements

from arkwright.store.open import open_store

GIVEN = (("gpu", "", 1), ("gpu", "w1", 1), ("gpu", "w2", 1), ("cpu", "", 1), ("cpu", "w3", 0), (None, "", 1))
"""Group, runner, and whether it goes on."""


def _statements() -> list[str]:
    return [
        "INSERT INTO attempt (instance_id, node, attempt, type, request, runner, epoch, cancel_requested, started_ms, "
        f"ended_ms, worker_group) VALUES ({number}, 0, 1, 'shell', '{{}}', '{runner}', 1, 0, 1, "
        f"{'NULL' if goes_on else 2}, {repr(group) if group else 'NULL'})"
        for number, (group, runner, goes_on) in enumerate(GIVEN)
    ]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_attempts_of_workers_are_counted_by_group(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    where = str(tmp_path / "db") if kind == "sqlite" else str(request.getfixturevalue("postgres_address"))

    async def count() -> None:
        store = open_store(where)
        await store.open()
        try:
            assert (await store.depths(now_ms=0)).groups == {}
            if kind == "postgres":
                await run_statements(where, *_statements())
            else:
                with closing(sqlite3.connect(where)) as database, database:
                    for each in _statements():
                        database.execute(each)
            assert (await store.depths(now_ms=0)).groups == {"cpu": (1, 0), "gpu": (1, 2)}
        finally:
            await store.close()

    anyio.run(count)
