"""What every store must do about triggers, as tests to inherit (`store_suite`)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from arkwright.core.instance import InstanceStatus
from arkwright.errors import IdempotencyConflict
from arkwright.store.base import Kind, Store
from arkwright.store.trigger_record import (
    Fired,
    Firing,
    Refusal,
    Trigger,
    TriggerChange,
    TriggerKind,
    TriggerStart,
    TriggerState,
)
from arkwright.testing.store_records import (
    ENGINE,
    HERE,
    NOON,
    OTHER_ENGINE,
    THERE,
    MakeStore,
    advance,
    everything,
    instance,
    promise,
    requested,
    running,
    write,
)

SOURCE = "orders/0"


async def started(store: Store, *, slot: str = "", job_id: int = 7, **more: Any) -> Trigger:
    start = TriggerStart(**{"slot": slot, "kind": TriggerKind.KAFKA, "body": {"topic": "orders"}, **more})
    (trigger,) = await store.start_triggers(HERE, job_id, [start])
    return trigger


async def owned(store: Store, **more: Any) -> Trigger:
    trigger = await started(store, **more)
    await store.claim_triggers(ENGINE)
    found = await store.get_trigger(trigger.id)
    assert found is not None
    return found


async def fire(store: Store, trigger: Trigger, position: int | None, **more: Any) -> Fired:
    key = more.pop("idempotency", None)
    firing = Firing(
        **{
            "trigger_id": trigger.id,
            "epoch": trigger.epoch,
            "owner": ENGINE,
            "limit": 100,
            "source": SOURCE,
            "position": position,
            **more,
        }
    )
    return await store.fire_trigger(instance(store), firing, owner=ENGINE, idempotency=key)


class TriggerSuite:
    """Part of `StoreSuite`."""

    async def test_a_position_is_taken_once_and_with_its_instance(self, store: Store) -> None:
        trigger = await owned(store)
        first = await fire(store, trigger, 5)
        again = await fire(store, trigger, 5)
        older = await fire(store, trigger, 3)
        assert first.refusal is None
        assert [again.refusal, older.refusal] == [Refusal.SEEN, Refusal.SEEN]
        assert await store.open_positions(trigger.id, {SOURCE: 0, "orders/1": 9}) == {SOURCE: 6, "orders/1": 9}
        assert await store.trigger_runs(trigger.id) == [first.instance_id]
        assert first.instance_id is not None
        assert await store.load_instance(first.instance_id) is not None
        assert (await store.list_instances(everything())).total == 1

    async def test_of_two_that_take_one_position_at_once_one_does(self, store: Store) -> None:
        trigger = await owned(store)
        answers = await asyncio.gather(*(fire(store, trigger, position) for position in (1, 1, 1, 2, 2)))
        taken = [each for each in answers if each.refusal is None]
        assert len(taken) == (await store.list_instances(everything())).total
        assert len(taken) <= 2
        assert (await store.open_positions(trigger.id, {}))[SOURCE] == 3

    async def test_positions_survive_a_restart(self, store: Store, make_store: MakeStore) -> None:
        trigger = await owned(store)
        await fire(store, trigger, 8)
        await store.close()
        await store.open()
        assert await store.open_positions(trigger.id, {SOURCE: 100}) == {SOURCE: 9}

    async def test_a_version_of_an_object_is_taken_once(self, store: Store) -> None:
        trigger = await owned(store)
        await store.change_marks(trigger.id, trigger.epoch, seen={"old": "1", "away": "1"})
        assert (await fire(store, trigger, None, marks={"a": "1", "b": "1"})).refusal is None
        assert (await fire(store, trigger, None, marks={"c": "1", "b": "1"})).refusal is Refusal.SEEN
        assert (await fire(store, trigger, None, marks={"b": "2"})).refusal is None
        await store.change_marks(trigger.id, trigger.epoch, seen={}, gone=["away"])
        assert await store.get_marks(trigger.id) == {"old": "1", "a": "1", "b": "2"}

    async def test_no_more_runs_than_allowed_at_once(self, store: Store) -> None:
        trigger = await owned(store)
        first = await fire(store, trigger, 0, limit=1)
        assert (await fire(store, trigger, 1, limit=1)).refusal is Refusal.FULL
        assert first.instance_id is not None
        await store.change_triggers(TriggerChange(settled=[(trigger.id, first.instance_id)]))
        assert (await fire(store, trigger, 1, limit=1)).refusal is None

    async def test_ended_runs_that_nobody_settles_do_not_count(self, store: Store) -> None:
        trigger = await owned(store)
        first = await fire(store, trigger, None, limit=1, settled_by_end=True)
        assert (await fire(store, trigger, None, limit=1, settled_by_end=True)).refusal is Refusal.FULL
        assert first.instance_id is not None
        before = await store.load_instance(first.instance_id)
        assert before is not None
        ended = running(before, status=InstanceStatus.SUCCESS, end_time_ms=NOON + 9)
        assert await advance(store, before, ended, requested(before))
        assert (await fire(store, trigger, None, limit=1, settled_by_end=True)).refusal is None

    async def test_what_is_not_active_does_not_fire(self, store: Store) -> None:
        trigger = await owned(store)
        for state in (TriggerState.STOPPED, TriggerState.SUSPENDED, TriggerState.STOPPING, TriggerState.DISABLED):
            assert await store.change_triggers(TriggerChange(states={trigger.id: state}))
            assert (await fire(store, trigger, 1)).refusal is Refusal.INACTIVE
        again = await started(store)
        assert again.id == trigger.id
        assert (await fire(store, trigger, 1)).refusal is Refusal.INACTIVE  # of an earlier start

    async def test_an_engine_fires_only_what_it_looks_after(self, store: Store) -> None:
        trigger = await owned(store)
        assert (await fire(store, trigger, 1, owner=OTHER_ENGINE)).refusal is Refusal.NOT_OWNER
        assert (await fire(store, trigger, 1, owner=None)).refusal is None

    async def test_a_trigger_changes_hands_when_its_owners_lease_has_run_out(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=60_000)
        trigger = await started(store)
        assert [each.id for each in await store.claim_triggers(ENGINE)] == [trigger.id]
        assert await store.claim_triggers(OTHER_ENGINE) == []
        await store.register_engine(ENGINE, lease_ms=0)
        assert [each.owner for each in await store.claim_triggers(OTHER_ENGINE)] == [OTHER_ENGINE]
        assert await store.claim_triggers(ENGINE) == []

    async def test_stopped_triggers_are_looked_after_while_they_have_runs(self, store: Store) -> None:
        trigger = await owned(store)
        fired = await fire(store, trigger, 1)
        await store.change_triggers(TriggerChange(states={trigger.id: TriggerState.STOPPED}))
        assert [each.id for each in await store.claim_triggers(ENGINE)] == [trigger.id]
        assert fired.instance_id is not None
        await store.change_triggers(TriggerChange(settled=[(trigger.id, fired.instance_id)]))
        assert await store.claim_triggers(ENGINE) == []

    async def test_a_new_start_goes_on_or_forgets(self, store: Store) -> None:
        trigger = await owned(store)
        await fire(store, trigger, 4)
        await started(store)
        assert await store.open_positions(trigger.id, {SOURCE: 0}) == {SOURCE: 5}
        await started(store, fresh=True)
        assert await store.open_positions(trigger.id, {SOURCE: 77}) == {SOURCE: 77}
        newest = await store.get_trigger(trigger.id)
        assert newest is not None
        await store.move_position(trigger.id, newest.epoch, SOURCE, 3)
        await store.move_position(trigger.id, newest.epoch - 1, SOURCE, 50)
        assert await store.open_positions(trigger.id, {}) == {SOURCE: 3}

    async def test_the_jobs_state_changes_with_its_triggers(self, store: Store) -> None:
        job = await store.create_definition(HERE, Kind.JOB, write("fed", status="STOPPED"))
        start = TriggerStart(slot="", kind=TriggerKind.OBS, body={"a": 1})
        (trigger,) = await store.start_triggers(HERE, job.id, [start], job_status="SCHEDULING")
        found = await store.get_definition(HERE, Kind.JOB, "fed")
        assert found is not None
        assert found.status == "SCHEDULING"
        suspended = TriggerChange(states={trigger.id: TriggerState.SUSPENDED}, job_id=job.id, job_status="PAUSED")
        assert await store.change_triggers(suspended)
        only_active = frozenset({TriggerState.ACTIVE})
        refused = TriggerChange(
            states={trigger.id: TriggerState.ACTIVE}, only_from=only_active, job_id=job.id, job_status="SCHEDULING"
        )
        assert not await store.change_triggers(refused)
        found = await store.get_definition(HERE, Kind.JOB, "fed")
        assert found is not None
        assert found.status == "PAUSED"

    async def test_triggers_are_found_by_job_slot_and_place(self, store: Store) -> None:
        own = await started(store)
        node = await started(store, slot="node:a")
        hook = await started(store, slot="hook:1", kind=TriggerKind.WEBHOOK, job_id=8)
        assert [each.id for each in await store.list_triggers(job_id=7)] == [own.id, node.id]
        assert [each.id for each in await store.list_triggers(slot="hook:1")] == [hook.id]
        assert [each.id for each in await store.triggers_of_place(HERE, TriggerKind.WEBHOOK)] == [hook.id]
        assert await store.triggers_of_place(THERE, TriggerKind.WEBHOOK) == []
        assert [each.id for each in await store.claim_triggers(ENGINE)] == [own.id, node.id]
        await store.delete_trigger(hook.id)
        assert await store.get_trigger(hook.id) is None

    async def test_reports_and_bodies_are_kept(self, store: Store) -> None:
        trigger = await owned(store)
        await store.report_trigger(trigger.id, trigger.epoch, {"lag": 3})
        await store.report_trigger(trigger.id, trigger.epoch - 1, {"lag": 9})
        await store.change_triggers(TriggerChange(bodies={trigger.id: {"topic": "bills"}}))
        found = await store.get_trigger(trigger.id)
        assert found is not None
        assert (found.report, found.body) == ({"lag": 3}, {"topic": "bills"})

    async def test_one_idempotency_key_fires_once(self, store: Store) -> None:
        trigger = await owned(store)
        first = await fire(store, trigger, None, idempotency=promise())
        again = await fire(store, trigger, None, idempotency=promise())
        assert (again.instance_id, again.replayed) == (first.instance_id, True)
        with pytest.raises(IdempotencyConflict):
            await fire(store, trigger, None, idempotency=promise(digest="other"))
        assert await store.trigger_runs(trigger.id) == [first.instance_id]
