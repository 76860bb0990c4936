"""Who shares a commit is answered, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from arkwright.store.open import open_store
from arkwright.testing.store_records import ENGINE, instance


def test_a_defect_behind_one_write_leaves_nobody_else_waiting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []

    def broken(accepted: object, error: BaseException | None) -> None:
        raise ZeroDivisionError

    async def run() -> None:
        store = open_store(str(tmp_path / "a.db"))
        await store.open()
        try:
            first, second, third = [instance(store) for _ in range(3)]
            await store.create_instance(first, owner=ENGINE)
            store.create_instance_soon(second, owner=ENGINE, told=broken)
            store.create_instance_soon(third, owner=ENGINE, told=lambda accepted, error: told.append(third.id))
            async with asyncio.timeout(10):
                await store.ping()
            assert told == [third.id]
            assert await store.load_instance(second.id) is not None
        finally:
            await store.close()

    with caplog.at_level(logging.ERROR, "arkwright.store"):
        asyncio.run(run())
    assert "ZeroDivisionError" in caplog.text
