"""Many at once: they ask for the same only once, and too many are told so."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from tests.store.test_notices import run

from arkwright.errors import DatabaseAway, StoreUnavailable
from arkwright.store import installation, postgres
from arkwright.store.base import Place, Store
from arkwright.store.postgres import READERS, PostgresStore
from arkwright.testing.store_records import everything, make

NEW = Place(project_id="p1", workspace_id="new")


def test_the_first_runs_of_a_workspace_look_its_number_up_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    find, add = installation.find_place, installation.make_place
    monkeypatch.setattr(installation, "find_place", lambda place: asked.append("find") or find(place))
    monkeypatch.setattr(
        installation, "make_place", lambda transaction, place: asked.append("make") or add(transaction, place)
    )

    async def work(store: Store) -> None:
        tasks = [asyncio.create_task(make(store, place=NEW)) for _ in range(50)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # the first one's end is not the others'
        made = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in made] == [True, *[False] * 49]
        assert asked == ["find", "make"]
        assert (await store.list_instances(everything(NEW))).total == 49

    run(address, work)


@pytest.mark.postgres
def test_who_finds_all_connections_busy_is_not_told_that_the_database_is_away(
    postgres_ready: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(store: Store) -> None:
        assert isinstance(store, PostgresStore)
        monkeypatch.setattr(postgres, "CONNECT_SECONDS", 0.05)
        async with AsyncExitStack() as others:
            for _ in range(READERS):
                await others.enter_async_context(store._readers.acquire())
            with pytest.raises(StoreUnavailable, match=f"All {READERS} connections that read") as refused:
                await store.read_identity()
            assert not isinstance(refused.value, DatabaseAway)
        monkeypatch.undo()
        assert await store.read_identity()
        assert "is away" not in caplog.text

    run(postgres_ready, work)
