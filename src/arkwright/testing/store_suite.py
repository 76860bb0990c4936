"""What every store must do, as tests to inherit.

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def make_store(self, tmp_path):
            return lambda: MyStore(tmp_path / "store")    # not opened; the same place each time

Tests are coroutines, run by the pytest plugin that comes with anyio. None of them sleeps or reads a clock.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from arkwright.core.events import AttemptEnded, RetryDue, StopRequested
from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeRun, NodeStatus
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.errors import NotFound
from arkwright.store.base import AttemptRow, Commit, Store
from arkwright.testing.store_records import (
    ENGINE,
    HERE,
    LONG_MS,
    NOON,
    OTHER_ENGINE,
    THERE,
    MakeStore,
    advance,
    everything,
    history,
    instance,
    make,
    requested,
    running,
)
from arkwright.testing.store_suite_attempts import AttemptSuite
from arkwright.testing.store_suite_children import ChildrenSuite
from arkwright.testing.store_suite_definitions import DefinitionSuite
from arkwright.testing.store_suite_making import MakingSuite
from arkwright.testing.store_suite_patches import PatchSuite
from arkwright.testing.store_suite_schedules import ScheduleSuite
from arkwright.testing.store_suite_servers import ServerSuite
from arkwright.testing.store_suite_triggers import TriggerSuite

__all__ = ["MakeStore", "StoreSuite"]


class StoreSuite(
    MakingSuite, AttemptSuite, DefinitionSuite, ChildrenSuite, ScheduleSuite, PatchSuite, TriggerSuite, ServerSuite
):
    """Inherit, and give `make_store`."""

    # ---------------------------------------------------------------- life and ids

    async def test_a_store_keeps_its_installation_id(self, store: Store, make_store: MakeStore) -> None:
        before = await store.installation_id()
        await store.close()
        await store.open()
        assert await store.installation_id() == before != ""
        await store.ping()

    async def test_ids_are_plain_numbers_that_never_come_twice(self, store: Store, make_store: MakeStore) -> None:
        await store.reserve_ids(25_000)
        before = [store.next_id() for _ in range(25_000)]
        await store.close()
        again = make_store()
        await again.open()
        after = [again.next_id() for _ in range(100)]
        await again.close()
        assert len({*before, *after}) == 25_100
        assert all(0 < id_ < 2**53 for id_ in before + after)

    async def test_ids_go_on_while_work_is_done(self, store: Store) -> None:
        seen: set[int] = set()
        for _ in range(30):
            seen.update(store.next_id() for _ in range(1000))
            await store.ping()
        assert len(seen) == 30_000

    # ---------------------------------------------------------------- the tick

    async def test_a_commit_stores_state_and_history(self, store: Store) -> None:
        new = await make(store)
        started = running(new, NodeRun(index=0, name="a"), NodeRun(index=1, name="b", facts={"x": [1, "y"]}))
        assert await advance(store, new, started, requested(new))
        assert await store.load_instance(new.id) == started
        assert await store.get_instance(HERE, new.id) == started
        assert await store.get_instance(THERE, new.id) is None
        done = msgspec.structs.replace(started.nodes[1], status=NodeStatus.SUCCESS, end_time_ms=NOON + 9)
        ended = running(started, started.nodes[0], done, status=InstanceStatus.SUCCESS, operations=("op",))
        events = [RetryDue(at_ms=NOON + 6, node=0, attempt=1), RetryDue(at_ms=NOON + 7, node=1, attempt=1)]
        assert await advance(store, started, ended, *events)
        assert await store.load_instance(new.id) == ended
        assert await store.read_events(new.id) == [(1, requested(new)), (2, events[0]), (3, events[1])]
        assert await store.read_events(new.id, after=1, limit=1) == [(2, events[0])]

    async def test_only_node_runs_that_changed_are_written(self, store: Store) -> None:
        new = await make(store)
        stored = running(new, NodeRun(index=0, name="a"), NodeRun(index=1, name="b"))
        await advance(store, new, stored)
        never_stored = msgspec.structs.replace(stored.nodes[0], message="never stored")
        believed = msgspec.structs.replace(stored, nodes=(never_stored, stored.nodes[1]))
        after = running(believed, never_stored, msgspec.structs.replace(stored.nodes[1], message="changed"))
        assert await advance(store, believed, after)
        found = await store.load_instance(new.id)
        assert found is not None
        assert [run.message for run in found.nodes] == [None, "changed"]

    async def test_node_runs_that_a_restart_no_longer_has_are_gone(self, store: Store) -> None:
        new = await make(store)
        three = running(new, *[NodeRun(index=i, name=f"n{i}") for i in range(3)])
        await advance(store, new, three)
        two = running(three, NodeRun(index=0, name="x"), NodeRun(index=1, name="y"), job_version=2)
        assert await advance(store, three, two)
        assert await store.load_instance(new.id) == two

    async def test_a_stale_share_is_left_out_whole_and_the_others_are_written(self, store: Store) -> None:
        mine, moved, foreign = [await make(store) for _ in range(3)]
        theirs = await make(store, owner=OTHER_ENGINE)
        gone = instance(store)
        await advance(store, moved, moved_on := running(moved, NodeRun(index=0, name="first")))
        tick = [
            Commit(before=None, after=running(new, NodeRun(index=0, name="n")), events=[requested(new)])
            for new in (mine, moved, theirs, gone)
        ]
        assert sorted(await store.commit(ENGINE, tick)) == sorted([moved.id, theirs.id, gone.id])
        assert await store.load_instance(mine.id) == tick[0].after
        assert await store.load_instance(moved.id) == moved_on
        assert await store.load_instance(theirs.id) == theirs
        assert await store.load_instance(foreign.id) == foreign
        assert await history(store, mine.id) == [requested(mine)]
        assert await history(store, moved.id) == await history(store, theirs.id) == []

    async def test_of_two_commits_of_one_version_one_wins(self, store: Store) -> None:
        new = await make(store)
        afters = [running(new, NodeRun(index=0, name=f"n{i}")) for i in range(5)]
        took = await asyncio.gather(*[advance(store, new, after, requested(new)) for after in afters])
        assert took.count(True) == 1
        assert await store.load_instance(new.id) == afters[took.index(True)]
        assert len(await history(store, new.id)) == 1

    async def test_an_ended_instance_goes_to_whoever_restarts_it(self, store: Store) -> None:
        new = await make(store)
        ended = running(new, status=InstanceStatus.FAIL)
        await advance(store, new, ended)
        again = running(ended)
        assert await advance(store, ended, again, owner=OTHER_ENGINE)
        assert await store.owner_of(new.id) == OTHER_ENGINE
        assert not await advance(store, again, running(again), owner=ENGINE)
        assert not await store.claim_instances(OTHER_ENGINE, limit=10)

    async def test_an_empty_tick_is_nothing(self, store: Store) -> None:
        assert list(await store.commit(ENGINE, [])) == []

    # ---------------------------------------------------------------- attempts

    async def _with_attempts(self, store: Store, count: int = 1) -> Instance:
        new = await make(store)
        rows = [self._attempt(new.id, node) for node in range(count)]
        started = running(new, *[NodeRun(index=i, name=f"n{i}") for i in range(count)])
        assert await advance(store, new, started, requested(new), started=rows)
        return started

    def _attempt(self, instance_id: int, node: int, attempt: int = 1) -> AttemptRow:
        return AttemptRow(
            instance_id=instance_id,
            node=node,
            attempt=attempt,
            type="shell",
            request={"node": node, "properties": {"a": "b"}},
            runner="",
            started_ms=NOON,
        )

    async def test_attempts_are_started_cancelled_and_ended_by_commits(self, store: Store) -> None:
        state = await self._with_attempts(store, 3)
        assert list(await store.list_attempts(state.id)) == [self._attempt(state.id, node) for node in range(3)]
        outcomes: list[Outcome] = [Succeeded(output="0/1"), Failed(kind=FailureKind.ERROR, message="no", exit_code=3)]
        events = [AttemptEnded(at_ms=NOON + 5 + i, node=i, attempt=1, outcome=o) for i, o in enumerate(outcomes)]
        ended = [(i, 1, outcome) for i, outcome in enumerate(outcomes)]
        assert await advance(store, state, running(state), *events, ended=ended, cancelled=[(2, 1)])
        first, second, third = await store.list_attempts(state.id)
        assert (first.outcome, first.ended_ms, first.cancel_requested) == (outcomes[0], NOON + 5, False)
        assert (second.outcome, second.ended_ms) == (outcomes[1], NOON + 6)
        assert (third.outcome, third.ended_ms, third.cancel_requested) == (None, None, True)
        assert await store.get_attempt(state.id, 1, 1) == second
        assert await store.get_attempt(state.id, 1, 2) is None

    async def test_an_attempt_has_one_claim_at_a_time(self, store: Store) -> None:
        state = await self._with_attempts(store)

        async def claim(runner: str, now_ms: int, lease_until_ms: int | None = NOON + 100) -> int:
            row = await store.claim_attempt(state.id, 0, 1, runner=runner, now_ms=now_ms, lease_until_ms=lease_until_ms)
            return row.epoch if row is not None else 0

        both = await asyncio.gather(claim("r1", NOON), claim("r2", NOON))
        assert sorted(both) == [0, 1]
        winner, loser = ("r1", "r2") if both[0] else ("r2", "r1")
        assert await claim(winner, NOON + 1) == 2
        assert await store.renew_attempt(state.id, 0, 1, epoch=1, lease_until_ms=NOON + 200) is None
        renewed = await store.renew_attempt(state.id, 0, 1, epoch=2, lease_until_ms=NOON + 200)
        assert renewed is not None
        assert (renewed.runner, renewed.lease_until_ms) == (winner, NOON + 200)
        assert await claim(loser, NOON + 199) == 0
        assert await claim(loser, NOON + 200, None) == 3
        assert await store.renew_attempt(state.id, 0, 1, epoch=2, lease_until_ms=NOON + 300) is None
        assert await claim(winner, NOON + 10_000) == 0  # a claim without a lease does not run out

    async def test_an_ended_attempt_is_neither_claimed_nor_renewed(self, store: Store) -> None:
        state = await self._with_attempts(store)
        assert await store.claim_attempt(state.id, 0, 1, runner="r", now_ms=NOON, lease_until_ms=NOON + 1)
        ended = [(0, 1, Succeeded())]
        assert await advance(store, state, running(state), ended=ended)
        assert await store.renew_attempt(state.id, 0, 1, epoch=1, lease_until_ms=NOON + 9) is None
        assert await store.claim_attempt(state.id, 0, 1, runner="r", now_ms=NOON, lease_until_ms=None) is None
        assert await store.claim_attempt(state.id, 5, 1, runner="r", now_ms=NOON, lease_until_ms=None) is None

    async def test_a_renewal_tells_of_the_wish_to_stop(self, store: Store) -> None:
        state = await self._with_attempts(store)
        await store.claim_attempt(state.id, 0, 1, runner="r", now_ms=NOON, lease_until_ms=NOON + 1)
        assert await advance(store, state, running(state), cancelled=[(0, 1)])
        renewed = await store.renew_attempt(state.id, 0, 1, epoch=1, lease_until_ms=NOON + 9)
        assert renewed is not None
        assert renewed.cancel_requested

    # ---------------------------------------------------------------- ownership

    async def test_unowned_instances_are_claimed_once_and_oldest_first(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=None)
        ids = [(await make(store, owner=None)).id for _ in range(5)]
        await make(store, owner=None, status=InstanceStatus.SUCCESS)
        assert list(await store.claim_instances(ENGINE, limit=3)) == ids[:3]
        assert list(await store.claim_instances(ENGINE, limit=3)) == ids[3:]
        assert list(await store.claim_instances(ENGINE, limit=3)) == []
        assert {await store.owner_of(id_) for id_ in ids} == {ENGINE}

    async def test_a_restarted_engine_claims_what_it_owned(self, store: Store, make_store: MakeStore) -> None:
        await store.register_engine(ENGINE, lease_ms=None)
        first, second, done = [await make(store) for _ in range(3)]
        await make(store, owner=OTHER_ENGINE)
        await advance(store, second, running(second))
        await advance(store, done, running(done, status=InstanceStatus.SUCCESS))
        assert list(await store.claim_instances(ENGINE, limit=10)) == []
        await store.close()
        again = make_store()
        await again.open()
        await again.register_engine(ENGINE, lease_ms=None)
        assert list(await again.claim_instances(ENGINE, limit=10)) == [first.id, second.id]
        assert list(await again.claim_instances(ENGINE, limit=10)) == []
        await again.close()

    async def test_an_engine_whose_lease_ran_out_loses_its_instances(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=0)
        await store.register_engine(OTHER_ENGINE, lease_ms=LONG_MS)
        await store.register_engine(ENGINE, lease_ms=LONG_MS)
        new = await make(store)
        assert list(await store.claim_instances(OTHER_ENGINE, limit=9)) == []
        await store.register_engine(ENGINE, lease_ms=0)
        assert list(await store.claim_instances(OTHER_ENGINE, limit=9)) == [new.id]
        assert await store.owner_of(new.id) == OTHER_ENGINE
        assert not await advance(store, new, running(new), owner=ENGINE)
        assert await advance(store, new, running(new), owner=OTHER_ENGINE)

    async def test_an_instance_whose_creator_went_away_is_claimed(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=None)
        woken = asyncio.Event()
        store.on_wake(woken.set)
        await make(store)
        woken.clear()
        new = instance(store)
        call = asyncio.create_task(store.create_instance(new, owner=ENGINE))
        await asyncio.sleep(0)  # now it waits for the disk
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await woken.wait()
        assert list(await store.claim_instances(ENGINE, limit=9)) == [new.id]
        assert list(await store.claim_instances(ENGINE, limit=9)) == []

    async def test_an_instance_whose_creator_goes_away_as_the_answer_comes_is_claimed(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=None)
        await make(store)
        new = instance(store)
        call = asyncio.create_task(store.create_instance(new, owner=ENGINE))
        await asyncio.sleep(0)  # now it waits for the disk

        def go_away(accepted: object, error: object) -> None:
            call.cancel()

        # Of the same group, and told when the call has its answer and has not gone on yet.
        store.create_instance_soon(instance(store), owner=ENGINE, told=go_away)
        with pytest.raises(asyncio.CancelledError):
            await call
        assert list(await store.claim_instances(ENGINE, limit=9)) == [new.id]
        assert list(await store.claim_instances(ENGINE, limit=9)) == []

    # ---------------------------------------------------------------- events from others

    async def test_a_posted_event_reaches_the_owner_and_goes_with_the_commit(self, store: Store) -> None:
        woken: list[int] = []
        store.on_wake(lambda: woken.append(1))
        mine, theirs = await make(store), await make(store, owner=OTHER_ENGINE)
        assert not woken
        stops = [StopRequested(at_ms=NOON + i, operation_id=f"o{i}", by="ada") for i in range(2)]
        await store.post(mine.id, stops[0])
        await store.post(theirs.id, stops[1])
        await store.post(mine.id, stops[1])
        assert len(woken) >= 2
        posted = await store.posted(ENGINE)
        assert [(p.instance_id, p.event) for p in posted] == [(mine.id, stops[0]), (mine.id, stops[1])]
        assert await advance(store, mine, running(mine), stops[0], posted=[posted[0].id])
        assert [p.id for p in await store.posted(ENGINE)] == [posted[1].id]
        assert len(await store.posted(OTHER_ENGINE)) == 1
        with pytest.raises(NotFound):
            await store.post(1, stops[0])

    async def test_the_posted_events_of_a_stale_share_stay(self, store: Store) -> None:
        mine = await make(store)
        stop = StopRequested(at_ms=NOON, operation_id="o", by="ada")
        await store.post(mine.id, stop)
        (posted,) = await store.posted(ENGINE)
        wrong = msgspec.structs.replace(mine, version=4)
        assert not await advance(store, wrong, running(wrong), stop, posted=[posted.id])
        assert list(await store.posted(ENGINE)) == [posted]

    async def test_an_unowned_instance_wakes_the_engines(self, store: Store) -> None:
        woken = asyncio.Event()
        store.on_wake(woken.set)
        await make(store, owner=None)
        await woken.wait()

    async def test_an_event_for_an_ended_instance_finds_an_engine(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=LONG_MS)
        await store.register_engine(OTHER_ENGINE, lease_ms=LONG_MS)
        new = await make(store)
        await advance(store, new, running(new, status=InstanceStatus.FAIL))
        await store.post(new.id, StopRequested(at_ms=NOON, operation_id="o", by="ada"))
        assert list(await store.claim_instances(OTHER_ENGINE, limit=9)) == []
        await store.register_engine(ENGINE, lease_ms=0)
        assert list(await store.claim_instances(OTHER_ENGINE, limit=9)) == [new.id]
        assert len(await store.posted(OTHER_ENGINE)) == 1

    # ---------------------------------------------------------------- lists

    async def test_a_list_follows_each_change_of_an_instance(self, store: Store) -> None:
        new = await make(store, plan_time_ms=NOON)

        async def total(**query: Any) -> int:
            page = await store.list_instances(everything(**query))
            assert len(page.items) == page.total
            return page.total

        assert await total(statuses=[InstanceStatus.WAITING], from_ms=NOON, to_ms=NOON) == 1
        started = running(new, start_time_ms=NOON + 7)
        await advance(store, new, started)
        assert await total(statuses=[InstanceStatus.WAITING]) == 0
        assert await total(to_ms=NOON + 6) == 0
        assert await total(from_ms=NOON + 7, to_ms=NOON + 7, statuses=[InstanceStatus.RUNNING]) == 1
        await advance(store, started, running(started, status=InstanceStatus.SUCCESS, force_success=True))
        assert await total(force_success=True, ignore_success=False) == 1
        assert await total(force_success=False) == 0
        assert await total(job_ids=[7, 8], instance_types=[InstanceType.MANUAL]) == 1
        assert await total(job_ids=[8]) == await total(job_ids=[]) == await total(place=THERE) == 0
        assert await total(from_ms=NOON + 8) == await total(from_ms=5, to_ms=4) == 0

    async def test_a_stale_share_is_not_counted(self, store: Store) -> None:
        new = await make(store)
        assert not await advance(store, new, running(new), owner=OTHER_ENGINE)
        page = await store.list_instances(everything(statuses=[InstanceStatus.WAITING]))
        assert (page.total, [item.id for item in page.items]) == (1, [new.id])

    async def test_a_list_has_no_node_runs(self, store: Store) -> None:
        new = await make(store)
        await advance(store, new, running(new, NodeRun(index=0, name="a")))
        (item,) = (await store.list_instances(everything())).items
        assert item.nodes == ()

    async def test_the_newest_instance_of_each_job_in_a_wanted_status(self, store: Store) -> None:
        ended = (InstanceStatus.SUCCESS, InstanceStatus.FAIL)
        assert await store.newest_instances(HERE, [1, 2, 3], ended) == []
        made: dict[int, list[Instance]] = {1: [], 2: [], 3: []}
        for job_id, statuses in (
            (1, [InstanceStatus.FAIL, InstanceStatus.SUCCESS]),
            (2, [InstanceStatus.SUCCESS, InstanceStatus.MANUAL_STOP, InstanceStatus.WAITING]),
            (3, [InstanceStatus.WAITING]),
        ):
            for minute, status in enumerate(statuses):
                made[job_id].append(
                    await make(store, job_id=job_id, status=status, plan_time_ms=NOON + minute * 60_000)
                )
        found = await store.newest_instances(HERE, [3, 2, 1, 99], ended)
        assert {each.job_id: each.id for each in found} == {1: made[1][1].id, 2: made[2][0].id}
        assert await store.newest_instances(THERE, [1, 2, 3], ended) == []
        assert await store.newest_instances(HERE, [], ended) == []
