"""Following an instance from outside: its states as they come, whoever runs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from arkwright.core.instance import Instance
from arkwright.engine.loop import Loop
from arkwright.engine.recovery import Recovery
from arkwright.store.base import Place, Store

FOREIGN_WATCH_SECONDS = 5.0
"""How often an instance of another engine is looked at, while somebody watches it here: news of its status comes by
itself, that of its nodes does not."""

FOREIGN_PAUSE_SECONDS = 0.02
"""Least time between two looks, whatever the news."""


class WatchMethods:
    """The engine's methods for those who watch; what they promise stands in `interface.Engine`."""

    _loop: Loop
    _runs: bool
    _store: Store
    recovery: Recovery

    async def wait(self, instance_id: int, timeout_seconds: float) -> Instance | None:
        latest: Instance | None = None
        try:
            async with asyncio.timeout(timeout_seconds), contextlib.aclosing(self.watch(instance_id)) as states:
                async for state in states:
                    latest = state
        except TimeoutError:
            pass
        return latest or await self._store.load_instance(instance_id)  # the time was over before the first look

    async def watch(self, instance_id: int) -> AsyncGenerator[Instance, None]:
        active = self._loop.active.get(instance_id)
        if active is None and self._runs:
            await self.recovery.done.wait()  # it may be among those that are still being taken up
            active = self._loop.active.get(instance_id)
        if active is None:
            async for state in self._watch_stored(instance_id):
                yield state
            return
        news: asyncio.Queue[Instance] = asyncio.Queue()
        active.watchers.add(news.put_nowait)
        try:
            state = active.state
            yield state
            while not state.ended:
                state = await news.get()
                if not state.ended and instance_id not in self._loop.active:
                    break  # it is another engine's now
                yield state
        finally:
            active.watchers.discard(news.put_nowait)
        if not state.ended:
            async for state in self._watch_stored(instance_id):
                yield state

    async def watch_all(self) -> AsyncGenerator[Instance, None]:
        news: asyncio.Queue[Instance] = asyncio.Queue()
        self._loop.onlookers.add(news.put_nowait)
        try:
            while True:
                yield await news.get()
        finally:
            self._loop.onlookers.discard(news.put_nowait)

    async def _watch_stored(self, instance_id: int) -> AsyncGenerator[Instance, None]:
        """An instance that is not in hand here: ended, or another engine's."""
        seen = -1
        news = asyncio.Event()
        unheard: Callable[[], None] | None = None

        def seen_here(state: Instance) -> None:
            if state.id == instance_id:
                news.set()

        self._loop.onlookers.add(seen_here)
        try:
            while True:
                news.clear()
                state = await self._store.load_instance(instance_id)
                if state is None:
                    return
                if state.version != seen:
                    seen = state.version
                    yield state
                if state.ended:
                    return
                if unheard is None:
                    place = Place(project_id=state.project_id, workspace_id=state.workspace_id)
                    unheard = await self._store.on_foreign_changes(place, news.set)
                    continue  # it may have changed before we listened
                await asyncio.sleep(FOREIGN_PAUSE_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), FOREIGN_WATCH_SECONDS)
        finally:
            self._loop.onlookers.discard(seen_here)
            if unheard is not None:
                unheard()
