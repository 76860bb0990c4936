"""What every store must do about patches, as tests to inherit (`store_suite`)."""

from __future__ import annotations

from typing import Any

import pytest

from arkwright.core.instance import Instance, InstanceStatus, InstanceType
from arkwright.errors import AlreadyExists, NotFound
from arkwright.store.base import Definition, Kind, Store
from arkwright.testing.store_records import ENGINE, HERE, NOON, THERE, advance, instance, running, write

PATCH = InstanceType.PATCH_DATA


async def patched(store: Store, name: str = "P1") -> Definition:
    made = await store.create_patch(HERE, write(name, status="WAITING"))
    assert await store.begin_patch(made)
    return made


def run(store: Store, plan_time_ms: int = NOON, **more: Any) -> Instance:
    return instance(store, instance_type=PATCH, plan_time_ms=plan_time_ms, **more)


class PatchSuite:
    """Part of `StoreSuite`."""

    async def test_a_patch_is_a_definition_that_is_not_over(self, store: Store) -> None:
        heard: list[int] = []
        store.on_schedules(lambda: heard.append(1))
        made = await store.create_patch(HERE, write("P1", status="WAITING"))
        assert await store.get_definition(HERE, Kind.PATCH_DATA, "P1") == made
        assert list(await store.open_patches()) == [made]
        with pytest.raises(AlreadyExists):
            await store.create_patch(HERE, write("P1"))
        await store.ping()
        assert heard

    async def test_a_run_of_a_patch_is_made_once(self, store: Store) -> None:
        patch = await patched(store)
        first, second = run(store), run(store, NOON + 1)
        other = await patched(store, "P2")
        assert await store.start_patch_runs(patch.id, [first, second], owner=ENGINE) == {first.id, second.id}
        again, third = run(store), run(store, NOON + 2)
        assert await store.start_patch_runs(patch.id, [again, third], owner=ENGINE) == {third.id}
        assert await store.start_patch_runs(other.id, [again], owner=ENGINE) == {again.id}
        assert await store.get_instance(HERE, first.id) is not None
        rows = sorted(await store.patch_runs(patch.id), key=lambda row: row.plan_time_ms)
        assert [(row.instance_id, row.plan_time_ms, row.status, row.place) for row in rows] == [
            (each.id, each.plan_time_ms, InstanceStatus.WAITING, HERE) for each in (first, second, third)
        ]

    async def test_nothing_is_made_for_a_patch_that_does_not_run(self, store: Store) -> None:
        patch = await store.create_patch(HERE, write("P1", status="WAITING"))
        assert await store.start_patch_runs(patch.id, [run(store)], owner=ENGINE) == frozenset()
        assert await store.begin_patch(patch)
        await store.stop_patch(HERE, "P1")
        assert not await store.begin_patch(patch)
        assert await store.start_patch_runs(patch.id, [run(store)], owner=ENGINE) == frozenset()
        found = await store.get_definition(HERE, Kind.PATCH_DATA, "P1")
        assert found is not None
        assert found.status == "CANCEL"
        assert [each.status for each in await store.open_patches()] == ["CANCEL"]
        for place, name in ((HERE, "P2"), (THERE, "P1")):
            with pytest.raises(NotFound):
                await store.stop_patch(place, name)

    async def test_the_end_of_a_patch_leaves_its_instances(self, store: Store) -> None:
        patch = await patched(store)
        made = run(store)
        await store.start_patch_runs(patch.id, [made], owner=ENGINE)
        await store.end_patch(patch, "SUCCESS")
        assert (list(await store.open_patches()), list(await store.patch_runs(patch.id))) == ([], [])
        found = await store.get_definition(HERE, Kind.PATCH_DATA, "P1")
        assert found is not None
        assert found.status == "SUCCESS"
        assert await store.get_instance(HERE, made.id) is not None

    async def test_a_changed_run_is_made_known(self, store: Store) -> None:
        heard: list[frozenset[int] | None] = []
        store.on_planned(heard.append)
        patch = await patched(store)
        made = run(store)
        await store.start_patch_runs(patch.id, [made], owner=ENGINE)
        await store.ping()
        assert any(jobs is None or made.job_id in jobs for jobs in heard)
        heard.clear()
        await advance(store, made, running(made))
        await store.ping()
        assert any(jobs is None or made.job_id in jobs for jobs in heard)
        [row] = await store.patch_runs(patch.id)
        assert row.status is InstanceStatus.RUNNING
