"""Without room schedules wait, and their times are made up for; a planner that acts is expected again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.scheduler.world import World, at, cron, living

pytestmark = pytest.mark.anyio


async def test_times_that_came_without_room_are_made_up_for_once(tmp_path: Path) -> None:
    room = True
    expected: list[int | None] = []
    async with living(World(tmp_path, now="2026-03-10 08:00")) as world:
        planner = world.scheduler.planner
        planner._room_left, planner._expect = (lambda: room), expected.append
        await world.scheduled("often", cron("0 * * * * ?", "minutes"))
        await world.until("2026-03-10 08:01")
        assert expected[-1] == at("2026-03-10 08:02")
        room = False
        await world.until("2026-03-10 08:05")
        assert [time for time, _ in await world.states("often")] == ["08:01"]
        assert expected[-1] == at("2026-03-10 08:02")  # it has not acted since
        room = True
        await world.until("2026-03-10 08:06")
        assert [time for time, _ in await world.states("often")] == [f"08:{n:02}" for n in range(1, 7)]
        assert expected[-1] == at("2026-03-10 08:07")
