"""A real store and a clock that the test owns, for what is told."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

from tests.servers.database import place_for

from arkwright.core.alerts import Notice, Remind
from arkwright.store.base import DefinitionWrite, Kind, Place, Store
from arkwright.store.notice_record import NoticeFilter, StoredNotice
from arkwright.store.open import open_store
from arkwright.testing.fake_clock import FakeClock

PLACE = Place(project_id="p" * 32, workspace_id="w" * 32)


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def limited() -> None:
            async with asyncio.timeout(60):
                await test(*args, **kwargs)

        asyncio.run(limited())

    return run


class Watched:
    """A real store that knows how many of its calls are under way."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            try:
                return await found(*args, **kwargs)
            finally:
                self.calls -= 1

        return counted


_open: list[Watched] = []


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    store = Watched(open_store(place_for(folder)))
    await store.open()
    _open.append(store)
    try:
        yield cast("Store", store)
    finally:
        _open.remove(store)
        await store.close()


class Clock(FakeClock):
    """Also lets the tasks run that a timer has woken."""

    async def pass_(self, milliseconds: int) -> None:
        await settled()
        self.jump(milliseconds)
        await settled()


async def settled() -> None:
    """Returns when nothing happens any more without time passing: no call of a store is under way, and nobody makes
    one for as many turns of the loop as a task may take between two calls."""
    quiet = 0
    while quiet < 20:
        await asyncio.sleep(0)
        quiet = 0 if any(store.calls for store in _open) else quiet + 1


def notice(clock: FakeClock, key: str, **changes: Any) -> Notice:
    fields = {
        "key": key,
        "remind": Remind.FAILURE,
        "at_ms": clock.now_ms(),
        "topic": "ops",
        "job_name": "nightly",
        "job_id": 7,
        "rule_name": "r",
    }
    return Notice(**{**fields, **changes})


async def add(store: Store, *notices: Notice) -> None:
    await store.add_notices(PLACE, [(store.next_id(), each) for each in notices])


async def stored(store: Store) -> Sequence[StoredNotice]:
    """Oldest first."""
    _, page = await store.list_notices(NoticeFilter(place=PLACE, from_ms=0, to_ms=2**53), limit=10_000)
    return page[::-1]


async def define(store: Store, kind: Kind, name: str, body: dict[str, Any], *, at_ms: int, status: str = "") -> int:
    write = DefinitionWrite(
        name=name, category="BATCH", directory="/", body=body, submit=True, actor="ada", at_ms=at_ms, status=status
    )
    return (await store.create_definition(PLACE, kind, write)).id
