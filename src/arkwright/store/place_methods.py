"""The short numbers of places, since indexes have no room for two long texts; kept in memory, as they never change."""

from __future__ import annotations

import asyncio
from contextvars import Context
from functools import partial

from arkwright.store import installation
from arkwright.store.place import Place
from arkwright.store.sql_parts import SqlPart, possible


class PlaceMethods(SqlPart):
    _places: dict[tuple[str, str], int]
    _finding: dict[tuple[str, str], asyncio.Task[int]]

    async def _place(self, place: Place) -> int:
        """The place's short number, which it gets here if it has none. All who ask meanwhile wait for one answer."""
        key = (place.project_id, place.workspace_id)
        known = self._places.get(key)
        if known is not None:
            return known
        finding = self._finding.get(key)
        if finding is None:
            # Nobody's in particular: no lease that the first one writes under, and no end of it, is the others'.
            finding = self._finding[key] = asyncio.create_task(self._find_or_make(place), context=Context())
            finding.add_done_callback(lambda done: self._found(key, done))
        return await asyncio.shield(finding)

    async def _find_or_make(self, place: Place) -> int:
        known = await self._known_place(place)
        if known is None:
            known = await self._write(partial(installation.make_place, place=place))
            self._places[place.project_id, place.workspace_id] = known
        return known

    def _found(self, key: tuple[str, str], done: asyncio.Task[int]) -> None:
        if self._finding.get(key) is done:
            del self._finding[key]
        if not done.cancelled():
            done.exception()  # whoever waits has it; perhaps nobody does any more

    async def _known_place(self, place: Place) -> int | None:
        key = (place.project_id, place.workspace_id)
        known = self._places.get(key)
        if known is None and possible(*key):
            known = await self._read(partial(installation.find_place, place))
            if known is not None:
                self._places[key] = known
        return known
