"""Both storages keep the contract; the folder lets nothing out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from arkwright.objects.base import BucketMissing, ObjectMissing, Objects
from arkwright.objects.folder import INCOMING, FolderObjects
from arkwright.objects.open import open_objects, path_exists
from arkwright.objects.paths import ObsPath, PathInvalid
from arkwright.objects.s3 import S3Objects


def in_memory() -> S3Objects:
    store = pytest.importorskip("obstore.store")
    return S3Objects(lambda _: store.MemoryStore())


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return FolderObjects(tmp_path / "obs") if request.param == "folder" else in_memory()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def pieces(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        yield part


async def put(objects: Objects, key: str, *parts: bytes) -> None:
    await objects.write(ObsPath("bbb", key), pieces(*parts))


async def get(objects: Objects, key: str, *part: int) -> bytes:
    return b"".join([piece async for piece in objects.read(ObsPath("bbb", key), *part)])


def test_what_was_written_is_read_whole_and_in_parts(objects: Objects) -> None:
    async def work() -> None:
        big = os.urandom(700_000)
        await put(objects, "a/ü.bin", big[:3], big[3:])
        assert await get(objects, "a/ü.bin") == big
        assert await get(objects, "a/ü.bin", 5, 300_000) == big[5:300_000]
        assert await get(objects, "a/ü.bin", 699_990) == big[699_990:]
        assert await get(objects, "a/ü.bin", 7, 7) == b""
        info = await objects.head(ObsPath("bbb", "a/ü.bin"))
        assert info is not None
        assert (info.key, info.size) == ("a/ü.bin", 700_000)
        assert info.modified_ms > 1_600_000_000_000
        await put(objects, "a/ü.bin", b"new")
        assert await get(objects, "a/ü.bin") == b"new"
        await put(objects, "empty")
        assert await get(objects, "empty") == b""

    run(work())


def test_what_is_not_there_is_told(objects: Objects) -> None:
    async def work() -> None:
        await put(objects, "a/b", b"1")
        for key in ("a", "a/", "a/c", "x/y"):
            assert await objects.head(ObsPath("bbb", key)) is None
            assert await objects.delete(ObsPath("bbb", key)) is False
            with pytest.raises(ObjectMissing):
                await get(objects, key)
        with pytest.raises(PathInvalid):
            await put(objects, "a/", b"1")

    run(work())


def test_a_path_exists_as_an_object_or_as_a_folder_with_something_in_it(objects: Objects) -> None:
    async def work() -> None:
        await put(objects, "a/b/c", b"1")
        found = {key: await objects.exists(ObsPath("bbb", key)) for key in ("a/b/c", "a/b/", "a/", "", "a/b", "x/")}
        assert found == {"a/b/c": True, "a/b/": True, "a/": True, "": True, "a/b": False, "x/": False}
        assert await objects.delete(ObsPath("bbb", "a/b/c"))
        assert not await objects.exists(ObsPath("bbb", "a/"))

    run(work())


def test_the_list_is_in_the_order_of_keys_and_can_be_gone_on_with(objects: Objects) -> None:
    keys = ["a", "b-1", "b.x", "b/1", "b/2/x", "b0", "ü"]

    async def work() -> None:
        for key in reversed(keys):
            await put(objects, key, b"1")
        assert [each.key for each in (await objects.list("bbb")).items] == keys
        assert [each.key for each in (await objects.list("bbb", "b/")).items] == ["b/1", "b/2/x"]
        assert [each.key for each in (await objects.list("bbb", "b")).items] == keys[1:6]
        seen: list[str] = []
        while True:
            page = await objects.list("bbb", after=seen[-1] if seen else "", limit=2)
            seen += [each.key for each in page.items]
            if not page.truncated:
                break
        assert seen == keys

    run(work())


def test_a_write_that_breaks_changes_nothing(objects: Objects) -> None:
    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"half"
        raise RuntimeError("the client hung up")

    async def work() -> None:
        await put(objects, "a", b"old")
        for key in ("a", "b"):
            with pytest.raises(RuntimeError, match="hung up"):
                await objects.write(ObsPath("bbb", key), broken())
        assert await get(objects, "a") == b"old"
        assert [each.key for each in (await objects.list("bbb")).items] == ["a"]

    run(work())


# ---------------------------------------------------------------- the folder alone


@pytest.fixture
def folder(tmp_path: Path) -> FolderObjects:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "obs" / "bbb").mkdir(parents=True)
    return FolderObjects(tmp_path / "obs")


Plant = Callable[[Path], None]


@pytest.mark.parametrize("key", ["link", "link/secret", "hard/../../secret"])
def test_no_link_and_no_key_leads_out(folder: FolderObjects, tmp_path: Path, key: str) -> None:
    bucket = tmp_path / "obs" / "bbb"
    (bucket / "link").symlink_to(tmp_path if "/" in key else tmp_path / "secret")

    async def work() -> None:
        with pytest.raises((ObjectMissing, PathInvalid)):
            await get(folder, key)
        assert [each.key for each in (await folder.list("bbb")).items] == []
        if key == "link/secret":
            with pytest.raises(PathInvalid):
                await put(folder, key, b"x")
        elif key == "link":
            await put(folder, key, b"x")  # replaces the link itself
            assert not (bucket / "link").is_symlink()

    run(work())
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_a_bucket_that_is_a_link_is_no_bucket(folder: FolderObjects, tmp_path: Path) -> None:
    (tmp_path / "obs" / "linked").symlink_to(tmp_path)

    async def work() -> None:
        with pytest.raises(BucketMissing):
            await folder.list("linked")
        assert await folder.head(ObsPath("linked", "secret")) is None

    run(work())


def test_a_pipe_is_no_object(folder: FolderObjects, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "obs" / "bbb" / "pipe")
    assert run(folder.head(ObsPath("bbb", "pipe"))) is None


def test_an_object_and_a_folder_of_one_name_are_refused(folder: FolderObjects) -> None:
    async def work() -> None:
        await put(folder, "a", b"1")
        with pytest.raises(PathInvalid):
            await put(folder, "a/b", b"1")
        await put(folder, "c/d", b"1")
        with pytest.raises(PathInvalid):
            await put(folder, "c", b"1")

    run(work())


def test_a_cancelled_write_leaves_no_draft_and_a_crashed_one_is_cleared(folder: FolderObjects, tmp_path: Path) -> None:
    drafts = tmp_path / "obs" / INCOMING

    async def endless() -> AsyncGenerator[bytes, None]:
        yield b"1"
        await asyncio.Event().wait()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(folder.write(ObsPath("bbb", "a"), endless()), 0.05)

    run(work())
    assert list(drafts.iterdir()) == []
    (drafts / "left").write_bytes(b"x")
    FolderObjects(tmp_path / "obs")
    assert list(drafts.iterdir()) == []


def test_the_folders_that_a_write_makes_are_synced_as_the_object_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut takes one of them, and the object with it."""
    synced, sync = set(), os.fsync

    def noted(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    run(put(FolderObjects(tmp_path / "obs"), "a/b/c", b"x"))
    bucket = tmp_path / "obs" / "bbb"
    for each in (bucket.parent, bucket, bucket / "a", bucket / "a" / "b", bucket / "a" / "b" / "c"):
        assert each.stat().st_ino in synced, each


def test_a_missing_bucket_is_told_and_a_name_that_is_none_refused(folder: FolderObjects) -> None:
    with pytest.raises(BucketMissing):
        run(folder.list("nobody"))
    with pytest.raises(PathInvalid):
        run(folder.list(".incoming"))


def test_settings_choose_the_storage(tmp_path: Path) -> None:
    def opened(endpoint: str) -> Objects:
        return open_objects(tmp_path, endpoint=endpoint, access_key="a", secret_key="s", region="eu-de")

    assert isinstance(opened(""), FolderObjects)
    pytest.importorskip("obstore")
    assert isinstance(opened("https://obs.example.com"), S3Objects)


def test_a_path_is_asked_for_by_its_text(folder: FolderObjects) -> None:
    async def work() -> None:
        exists = path_exists(folder)
        await put(folder, "a/b", b"1")
        assert [await exists(f"obs://bbb/{key}") for key in ("a/b", "a/", "x")] == [True, True, False]
        with pytest.raises(PathInvalid):
            await exists("/etc/passwd")

    run(work())
