"""OBS listening as a start condition: an instance waits for an object, looked for every so often, for so long.

`ObsListening` is asked by whoever holds waiting instances (`core/gate.ObjectExists` has the condition). Instances that
wait for one path share its looks; where the storage tells of changes, an upload is noticed at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from arkwright.core.gate import ObjectExists
from arkwright.engine.clock import Clock
from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.objects.base import Objects
from arkwright.objects.paths import ObsPath, parse
from arkwright.scheduler.events.obs import News

log = logging.getLogger("arkwright.events")


class ObsListening:
    def __init__(
        self,
        objects: Objects,
        clock: Clock,
        news: News | None,
        *,
        met: Callable[[int, ObjectExists], Awaitable[None]],
        gave_up: Callable[[int, ObjectExists], Awaitable[None]],
        waits: Callable[[int, ObjectExists], Awaitable[bool]],
        path_of: Callable[[int, str], Awaitable[str]] | None = None,
    ) -> None:
        """`met(instance id, condition)` is awaited once, when the object is there; `gave_up` when its time is over.
        `waits` says whether the instance waits for it still; it is asked before each further look.
        `path_of(instance id, text)` replaces the expressions of a path; it raises `ArkwrightError`."""
        self._objects = objects
        self._clock = clock
        self._news = news
        self._met = met
        self._gave_up = gave_up
        self._waits = waits
        self._path_of = path_of
        self._listening: dict[tuple[int, str], asyncio.Task[None]] = {}
        self.last_error: dict[tuple[int, str], str] = {}
        """Why a look failed, by (instance, key of the condition)."""

    def begin(self, instance_id: int, condition: ObjectExists) -> None:
        """Look for it until it is there or its time is over. Harmless for one that is looked for already."""
        key = (instance_id, condition.key)
        if key in self._listening:
            return
        task = asyncio.create_task(self._listen(instance_id, condition), name=f"listening for {instance_id}")
        self._listening[key] = task
        task.add_done_callback(lambda _: self._forget(key))

    def end(self, instance_id: int) -> None:
        """The instance waits no more."""
        for key, task in list(self._listening.items()):
            if key[0] == instance_id:
                task.cancel()

    async def close(self) -> None:
        tasks = list(self._listening.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: tuple[int, str]) -> None:
        self._listening.pop(key, None)
        self.last_error.pop(key, None)

    async def _listen(self, instance_id: int, condition: ObjectExists) -> None:
        key = (instance_id, condition.key)
        try:
            text = condition.path
            path = parse(text if self._path_of is None else await self._path_of(instance_id, text))
        except ArkwrightError as error:
            self.last_error[key] = str(error)
            log.warning("instance %d can't listen for its object: %s", instance_id, error)
            return
        changed = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            if self._news is not None:
                await stack.enter_async_context(self._news.watch(path, changed))
            while True:
                changed.clear()
                if await self._there(key, path):
                    await self._told(self._met, instance_id, condition)
                    return
                next_ms = self._clock.now_ms() + condition.every_seconds * 1000
                if condition.until_ms is not None:
                    if self._clock.now_ms() >= condition.until_ms:
                        await self._told(self._gave_up, instance_id, condition)
                        return
                    next_ms = min(next_ms, condition.until_ms)
                timer = self._clock.call_at(next_ms, changed.set)
                try:
                    await changed.wait()
                finally:
                    timer.cancel()
                if not await self._still(instance_id, condition):
                    return

    async def _told(
        self, tell: Callable[[int, ObjectExists], Awaitable[None]], instance_id: int, condition: ObjectExists
    ) -> None:
        while True:
            try:
                await tell(instance_id, condition)
                return
            except StoreUnavailable as error:
                log.error("the store is not available (%s); trying again", error)
                await asyncio.sleep(1)

    async def _still(self, instance_id: int, condition: ObjectExists) -> bool:
        try:
            return await self._waits(instance_id, condition)
        except StoreUnavailable:
            return True

    async def _there(self, key: tuple[int, str], path: ObsPath) -> bool:
        try:
            there = await self._objects.exists(path)
        except ArkwrightError as error:
            self.last_error[key] = str(error)
            return False
        self.last_error.pop(key, None)
        return there
