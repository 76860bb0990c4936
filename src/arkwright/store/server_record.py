"""Servers that share a database, and the leases by which they divide the work, as the store keeps them.

Theory of operation
-------------------
Every lease ends by the *database's* clock: whoever takes or renews one says for how long, never until when. So
machines whose clocks differ agree about who holds what. A lease of length 0 has run out: that is how one is given back.

A named lease (the scheduler's) counts its holds. Each time it changes hands, or is taken anew by a holder that had let
it run out, its epoch counts up. Writes that are made inside `fenced` compare the epoch in their own transaction, and
lock the lease's row against a change until they are durable. So of two servers that both believe to hold it, however
long one of them was frozen, only the later one can write:

* frozen before its write, and the lease is taken over: the write is refused with `LeaseLost`;
* frozen inside its transaction: whoever takes over waits for the end of that transaction, and sees what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from arkwright.core.record import Record
from arkwright.core.workers import Way


class ServerEntry(Record, frozen=True, kw_only=True):
    """What a server tells of itself."""

    name: str
    roles: tuple[str, ...]
    version: str
    """Of the program."""
    url: str
    """Where it listens, as it sees itself."""
    since_ms: int
    ways: tuple[Way, ...] | None = None
    """How it reaches workers. None: it doesn't tell."""


class ServerRow(Record, frozen=True, kw_only=True):
    """A server as the others see it."""

    entry: ServerEntry
    schema_level: int
    """The newest migration that its program knows."""
    lease_left_ms: int | None
    """How long it counts as there without another word; not positive: it is gone. None: as long as its process."""
    draining: bool
    instances: int
    """Unended instances that it owns."""

    @property
    def alive(self) -> bool:
        return self.lease_left_ms is None or self.lease_left_ms > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The engines that live beside one."""

    engines: int
    """How many take instances."""
    left_ms: int | None
    """When the first of their leases runs out, unless it is renewed. None: there are none."""
    room: int
    """How many more programs they would begin at once."""
    new_room: int
    """As much of it as was told since the time that was asked for."""
    at_ms: int
    """When this was so, by the database's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What came of the wish for a lease."""

    epoch: int | None
    """Which hold it is. None: somebody else has it."""
    left_ms: int | None
    """For how long whoever has it has it by now. None: for ever."""


@dataclass(slots=True, kw_only=True, eq=False)
class Fence:
    """A hold of a lease that writes depend on."""

    lease: str
    epoch: int
    lost: Callable[[], None]
    """Called on the event loop's thread when a write was refused because the hold is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depths:
    """How much waits and is held now, in the whole installation. Each counts to `MOST_COUNTED` at most."""

    unowned: int
    """Instances that no engine has claimed yet."""
    gated: int
    """Planned instances that wait for a condition."""
    slots_waiting: int
    slots_held: int
    slots_leaked: int
    offered: int
    """Attempts that no worker has claimed yet."""
    posted: int
    """Events on their way to an instance's owner."""
    notices: int
    """Notices that are not delivered."""
    lag_ms: int
    """How long the oldest due plan time has been due."""
    groups: Mapping[str, tuple[int, int]]
    """Attempts given to workers that have not ended, by group: how many no worker has claimed, how many one has."""


MOST_COUNTED = 100_000


class ServerStore(Protocol):
    """Part of `arkwright.store.base.Store`."""

    async def database_ms(self) -> int:
        """The database's time, in epoch milliseconds: what all leases go by."""
        ...

    @property
    def writers_waiting(self) -> int:
        """Writers whose commit has not begun."""
        ...

    # -- servers
    async def register_server(self, entry: ServerEntry, *, lease_ms: int | None, owns: bool = False) -> bool:
        """Come alive, or stay alive (also the renewal). Answers whether it is to be emptied. `owns`: it may own
        triggers without being an engine. No lease: as long as its process."""
        ...

    async def forget_server(self, name: str) -> None:
        """It has ended. What it still owns may be claimed when its lease as an engine has run out."""
        ...

    async def list_servers(self) -> Sequence[ServerRow]:
        """By name, those that are gone for less than a day among them."""
        ...

    async def set_draining(self, name: str, draining: bool) -> None:
        """Raises `NotFound`."""
        ...

    def on_servers(self, changed: Callable[[], None]) -> None:
        """Call `changed` on the event loop's thread when a server came, went, or is to be emptied."""
        ...

    async def depths(self, *, now_ms: int) -> Depths:
        """What it costs follows from what waits now, never from history."""
        ...

    # -- engines beside one
    async def neighbours(self, engine: str, *, since_ms: int = 0) -> Neighbours:
        """The other engines that live. `since_ms`: for `new_room`."""
        ...

    def on_room(self, told: Callable[[], None]) -> None:
        """Call `told` on the event loop's thread when an engine told that it would begin more programs at once."""
        ...

    async def still_owned(self, engine: str, instances: Sequence[int]) -> Mapping[int, int]:
        """Those of these instances that are this engine's, with their versions."""
        ...

    # -- handing over
    async def hand_over(
        self, engine: str, instances: Sequence[tuple[int, int]], unbegun: Sequence[tuple[int, int, int]] = ()
    ) -> frozenset[int]:
        """Let go of (id, version) pairs, so that another engine claims them. Answers the ids that were still this
        engine's, unended and of that version. `unbegun`: attempts (instance, node, attempt) that certainly never
        began: whoever claims the instance begins them."""
        ...

    # -- leases by name
    async def hold_lease(self, name: str, owner: str, *, lease_ms: int | None) -> Held:
        """Take or renew a lease. No length: it is taken from anybody (the data folder's lock proves that there is
        nobody else). Length 0 by its owner gives it back, and makes that known to the others."""
        ...

    def on_lease_free(self, free: Callable[[], None]) -> None:
        """Call `free` on the event loop's thread when some lease was given back."""
        ...

    def fenced(self, fence: Fence | None) -> AbstractContextManager[None]:
        """Writes of this task and of tasks made inside depend on this hold; None: on none."""
        ...

    # -- the check of the key that secrets are sealed with
    async def first_key(self, key_id: str | None) -> str | None:
        """The id that was given first, by whichever server; None gives none."""
        ...
