"""Audit records on both databases: kept over a restart, paged from the newest backwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from arkwright.store.audit_record import AuditFilter, AuditRecord
from arkwright.store.open import open_store

RECORD = AuditRecord(
    at_ms=1000,
    project_id="p",
    workspace_id="w",
    user_id="u",
    user_name="anna",
    source="10.0.0.1",
    operation="createJob",
    object="nightly",
    outcome="success",
)
ALL = AuditFilter(workspace_id="w", from_ms=0, to_ms=2000)


def test_records_survive_a_restart_and_come_newest_first(address: str) -> None:
    async def work() -> None:
        store = open_store(address)
        await store.open()
        for at in (1000, 1001, 1001, 1002):
            await store.append_audit(replace(RECORD, at_ms=at, message="nul \x00 is dropped \ud83d"))
        await store.append_audit(replace(RECORD, workspace_id="other"))
        await store.append_audit(replace(RECORD, at_ms=1500, user_name="bob", outcome="DLF.0100"))
        await store.close()
        store = open_store(address)
        await store.open()
        found = await store.list_audit(ALL)
        assert [each.at_ms for each in found] == [1500, 1002, 1001, 1001, 1000]
        assert found[1].message == "nul  is dropped ?"
        last = found[2]
        rest = await store.list_audit(replace(ALL, before=(last.at_ms, last.id)))
        assert [each.id for each in rest] == [each.id for each in found[3:]]
        assert [each.user_name for each in await store.list_audit(replace(ALL, outcome="refused"))] == ["bob"]
        assert len(await store.list_audit(replace(ALL, user_name="anna", operation="createJob"), limit=2)) == 2
        assert await store.list_audit(replace(ALL, object="\x00")) == []
        assert len(await store.list_audit(replace(ALL, from_ms=1001, to_ms=1001))) == 2
        await store.close()

    asyncio.run(work())
