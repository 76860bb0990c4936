"""The file that an import names: fetched from the object storage once, then read from a copy of its own.

Rules: the copy is private, has no name that anybody could guess, and is gone when the reading is over.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from arkwright.api.call import Call
from arkwright.api.error_codes import NOT_CONFIGURED, OBS_UNREADABLE
from arkwright.api.errors import HttpRefusal
from arkwright.api.limits import IMPORT_BYTES
from arkwright.api.obs import told
from arkwright.objects.paths import ObsPath, parse
from arkwright.transfer.package import MAX_ARCHIVE_BYTES, Package, PackageInvalid


def read_path(given: Any) -> ObsPath:
    """Raises `HttpRefusal`."""
    if given in (None, ""):
        raise HttpRefusal(NOT_CONFIGURED, "path is missing.", hint="Send path, such as obs://bucket/jobs.zip.")
    with told():
        path = parse(given)
    if path.is_folder:
        raise HttpRefusal(OBS_UNREADABLE, f"{path} is a folder; path must name a zip.")
    return path


class Source:
    """A copy of the object, and the zip in it once it is opened. Close it, whatever happens."""

    def __init__(self, path: ObsPath) -> None:
        self.path = path
        self._folder = tempfile.TemporaryDirectory(prefix="arkwright-import-")
        self._package: Package | None = None

    @property
    def package(self) -> Package:
        assert self._package is not None, "opened before it is read"
        return self._package

    async def fetch(self, call: Call) -> None:
        """Copy the object. Raises `HttpRefusal`."""
        with told():
            info = await call.parts.objects.head(self.path)
            if info is None:
                raise HttpRefusal(OBS_UNREADABLE, f"There is no object {self.path}.")
            most = MAX_ARCHIVE_BYTES if call.parts.limits is None else IMPORT_BYTES
            if info.size > most:
                raise HttpRefusal(OBS_UNREADABLE, f"{self.path} has more than {most} bytes.")
            await self._copy(call.parts.objects.read(self.path, 0, info.size))

    async def open(self) -> None:
        """Raises `PackageInvalid`."""
        self._package = await asyncio.to_thread(Package, self.file)

    async def close(self) -> None:
        if self._package is not None:
            await asyncio.to_thread(self._package.close)
        await asyncio.to_thread(self._folder.cleanup)

    async def _copy(self, content: AsyncGenerator[bytes, None]) -> None:
        file = await asyncio.to_thread(self.file.open, "wb")
        try:
            async for piece in content:
                await asyncio.to_thread(file.write, piece)
        finally:
            await asyncio.to_thread(file.close)

    @property
    def file(self) -> Path:
        return Path(self._folder.name) / "file.zip"


async def fetched(call: Call, given: Any) -> Source:
    """The source whose object is there. The caller closes it."""
    source = Source(read_path(given))
    try:
        await source.fetch(call)
    except BaseException:
        await source.close()
        raise
    return source


def unreadable(error: PackageInvalid) -> HttpRefusal:
    return HttpRefusal(OBS_UNREADABLE, error.message, hint=error.hint)
