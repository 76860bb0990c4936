"""What every store must do for servers that share it, as tests to inherit: leases, fences, sharing, handing over."""

from __future__ import annotations

import asyncio

import pytest

from arkwright.core.events import Released
from arkwright.core.instance import InstanceStatus
from arkwright.errors import LeaseLost, NotFound
from arkwright.store.base import AttemptRow, Store
from arkwright.store.server_record import Fence, ServerEntry
from arkwright.testing.store_records import (
    ENGINE,
    LONG_MS,
    NOON,
    OTHER_ENGINE,
    advance,
    make,
    requested,
    running,
)


def entry(name: str = ENGINE, **changes: object) -> ServerEntry:
    told = {"name": name, "roles": ("api", "engine"), "version": "1", "url": "http://a", "since_ms": NOON, **changes}
    return ServerEntry(**told)  # type: ignore[arg-type]


class ServerSuite:
    """Part of `StoreSuite`."""

    # ---------------------------------------------------------------- leases by name

    async def test_a_lease_has_one_holder_until_it_runs_out(self, store: Store) -> None:
        first = await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)
        assert first.epoch == 1
        others = await store.hold_lease("s", OTHER_ENGINE, lease_ms=LONG_MS)
        assert others.epoch is None
        assert others.left_ms is not None
        assert 0 < others.left_ms <= LONG_MS
        assert (await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)).epoch == 1
        assert (await store.hold_lease("other", OTHER_ENGINE, lease_ms=LONG_MS)).epoch == 1

    async def test_a_lease_that_was_given_back_is_free_and_counts_on(self, store: Store) -> None:
        free = asyncio.Event()
        store.on_lease_free(free.set)
        await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)
        assert (await store.hold_lease("s", OTHER_ENGINE, lease_ms=0)).epoch is None
        assert not free.is_set()
        assert (await store.hold_lease("s", ENGINE, lease_ms=0)).epoch is None
        await free.wait()
        assert (await store.hold_lease("s", OTHER_ENGINE, lease_ms=LONG_MS)).epoch == 2

    async def test_a_holder_that_let_its_lease_run_out_holds_it_anew(self, store: Store) -> None:
        await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)
        await store.hold_lease("s", ENGINE, lease_ms=0)
        assert (await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)).epoch == 2

    async def test_a_lease_without_an_end_is_taken_from_anybody(self, store: Store) -> None:
        await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)
        held = await store.hold_lease("s", OTHER_ENGINE, lease_ms=None)
        assert (held.epoch, held.left_ms) == (2, None)
        assert (await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)).epoch is None

    # ---------------------------------------------------------------- fences

    async def test_a_write_behind_a_hold_that_is_over_is_refused(self, store: Store) -> None:
        new = await make(store)
        held = await store.hold_lease("s", ENGINE, lease_ms=LONG_MS)
        assert held.epoch is not None
        lost: list[int] = []
        with store.fenced(Fence(lease="s", epoch=held.epoch, lost=lambda: lost.append(1))):
            await store.post(new.id, Released(at_ms=NOON))
            await store.hold_lease("s", OTHER_ENGINE, lease_ms=None)
            with pytest.raises(LeaseLost):
                await store.post(new.id, Released(at_ms=NOON))
            with store.fenced(None):
                await store.post(new.id, Released(at_ms=NOON + 1))
        assert lost == [1]
        assert [each.event.at_ms for each in await store.posted(ENGINE)] == [NOON, NOON + 1]

    async def test_one_refused_write_of_a_group_takes_no_other_with_it(self, store: Store) -> None:
        new = await make(store)

        async def late() -> None:
            with store.fenced(Fence(lease="s", epoch=7, lost=lambda: None)):
                await store.post(new.id, Released(at_ms=NOON))

        answers = await asyncio.gather(
            late(), store.post(new.id, Released(at_ms=NOON + 1)), late(), return_exceptions=True
        )
        assert [type(each) for each in answers] == [LeaseLost, type(None), LeaseLost]
        assert [each.event.at_ms for each in await store.posted(ENGINE)] == [NOON + 1]

    async def test_tasks_that_are_made_behind_a_fence_stay_behind_it(self, store: Store) -> None:
        new = await make(store)
        begin = asyncio.Event()

        async def work() -> None:
            await begin.wait()
            await store.post(new.id, Released(at_ms=NOON))

        with store.fenced(Fence(lease="s", epoch=7, lost=lambda: None)):
            task = asyncio.create_task(work())
        begin.set()
        with pytest.raises(LeaseLost):
            await task

    # ---------------------------------------------------------------- sharing

    async def test_engines_that_live_together_share_what_is_nobodys(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=LONG_MS)
        await store.register_engine(OTHER_ENGINE, lease_ms=LONG_MS)
        made = [(await make(store, owner=None)).id for _ in range(10)]
        assert await store.claim_instances(ENGINE, limit=100) == made[:5]
        assert await store.claim_instances(OTHER_ENGINE, limit=100) == made[5:8]
        assert await store.claim_instances(ENGINE, limit=100) == [made[8]]
        assert await store.claim_instances(ENGINE, limit=100) == [made[9]]

    async def test_an_engine_with_room_leaves_no_share_to_those_without(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=LONG_MS, room=1)
        await store.register_engine(OTHER_ENGINE, lease_ms=LONG_MS)
        made = [(await make(store, owner=None)).id for _ in range(4)]
        assert await store.claim_instances(OTHER_ENGINE, limit=100) == made[:2]
        assert await store.claim_instances(ENGINE, limit=100, has_room=True) == made[2:]

    async def test_engines_share_what_a_dead_one_left(self, store: Store) -> None:
        await store.register_engine("dead", lease_ms=0)
        await store.register_engine(ENGINE, lease_ms=LONG_MS)
        await store.register_engine(OTHER_ENGINE, lease_ms=LONG_MS)
        made = [(await make(store, owner="dead")).id for _ in range(4)]
        assert await store.claim_instances(ENGINE, limit=100) == made[:2]
        assert await store.claim_instances(OTHER_ENGINE, limit=100) == [made[2]]

    async def test_an_engine_tells_the_others_of_its_room(self, store: Store) -> None:
        told = asyncio.Event()
        store.on_room(told.set)
        await store.register_engine(ENGINE, lease_ms=LONG_MS)
        await store.register_engine("dead", lease_ms=0)
        assert (await store.neighbours(OTHER_ENGINE)).room == 0
        assert not told.is_set()
        await store.register_engine(ENGINE, lease_ms=LONG_MS, room=3)
        await told.wait()
        await store.register_engine("third", lease_ms=LONG_MS, room=2)
        await store.register_engine("fourth", lease_ms=LONG_MS, room=9, takes=False)
        await store.register_engine("dead", lease_ms=0, room=9)
        assert (await store.neighbours(OTHER_ENGINE)).room == 5
        assert (await store.neighbours(ENGINE)).room == 2
        await store.register_engine(ENGINE, lease_ms=LONG_MS)
        seen = await store.neighbours(OTHER_ENGINE)
        assert seen.room == 2
        assert seen.new_room == 2
        again = await store.neighbours(OTHER_ENGINE, since_ms=seen.at_ms)
        assert (again.room, again.new_room) == (2, 0)

    async def test_an_engine_that_takes_nothing_gets_and_counts_for_nothing(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=LONG_MS, takes=False)
        await store.register_engine(OTHER_ENGINE, lease_ms=LONG_MS)
        made = [(await make(store, owner=None)).id for _ in range(4)]
        assert await store.claim_instances(ENGINE, limit=100, takes=False) == []
        assert (await store.neighbours(OTHER_ENGINE)).engines == 0
        assert (await store.neighbours(ENGINE)).engines == 1
        assert await store.claim_instances(OTHER_ENGINE, limit=100) == made

    # ---------------------------------------------------------------- handing over

    async def test_an_instance_that_was_handed_over_is_claimed_and_begun_by_another_engine(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=LONG_MS)
        await store.register_engine(OTHER_ENGINE, lease_ms=LONG_MS)
        new = await make(store)
        begun = AttemptRow(
            instance_id=new.id, node=0, attempt=1, type="Shell", request={}, runner=ENGINE, started_ms=NOON
        )
        queued = AttemptRow(
            instance_id=new.id, node=1, attempt=1, type="Shell", request={}, runner=ENGINE, started_ms=NOON
        )
        assert await advance(store, new, running(new), requested(new), started=[begun, queued])
        woken = asyncio.Event()
        store.on_wake(woken.set)
        assert await store.hand_over(ENGINE, [(new.id, 0)]) == frozenset()
        assert not woken.is_set()
        assert await store.hand_over(ENGINE, [(new.id, 1)], [(new.id, 1, 1)]) == {new.id}
        await woken.wait()
        runners = [row.runner for row in await store.list_attempts(new.id)]
        assert runners == [ENGINE, ""]
        assert not await advance(store, running(new), running(running(new)))
        assert await store.claim_instances(OTHER_ENGINE, limit=9) == [new.id]
        assert await store.still_owned(OTHER_ENGINE, [new.id]) == {new.id: 1}
        assert await store.still_owned(ENGINE, [new.id]) == {}

    async def test_an_ended_instance_is_not_handed_over(self, store: Store) -> None:
        new = await make(store)
        assert await advance(store, new, running(new, status=InstanceStatus.SUCCESS), requested(new))
        assert await store.hand_over(ENGINE, [(new.id, 1)]) == frozenset()

    # ---------------------------------------------------------------- servers

    async def test_servers_are_listed_with_what_they_do_and_own(self, store: Store) -> None:
        changed = asyncio.Event()
        store.on_servers(changed.set)
        assert not await store.register_server(entry(), lease_ms=LONG_MS)
        await changed.wait()
        await store.register_server(entry(OTHER_ENGINE, version="2"), lease_ms=0)
        await make(store)
        first, second = await store.list_servers()
        assert (first.entry, first.alive, first.draining, first.instances) == (entry(), True, False, 1)
        assert (second.entry.version, second.alive, second.instances) == ("2", False, 0)
        changed.clear()
        await store.register_server(entry(), lease_ms=LONG_MS)
        assert not changed.is_set(), "a renewal is no news"
        await store.forget_server(ENGINE)
        await changed.wait()
        assert [each.entry.name for each in await store.list_servers()] == [OTHER_ENGINE]

    async def test_a_server_hears_that_it_is_to_be_emptied(self, store: Store) -> None:
        await store.register_server(entry(), lease_ms=None)
        changed = asyncio.Event()
        store.on_servers(changed.set)
        await store.set_draining(ENGINE, True)
        await changed.wait()
        assert await store.register_server(entry(), lease_ms=None)
        await store.set_draining(ENGINE, False)
        assert not await store.register_server(entry(), lease_ms=None)
        with pytest.raises(NotFound, match="no server 'nobody'"):
            await store.set_draining("nobody", True)

    async def test_the_first_key_stays_the_first(self, store: Store) -> None:
        assert await store.first_key(None) is None
        assert await store.first_key("a") == "a"
        assert await store.first_key("b") == "a"

    async def test_the_databases_time_is_told(self, store: Store) -> None:
        first = await store.database_ms()
        assert first > NOON - 365 * 24 * 3_600_000
        assert await store.database_ms() >= first
