"""The store's methods about clearing away, on SQL: each says which work of `retention` to do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from arkwright.store import retention
from arkwright.store.base import Place
from arkwright.store.retention_record import OldInstances
from arkwright.store.sql_parts import SqlPart


class RetentionMethods(SqlPart):
    """`arkwright.store.retention_record.RetentionStore` for `SqlStore`."""

    async def old_instances(self, where: OldInstances, *, limit: int) -> Sequence[tuple[int, int]]:
        place_id = await self._known_place(where.place)
        return [] if place_id is None else await self._read(partial(retention.old, place_id, where, limit))

    async def attempts_of(self, instance_ids: Sequence[int]) -> Sequence[tuple[int, int, int]]:
        return await self._read(partial(retention.attempts, instance_ids))

    async def delete_instances(
        self, instance_ids: Sequence[int], *, before_ms: int, leave_history: bool = False
    ) -> int:
        return await self._write(lambda transaction: retention.delete(transaction, instance_ids, before_ms))

    async def retention_mark(self, scope: str, policy: str) -> tuple[int, int]:
        return await self._read(partial(retention.mark, scope, policy))

    async def set_retention_mark(self, scope: str, policy: str, at: tuple[int, int]) -> None:
        await self._write(lambda transaction: retention.set_mark(transaction, scope, policy, at))

    async def purge_notices(self, place: Place, *, before_ms: int, limit: int) -> int:
        place_id = await self._known_place(place)
        if place_id is None:
            return 0
        known = place_id
        return await self._write(lambda transaction: retention.purge_notices(transaction, known, before_ms, limit))

    async def purge_audit(self, workspace_id: str, *, before_ms: int, limit: int) -> int:
        return await self._write(lambda transaction: retention.purge_audit(transaction, workspace_id, before_ms, limit))

    async def purge(self, *, now_ms: int, limit: int = 1000) -> int:
        return await self._write(lambda transaction: retention.purge_expired(transaction, now_ms, limit))

    async def prepare_history(self, *, now_ms: int) -> None:
        return  # the history is one table

    async def old_parts(self, *, event_before_ms: int | None, audit_before_ms: int | None) -> Sequence[str]:
        return []

    async def retire_part(self, part: str, *, after: int, limit: int) -> int | None:
        return None

    async def shrink(self, *, pages: int) -> None:
        return  # the database does it by itself
