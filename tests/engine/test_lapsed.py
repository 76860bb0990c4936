"""An engine whose lease has run out begins nothing, not even what waited in a queue, until it knows what is its own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.engine.test_several_engines import end_lease, until, world
from tests.engine.world import feed, living, node

from arkwright.core.instance import InstanceStatus

pytestmark = pytest.mark.postgres


def test_what_waited_for_its_turn_is_not_begun_by_an_engine_that_was_frozen(
    tmp_path: Path, postgres_address: str
) -> None:
    async def run() -> None:
        frozen = world(tmp_path, postgres_address, "frozen")
        other = world(tmp_path, postgres_address, "other")
        fifo, begun = tmp_path / "fifo", tmp_path / "begun"
        os.mkfifo(fifo)
        async with living(frozen):
            frozen.executor._max = 1
            await frozen.job("first", [node("only", statement=f"cat {fifo}")])
            await frozen.job("second", [node("only", statement=f"echo $$ >>{begun}")])
            first = (await frozen.submit("first")).instance_id
            second = (await frozen.submit("second")).instance_id
            await until(lambda: frozen.executor.queued == 1, "the second program waits")
            # A server that was stopped for longer than its lease, and goes on: others have taken over by now, and it
            # has not asked the database yet.
            await frozen.engine.recovery._renewing.acquire()
            frozen.engine.lease._until = 0.0
            await end_lease(postgres_address, "frozen")
            async with living(other):
                state = await other.ended(second)
                assert state.status is InstanceStatus.FAIL, "begun or not, nobody can know"
                await feed(fifo, "")
                await until(lambda: frozen.executor._slots == 0, "the first program has ended, and been noticed")
                frozen.engine.recovery._renewing.release()
                await frozen.engine.recovery.renew()
                assert not begun.exists()
                assert first not in frozen.engine._loop.active

    asyncio.run(run())
