"""What no database takes is the fault of one instance: it ends, and the others go on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.engine.world import World, feed, living, node
from tests.servers.database import changed

from arkwright.core.events import StopRequested
from arkwright.core.instance import InstanceStatus
from arkwright.core.outcome import Failed, FailureKind
from arkwright.errors import ArkwrightError
from arkwright.nodes.base import AttemptKey

HALF = "half a pair: \ud83d"
"""No text that can be stored."""


async def waiting(world: World, folder: Path, name: str) -> int:
    """A run whose program waits for its fifo."""
    os.mkfifo(folder / name)
    await world.job(name, [node("only", statement=f"cat {folder / name}")])
    instance_id = (await world.submit(name)).instance_id
    await world.until(instance_id, lambda state: state.nodes and state.nodes[0].attempt == 1)
    return instance_id


def test_an_event_that_cant_be_stored_ends_its_instance_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with living(World(tmp_path)) as world:
            guilty = await waiting(world, tmp_path, "guilty")
            other = await waiting(world, tmp_path, "other")
            for instance_id, message in ((guilty, HALF), (other, "plain")):  # one tick
                key = AttemptKey(instance_id=instance_id, node=0, attempt=1)
                world.engine._dispatch.finished(key, Failed(kind=FailureKind.ERROR, message=message))
            ended = await world.ended(guilty)
            assert ended.status is InstanceStatus.FAIL
            assert "can't be stored" in (ended.message or "")
            assert (await world.ended(other)).nodes[0].message == "plain"
            assert not world.engine.failed.is_set()
            for name in ("guilty", "other"):
                await feed(tmp_path / name, "")

    asyncio.run(run())


def test_what_somebody_asks_for_and_cant_be_stored_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with living(World(tmp_path)) as world:
            asked = await waiting(world, tmp_path, "asked")
            with pytest.raises(ArkwrightError, match="can't be stored"):
                await world.engine._loop.tell_durably(asked, StopRequested(at_ms=1, operation_id="1", by=HALF))
            await feed(tmp_path / "asked", "")
            assert (await world.ended(asked)).status is InstanceStatus.SUCCESS

    asyncio.run(run())


def test_a_node_whose_type_no_database_takes_fails_alone(tmp_path: Path, address: str) -> None:
    async def run() -> None:
        async with living(World(tmp_path, url=address)) as world:
            first = node("first", statement="true")
            await world.job("odd", [first, node("second", "Dum\0my", after=["first"])])
            await world.job("plain", [first, node("second", "Dummy", after=["first"])])
            odd, plain = await asyncio.gather(world.submit("odd"), world.submit("plain"))
            assert (await world.ended(odd.instance_id)).status is InstanceStatus.FAIL
            assert (await world.ended(plain.instance_id)).status is InstanceStatus.SUCCESS
            assert not world.engine.failed.is_set()

    asyncio.run(run())


def test_an_instance_that_cant_be_read_keeps_no_other_from_going_on(
    tmp_path: Path, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def accept() -> tuple[int, int]:
        async with living(World(tmp_path, url=address, runs=False)) as accepting:
            await accepting.job("plain", [node("only", "Dummy")])
            return (await accepting.submit("plain")).instance_id, (await accepting.submit("plain")).instance_id

    async def go_on(whole: int) -> None:
        async with living(World(tmp_path, url=address)) as world:
            assert (await world.ended(whole)).status is InstanceStatus.SUCCESS
            assert not world.engine.failed.is_set()

    broken, whole = asyncio.run(accept())
    changed(
        address,
        f"UPDATE instance SET body = '{{' WHERE id = {broken}",
        f"""INSERT INTO posted (instance_id, body) VALUES ({whole}, '{{"type":"OfANewerServer"}}')""",
    )
    asyncio.run(go_on(whole))
    assert f"instance {broken} can't be read" in caplog.text
    assert f"an event for instance {whole} can't be read" in caplog.text
