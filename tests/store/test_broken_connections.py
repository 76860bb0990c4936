"""The store on PostgreSQL while connections break, at every point of what is said on them, as a server's loop sees it.

Whatever the driver makes of that: a reader never notices, a writer only if its commit was under way, and afterwards
everything works as before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from tests.store.breaking import Breaking, How

from arkwright.errors import StoreUnavailable
from arkwright.store import postgres, postgres_connection
from arkwright.store.postgres import PostgresStore
from arkwright.testing.store_records import ENGINE, LONG_MS, advance, everything, make, requested, running

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

SECONDS = 10
HASTY_SECONDS = 0.4
TRIES = 5
SOME = 41
"""Every so many points are met where not all are."""
MOST = 400
PARTS = 4
"""Waiting for silent servers takes minutes."""


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}  # as a server: its transports fail in ways of their own


@pytest.fixture
async def way(postgres_address: str) -> AsyncIterator[Breaking]:
    made = Breaking(postgres_address)
    async with made.open():
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a silent server."""
    monkeypatch.setattr(postgres_connection, "COMMAND_SECONDS", HASTY_SECONDS)
    monkeypatch.setattr(postgres_connection, "CONNECT_SECONDS", HASTY_SECONDS)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 2 * HASTY_SECONDS)
    monkeypatch.setattr(postgres, "HEARING_SECONDS", 0.2)


async def read_and_write(store: PostgresStore) -> list[str]:
    """Some of each kind of work; which of it failed, and how."""
    failed: list[str] = []
    new = None

    async def create() -> None:
        nonlocal new
        new = await make(store)

    async def step() -> None:
        if new is not None:
            await advance(store, new, running(new), requested(new))

    async def load() -> None:
        if new is not None:
            assert await store.load_instance(new.id) is not None

    work: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("write", lambda: store.register_engine(ENGINE, lease_ms=LONG_MS)),
        ("write", create),
        ("read", load),
        ("write", step),
        ("read", lambda: store.list_instances(everything())),
        ("write", lambda: store.claim_instances(ENGINE, limit=9)),
    ]
    for kind, do in work:
        try:
            async with asyncio.timeout(SECONDS):
                await do()
        except StoreUnavailable:
            failed.append(kind)
    return failed


async def hears(store: PostgresStore, speaker: asyncpg.Connection) -> None:
    """Returns when it has heard somebody else, or listens anew, when it wakes everybody."""
    woken = asyncio.Event()
    store._wakers[:] = [woken.set]
    async with asyncio.timeout(SECONDS):
        while not woken.is_set():
            await speaker.execute("NOTIFY arkwright_wake, 'another'")
            with_patience = asyncio.wait_for(woken.wait(), 0.2)
            try:
                await with_patience
            except TimeoutError:
                continue


async def meet_once(way: Breaking, store: PostgresStore, how: How, point: int) -> tuple[bool, str]:
    """Whether there is such a point, and what failed that should not have."""
    way.arm(point, how)
    failed = await read_and_write(store)
    broke = way.broke
    way.arm(0, how)
    afterwards = await read_and_write(store)
    few = len(failed) <= 2 if how is How.SILENT else failed in ([], ["write"])
    return broke, "" if few and not afterwards else f"{failed} failed, afterwards {afterwards}"


async def meet(way: Breaking, address: str, how: How, points: range) -> None:
    async with contextlib.AsyncExitStack() as open_:
        store, speaker = PostgresStore(way.address), await asyncpg.connect(address)
        open_.push_async_callback(speaker.close)
        await store.open()
        open_.push_async_callback(store.close)
        met = 0
        for point in points:
            for _ in range(TRIES):
                way.slowest = 0.0
                broke, wrong = await meet_once(way, store, how, point)
                # A machine that is as slow as whoever waits takes for silence proves nothing.
                if not wrong or how is not How.SILENT or way.slowest < HASTY_SECONDS / 2:
                    break
            assert not wrong, f"{how.name} at {point}: {wrong}; the slowest answer took {way.slowest:.2f} s"
            await hears(store, speaker)
            if not broke:
                break
            met += 1
        assert met >= 5, f"only {met} points were met"


@pytest.mark.parametrize("snapshot", [False, True])
async def test_a_server_that_goes_while_a_connection_is_idle_is_noticed_by_no_reader(
    way: Breaking, snapshot: bool
) -> None:
    """What it says then leaves the driver in a state that it can't leave, until it sees the connection closed."""
    async with contextlib.AsyncExitStack() as open_:
        store = PostgresStore(way.address)
        await store.open()
        open_.push_async_callback(store.close)
        new = await make(store)

        async def read() -> None:
            if snapshot:
                assert (await store.list_instances(everything())).total == 1
            else:
                assert await store.load_instance(new.id) is not None

        for _ in range(3):  # until its statements are known
            way.arm(0, How.IDLE)
            await read()
        way.arm(way.messages, How.IDLE)
        await read()
        assert way.broke
        await read()


@pytest.mark.parametrize("how", [how for how in How if how is not How.SILENT], ids=lambda how: how.name)
async def test_a_connection_may_break_at_some_points(way: Breaking, postgres_address: str, how: How) -> None:
    await meet(way, postgres_address, how, range(1 + list(How).index(how), MOST, SOME))


async def test_a_connection_may_go_silent_at_some_points(way: Breaking, postgres_address: str, hasty: None) -> None:
    await meet(way, postgres_address, How.SILENT, range(1, MOST, SOME))


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [how for how in How if how is not How.SILENT], ids=lambda how: how.name)
async def test_a_connection_may_break_at_every_point(way: Breaking, postgres_address: str, how: How) -> None:
    await meet(way, postgres_address, how, range(1, MOST))


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_connection_may_go_silent_at_every_point(
    way: Breaking, postgres_address: str, part: int, hasty: None
) -> None:
    await meet(way, postgres_address, How.SILENT, range(1 + part, MOST, PARTS))
