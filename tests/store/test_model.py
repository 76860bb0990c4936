"""Random work against both databases and a plain dictionary: they must tell the same story."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test
from tests.examples import some

from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeRun
from arkwright.store.base import InstanceFilter, Kind, Place, Store
from arkwright.store.listing import cut
from arkwright.store.open import open_store
from arkwright.testing.store_records import ENGINE, NOON, advance, expected_page, instance, promise, write

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PLACES = itertools.count()

# Times crowd around the edges of minutes, hours and days, where the counters change hands.
TIMES = st.builds(
    lambda day, hour, minute, ms: NOON - NOON % DAY + day * DAY + hour * HOUR + minute * MINUTE + ms,
    st.integers(-2, 2),
    st.sampled_from([0, 0, 1, 23]),
    st.sampled_from([0, 0, 1, 59]),
    st.sampled_from([-1, 0, 0, 1, 59_999]),
)
STATUSES = st.sampled_from(
    [InstanceStatus.WAITING, InstanceStatus.RUNNING, InstanceStatus.SUCCESS, InstanceStatus.FAIL]
)
TYPES = st.sampled_from([InstanceType.NORMAL, InstanceType.MANUAL])
QUERIES = st.fixed_dictionaries(
    {
        "from_ms": TIMES | st.sampled_from([0, NOON]),
        "to_ms": TIMES | st.sampled_from([0, NOON, 2**53, 2**62]),
        "job_ids": st.none() | st.lists(st.integers(1, 3), max_size=3, unique=True),
        "statuses": st.lists(STATUSES, max_size=2, unique=True),
        "instance_types": st.lists(TYPES, max_size=1),
        "force_success": st.none() | st.booleans(),
        "ignore_success": st.none() | st.booleans(),
    }
)
SOME = settings(
    deadline=None,
    max_examples=some(40),
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@pytest.fixture
def at_work(address: str) -> Iterator[tuple[asyncio.Runner, Store]]:
    with asyncio.Runner() as runner:
        store = open_store(address)
        runner.run(store.open())
        yield runner, store
        runner.run(store.close())


@pytest.mark.hypothesis
def test_a_store_does_what_a_dictionary_does(at_work: tuple[asyncio.Runner, Store]) -> None:
    runner, store = at_work

    class Model(RuleBasedStateMachine):
        """Each run has a workspace of its own in one store."""

        instances = Bundle("instances")
        names = st.sampled_from(["a", "A", "ab", "b"])

        def __init__(self) -> None:
            super().__init__()
            self.place = Place(project_id="p", workspace_id=f"w{next(PLACES)}")
            self.stored: dict[int, Instance] = {}
            self.keys: dict[str, int] = {}
            self.jobs: dict[str, list[str]] = {}

        @rule(
            target=instances,
            job_id=st.integers(1, 3),
            at=TIMES,
            status=STATUSES,
            type_=TYPES,
            key=st.none() | st.sampled_from("xyz"),
            count=st.integers(1, 3),
        )
        def create(self, job_id: int, at: int, status: Any, type_: Any, key: str | None, count: int) -> Any:
            new = [
                instance(store, place=self.place, job_id=job_id, plan_time_ms=at, status=status, instance_type=type_)
                for _ in range(count)
            ]
            idempotency = promise(key, scope=self.place.workspace_id) if key else None

            async def create_at_once() -> list[Any]:
                return await asyncio.gather(
                    *[store.create_instance(one, owner=ENGINE, idempotency=idempotency) for one in new]
                )

            answers = runner.run(create_at_once())
            for one, answer in zip(new, answers, strict=True):
                expected = self.keys.setdefault(key, answer.instance_id) if key else one.id
                assert answer.instance_id == expected
                assert answer.replayed == (answer.instance_id != one.id)
                if not answer.replayed:
                    self.stored[one.id] = one
            return multiple(*[one.id for one in new if one.id in self.stored])

        @rule(
            target=instances,
            id_=consumes(instances),
            at=st.none() | TIMES,
            status=STATUSES,
            nodes=st.integers(0, 3),
            flags=st.tuples(st.booleans(), st.booleans()),
            stale=st.booleans(),
        )
        def change(self, id_: int, at: int | None, status: Any, nodes: int, flags: Any, stale: bool) -> int:
            before = self.stored[id_]
            after = msgspec.structs.replace(
                before,
                version=before.version + 1,
                start_time_ms=at,
                status=status,
                force_success=flags[0],
                ignore_success=flags[1],
                nodes=tuple(NodeRun(index=i, name=f"{i}", attempt=before.version) for i in range(nodes)),
            )
            believed = msgspec.structs.replace(before, version=before.version + 7) if stale else before
            assert runner.run(advance(store, believed, after)) is not stale
            if not stale:
                self.stored[id_] = after
            return id_

        @rule(id_=instances)
        def load(self, id_: int) -> None:
            assert runner.run(store.load_instance(id_)) == self.stored[id_]

        @rule(query=QUERIES, offset=st.integers(0, 6), limit=st.integers(1, 5))
        def list_instances(self, query: dict[str, Any], offset: int, limit: int) -> None:
            where = InstanceFilter(place=self.place, **query)
            page = runner.run(store.list_instances(where, offset=offset, limit=limit))
            ids = [one.id for one in page.items]
            assert (page.total, ids) == expected_page(list(self.stored.values()), where, offset, limit)

        @rule(name=names, to=names, category=st.sampled_from(["X", "Y"]))
        def save_job(self, name: str, to: str, category: str) -> None:
            if name not in self.jobs:
                runner.run(store.create_definition(self.place, Kind.JOB, write(name, category=category)))
                self.jobs[name] = [category, "1"]
            elif to == name or to not in self.jobs:
                saved = runner.run(store.save_definition(self.place, Kind.JOB, name, write(to, category=category)))
                self.jobs[to] = [category, str(int(self.jobs.pop(name)[1]) + 1)]
                assert str(saved.version) == self.jobs[to][1]

        @rule(name=names)
        def delete_job(self, name: str) -> None:
            if self.jobs.pop(name, None):
                runner.run(store.delete_definition(self.place, Kind.JOB, name))

        @rule(category=st.none() | st.sampled_from(["X", "Y"]), part=st.sampled_from(["", "a", "B"]))
        def list_jobs(self, category: str | None, part: str) -> None:
            page = runner.run(
                store.list_definitions(self.place, Kind.JOB, category=category, name_contains=part, limit=9)
            )
            found = {
                name: version
                for name, (its_category, version) in self.jobs.items()
                if category in (None, its_category) and part.lower() in name.lower()
            }
            assert page.total == len(found)
            assert {item.name: str(item.version) for item in page.items} == found

    run_state_machine_as_test(Model, settings=SOME)


@pytest.mark.hypothesis
def test_a_page_of_many_is_the_same_page_the_slow_way(at_work: tuple[asyncio.Runner, Store]) -> None:
    """Enough instances that rows are stepped over by counters, with and without rare ones among them."""
    runner, store = at_work
    place = Place(project_id="p", workspace_id="many")
    start = NOON - NOON % DAY
    stored: list[Instance] = []

    async def fill() -> None:
        await store.reserve_ids(5000)
        for i in range(5000):
            at = start + (i % 7) * DAY + (i * 7919) % (3 * HOUR)
            rare = i % 500 == 0
            stored.append(
                instance(
                    store,
                    place=place,
                    job_id=1 + i % 3,
                    start_time_ms=at,
                    status=InstanceStatus.FAIL if rare else InstanceStatus.SUCCESS,
                    force_success=i % 2500 == 1,
                )
            )
        await asyncio.gather(*[store.create_instance(one, owner=ENGINE) for one in stored])

    runner.run(fill())

    @settings(SOME, max_examples=some(150))
    @given(query=QUERIES, low=st.integers(0, 8 * DAY), offset=st.integers(0, 4000), limit=st.integers(1, 100))
    def same(query: dict[str, Any], low: int, offset: int, limit: int) -> None:
        where = InstanceFilter(place=place, **{**query, "from_ms": start - DAY + low, "to_ms": start + 7 * DAY})
        page = runner.run(store.list_instances(where, offset=offset, limit=limit))
        assert (page.total, [one.id for one in page.items]) == expected_page(stored, where, offset, limit)

    same()


@settings(max_examples=some(300), deadline=None)
@given(st.integers(-3 * DAY, 3 * DAY), st.integers(0, 4 * DAY))
def test_a_window_is_cut_into_pieces_that_join_again(low: int, length: int) -> None:
    partial, whole = cut(low, low + length)
    pieces = sorted([*partial, *[(first * width, end * width) for width, first, end in whole]])
    assert all(first < end for first, end in pieces)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(pieces))
    assert not length or (pieces[0][0], pieces[-1][1]) == (low, low + length)
    assert len(partial) <= 2
    assert all(end - first < MINUTE or len(partial) == 1 for first, end in partial)
