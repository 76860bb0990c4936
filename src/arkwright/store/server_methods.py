"""The store's methods about servers and leases, on SQL: each says which work of `servers` to do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from arkwright.store import ownership, servers
from arkwright.store.server_record import Depths, Fence, Held, Neighbours, ServerEntry, ServerRow
from arkwright.store.sql_parts import SqlPart
from arkwright.store.work import LEASES, ROOM, SERVERS


class ServerMethods(SqlPart):
    """`arkwright.store.server_record.ServerStore` for `SqlStore`."""

    schema_level: int
    """The newest migration that this program knows."""
    _room_watchers: list[Callable[[], None]]
    _server_watchers: list[Callable[[], None]]
    _lease_watchers: list[Callable[[], None]]

    async def database_ms(self) -> int:
        return await self._read(servers.now)

    @property
    @abstractmethod
    def writers_waiting(self) -> int: ...

    async def register_server(self, entry: ServerEntry, *, lease_ms: int | None, owns: bool = False) -> bool:
        return await self._write(
            lambda transaction: servers.register(transaction, entry, self.schema_level, lease_ms, owns)
        )

    async def forget_server(self, name: str) -> None:
        await self._write(lambda transaction: servers.forget(transaction, name))

    async def list_servers(self) -> Sequence[ServerRow]:
        return await self._read(servers.listed)

    async def set_draining(self, name: str, draining: bool) -> None:
        await self._write(lambda transaction: servers.set_draining(transaction, name, draining))

    def on_servers(self, changed: Callable[[], None]) -> None:
        self._server_watchers.append(changed)

    async def depths(self, *, now_ms: int) -> Depths:
        return await self._read(partial(servers.depths, now_ms))

    async def register_engine(self, engine: str, *, lease_ms: int | None, takes: bool = True, room: int = 0) -> None:
        await self._write(lambda transaction: ownership.register(transaction, engine, lease_ms, takes, room))

    async def neighbours(self, engine: str, *, since_ms: int = 0) -> Neighbours:
        return await self._read(partial(servers.neighbours, engine, since_ms))

    def on_room(self, told: Callable[[], None]) -> None:
        self._room_watchers.append(told)

    async def still_owned(self, engine: str, instances: Sequence[int]) -> Mapping[int, int]:
        return await self._read(partial(servers.still_owned, engine, instances))

    async def hand_over(
        self, engine: str, instances: Sequence[tuple[int, int]], unbegun: Sequence[tuple[int, int, int]] = ()
    ) -> frozenset[int]:
        if not instances:
            return frozenset()
        return await self._write(lambda transaction: servers.hand_over(transaction, engine, instances, unbegun))

    async def hold_lease(self, name: str, owner: str, *, lease_ms: int | None) -> Held:
        if lease_ms is not None:
            # Whoever only waits for it must not hold up its holder's writes, which lock it.
            others = await self._read(partial(servers.look_at, name, owner))
            if others is not None:
                return others
        return await self._write(lambda transaction: servers.hold(transaction, name, owner, lease_ms))

    def on_lease_free(self, free: Callable[[], None]) -> None:
        self._lease_watchers.append(free)

    def fenced(self, fence: Fence | None) -> AbstractContextManager[None]:
        return servers.fenced(fence)

    async def first_key(self, key_id: str | None) -> str | None:
        return await self._write(lambda transaction: servers.first_key(transaction, key_id))

    def _servers_made_known(self, channels: set[str]) -> None:
        if SERVERS in channels:
            for changed in self._server_watchers:
                changed()
        if ROOM in channels:
            for told in self._room_watchers:
                told()
        if LEASES in channels:
            for free in self._lease_watchers:
                free()
