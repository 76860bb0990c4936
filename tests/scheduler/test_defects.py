"""What fails by a defect of ours is told in the log and tried again: no part of the scheduler ends without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.scheduler.world import LIMIT_SECONDS, World, cron, living

from arkwright.scheduler.scheduler import DurableScheduler

pytestmark = pytest.mark.anyio

PARTS: dict[str, Callable[[DurableScheduler], None]] = {
    "next_due": lambda scheduler: scheduler.planner.wake(),
    "watched_jobs": lambda scheduler: scheduler.gates.heard(None),
    "places_with_queues": lambda scheduler: scheduler.slots.wake(),
    "open_patches": lambda scheduler: scheduler.patches.wake(),
}
"""What each part asks of the store when it looks, and what has it look."""


class FailsOnce:
    """The store's answer to this question, after a first one that nobody expects."""

    def __init__(self, world: World, question: str) -> None:
        self._ask = getattr(world.faulty, question)
        self.asked = 0
        self.again = asyncio.Event()
        setattr(world.faulty, question, self)

    async def __call__(self, *args: Any, **given: Any) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise KeyError("poison")
        self.again.set()
        return await self._ask(*args, **given)


@pytest.mark.parametrize("question", PARTS)
async def test_a_part_that_met_a_defect_says_so_and_looks_again_in_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, question: str
) -> None:
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        await world.scheduled("often", cron("0 * * * * ?", "minutes"))
        fails = FailsOnce(world, question)
        PARTS[question](world.scheduler)
        await world.quiet()
        assert (fails.asked, fails.again.is_set()) == (1, False)
        assert [each.exc_info is not None for each in caplog.records if "in a minute" in each.message] == [True]
        await world.until("2026-03-10 08:01")
        async with asyncio.timeout(LIMIT_SECONDS):
            await fails.again.wait()
        await world.quiet()
        assert [time for time, _ in await world.states("often")] == ["08:01"]
