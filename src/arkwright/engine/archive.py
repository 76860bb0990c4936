"""Logs and outputs of attempts in the object storage, where every server reads them.

Theory of operation
-------------------
Below the prefix: `<id // 1,000,000>/<id // 1000 % 1000>/<id>-<node>-<attempt>/` holds `log/<offset>`, the parts of the
log, and each output under its name. An object storage can't append, so a log is many objects, each named by the byte
that it begins with; **the listing is the manifest**: names tell where parts begin, sizes where they end. (All storages
in question list what was just written: folders, AWS since 2020, OBS, MinIO, Ceph.)

* The last part is written anew until it has `FULL` bytes, so a log has few parts however slowly it grows.
* Writing a part again writes the same bytes or more of them. So a piece that arrives twice changes nothing, and a
  server that died between a write and its answer loses nothing.
* A part that grows is never made shorter: it is looked at before it is replaced. One attempt has one writer at a time;
  a piece of it that was stuck somewhere and arrives late is refused, or is there already.
* A log whose middle was cut out gets a part `<offset>.cut`. From its offset on only that part counts; it is written
  first, and what it replaces is deleted after, so that a reader sees the old log or the new one.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from arkwright.errors import IllegalState, InvalidInput
from arkwright.nodes.base import AttemptKey
from arkwright.objects.base import BucketMissing, ObjectInfo, ObjectMissing, Objects
from arkwright.objects.paths import ObsPath

FULL = 128 * 1024
"""Bytes from which on a part stays as it is."""
LARGEST = 4 * 1024 * 1024
TAILS = 128
"""Last parts kept in memory, at most `FULL` bytes each."""
_PART = re.compile(r"(\d{16})(\.cut)?")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Part:
    start: int
    size: int
    cut: bool
    modified_ms: int = 0

    @property
    def end(self) -> int:
        return self.start + self.size

    @property
    def name(self) -> str:
        return f"{self.start:016}{'.cut' if self.cut else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """What there is of a log: parts without gaps, the end of each where the next one begins."""

    parts: tuple[Part, ...] = ()

    @property
    def size(self) -> int:
        return self.parts[-1].end if self.parts else 0

    @property
    def modified_ms(self) -> int:
        return max((each.modified_ms for each in self.parts), default=0)


@dataclass(slots=True)
class _Tail:
    """The last part of a log, with its bytes unless it is full."""

    part: Part
    data: bytes


def state_of(found: Sequence[ObjectInfo], folder: str) -> LogState:
    """From a listing of a log's parts, in any order."""
    parts = []
    for info in found:
        match = _PART.fullmatch(info.key.removeprefix(folder))
        if match:
            parts.append(Part(int(match[1]), info.size, match[2] is not None, info.modified_ms))
    cut = min((each.start for each in parts if each.cut), default=None)
    kept = [each for each in parts if each.cut or cut is None or each.start < cut]
    kept.sort(key=lambda each: each.start)
    whole: list[Part] = []
    for each in kept:
        if (whole[-1].end if whole else 0) < each.start:
            break  # what is between them is missing
        whole.append(each)
    return LogState(parts=tuple(whole))


class Archive:
    """An `AttemptFiles`, and what reads it."""

    def __init__(self, objects: Objects, place: ObsPath) -> None:
        """`place`: bucket and prefix."""
        self._objects = objects
        self._bucket = place.bucket
        self._prefix = f"{place.key.rstrip('/')}/" if place.key else ""
        self._tails: OrderedDict[AttemptKey, _Tail] = OrderedDict()
        self._locks: WeakValueDictionary[AttemptKey, asyncio.Lock] = WeakValueDictionary()

    # -- writing
    async def log_end(self, key: AttemptKey) -> int:
        return (await self.log_state(key)).size

    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        """Raises `IllegalState` if something before `offset` has not arrived."""
        async with self._lock(key):
            tail = await self._known_tail(key, offset)
            if offset > tail.part.end:
                raise IllegalState(
                    f"The log of attempt {key} has {tail.part.end} bytes; a piece at {offset} leaves a gap.",
                    hint=f"Go on from {tail.part.end}.",
                )
            new = data[tail.part.end - offset :]
            while new:
                grows = tail.part.cut or len(tail.data) < FULL
                before = tail.data if grows else b""
                room = max(LARGEST - len(before), FULL)
                start = tail.part.start if grows else tail.part.end
                body = before + new[:room]
                new = new[room:]
                tail = _Tail(Part(start, len(body), grows and tail.part.cut), body)
                await self._put(key, tail)

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        async with self._lock(key):
            self._tails.pop(key, None)
            new = Part(offset, len(data), cut=True)
            await self._put(key, _Tail(new, data))
            folder = self._log(key)
            for info in await self._listed(folder):
                match = _PART.fullmatch(info.key.removeprefix(folder))
                if match and int(match[1]) >= offset and info.key != folder + new.name:
                    await self._objects.delete(ObsPath(self._bucket, info.key))

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        await self._objects.write(self._output(key, name), _once(data))

    async def ended(self, key: AttemptKey) -> None:
        self._tails.pop(key, None)

    def _lock(self, key: AttemptKey) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    async def _known_tail(self, key: AttemptKey, offset: int) -> _Tail:
        tail = self._tails.get(key)
        if tail is not None and tail.part.end == offset:
            info = await self._objects.head(ObsPath(self._bucket, self._log(key) + tail.part.name))
            if info is not None and info.size == tail.part.size:
                return tail
        state = await self.log_state(key)
        if not state.parts:
            return _Tail(Part(0, 0, cut=False), b"")
        last = state.parts[-1]
        data = b""
        if last.cut or last.size < FULL:
            data = b"".join([piece async for piece in self.read_log(key, last.start, last.end, state)])
        # A full part stays as it is: as if it had no room.
        return _Tail(last, data if data or not last.size else bytes(FULL))

    async def _put(self, key: AttemptKey, tail: _Tail) -> None:
        self._tails.pop(key, None)  # if this fails, nobody knows what is there
        await self._objects.write(ObsPath(self._bucket, self._log(key) + tail.part.name), _once(tail.data))
        if len(tail.data) < FULL:
            self._tails[key] = tail
            if len(self._tails) > TAILS:
                self._tails.popitem(last=False)

    # -- reading
    async def log_state(self, key: AttemptKey) -> LogState:
        folder = self._log(key)
        return state_of(await self._listed(folder), folder)

    async def read_log(
        self, key: AttemptKey, start: int, end: int, state: LogState | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Bytes from `start` up to `end`, as far as there are any."""
        folder = self._log(key)
        tries = 0
        while start < end:
            if state is None:
                state = await self.log_state(key)
            begun = start
            for number, part in enumerate(state.parts):
                until = min(end, state.parts[number + 1].start if number + 1 < len(state.parts) else part.end)
                if start >= until:
                    continue
                try:
                    path = ObsPath(self._bucket, folder + part.name)
                    async for piece in self._objects.read(path, start - part.start, until - part.start):
                        start += len(piece)
                        yield piece
                except ObjectMissing:
                    break  # the log was cut meanwhile
            else:
                return
            tries = tries + 1 if start == begun else 0
            if tries > 3:
                return
            state = None

    async def read_output(self, key: AttemptKey, name: str, limit: int) -> bytes | None:
        """At most `limit` bytes of it. None: there is none."""
        try:
            return b"".join([piece async for piece in self._objects.read(self._output(key, name), 0, limit)])
        except (ObjectMissing, BucketMissing):
            return None

    # -- clearing away
    async def delete(self, instance_id: int) -> int:
        """All that is kept of an instance's attempts; how many objects that was."""
        found = await self._listed(f"{self._folder(instance_id)}{instance_id}-")
        for info in found:
            await self._objects.delete(ObsPath(self._bucket, info.key))
        return len(found)

    # -- names
    def _folder(self, instance_id: int) -> str:
        return f"{self._prefix}{instance_id // 1_000_000}/{instance_id // 1000 % 1000:03}/"

    def _log(self, key: AttemptKey) -> str:
        return f"{self._folder(key.instance_id)}{key.instance_id}-{key.node}-{key.attempt}/log/"

    def _output(self, key: AttemptKey, name: str) -> ObsPath:
        if not _NAME.fullmatch(name) or name == "log":
            raise InvalidInput(f"{name[:64]!r} can't be the name of an output.", field="name")
        folder = f"{self._folder(key.instance_id)}{key.instance_id}-{key.node}-{key.attempt}"
        return ObsPath(self._bucket, f"{folder}/{name}")

    async def _listed(self, prefix: str) -> list[ObjectInfo]:
        found: list[ObjectInfo] = []
        try:
            while True:
                page = await self._objects.list(self._bucket, prefix, after=found[-1].key if found else "", limit=1000)
                found.extend(page.items)
                if not page.truncated:
                    return found
        except BucketMissing:
            return []


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
