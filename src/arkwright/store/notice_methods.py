"""The store's methods about notices, on SQL: each says which work of `notices` to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from arkwright.core.alerts import Notice
from arkwright.store import notices as outbox
from arkwright.store.base import Place
from arkwright.store.notice_record import NoticeFilter, Settled, StoredNotice
from arkwright.store.sql_parts import SqlPart
from arkwright.store.work import NOTICE, RULES


class NoticeMethods(SqlPart):
    """`arkwright.store.notice_record.Outbox` for `SqlStore`."""

    _notice_watchers: list[Callable[[], None]]
    _rules_watchers: list[Callable[[], None]]

    def _notices_made_known(self, channels: set[str]) -> None:
        for channel, watchers in ((NOTICE, self._notice_watchers), (RULES, self._rules_watchers)):
            if channel in channels:
                for watcher in watchers:
                    watcher()

    async def add_notices(self, place: Place, notices: Sequence[tuple[int, Notice]]) -> None:
        place_id = await self._place(place)
        new = [(place_id, id_, notice, notice.at_ms) for id_, notice in notices]
        await self._write(partial(outbox.add, notices=new))

    async def due_topics(self, *, now_ms: int) -> Sequence[tuple[Place, str]]:
        return await self._read(partial(outbox.due_topics, now_ms))

    async def next_notice_ms(self) -> int | None:
        return await self._read(outbox.next_ms)

    async def claim_notices(
        self, place: Place, topic: str, *, now_ms: int, lease_until_ms: int, limit: int
    ) -> Sequence[StoredNotice]:
        place_id = await self._known_place(place)
        if place_id is None:
            return []
        known = place_id
        return await self._write(
            lambda transaction: outbox.claim(transaction, known, topic, now_ms, lease_until_ms, limit)
        )

    async def settle_notices(self, place: Place, settled: Settled) -> None:
        place_id = await self._known_place(place)
        await self._write(lambda transaction: outbox.settle(transaction, settled, place_id))

    async def revive_notice(self, place: Place, notice_id: int, *, now_ms: int) -> None:
        place_id = await self._known_place(place)
        await self._write(lambda transaction: outbox.revive(transaction, place_id, notice_id, now_ms))

    async def list_notices(
        self, where: NoticeFilter, *, offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[StoredNotice]]:
        place_id = await self._known_place(where.place)
        if place_id is None or not where.states:
            return 0, []
        return await self._read(partial(outbox.list_page, place_id, where, offset, limit), snapshot=True)

    def on_notice(self, wake: Callable[[], None]) -> None:
        self._notice_watchers.append(wake)

    def on_rules_changed(self, changed: Callable[[], None]) -> None:
        self._rules_watchers.append(changed)
