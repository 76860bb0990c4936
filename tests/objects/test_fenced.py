"""Nothing leads behind the fence, and what is before it is complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from arkwright.objects.fenced import FencedObjects
from arkwright.objects.folder import FolderObjects
from arkwright.objects.paths import ObsPath, PathInvalid

KEYS = ("a/1", "logs/of/x", "logs/ours", "logs/ours/0/1", "logs/ours/0/2", "logs/ours2/y", "z")


async def once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


def fenced(root: Path, work: Callable[[FencedObjects], Coroutine[Any, Any, None]], reserved: ObsPath) -> None:
    async def all_of_it() -> None:
        objects = FolderObjects(root)
        for key in KEYS:
            if key != "logs/ours":
                await objects.write(ObsPath("bbb", key), once(b"x"))
        await work(FencedObjects(objects, reserved))

    asyncio.run(all_of_it())


@pytest.mark.parametrize("key", ["logs/ours", "logs/ours/", "logs/ours/0/1", "logs/ours/new"])
def test_what_is_behind_the_fence_is_refused_by_name(tmp_path: Path, key: str) -> None:
    async def work(objects: FencedObjects) -> None:
        path = ObsPath("bbb", key)
        for call in (objects.head, objects.exists, objects.delete):
            with pytest.raises(PathInvalid, match="keeps logs"):
                await call(path)
        with pytest.raises(PathInvalid):
            await objects.write(path, once(b"y"))
        with pytest.raises(PathInvalid):
            await anext(objects.read(path))

    fenced(tmp_path, work, ObsPath("bbb", "logs/ours"))


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_list_leaves_it_out_and_misses_nothing_else(tmp_path: Path, limit: int) -> None:
    async def work(objects: FencedObjects) -> None:
        for prefix, wanted in (
            ("", ["a/1", "logs/of/x", "logs/ours2/y", "z"]),
            ("logs/", ["logs/of/x", "logs/ours2/y"]),
            ("logs/ours", ["logs/ours2/y"]),
            ("logs/ours/", []),
        ):
            found: list[str] = []
            while True:
                page = await objects.list("bbb", prefix, after=found[-1] if found else "", limit=limit)
                assert len(page.items) <= limit
                found += [each.key for each in page.items]
                if not page.truncated:
                    break
                assert page.items
            assert found == wanted
        assert [each async for each in objects.read(ObsPath("bbb", "z"))] == [b"x"]
        assert await objects.exists(ObsPath("bbb", "logs/ours2/y"))

    fenced(tmp_path, work, ObsPath("bbb", "logs/ours"))


def test_a_whole_bucket_can_be_behind_it(tmp_path: Path) -> None:
    async def work(objects: FencedObjects) -> None:
        assert (await objects.list("bbb")).items == []
        with pytest.raises(PathInvalid):
            await objects.head(ObsPath("bbb", "z"))

    fenced(tmp_path, work, ObsPath("bbb", ""))
