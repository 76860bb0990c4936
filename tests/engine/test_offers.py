"""An attempt for workers is offered by the very commit that makes it: there is no moment at which it could be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_several_engines import both, end_lease, in_loop, until, world
from tests.engine.world import PLACE, World, living, node

from arkwright.core.instance import InstanceStatus
from arkwright.core.outcome import Succeeded
from arkwright.engine.connections import Connections
from arkwright.engine.placement import Placement
from arkwright.executors.dask_ways import DaskWays, read_ways
from arkwright.executors.remote import RemoteAttempts
from arkwright.iam.sealing import Sealer
from arkwright.store.base import DefinitionWrite, Kind

pytestmark = pytest.mark.postgres
pytest.importorskip("distributed", reason="the extra `dask` is not installed")

SCHEDULER = "dask://127.0.0.1:1"
"""Nobody is there: nothing is brought to anybody, so what is offered stays."""
EXPECTED = {"default": "default", "connected": "dmz"}


async def known(group: str) -> bool:
    return group == "dmz"


def with_workers(folder: Path, address: str, name: str) -> World:
    made = world(folder, address, name)
    names = ("--executor", "--ca", "--cert", "--key")
    ways = DaskWays(read_ways(SCHEDULER, ca=None, cert=None, key=None, names=names), name=name)
    remote = RemoteAttempts(made.store.store(), made.clock.now_ms, ways, lease_seconds=60)
    made.options = {
        "remote": remote,
        "placement": Placement(ways=remote.ways, default_group="default", exists=known),
        "connections": Connections(made.store.real, Sealer(folder / "secret.key")),
    }
    return made


async def jobs(world: World) -> None:
    """One whose group is the installation's, and one whose group its connection says."""
    write = DefinitionWrite(
        name="host",
        category="HOST",
        directory="/",
        body={"config": {"agentName": "dmz"}},
        submit=True,
        actor="tester",
        at_ms=world.clock.now_ms(),
    )
    await world.store.real.create_definition(PLACE, Kind.CONNECTION, write)
    shells = {"default": node("b", statement="true"), "connected": node("b", statement="true", connectionName="host")}
    for name, shell in shells.items():
        await world.job(name, [shell])
        first = node("a", statement="true", workerGroup="local")
        await world.job(f"later-{name}", [first, {**shell, "preNodeName": ["a"]}])


async def run_by_a_worker(world: World, instance_id: int, index: int, group: str) -> None:
    """What `Assignments` does for a worker of the group."""
    store, id_ = world.store.real, (instance_id, index, 1)
    offer = await store.claim_offer(id_, runner="worker", groups=(group,), resume=False, lease_ms=60_000)
    assert offer is not None
    outcome = Succeeded(message="done")
    assert await store.finish_claim(
        id_, runner="worker", epoch=offer.epoch, now_ms=world.clock.now_ms(), outcome=outcome
    )


@in_loop
@pytest.mark.parametrize("job", ["default", "connected", "later-default", "later-connected"])
async def test_it_is_offered_with_the_commit_to_the_group_that_is_its(
    job: str, tmp_path: Path, postgres_ready: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(with_workers(tmp_path, postgres_ready, "only")) as only:
        await jobs(only)

        async def refuse(*_: Any) -> None:
            raise AssertionError("an offer of its own is one commit too many")

        monkeypatch.setattr(only.store.real, "offer_attempt", refuse)
        group, index = EXPECTED[job.removeprefix("later-")], int(job.startswith("later"))
        instance_id = (await only.submit(job)).instance_id
        await only.until(instance_id, lambda s: len(s.nodes) > index and s.nodes[index].attempt == 1)
        (row,) = [each for each in await only.store.real.list_attempts(instance_id) if each.node == index]
        assert (row.group, row.runner, row.request["group"]) == (group, "", group)
        await run_by_a_worker(only, instance_id, index, group)
        assert (await only.ended(instance_id)).status is InstanceStatus.SUCCESS


@in_loop
@pytest.mark.parametrize(
    ("call", "job"),
    [
        ("create_instance", "default"),
        ("commit", "connected"),
        ("commit", "later-default"),
        ("commit", "later-connected"),
    ],
)
async def test_an_engine_that_is_replaced_between_the_commit_and_the_announcement_leaves_nothing_lost(
    call: str, job: str, tmp_path: Path, postgres_ready: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (with_workers(tmp_path, postgres_ready, name) for name in ("first", "second"))
    async with both(first, second):
        await jobs(first)
        real, index = getattr(first.store.real, call), int(job.startswith("later"))

        async def frozen(*given: Any, **more: Any) -> Any:
            """The commit is durable; then the process is frozen until its lease is over and taken."""
            answer = await real(*given, **more)
            shares = [more["first"]] if call == "create_instance" else given[1]
            if any(row.node == index for share in shares for row in share.started):
                first.engine.lease._until = 0.0
                await end_lease(postgres_ready, "first", second)
                await until(lambda: second.engine.active_count, "it is taken over")
            return answer

        monkeypatch.setattr(first.store.real, call, frozen)
        instance_id = (await first.submit(job)).instance_id
        await until(lambda: instance_id in second.engine._loop.active, "it is the other one's")
        await run_by_a_worker(second, instance_id, index, EXPECTED[job.removeprefix("later-")])
        state = await second.ended(instance_id)
        assert state.status is InstanceStatus.SUCCESS, state.nodes[index].message
        assert state.nodes[index].attempt == 1
