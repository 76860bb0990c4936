"""Object storage in any S3-compatible store (OBS, MinIO, Ceph, AWS), through obstore (`arkwright[s3]`).

Rules: buckets are the store's own and are not made here. A write is one request, or an upload in parts that becomes an
object only when everything has arrived. obstore is imported when the first request needs it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from arkwright.errors import SettingInvalid
from arkwright.objects.base import CHUNK_BYTES, BucketMissing, Listing, ObjectInfo, ObjectMissing, StorageFailed
from arkwright.objects.paths import ObsPath, PathInvalid

SINGLE_BYTES = 5 * 1024 * 1024
"""Objects up to this size are written by one request."""
_PAGE = 1000
_NO_BUCKET = "NoSuchBucket"


class S3Objects:
    """`arkwright.objects.base.Objects` over obstore. `open_bucket` makes the store of one bucket."""

    def __init__(self, open_bucket: Callable[[str], Any]) -> None:
        self._open_bucket = open_bucket
        self._stores: dict[str, Any] = {}

    @classmethod
    def connect(cls, *, endpoint: str, access_key: str, secret_key: str, region: str) -> S3Objects:
        """Raises `SettingInvalid` if obstore is not installed."""
        try:
            from obstore.store import S3Store
        except ImportError as error:
            raise SettingInvalid(
                "An S3-compatible object storage is set, but its library is not installed.",
                hint="Install arkwright[s3], or leave the setting out to keep objects in the data folder.",
            ) from error

        def open_bucket(bucket: str) -> Any:
            return S3Store(
                bucket,
                endpoint=endpoint,
                access_key_id=access_key,
                secret_access_key=secret_key,
                region=region or "us-east-1",
                client_options={"allow_http": endpoint.startswith("http://")},
            )

        return cls(open_bucket)

    def _store(self, bucket: str) -> Any:
        store = self._stores.get(bucket)
        if store is None:
            store = self._stores[bucket] = self._open_bucket(bucket)
        return store

    async def head(self, path: ObsPath) -> ObjectInfo | None:
        import obstore

        if path.is_folder:
            return None
        try:
            with _told(path):
                return _info(await obstore.head_async(self._store(path.bucket), path.key))
        except ObjectMissing:
            return None

    async def exists(self, path: ObsPath) -> bool:
        if not path.is_folder:
            return await self.head(path) is not None
        try:
            return bool((await self.list(path.bucket, path.key, limit=1)).items) or not path.key
        except BucketMissing:
            return False

    async def read(self, path: ObsPath, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        import obstore

        if path.is_folder:
            raise ObjectMissing(f"There is no object {path}.", field="path")
        if end is not None and end <= start:
            return
        # The types of obstore know a range only as a tuple or an offset.
        options: Any = {}
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        with _told(path):
            found = await obstore.get_async(self._store(path.bucket), path.key, options=options)
            async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(piece)

    async def write(self, path: ObsPath, pieces: AsyncIterable[bytes]) -> ObjectInfo:
        import obstore

        if path.is_folder:
            raise PathInvalid(f"{path} is a folder.", field="path", hint="An object needs a name.")
        store = self._store(path.bucket)
        fault: list[BaseException] = []

        async def watched() -> AsyncGenerator[bytes, None]:
            # obstore tells its own error for one that the pieces raise: ours is the one to tell.
            try:
                async for piece in pieces:
                    yield piece
            except BaseException as error:
                fault.append(error)
                raise

        stream = watched()
        try:
            begun = await _first(stream, SINGLE_BYTES)
            with _told(path):
                # One request where that is enough; an upload in parts takes four.
                whole = len(begun) <= SINGLE_BYTES
                await obstore.put_async(store, path.key, begun if whole else _chained(begun, stream))
        except Exception:
            if fault:
                raise fault[0] from None
            raise
        info = await self.head(path)
        if info is None:
            raise StorageFailed(f"{path} was removed while it was written.")
        return info

    async def delete(self, path: ObsPath) -> bool:
        import obstore

        if await self.head(path) is None:
            return False
        with _told(path):
            await obstore.delete_async(self._store(path.bucket), path.key)
        return True

    async def list(self, bucket: str, prefix: str = "", *, after: str = "", limit: int = 1000) -> Listing:
        import obstore

        path = ObsPath(bucket)
        # obstore's prefix ends at a slash: the rest of it is compared here.
        folder = prefix[: prefix.rfind("/") + 1]
        found: list[ObjectInfo] = []
        with _told(path):
            pages = obstore.list(self._store(bucket), folder or None, offset=after or None, chunk_size=_PAGE)
            async for page in pages:
                for meta in page:
                    info = _info(meta)
                    if not info.key.startswith(prefix) or info.key <= after:
                        continue
                    if len(found) == limit:
                        return Listing(items=found, truncated=True)
                    found.append(info)
        return Listing(items=found, truncated=False)


async def _first(stream: AsyncGenerator[bytes, None], size: int) -> bytes:
    """All of it, or a little more than `size` bytes."""
    begun = bytearray()
    async for piece in stream:
        begun += piece
        if len(begun) > size:
            break
    return bytes(begun)


async def _chained(begun: bytes, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield begun
    async for piece in stream:
        yield piece


def _info(meta: Any) -> ObjectInfo:
    return ObjectInfo(
        key=meta["path"],
        size=meta["size"],
        modified_ms=int(meta["last_modified"].timestamp() * 1000),
        etag=(meta["e_tag"] or "").strip('"'),
    )


@contextmanager
def _told(path: ObsPath) -> Iterator[None]:
    """obstore's errors as ours."""
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        if _NO_BUCKET in str(error):
            raise BucketMissing(f"There is no bucket {path.bucket}.", field="bucket") from error
        raise ObjectMissing(f"There is no object {path}.", field="path") from error
    except BaseError as error:
        raise StorageFailed(f"The object storage refused {path}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
