"""The store's contract on SQL, whatever the database: each method says which work to do, a subclass does it.

A subclass brings three things: `_start` and `_stop`, `_submit` (a writer joins the next group) and `_read`
(a piece of reading work). Everything it tells this class, it tells on the event loop's thread.

Kept in memory: ids in hand, the short numbers of places, and definitions' bodies. All of it is either immutable or
this process's own. Heads of definitions are kept by a process that is the database's only one (`_alone`).
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from arkwright.core.events import Event
from arkwright.core.identity import IdentityRecord, IdentitySnapshot, Token
from arkwright.core.instance import Instance
from arkwright.errors import IllegalState, StoreUnavailable
from arkwright.store import definitions, installation, instances, listing, ownership
from arkwright.store.base import (
    Accepted,
    AttemptRow,
    Commit,
    Definition,
    DefinitionWrite,
    IdempotencyKey,
    InstanceFilter,
    Kind,
    Page,
    Place,
    PostedEvent,
)
from arkwright.store.definitions import BoundedCache
from arkwright.store.ids import BLOCK, Ids
from arkwright.store.work import Transaction, Work, Write

T = TypeVar("T")

CACHED_CHARACTERS = 16_000_000
"""Bound of the definitions kept in memory, by the length of their JSON."""


class SqlStore(ABC):
    """`arkwright.store.base.Store` on SQL."""

    _alone: bool
    """Whether no other process uses the database."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ids = Ids(self._fetch_ids)
        self._session = 0
        self._places: dict[tuple[str, str], int] = {}
        self._bodies: definitions.Bodies = BoundedCache(CACHED_CHARACTERS)
        self._heads: BoundedCache[tuple[Any, ...], Definition] = BoundedCache(CACHED_CHARACTERS)
        self._definition_writes = 0
        self._definition_epoch = 0
        self._unheard: list[int] = []
        self._wakers: list[Callable[[], None]] = []
        self._identity_watchers: list[Callable[[], None]] = []

    # ---------------------------------------------------------------- what a database brings

    @abstractmethod
    async def _start(self) -> None:
        """Connect and migrate."""

    @abstractmethod
    async def _stop(self) -> None:
        """Finish the writers that have come, then disconnect."""

    @abstractmethod
    def _submit(self, write: Write) -> None:
        """Let a writer join the next group."""

    @abstractmethod
    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T:
        """Do reading work; with `snapshot` all its statements see one moment."""

    @abstractmethod
    async def backup(self, target: str) -> None: ...

    # ---------------------------------------------------------------- writing

    def _waiter(self) -> asyncio.Future[Any]:
        if self._loop is None:
            raise StoreUnavailable("The store is not open.")
        return self._loop.create_future()

    async def _write(
        self,
        work: Callable[[Transaction], Work[T]],
        finished: Callable[[Any, BaseException | None, bool], None] | None = None,
    ) -> T:
        waiter = self._waiter()
        self._submit(Write(work, waiter, finished=finished))
        result: T = await waiter
        return result

    def _wake(self) -> None:
        for wake in self._wakers:
            wake()

    def _identity_changed(self) -> None:
        for changed in self._identity_watchers:
            changed()

    # ---------------------------------------------------------------- life

    async def open(self) -> None:
        if self._loop is not None:
            raise IllegalState("The store is open already.")
        self._loop = asyncio.get_running_loop()
        try:
            await self._start()
            await self.reserve_ids(1)
            self._session = self._ids.next()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._loop is None:
            return
        try:
            await self._stop()
        finally:
            self.__init__()  # type: ignore[misc]

    async def ping(self) -> None:
        await self._write(installation.touch)

    async def installation_id(self) -> str:
        return await self._read(installation.installation_id)

    # ---------------------------------------------------------------- ids

    def next_id(self) -> int:
        return self._ids.next()

    async def reserve_ids(self, count: int) -> None:
        while self._ids.left < count:
            await self._write(partial(installation.next_block, count=BLOCK), finished=self._add_ids)

    def _fetch_ids(self) -> None:
        def arrived(block: Any, error: BaseException | None, waiting: bool) -> None:
            self._ids.fetched()
            self._add_ids(block, error, waiting)

        waiter = self._waiter()
        waiter.add_done_callback(lambda done: done.cancelled() or done.exception())  # a failure is met by the next call
        self._submit(Write(partial(installation.next_block, count=BLOCK), waiter, finished=arrived))

    def _add_ids(self, block: Any, error: BaseException | None, waiting: bool) -> None:
        if error is None:
            self._ids.add(*block)

    # ---------------------------------------------------------------- places

    async def _place(self, place: Place) -> int:
        """The place's short number, which it gets here if it has none."""
        known = self._places.get((place.project_id, place.workspace_id))
        if known is None:
            known = await self._known_place(place)
        if known is None:
            known = await self._write(partial(installation.make_place, place=place))
            self._places[place.project_id, place.workspace_id] = known
        return known

    async def _known_place(self, place: Place) -> int | None:
        key = (place.project_id, place.workspace_id)
        known = self._places.get(key)
        if known is None and _possible(*key):
            known = await self._read(partial(installation.find_place, place))
            if known is not None:
                self._places[key] = known
        return known

    # ---------------------------------------------------------------- definitions

    async def _write_definition(
        self, work: Callable[[Transaction], Work[T]], id_of: Callable[[Any], int]
    ) -> T:
        """Heads are neither kept nor believed while a write of definitions is under way: a reader may already have
        seen what the writer has not yet been told."""
        self._definition_writes += 1

        def finished(result: Any, error: BaseException | None, waiting: bool) -> None:
            self._definition_writes -= 1
            self._definition_epoch += 1
            if error is None:
                self._heads.drop_if(lambda head: head.id == id_of(result))

        return await self._write(work, finished)

    async def create_definition(self, place: Place, kind: Kind, write: DefinitionWrite) -> Definition:
        place_id = await self._place(place)
        id_ = self.next_id()
        return await self._write(
            partial(definitions.create, id_=id_, place=place, place_id=place_id, kind=kind, write=write)
        )

    async def save_definition(self, place: Place, kind: Kind, name: str, write: DefinitionWrite) -> Definition:
        place_id = await self._known_place(place)
        if place_id is None or not _possible(name):
            raise definitions.not_found(kind, name)
        return await self._write_definition(
            partial(definitions.save, place=place, place_id=place_id, kind=kind, name=name, write=write),
            lambda saved: saved.id,
        )

    async def set_definition_status(self, place: Place, kind: Kind, name: str, status: str) -> None:
        place_id = await self._known_place(place)
        if place_id is None or not _possible(name):
            raise definitions.not_found(kind, name)
        await self._write_definition(
            partial(definitions.set_status, place_id=place_id, kind=kind, name=name, status=status), int
        )

    async def delete_definition(self, place: Place, kind: Kind, name: str) -> None:
        place_id = await self._known_place(place)
        if place_id is None or not _possible(name):
            raise definitions.not_found(kind, name)
        await self._write_definition(partial(definitions.delete, place_id=place_id, kind=kind, name=name), int)

    async def get_definition(
        self, place: Place, kind: Kind, name: str, *, version: int | None = None, submitted: bool = False
    ) -> Definition | None:
        key = (place.project_id, place.workspace_id, kind, name, version, submitted)
        return await self._definition(key, partial(self._find, place, kind, name, version, submitted))

    async def get_definition_version(self, definition_id: int, version: int) -> Definition | None:
        work = partial(definitions.find_version, definition_id, version, self._bodies)
        return await self._definition((definition_id, version), lambda: self._read(work))

    async def _find(
        self, place: Place, kind: Kind, name: str, version: int | None, submitted: bool
    ) -> Definition | None:
        place_id = await self._known_place(place)
        if place_id is None or not _possible(name):
            return None
        return await self._read(
            partial(definitions.find, place, place_id, kind, name, version, submitted, self._bodies)
        )
