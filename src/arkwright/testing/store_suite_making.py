"""How every store makes instances: alone, with their first step, once for each idempotency key."""

from __future__ import annotations

import asyncio

import msgspec

from arkwright.core.instance import InstanceStatus, NodeRun, NodeStatus
from arkwright.errors import AlreadyExists, IdempotencyConflict, NotFound
from arkwright.store.base import AttemptRow, Commit, Kind, Store
from arkwright.testing.store_records import (
    ENGINE,
    HERE,
    NOON,
    THERE,
    MakeStore,
    everything,
    history,
    instance,
    make,
    promise,
    requested,
    running,
    write,
)


class MakingSuite:
    async def test_a_new_instance_is_stored_as_it_is(self, store: Store) -> None:
        new = instance(store)
        accepted = await store.create_instance(new, owner=ENGINE)
        assert (accepted.instance_id, accepted.replayed) == (new.id, False)
        assert await store.load_instance(new.id) == new
        assert await store.get_instance(HERE, new.id) == new
        assert await store.get_instance(THERE, new.id) is None
        assert await store.owner_of(new.id) == ENGINE
        assert await store.load_instance(1) is None
        assert await store.owner_of(1) is None

    async def test_an_instance_may_be_made_together_with_its_first_step(self, store: Store) -> None:
        new = instance(store)
        run = NodeRun(index=0, name="a", status=NodeStatus.RUNNING, attempt=1)
        begun = running(new, run)
        attempt = AttemptRow(
            instance_id=new.id, node=0, attempt=1, type="Shell", request={}, runner=ENGINE, epoch=1, started_ms=NOON
        )
        first = Commit(before=new, after=begun, events=[requested(new)], started=[attempt])
        answers = await asyncio.gather(
            store.create_instance(new, owner=ENGINE, idempotency=promise(), first=first),
            store.create_instance(instance(store), owner=ENGINE),
        )
        assert [answer.replayed for answer in answers] == [False, False]
        assert await store.load_instance(new.id) == begun
        assert await history(store, new.id) == [requested(new)]
        assert [row.started_ms for row in await store.list_attempts(new.id)] == [NOON]
        page = await store.list_instances(everything(statuses=[begun.status]))
        assert (page.total, [each.id for each in page.items]) == (1, [new.id])
        ended = msgspec.structs.replace(begun, status=InstanceStatus.SUCCESS, version=2)
        assert await store.commit(ENGINE, [Commit(before=begun, after=ended, events=[requested(new)])]) == []
        assert len(await history(store, new.id)) == 2

    async def test_a_known_key_stores_nothing_of_a_first_step(self, store: Store) -> None:
        earlier = await store.create_instance(instance(store), owner=ENGINE, idempotency=promise())
        new = instance(store)
        begun = running(new)
        first = Commit(before=new, after=begun, events=[requested(new)])
        again = await store.create_instance(new, owner=ENGINE, idempotency=promise(), first=first)
        assert (again.instance_id, again.replayed) == (earlier.instance_id, True)
        assert await store.load_instance(new.id) is None
        assert await history(store, new.id) == []

    async def test_one_key_makes_one_instance_also_at_the_same_moment(self, store: Store) -> None:
        calls = [store.create_instance(instance(store), owner=ENGINE, idempotency=promise()) for _ in range(20)]
        answers = await asyncio.gather(*calls)
        assert len({answer.instance_id for answer in answers}) == 1
        assert sorted(answer.replayed for answer in answers) == [False] + [True] * 19
        assert (await store.list_instances(everything())).total == 1

    async def test_a_key_is_remembered_by_the_next_process(self, store: Store, make_store: MakeStore) -> None:
        first = await store.create_instance(instance(store), owner=ENGINE, idempotency=promise())
        await store.close()
        again = make_store()
        await again.open()
        second = await again.create_instance(instance(again), owner=ENGINE, idempotency=promise())
        await again.close()
        assert (second.instance_id, second.replayed) == (first.instance_id, True)

    async def test_one_key_with_two_requests_is_refused_and_holds_up_nobody(self, store: Store) -> None:
        answers = await asyncio.gather(
            store.create_instance(instance(store), owner=ENGINE, idempotency=promise(digest="one")),
            store.create_instance(instance(store), owner=ENGINE, idempotency=promise(digest="two")),
            store.create_instance(instance(store), owner=ENGINE, idempotency=promise(scope="other")),
            store.create_instance(instance(store), owner=ENGINE),
            return_exceptions=True,
        )
        refused = [isinstance(answer, IdempotencyConflict) for answer in answers]
        assert sorted(refused[:2]) == [False, True]  # whoever comes second
        assert refused[2:] == [False, False]
        assert (await store.list_instances(everything())).total == 3

    async def test_an_expired_key_is_free_again(self, store: Store) -> None:
        old = await store.create_instance(instance(store), owner=ENGINE, idempotency=promise())
        late = instance(store, submit_time_ms=NOON + 1000)
        new = await store.create_instance(late, owner=ENGINE, idempotency=promise(digest="e", expires_ms=NOON + 5000))
        assert (new.instance_id, new.replayed) == (late.id, False)
        assert old.instance_id != new.instance_id
        later = instance(store, submit_time_ms=NOON + 1001)
        again = await store.create_instance(later, owner=ENGINE, idempotency=promise(digest="e"))
        assert (again.instance_id, again.replayed) == (new.instance_id, True)

    async def test_a_writer_that_fails_fails_alone(self, store: Store) -> None:
        taken = await make(store)
        new = [instance(store) for _ in range(10)]
        new[4] = msgspec.structs.replace(new[4], id=taken.id)
        answers = await asyncio.gather(
            *[store.create_instance(one, owner=ENGINE) for one in new],
            store.create_definition(HERE, Kind.JOB, write()),
            store.save_definition(HERE, Kind.JOB, "nobody", write()),
            return_exceptions=True,
        )
        failed = [i for i, answer in enumerate(answers) if isinstance(answer, BaseException)]
        assert failed == [4, 11]
        assert isinstance(answers[4], AlreadyExists)
        assert isinstance(answers[11], NotFound)
        assert (await store.list_instances(everything())).total == 10
        assert (await store.list_definitions(HERE, Kind.JOB)).total == 1

    async def test_many_tasks_create_at_once(self, store: Store) -> None:
        async def create(task: int) -> list[int]:
            return [(await make(store, job_id=task)).id for _ in range(20)]

        made = [id_ for ids in await asyncio.gather(*[create(task) for task in range(32)]) for id_ in ids]
        page = await store.list_instances(everything(), limit=1000)
        assert page.total == len(made) == 640
        assert [item.id for item in page.items] == sorted(made, reverse=True)
        assert (await store.list_instances(everything(job_ids=[3]))).total == 20
