"""News of the embedded object storage: uploads tell of themselves, the operating system tells of files dropped in.

Rules: nothing is watched while nobody listens; one watch serves all who do. The library (`watchfiles`, an extra)
stands on inotify and its like; without it, or where the system refuses (too many watches), uploads are still told of
at once, and dropped files are found by the regular look.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path

from arkwright.objects.base import Listing, ObjectInfo, Objects
from arkwright.objects.folder import INCOMING
from arkwright.objects.paths import ObsPath

log = logging.getLogger("arkwright.events")

_REMEMBERED = 10_000
_GATHER_MS = 300
"""Changes that come this close together are told of once."""


class FolderNews:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._listeners: dict[asyncio.Event, ObsPath] = {}
        self._whole: dict[ObsPath, str] = {}
        self._watching: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def watch(self, path: ObsPath, changed: asyncio.Event) -> AsyncGenerator[None, None]:
        self._listeners[changed] = path
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="folder watch")
        try:
            yield
        finally:
            del self._listeners[changed]
            if not self._listeners and self._watching is not None:
                watching, self._watching = self._watching, None
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    def is_whole(self, path: ObsPath, etag: str) -> bool:
        return self._whole.get(path) == etag

    def uploaded(self, path: ObsPath, etag: str) -> None:
        """An object was written through this server."""
        if not self._listeners:
            return
        if len(self._whole) >= _REMEMBERED:
            self._whole.clear()
        self._whole[path] = etag
        self._tell(path)

    def _tell(self, path: ObsPath) -> None:
        for changed, wanted in self._listeners.items():
            if wanted.bucket == path.bucket and (path.key.startswith(wanted.key) or wanted.key.startswith(path.key)):
                changed.set()

    async def _watch(self) -> None:
        try:
            from watchfiles import DefaultFilter, awatch
        except ImportError:
            log.info("watchfiles is not installed: files dropped into %s are found every ten minutes", self._root)
            return
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        only = DefaultFilter(ignore_dirs=(INCOMING,), ignore_entity_patterns=())
        try:
            async for changes in awatch(self._root, watch_filter=only, debounce=_GATHER_MS, step=50):
                for _, name in changes:
                    self._changed(Path(name))
        except (OSError, RuntimeError) as error:
            log.warning("%s can't be watched (%s): files dropped there are found every ten minutes", self._root, error)

    def _changed(self, file: Path) -> None:
        try:
            bucket, *rest = file.relative_to(self._root).parts
        except ValueError:
            return  # the root itself
        for changed, wanted in self._listeners.items():
            key = "/".join(rest)
            if wanted.bucket == bucket and (key.startswith(wanted.key) or wanted.key.startswith(key)):
                changed.set()


class TellingObjects:
    """An object storage that tells of what is written to it."""

    def __init__(self, objects: Objects, news: FolderNews) -> None:
        self._objects = objects
        self._news = news

    async def head(self, path: ObsPath) -> ObjectInfo | None:
        return await self._objects.head(path)

    async def exists(self, path: ObsPath) -> bool:
        return await self._objects.exists(path)

    def read(self, path: ObsPath, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        return self._objects.read(path, start, end)

    async def write(self, path: ObsPath, pieces: AsyncIterable[bytes]) -> ObjectInfo:
        info = await self._objects.write(path, pieces)
        self._news.uploaded(path, info.etag)
        return info

    async def delete(self, path: ObsPath) -> bool:
        return await self._objects.delete(path)

    async def list(self, bucket: str, prefix: str = "", *, after: str = "", limit: int = 1000) -> Listing:
        return await self._objects.list(bucket, prefix, after=after, limit=limit)
