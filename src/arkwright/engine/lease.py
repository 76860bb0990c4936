"""An engine's lease: by it an engine owns what it owns, and knows by itself when it may no longer act.

The database's clock ends a lease (`store/server_record.py`). Here it ends a little earlier: its length is counted from
before the renewal was sent, on a clock that nobody sets and that goes on while the process is frozen. So an engine that
was frozen knows, before it asks anybody, that others may run its instances by now.
"""

from __future__ import annotations

from collections.abc import Callable

from arkwright.executors.beginning import since_boot
from arkwright.store.base import Store


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
        self.room_elsewhere = 0
        """How many more programs they would begin at once, as of the last look."""
        self.room: Callable[[], int] = lambda: 0
        """How many this one would; the others are told with each renewal."""
        self._looked_ms = 0
        self._used = self._used_ms = 0
        """How much of what was told of room until then is used."""
        self._until: float | None = None
        self.lapses = 0
        """How often it was renewed after it had run out."""
        self.in_doubt = False
        """It had run out, and nobody has looked since what is still this engine's."""

    @property
    def holds(self) -> bool:
        return self._until is None or since_boot() < self._until

    @property
    def begins_until(self) -> float | None:
        """Until when programs of this engine's may begin, in seconds since boot. None: there is no end."""
        return 0.0 if self.in_doubt else self._until

    async def renew(self) -> bool:
        """Take or renew it. Answers whether it had run out meanwhile."""
        asked = since_boot()
        if self.seconds is None:
            await self._store.register_engine(self._name, lease_ms=None, takes=self.takes)
            return False
        room = self.room() if self.takes else 0
        await self._store.register_engine(self._name, lease_ms=int(self.seconds * 1000), takes=self.takes, room=room)
        lapsed = not self.holds
        self._until = asked + self.seconds
        self.lapses += lapsed
        self.in_doubt |= lapsed
        return lapsed

    async def look_around(self) -> float | None:
        """See which other engines live. Answers after how many seconds the first of their leases runs out, unless it is
        renewed."""
        found = await self._store.neighbours(self._name, since_ms=self._used_ms)
        self.neighbours, self._looked_ms = found.engines, found.at_ms
        if found.new_room:
            self._used = 0
        self.room_elsewhere = found.new_room + max(0, found.room - found.new_room - self._used)
        return None if found.left_ms is None else found.left_ms / 1000

    def use_room(self, count: int, *, seconds: float) -> None:
        """So much of the room elsewhere is used; who told of it knows that after some seconds at the latest."""
        self._used += count
        self._used_ms = self._looked_ms + round(seconds * 1000)
