"""A copy between the two databases holds every row and every value, or is not there."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from arkwright.core.instance import InstanceStatus
from arkwright.errors import AlreadyExists, ArkwrightError, IllegalState, InvalidInput
from arkwright.store import migration
from arkwright.store.base import Store
from arkwright.store.copy import copy
from arkwright.store.copy_ends import LIVING, SqliteEnd
from arkwright.store.installation import MOVED_TO
from arkwright.store.move import end, mark, move, opened, reopen
from arkwright.store.open import open_store
from arkwright.store.sqlite_work import migrate
from arkwright.testing.store_records import ENGINE, NOON, advance, everything, make, requested, running

pytestmark = pytest.mark.postgres

# What PostgreSQL's columns hold; SQLite's own types say less.
TYPES = """
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = current_schema()"""
VALUES = {
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
    "bytea": st.binary(max_size=40),
}
Columns = dict[str, dict[str, tuple[str, bool]]]


def quiet(table: str, rows: int, total: int) -> None:
    assert 0 <= rows <= total


async def columns_of(address: str) -> Columns:
    """Type and whether it may be NULL, by table and column."""
    connection = await asyncpg.connect(address)
    found: Columns = {}
    for table, column, kind, nullable in await connection.fetch(TYPES):
        found.setdefault(table, {})[column] = (kind, nullable == "YES")
    await connection.close()
    return found


async def wiped(address: str) -> None:
    connection = await asyncpg.connect(address)
    await connection.execute("DROP SCHEMA public CASCADE")
    await connection.execute("CREATE SCHEMA public")
    await connection.close()


def fill(path: Path, columns: Columns, data: st.DataObject) -> dict[str, list[tuple[Any, ...]]]:
    """Random rows into every table; what of them the keys allow."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        migrate(database, migration.migrations("sqlite"))
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        database.execute("BEGIN")
        for table in sorted(set(tables) - LIVING - {"sqlite_sequence"}, reverse=True):
            kinds = columns[table]
            row = st.tuples(*(_values(kind, nullable) for kind, nullable in kinds.values()))
            marks = ", ".join("?" * len(kinds))
            text = f"INSERT OR IGNORE INTO {table} ({', '.join(kinds)}) VALUES ({marks})"
            database.executemany(text, data.draw(st.lists(row, max_size=12), label=table))
        # Only history of instances that exist is copied.
        database.execute("UPDATE OR IGNORE event SET instance_id = (SELECT min(id) FROM instance)")
        database.execute("DELETE FROM event WHERE instance_id NOT IN (SELECT id FROM instance)")
        database.execute("DELETE FROM installation WHERE name IN (?, '')", (MOVED_TO,))
        database.execute("COMMIT")
        return contents(path)


def _values(kind: str, nullable: bool) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), VALUES[kind]) if nullable else VALUES[kind]


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
            if table not in LIVING and table not in ("sqlite_sequence", "engine")
        }


@pytest.mark.timeout(120)
def test_every_value_of_every_column_goes_there_and_back(postgres_address: str, tmp_path: Path) -> None:
    asyncio.run(empty_store(postgres_address))
    columns = asyncio.run(columns_of(postgres_address))
    there, back = tmp_path / "a.db", tmp_path / "b.db"

    @settings(
        max_examples=3,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        derandomize=True,
    )
    @given(st.data())
    def goes(data: st.DataObject) -> None:
        before = fill(there, columns, data)
        asyncio.run(round_trip())
        assert contents(back) == before

    async def round_trip() -> None:
        await wiped(postgres_address)
        back.unlink(missing_ok=True)
        await copied(str(there), postgres_address)
        await copied(postgres_address, str(back))

    goes()


async def empty_store(address: str) -> None:
    store = open_store(address)
    await store.open()
    await store.close()


async def copied(source: str, target: str, **more: Any) -> dict[str, int]:
    async with opened(source) as old, opened(target, target=True) as new:
        return {each.table: each.target.rows for each in await copy(old, new, progress=quiet, **more)}


async def filled(store: Store, count: int = 3) -> Sequence[int]:
    ids = []
    for number in range(count):
        new = await make(store, plan_time_ms=NOON + number)
        after = running(new, status=InstanceStatus.RUNNING, start_time_ms=NOON)
        assert await advance(store, new, after, requested(new))
        ids.append(new.id)
    return ids


def test_a_store_goes_on_in_the_copy_with_ids_of_its_own(postgres_address: str, tmp_path: Path) -> None:
    async def work() -> None:
        path = str(tmp_path / "a.db")
        old = open_store(path)
        await old.open()
        await old.register_engine(ENGINE, lease_ms=None)
        ids = await filled(old)
        identity = await old.installation_id()
        await old.close()
        rows = await copied(path, postgres_address, lease_until_ms=0)
        assert rows["instance"] == rows["event"] == 3
        new = open_store(postgres_address)
        await new.open()
        assert await new.installation_id() == identity
        assert (await new.list_instances(everything())).total == 3
        assert new.next_id() > max(ids)
        await new.register_engine("another", lease_ms=60_000)
        assert list(await new.claim_instances("another", limit=10)) == list(ids), "the old engine is not waited for"
        assert (await make(new)).id not in ids
        await new.close()

    asyncio.run(work())


def test_the_history_comes_into_the_parts_of_its_time(postgres_address: str, tmp_path: Path) -> None:
    async def work() -> None:
        path = str(tmp_path / "a.db")
        old = open_store(path)
        await old.open()
        await filled(old)
        await old.close()
        await copied(path, postgres_address)
        connection = await asyncpg.connect(postgres_address)
        assert await connection.fetchval("SELECT count(*) FROM event_default") == 0
        assert await connection.fetchval("SELECT count(*) FROM event") == 3
        await connection.close()

    asyncio.run(work())


def test_a_target_that_holds_something_is_refused_and_left_as_it_is(postgres_address: str, tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "a.db"
        for place in (str(path), postgres_address):
            store = open_store(place)
            await store.open()
            await filled(store, 1)
            await store.close()
        with pytest.raises(AlreadyExists, match="not empty"):
            await move(str(path), postgres_address, progress=quiet)
        with pytest.raises(AlreadyExists, match="exists already"):
            await move(postgres_address, str(path), progress=quiet)
        for place in (str(path), postgres_address):
            store = open_store(place)
            await store.open()  # neither is closed
            assert (await store.list_instances(everything())).total == 1
            await store.close()

    asyncio.run(work())


def test_a_server_at_either_end_is_told_of(postgres_address: str, tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "a.db"
        await empty_store(str(path))
        server = open_store(postgres_address)
        await server.open()
        with pytest.raises(AlreadyExists, match="in use"):
            await move(str(path), postgres_address, progress=quiet)
        with pytest.raises(AlreadyExists, match="in use"):
            await move(postgres_address, str(tmp_path / "b.db"), progress=quiet)
        await server.close()

    asyncio.run(work())


def test_a_value_that_the_target_can_not_hold_ends_the_copy_with_nothing(postgres_address: str, tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "a.db"
        await empty_store(str(path))
        with closing(sqlite3.connect(path)) as database:
            database.execute("INSERT INTO token (token_hash, body, expires_ms) VALUES (x'00', 'a' || char(0), 1)")
            database.commit()
        with pytest.raises(InvalidInput, match="token"):
            await move(str(path), postgres_address, progress=quiet)
        assert not await reopen(str(path)), "a move that failed closes nothing"
        connection = await asyncpg.connect(postgres_address)
        assert await connection.fetchval("SELECT count(*) FROM identity") == 0
        await connection.close()

    asyncio.run(work())


def test_a_move_that_was_killed_is_finished_by_the_same_command(postgres_address: str, tmp_path: Path) -> None:
    """Killed before the copy, and after it: either way both ends are the same at the end, and the source is closed."""

    async def work() -> None:
        path = str(tmp_path / "a.db")
        old = open_store(path)
        await old.open()
        await filled(old)
        await old.close()
        await mark(path, end(postgres_address).name)
        with pytest.raises(IllegalState, match="moved"):
            await empty_store(path)
        first = await move(path, postgres_address, progress=quiet)
        again = await move(path, postgres_address, progress=quiet)
        tables = {each.table: str(each.target) for each in first}
        assert all(tables[each.table] == str(each.source) == str(each.target) for each in again)
        store = open_store(postgres_address)
        await store.open()
        await filled(store, 1)
        await store.close()
        with pytest.raises(AlreadyExists, match="another one by now"):
            await move(path, postgres_address, progress=quiet)
        assert await reopen(path)
        await empty_store(path)

    asyncio.run(work())


def test_an_older_schema_is_brought_up_to_date_first(postgres_address: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        migrate(database, migration.migrations("sqlite")[:-1])
    with pytest.raises(IllegalState, match="schema version") as refused:
        asyncio.run(move(str(path), postgres_address, progress=quiet))
    assert "db upgrade" in refused.value.hint


def test_both_schemas_have_the_same_tables_and_columns(postgres_address: str, tmp_path: Path) -> None:
    async def work() -> None:
        await empty_store(str(tmp_path / "a.db"))
        await empty_store(postgres_address)
        async with opened(str(tmp_path / "a.db")) as embedded, opened(postgres_address) as shared:
            assert dict(await embedded.tables()) == dict(await shared.tables())

    asyncio.run(work())


def test_a_file_that_is_no_database_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("no database at all, whatever it is called" * 20)

    async def work() -> None:
        async with opened(str(tmp_path / "a.db")):
            pass

    with pytest.raises(ArkwrightError, match="can't be read"):
        asyncio.run(work())


def test_a_copy_reads_one_moment_while_others_write(tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "a.db"
        store = open_store(path)
        await store.open()
        await filled(store, 2)
        async with opened(str(path)) as old:
            await filled(store, 2)
            target = SqliteEnd(tmp_path / "b.db", target=True)
            await target.open()
            rows = {each.table: each.target.rows for each in await copy(old, target, progress=quiet)}
            await target.close()
        assert rows["instance"] == rows["event"] == 2
        await store.close()

    asyncio.run(work())
