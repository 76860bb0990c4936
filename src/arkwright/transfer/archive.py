"""Writing the zips that export answers, piece by piece: one entry in memory at a time.

Rules: the same entries make the same bytes, so no clock goes in. Names of jobs, scripts and resources hold no slash, so
an entry lies where its layout says. Layouts (factory-api 6.1): of one job `jobs/<job>.job`; of several
`jobs/<job>/<job>.job`; beside them `scripts/<script>.script` and `resources/<resource>.resource`; of connections
`connections/<connection>.conn`.

An entry is the document as it is being developed. Where another version is submitted, or none, the entry says so in a
field of our own, `SUBMITTED`: with that version, or null. Others ignore the field.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from typing import Any, cast

import msgspec

SUBMITTED = "arkwrightSubmitted"

_NO_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


class _Sink:
    """A file that only takes, and gives what it took."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def job_entry(name: str, *, alone: bool) -> str:
    return f"jobs/{name}.job" if alone else f"jobs/{name}/{name}.job"


def script_entry(name: str) -> str:
    return f"scripts/{name}.script"


def resource_entry(name: str) -> str:
    return f"resources/{name}.resource"


def connection_entry(name: str) -> str:
    return f"connections/{name}.conn"


async def zipped(entries: AsyncIterable[tuple[str, Mapping[str, Any]]]) -> AsyncGenerator[bytes, None]:
    """The zip of these (path, document) pairs."""
    sink = _Sink()
    # A sink that can't seek is a stream to zipfile, which then writes sizes behind the entries.
    archive = zipfile.ZipFile(cast("Any", sink), "w", zipfile.ZIP_DEFLATED)
    async for path, document in entries:
        await asyncio.to_thread(_add, archive, path, document)
        piece = sink.take()
        if piece:
            yield piece
    archive.close()
    yield sink.take()


def _add(archive: zipfile.ZipFile, path: str, document: Mapping[str, Any]) -> None:
    info = zipfile.ZipInfo(path, _NO_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = _MODE
    archive.writestr(info, msgspec.json.encode(document))
