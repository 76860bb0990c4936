"""Logs as parts in an object storage: whatever is written how often, a reader sees the log and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from arkwright.engine.archive import FULL, Archive
from arkwright.errors import IllegalState, InvalidInput
from arkwright.nodes.base import AttemptKey
from arkwright.objects.base import Objects
from arkwright.objects.folder import FolderObjects
from arkwright.objects.paths import ObsPath
from arkwright.objects.s3 import S3Objects

KEY = AttemptKey(instance_id=1_234_567, node=2, attempt=3)
OTHER = AttemptKey(instance_id=1_234_567, node=2, attempt=30)
PLACE = ObsPath("logs", "of/ours")


def in_memory() -> S3Objects:
    store = pytest.importorskip("obstore.store")
    only = store.MemoryStore()
    return S3Objects(lambda _: only)


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return FolderObjects(tmp_path / "obs") if request.param == "folder" else in_memory()


async def whole(archive: Archive, key: AttemptKey = KEY) -> bytes:
    return b"".join([piece async for piece in archive.read_log(key, 0, 2**40)])


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_a_log_that_arrives_in_pieces_is_read_as_one(objects: Objects) -> None:
    async def work() -> None:
        chance = random.Random(7)
        archive, log = Archive(objects, PLACE), b""
        for size in (1, 50, FULL - 60, 30, 5 * FULL, 3, 0, FULL, 9_000_000, 17):
            piece = chance.randbytes(size)
            await archive.write_log(KEY, len(log), piece)
            log += piece
            assert await archive.log_end(KEY) == len(log)
        assert await whole(archive) == log
        for _ in range(20):
            start = chance.randrange(len(log))
            end = start + chance.randrange(200_000)
            assert b"".join([each async for each in archive.read_log(KEY, start, end)]) == log[start:end]
        assert await whole(archive, OTHER) == b""

    run(work)


def test_a_log_that_grows_slowly_has_few_parts(objects: Objects) -> None:
    async def work() -> None:
        archive = Archive(objects, PLACE)
        for number in range(300):
            await archive.write_log(KEY, number * 100, b"x" * 100)
        assert len((await archive.log_state(KEY)).parts) == 1

    run(work)


def test_a_piece_that_comes_twice_or_by_another_server_is_there_once(objects: Objects) -> None:
    """Each server has an archive of its own, and the last part in its memory may be an old one."""

    async def work() -> None:
        one, two = Archive(objects, PLACE), Archive(objects, PLACE)
        await one.write_log(KEY, 0, b"aaa")
        await two.write_log(KEY, 3, b"bbb")
        await one.write_log(KEY, 3, b"bbb")  # its answer was lost
        await two.write_log(KEY, 6, b"ccc")
        await one.write_log(KEY, 3, b"bbb")  # and it was stuck somewhere meanwhile
        await one.write_log(KEY, 0, b"aaabbbcccddd")
        assert await whole(two) == b"aaabbbcccddd"

    run(work)


def test_a_gap_is_refused_and_says_where_to_go_on(objects: Objects) -> None:
    async def work() -> None:
        archive = Archive(objects, PLACE)
        await archive.write_log(KEY, 0, b"abc")
        with pytest.raises(IllegalState) as refused:
            await archive.write_log(KEY, 5, b"x")
        assert "3" in refused.value.hint
        assert await whole(archive) == b"abc"

    run(work)


def test_a_log_that_is_cut_again_and_again_ends_as_it_is_now(objects: Objects) -> None:
    async def work() -> None:
        chance = random.Random(8)
        archive = Archive(objects, PLACE)
        head = chance.randbytes(3 * FULL + 11)
        await archive.write_log(KEY, 0, head + chance.randbytes(2 * FULL))
        for size in (400_000, 100, 0, 90_000):
            tail = chance.randbytes(size)
            await archive.cut_log(KEY, len(head), tail)
            assert await whole(archive) == head + tail
            assert await Archive(objects, PLACE).log_end(KEY) == len(head) + size
        await archive.write_log(KEY, len(head) + 90_000, b"and on")
        assert await whole(archive) == head + tail + b"and on"

    run(work)


def test_a_reader_between_the_steps_of_a_cut_sees_the_new_log(tmp_path: Path) -> None:
    class Dying(FolderObjects):
        async def delete(self, path: ObsPath) -> bool:
            raise OSError("killed here")

    async def work() -> None:
        objects = FolderObjects(tmp_path)
        log = random.Random(9).randbytes(4 * FULL)
        for start in range(0, len(log), FULL):
            await Archive(objects, PLACE).write_log(KEY, start, log[start : start + FULL])
        with pytest.raises(OSError, match="killed here"):
            await Archive(Dying(tmp_path), PLACE).cut_log(KEY, FULL + 5, b"new")
        assert await whole(Archive(objects, PLACE)) == log[: FULL + 5] + b"new"

    run(work)


def test_a_reader_goes_on_when_the_log_is_cut_under_its_hands(tmp_path: Path) -> None:
    async def work() -> None:
        archive = Archive(FolderObjects(tmp_path), PLACE)
        log = random.Random(10).randbytes(4 * FULL)
        for start in range(0, len(log), FULL):
            await archive.write_log(KEY, start, log[start : start + FULL])
        state = await archive.log_state(KEY)
        await archive.cut_log(KEY, 2 * FULL, b"end")
        read = b"".join([each async for each in archive.read_log(KEY, 0, state.size, state)])
        assert read == log[: 2 * FULL] + b"end"

    run(work)


def test_outputs_are_kept_by_name_and_all_of_an_instance_goes_together(objects: Objects) -> None:
    async def work() -> None:
        archive = Archive(objects, PLACE)
        await archive.write_output(KEY, "output", "größe".encode())
        await archive.write_log(OTHER, 0, b"x")
        neighbour = AttemptKey(instance_id=12_345_678, node=0, attempt=1)
        await archive.write_output(neighbour, "output", b"stays")
        assert await archive.read_output(KEY, "output", 1000) == "größe".encode()
        assert await archive.read_output(KEY, "output", 2) == b"gr"
        assert await archive.read_output(KEY, "columns", 1000) is None
        with pytest.raises(InvalidInput):
            await archive.write_output(KEY, "../output", b"")
        assert await archive.delete(KEY.instance_id) == 2
        assert await archive.delete(KEY.instance_id) == 0
        assert await whole(archive, OTHER) == b""
        assert await archive.read_output(neighbour, "output", 1000) == b"stays"

    run(work)
