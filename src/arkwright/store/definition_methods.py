"""The store's methods about definitions, on SQL: each says which work of `definitions` to do.

Kept in memory: bodies, which are immutable, and, by a process that is the database's only one, heads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from arkwright.errors import InvalidInput
from arkwright.store import answers, definitions
from arkwright.store.base import Definition, DefinitionWrite, Kind, Page, Place, SavedVersion
from arkwright.store.definitions import BoundedCache
from arkwright.store.sql_parts import SqlPart, possible, with_promise
from arkwright.store.work import Transaction, Work, Write

T = TypeVar("T")

ABSENT = "absent"
"""In the cache of definitions: it was looked for, and there is none."""


class DefinitionMethods(SqlPart):
    _bodies: definitions.Bodies
    _heads: BoundedCache[tuple[Any, ...], Definition | str]
    _definition_writes: int
    _definition_epoch: int

    async def _change_definition(self, work: Callable[[Transaction], Work[T]]) -> T:
        """Heads are neither kept nor believed while one is being changed: a reader may already have seen what the
        writer has not yet been told. A new definition changes one too: that there was none is kept as well."""

        def finished(result: Any, error: BaseException | None, waiting: bool) -> None:
            self._definition_writes -= 1
            self._definition_epoch += 1
            self._heads.clear()

        waiter = self._waiter()
        taken = answers.take()
        self._submit(Write(with_promise(taken, work), waiter, finished=finished))
        self._definition_writes += 1
        with answers.given_back(taken):
            result: T = await waiter
        return result

    async def create_definition(self, place: Place, kind: Kind, write: DefinitionWrite) -> Definition:
        _check(write.name)
        place_id = await self._place(place)
        id_ = self.next_id()
        return await self._change_definition(
            partial(definitions.create, id_=id_, place=place, place_id=place_id, kind=kind, write=write)
        )

    async def save_definition(self, place: Place, kind: Kind, name: str, write: DefinitionWrite) -> Definition:
        place_id = await self._known_place(place)
        if place_id is None or not possible(name):
            raise definitions.not_found(kind, name)
        _check(write.name)
        return await self._change_definition(
            partial(definitions.save, place=place, place_id=place_id, kind=kind, name=name, write=write)
        )

    async def set_definition_status(self, place: Place, kind: Kind, name: str, status: str) -> None:
        place_id = await self._known_place(place)
        if place_id is None or not possible(name):
            raise definitions.not_found(kind, name)
        await self._change_definition(
            partial(definitions.set_status, place_id=place_id, kind=kind, name=name, status=status)
        )

    async def delete_definition(self, place: Place, kind: Kind, name: str) -> None:
        place_id = await self._known_place(place)
        if place_id is None or not possible(name):
            raise definitions.not_found(kind, name)
        await self._change_definition(partial(definitions.delete, place_id=place_id, kind=kind, name=name))

    async def get_definition(
        self, place: Place, kind: Kind, name: str, *, version: int | None = None, submitted: bool = False
    ) -> Definition | None:
        key = (place.project_id, place.workspace_id, kind, name, version, submitted)
        if self._definition_writes == 0 and (known := self._heads.get(key)) is not None:
            return known if isinstance(known, Definition) else None
        place_id = await self._known_place(place)
        if place_id is None or not possible(name):
            return None
        return await self._definition(
            key, partial(definitions.find, place, place_id, kind, name, version, submitted, self._bodies)
        )

    def definition_in_hand(self, place: Place, kind: Kind, name: str, *, submitted: bool = False) -> Definition | None:
        known = self._heads.get((place.project_id, place.workspace_id, kind, name, None, submitted))
        if known is None or self._definition_writes:
            raise LookupError(name)
        return known if isinstance(known, Definition) else None

    async def get_definition_version(self, definition_id: int, version: int) -> Definition | None:
        key = (definition_id, version)
        if self._definition_writes == 0 and (known := self._heads.get(key)) is not None:
            return known if isinstance(known, Definition) else None
        return await self._definition(key, partial(definitions.find_version, definition_id, version, self._bodies))

    async def _definition(self, key: tuple[Any, ...], work: Callable[[], Work[Definition | None]]) -> Definition | None:
        epoch = self._definition_epoch
        found = await self._read(work)
        unchanged = self._definition_writes == 0 and self._definition_epoch == epoch
        if self._alone and unchanged:
            body = None if found is None else self._bodies.get((found.id, found.version))
            self._heads.put(key, found or ABSENT, body[1] if body else 1000)
        return found

    async def definition_versions(self, definition_id: int, *, offset: int, limit: int) -> Sequence[SavedVersion]:
        return await self._read(partial(definitions.list_versions, definition_id, offset, limit))

    async def list_definitions(
        self,
        place: Place,
        kind: Kind,
        *,
        category: str | None = None,
        name_contains: str = "",
        offset: int = 0,
        limit: int = 10,
    ) -> Page[Definition]:
        place_id = await self._known_place(place)
        if place_id is None or not possible(name_contains, category or ""):
            return Page(total=0, items=())
        return await self._read(
            partial(definitions.list_page, place, place_id, kind, category, name_contains, offset, limit),
            snapshot=True,
        )

    async def definition_ids(self, place: Place, kind: Kind, *, name: str, precise: bool) -> Sequence[int]:
        place_id = await self._known_place(place)
        if place_id is None or not possible(name):
            return []
        return await self._read(partial(definitions.find_ids, place_id, kind, name, precise))


def _check(name: str) -> None:
    if not possible(name):
        raise InvalidInput("A name can't hold a NUL character or half of a surrogate pair.", field="name")
