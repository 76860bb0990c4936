"""New objects below a path of the object storage: those found at one look start one run (`Job.trigger.obsNewFiles`).

Theory of operation
-------------------
What has been seen is kept in the store: per object its version (entity tag), so an object fires once, again when it is
replaced, and again when it was deleted and comes back. The first start takes what is there as seen; later starts
(LAST) and every restart of the server fire for what came meanwhile; NEW takes what is there as seen at each start.

When is looked: the embedded storage tells of each upload through the API at once, and `folder_watch` of files that
somebody drops into its folder; a look every ten minutes covers what both may miss. A file that was not uploaded is
taken when it has not changed for two seconds: copies arrive piece by piece. S3-compatible storages tell nobody, so they
are listed at the trigger's interval, as long as it is active.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol

from arkwright.core.schedule import Event
from arkwright.engine.interface import Occurrence
from arkwright.errors import ArkwrightError
from arkwright.objects.base import BucketMissing, ObjectInfo, Objects
from arkwright.objects.paths import ObsPath, parse
from arkwright.scheduler.events.base import Happening, Listener, SourceFailed

MOST_OBJECTS = 100_000
"""Below one path: what was seen of each is kept, and compared at each look."""
MOST_FILES = 1_000
"""In one run; more of them start further runs."""
LISTING_SECONDS = 60.0
WATCHED_SECONDS = 600.0
QUIET_MS = 2_000
_PAGE = 1_000


class News(Protocol):
    """Tells of changes in the object storage, where that can be done."""

    def watch(self, path: ObsPath, changed: asyncio.Event) -> contextlib.AbstractAsyncContextManager[None]:
        """While entered, `changed` is set soon after something below the path may have changed."""
        ...

    def is_whole(self, path: ObsPath, etag: str) -> bool:
        """Whether this version is known to be complete, so that there is no need to wait for more of it."""
        ...


class ObsSource:
    def __init__(self, event: Event, objects: Objects, news: News | None) -> None:
        """`news`: None where the storage tells of nothing."""
        self._event = event
        self._objects = objects
        self._news = news

    async def run(self, listener: Listener) -> None:
        path = obs_path(self._event.channel)
        changed = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            if self._news is not None:
                await stack.enter_async_context(self._news.watch(path, changed))
            look = _Look(path, self._objects, listener, self._news)
            await look.begin()
            listener.listening()
            while True:
                changed.clear()
                unquiet = await look.once()
                wait_seconds = self._interval_seconds
                if unquiet is not None:
                    wait_seconds = min(wait_seconds, unquiet / 1000)
                timer = listener.clock.call_at(listener.clock.now_ms() + int(wait_seconds * 1000), changed.set)
                try:
                    await changed.wait()
                finally:
                    timer.cancel()

    @property
    def _interval_seconds(self) -> float:
        if self._news is not None:
            return WATCHED_SECONDS
        return float(self._event.interval_seconds or LISTING_SECONDS)


class _Look:
    """What was seen, and looks for what is new."""

    def __init__(self, path: ObsPath, objects: Objects, listener: Listener, news: News | None) -> None:
        self._path = path
        self._objects = objects
        self._listener = listener
        self._news = news
        self._seen: dict[str, str] = {}

    async def begin(self) -> None:
        trigger, store = self._listener.trigger, self._listener.store
        # The position says that an earlier start has looked: an empty path leaves no versions behind.
        positions = await store.open_positions(trigger.id, {})
        self._seen = dict(await store.get_marks(trigger.id))
        if "looked" in positions:
            return
        self._seen = {key: each.etag for key, each in (await self._list()).items()}
        await store.change_marks(trigger.id, trigger.epoch, seen=self._seen)
        await store.open_positions(trigger.id, {"looked": self._listener.clock.now_ms()})

    async def once(self) -> int | None:
        """Take what is new. Answers after how many milliseconds a file is old enough that is still being written."""
        found = await self._list()
        gone = [key for key in self._seen if key not in found]
        if gone:
            trigger = self._listener.trigger
            await self._listener.store.change_marks(trigger.id, trigger.epoch, seen={}, gone=gone)
            for key in gone:
                del self._seen[key]
        new = [each for key, each in found.items() if self._seen.get(key) != each.etag]
        now_ms = self._listener.clock.now_ms()
        young = [each for each in new if self._may_grow(each, now_ms)]
        ready = sorted((each for each in new if each not in young), key=lambda each: (each.modified_ms, each.key))
        for start in range(0, len(ready), MOST_FILES):
            await self._take(ready[start : start + MOST_FILES])
        self._listener.polled(objects=len(found), lag=len(young))
        if not young:
            return None
        return max(QUIET_MS - (now_ms - max(each.modified_ms for each in young)), 50)

    def _may_grow(self, info: ObjectInfo, now_ms: int) -> bool:
        if self._news is None or self._news.is_whole(ObsPath(self._path.bucket, info.key), info.etag):
            return False
        return 0 <= now_ms - info.modified_ms < QUIET_MS

    async def _take(self, new: list[ObjectInfo]) -> None:
        files = tuple(f"obs://{self._path.bucket}/{each.key}" for each in new)
        marks = {each.key: each.etag for each in new}
        words = f"OBS {files[0]}" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
        if not await self._listener.take(Happening(occurrence=Occurrence(source=words, new_files=files), marks=marks)):
            # Some of them were taken by another server: look again at what is left.
            self._seen = dict(await self._listener.store.get_marks(self._listener.trigger.id))
            left = [each for each in new if self._seen.get(each.key) != each.etag]
            if left:
                await self._take(left)
            return
        self._seen.update(marks)

    async def _list(self) -> Mapping[str, ObjectInfo]:
        found: dict[str, ObjectInfo] = {}
        after = ""
        while True:
            try:
                page = await self._objects.list(self._path.bucket, self._path.key, after=after, limit=_PAGE)
            except BucketMissing:
                return {}  # it may be made later
            except ArkwrightError as error:
                raise SourceFailed(f"{self._path} can't be listed: {error}") from error
            found.update({each.key: each for each in page.items if not each.key.endswith("/")})
            if len(found) > MOST_OBJECTS:
                raise SourceFailed(
                    f"There are more than {MOST_OBJECTS} objects below {self._path}.",
                    hint="Listen to a narrower path, or move away what has been dealt with.",
                )
            if not page.truncated or not page.items:
                return found
            after = page.items[-1].key


def obs_path(channel: str) -> ObsPath:
    """Raises `InvalidInput`. `bucket/folder/` means `obs://bucket/folder/`."""
    given = channel.strip()
    return parse(given if "://" in given else f"obs://{given.lstrip('/')}")
