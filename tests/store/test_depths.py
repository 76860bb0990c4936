"""How much is given to each group of workers: what a group is grown and shrunk by."""

from __future__ import annotations

import anyio
from tests.servers.database import changed

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


def test_attempts_of_workers_are_counted_by_group(address: str) -> None:
    async def count() -> None:
        store = open_store(address)
        await store.open()
        try:
            assert (await store.depths(now_ms=0)).groups == {}
            changed(address, *_statements())
            assert (await store.depths(now_ms=0)).groups == {"cpu": (1, 0), "gpu": (1, 2)}
        finally:
            await store.close()

    anyio.run(count)
