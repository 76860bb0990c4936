"""Object storage in a folder: a bucket is a folder below it, an object is a file.

Theory of operation: every segment of a path is opened relative to the folder before it and never through a symbolic
link, so no key, no link that somebody planted and no race leads out of the root. A write goes to a file of its own in
`.incoming`, is synced, and is renamed to its place; a crash leaves at most a file there, which the next start of the
same kind of process (`drafts`) removes: the server's drafts and those of the process of its nodes live side by side.
Folders come and go with the objects in them, as in an object storage.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import stat
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from pathlib import Path

from arkwright.objects.base import CHUNK_BYTES, BucketMissing, Listing, ObjectInfo, ObjectMissing, StorageFailed
from arkwright.objects.paths import MAX_KEY_BYTES, ObsPath, PathInvalid

INCOMING = ".incoming"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_TRIES = 5


class FolderObjects:
    """`arkwright.objects.base.Objects` in a folder, which is made when it is first written to."""

    def __init__(self, root: Path, *, drafts: str = "server") -> None:
        """`drafts`: whose drafts these are; at most one process of that name writes at a time."""
        self._root = root
        self._drafts = drafts
        with contextlib.suppress(OSError):
            for left in (root / INCOMING).iterdir():
                owner, dash, _ = left.name.rpartition("-")
                if not dash or owner == drafts:
                    left.unlink()

    async def head(self, path: ObsPath) -> ObjectInfo | None:
        return await asyncio.to_thread(self._head, path)

    async def exists(self, path: ObsPath) -> bool:
        if not path.is_folder:
            return await self.head(path) is not None
        return await asyncio.to_thread(self._has_folder, path)

    async def read(self, path: ObsPath, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        descriptor = await asyncio.to_thread(self._open, path)
        if descriptor is None:
            raise ObjectMissing(f"There is no object {path}.", field="path")
        try:
            while end is None or start < end:
                size = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - start)
                piece = await asyncio.to_thread(os.pread, descriptor, size, start)
                if not piece:
                    return
                start += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    async def write(self, path: ObsPath, pieces: AsyncIterable[bytes]) -> ObjectInfo:
        if path.is_folder:
            raise PathInvalid(f"{path} is a folder.", field="path", hint="An object needs a name.")
        descriptor, draft = await asyncio.to_thread(self._new_draft)
        try:
            try:
                async for piece in pieces:
                    await asyncio.to_thread(_write_all, descriptor, piece)
                await asyncio.to_thread(os.fsync, descriptor)
            finally:
                os.close(descriptor)
            await asyncio.to_thread(self._put_in_place, draft, path)
        except OSError as error:
            raise _failed(path, error) from error
        finally:
            # Without waiting: a cancelled writer must not leave it behind.
            draft.unlink(missing_ok=True)
        info = await self.head(path)
        if info is None:
            raise StorageFailed(f"{path} was removed while it was written.")
        return info

    async def delete(self, path: ObsPath) -> bool:
        return await asyncio.to_thread(self._delete, path)

    async def list(self, bucket: str, prefix: str = "", *, after: str = "", limit: int = 1000) -> Listing:
        return await asyncio.to_thread(self._list, ObsPath(bucket), prefix, after, limit)

    # ---------------------------------------------------------------- in a thread

    @contextlib.contextmanager
    def _folder(self, bucket: str, segments: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder that these segments lead to. Raises `OSError`."""
        if make:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        current = os.open(self._root, _FOLDER)
        try:
            for segment in (bucket, *segments):
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(segment, 0o700, dir_fd=current)
                        os.fsync(current)  # or a power cut takes it, and with it what was synced below it
                following = os.open(segment, _FOLDER, dir_fd=current)
                os.close(current)
                current = following
            yield current
        finally:
            os.close(current)

    def _open(self, path: ObsPath) -> int | None:
        """A descriptor of the object; None: there is none."""
        if path.is_folder:
            return None
        *folders, name = path.segments
        try:
            with self._folder(path.bucket, folders) as folder:
                descriptor = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise _failed(path, error) from error
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        return None

    def _head(self, path: ObsPath) -> ObjectInfo | None:
        descriptor = self._open(path)
        if descriptor is None:
            return None
        try:
            return _info(path.key, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def _has_folder(self, path: ObsPath) -> bool:
        try:
            with self._folder(path.bucket, path.segments) as folder:
                return not path.key or any(_entries(folder))
        except OSError:
            return False

    def _new_draft(self) -> tuple[int, Path]:
        folder = self._root / INCOMING
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = folder / f"{self._drafts}-{secrets.token_hex(16)}"
            return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), draft
        except OSError as error:
            raise StorageFailed(f"The object storage can't be written: {error.strerror}.") from error

    def _put_in_place(self, draft: Path, path: ObsPath) -> None:
        *folders, name = path.segments
        for attempt in range(_TRIES):
            try:
                with self._folder(path.bucket, folders, make=True) as folder:
                    os.rename(draft, name, dst_dir_fd=folder)
                    os.fsync(folder)
                    return
            except FileNotFoundError:
                # Somebody removed the last object of the folder, and with it the folder, at this moment.
                if attempt == _TRIES - 1:
                    raise

    def _delete(self, path: ObsPath) -> bool:
        if path.is_folder:
            return False
        *folders, name = path.segments
        try:
            with self._folder(path.bucket, folders) as folder:
                if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    return False
                os.unlink(name, dir_fd=folder)
                os.fsync(folder)
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return False
            raise _failed(path, error) from error
        while folders:
            *parents, emptied = folders
            try:
                with self._folder(path.bucket, parents) as folder:
                    os.rmdir(emptied, dir_fd=folder)
            except OSError:
                break  # not empty, or gone already
            folders = parents
        return True

    def _list(self, bucket: ObsPath, prefix: str, after: str, limit: int) -> Listing:
        found: list[ObjectInfo] = []
        try:
            with self._folder(bucket.bucket, []) as folder:
                for info in _walk(folder, "", prefix, after):
                    if len(found) == limit:
                        return Listing(items=found, truncated=True)
                    found.append(info)
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                raise BucketMissing(f"There is no bucket {bucket.bucket}.", field="bucket") from None
            raise _failed(bucket, error) from error
        return Listing(items=found, truncated=False)


def _walk(folder: int, base: str, prefix: str, after: str) -> Iterator[ObjectInfo]:
    """Objects below in the order of their keys: a folder is sorted by its name with the slash behind it."""
    for name, is_folder in sorted(_entries(folder)):
        key = base + name
        if len(key.encode()) > MAX_KEY_BYTES:
            continue  # nothing of ours; it could not be asked for
        if is_folder:
            outside = not (key.startswith(prefix) or prefix.startswith(key))
            if outside or (key < after and not after.startswith(key)):
                continue
            try:
                below = os.open(name.removesuffix("/"), _FOLDER, dir_fd=folder)
            except OSError:
                continue  # it went away
            try:
                yield from _walk(below, key, prefix, after)
            finally:
                os.close(below)
        elif key.startswith(prefix) and key > after:
            try:
                yield _info(key, os.stat(name, dir_fd=folder, follow_symlinks=False))
            except OSError:
                continue


def _entries(folder: int) -> Iterator[tuple[str, bool]]:
    """(name, whether it is a folder); a folder's name ends in a slash. Names that are no text can't be keys."""
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                entry.name.encode()
            except UnicodeEncodeError:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield f"{entry.name}/", True
            elif entry.is_file(follow_symlinks=False):
                yield entry.name, False


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size=status.st_size,
        modified_ms=status.st_mtime_ns // 1_000_000,
        etag=f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}",
    )


def _write_all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _failed(path: ObsPath, error: OSError) -> StorageFailed | PathInvalid:
    if error.errno in {errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ELOOP, errno.EEXIST, errno.ENAMETOOLONG}:
        return PathInvalid(
            f"{path} can't be an object here: {error.strerror}.",
            field="path",
            hint="In the embedded storage one key can't be an object and a folder of others.",
        )
    return StorageFailed(f"{path} can't be read or written: {error.strerror}.")
