"""New objects start runs: uploads, files dropped into the folder, and what came while nobody looked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from obstore import store
from tests.events.stage import Stage, node

from arkwright.core.gate import ObjectExists
from arkwright.core.instance import Instance
from arkwright.engine.clock import SystemClock
from arkwright.errors import InvalidInput
from arkwright.objects.base import ObjectInfo
from arkwright.objects.paths import parse
from arkwright.objects.s3 import S3Objects
from arkwright.scheduler.events.folder_watch import FolderNews
from arkwright.scheduler.events.listening import ObsListening

pytestmark = pytest.mark.anyio

PRINTING = [node("print", statement='echo "$1"', arguments="#{Job.trigger.obsNewFiles}")]
EVENT = {"eventType": "OBS", "channel": "obs://incoming/orders/", "concurrent": 5}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def upload(stage: Stage, path: str, text: str = "x") -> ObjectInfo:
    async def pieces() -> AsyncIterator[bytes]:
        yield text.encode()

    return await stage.objects.write(parse(path), pieces())


def files(found: list[Instance]) -> list[str]:
    return [name for each in found for name in each.obs_new_files or ()]


async def test_an_upload_starts_a_run_that_gets_its_path(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        await upload(stage, "obs://incoming/orders/old.csv")
        job = await stage.job("fed", EVENT, PRINTING)
        await stage.start(job)
        await upload(stage, "obs://incoming/elsewhere/b.csv")
        await upload(stage, "obs://incoming/orders/2026/a.csv")
        (found,) = await stage.ended(1)
        assert found.obs_new_files == ("obs://incoming/orders/2026/a.csv",)
        assert found.event_source == "OBS obs://incoming/orders/2026/a.csv"
        assert "obs://incoming/orders/2026/a.csv" in stage.world.log(found, "print")


async def test_a_file_dropped_into_the_folder_is_taken_once_it_is_whole(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        job = await stage.job("fed", EVENT, PRINTING)
        await stage.start(job)
        folder = tmp_path / "obs" / "incoming" / "orders"
        folder.mkdir(parents=True)
        (folder / "part.csv").write_text("first ")
        await stage.until(stage.reported(await stage.trigger(job), lag=1))
        with (folder / "part.csv").open("a") as file:
            file.write("second")
        (found,) = await stage.ended(1)
        assert files([found]) == ["obs://incoming/orders/part.csv"]


async def test_what_came_while_the_server_was_down_starts_runs_once(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        job = await stage.job("fed", EVENT, PRINTING)
        await stage.start(job)
        await upload(stage, "obs://incoming/orders/1")
        await stage.ended(1)
    stage = Stage(tmp_path)
    folder = tmp_path / "obs" / "incoming" / "orders"
    (folder / "2").write_text("x")
    async with stage:
        found = await stage.ended(2)
        assert files(found) == ["obs://incoming/orders/1", "obs://incoming/orders/2"]


async def test_a_replaced_object_and_one_that_comes_back_fire_again(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        job = await stage.job("fed", EVENT, PRINTING)
        trigger = await stage.start(job)
        await upload(stage, "obs://incoming/orders/a", "1")
        await stage.ended(1)
        await upload(stage, "obs://incoming/orders/a", "22")
        await stage.ended(2)
        await stage.objects.delete(parse("obs://incoming/orders/a"))

        async def forgotten() -> bool:
            return not await stage.store.get_marks(trigger.id)

        await stage.until(forgotten)
        await upload(stage, "obs://incoming/orders/a", "22")
        assert files(await stage.ended(3)) == ["obs://incoming/orders/a"] * 3


@pytest.mark.parametrize(("read_policy", "expected"), [("LAST", ["1", "while-stopped", "2"]), ("NEW", ["1", "2"])])
async def test_a_new_start_goes_on_with_last_and_forgets_with_new(
    tmp_path: Path, read_policy: str, expected: list[str]
) -> None:
    async with Stage(tmp_path) as stage:
        job = await stage.job("fed", EVENT | {"readPolicy": read_policy}, PRINTING)
        await stage.start(job)
        await upload(stage, "obs://incoming/orders/1")
        await stage.ended(1)
        await stage.schedules.stop(job)
        await upload(stage, "obs://incoming/orders/while-stopped")
        await stage.start(job)
        await upload(stage, "obs://incoming/orders/2")

        async def enough() -> bool:
            return len(files(await stage.instances())) >= len(expected)

        await stage.until(enough)
        assert sorted(files(await stage.instances())) == sorted(f"obs://incoming/orders/{each}" for each in expected)


@pytest.mark.parametrize("after", [False, True])
async def test_killed_while_it_fires_no_file_is_lost_and_none_runs_twice(tmp_path: Path, after: bool) -> None:
    async with Stage(tmp_path) as stage:
        job = await stage.job("fed", EVENT, PRINTING)
        await stage.start(job)
        stage.world.store.after = after
        stage.world.store.crash_at = stage.world.store.calls + 1
        await upload(stage, "obs://incoming/orders/a")
        async with asyncio.timeout(30):
            await stage.world.store.crashed.wait()
    async with Stage(tmp_path) as stage:
        await upload(stage, "obs://incoming/orders/b")

        async def both() -> bool:
            return len(files(await stage.instances())) >= 2

        await stage.until(both)
        assert sorted(files(await stage.instances())) == ["obs://incoming/orders/a", "obs://incoming/orders/b"]


async def test_a_path_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        for channel in ("", "obs://UPPER/x/", "obs://incoming/../x"):
            job = await stage.job(f"fed{len(channel)}", EVENT | {"channel": channel}, PRINTING)
            with pytest.raises(InvalidInput):
                await stage.start(job)


async def still(_: int, __: ObjectExists) -> bool:
    return True


async def never(_: int, __: ObjectExists) -> None:
    raise AssertionError("it gave up")


async def test_a_condition_on_an_object_is_met_when_it_comes(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        met: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

        async def told(instance_id: int, condition: ObjectExists) -> None:
            met.put_nowait((instance_id, condition.key))

        listening = ObsListening(stage.objects, SystemClock(), stage.news, met=told, gave_up=never, waits=still)
        condition = ObjectExists(path="obs://incoming/done/_SUCCESS", every_seconds=3600)
        listening.begin(7, condition)
        listening.begin(7, condition)
        listening.begin(8, ObjectExists(path="obs://incoming/never", every_seconds=3600))
        await upload(stage, "obs://incoming/done/_SUCCESS")
        async with asyncio.timeout(30):
            assert await met.get() == (7, condition.key)
        assert met.empty()
        listening.end(8)
        await listening.close()


async def test_a_condition_is_looked_at_again_at_its_interval_and_not_after_its_time(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        clock = StepClock()
        met: list[int] = []

        async def told(instance_id: int, _: ObjectExists) -> None:
            met.append(instance_id)

        async def late(instance_id: int, _: ObjectExists) -> None:
            gave_up.append(instance_id)

        gave_up: list[int] = []
        listening = ObsListening(stage.objects, clock, None, met=told, gave_up=late, waits=still)
        listening.begin(1, ObjectExists(path="obs://incoming/x", every_seconds=60, until_ms=clock.now_ms() + 90_000))
        assert await clock.next() == 60_000
        assert await clock.next() == 90_000

        async def over() -> bool:
            return gave_up == [1]

        await stage.until(over)
        await upload(stage, "obs://incoming/x")
        listening.begin(2, ObjectExists(path="obs://incoming/x", every_seconds=60))

        async def both() -> bool:
            return bool(met)

        await stage.until(both)
        await listening.close()
        assert met == [2]


class StepClock:
    """Stands still; its next timer goes off when the test says so."""

    def __init__(self) -> None:
        self._now_ms = 0
        self._timers: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()

    def now_ms(self) -> int:
        return self._now_ms

    def call_at(self, at_ms: int, act: Any) -> Any:
        self._timers.put_nowait((at_ms, act))
        return asyncio.get_running_loop().call_later(3600, lambda: None)

    async def next(self) -> int:
        async with asyncio.timeout(30):
            at_ms, act = await self._timers.get()
        self._now_ms = at_ms
        act()
        return at_ms


async def test_without_watching_the_folder_uploads_are_still_noticed_at_once(tmp_path: Path, monkeypatch: Any) -> None:
    async def nothing(self: FolderNews) -> None:
        return

    monkeypatch.setattr(FolderNews, "_watch", nothing)
    async with Stage(tmp_path) as stage:
        job = await stage.job("fed", EVENT, PRINTING)
        await stage.start(job)
        await upload(stage, "obs://incoming/orders/a")
        assert files(await stage.ended(1)) == ["obs://incoming/orders/a"]


async def test_an_s3_store_is_listed_at_the_interval(tmp_path: Path) -> None:
    memory = store.MemoryStore()
    storage = S3Objects(lambda _: memory)
    event = EVENT | {"intervalSeconds": 1}
    async with Stage(tmp_path, storage=storage) as stage:
        await upload(stage, "obs://incoming/orders/old")
        job = await stage.job("fed", event, PRINTING)
        trigger = await stage.start(job)
        await upload(stage, "obs://incoming/orders/1")
        await upload(stage, "obs://incoming/other/2")
        await stage.ended(1)
        await stage.until(stage.reported(trigger, objects=2))
    storage = S3Objects(lambda _: memory)
    stage = Stage(tmp_path, storage=storage)
    async with stage:
        await upload(stage, "obs://incoming/orders/3")

        async def two() -> bool:
            return len(files(await stage.instances())) == 2

        await stage.until(two)
        assert files(await stage.instances()) == ["obs://incoming/orders/1", "obs://incoming/orders/3"]
        await stage.schedules.stop(job)
