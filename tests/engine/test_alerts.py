"""The engine tells of its instances: with the commit, once, whatever crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, living, node

from arkwright.core.alerts import AlertPolicy
from arkwright.engine.alerts import AlertRules, Alerts
from arkwright.store.base import DefinitionWrite, Kind
from arkwright.store.notice_record import NoticeFilter, StoredNotice
from arkwright.testing.faulty_store import Crash


def telling(folder: Path, policy: AlertPolicy | None = None, **more: Any) -> World:
    world = World(folder, **more)
    store = world.store.store()
    world.options["alerts"] = Alerts(store, AlertRules(store), lambda _: policy or AlertPolicy())
    return world


async def rule(world: World, name: str = "r", **body: Any) -> None:
    document = {"topic_name": "ops", **body}
    write = DefinitionWrite(
        name=name, category="", directory="/", body=document, submit=True, actor="ada", at_ms=world.clock.now_ms()
    )
    await world.store.real.create_definition(PLACE, Kind.ALARM_RULE, write)


async def told(world: World) -> Sequence[StoredNotice]:
    where = NoticeFilter(place=PLACE, from_ms=0, to_ms=2**53)
    return (await world.store.real.list_notices(where))[1][::-1]


async def summary(world: World) -> list[tuple[int, str]]:
    return [(int(each.notice.remind), each.notice.job_name) for each in await told(world)]


@in_loop
async def test_a_failure_a_success_and_a_stop_are_told(tmp_path: Path) -> None:
    async with living(telling(tmp_path)) as world:
        await world.job("good", [node("a", "Dummy")])
        await world.job("bad", [node("load", statement="echo secret-in-the-log; exit 3")])
        await world.job("long", [node("a", statement="sleep 60")])
        await world.run("bad")
        assert await told(world) == []  # no rule yet
        for remind in (0, 1, 13):
            await rule(world, f"r{remind}", remind_type=remind)
        await world.run("good")
        await world.run("bad")
        stopped = (await world.submit("long")).instance_id
        state = await world.until(stopped, lambda state: state.nodes and state.nodes[0].attempt)
        await world.engine.stop(PLACE, state.id, by="anna", operation_id="1")
        await world.ended(stopped)
        assert await summary(world) == [(0, "good"), (1, "bad"), (13, "long")]
        failed, canceled = (await told(world))[1:]
        assert [(each.name, each.exit_code) for each in failed.notice.nodes] == [("load", 3)]
        assert "secret-in-the-log" not in str(failed)
        assert canceled.notice.detail == "Stopped by anna."


@in_loop
async def test_a_rerun_that_succeeds_is_told_as_a_recovery(tmp_path: Path) -> None:
    async with living(telling(tmp_path)) as world:
        flag = tmp_path / "flag"
        await world.job("j", [node("a", statement=f"test -e {flag}")])
        await rule(world, remind_type=1, enable_recovery=True)
        failed = await world.run("j")
        flag.touch()
        await world.engine.restart(PLACE, failed.id, by="anna", operation_id="1")
        await world.ended(failed.id)
        await world.run("j")  # it never failed: no recovery
        assert await summary(world) == [(1, "j"), (14, "j")]


@in_loop
async def test_a_rule_is_for_the_jobs_it_names_and_counts_until_it_is_deleted(tmp_path: Path) -> None:
    async with living(telling(tmp_path)) as world:
        for name in ("a", "b"):
            await world.job(name, [node("x", statement="exit 1")])
        await rule(world, remind_type=1, node_name_list=["b"])
        await rule(world, "broken", remind_type=1, max_send_times="many")  # can't be read: left out
        await world.run("a")
        await world.run("b")
        assert await summary(world) == [(1, "b")]
        await world.store.real.delete_definition(PLACE, Kind.ALARM_RULE, "r")
        await world.run("b")
        assert len(await told(world)) == 1


@in_loop
async def test_what_can_not_be_told_does_not_keep_an_instance_from_going_on(tmp_path: Path) -> None:
    def defect(workspace_id: str) -> AlertPolicy:
        raise KeyError(workspace_id)

    world = World(tmp_path)
    store = world.store.store()
    world.options["alerts"] = Alerts(store, AlertRules(store), defect)
    async with living(world):
        await world.job("j", [node("a", statement="exit 1")])
        await rule(world, remind_type=1)
        assert (await world.run("j")).status.value == "fail"
        assert await told(world) == []


@pytest.mark.parametrize("after", [False, True], ids=["before it is durable", "after it is durable"])
@in_loop
async def test_a_crash_at_every_commit_tells_a_failure_once(tmp_path: Path, after: bool) -> None:
    crash_at, calls = 0, 1
    while crash_at <= calls:
        folder = tmp_path / str(crash_at)
        folder.mkdir()
        world = telling(folder, crash_at=crash_at, after=after)
        await world.open()
        await world.job("j", [node("a", statement="echo 1"), node("b", after=["a"], statement="exit 1")])
        await rule(world, remind_type=1)
        try:
            instance_id = (await world.submit("j")).instance_id
            await world.crashed_or_ended(instance_id)
            if not crash_at:
                calls = world.store.calls
        except Crash:
            pass
        await world.close()
        async with living(telling(folder)) as again:
            await again.engine.recovery.done.wait()
            async with asyncio.timeout(20):
                while again.engine.active_count:
                    await asyncio.sleep(0.01)
            expected = 0 if crash_at == 1 and not after else 1
            assert len(await told(again)) == expected, crash_at
        crash_at += 1
    assert calls >= 4


@pytest.mark.postgres
@in_loop
async def test_on_postgresql_a_rule_written_by_another_server_counts_and_each_failure_is_told_once(
    tmp_path: Path, postgres_ready: str
) -> None:
    first = telling(tmp_path / "a", url=postgres_ready, name="a", lease_seconds=60)
    second = telling(tmp_path / "b", url=postgres_ready, name="b", lease_seconds=60)
    async with living(first), living(second):
        await first.job("j", [node("a", statement="exit 1")])
        await first.run("j")  # now it knows that there are no rules
        heard = asyncio.Event()
        first.store.real.on_rules_changed(heard.set)
        await rule(second, remind_type=1)
        await asyncio.wait_for(heard.wait(), 20)
        await asyncio.gather(first.run("j"), second.run("j"))
        assert await summary(first) == [(1, "j")] * 2
