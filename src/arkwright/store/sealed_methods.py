"""The store's methods about sealed values, on SQL: each says which work of `sealed` to do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from arkwright.store import definitions, sealed
from arkwright.store.definitions import BoundedCache
from arkwright.store.sealed_record import SealedPage, SealedRow
from arkwright.store.sql_parts import SqlPart
from arkwright.store.work import SEALED, Transaction, Work

T = TypeVar("T")

_KEY, _MARK = "sealing_key", "resealing"


class SealedMethods(SqlPart):
    """`arkwright.store.sealed_record.SealedStore` for `SqlStore`."""

    _bodies: definitions.Bodies
    _heads: BoundedCache[tuple[Any, ...], Any]
    _sealing_watchers: list[Callable[[], None]]

    @abstractmethod
    async def _change_definition(self, work: Callable[[Transaction], Work[T]]) -> T: ...

    async def sealing_key(self) -> str | None:
        return await self._read(partial(sealed.value, _KEY)) or None

    async def set_sealing_key(self, key_id: str) -> None:
        await self._write(lambda transaction: sealed.set_value(transaction, _KEY, key_id, told=True))

    def on_sealing_changed(self, changed: Callable[[], None]) -> None:
        self._sealing_watchers.append(changed)

    async def sealed_rows(
        self, part: str, *, after: Sequence[Any] | None = None, limit: int = 200, unended: bool = False
    ) -> SealedPage:
        return await self._read(partial(sealed.page, part, after, limit, unended), snapshot=True)

    async def replace_sealed(self, changes: Sequence[tuple[SealedRow, str | bytes]], *, unended: bool = False) -> int:
        if any(row.table == "definition_version" for row, _ in changes) or not changes:
            replaced = await self._change_definition(lambda transaction: sealed.replace(transaction, changes, unended))
            self._bodies.clear()
            return replaced
        return await self._write(lambda transaction: sealed.replace(transaction, changes, unended))

    async def resealing_mark(self) -> str:
        return await self._read(partial(sealed.value, _MARK))

    async def set_resealing_mark(self, mark: str) -> None:
        await self._write(lambda transaction: sealed.set_value(transaction, _MARK, mark, told=False))

    def _sealing_made_known(self, channels: set[str]) -> None:
        if SEALED in channels:
            self._bodies.clear()
            self._heads.clear()
            for changed in self._sealing_watchers:
                changed()
