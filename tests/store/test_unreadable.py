"""A stored instance that can't be read (damaged, or of a newer version) keeps nobody from the others."""

from __future__ import annotations

import pytest
from tests.servers.database import changed
from tests.store.test_notices import run

from arkwright.core.commands import AttachChildren
from arkwright.core.control.children import Children
from arkwright.core.events import ChildEnded, Event
from arkwright.core.instance import Instance, InstanceStatus, NodeRun, NodeStatus
from arkwright.engine.children import Care
from arkwright.engine.clock import SystemClock
from arkwright.errors import ArkwrightError
from arkwright.store import encoding
from arkwright.store.base import Store
from arkwright.store.check import check
from arkwright.store.move import opened
from arkwright.testing.store_records import ENGINE, HERE, NOON, advance, everything, make, requested, running
from arkwright.testing.store_suite_children import child_of
from arkwright.testing.store_suite_schedules import MINUTE, gate, planned, scheduled, share


def damage(address: str, *broken: Instance) -> None:
    """As an enumeration's new value would look to an older program, and as a slip of the pen does."""
    for number, each in enumerate(broken):
        body = '{"id":' if number % 2 else f'{{"id":{each.id},"status":"of a newer version"}}'
        changed(address, f"UPDATE instance SET body = '{body}' WHERE id = {each.id}")


def test_a_list_comes_without_it_and_tells_once(
    address: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_told", set())  # another database's instances have the same ids

    async def work(store: Store) -> None:
        made = [await make(store, plan_time_ms=NOON + number, job_id=7 + number % 2) for number in range(6)]
        damage(address, made[1], made[2])
        for _ in range(2):
            page = await store.list_instances(everything())
            assert (page.total, [each.id for each in page.items]) == (6, [made[n].id for n in (5, 4, 3, 0)])
        damage(address, made[5])
        newest = await store.newest_instances(HERE, [7, 8], [InstanceStatus.WAITING])
        assert [each.id for each in newest] == [made[4].id]
        with pytest.raises(ArkwrightError, match="can't be read"):
            await store.get_instance(HERE, made[1].id)
        for broken in (made[1], made[2], made[5]):
            assert caplog.text.count(f"instance {broken.id} can't be read") == 1

    run(address, work)


def test_children_are_listed_without_it(address: str) -> None:
    async def work(store: Store) -> None:
        parent = await make(store)
        children = [child_of(store, parent, row) for row in range(3)]
        assert await advance(store, parent, running(parent), requested(parent), children=children)
        damage(address, children[1])
        page = await store.children_of(parent.id)
        assert (page.total, list(page.items)) == (3, [children[0], children[2]])

    run(address, work)


def test_a_row_of_a_loop_whose_child_cant_be_read_is_not_called_lost(address: str) -> None:
    """A server of a newer version may be running it, and tells its end."""

    async def work(store: Store) -> None:
        parent = await make(store)
        children = [child_of(store, parent, row) for row in range(2)]
        under_way = Children(job_name="leaf", total=2, concurrency=2, digest="", next=2)
        node = NodeRun(index=0, name="each", status=NodeStatus.RUNNING, attempt=1, children=under_way)
        after = running(parent, node)
        assert await advance(store, parent, after, requested(parent), children=children)
        told: list[tuple[int, Event]] = []
        care = Care(
            store=store, clock=SystemClock(), tell=lambda id_, event: told.append((id_, event)), holds=lambda id_: True
        )
        damage(address, children[1])
        await care.look(after, AttachChildren(instance_id=parent.id, node=0, attempt=1))
        assert told == []
        changed(address, f"DELETE FROM instance WHERE id = {children[1].id}")
        await care.look(after, AttachChildren(instance_id=parent.id, node=0, attempt=1))
        assert [(id_, event.row) for id_, event in told if isinstance(event, ChildEnded)] == [(parent.id, 1)]

    run(address, work)


def test_those_who_wait_behind_it_are_found(address: str) -> None:
    """Who reads them takes a page that is not full for the last one."""

    async def work(store: Store) -> None:
        row, up = await scheduled(store), await scheduled(store, "up")
        waiting = [
            planned(store, row.job_id, NOON + number * MINUTE, gate=gate(up.job_id, expires_ms=NOON + 9))
            for number in range(5)
        ]
        assert len(await store.plan([share(row, *waiting)], owner=ENGINE)) == 5
        damage(address, waiting[0], waiting[3])
        for jobs in (None, [row.job_id]):
            assert await store.watching(jobs, after=0, limit=2) == [waiting[1], waiting[2]]
            assert await store.watching(jobs, after=waiting[2].id, limit=2) == [waiting[4]]
        assert {each.id for each in await store.expiring(until_ms=NOON + 9, limit=9)} == {
            waiting[number].id for number in (1, 2, 4)
        }
        found = await store.planned_instances(row.job_id, from_ms=NOON, to_ms=2**50, limit=9)
        assert found == [waiting[1], waiting[2], waiting[4]]

    run(address, work)


def test_a_check_names_it(address: str) -> None:
    async def work(store: Store) -> None:
        made = [await make(store) for _ in range(3)]
        damage(address, made[0], made[2])
        async with opened(address) as end:
            found = {each.check: each for each in await check(end)}
        assert found["instances"].wrong == 2
        for broken in (made[0], made[2]):
            assert f"instance {broken.id}: " in " ".join(found["instances"].named)
        assert found["instances"].hint

    run(address, work)
