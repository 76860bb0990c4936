"""The crashing store crashes where it is told to, and stays dead."""

from __future__ import annotations

import asyncio

import pytest

from arkwright.store.open import open_store
from arkwright.testing.faulty_store import Crash, FaultyStore
from arkwright.testing.store_records import ENGINE, advance, instance, running

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash_at", [1, 2])
async def test_a_crash_comes_before_or_after_the_commit(address: str, crash_at: int, after: bool) -> None:
    faulty = FaultyStore(open_store(address), crash_at=crash_at, after=after)
    store = faulty.store()
    await store.open()
    new = instance(store)

    async def work() -> None:
        await store.create_instance(new, owner=ENGINE)
        await advance(store, new, running(new))

    with pytest.raises(Crash):
        await work()
    assert faulty.crashed.is_set()
    for call in (store.ping(), store.commit(ENGINE, []), store.create_instance(new, owner=ENGINE)):
        with pytest.raises(Crash):
            await call
    with pytest.raises(Crash):
        store.next_id()
    stored = await faulty.real.load_instance(new.id)
    durable = crash_at - (not after)
    assert (0 if stored is None else stored.version + 1) == durable
    await faulty.real.close()


async def test_without_a_crash_it_counts(address: str) -> None:
    faulty = FaultyStore(open_store(address), crash_at=0, after=True)
    await faulty.open()
    await asyncio.gather(*[faulty.create_instance(instance(faulty.store()), owner=ENGINE) for _ in range(3)])
    assert faulty.calls == 3
    await faulty.close()
