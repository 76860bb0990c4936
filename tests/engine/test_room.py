"""New runs are refused without room or beyond a quota, with the numbers; what runs goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_running import in_loop
from tests.engine.world import PLACE, World, living, node

from arkwright.engine.room import NO_QUOTAS, Admission, Quotas, Room, StorageMeter, Usage, read_quotas
from arkwright.errors import NoRoom, TooManyRequests
from arkwright.testing.fake_clock import FakeClock

GIGABYTE = 1_000_000_000


class Disk:
    def __init__(self, free: int = 5 * GIGABYTE) -> None:
        self.free = free
        self.asked = 0

    def __call__(self, folder: Path) -> int:
        self.asked += 1
        return self.free


def bounded(folder: Path, disk: Disk, quotas: Quotas = NO_QUOTAS, **more: Any) -> tuple[World, FakeClock]:
    """A world whose room is looked at on a clock of the test."""
    world, clock = World(folder), FakeClock()
    room = Room(folder, GIGABYTE, clock, free=disk)
    world.options["admission"] = Admission(room, quotas=lambda _: quotas, **more)
    return world, clock


def test_the_disk_is_asked_at_most_once_a_second(tmp_path: Path) -> None:
    disk, clock = Disk(), FakeClock()
    room = Room(tmp_path, GIGABYTE, clock, free=disk)
    for _ in range(1000):
        assert room.left()
    assert disk.asked == 1
    disk.free = GIGABYTE - 1
    clock.jump(999)
    assert room.left()
    clock.jump(1)
    assert not room.left()
    assert disk.asked == 2
    assert room.lack() == "The disk of the data folder has 1000.0 MB free; 1000.0 MB must be."
    disk.free = 2 * GIGABYTE
    clock.jump(1000)
    assert room.left()
    assert room.lack() is None


def test_a_clock_that_was_set_back_does_not_stop_the_looks(tmp_path: Path) -> None:
    disk, clock = Disk(), FakeClock(10_000_000)
    room = Room(tmp_path, GIGABYTE, clock, free=disk)
    assert room.left()
    disk.free = 0
    clock._now_ms = 5_000_000
    assert not room.left()


def test_without_a_least_the_disk_is_never_asked(tmp_path: Path) -> None:
    disk = Disk(0)
    assert Room(tmp_path, 0, FakeClock(), free=disk).left()
    assert disk.asked == 0


def test_a_real_disk_has_some_room(tmp_path: Path) -> None:
    room = Room(tmp_path, 1, FakeClock())
    assert room.left()
    assert room.free_bytes > 0


@in_loop
async def test_without_room_nothing_new_begins_and_what_runs_ends(tmp_path: Path) -> None:
    disk = Disk()
    world, clock = bounded(tmp_path, disk)
    async with living(world):
        await world.job("j", [node("a", statement=f"until test -e {tmp_path}/go; do sleep 0.05; done")])
        running = (await world.submit("j")).instance_id
        disk.free = 10
        clock.jump(1000)
        with pytest.raises(NoRoom, match="free") as refused:
            await world.submit("j")
        assert refused.value.retry_after_seconds > 0
        assert world.engine.lack is not None
        (tmp_path / "go").touch()
        ended = await world.ended(running)
        assert ended.status.value == "success"
        with pytest.raises(NoRoom):
            await world.engine.restart(PLACE, running, by="anna", operation_id="1")
        disk.free = 2 * GIGABYTE
        clock.jump(1000)
        assert world.engine.lack is None
        await world.run("j")


@in_loop
async def test_a_quota_of_running_nodes_counts_them_exactly(tmp_path: Path) -> None:
    world, _ = bounded(tmp_path, Disk(), Quotas(processes=2))
    usage = world.options["admission"].usage
    async with living(world):
        wait = f"until test -e {tmp_path}/go; do sleep 0.05; done"
        await world.job("two", [node("a", statement=wait), node("b", statement=wait)])
        first = (await world.submit("two")).instance_id
        await world.until(first, lambda state: sum(run.status.value == "running" for run in state.nodes) == 2)
        assert usage.processes(PLACE.workspace_id) == 2
        with pytest.raises(TooManyRequests, match="has 2 nodes that run; its quota processes is 2") as refused:
            await world.submit("two")
        assert refused.value.retry_after_seconds > 0
        assert usage.processes("another workspace") == 0
        (tmp_path / "go").touch()
        await world.ended(first)
        assert (usage.processes(PLACE.workspace_id), usage.waiting(PLACE.workspace_id)) == (0, 0)
        await world.run("two")
        assert usage._of == usage._processes == usage._waiting == {}


@in_loop
async def test_usage_is_right_again_after_a_restart(tmp_path: Path) -> None:
    wait = f"until test -e {tmp_path}/go; do sleep 0.05; done"
    async with living(World(tmp_path)) as world:
        await world.job("j", [node("a", statement=wait)])
        id_ = (await world.submit("j")).instance_id
        await world.until(id_, lambda state: state.nodes and state.nodes[0].attempt)
    world, _ = bounded(tmp_path, Disk())
    async with living(world):
        await world.engine.recovery.done.wait()
        assert world.options["admission"].usage.processes(PLACE.workspace_id) == 1
        (tmp_path / "go").touch()
        await world.ended(id_)


def test_waiting_and_storage_are_bounded_with_their_numbers(tmp_path: Path) -> None:
    room = Room(tmp_path, 0, FakeClock())
    quotas = Quotas(waiting_instances=0, storage_bytes=1000)
    stored = {"w": 999}
    admission = Admission(room, quotas=lambda _: quotas, storage=lambda workspace: stored[workspace])
    assert "has 0 instances that wait; its quota waitingInstances is 0" in str(admission.refusal("w"))
    quotas = Quotas(storage_bytes=1000)
    assert admission.refusal("w") is None
    stored["w"] = 1000
    assert "has 1000 bytes kept; its quota storageBytes is 1000" in str(admission.refusal("w"))


def test_quotas_are_read_from_a_workspaces_settings() -> None:
    assert read_quotas({}) is NO_QUOTAS
    assert read_quotas({"quotas": {}}) is NO_QUOTAS
    assert read_quotas({"quotas": {"processes": 3}}) == Quotas(processes=3)


def test_usage_forgets_what_it_let_go() -> None:
    usage = Usage()
    usage.drop(5)
    assert usage.waiting("w") == 0


@in_loop
async def test_storage_is_measured_in_the_background_and_seldom(tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "file").write_bytes(b"x" * 100_000)
    meter = StorageMeter(lambda workspace: tmp_path / workspace, clock)
    assert meter("w") == 0  # nobody waits for a number
    await meter.measured()
    first = meter("w")
    assert 100_000 <= first <= 200_000
    (tmp_path / "w" / "more").write_bytes(b"x" * 100_000)
    assert meter("w") == first
    clock.jump(60_000)
    meter("w")
    await meter.measured()
    assert meter("w") > first
    assert meter("no such workspace") == 0
    await meter.measured()
    await asyncio.sleep(0)
