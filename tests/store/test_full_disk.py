"""A disk that is full in the middle of a commit: what was acknowledged is there, what was refused is not."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from arkwright.errors import StoreUnavailable
from arkwright.store.migration import migrations
from arkwright.store.sqlite_work import migrate

ROUNDS = """
import asyncio, json, random, resource, signal, sys
from pathlib import Path
from arkwright.errors import StoreUnavailable
from arkwright.store.sqlite import SqliteStore
from arkwright.testing.store_records import ENGINE, instance

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write over the limit is then refused, as on a full disk
any_of = random.Random(5)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
made, refused = [], []

async def create(store):
    new = instance(store)
    answered = asyncio.get_running_loop().create_future()
    if any_of.random() < 0.5:
        store.create_instance_soon(new, owner=ENGINE, told=lambda accepted, error: answered.set_result(error))
        error = await answered
    else:
        error = next(iter(await asyncio.gather(store.create_instance(new, owner=ENGINE), return_exceptions=True)))
    if isinstance(error, Exception):
        assert isinstance(error, StoreUnavailable), error
        refused.append(new.id)
    else:
        made.append(new.id)

async def main(path):
    store = SqliteStore(path)
    await store.open()
    await store.create_instance(instance(store), owner=ENGINE)  # its place is known from now on
    for _ in range(5):
        size = max(path.stat().st_size, Path(f"{path}-wal").stat().st_size)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + any_of.choice([0, 100, 4096, 9000, 30000]), hard))
        for _ in range(3):
            await create_some(store)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await create_some(store)
    await store.close()
    await store.open()
    there = {each for each in made + refused if await store.load_instance(each) is not None}
    await store.close()
    print(json.dumps({"made": made, "refused": refused, "there": sorted(there)}))

async def create_some(store):
    await asyncio.gather(*[create(store) for _ in range(any_of.choice([1, 3, 70]))])

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.long
def test_a_full_disk_loses_nothing_that_was_acknowledged_and_keeps_nothing_that_was_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ROUNDS, str(tmp_path / "a.db")]
    child = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    told = json.loads(child.stdout)
    assert told["made"]
    assert told["refused"]
    assert told["there"] == sorted(told["made"])


def test_a_disk_that_is_full_at_the_first_start_is_named(tmp_path: Path) -> None:
    """SQLite ends such a transaction by itself; that there is none to roll back is not the news."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA max_page_count = 3")
        with pytest.raises(StoreUnavailable, match="database or disk is full"):
            migrate(connection, migrations("sqlite"))
