"""The object storage that plain values ask for: a folder, or an S3-compatible store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from arkwright.objects.base import Objects
from arkwright.objects.folder import FolderObjects
from arkwright.objects.paths import parse


def open_objects(
    folder: Path, *, endpoint: str, access_key: str, secret_key: str, region: str, drafts: str = "server"
) -> Objects:
    """In the folder (`drafts`: see `FolderObjects`), unless there is an endpoint. Raises `SettingInvalid` if the
    library for that is missing."""
    if not endpoint:
        return FolderObjects(folder, drafts=drafts)
    # Imported here: a server with embedded storage starts without it.
    from arkwright.objects.s3 import S3Objects

    return S3Objects.connect(endpoint=endpoint, access_key=access_key, secret_key=secret_key, region=region)


def path_exists(objects: Objects) -> Callable[[str], Awaitable[bool]]:
    """Whether an `obs://` path exists, as expressions ask for it. The answer raises `PathInvalid`."""

    async def exists(path: str) -> bool:
        return await objects.exists(parse(path))

    return exists
