"""The clearing away where tables are in parts by time: on PostgreSQL (`partitions`)."""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.store import partitions, retention
from arkwright.store.retention_methods import RetentionMethods


class PartMethods(RetentionMethods):
    async def prepare_history(self, *, now_ms: int) -> None:
        await self._write(lambda transaction: partitions.prepare(transaction, now_ms))

    async def old_parts(self, *, event_before_ms: int | None, audit_before_ms: int | None) -> Sequence[str]:
        return await self._read(lambda: partitions.old(event_before_ms, audit_before_ms))

    async def retire_part(self, part: str, *, after: int, limit: int) -> int | None:
        return await self._write(lambda transaction: partitions.retire(transaction, part, after, limit))

    async def delete_instances(
        self, instance_ids: Sequence[int], *, before_ms: int, leave_history: bool = False
    ) -> int:
        tables = ("event_default", "event_kept") if leave_history else retention.HISTORY
        return await self._write(lambda transaction: retention.delete(transaction, instance_ids, before_ms, tables))

    async def purge_audit(self, workspace_id: str, *, before_ms: int, limit: int) -> int:
        """Of the default part alone: the months are dropped as a whole."""
        return await self._write(
            lambda transaction: retention.purge_audit(transaction, workspace_id, before_ms, limit, "audit_default")
        )
