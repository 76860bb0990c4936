"""The time of a server that shares its database: the database's, so that servers whose clocks differ agree.

How long a question to the database took bounds what its answer can tell; a difference below that is no difference. The
time between two looks is this machine's, so reading it costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from arkwright.engine.clock import Clock, TimerHandle
from arkwright.store.base import Store

log = logging.getLogger("arkwright")

LEAST_MS = 20
"""A smaller difference is left: the time of a server is not to hop with every look."""
FIRST_LOOKS = 3


class DatabaseClock:
    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self.ahead_ms = 0
        """How far the database's clock is ahead of the machine's."""

    def now_ms(self) -> int:
        return self._machine.now_ms() + self.ahead_ms

    def call_at(self, at_ms: int, act: Callable[[], None]) -> TimerHandle:
        return self._machine.call_at(at_ms - self.ahead_ms, act)

    async def set_first(self, store: Store) -> None:
        for _ in range(FIRST_LOOKS):  # the first question may wait for a connection
            await self.look(store)

    async def look(self, store: Store) -> None:
        """Compare with the database. Raises `StoreUnavailable`."""
        before = self._machine.now_ms()
        theirs = await store.database_ms()
        after = self._machine.now_ms()
        ahead_ms = theirs - (before + after) // 2
        if abs(ahead_ms - self.ahead_ms) <= max(LEAST_MS, after - before):
            return
        if abs(ahead_ms) > 1000:
            log.warning("this machine's clock is %d ms off the database's, which is used", -ahead_ms)
        self.ahead_ms = ahead_ms
