"""Group commit on both databases: whoever fails takes nobody along and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from arkwright.errors import AlreadyExists, InvalidInput
from arkwright.store.base import Kind
from arkwright.store.open import open_store
from arkwright.store.sql_store import SqlStore
from arkwright.store.work import Transaction, Work, each, one
from arkwright.testing.store_records import ENGINE, HERE, advance, everything, instance, make, running, write

pytestmark = pytest.mark.anyio

_PUT = "INSERT INTO installation (name, value) VALUES (?, ?)"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    address = str(tmp_path / "store.db")
    if request.param == "postgres":
        address = request.getfixturevalue("postgres_address")
    store = open_store(address)
    assert isinstance(store, SqlStore)
    await store.open()
    yield store
    await store.close()


async def values(store: SqlStore) -> set[str]:
    def read() -> Work[set[str]]:
        return {row[0] for row in (yield one("SELECT name FROM installation WHERE name <> 'id'"))}

    return await store._read(read)


def put(name: str, error: BaseException | None = None) -> Any:
    def work(transaction: Transaction) -> Work[str]:
        yield one(_PUT, name, "x")
        if error is not None:
            raise error
        return name

    return work


@pytest.mark.parametrize("error", [AlreadyExists("no"), ZeroDivisionError("a defect")])
async def test_what_a_failing_writer_wrote_is_undone_alone(store: SqlStore, error: Exception) -> None:
    await make(store)
    answers = await asyncio.gather(
        store._write(put("a")),
        store._write(put("b", error)),
        store._write(put("c")),
        store._write(put("a")),  # refused by the database
        store.create_instance(instance(store), owner=ENGINE),
        store.create_definition(HERE, Kind.JOB, write()),
        return_exceptions=True,
    )
    assert answers[0] == "a"
    assert isinstance(answers[1], type(error))
    assert answers[2] == "c"
    assert isinstance(answers[3], AlreadyExists)
    assert await values(store) == {"a", "c"}
    assert (await store.list_instances(everything())).total == 2
    assert (await store.list_definitions(HERE, Kind.JOB)).total == 1


async def test_a_writer_alone_fails_and_leaves_nothing(store: SqlStore) -> None:
    with pytest.raises(ZeroDivisionError):
        await store._write(put("a", ZeroDivisionError()))
    assert await values(store) == set()
    assert await store._write(put("a")) == "a"


async def test_a_value_that_no_database_holds_is_the_callers_error(store: SqlStore) -> None:
    def too_large(transaction: Transaction) -> Work[Any]:
        return (yield each("UPDATE id_block SET next = ? WHERE name = 'none' RETURNING next", [(2**70,)]))

    with pytest.raises(InvalidInput, match=r"hold a value|too large"):
        await store._write(too_large)
    with pytest.raises(InvalidInput, match=r"hold a value|too large"):
        await store.load_instance(2**70)
    await store.ping()


async def test_counters_that_come_to_nothing_leave_no_row(store: SqlStore) -> None:
    def empty() -> Work[int]:
        found: int = (yield one("SELECT count(*) FROM instance_count WHERE n = 0"))[0][0]
        return found

    new = await make(store)
    state = running(new)
    assert await advance(store, new, state)
    assert await advance(store, state, running(state, status=new.status, start_time_ms=None))
    assert await store._read(empty) == 0
