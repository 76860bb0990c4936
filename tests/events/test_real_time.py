"""Real-time jobs: nodes with triggers of their own, states from what really runs, and restarts in between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.events.stage import Stage, node
from tests.servers.kafka import Broker

from arkwright.core.instance import InstanceStatus
from arkwright.core.real_time import RealTimeState, job_state
from arkwright.errors import AlreadyExists, IllegalState, InvalidInput, NotFound
from arkwright.store.base import Definition

pytestmark = pytest.mark.anyio

S = RealTimeState
EVERY_SECOND = {"startTime": "2020-01-01T00:00:00+00", "expression": "* * * * * ?", "expressionTimeZone": "GMT+0"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def saved(stage: Stage, name: str, nodes: list[dict[str, Any]]) -> Definition:
    await stage.world.job(name, nodes, category="REAL_TIME", schedule={"type": "EXECUTE_ONCE"})
    return await stage.definition(name)


async def begin(stage: Stage, job: Definition) -> None:
    await stage.real_time.start(job, by="tester", parameters={}, time_zone="UTC")


async def stored_state(stage: Stage, job: Definition) -> str:
    return (await stage.definition(job.name)).status


def is_state(stage: Stage, job: Definition, state: RealTimeState) -> Any:
    async def holds() -> bool:
        return await stage.real_time.state(job) is state and await stored_state(stage, job) == state.value

    return holds


def until_file(path: Path, *, then: str = "true") -> str:
    return f"while [ ! -e {path} ]; do sleep 0.05; done; {then}"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([], S.STOPPED),
        ([S.NORMAL, S.NORMAL], S.NORMAL),
        ([S.NORMAL, S.STARTING], S.STARTING),
        ([S.NORMAL, S.STARTING, S.EXCEPTION], S.EXCEPTION),
        ([S.EXCEPTION, S.STOPPING], S.STOPPING),
        ([S.NORMAL, S.DISABLE], S.NORMAL),
        ([S.DISABLE, S.DISABLE], S.DISABLE),
        ([S.PAUSE, S.PAUSE], S.PAUSE),
        ([S.PAUSE, S.NORMAL], S.NORMAL),
        ([S.STOPPED, S.STOPPED], S.STOPPED),
        ([S.STOPPED, S.PAUSE], S.PAUSE),
    ],
)
def test_a_jobs_state_follows_from_its_nodes(nodes: list[RealTimeState], expected: RealTimeState) -> None:
    assert job_state(nodes) is expected


async def test_a_node_without_a_trigger_runs_from_the_start_until_the_job_is_stopped(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        job = await saved(stage, "stream", [node("flink", statement="sleep 600", maxExecutionTime=5)])
        await begin(stage, job)
        await stage.until(is_state(stage, job, S.NORMAL))
        (running,) = await stage.instances()
        assert running.job_name == "stream_flink"
        await stage.world.until(running.id, lambda state: state.status is InstanceStatus.RUNNING)
        started = await stage.world.until(running.id, lambda state: state.nodes and state.nodes[0].deadline_ms)
        assert started.nodes[0].deadline_ms - started.nodes[0].start_time_ms > 10 * 365 * 24 * 3600 * 1000
        await stage.real_time.stop(job)
        ended = await stage.world.ended(running.id)
        assert ended.status is InstanceStatus.MANUAL_STOP
        await stage.until(is_state(stage, job, S.STOPPED))
        await stage.real_time.stop(job)
        assert await stored_state(stage, job) == "STOPPED"


async def test_it_goes_on_through_a_restart_of_the_server(tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with Stage(tmp_path / "stage") as stage:
        job = await saved(stage, "stream", [node("flink", statement=until_file(go, then="exit 3"))])
        await begin(stage, job)
        await stage.until(is_state(stage, job, S.NORMAL))
    async with Stage(tmp_path / "stage") as stage:
        await stage.until(is_state(stage, job, S.NORMAL))
        (running,) = await stage.instances()
        go.touch()
        await stage.world.ended(running.id)
        await stage.until(is_state(stage, job, S.EXCEPTION))
    async with Stage(tmp_path / "stage") as stage:
        assert await stage.real_time.state(job) is S.EXCEPTION
        assert len(await stage.instances()) == 1
        go.unlink()
        await stage.real_time.restore_node(job, "flink")
        await stage.until(is_state(stage, job, S.NORMAL))
        assert len(await stage.instances()) == 2
        await stage.real_time.stop(job)
        await stage.until(is_state(stage, job, S.STOPPED))


async def test_stopping_is_finished_after_a_crash_in_the_middle(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        job = await saved(stage, "stream", [node("flink", statement="sleep 600")])
        await begin(stage, job)
        await stage.until(is_state(stage, job, S.NORMAL))
        (running,) = await stage.instances()
        await stage.world.until(running.id, lambda state: state.nodes and state.nodes[0].attempt)
        # Dead before the runs were told.
        stage.world.store.crash_at = stage.world.store.calls + 1
        stopping = asyncio.create_task(stage.real_time.stop(job))
        await stage.world.store.crashed.wait()
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
    async with Stage(tmp_path) as stage:
        await stage.until(is_state(stage, job, S.STOPPED))
        assert (await stage.world.ended(running.id)).status is InstanceStatus.MANUAL_STOP


async def test_an_event_node_runs_per_message_and_a_cron_node_by_the_clock(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.topic()
    event = {"eventType": "KAFKA", "connectionName": "bus", "channel": topic, "concurrent": 3}
    async with Stage(tmp_path) as stage:
        await stage.connection("bus", bootstrapServers=kafka_broker.address)
        nodes = [
            node("each", statement='echo "$1"', arguments="#{Job.eventData}") | {"eventTrigger": event},
            node("tick", statement="true") | {"cronTrigger": EVERY_SECOND},
        ]
        job = await saved(stage, "live", nodes)
        await begin(stage, job)
        assert await stage.real_time.state(job) is S.NORMAL
        kafka_broker.send(topic, "a", "b")
        found = await stage.ended(2, "live_each")
        assert [each.event_data for each in found] == ["a", "b"]

        async def two_ticks() -> bool:
            return len(await stage.instances("live_tick")) >= 2

        await stage.until(two_ticks)
        await stage.real_time.pause(job)
        assert await stored_state(stage, job) == "PAUSE"
        ticks = await stage.instances("live_tick")
        plans = [each.plan_time_ms for each in ticks]
        assert all(plan % 1000 == 0 for plan in plans)
        assert plans == sorted(set(plans))
        await stage.real_time.resume(job)

        async def one_more() -> bool:
            return len(await stage.instances("live_tick")) > len(ticks)

        await stage.until(one_more)
        # Times that passed during the pause were made up for: none is missing.
        plans = [each.plan_time_ms for each in await stage.instances("live_tick")]
        assert plans == list(range(plans[0], plans[-1] + 1, 1000))
        await stage.real_time.stop(job)
        await stage.until(is_state(stage, job, S.STOPPED))


async def test_one_node_can_be_disabled_restored_reconfigured_and_cleared(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    event = {"eventType": "KAFKA", "connectionName": "bus", "channel": topic}
    async with Stage(tmp_path) as stage:
        await stage.connection("bus", bootstrapServers=kafka_broker.address)
        job = await saved(stage, "live", [node("each", statement="true") | {"eventTrigger": event}])
        with pytest.raises(NotFound, match="was not started"):
            await stage.real_time.disable_node(job, "each")
        await begin(stage, job)
        await stage.real_time.disable_node(job, "each")
        assert await stored_state(stage, job) == "DISABLE"
        kafka_broker.send(topic, "meanwhile")
        with pytest.raises(IllegalState):
            await stage.real_time.disable_node(job, "each")
        with pytest.raises(NotFound, match="no node 'other'"):
            await stage.real_time.restore_node(job, "other")
        await stage.real_time.restore_node(job, "each", concurrent=4)
        await stage.ended(1)
        trigger = await stage.trigger(job, "node:each")
        assert trigger.body["concurrent"] == 4
        await stage.real_time.configure_node(job, "each", {"concurrent": 2, "failPolicy": "IGNORE"})
        changed = await stage.trigger(job, "node:each")
        assert (changed.body["concurrent"], changed.body["fail_policy"]) == (2, "IGNORE")
        with pytest.raises(InvalidInput, match="1 to 10"):
            await stage.real_time.configure_node(job, "each", {"concurrent": 11})
        await stage.real_time.disable_node(job, "each")
        kafka_broker.send(topic, "to be cleared", "this too")
        await stage.real_time.clear_node(job, "each")
        await stage.real_time.restore_node(job, "each")
        await stage.until(stage.reported(await stage.trigger(job, "node:each"), listening=True))
        kafka_broker.send(topic, "last")
        found = await stage.ended(2)
        assert [each.event_data for each in found] == ["meanwhile", "last"]


async def test_a_failed_run_puts_its_node_and_the_job_into_exception(tmp_path: Path, kafka_broker: Broker) -> None:
    topic = kafka_broker.topic()
    event = {"eventType": "KAFKA", "connectionName": "bus", "channel": topic}
    async with Stage(tmp_path) as stage:
        await stage.connection("bus", bootstrapServers=kafka_broker.address)
        nodes = [
            node("each", statement='[ "$1" != bad ]', arguments="#{Job.eventData}") | {"eventTrigger": event},
            node("other", statement="sleep 600"),
        ]
        job = await saved(stage, "live", nodes)
        await begin(stage, job)
        kafka_broker.send(topic, "bad", "good")
        await stage.until(is_state(stage, job, S.EXCEPTION))
        states = {each.name: each.state for each in await stage.real_time.nodes(job)}
        assert states == {"each": S.EXCEPTION, "other": S.NORMAL}
        await stage.real_time.resume(job)
        await stage.ended(2, "live_each")
        await stage.until(is_state(stage, job, S.NORMAL))
        await stage.real_time.stop(job)
        await stage.until(is_state(stage, job, S.STOPPED))


async def test_a_source_that_can_not_be_heard_is_an_exception(tmp_path: Path, unused_port: int) -> None:
    event = {"eventType": "KAFKA", "connectionName": "bus", "channel": "nowhere"}
    async with Stage(tmp_path) as stage:
        await stage.connection("bus", bootstrapServers=f"127.0.0.1:{unused_port}")
        job = await saved(stage, "live", [node("each", statement="true") | {"eventTrigger": event}])
        await begin(stage, job)
        await stage.until(is_state(stage, job, S.EXCEPTION))


async def test_a_job_that_can_not_be_started_starts_none_of_its_nodes(tmp_path: Path) -> None:
    many = {"eventType": "OBS", "channel": "obs://bucket/x/", "concurrent": 11}
    async with Stage(tmp_path) as stage:
        job = await saved(
            stage, "live", [node("a", statement="true"), node("b", statement="true") | {"eventTrigger": many}]
        )
        with pytest.raises(InvalidInput, match="1 to 10"):
            await begin(stage, job)
        assert await stage.store.list_triggers(job_id=job.id) == []
        assert await stage.instances() == []


async def test_two_jobs_whose_nodes_would_share_a_name_are_told(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        first = await saved(stage, "a", [node("b_c", statement="sleep 600")])
        second = await saved(stage, "a_b", [node("c", statement="sleep 600")])
        await begin(stage, first)
        with pytest.raises(AlreadyExists, match="a_b_c"):
            await begin(stage, second)
        await stage.real_time.stop(first)
        await stage.until(is_state(stage, first, S.STOPPED))
        await begin(stage, second)
        with pytest.raises(AlreadyExists, match="a_b_c"):
            await begin(stage, first)
        await stage.real_time.stop(second)
        await stage.until(is_state(stage, second, S.STOPPED))
