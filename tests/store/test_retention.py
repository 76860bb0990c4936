"""Clearing away on both databases: whole instances in small pieces, counters right at every moment."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.store.test_notices import everything, notice, run

from arkwright.core.instance import InstanceStatus, NodeRun
from arkwright.store import partitions
from arkwright.store.audit_record import AuditFilter, AuditRecord
from arkwright.store.base import AttemptRow, Store
from arkwright.store.notice_record import NoticeState, Settled
from arkwright.store.open import open_store
from arkwright.store.partitions import months
from arkwright.store.retention_record import BEGINNING, OldInstances
from arkwright.testing.store_records import HERE, NOON, THERE, advance, make, promise, requested, running
from arkwright.testing.store_records import everything as every_instance

DAY = 86_400_000


async def ended(store: Store, at_ms: int, *, job_id: int = 7, place=HERE) -> int:
    new = await make(store, plan_time_ms=at_ms, job_id=job_id, place=place)
    attempt = AttemptRow(
        instance_id=new.id, node=0, attempt=1, type="shell", request={}, runner="engine-a", started_ms=at_ms
    )
    after = running(new, NodeRun(index=0, name="a"), status=InstanceStatus.SUCCESS, start_time_ms=at_ms)
    assert await advance(store, new, after, requested(new), started=(attempt,))
    return new.id


def test_old_ended_instances_are_found_oldest_first(address: str) -> None:
    async def work(store: Store) -> None:
        ids = [await ended(store, NOON + n, job_id=7 + n % 2) for n in range(6)]
        await make(store, plan_time_ms=NOON - 5)  # has not ended
        await ended(store, NOON, place=THERE)
        where = OldInstances(place=HERE, before_ms=NOON + 5)
        first = await store.old_instances(where, limit=3)
        assert first == [(NOON + n, ids[n]) for n in range(3)]
        rest = OldInstances(place=HERE, before_ms=NOON + 5, after=first[-1])
        assert [id_ for _, id_ in await store.old_instances(rest, limit=10)] == ids[3:5]
        of_job = OldInstances(place=HERE, before_ms=NOON + 5, job_id=8)
        assert [id_ for _, id_ in await store.old_instances(of_job, limit=10)] == [ids[1], ids[3]]
        others = OldInstances(place=HERE, before_ms=NOON + 5, except_jobs=[8, 9])
        assert [id_ for _, id_ in await store.old_instances(others, limit=10)] == [ids[0], ids[2], ids[4]]
        assert await store.attempts_of([ids[0], ids[4], 1]) == [(ids[0], 0, 1), (ids[4], 0, 1)]

    run(address, work)


def test_an_instance_goes_as_a_whole_and_the_totals_with_it(address: str) -> None:
    async def work(store: Store) -> None:
        gone = [await ended(store, NOON + n * DAY) for n in range(3)]
        kept = await ended(store, NOON + 10 * DAY)
        running_one = await make(store, plan_time_ms=NOON)
        assert await store.delete_instances([*gone, kept, running_one.id, 1], before_ms=NOON + 5 * DAY) == 3
        page = await store.list_instances(every_instance())
        assert (page.total, {each.id for each in page.items}) == (2, {kept, running_one.id})
        for id_ in gone:
            assert await store.load_instance(id_) is None
            assert await store.read_events(id_) == []
            assert await store.list_attempts(id_) == []
        assert len(await store.list_attempts(kept)) == len(await store.read_events(kept)) == 1
        assert await store.delete_instances(gone, before_ms=NOON + 5 * DAY) == 0

    run(address, work)


def test_a_list_is_right_while_instances_go(address: str) -> None:
    async def work(store: Store) -> None:
        ids = [await ended(store, NOON + n * 1000) for n in range(120)]

        async def clear() -> None:
            for n in range(0, 100, 10):
                await store.delete_instances(ids[n : n + 10], before_ms=2**53)

        clearing = asyncio.create_task(clear())
        seen: set[int] = set()
        while not clearing.done():
            page = await store.list_instances(every_instance(), limit=1000)
            assert page.total == len(page.items)
            seen.add(page.total)
        assert seen <= set(range(20, 121, 10))
        assert (await store.list_instances(every_instance(), limit=1000)).total == 20

    run(address, work)


def test_a_mark_belongs_to_its_policy(address: str) -> None:
    async def work(store: Store) -> None:
        assert await store.retention_mark("logs", "30") == BEGINNING
        await store.set_retention_mark("logs", "30", (NOON, 5))
        await store.set_retention_mark("logs", "30", (NOON, 6))
        assert await store.retention_mark("logs", "30") == (NOON, 6)
        assert await store.retention_mark("logs", "10") == BEGINNING
        assert await store.retention_mark("other", "30") == BEGINNING

    run(address, work)


def test_keys_audit_and_notices_go_in_pieces(address: str) -> None:
    async def work(store: Store) -> None:
        for n in range(5):
            await make_with_key(store, f"k{n}")
        assert await store.purge(now_ms=NOON + 2000, limit=3) == 3
        assert await store.purge(now_ms=NOON + 2000, limit=3) == 2
        assert await store.purge(now_ms=NOON + 2000, limit=3) == 0
        for n in range(4):
            await store.append_audit(audit(NOON + n))
        assert await store.purge_audit("w", before_ms=NOON + 3, limit=2) == 2
        assert await store.purge_audit("w", before_ms=NOON + 3, limit=2) == 1
        left = await store.list_audit(AuditFilter(workspace_id="w", from_ms=0, to_ms=2**53))
        assert [each.at_ms for each in left] == [NOON + 3]
        await store.add_notices(HERE, [(store.next_id(), notice(str(n), at_ms=NOON + n)) for n in range(4)])
        batch = await store.claim_notices(HERE, "ops", now_ms=NOON + 1, lease_until_ms=NOON + 9, limit=9)
        ids = [each.id for each in batch]
        done = Settled(ids=ids, tries=1, state=NoticeState.SENT, at_ms=NOON, due_ms=0)
        await store.settle_notices(HERE, done)
        assert await store.purge_notices(HERE, before_ms=NOON + 9, limit=9) == 2  # the others wait
        assert (await store.list_notices(everything()))[0] == 2

    run(address, work)


async def make_with_key(store: Store, key: str) -> None:
    from arkwright.testing.store_records import instance

    await store.create_instance(instance(store), owner="engine-a", idempotency=promise(key))


def audit(at_ms: int) -> AuditRecord:
    texts = dict.fromkeys(("project_id", "user_id", "user_name", "source", "operation", "object", "outcome"), "x")
    return AuditRecord(at_ms=at_ms, workspace_id="w", **texts)


def test_freed_pages_are_used_again_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def work(store: Store) -> None:
        ids = [await ended(store, NOON + n) for n in range(400)]
        await store.delete_instances(ids, before_ms=2**53)
        assert free_pages(path) > 20
        before = free_pages(path)
        for _ in range(3):
            await ended(store, NOON)
        assert free_pages(path) <= before
        await store.shrink(pages=5)
        assert 0 < free_pages(path) < before
        await store.shrink(pages=100_000)
        assert free_pages(path) == 0
        assert (await store.list_instances(every_instance())).total == 3

    run(str(path), work)


def free_pages(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        n: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
        return n
    finally:
        connection.close()


@pytest.mark.postgres
def test_the_history_has_a_part_for_each_month_and_loses_empty_ones(postgres_ready: str) -> None:
    import asyncpg

    async def parts() -> list[str]:
        connection = await asyncpg.connect(postgres_ready)
        rows = await connection.fetch(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'event'::regclass ORDER BY 1"
        )
        await connection.close()
        return [row[0] for row in rows]

    async def work(store: Store) -> None:
        other = open_store(postgres_ready)
        await other.open()
        await asyncio.gather(store.prepare_history(now_ms=NOON), other.prepare_history(now_ms=NOON))
        made = [name for name, _, _ in months(NOON)]
        assert await parts() == sorted([*made, "event_default"])
        old = await ended(store, NOON)
        later = NOON + 100 * DAY
        await store.prepare_history(now_ms=later)
        assert made[0] in await parts()  # an instance that is kept has its history there
        assert made[1] not in await parts()
        assert len(await other.read_events(old)) == 1
        await store.delete_instances([old], before_ms=2**53)
        await store.prepare_history(now_ms=later)
        assert await parts() == sorted([*(name for name, _, _ in months(later)), "event_default"])
        await ended(store, later)
        await other.close()

    run(postgres_ready, work)


@pytest.mark.postgres
def test_a_month_that_the_default_part_has_events_of_is_left_to_it(postgres_ready: str) -> None:
    async def work(store: Store) -> None:
        first = await ended(store, NOON)
        await store.prepare_history(now_ms=NOON)
        second = await ended(store, NOON)
        assert len(await store.read_events(first)) == len(await store.read_events(second)) == 1

    run(postgres_ready, work)


@pytest.mark.postgres
def test_an_empty_month_into_which_somebody_writes_at_its_end_stays(
    postgres_ready: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncpg

    monkeypatch.setattr(partitions, "LOCK_WAIT", "60s")  # so that the writer below has ended its wait

    async def work(store: Store) -> None:
        await store.prepare_history(now_ms=NOON)
        writer = await asyncpg.connect(postgres_ready)
        event = "INSERT INTO event (instance_id, seq, at_ms, kind, body) VALUES (1, 1, $1, '', '')"
        await writer.execute(event, NOON)
        await store.prepare_history(now_ms=NOON + 100 * DAY)
        await writer.execute("DELETE FROM event")
        writing = writer.transaction()
        await writing.start()
        await writer.execute(event, NOON)
        looker = await asyncpg.connect(postgres_ready)
        preparing = asyncio.create_task(store.prepare_history(now_ms=NOON + 100 * DAY))
        while not await looker.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"):
            await asyncio.sleep(0.01)
        await writing.commit()
        await preparing
        assert await looker.fetchval("SELECT count(*) FROM event WHERE instance_id = 1") == 1
        await asyncio.gather(writer.close(), looker.close())

    run(postgres_ready, work)


def test_months_follow_the_calendar_over_the_end_of_a_year() -> None:
    names = [name for name, _, _ in months(1_764_590_400_000)]  # 2025-12-01T12:00Z
    assert names == ["event_2025_12", "event_2026_01", "event_2026_02"]
    spans = [(low, high) for _, low, high in months(1_764_590_400_000)]
    assert [high for _, high in spans[:-1]] == [low for low, _ in spans[1:]]
    assert spans[0][0] == 1_764_547_200_000


async def retired(store: Store, event_before_ms: int | None, audit_before_ms: int | None = None) -> list[str]:
    parts = await store.old_parts(event_before_ms=event_before_ms, audit_before_ms=audit_before_ms)
    for part in parts:
        after: int | None = 0
        while after is not None:
            after = await store.retire_part(part, after=after, limit=2)
    return list(parts)


@pytest.mark.postgres
def test_a_month_goes_as_a_whole_and_what_is_kept_of_it_is_not_lost(postgres_ready: str) -> None:
    async def work(store: Store) -> None:
        await store.prepare_history(now_ms=NOON)
        gone = [await ended(store, NOON + n) for n in range(5)]
        kept = await ended(store, NOON + 7)
        running_one = await make(store, plan_time_ms=NOON)
        await advance(store, running_one, running(running_one), requested(running_one))
        assert await store.delete_instances(gone, before_ms=2**53, leave_history=True) == 5
        assert len(await store.read_events(gone[0])) == 1, "it goes with its month"
        assert await retired(store, NOON) == []
        month = months(NOON)[0]
        assert await retired(store, month[2]) == [month[0]]
        for id_ in gone:
            assert await store.read_events(id_) == []
        for id_ in (kept, running_one.id):
            assert len(await store.read_events(id_)) == 1
        # What moved goes with its instance, whichever way that goes.
        assert await store.delete_instances([kept], before_ms=2**53, leave_history=True) == 1
        assert await store.read_events(kept) == []
        assert await retired(store, month[2]) == []

    run(postgres_ready, work)


@pytest.mark.postgres
def test_two_servers_retire_a_month_together(postgres_ready: str) -> None:
    async def work(store: Store) -> None:
        other = open_store(postgres_ready)
        await other.open()
        try:
            await store.prepare_history(now_ms=NOON)
            kept = [await ended(store, NOON + n) for n in range(9)]
            end = months(NOON)[0][2]
            assert await asyncio.gather(retired(store, end), retired(other, end))
            assert await store.old_parts(event_before_ms=end, audit_before_ms=None) == []
            for id_ in kept:
                assert len(await other.read_events(id_)) == 1
        finally:
            await other.close()

    run(postgres_ready, work)


@pytest.mark.postgres
def test_history_of_before_the_parts_is_deleted_row_by_row(postgres_ready: str) -> None:
    async def work(store: Store) -> None:
        old = await ended(store, NOON)
        await store.prepare_history(now_ms=NOON)
        assert await store.delete_instances([old], before_ms=2**53, leave_history=True) == 1
        assert await store.read_events(old) == []

    run(postgres_ready, work)


@pytest.mark.postgres
def test_a_month_of_the_audit_goes_as_a_whole_and_what_was_before_the_parts_in_pieces(postgres_ready: str) -> None:
    async def left(store: Store) -> list[int]:
        found = await store.list_audit(AuditFilter(workspace_id="w", from_ms=0, to_ms=2**53))
        return sorted(each.at_ms for each in found)

    async def work(store: Store) -> None:
        await store.append_audit(audit(NOON - 60 * DAY))
        await store.prepare_history(now_ms=NOON)
        month = months(NOON)[0]
        for at_ms in (NOON, month[2] - 1, month[2]):
            await store.append_audit(audit(at_ms))
        assert await store.purge_audit("w", before_ms=month[2], limit=9) == 1, "of the default part alone"
        assert await retired(store, None, month[2] - 1) == []
        assert await left(store) == [NOON, month[2] - 1, month[2]]
        assert await retired(store, None, month[2]) == [month[0].replace("event", "audit")]
        assert await left(store) == [month[2]]

    run(postgres_ready, work)


@pytest.mark.postgres
def test_a_long_reader_holds_up_no_writer_and_the_month_goes_after_it(postgres_ready: str) -> None:
    """Such as pg_dump: it reads all tables, for hours."""
    import asyncpg

    async def work(store: Store) -> None:
        await store.prepare_history(now_ms=NOON)
        reader = await asyncpg.connect(postgres_ready)
        reading = reader.transaction()
        await reading.start()
        await reader.fetch("SELECT * FROM event")
        end = months(NOON)[0][2]
        # In one group with them, and right behind.
        beside = asyncio.gather(*(ended(store, NOON + 90 * DAY + n) for n in range(3)))
        await store.prepare_history(now_ms=NOON + 100 * DAY)
        assert await retired(store, end) == [months(NOON)[0][0]]
        assert len(await beside) == 3
        assert await store.old_parts(event_before_ms=end, audit_before_ms=None) == [months(NOON)[0][0]]
        await reading.rollback()
        await reader.close()
        await retired(store, end)
        assert await store.old_parts(event_before_ms=end, audit_before_ms=None) == []

    run(postgres_ready, work)
