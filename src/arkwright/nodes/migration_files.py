"""Files of a migration: brought from the workspace or obs:// into the attempt's folder as plain UTF-8, and back.

A workspace's files are taken as a bucket of the folder storage, so that no link leads out of them and a file is there
whole or not at all, as with obs://.
"""

from __future__ import annotations

import asyncio
import codecs
import gzip
import os
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from arkwright.errors import ArkwrightError
from arkwright.nodes.migration_ends import MigrationFailed
from arkwright.nodes.migration_plan import PARQUET, Format, PlanWrong
from arkwright.nodes.object_storage import storage
from arkwright.objects.base import CHUNK_BYTES, BucketMissing, ObjectMissing, Objects
from arkwright.objects.folder import FolderObjects
from arkwright.objects.paths import SCHEME, ObsPath, PathInvalid, parse

FILES = "files"
MOST_FILES = 10_000
_WILD = "*?["
_STORAGE = ("objects_folder", "s3_endpoint", "s3_region", "s3_access_key", "s3_secret_key")
_STORES: dict[tuple[str, ...], Objects] = {}
"""One of each for the whole process: a new one removes the drafts that it finds, whoever is writing them."""


class Files:
    """Of one workspace. Used on the loop."""

    def __init__(self, workspace_folder: Path, settings: Mapping[str, Any], name: str) -> None:
        """`name`: whose drafts there are; one process writes under it at a time."""
        self._workspace = workspace_folder
        self._settings = settings
        self._name = name

    async def bring(self, path: str, form: Format, folder: Path, check: Callable[[], None]) -> list[tuple[str, Path]]:
        """The files of that path, which may be a folder (with `/`) or hold `*` and `?`: name and copy of each."""
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        copies = []
        try:
            for number, found in enumerate(await self._found(path)):
                copy = folder / f"source-{number}.{form.kind}"
                await self._copy(found, form, copy, check)
                copies.append((str(found) if path.startswith(SCHEME) else found.key, copy))
        except ArkwrightError as error:
            raise MigrationFailed(f"The source {path}: {error}") from None
        return copies

    async def _copy(self, path: ObsPath, form: Format, copy: Path, check: Callable[[], None]) -> None:
        change = _reading(form, path.key)
        with copy.open("wb") as file:
            async for piece in self._store(path).read(path):
                check()
                file.write(change(piece, False))
            file.write(change(b"", True))

    async def fetch(self, path: str, copy: Path, check: Callable[[], None]) -> bool:
        """A copy of a file as it is. False: there is none."""
        await asyncio.to_thread(copy.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        place = read_path(path)
        try:
            with copy.open("wb") as file:
                async for piece in self._store(place).read(place):
                    check()
                    file.write(piece)
        except (ObjectMissing, BucketMissing):
            await asyncio.to_thread(copy.unlink)
            return False
        except ArkwrightError as error:
            raise MigrationFailed(f"{path}: {error}") from None
        return True

    async def put(self, copy: Path, path: str) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            with copy.open("rb") as file:
                while piece := file.read(CHUNK_BYTES):
                    yield piece

        place = read_path(path)
        try:
            await self._store(place).write(place, pieces())
        except ArkwrightError as error:
            raise MigrationFailed(f"The target {path}: {error}") from None

    async def text(self, path: str, most_bytes: int) -> str:
        """A small file as a whole."""
        place = read_path(path)
        data = b""
        try:
            async for piece in self._store(place).read(place):
                data += piece
                if len(data) > most_bytes:
                    raise PlanWrong(f"{path} is larger than {most_bytes:,} bytes.")
        except ArkwrightError as error:
            raise PlanWrong(f"{path}: {error}") from None
        return data.decode(errors="replace")

    async def _found(self, path: str) -> list[ObsPath]:
        if not path.endswith("/") and not any(letter in path for letter in _WILD):
            return [read_path(path)]
        head, _, pattern = path.rpartition("/")
        if any(letter in head for letter in _WILD):
            raise PlanWrong(f"sourcePath {path}: only the last part may hold * and ?.")
        folder = read_path(f"{head}/") if head else _OwnPath(FILES)
        found: list[ObsPath] = []
        after = ""
        while True:
            page = await self._store(folder).list(folder.bucket, folder.key, after=after)
            for info in page.items:
                name = info.key.removeprefix(folder.key)
                if "/" not in name and not name.startswith(".") and fnmatchcase(name, pattern or "*"):
                    found.append(type(folder)(folder.bucket, info.key))
            if len(found) > MOST_FILES:
                raise PlanWrong(f"sourcePath {path} is more than {MOST_FILES:,} files.")
            if not page.truncated:
                break
            after = page.items[-1].key
        if not found:
            raise MigrationFailed(f"The source {path}: there is no such file.")
        return found

    def _store(self, path: ObsPath) -> Objects:
        own = isinstance(path, _OwnPath)
        key = (str(self._workspace),) if own else tuple(str(self._settings.get(each)) for each in _STORAGE)
        if key not in _STORES:
            _STORES[key] = (
                FolderObjects(self._workspace, drafts=self._name) if own else storage(self._settings, drafts=self._name)
            )
        return _STORES[key]


class _OwnPath(ObsPath):
    """One of the workspace's files."""


def read_path(path: str) -> ObsPath:
    """Raises `PlanWrong`."""
    try:
        if path.startswith(SCHEME):
            return parse(path)
        return _OwnPath(FILES, path.removeprefix("./"))
    except PathInvalid as error:
        raise PlanWrong(f"{path}: {error}") from None


def own_file(workspace_folder: Path, path: str) -> Path:
    """Where a database file of the workspace is: the database itself has to open it. Raises `PlanWrong` for one that a
    link leads out of the workspace."""
    root = Path(os.path.realpath(workspace_folder / FILES))
    place = root.joinpath(*read_path(path).segments)
    if Path(os.path.realpath(place)) != place:
        raise PlanWrong(f"{path} is, or goes through, a symbolic link.")
    return place


def _reading(form: Format, key: str) -> Callable[[bytes, bool], bytes]:
    """Piece by piece: unpacked, and as UTF-8."""
    if form.kind == PARQUET:
        return lambda piece, _: piece
    unpack = _Unpacked().feed if form.gzip or key.endswith(".gz") else None
    try:
        plain = codecs.lookup(form.encoding).name == "utf-8"
        decode = codecs.getincrementaldecoder("utf-8-sig" if plain else form.encoding)()
    except LookupError:
        raise PlanWrong(f"There is no encoding {form.encoding!r}.") from None

    def change(piece: bytes, final: bool) -> bytes:
        try:
            data = unpack(piece, final) if unpack is not None else piece
            return decode.decode(data, final).encode()
        except (UnicodeDecodeError, zlib.error, EOFError) as error:
            raise MigrationFailed(f"The source {key} can't be read as {form.encoding}: {error}") from None

    return change


class _Unpacked:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(31)

    def feed(self, piece: bytes, final: bool) -> bytes:
        found = b""
        while piece:
            found += self._member.decompress(piece)
            piece = self._member.unused_data
            if self._member.eof and piece:
                self._member = zlib.decompressobj(31)
        if final and not self._member.eof:
            raise EOFError("the gzip file ends too early")
        return found


def packed(copy: Path) -> Path:
    result = copy.with_name(f"{copy.name}.gz")
    with copy.open("rb") as source, gzip.GzipFile(result, "wb", 6, mtime=0) as target:
        while piece := source.read(CHUNK_BYTES):
            target.write(piece)
    return result
