"""The part of the store's suite about instances that nodes of another instance run."""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.control.children import Parent
from arkwright.core.events import ChildEnded, Event
from arkwright.core.instance import Instance, InstanceStatus, InstanceType
from arkwright.store.base import Commit, Store
from arkwright.testing.store_records import (
    ENGINE,
    NOON,
    OTHER_ENGINE,
    MakeStore,
    advance,
    everything,
    history,
    instance,
    make,
    requested,
    running,
)


def child_of(store: Store, parent: Instance, row: int, **changes: object) -> Instance:
    link = Parent(instance_id=parent.id, node=0, attempt=1, row=row)
    return instance(store, parent=link, name=f"each_{row}", instance_type=InstanceType.SUBJOB, **changes)


def end_of(child: Instance) -> ChildEnded:
    assert child.parent is not None
    return ChildEnded(
        at_ms=NOON + 9, node=0, attempt=1, row=child.parent.row, child=child.id, status=InstanceStatus.SUCCESS
    )


def share(before: Instance, *events: Event, **changes: object) -> Commit:
    """The next commit of an instance; `status` of its state, the rest of the commit."""
    status = changes.pop("status", InstanceStatus.RUNNING)
    after = running(before, status=status)
    return Commit(before=None if before.version == 0 else before, after=after, events=events, **changes)  # type: ignore[arg-type]


class ChildrenSuite:
    async def _family(self, store: Store, rows: int = 2) -> tuple[Instance, list[Instance]]:
        """A running parent and its children, just made."""
        parent = await make(store)
        children = [child_of(store, parent, row) for row in range(rows)]
        after = running(parent)
        assert await advance(store, parent, after, requested(parent), children=children)
        return after, children

    async def _posted(self, store: Store, engine: str = ENGINE) -> Sequence[tuple[int, Event]]:
        return [(each.instance_id, each.event) for each in await store.posted(engine)]

    async def test_children_are_made_with_their_parents_commit(self, store: Store) -> None:
        parent, children = await self._family(store, 3)
        assert [await store.load_instance(child.id) for child in children] == children
        assert {await store.owner_of(child.id) for child in children} == {ENGINE}
        page = await store.children_of(parent.id)
        assert (page.total, list(page.items)) == (3, children)
        listed = await store.list_instances(everything(instance_types=[6]))
        assert (listed.total, {each.id for each in listed.items}) == (3, {child.id for child in children})
        assert (await store.list_instances(everything())).total == 4

    async def test_children_are_listed_by_node_newest_attempt_and_row(self, store: Store) -> None:
        parent = await make(store)
        links = [(1, 1, 0), (0, 2, 1), (0, 1, 1), (0, 1, 0)]
        children = [
            instance(store, parent=Parent(instance_id=parent.id, node=node, attempt=attempt, row=row))
            for node, attempt, row in links
        ]
        assert await advance(store, parent, running(parent), requested(parent), children=children)
        ended = children[2]
        assert await advance(store, ended, running(ended, status=InstanceStatus.FAIL), requested(ended))

        async def rows(**where: object) -> list[tuple[int, int, int]]:
            page = await store.children_of(parent.id, **where)  # type: ignore[arg-type]
            return [(p.node, p.attempt, p.row) for each in page.items if (p := each.parent) is not None]

        assert await rows() == [(0, 2, 1), (0, 1, 0), (0, 1, 1), (1, 1, 0)]
        assert await rows(node=0) == [(0, 2, 1), (0, 1, 0), (0, 1, 1)]
        assert await rows(node=0, attempt=1) == [(0, 1, 0), (0, 1, 1)]
        assert await rows(statuses=[InstanceStatus.FAIL]) == [(0, 1, 1)]
        assert await rows(offset=1, limit=2) == [(0, 1, 0), (0, 1, 1)]
        assert (await store.children_of(parent.id, offset=1, limit=0)).total == 4
        assert (await store.children_of(children[0].id)).total == 0

    async def test_a_parent_that_can_not_be_written_makes_no_children(self, store: Store) -> None:
        parent = await make(store, owner=OTHER_ENGINE)
        child = child_of(store, parent, 0)
        assert not await advance(store, parent, running(parent), requested(parent), children=[child])
        assert await store.load_instance(child.id) is None
        assert (await store.list_instances(everything())).total == 1

    async def test_one_row_of_one_attempt_is_never_two_instances(self, store: Store) -> None:
        parent, _ = await self._family(store, 1)
        again = child_of(store, parent, 0)
        refused = False
        try:
            await advance(store, parent, running(parent), children=[again])
        except Exception:
            refused = True
        assert refused
        assert await store.load_instance(again.id) is None
        assert (await store.children_of(parent.id)).total == 1

    async def test_a_childs_end_is_left_for_its_parent_with_the_same_commit(self, store: Store) -> None:
        await store.register_engine(ENGINE, lease_ms=None)
        parent, (child, _) = await self._family(store)
        end = end_of(child)
        tick = [share(child, requested(child), status=InstanceStatus.SUCCESS, informs=[(parent.id, end)])]
        assert list(await store.commit(ENGINE, tick)) == []
        assert await self._posted(store) == [(parent.id, end)]

    async def test_a_parent_that_hears_of_the_end_in_the_same_tick_is_left_nothing(self, store: Store) -> None:
        parent, (first, second) = await self._family(store)
        ends = [end_of(first), end_of(second)]
        tick = [
            *(
                share(child, requested(child), status=InstanceStatus.SUCCESS, informs=[(parent.id, end)])
                for child, end in zip((first, second), ends, strict=True)
            ),
            share(parent, *ends, heard=[first.id, second.id]),
        ]
        assert list(await store.commit(ENGINE, tick)) == []
        assert await self._posted(store) == []
        assert (await history(store, parent.id))[1:] == ends

    async def test_an_end_that_can_not_be_written_is_not_heard_of(self, store: Store) -> None:
        parent, (child, other) = await self._family(store)
        late = await store.commit(ENGINE, [share(child, requested(child))])
        assert list(late) == []
        end, fine = end_of(child), end_of(other)
        tick = [
            share(child, requested(child), status=InstanceStatus.SUCCESS, informs=[(parent.id, end)]),
            share(other, requested(other), status=InstanceStatus.SUCCESS, informs=[(parent.id, fine)]),
            share(parent, end, fine, heard=[child.id, other.id]),
        ]
        assert sorted(await store.commit(ENGINE, tick)) == sorted([child.id, parent.id])
        assert await store.load_instance(parent.id) == parent
        assert await self._posted(store) == [(parent.id, fine)], "what was written is told all the same"

    async def test_an_end_that_the_parent_can_not_take_in_is_left_for_its_owner(
        self, store: Store, make_store: MakeStore
    ) -> None:
        parent, (child, _) = await self._family(store)
        await store.register_engine(ENGINE, lease_ms=0)
        await store.register_engine(OTHER_ENGINE, lease_ms=None)
        assert parent.id in await store.claim_instances(OTHER_ENGINE, limit=1)
        end = end_of(child)
        tick = [
            share(child, requested(child), status=InstanceStatus.SUCCESS, informs=[(parent.id, end)]),
            share(parent, end, heard=[child.id]),
        ]
        assert list(await store.commit(ENGINE, tick)) == [parent.id]
        assert await self._posted(store, OTHER_ENGINE) == [(parent.id, end)]

    async def test_children_of_an_engine_that_died_are_claimed_as_all_others(
        self, store: Store, make_store: MakeStore
    ) -> None:
        await store.register_engine(ENGINE, lease_ms=None)
        parent, children = await self._family(store)
        assert list(await store.claim_instances(ENGINE, limit=10)) == []
        await store.close()
        again = make_store()
        await again.open()
        await again.register_engine(ENGINE, lease_ms=None)
        claimed = await again.claim_instances(ENGINE, limit=10)
        assert list(claimed) == [parent.id, *(child.id for child in children)]
        await again.close()
