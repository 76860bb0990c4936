"""The embedded store keeps the contract; what only it promises is below."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from arkwright.errors import AlreadyExists, StoreUnavailable
from arkwright.store import definitions, migration, sqlite
from arkwright.store.base import Definition, Kind
from arkwright.store.migration import Migration
from arkwright.store.open import open_store
from arkwright.store.sqlite import SqliteStore
from arkwright.store.work import Work
from arkwright.testing.store_records import ENGINE, HERE, MakeStore, everything, instance, make, write
from arkwright.testing.store_suite import StoreSuite

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    yield store
    await store.close()


class TestSqliteStore(StoreSuite):
    @pytest.fixture
    def make_store(self, path: Path) -> MakeStore:
        return lambda: open_store(path)


async def test_every_commit_is_synced(store: SqliteStore) -> None:
    writer = store._connection
    assert writer is not None
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_the_files_are_private(store: SqliteStore, path: Path) -> None:
    await make(store)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


async def test_a_read_that_began_before_a_write_is_not_kept(store: SqliteStore) -> None:
    await store.create_definition(HERE, Kind.JOB, write())
    has_read, may_go_on = threading.Event(), threading.Event()
    key = (HERE.project_id, HERE.workspace_id, Kind.JOB, "job", None, False)
    place_id = await store._place(HERE)

    def slow() -> Work[Definition | None]:
        found = yield from definitions.find(HERE, place_id, Kind.JOB, "job", None, False, store._bodies)
        has_read.set()
        may_go_on.wait()
        return found

    reading = asyncio.create_task(store._definition(key, slow))
    await asyncio.to_thread(has_read.wait)
    await store.save_definition(HERE, Kind.JOB, "job", write())
    may_go_on.set()
    old, new = await reading, await store.get_definition(HERE, Kind.JOB, "job")
    assert old is not None
    assert new is not None
    assert (old.version, new.version) == (1, 2)


async def test_reads_under_way_are_answered_before_the_close(store: SqliteStore) -> None:
    new = await make(store)
    reads = [asyncio.create_task(store.load_instance(new.id)) for _ in range(20)]
    await asyncio.sleep(0)  # now they wait for a reader
    await store.close()
    assert await asyncio.gather(*reads) == [new] * 20


CREATE_UNTIL_KILLED = """
import asyncio, sys
from arkwright.store.sqlite import SqliteStore
from arkwright.testing.store_records import ENGINE, advance, instance, promise, requested, running

async def main():
    store = SqliteStore(sys.argv[1])
    await store.open()
    async def create(task):
        count = 0
        while True:
            new = instance(store, job_id=task)
            await store.create_instance(new, owner=ENGINE, idempotency=promise(f"{task}-{count}", expires_ms=2**50))
            print("made", new.id, flush=True)
            assert await advance(store, new, running(new), requested(new))
            print("moved", new.id, flush=True)
            count += 1
            if store._ids.left < 100:
                await store.reserve_ids(1000)
    await asyncio.gather(*[create(task) for task in range(8)])

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 40, 300])
async def test_what_was_acknowledged_survives_kill_9(path: Path, lines: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", CREATE_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [child.stdout.readline().split() for _ in range(lines)]
    os.kill(child.pid, signal.SIGKILL)
    told += [line.split() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.stdout.close()
    child.wait()

    store = SqliteStore(path)
    await store.open()
    for word, id_ in told:
        found = await store.load_instance(int(id_))
        assert found is not None
        if word == "moved":
            assert found.version == 1
            assert len(await store.read_events(found.id)) == 1
    page = await store.list_instances(everything(), limit=100_000)
    assert page.total == len(page.items) >= len({id_ for _, id_ in told})
    assert store.next_id() > max(item.id for item in page.items)
    assert len(await store.claim_instances(ENGINE, limit=100_000)) == page.total
    await store.close()


async def test_a_lost_block_of_ids_is_never_handed_out_again(path: Path) -> None:
    first = SqliteStore(path)
    await first.open()
    used = {first.next_id() for _ in range(10)}
    # No close: as after a crash, the second one knows only what is on disk.
    second = SqliteStore(path)
    await second.open()
    assert used.isdisjoint(second.next_id() for _ in range(10))
    await second.close()
    await first.close()


async def test_a_backup_is_a_whole_private_store_made_while_others_write(store: SqliteStore, tmp_path: Path) -> None:
    for _ in range(50):
        await make(store)
    target = tmp_path / "copy.db"
    _, *made = await asyncio.gather(store.backup(str(target)), *[make(store) for _ in range(50)])
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(AlreadyExists, match="copy"):
        await store.backup(str(target))
    with pytest.raises(StoreUnavailable, match="missing"):
        await store.backup(str(tmp_path / "missing" / "copy.db"))
    copy = SqliteStore(target)
    await copy.open()
    page = await copy.list_instances(everything(), limit=1000)
    assert 50 <= page.total == len(page.items) <= 100
    assert await copy.installation_id() == await store.installation_id()
    await copy.close()
    assert {p.name for p in tmp_path.iterdir()} == {"copy.db", "store.db", "store.db-wal", "store.db-shm"}
    assert len(made) == 50


async def test_a_locked_file_is_refused_and_recovers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    store = SqliteStore(path)
    await store.open()
    new = await make(store)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.ping()
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.create_instance(instance(store), owner=ENGINE)
    assert await store.load_instance(new.id) == new
    other.execute("ROLLBACK")
    other.close()
    await store.ping()
    await make(store)
    assert (await store.list_instances(everything())).total == 2
    await store.close()


@pytest.mark.parametrize("broken", ["no folder", "no database"])
async def test_what_is_no_store_is_refused(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "missing" / "store.db" if broken == "no folder" else tmp_path / "store.db"
    if broken == "no database":
        path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    store = SqliteStore(path)
    with pytest.raises(StoreUnavailable, match="can't be"):
        await store.open()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.ping()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.load_instance(1)


async def test_writers_that_came_before_the_close_are_written(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await make(store)
    calls = [asyncio.create_task(make(store)) for _ in range(20)]
    await asyncio.sleep(0)  # now they wait for the disk
    await store.close()
    made = await asyncio.gather(*calls)
    await store.open()
    assert (await store.list_instances(everything())).total == len(made) + 1 == 21
    await store.close()


# ---------------------------------------------------------------- migrations

NEWEST = migration.migrations("sqlite")[-1].number
NEXT = Migration(
    NEWEST + 1, "next.sqlite.sql", "-- A comment; with a semicolon.\nCREATE TABLE next (\n    a TEXT\n);\n"
)
BROKEN = Migration(NEWEST + 2, "broken.sqlite.sql", "CREATE TABLE third (a TEXT);\n\nCREATE TABLE next (a TEXT);\n")


def schema(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return dict(rows)


async def test_the_schema_has_what_the_migrations_say(store: SqliteStore, path: Path) -> None:
    tables = {name for name, sql in schema(path).items() if sql.startswith("CREATE TABLE")}
    said = re.findall(
        r"^CREATE TABLE (\w+)", "".join(each.sql for each in migration.migrations("sqlite")), re.MULTILINE
    )
    assert tables - {"sqlite_sequence"} == {"schema_version", *said}
    assert {"instance", "event", "notice", "audit"} < tables
    assert "WHERE ended = 0" in schema(path)["instance_unended"]


async def test_a_newer_program_migrates_forward_and_keeps_the_data(path: Path) -> None:
    known = migration.migrations("sqlite")
    old = SqliteStore(path, migrations=known)
    await old.open()
    await old.create_definition(HERE, Kind.JOB, write())
    await old.close()
    for _ in range(2):  # the second time there is nothing to do
        new = SqliteStore(path, migrations=[*known, NEXT])
        await new.open()
        assert await new.get_definition(HERE, Kind.JOB, "job") is not None
        await new.close()
    assert "next" in schema(path)
    with pytest.raises(StoreUnavailable, match=f"version {NEXT.number}, .*; this program knows {known[-1].number}"):
        await old.open()


async def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    known = [*migration.migrations("sqlite"), NEXT]
    store = SqliteStore(path, migrations=known)
    await store.open()
    await store.close()
    before = schema(path)
    with pytest.raises(StoreUnavailable, match="can't be brought up to date"):
        await SqliteStore(path, migrations=[*known, BROKEN]).open()
    assert schema(path) == before


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_migrations_are_numbered_without_gaps(dialect: str) -> None:
    found = migration.migrations(dialect)
    assert [step.number for step in found] == list(range(1, len(found) + 1))


def test_both_databases_have_the_same_migrations() -> None:
    names = [[step.name.split(".")[0] for step in migration.migrations(d)] for d in ("sqlite", "postgres")]
    assert names[0] == names[1]
