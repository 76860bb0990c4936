"""The contract of an object storage: whole objects, read and written as streams.

Rules: an object is there whole or not at all, also when the writer fails or is cancelled in the middle; nothing is
held in memory but the piece under way; a missing object is None, not an error, except where its bytes are asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from arkwright.errors import ArkwrightError, NotFound
from arkwright.objects.paths import ObsPath

CHUNK_BYTES = 256 * 1024


class ObjectMissing(NotFound):
    """There is no such object."""


class BucketMissing(NotFound):
    """There is no such bucket."""


class StorageFailed(ArkwrightError):
    """The object storage can't be used now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    key: str
    size: int
    modified_ms: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    items: Sequence[ObjectInfo]
    truncated: bool
    """Whether more follow after the last item."""


class Objects(Protocol):
    async def head(self, path: ObsPath) -> ObjectInfo | None: ...

    async def exists(self, path: ObsPath) -> bool:
        """Whether there is an object of that key, or, for a folder's path, anything below it."""
        ...

    def read(self, path: ObsPath, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Bytes from `start` up to, not including, `end`. Raises `ObjectMissing` with the first piece."""
        ...

    async def write(self, path: ObsPath, pieces: AsyncIterable[bytes]) -> ObjectInfo:
        """Replaces what was there once everything has arrived. A missing bucket is made where that can be done.
        What `pieces` raises is raised, and nothing is changed."""
        ...

    async def delete(self, path: ObsPath) -> bool:
        """False: there was none."""
        ...

    async def list(self, bucket: str, prefix: str = "", *, after: str = "", limit: int = 1000) -> Listing:
        """Objects whose key begins with `prefix` and comes after `after`, in the order of their keys. Raises
        `BucketMissing`."""
        ...
