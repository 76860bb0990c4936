"""Gives free slots to nodes that wait for one: looks when somebody begins to wait, ends, or a limit changes.

Who gets one is decided by `core/slots.py`, inside the store's transaction; here are only the limits. One server does
it at a time, as with the gates; two at once would do no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from arkwright.core.identity import Workspace
from arkwright.core.slots import SlotLimits
from arkwright.engine.clock import Clock
from arkwright.errors import StoreUnavailable
from arkwright.scheduler.workspace import node_limit
from arkwright.store.base import Kind, Place, Store

log = logging.getLogger("arkwright.scheduler")

RETRY_MS = 1000
DEFECT_MS = 60_000
_GROUPS = 1000


class SlotKeeper:
    def __init__(self, store: Store, clock: Clock, workspace_of: Callable[[str], Workspace | None]) -> None:
        self._store = store
        self._clock = clock
        self._workspace_of = workspace_of
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.idle = asyncio.Event()
        """Nobody waits who could have a slot."""

    def open(self) -> None:
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="slots")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        self.idle.clear()
        self._woken.set()

    async def limits(self, place: Place) -> SlotLimits:
        groups: dict[str, int] = {}
        while True:
            page = await self._store.list_definitions(place, Kind.TASK_GROUP, offset=len(groups), limit=_GROUPS)
            groups |= {each.name: int(each.body["limit"]) for each in page.items}
            if len(page.items) < _GROUPS:
                break
        return SlotLimits(workspace=node_limit(self._workspace_of(place.workspace_id)), groups=groups)

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                for place in await self._store.places_with_queues():
                    await self._store.grant_slots(place, await self.limits(place), now_ms=self._clock.now_ms())
            except StoreUnavailable as error:
                log.error("slots could not be given (%s); trying again", error)
                self._clock.call_at(self._clock.now_ms() + RETRY_MS, self.wake)
                continue
            except Exception:
                log.exception("slots could not be given; trying again in a minute")
                self._clock.call_at(self._clock.now_ms() + DEFECT_MS, self.wake)
            if not self._woken.is_set():
                self.idle.set()
