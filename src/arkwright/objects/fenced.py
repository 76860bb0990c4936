"""An object storage without the part of it that is the installation's own, such as the place where logs are kept.

Rule: what is behind the fence is refused by name, and never listed; whoever may read objects may read all others.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

from arkwright.objects.base import Listing, ObjectInfo, Objects
from arkwright.objects.paths import ObsPath, PathInvalid

_BEHIND_ALL = "\U0010ffff"


class FencedObjects:
    def __init__(self, objects: Objects, reserved: ObsPath) -> None:
        """`reserved`: a bucket, or a folder in one."""
        self._objects = objects
        self._bucket = reserved.bucket
        self._prefix = f"{reserved.key.rstrip('/')}/" if reserved.key else ""

    def _check(self, path: ObsPath) -> None:
        if path.bucket == self._bucket and f"{path.key}/".startswith(self._prefix):
            raise PathInvalid(
                f"{path} is where the installation keeps logs and outputs; it is not open to anybody.",
                field="path",
                hint="Read a node's log as that of its instance, and choose another path for your objects.",
            )

    async def head(self, path: ObsPath) -> ObjectInfo | None:
        self._check(path)
        return await self._objects.head(path)

    async def exists(self, path: ObsPath) -> bool:
        self._check(path)
        return await self._objects.exists(path)

    async def read(self, path: ObsPath, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        self._check(path)
        async for piece in self._objects.read(path, start, end):
            yield piece

    async def write(self, path: ObsPath, pieces: AsyncIterable[bytes]) -> ObjectInfo:
        self._check(path)
        return await self._objects.write(path, pieces)

    async def delete(self, path: ObsPath) -> bool:
        self._check(path)
        return await self._objects.delete(path)

    async def list(self, bucket: str, prefix: str = "", *, after: str = "", limit: int = 1000) -> Listing:
        if bucket != self._bucket:
            return await self._objects.list(bucket, prefix, after=after, limit=limit)
        found: list[ObjectInfo] = []
        while True:
            page = await self._objects.list(bucket, prefix, after=after, limit=limit + 1)
            for info in page.items:
                after = info.key
                if info.key.startswith(self._prefix):
                    after = self._prefix + _BEHIND_ALL
                    break
                if len(found) == limit:
                    return Listing(items=found, truncated=True)
                found.append(info)
            else:
                if not page.truncated:
                    return Listing(items=found, truncated=False)
            if not page.items:
                return Listing(items=found, truncated=False)
