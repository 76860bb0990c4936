"""The store's method about what other processes changed, on SQL."""

from __future__ import annotations

from collections.abc import Callable

from arkwright.store.base import Place
from arkwright.store.sql_parts import SqlPart


class ChangeMethods(SqlPart):
    """`arkwright.store.change_record.ChangeStore` for `SqlStore`."""

    _change_watchers: dict[int, list[Callable[[], None]]]
    """By the number of the place."""

    async def on_foreign_changes(self, place: Place, heard: Callable[[], None]) -> Callable[[], None]:
        place_id = await self._place(place)
        watchers = self._change_watchers.setdefault(place_id, [])
        watchers.append(heard)

        def end() -> None:
            watchers.remove(heard)
            if not watchers:
                self._change_watchers.pop(place_id, None)

        return end

    def _foreign_changes(self, places: frozenset[int] | None) -> None:
        """None: any place's."""
        for place_id, watchers in list(self._change_watchers.items()):
            if places is None or place_id in places:
                for heard in list(watchers):
                    heard()
