"""Where the embedded store's commits are made, and that its log stays short (decision 0015)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from arkwright.core.instance import InstanceStatus
from arkwright.store import sqlite, sqlite_work
from arkwright.store.base import Kind
from arkwright.store.sqlite import SqliteStore
from arkwright.testing.store_records import ENGINE, advance, everything, instance, make, running, write
from arkwright.testing.store_records import HERE as PLACE

pytestmark = pytest.mark.anyio

HERE, WRITER = "the loop's thread", "the writer thread"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Watched(SqliteStore):
    """Knows which thread made each commit."""

    def watch(self) -> list[str]:
        commits: list[str] = []
        ours = threading.get_ident()

        def seen(statement: str) -> None:
            if statement == "COMMIT":
                commits.append(HERE if threading.get_ident() == ours else WRITER)

        assert self._connection is not None
        self._connection.set_trace_callback(seen)
        return commits


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Watched]:
    store = Watched(tmp_path / "store.db")
    await store.open()
    await make(store)  # makes its place, too
    yield store
    await store.close()


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SLOW_SECONDS", 3600.0)


async def test_few_rows_are_committed_on_the_loops_thread(store: Watched) -> None:
    commits = store.watch()
    await asyncio.gather(*(make(store) for _ in range(sqlite.LIGHT_ROWS)))
    assert commits == [HERE]


async def test_many_rows_are_left_to_the_writer_thread(store: Watched) -> None:
    commits = store.watch()
    await asyncio.gather(*(make(store) for _ in range(sqlite.LIGHT_ROWS + 1)))
    assert commits == [WRITER]


async def test_what_may_be_large_is_left_to_the_writer_thread_with_all_that_came_with_it(store: Watched) -> None:
    commits = store.watch()
    await asyncio.gather(make(store), store.create_definition(PLACE, Kind.JOB, write()))
    assert commits == [WRITER]


async def test_a_slow_commit_sends_the_next_ones_to_the_writer_thread_for_a_while(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "SLOW_SECONDS", 0.0)
    commits = store.watch()
    await make(store)
    await make(store)
    assert commits == [HERE, WRITER]
    store._slow_until = time.monotonic()  # the while is over
    await make(store)
    assert commits == [HERE, WRITER, HERE]


async def test_a_tick_is_committed_on_the_loops_thread_only_after_a_pause(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await make(store)
    started = running(new, status=InstanceStatus.RUNNING)
    commits = store.watch()
    monkeypatch.setattr(sqlite, "PAUSE_SECONDS", 3600.0)
    assert await advance(store, new, started)
    monkeypatch.setattr(sqlite, "PAUSE_SECONDS", 0.0)
    assert await advance(store, started, running(started, status=InstanceStatus.PAUSE))
    assert commits == [WRITER, HERE]


async def test_a_refusal_among_few_rows_fails_alone(store: Watched) -> None:
    twice = instance(store)
    await store.create_instance(twice, owner=ENGINE)
    answers = await asyncio.gather(
        make(store), store.create_instance(twice, owner=ENGINE), make(store), return_exceptions=True
    )
    assert [isinstance(answer, BaseException) for answer in answers] == [False, True, False]
    assert (await store.list_instances(everything())).total == 4


async def test_the_log_stays_short_however_much_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_work, "_CHECKPOINT_PAGES", 50)
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    longest = 0
    for _ in range(300):
        await make(store)
        longest = max(longest, (tmp_path / "store.db-wal").stat().st_size)
    await store.close()
    assert 50 * 4096 < longest < 150 * 4096
    await store.open()
    assert (await store.list_instances(everything())).total == 300
    await store.close()
