"""What every store must do about schedules, planned instances and waiting ones, as tests to inherit (`store_suite`)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from arkwright.core.events import Released, SlotGranted, StopRequested
from arkwright.core.gate import Gate, JobSlots, PreviousCycle, Upstream
from arkwright.core.gate_rules import Peer
from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeRun
from arkwright.core.slots import SlotLimits, SlotUse
from arkwright.errors import NotFound
from arkwright.store.base import Kind, Store
from arkwright.store.schedule_record import GateQuestions, PlanShare, ScheduleRow, ScheduleState, SlotCount
from arkwright.testing.store_records import (
    ENGINE,
    HERE,
    NOON,
    OTHER_ENGINE,
    MakeStore,
    advance,
    everything,
    instance,
    requested,
    running,
    write,
)

MINUTE = 60_000


async def scheduled(store: Store, name: str = "job", next_ms: int | None = NOON, **changes: Any) -> ScheduleRow:
    """A job with a running schedule that was planned up to a minute before noon."""
    job = await store.create_definition(HERE, Kind.JOB, write(name))
    row = ScheduleRow(
        **{
            "job_id": job.id,
            "place": HERE,
            "state": ScheduleState.SCHEDULING,
            "cursor_ms": NOON - MINUTE,
            "next_ms": next_ms,
            "body": {"started_by": "ada"},
            **changes,
        }
    )
    await store.set_schedule(row, job_name=name, job_status=row.state.value)
    return row


def planned(store: Store, job_id: int, at_ms: int = NOON, **changes: Any) -> Instance:
    return instance(store, job_id=job_id, plan_time_ms=at_ms, instance_type=InstanceType.NORMAL, **changes)


def share(row: ScheduleRow, *instances: Instance, cursor_ms: int = NOON, **changes: Any) -> PlanShare:
    return PlanShare(
        **{
            "job_id": row.job_id,
            "before_ms": row.cursor_ms,
            "cursor_ms": cursor_ms,
            "next_ms": cursor_ms + MINUTE,
            "instances": instances,
            **changes,
        }
    )


def gate(job_id: int, *, expires_ms: int | None = None) -> Gate:
    upstream = Upstream(job_id=job_id, job_name="up", from_ms=NOON - MINUTE, to_ms=NOON + MINUTE)
    return Gate(conditions=(upstream, PreviousCycle(), JobSlots(limit=5)), expires_ms=expires_ms)


class ScheduleSuite:
    # ---------------------------------------------------------------- schedules

    async def test_a_schedule_is_kept_with_the_state_of_its_job(self, store: Store) -> None:
        row = await scheduled(store)
        assert await store.get_schedules([row.job_id, 1]) == [row]
        found = await store.get_definition(HERE, Kind.JOB, "job")
        assert found is not None
        assert found.status == "SCHEDULING"
        with pytest.raises(NotFound):
            await store.set_schedule(row, job_name="nobody", job_status="STOPPED")

    async def test_what_is_due_comes_by_its_time(self, store: Store) -> None:
        late = await scheduled(store, "late", NOON + MINUTE)
        soon = await scheduled(store, "soon", NOON)
        await scheduled(store, "never", None)
        assert await store.next_due() == NOON
        assert await store.due_schedules(after_ms=0, until_ms=NOON - 1, limit=10) == []
        assert await store.due_schedules(after_ms=0, until_ms=NOON + MINUTE, limit=10) == [soon, late]
        assert await store.due_schedules(after_ms=NOON, until_ms=NOON + MINUTE, limit=10) == [late]
        assert await store.due_schedules(after_ms=0, until_ms=NOON + MINUTE, limit=1) == [soon]
        assert await store.count_due(until_ms=NOON) == (1, NOON)
        assert await store.count_due(until_ms=NOON - 1) == (0, None)

    async def test_a_new_submitted_version_is_planned_from_then_on(self, store: Store) -> None:
        row = await scheduled(store, next_ms=NOON + MINUTE)
        heard: list[int] = []
        store.on_schedules(lambda: heard.append(1))
        await store.save_definition(HERE, Kind.JOB, "job", write(submit=False, at_ms=NOON + 5))
        assert await store.get_schedules([row.job_id]) == [row]
        await store.save_definition(HERE, Kind.JOB, "job", write(at_ms=NOON + 5))
        [again] = await store.get_schedules([row.job_id])
        assert (again.cursor_ms, again.next_ms) == (NOON + 5, NOON + 5)
        await store.ping()
        assert heard
        # What is overdue was due by the version before.
        await store.save_definition(HERE, Kind.JOB, "job", write(at_ms=NOON + 9))
        assert await store.get_schedules([row.job_id]) == [again]

    async def test_a_deleted_job_has_no_schedule(self, store: Store) -> None:
        row = await scheduled(store)
        await store.delete_definition(HERE, Kind.JOB, "job")
        assert await store.get_schedules([row.job_id]) == []

    async def test_submitted_versions_are_found_by_id(self, store: Store) -> None:
        row = await scheduled(store)
        saved = await store.create_definition(HERE, Kind.JOB, write("saved", submit=False))
        await store.save_definition(HERE, Kind.JOB, "job", write(body={"v": 2}))
        await store.save_definition(HERE, Kind.JOB, "job", write(body={"v": 3}, submit=False))
        [found] = await store.submitted_of([row.job_id, saved.id, 1])
        assert (found.id, found.version, found.body, found.place) == (row.job_id, 2, {"v": 2}, HERE)

    # ---------------------------------------------------------------- planning

    async def test_planning_makes_the_instances_and_moves_the_cursors(
        self, store: Store, make_store: MakeStore
    ) -> None:
        one, two = await scheduled(store, "one"), await scheduled(store, "two")
        first, second = planned(store, one.job_id), planned(store, two.job_id)
        assert await store.plan([share(two, second), share(one, first)], owner=ENGINE) == {first.id, second.id}
        assert await store.load_instance(first.id) == first
        assert await store.owner_of(second.id) == ENGINE
        assert (await store.list_instances(everything())).total == 2
        moved = await store.get_schedules([one.job_id, two.job_id])
        assert {(row.cursor_ms, row.next_ms) for row in moved} == {(NOON, NOON + MINUTE)}
        # Not answered to this process, which made them; to the next one they are.
        assert await store.claim_instances(ENGINE, limit=10) == []
        await store.close()
        again = make_store()
        await again.open()
        assert await again.claim_instances(ENGINE, limit=10) == sorted([first.id, second.id])
        await again.close()

    async def test_of_two_that_plan_the_same_one_makes_nothing(self, store: Store) -> None:
        row = await scheduled(store)
        answers = await asyncio.gather(
            store.plan([share(row, planned(store, row.job_id))], owner=ENGINE),
            store.plan([share(row, planned(store, row.job_id))], owner=OTHER_ENGINE),
        )
        assert sorted(map(len, answers)) == [0, 1]
        assert (await store.list_instances(everything())).total == 1

    async def test_a_plan_time_is_made_once_for_ever(self, store: Store) -> None:
        row = await scheduled(store)
        assert await store.plan([share(row, planned(store, row.job_id))], owner=ENGINE)
        await store.set_schedule(row, job_name="job", job_status="SCHEDULING")  # started again
        other = planned(store, row.job_id, NOON + MINUTE)
        made = await store.plan([share(row, planned(store, row.job_id), other)], owner=ENGINE)
        assert made == {other.id}

    async def test_a_schedule_that_is_not_scheduling_plans_nothing(self, store: Store) -> None:
        row = await scheduled(store, state=ScheduleState.PAUSED)
        assert await store.plan([share(row, planned(store, row.job_id))], owner=ENGINE) == frozenset()

    # ---------------------------------------------------------------- gates

    async def test_who_watches_a_job_is_found_until_it_waits_no_more(self, store: Store) -> None:
        row, up = await scheduled(store), await scheduled(store, "up")
        waiting = planned(store, row.job_id, gate=gate(up.job_id, expires_ms=NOON + 9))
        free = planned(store, up.job_id, gate=Gate(open=True))
        await store.plan([share(row, waiting), share(up, free)], owner=ENGINE)
        for job_id in (row.job_id, up.job_id):
            assert await store.watching([job_id], after=0, limit=10) == [waiting]
        assert await store.watching(None, after=0, limit=10) == [waiting]
        assert await store.watching(None, after=waiting.id, limit=10) == []
        assert await store.watched_jobs() == {row.job_id, up.job_id}
        assert await store.next_expiry(after_ms=NOON) == NOON + 9
        assert await store.expiring(until_ms=NOON + 9, limit=10) == [waiting]
        assert await store.expiring(until_ms=NOON + 8, limit=10) == []

        open_gate = Gate(conditions=gate(up.job_id).conditions, open=True)
        begun = running(waiting, NodeRun(index=0, name="a"), gate=open_gate)
        assert await advance(store, waiting, begun, requested(waiting), Released(at_ms=NOON))
        assert await store.watching(None, after=0, limit=10) == []
        assert await store.watched_jobs() == frozenset()
        assert await store.next_expiry(after_ms=0) is None

    async def test_what_gates_ask_is_answered_by_plan_time(self, store: Store) -> None:
        row, up = await scheduled(store), await scheduled(store, "up")
        ups = [planned(store, up.job_id, NOON + i * MINUTE) for i in range(3)]
        mine = planned(store, row.job_id, gate=gate(up.job_id))
        await store.plan([share(up, *ups, cursor_ms=NOON + 2 * MINUTE), share(row, mine)], owner=ENGINE)
        await advance(store, ups[0], running(ups[0], status=InstanceStatus.SUCCESS), requested(ups[0]))
        window = (up.job_id, NOON, NOON + 2 * MINUTE)
        found = await store.answer_gates(
            GateQuestions(
                windows=frozenset({window}),
                before=frozenset({(up.job_id, NOON + MINUTE), (up.job_id, NOON)}),
                newest=frozenset({up.job_id, row.job_id}),
                jobs=frozenset({row.job_id, up.job_id}),
                schedules=frozenset({up.job_id, 1}),
            )
        )

        def peer(of: Instance, status: InstanceStatus = InstanceStatus.WAITING) -> Peer:
            return Peer(instance_id=of.id, plan_time_ms=of.plan_time_ms, status=status)

        assert found.windows == {window: [peer(ups[0], InstanceStatus.SUCCESS), peer(ups[1])]}
        assert found.before == {(up.job_id, NOON + MINUTE): peer(ups[0], InstanceStatus.SUCCESS)}
        assert found.newest == {up.job_id: peer(ups[2]), row.job_id: peer(mine)}
        # Those without a gate are about to run: they count as running.
        about_to_run = [peer(each, InstanceStatus.RUNNING) for each in ups[1:]]
        assert found.jobs == {row.job_id: [peer(mine)], up.job_id: about_to_run}
        assert found.schedules == {up.job_id: (ScheduleState.SCHEDULING, NOON + 3 * MINUTE)}
        assert await store.planned_instances(up.job_id, from_ms=NOON + MINUTE, to_ms=2**50, limit=1) == [ups[1]]

    async def test_it_is_told_of_which_jobs_planned_instances_changed(self, store: Store) -> None:
        row = await scheduled(store)
        heard: list[frozenset[int] | None] = []
        store.on_planned(heard.append)
        new = planned(store, row.job_id, gate=gate(1))
        await store.plan([share(row, new)], owner=ENGINE)
        assert heard == [frozenset({row.job_id})]
        by_hand = instance(store, job_id=99)
        await store.create_instance(by_hand, owner=ENGINE)
        await advance(store, by_hand, running(by_hand), requested(by_hand))
        assert len(heard) == 1
        ended = running(new, status=InstanceStatus.FAIL)
        await advance(store, new, ended, requested(new))
        assert heard[1:] == [frozenset({row.job_id})]

    # ---------------------------------------------------------------- slots

    async def test_slots_are_taken_and_given_back_with_the_node_runs(self, store: Store) -> None:
        heard: list[int] = []
        store.on_slots(lambda: heard.append(1))
        before: list[Instance] = []
        for number in range(3):
            new = instance(store)
            await store.create_instance(new, owner=ENGINE)
            use = SlotUse(group="g", priority=number, since_ms=NOON)
            queued = running(new, NodeRun(index=0, name="a"), NodeRun(index=1, name="b", slot=use))
            assert await advance(store, new, queued, requested(new))
            before.append(queued)
        assert heard
        assert await store.places_with_queues() == [HERE]
        limits = SlotLimits(groups={"g": 2})
        assert await store.grant_slots(HERE, limits, now_ms=NOON) == 2
        assert await store.grant_slots(HERE, limits, now_ms=NOON) == 0
        assert await store.slot_holders(HERE, "g", limit=9) == [(each.id, 1) for each in before[:2]]
        assert await store.count_slots(HERE) == [SlotCount(group="g", held=2, waiting=1)]
        told = {each.instance_id: each.event for each in await store.posted(ENGINE)}
        assert told == {each.id: SlotGranted(at_ms=NOON, node=1, since_ms=NOON) for each in before[:2]}

        first = before[0]
        held = SlotUse(group="g", since_ms=NOON, held=True)
        holding = running(first, first.nodes[0], NodeRun(index=1, name="b", slot=held))
        assert await advance(store, first, holding, told[first.id])
        assert await store.grant_slots(HERE, limits, now_ms=NOON) == 0
        ended = running(holding, NodeRun(index=0, name="a"), NodeRun(index=1, name="b"), status=InstanceStatus.SUCCESS)
        assert await advance(store, holding, ended, StopRequested(at_ms=NOON, operation_id="o", by="ada"))
        assert await store.grant_slots(HERE, limits, now_ms=NOON) == 1
        assert await store.places_with_queues() == []
        assert await store.slot_holders(HERE, None, limit=9) == [(each.id, 1) for each in before[1:]]
        assert await store.leaked_slots() == 0

    async def test_two_that_give_slots_at_once_give_each_once(self, store: Store) -> None:
        for _ in range(4):
            new = instance(store)
            await store.create_instance(new, owner=ENGINE)
            queued = running(new, NodeRun(index=0, name="a", slot=SlotUse(since_ms=NOON)))
            await advance(store, new, queued, requested(new))
        limits = SlotLimits(workspace=3)
        given = await asyncio.gather(*(store.grant_slots(HERE, limits, now_ms=NOON) for _ in range(3)))
        assert sum(given) == 3
        assert await store.count_slots(HERE) == [SlotCount(group="", held=3, waiting=1)]
