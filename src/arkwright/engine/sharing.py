"""Programs that wait here for their turn, and engines that would begin them at once: the one is brought to the other.

Theory of operation
-------------------
An engine tells with its lease how many more programs it would begin at once, its *room*: with each renewal, and soon
after it got some, lost it, or claimed half as much. Whoever has a queue looks when the queue begins, and whenever
another one tells of room; then it lets go of a part of its queue, the newest first, as a server does that is emptied
(`handover`): instances of which nothing runs, fenced by their versions, with attempts that certainly nobody began. The
wake-up of that commit brings those with room to claim them; one without leaves them to the others first (`recovery`).

The part follows from room and slots: with as much room elsewhere as slots here, half of the queue. So a long queue is
shared in a few steps, each towards an engine that had no queue. Who gave counts what it gave as room that is used until
others had the time to claim and to tell of theirs anew; one that has got a queue has none. So nothing goes to and fro.

What was told may be out of date: then they are claimed by whoever comes first, the giver among them. Nothing polls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import islice

from arkwright.engine.dispatch import Dispatch
from arkwright.engine.handover import Handover
from arkwright.engine.lease import EngineLease
from arkwright.errors import StoreUnavailable
from arkwright.executors.background import Background, Defect
from arkwright.store.base import Store

log = logging.getLogger("arkwright.engine")

SETTLE_SECONDS = 0.3
"""A queue or room of less than this is none: it is over before anybody could do something about it."""

AT_ONCE = 500
"""Instances given away in one transaction."""


class Sharing:
    def __init__(
        self,
        store: Store,
        handover: Handover,
        dispatch: Dispatch,
        lease: EngineLease,
        *,
        renew: Callable[[], Awaitable[None]],
        look_around: Callable[[], Awaitable[None]],
        renew_soon: Callable[[], None],
        taken: Callable[[], int],
        able: Callable[[], bool],
        defect: Defect,
    ) -> None:
        """`renew`, `look_around`, `renew_soon`: of `Recovery`. `taken`: how many instances it has claimed. `able`:
        whether anything may begin here now. `defect` is told when nothing can be shared any more."""
        self._store = store
        self._handover = handover
        self._dispatch = dispatch
        self._lease = lease
        self._renew = renew
        self._look_around = look_around
        self._renew_soon = renew_soon
        self._taken = taken
        self._able = able
        self._told_room = 0
        self._told_taken = 0
        """How many instances had been claimed when that was told."""
        self._queues = False
        """Whether there was a queue when something changed last."""
        self._settling: asyncio.TimerHandle | None = None
        self._woken = asyncio.Event()
        self._background = Background(defect)
        self._open = False

    def open(self) -> None:
        """Before the lease is taken, so that the first news of this engine tells of its room."""
        if self._lease.seconds is None:
            return  # there is nobody else
        self._lease.room = self._tell
        self._store.on_room(self._heard)
        self._open = True
        self._background.begin(self._run(), "sharing")

    async def close(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
        self._open = False
        await self._background.close()

    def changed(self) -> None:
        """Something began or ended here. Costs next to nothing."""
        if not self._lease.neighbours or not self._open:
            return
        queues = self._dispatch.queued > 0
        news = queues and not self._queues
        self._queues = queues
        if (news or self._differs()) and self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle)

    # -- inside
    def _room(self) -> int:
        return self._dispatch.room if self._able() and not self._handover.emptying else 0

    def _tell(self) -> int:
        """With a renewal of the lease."""
        room = self._room()
        self._told_room, self._told_taken = room, self._taken()
        return room

    def _differs(self) -> bool:
        """Whether the others are to be told of room again: there is some or none now, or what was told may be used."""
        has = self._room() > 0
        used = 2 * (self._taken() - self._told_taken) >= self._told_room
        return has != (self._told_room > 0) or (has and used)

    def _settle(self) -> None:
        self._settling = None
        self._queues = self._dispatch.queued > 0
        if self._queues:
            self._woken.set()
        if self._differs():
            self._renew_soon()

    def _heard(self) -> None:
        """Some engine has room; it may be one that is new here."""
        if self._dispatch.queued or not self._lease.neighbours:
            self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                # That there is no room here must be known before others divide what is given.
                await (self._renew() if self._differs() else self._look_around())
                await self._give()
            except StoreUnavailable as error:  # the next news comes with a lease's renewal at the latest
                log.error("what waits could not be shared: %s", error)

    async def _give(self) -> None:
        room, queued = self._lease.room_elsewhere, self._dispatch.queued
        if not room or not queued or not self._lease.holds or self._handover.emptying:
            return
        part = min(AT_ONCE, max(1, queued * room // (room + self._dispatch.slots)))
        ids = dict.fromkeys(key.instance_id for key in self._dispatch.waiting())
        going = list(islice(filter(self._handover.only_waits, ids), part))
        self._lease.use_room(len(going), seconds=SETTLE_SECONDS)
        given = await self._handover.give(going)
        self._queues = self._dispatch.queued > 0
        if given:
            log.info("%d instances whose programs waited here were given to engines with room", given)
