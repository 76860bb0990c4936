"""An engine's lease: by it an engine owns what it owns, and knows by itself when it may no longer act.

The database's clock ends a lease (`store/server_record.py`). Here it ends a little earlier: its length is counted from
before the renewal was sent, on a clock that nobody sets and that goes on while the process is frozen. So an engine that
was frozen knows, before it asks anybody, that others may run its instances by now.
"""

from __future__ import annotations

import time

from arkwright.store.base import Store

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class EngineLease:
    def __init__(self, store: Store, name: str, seconds: float | None) -> None:
        """`seconds`: None where the data folder's lock proves that there is no other engine."""
        self._store = store
        self._name = name
        self.seconds = seconds
        self.takes = True
        """Whether it takes instances that are nobody's."""
        self.neighbours = 0
        """Other engines that live, as of the last renewal."""
        self._until: float | None = None
        self.lapses = 0
        """How often it was renewed after it had run out."""

    @property
    def holds(self) -> bool:
        return self._until is None or time.clock_gettime(_CLOCK) < self._until

    async def renew(self) -> bool:
        """Take or renew it. Answers whether it had run out meanwhile."""
        asked = time.clock_gettime(_CLOCK)
        if self.seconds is None:
            await self._store.register_engine(self._name, lease_ms=None, takes=self.takes)
            return False
        await self._store.register_engine(self._name, lease_ms=int(self.seconds * 1000), takes=self.takes)
        lapsed = not self.holds
        self._until = asked + self.seconds
        self.lapses += lapsed
        return lapsed

    async def look_around(self) -> float | None:
        """See which other engines live. Answers after how many seconds the first of their leases runs out, unless it is
        renewed."""
        self.neighbours, left_ms = await self._store.neighbours(self._name)
        return None if left_ms is None else left_ms / 1000
