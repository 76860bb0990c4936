"""The store's methods about patches, on SQL: each says which work of `patches` to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from arkwright.core.instance import Instance
from arkwright.store import patches
from arkwright.store.base import Definition, DefinitionWrite, Kind, Place
from arkwright.store.definitions import not_found
from arkwright.store.patch_record import PatchRunRow
from arkwright.store.waiting import Unheard
from arkwright.store.work import Transaction, Work

T = TypeVar("T")


class PatchMethods(ABC):
    """`arkwright.store.patch_record.PatchStore` for `SqlStore`, which brings what is abstract here."""

    _session: int

    @abstractmethod
    async def _place(self, place: Place) -> int: ...

    @abstractmethod
    async def _known_place(self, place: Place) -> int | None: ...

    @abstractmethod
    async def _write(
        self,
        work: Callable[[Transaction], Work[T]],
        *,
        unheard: Unheard | None = None,
    ) -> T: ...

    @abstractmethod
    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T: ...

    @abstractmethod
    async def _change_definition(self, work: Callable[[Transaction], Work[T]]) -> T: ...

    @abstractmethod
    def _wake(self) -> None: ...

    @abstractmethod
    def next_id(self) -> int: ...

    async def create_patch(self, place: Place, write: DefinitionWrite) -> Definition:
        place_id = await self._place(place)
        id_ = self.next_id()
        return await self._change_definition(
            partial(patches.create, id_=id_, place=place, place_id=place_id, write=write)
        )

    async def open_patches(self) -> Sequence[Definition]:
        return await self._read(patches.all_open)

    async def patch_runs(self, definition_id: int) -> Sequence[PatchRunRow]:
        return await self._read(partial(patches.runs, definition_id))

    async def begin_patch(self, definition: Definition) -> bool:
        return await self._change_definition(lambda transaction: patches.begin(transaction, definition.id))

    async def start_patch_runs(
        self, definition_id: int, instances: Sequence[Instance], *, owner: str | None
    ) -> frozenset[int]:
        placed = [
            (await self._place(Place(project_id=each.project_id, workspace_id=each.workspace_id)), each)
            for each in instances
        ]

        def unheard(made: object) -> None:
            # As `plan` does: the engine learns of those that are not its own when it claims.
            if owner is not None:
                self._session += 1
                self._wake()

        return await self._write(
            lambda transaction: patches.start(transaction, definition_id, placed, owner, self._session),
            unheard=unheard,
        )

    async def stop_patch(self, place: Place, name: str) -> None:
        place_id = await self._known_place(place)
        if place_id is None:
            raise not_found(Kind.PATCH_DATA, name)
        await self._change_definition(lambda transaction: patches.stop(transaction, place_id, name))

    async def end_patch(self, definition: Definition, status: str) -> None:
        await self._change_definition(lambda transaction: patches.end(transaction, definition.id, status))
