"""A server among those that share a database: it tells that it is there, and hears when it is to be emptied."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

import msgspec

from arkwright.core.workers import Way
from arkwright.engine.database_clock import DatabaseClock
from arkwright.errors import StoreUnavailable
from arkwright.executors.background import Background, Defect
from arkwright.store.base import Store
from arkwright.store.server_record import ServerEntry

log = logging.getLogger("arkwright")


class Presence:
    def __init__(
        self,
        store: Store,
        entry: ServerEntry,
        *,
        lease_seconds: float | None,
        owns: bool,
        clock: DatabaseClock | None,
        empty: Callable[[bool], None],
        defect: Defect,
        ways: Callable[[], Sequence[Way]] | None = None,
    ) -> None:
        """`owns`: whether it may own triggers without being an engine. `empty` is told when it is to be emptied, and
        when no longer; `defect`, when that is not heard any more. `ways`: how it reaches workers now; None: it runs
        nothing."""
        self._store = store
        self._entry = entry
        self._lease_seconds = lease_seconds
        self._owns = owns
        self._clock = clock
        self._empty = empty
        self._ways = ways
        self._look = asyncio.Event()
        self._background = Background(defect)
        self.draining = False

    async def open(self) -> None:
        self._store.on_servers(self._look.set)
        await self._tell()
        self._background.begin(self._stay(), "presence")

    async def close(self) -> None:
        await self._background.close()
        with contextlib.suppress(StoreUnavailable):  # its lease runs out by itself
            await self._store.forget_server(self._entry.name)

    def tell_again(self) -> None:
        """Something that it tells of itself is different now."""
        self._look.set()

    async def _stay(self) -> None:
        pause = None if self._lease_seconds is None else self._lease_seconds / 3
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look.wait()
            self._look.clear()
            try:
                await self._tell()
                if self._clock is not None:
                    await self._clock.look(self._store)
            except StoreUnavailable as error:
                log.error("the server could not tell that it is there: %s", error)

    async def _tell(self) -> None:
        lease_ms = None if self._lease_seconds is None else int(self._lease_seconds * 1000)
        entry = self._entry
        if self._ways is not None:
            entry = msgspec.structs.replace(entry, ways=tuple(self._ways()))
        draining = await self._store.register_server(entry, lease_ms=lease_ms, owns=self._owns)
        if draining != self.draining:
            self.draining = draining
            log.warning("this server is to be emptied" if draining else "this server takes work again")
            self._empty(draining)
