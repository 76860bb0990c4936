"""Going through sealed values on both databases: every column is accounted for, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from tests.store.test_notices import run
from tests.store.test_retention import ended

from arkwright.core.identity import AccessKey
from arkwright.store.base import DefinitionWrite, IdempotencyKey, KeptAnswer, Kind, Store
from arkwright.store.open import open_store
from arkwright.store.sealed_record import COLUMNS, PARTS, SealedRow
from arkwright.testing.store_records import HERE, NOON, advance, make, requested, running

NEVER = {
    "answer": {"scope", "key", "request_digest"},
    "attempt": {"type", "runner", "worker_group"},
    "audit": {
        *("project_id", "workspace_id", "user_id", "user_name", "source", "operation"),
        *("object", "outcome", "message", "request_id"),
    },
    "definition": {"kind", "name", "name_folded", "category", "directory", "status", "created_by", "updated_by"},
    "definition_count": {"kind", "category"},
    "definition_name": {"kind", "name", "name_folded"},
    "definition_version": {"created_by"},
    "engine": {"name"},
    "event": {"kind"},
    "event_kept": {"kind"},
    "event_trigger": {"slot", "kind", "state", "owner"},
    "id_block": {"name"},
    "idempotency": {"scope", "key", "request_digest"},
    "identity": {"kind", "key"},
    "installation": {"name", "value"},
    "instance": {"status", "owner"},
    "instance_count": {"status"},
    "lease": {"name", "owner"},
    "notice": {"key", "topic", "state", "error"},
    "place": {"project_id", "workspace_id"},
    "retention_mark": {"scope", "policy"},
    "schedule": {"state"},
    "server": {"name", "body"},
    "slot": {"task_group"},
    "token": {"token_hash", "body"},
    "trigger_mark": {"object", "mark"},
    "trigger_position": {"source"},
    "worker": {"name", "body"},
    "worker_token": {"token_hash", "body"},
}
"""Columns of text or bytes that never hold a sealed value. A new column belongs here, or into `sealed_record.COLUMNS`
with the code that finds what is in it (`engine/sealed_values` and its like)."""


def test_every_column_says_whether_it_holds_sealed_values(tmp_path: Path) -> None:
    async def make_schema() -> None:
        store = open_store(str(tmp_path / "a.db"))
        await store.open()
        await store.close()

    asyncio.run(make_schema())
    unknown = []
    with sqlite3.connect(tmp_path / "a.db") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table.startswith(("sqlite_", "schema_")):
                continue
            for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})"):
                known = column in COLUMNS.get(table, ()) or column in NEVER.get(table, ())
                if kind in ("TEXT", "BLOB") and not known:
                    unknown.append(f"{table}.{column}")
    assert unknown == []


async def all_rows(store: Store, limit: int = 2, **more: Any) -> list[SealedRow]:
    found: list[SealedRow] = []
    for part in PARTS:
        after = None
        while True:
            page = await store.sealed_rows(part, after=after, limit=limit, **more)
            found += page.rows
            after = page.after
            if after is None:
                break
    return found


async def fill(store: Store) -> tuple[int, int]:
    """An instance that has ended, and one that has not."""
    for n in range(5):
        write = DefinitionWrite(
            name=f"c{n}",
            category="HOST",
            directory="/",
            body={"name": f"c{n}", "config": {"password": {"$sealed": f"AQ{n}"}, "plain": "x"}},
            submit=True,
            actor="a",
            at_ms=NOON,
        )
        await store.create_definition(HERE, Kind.CONNECTION, write)
    await store.write_identity([AccessKey(access_key="AK", sealed_secret=b"\x01sealed", user_id="u")])
    promise = IdempotencyKey(scope="s", key="k", request_digest="d", expires_ms=2**50)
    await store.keep_answer(promise, KeptAnswer(request_digest="d", status=200, sealed_body=b"\x01body"))
    over = await ended(store, NOON)
    new = await make(store, parameters={"key": "sealed:v1:AQAB:"})
    assert await advance(store, new, running(new), requested(new))
    return over, new.id


def test_all_of_them_come_whatever_the_size_of_a_piece(address: str) -> None:
    async def work(store: Store) -> None:
        await fill(store)
        for limit in (1, 2, 100):
            rows = await all_rows(store, limit)
            names = sorted({f"{row.table}.{row.column}" for row in rows})
            of_instances = ["event.body", "identity.body", "instance.body"]
            assert names == ["answer.sealed_body", "definition_version.body", *of_instances]
            assert len([row for row in rows if row.table == "definition_version"]) == 5
            assert len({(row.table, row.column, row.key) for row in rows}) == len(rows) == 9

    run(address, work)


def test_a_value_is_replaced_only_if_it_still_is_what_was_read(address: str) -> None:
    async def work(store: Store) -> None:
        await fill(store)
        rows = [row for row in await all_rows(store) if row.ended and row.table != "identity"]
        changes: list[tuple[SealedRow, str | bytes]] = [
            (row, row.value + b"!" if isinstance(row.value, bytes) else row.value.replace("AQ", "Ag")) for row in rows
        ]
        before = await store.get_definition(HERE, Kind.CONNECTION, "c1")
        assert before is not None
        assert await store.replace_sealed(changes) == len(rows)
        assert await store.replace_sealed(changes) == 0
        after = await store.get_definition(HERE, Kind.CONNECTION, "c1")
        assert after is not None
        assert after.body["config"]["password"] == {"$sealed": "Ag1"}  # and no cache says the old one
        assert after.version == before.version
        answer = await store.find_answer("s", "k", now_ms=NOON)
        assert answer is not None
        assert answer.sealed_body == b"\x01body!"

    run(address, work)


def test_an_instance_that_has_not_ended_is_left_alone_unless_nobody_has_it(address: str) -> None:
    async def work(store: Store) -> None:
        _, unended = await fill(store)
        (row,) = [each for each in await all_rows(store) if each.table == "instance"]
        assert (row.key, row.ended) == ((unended,), False)
        assert isinstance(row.value, str)
        change = (row, row.value.replace("AQAB", "AgAB"))
        assert await store.replace_sealed([change]) == 0
        again = (await store.sealed_rows("instance", unended=True)).rows
        assert row in again
        assert {each.key[0] for each in again} == {unended}
        assert await store.replace_sealed([change], unended=True) == 1
        loaded = await store.load_instance(unended)
        assert loaded is not None
        assert loaded.parameters == {"key": "sealed:v1:AgAB:"}

    run(address, work)


def test_the_key_that_seals_is_known_to_every_process_of_the_database(postgres_ready: str) -> None:
    async def work() -> None:
        one, two = open_store(postgres_ready), open_store(postgres_ready)
        await one.open()
        await two.open()
        heard = asyncio.Event()
        two.on_sealing_changed(heard.set)
        assert await one.sealing_key() is None
        await one.set_sealing_key("k1")
        async with asyncio.timeout(10):
            await heard.wait()
        assert await two.sealing_key() == "k1"
        await one.close()
        await two.close()

    asyncio.run(work())
