"""Several engines on one PostgreSQL: they share the work and hand it over, never twice, whatever the clocks say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import PLACE, World, feed, living, node
from tests.servers.postgres import run_statements

from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.engine.database_clock import DatabaseClock
from arkwright.engine.interface import RunRequest
from arkwright.engine.watching import FOREIGN_WATCH_SECONDS
from arkwright.store.base import InstanceFilter

pytestmark = pytest.mark.postgres

HOUR_MS = 3_600_000
LEASE_SECONDS = 600


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def world(folder: Path, address: str, name: str, **more: Any) -> World:
    (folder / name).mkdir(exist_ok=True)
    return World(folder / name, url=address, name=name, **{"lease_seconds": LEASE_SECONDS, **more})


async def until(reached: Callable[[], Any], what: str) -> None:
    async with asyncio.timeout(30):
        while not (answer := reached()) and not (asyncio.iscoroutine(answer) and await answer):
            await asyncio.sleep(0.005)


async def end_lease(address: str, name: str, *others: World) -> None:
    """As time does it to an engine that is frozen, or dead."""
    await run_statements(address, f"UPDATE engine SET lease_until_ms = 1 WHERE name = '{name}'")
    for each in others:
        each.engine.recovery._lease_may_be_over()  # as its timer would


async def unowned(accepting: World, job: str, count: int) -> list[int]:
    """Runs that were accepted by a server that runs nothing."""
    request = RunRequest(place=PLACE, job_name=job, by="tester", time_zone="UTC")
    return [
        each.instance_id for each in await asyncio.gather(*[accepting.engine.submit(request) for _ in range(count)])
    ]


async def ended(world: World, count: int) -> None:
    where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53, statuses=[InstanceStatus.SUCCESS])
    async with asyncio.timeout(60):
        while (await world.store.real.list_instances(where, limit=1)).total < count:
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def both(*worlds: World) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for each in worlds:
            await stack.enter_async_context(living(each))
        yield


@in_loop
async def test_two_engines_that_race_for_a_thousand_instances_step_each_once(
    tmp_path: Path, postgres_ready: str
) -> None:
    accepting = world(tmp_path, postgres_ready, "accepting", runs=False)
    first, second = world(tmp_path, postgres_ready, "first"), world(tmp_path, postgres_ready, "second")
    async with living(accepting):
        await accepting.job("j", [node("a", "Dummy"), node("b", "Dummy", after=["a"])])
        made = await unowned(accepting, "j", 1000)
        async with both(first, second):
            await ended(accepting, 1000)
            owners = [await accepting.store.real.owner_of(each) for each in made]
            shares = {name: owners.count(name) for name in ("first", "second")}
            assert sum(shares.values()) == 1000
            assert min(shares.values()) >= 200, f"both work: {shares}"
            for each in made[::50]:
                kinds = [type(event).__name__ for _, event in await accepting.store.real.read_events(each)]
                assert kinds.count("InstanceRequested") == 1
                attempts = await accepting.store.real.list_attempts(each)
                assert [row.attempt for row in attempts] == [1] * len(attempts)


@in_loop
async def test_an_engine_that_comes_later_gets_work_and_takes_none_from_a_living_one(
    tmp_path: Path, postgres_ready: str
) -> None:
    accepting = world(tmp_path, postgres_ready, "accepting", runs=False)
    first, second = world(tmp_path, postgres_ready, "first"), world(tmp_path, postgres_ready, "second")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with living(accepting), living(first):
        await accepting.job("held", [node("a", statement=f"cat {fifo}")])
        await accepting.job("j", [node("a", "Dummy")])
        (held,) = await unowned(accepting, "held", 1)
        await first.until(held, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
        async with living(second):
            first.engine.recovery._lease_may_be_over()
            await until(lambda: first.engine.lease.neighbours == 1, "they know of each other")
            made = await unowned(accepting, "j", 200)
            await ended(accepting, 200)
            owners = [await accepting.store.real.owner_of(each) for each in made]
            assert min(owners.count("first"), owners.count("second")) > 20
            assert await accepting.store.real.owner_of(held) == "first"
            await feed(fifo, "on\n")
            assert (await first.ended(held)).status is InstanceStatus.SUCCESS


@in_loop
async def test_clocks_that_differ_by_hours_change_nothing_about_who_owns_what(
    tmp_path: Path, postgres_ready: str
) -> None:
    class Off:
        def __init__(self, by_ms: int) -> None:
            self.by_ms = by_ms

        def now_ms(self) -> int:
            return time.time_ns() // 1_000_000 + self.by_ms

        def call_at(self, at_ms: int, act: Callable[[], None]) -> Any:
            return asyncio.get_running_loop().call_later(max(0.0, (at_ms - self.now_ms()) / 1000), act)

    clocks = [DatabaseClock(Off(by_ms)) for by_ms in (HOUR_MS, -HOUR_MS)]
    early = world(tmp_path, postgres_ready, "early", clock=clocks[0], lease_seconds=5)
    late = world(tmp_path, postgres_ready, "late", clock=clocks[1], lease_seconds=5)
    async with both(early, late):
        for clock, each in zip(clocks, (early, late), strict=True):
            await clock.set_first(each.store.real)
        assert abs(clocks[0].now_ms() - clocks[1].now_ms()) < 2000
        assert abs(clocks[0].ahead_ms + HOUR_MS) < 2000
        for each in (early, late):
            await each.job(f"j{each._name}", [node("a", statement="true"), node("b", "Dummy", after=["a"])])
        for here, there in ((early, late), (late, early)):
            accepted = await here.submit(f"j{here._name}")
            there.engine.recovery._lease_may_be_over()  # it looks whether a lease has run out: none has
            state = await here.ended(accepted.instance_id)
            assert await here.store.real.owner_of(state.id) == here._name
            run = state.nodes[0]
            assert run.start_time_ms is not None
            assert abs(run.start_time_ms - time.time_ns() // 1_000_000) < 60_000, "times are the database's"
        assert early.engine.lease.lapses == late.engine.lease.lapses == 0


@pytest.mark.parametrize(("call", "before"), [("create_instance", "Dummy"), ("commit", "Shell")])
@in_loop
async def test_an_engine_that_was_frozen_past_its_lease_starts_nothing_of_what_others_took_over(
    tmp_path: Path, postgres_ready: str, monkeypatch: pytest.MonkeyPatch, call: str, before: str
) -> None:
    """The node is started by the commit that makes the run, or by a later one."""
    trace = tmp_path / "trace"
    first, second = world(tmp_path, postgres_ready, "first"), world(tmp_path, postgres_ready, "second")
    async with both(first, second):
        nodes = [node("a", before, statement="true"), node("b", after=["a"], statement=f"echo b >> {trace}")]
        await first.job("j", nodes)
        real = getattr(first.store.real, call)

        async def frozen(*given: Any, **more: Any) -> Any:
            """The commit is durable, and then the process is frozen until its lease is over and taken."""
            answer = await real(*given, **more)
            shares = [more["first"]] if call == "create_instance" else given[1]
            if any(row.node == 1 for share in shares for row in share.started):
                first.engine.lease._until = 0.0
                await end_lease(postgres_ready, "first", second)
                await until(lambda: second.engine.active_count or trace.exists(), "it is taken over")
            return answer

        monkeypatch.setattr(first.store.real, call, frozen)
        accepted = await first.submit("j")
        state = await second.ended(accepted.instance_id)
        # What became of the attempt can't be known over there; here it was never begun.
        assert state.status is InstanceStatus.FAIL
        assert "can't be known" in (state.nodes[1].message or "")
        first.engine.recovery._lease_may_be_over()
        await until(lambda: first.engine.active_count == 0, "it finds out")
        assert first.engine.lease.lapses == 1
        assert not trace.exists()


@in_loop
async def test_an_engine_that_noticed_a_lapse_goes_on_with_what_nobody_took(
    tmp_path: Path, postgres_ready: str
) -> None:
    async with living(world(tmp_path, postgres_ready, "only")) as only:
        await only.job("j", [node("a", "Dummy"), node("b", statement="true", after=["a"])])
        only.engine.lease._until = 0.0
        accepted = await only.submit("j")
        await until(lambda: only.engine._loop.active[accepted.instance_id].state.version, "its first step is committed")
        assert only.engine._loop.active[accepted.instance_id].state.status is InstanceStatus.RUNNING
        only.engine.recovery._lease_may_be_over()
        assert (await only.ended(accepted.instance_id)).status is InstanceStatus.SUCCESS


@in_loop
async def test_a_server_that_is_emptied_hands_over_all_that_runs_nowhere(tmp_path: Path, postgres_ready: str) -> None:
    fifo, trace = tmp_path / "fifo", tmp_path / "trace"
    os.mkfifo(fifo)
    first, second = world(tmp_path, postgres_ready, "first"), world(tmp_path, postgres_ready, "second")
    async with living(first):
        await first.job(
            "running", [node("a", statement=f"cat {fifo}"), node("b", statement=f"echo b >> {trace}", after=["a"])]
        )
        await first.job("retried", [node("a", statement="false", retryTimes=1, retryInterval=600)])
        running, retried = (await first.submit("running")).instance_id, (await first.submit("retried")).instance_id
        await first.until(running, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
        await first.until(retried, lambda s: s.nodes and s.nodes[0].retry_at_ms)
        async with living(second):
            first.engine.empty(True)
            await until(lambda: retried in second.engine._loop.active, "what only waits goes at once")
            assert running in first.engine._loop.active
            new = (await first.submit("retried")).instance_id
            await until(lambda: new in second.engine._loop.active, "what is accepted here begins there")
            await feed(fifo, "on\n")
            # Its second node begins on the other server.
            assert (await second.ended(running)).status is InstanceStatus.SUCCESS
            assert trace.read_text() == "b\n"
            runners = [row.runner for row in await second.store.real.list_attempts(running)]
            assert runners[0] == "first"
            assert second.folders.log(running, 1, 1).exists()
            assert first.engine.active_count == 0
            first.engine.empty(False)
            await first.engine.stop(PLACE, retried, by="me", operation_id="1")
            await second.ended(retried)


@in_loop
async def test_what_waits_in_the_queue_of_a_full_server_goes_to_one_with_room(
    tmp_path: Path, postgres_ready: str
) -> None:
    fifo, trace = tmp_path / "fifo", tmp_path / "trace"
    os.mkfifo(fifo)
    first, second = world(tmp_path, postgres_ready, "first"), world(tmp_path, postgres_ready, "second")
    async with living(first):
        first.executor._max = 1
        await first.job("held", [node("a", statement=f"cat {fifo}")])
        await first.job("j", [node("a", statement=f"echo $ARKWRIGHT_INSTANCE_ID >> {trace}")])
        held = (await first.submit("held")).instance_id
        await first.until(held, lambda s: s.nodes and s.nodes[0].status is NodeStatus.RUNNING)
        queued = [(await first.submit("j")).instance_id for _ in range(5)]
        await until(lambda: first.executor.queued == 5, "they wait")
        async with living(second):
            first.engine.empty(True)
            for each in queued:
                assert (await second.ended(each)).status is InstanceStatus.SUCCESS
            assert sorted(map(int, trace.read_text().split())) == sorted(queued)
            first.engine.empty(False)
            await feed(fifo, "on\n")
            assert (await first.ended(held)).status is InstanceStatus.SUCCESS


@in_loop
async def test_a_server_that_ends_leaves_nothing_waiting_for_its_lease(tmp_path: Path, postgres_ready: str) -> None:
    first, second = world(tmp_path, postgres_ready, "first"), world(tmp_path, postgres_ready, "second")
    async with living(second):
        async with living(first):
            await first.job(
                "retried", [node("a", statement="test $ARKWRIGHT_ATTEMPT = 2", retryTimes=1, retryInterval=1)]
            )
            instance_id = (await first.submit("retried")).instance_id
            await first.until(instance_id, lambda s: s.nodes and s.nodes[0].retry_at_ms)
        assert (await second.ended(instance_id)).status is InstanceStatus.SUCCESS


@in_loop
async def test_watching_on_another_server_needs_no_looking_again_and_again(
    tmp_path: Path, postgres_ready: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepting, running = (
        world(tmp_path, postgres_ready, "accepting", runs=False),
        world(tmp_path, postgres_ready, "running"),
    )
    async with both(accepting, running):
        await accepting.job("j", [node("a", "Dummy")])
        looks: list[int] = []
        real = accepting.store.real.load_instance

        async def counted(instance_id: int) -> Any:
            looks.append(instance_id)
            return await real(instance_id)

        monkeypatch.setattr(accepting.store.real, "load_instance", counted)
        before = time.monotonic()
        for _ in range(10):
            (each,) = await unowned(accepting, "j", 1)
            assert (await accepting.ended(each)).status is InstanceStatus.SUCCESS
        assert time.monotonic() - before < FOREIGN_WATCH_SECONDS
        assert len(looks) < 60
