"""Kafka triggers against a broker that is not ours, over real sockets."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.events.stage import Stage, node
from tests.servers.kafka import Broker

from arkwright.core.instance import InstanceStatus
from arkwright.errors import InvalidInput
from arkwright.store.base import Definition
from arkwright.store.trigger_record import TriggerState

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def event(topic: str, **more: Any) -> dict[str, Any]:
    return {"eventType": "KAFKA", "connectionName": "bus", "channel": topic, **more}


def printing(name: str = "print") -> list[dict[str, Any]]:
    """A node that prints its message, which it gets as its first argument."""
    return [node(name, statement='echo "got $1"', arguments="#{Job.eventData}")]


async def fed(
    stage: Stage, broker: Broker, topic: str, *, nodes: list[dict[str, Any]] | None = None, **more: Any
) -> Definition:
    await stage.connection("bus", bootstrapServers=broker.address)
    return await stage.job("fed", event(topic, **more), nodes or printing())


async def test_each_message_starts_one_run_that_sees_it(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    kafka_broker.send(topic, "before the first start")
    async with Stage(tmp_path) as stage:
        job = await fed(stage, kafka_broker, topic)
        trigger = await stage.start(job)
        kafka_broker.send(topic, "one", "zwei ä", b"\xff", None)
        found = await stage.ended(4)
        assert [each.event_data for each in found] == ["one", "zwei ä", "�", None]
        assert [each.event_source for each in found] == [f"KAFKA {topic}/0@{n}" for n in (1, 2, 3, 4)]
        assert "got one" in stage.world.log(found[0], "print")
        assert {each.status for each in found} == {InstanceStatus.SUCCESS}
        await stage.until(stage.reported(trigger, lag=0, listening=True, fired=4))

        async def committed() -> bool:
            return await asyncio.to_thread(kafka_broker.committed, f"arkwright-{trigger.id}", topic) == 5

        await stage.until(committed)


async def test_after_a_restart_reading_goes_on_where_it_stopped(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    for read_policy in ("LAST", "NEW"):
        folder = tmp_path / read_policy
        async with Stage(folder) as stage:
            job = await fed(stage, kafka_broker, topic, readPolicy=read_policy)
            await stage.start(job)
            kafka_broker.send(topic, "one")
            await stage.ended(1)
        kafka_broker.send(topic, "two", "three")
        async with Stage(folder) as stage:
            found = await stage.ended(3)
            assert [each.event_data for each in found] == ["one", "two", "three"]
            await stage.schedules.stop(job)


async def test_a_new_start_goes_on_with_last_and_forgets_with_new(tmp_path: Path, kafka_broker: Broker) -> None:
    for read_policy, expected in (("LAST", ["one", "while stopped", "two"]), ("NEW", ["one", "two"])):
        topic = kafka_broker.topic()
        async with Stage(tmp_path / read_policy) as stage:
            job = await fed(stage, kafka_broker, topic, readPolicy=read_policy)
            await stage.start(job)
            kafka_broker.send(topic, "one")
            await stage.ended(1)
            await stage.schedules.stop(job)
            kafka_broker.send(topic, "while stopped")
            await stage.start(job)
            kafka_broker.send(topic, "two")
            found = await stage.ended(len(expected))
            assert [each.event_data for each in found] == expected


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_write_no_message_is_lost_and_none_runs_twice(
    tmp_path: Path, kafka_broker: Broker, after: bool
) -> None:
    values = ["one", "two", "three"]
    survived = 0
    for crash_at in range(1, 9):
        topic = kafka_broker.topic()
        folder = tmp_path / str(crash_at)
        stage = Stage(folder)
        async with stage:
            job = await fed(stage, kafka_broker, topic, concurrent=2)
            await stage.start(job)
            stage.world.store.after = after
            stage.world.store.crash_at = stage.world.store.calls + crash_at
            kafka_broker.send(topic, *values)
            died = asyncio.create_task(stage.world.store.crashed.wait())
            done = asyncio.create_task(stage.until(partial(_all_ended, stage, len(values))))
            await asyncio.wait({died, done}, return_when=asyncio.FIRST_COMPLETED)
            survived += not died.done()
            for task in (died, done):
                task.cancel()
            await asyncio.gather(died, done, return_exceptions=True)
        async with Stage(folder) as stage:
            found = await stage.ended(len(values))
            assert sorted(str(each.event_data) for each in found) == sorted(values), crash_at
    assert survived < 8, "none of the crashes happened"


async def _all_ended(stage: Stage, count: int) -> bool:
    return sum(each.ended for each in await stage.instances()) == count


async def test_no_more_runs_at_once_than_allowed_and_each_message_waits_its_turn(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.topic()
    hold = tmp_path / "go"
    nodes = [node("wait", statement=f"while [ ! -e {hold} ]; do sleep 0.05; done")]
    async with Stage(tmp_path / "stage") as stage:
        job = await fed(stage, kafka_broker, topic, nodes=nodes, concurrent=2)
        trigger = await stage.start(job)
        kafka_broker.send(topic, *(str(n) for n in range(5)))
        waiting = "As many runs as it may have at once are under way."
        await stage.until(stage.reported(trigger, waiting=waiting))
        assert len(await stage.instances()) == 2
        hold.touch()
        found = await stage.ended(5)
        assert [each.event_data for each in found] == ["0", "1", "2", "3", "4"]


FAILING = [node("maybe", statement='[ "$1" != bad ]', arguments="#{Job.eventData}")]


async def test_a_failed_run_suspends_the_schedule_until_it_is_resumed(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path) as stage:
        job = await fed(stage, kafka_broker, topic, nodes=FAILING)
        trigger = await stage.start(job)
        kafka_broker.send(topic, "good", "bad", "later")
        await stage.until(lambda: _state_is(stage, job, TriggerState.SUSPENDED))
        assert (await stage.definition("fed")).status == "PAUSED"
        found = await stage.instances()
        assert [each.event_data for each in found] == ["good", "bad"]
        suspended = await stage.trigger(job)
        assert suspended.body["suspended_by"] == found[1].id
        assert f"instance {found[1].id} failed" in stage.triggers.report(suspended)["warning"]
        await stage.schedules.resume(job)
        assert (await stage.definition("fed")).status == "SCHEDULING"
        assert [each.event_data for each in await stage.ended(3)] == ["good", "bad", "later"]
        assert (await stage.trigger(job)).epoch == trigger.epoch


async def test_a_failure_suspends_also_after_the_server_died_before_it_heard_of_it(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.topic()
    go = tmp_path / "go"
    nodes = [node("fail", statement=f"while [ ! -e {go} ]; do sleep 0.05; done; exit 1")]
    async with Stage(tmp_path / "stage") as stage:
        job = await fed(stage, kafka_broker, topic, nodes=nodes)
        await stage.start(job)
        kafka_broker.send(topic, "one", "two")
        await stage.until(lambda: stage._enough(1, None))
    go.touch()
    async with Stage(tmp_path / "stage") as stage:
        await stage.until(lambda: _state_is(stage, job, TriggerState.SUSPENDED))
        assert [each.event_data for each in await stage.instances()] == ["one"]


async def test_with_ignore_a_failed_run_holds_up_nothing(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path) as stage:
        job = await fed(stage, kafka_broker, topic, nodes=FAILING, failPolicy="IGNORE")
        await stage.start(job)
        kafka_broker.send(topic, "bad", "good")
        found = await stage.ended(2)
        assert [each.status for each in found] == [InstanceStatus.FAIL, InstanceStatus.SUCCESS]
        assert (await stage.definition("fed")).status == "SCHEDULING"


async def _state_is(stage: Stage, job: Definition, state: TriggerState) -> bool:
    return (await stage.trigger(job)).state is state


async def test_a_stopped_schedule_starts_nothing_and_a_paused_one_goes_on_later(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path) as stage:
        job = await fed(stage, kafka_broker, topic)
        await stage.start(job)
        await stage.schedules.pause(job)
        kafka_broker.send(topic, "one")
        assert (await stage.definition("fed")).status == "PAUSED"
        assert await stage.instances() == []
        await stage.schedules.resume(job)
        await stage.ended(1)
        await stage.schedules.stop(job)
        assert (await stage.definition("fed")).status == "STOPPED"
        kafka_broker.send(topic, "two")
        assert len(await stage.instances()) == 1


async def test_a_broker_that_cannot_be_reached_is_reported_and_tried_again(
    tmp_path: Path, kafka_broker: Broker, unused_port: int
) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path) as stage:
        await stage.connection("bus", bootstrapServers=f"127.0.0.1:{unused_port}")
        job = await stage.job("fed", event(topic), printing())
        trigger = await stage.start(job)
        report = stage.triggers.report(trigger)
        assert "Kafka" in report["error"]
        assert str(unused_port) in report["error"]
        assert not report["listening"]
        # The connection is put right: the next try uses it.
        await stage.reconnect("bus", bootstrapServers=kafka_broker.address)
        await stage.until(stage.reported(trigger, listening=True))
        assert "error" not in stage.triggers.report(trigger)
        kafka_broker.send(topic, "at last")
        await stage.ended(1)


async def test_an_address_that_nodes_may_not_reach_is_not_listened_to_either(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        await stage.connection("bus", bootstrapServers="169.254.169.254:9092")
        trigger = await stage.start(await stage.job("fed", event("any"), printing()))
        report = stage.triggers.report(trigger)
        assert "a link-local address" in report["error"]
        assert not report["listening"]


async def test_a_position_that_the_broker_does_not_have_is_reported_and_reading_goes_on(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path) as stage:
        job = await fed(stage, kafka_broker, topic)
        trigger = await stage.start(job)
        await stage.schedules.stop(job)
        trigger = await stage.trigger(job)
        await stage.store.move_position(trigger.id, trigger.epoch, f"{topic}/0", 1_000)
        trigger = await stage.start(job)
        kafka_broker.send(topic, "of the new topic")
        found = await stage.ended(1)
        assert found[0].event_data == "of the new topic"
        assert "made anew" in stage.triggers.report(trigger)["warning"]


async def test_what_ran_after_a_backup_does_not_run_again_once_it_is_restored(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path) as stage:
        job = await fed(stage, kafka_broker, topic)
        trigger = await stage.start(job)
        kafka_broker.send(topic, "one", "two")
        await stage.ended(2)

        async def committed() -> bool:
            return await asyncio.to_thread(kafka_broker.committed, f"arkwright-{trigger.id}", topic) == 2

        await stage.until(committed)
        # What a restored database would say.
        await stage.store.move_position(trigger.id, trigger.epoch, f"{topic}/0", 0)
    async with Stage(tmp_path) as stage:
        kafka_broker.send(topic, "three")
        found = await stage.ended(3)
        assert [each.event_data for each in found] == ["one", "two", "three"]
        report = stage.triggers.report(await stage.trigger(job))
        assert "before the database was restored" in report["warning"]


async def test_all_partitions_are_read(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path) as stage:
        job = await fed(stage, kafka_broker, topic, concurrent=3)
        await stage.start(job)
        for partition in range(3):
            kafka_broker.send(topic, f"{partition}a", f"{partition}b", partition=partition)
        found = await stage.ended(6)
        assert sorted(str(each.event_data) for each in found) == ["0a", "0b", "1a", "1b", "2a", "2b"]


async def test_two_servers_run_each_message_once_also_when_both_believe_the_trigger_is_theirs(
    tmp_path: Path, kafka_broker: Broker, postgres_address: str
) -> None:
    topic = kafka_broker.topic()
    values = [str(n) for n in range(20)]
    first = Stage(tmp_path / "a", url=postgres_address, name="a", lease_seconds=30)
    second = Stage(tmp_path / "b", url=postgres_address, name="b", lease_seconds=30)
    async with first, second:
        # The second one claims it too, as after a lease that ran out unnoticed; both go on reading.
        second.triggers._owner = "a"
        job = await fed(first, kafka_broker, topic, concurrent=50)
        trigger = await first.start(job)
        await second.triggers._follow()
        runner = second.triggers._runners[trigger.id]
        await runner.heard.wait()
        kafka_broker.send(topic, *values)
        found = await first.ended(len(values))
        assert sorted(str(each.event_data) for each in found) == sorted(values)


async def test_another_server_goes_on_where_a_dead_one_stopped(
    tmp_path: Path, kafka_broker: Broker, postgres_address: str
) -> None:
    topic = kafka_broker.topic()
    async with Stage(tmp_path / "a", url=postgres_address, name="a", lease_seconds=1) as first:
        job = await fed(first, kafka_broker, topic)
        await first.start(job)
        kafka_broker.send(topic, "one")
        await first.ended(1)
    kafka_broker.send(topic, "two")
    async with Stage(tmp_path / "b", url=postgres_address, name="b", lease_seconds=1) as second:
        found = await second.ended(2)
        assert [each.event_data for each in found] == ["one", "two"]
        assert (await second.trigger(job)).owner == "b"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"eventType": "DIS"}, "service of the cloud"),
        ({"channel": ""}, "channel is missing"),
        ({"connectionName": ""}, "connectionName is missing"),
        ({"connectionName": "nope"}, "no connection 'nope'"),
    ],
)
async def test_what_can_not_be_listened_to_is_refused_at_the_start(
    tmp_path: Path, kafka_broker: Broker, change: dict[str, str], words: str
) -> None:
    async with Stage(tmp_path) as stage:
        await stage.connection("bus", bootstrapServers=kafka_broker.address)
        job = await stage.job("fed", event("topic") | change, printing())
        with pytest.raises(InvalidInput, match=words):
            await stage.start(job)
        assert await stage.store.list_triggers(job_id=job.id) == []
