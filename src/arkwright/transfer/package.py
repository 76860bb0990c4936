"""Reading a zip that somebody wants to import, without trusting anything in it.

Rules: what is wrong with the whole file (no zip, far too many entries, an expansion out of all proportion) is raised;
what is wrong with one entry is that entry's fault, and the others go on. Nothing is ever unpacked to a file, so a path
that climbs out could do no harm, and is refused all the same. Which thing an entry is, its ending says, wherever it
lies, so that every layout of the cloud is read; which name it has, its document says.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from arkwright.errors import InvalidInput

MAX_ARCHIVE_BYTES = 256 * 1024 * 1024
MAX_ENTRIES = 20_000
MAX_ENTRY_BYTES = 16 * 1024 * 1024
MAX_EXPANDED_BYTES = 1024 * 1024 * 1024
MAX_RATIO = 200
"""Of the whole file, once it expands to more than `_SMALL_BYTES`."""

_SMALL_BYTES = 64 * 1024 * 1024
_DIRECTORY_BYTES = 512 * MAX_ENTRIES
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE, _ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_COMMENT_BYTES = 65_535
_ENCRYPTED = 0x1


class EntryKind(StrEnum):
    """In the order in which they are imported: what a job needs comes before it."""

    CONNECTION = "connection"
    RESOURCE = "resource"
    SCRIPT = "script"
    JOB = "job"


_ENDINGS = {
    ".conn": EntryKind.CONNECTION,
    ".resource": EntryKind.RESOURCE,
    ".script": EntryKind.SCRIPT,
    ".job": EntryKind.JOB,
}

JOBS = frozenset({EntryKind.RESOURCE, EntryKind.SCRIPT, EntryKind.JOB})
CONNECTIONS = frozenset({EntryKind.CONNECTION})


class EntryInvalid(InvalidInput):
    """An entry of the file can't be imported."""


class PackageInvalid(InvalidInput):
    """The file can't be imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    path: str
    kind: EntryKind | None
    name: str
    """As its document says, or its file's name."""
    fault: str = ""
    """Why it can't be imported; empty: it can be tried."""
    index: int
    """Among all entries of the file."""


class Package:
    """An opened zip. Reading blocks: use it in a thread, one call at a time."""

    def __init__(self, file: Path) -> None:
        """Raises `PackageInvalid`."""
        try:
            _check_directory(file)
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError) as error:
            raise PackageInvalid(f"The file is no readable zip: {error}.") from error
        try:
            self._check_size()
        except BaseException:
            self._zip.close()
            raise

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_size(self) -> None:
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            raise PackageInvalid(f"The file has {len(infos)} entries; {MAX_ENTRIES} is the most.")
        expanded = sum(info.file_size for info in infos)
        packed = max(sum(info.compress_size for info in infos), 1)
        if expanded > MAX_EXPANDED_BYTES:
            raise PackageInvalid(f"The file would expand to {expanded} bytes; {MAX_EXPANDED_BYTES} is the most.")
        if expanded > _SMALL_BYTES and expanded > packed * MAX_RATIO:
            raise PackageInvalid(
                f"The file would expand to {expanded // packed} times its size, which looks like a bomb."
            )

    def entries(self, kinds: frozenset[EntryKind]) -> list[Entry]:
        """What there is to import, in the order of importing it; entries with a fault come first."""
        infos = self._zip.infolist()
        times = Counter(info.filename for info in infos)
        faulty: list[Entry] = []
        good: list[Entry] = []
        seen: dict[tuple[EntryKind, str], tuple[bytes, str]] = {}
        told: set[str] = set()
        for index, info in enumerate(infos):
            if info.is_dir() and not info.file_size:
                continue
            path = info.filename
            entry = Entry(path=path, kind=_kind(path), name=_stem(path), index=index)
            try:
                if path in told:
                    continue
                told.add(path)
                _check_path(info)
                if times[path] > 1:
                    raise EntryInvalid(f"The file holds {path} {times[path]} times; which one is meant is not clear.")
                if entry.kind not in kinds:
                    raise EntryInvalid(_unknown(path, kinds))
                data = self._bytes(info)
                name = _name(_document(data, path), path)
                digest = hashlib.sha256(data).digest()
                earlier, where = seen.setdefault((entry.kind, name), (digest, path))
                if earlier != digest:
                    raise EntryInvalid(f"{where} and {path} are two {entry.kind}s of the name {name}, and differ.")
                if where == path:
                    good.append(Entry(path=path, kind=entry.kind, name=name, index=index))
            except EntryInvalid as error:
                faulty.append(replace(entry, fault=error.message))
        order = list(EntryKind)
        good.sort(key=lambda each: order.index(each.kind) if each.kind is not None else -1)
        return faulty + good

    def read(self, entry: Entry) -> dict[str, Any]:
        """The document of an entry without a fault."""
        info = self._zip.infolist()[entry.index]
        return _document(self._bytes(info), info.filename)

    def _bytes(self, info: zipfile.ZipInfo) -> bytes:
        path = info.filename
        if info.flag_bits & _ENCRYPTED:
            raise EntryInvalid(f"{path} is encrypted.")
        if info.file_size > MAX_ENTRY_BYTES:
            raise EntryInvalid(f"{path} would expand to {info.file_size} bytes; {MAX_ENTRY_BYTES} is the most.")
        try:
            with self._zip.open(info) as file:
                # One byte more than it says: a size that lies is found out.
                data = file.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise EntryInvalid(f"{path} is damaged: {error}.") from error
        except (NotImplementedError, RuntimeError) as error:
            raise EntryInvalid(f"{path} can't be unpacked: {error}.") from error
        if len(data) != info.file_size:
            raise EntryInvalid(f"{path} is not as long as the file says.")
        return data


def _check_directory(file: Path) -> None:
    """Look at the size of the zip's directory before it is read into memory."""
    size = file.stat().st_size
    if size > MAX_ARCHIVE_BYTES:
        raise PackageInvalid(f"The file has {size} bytes; {MAX_ARCHIVE_BYTES} is the most.")
    with file.open("rb") as handle:
        start = max(0, size - _END.size - _COMMENT_BYTES - _ZIP64_LOCATOR_BYTES)
        handle.seek(start)
        tail = handle.read()
    at = len(tail) - _END.size
    if at < 0 or tail[at : at + 4] != _END_SIGNATURE or tail[-2:] != b"\0\0":
        at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise zipfile.BadZipFile("it does not end as a zip does")
    directory = _END.unpack_from(tail, at)[5]
    if at >= _ZIP64_LOCATOR_BYTES and tail.startswith(_ZIP64_LOCATOR, at - _ZIP64_LOCATOR_BYTES):
        raise PackageInvalid("The file is a ZIP64, which no file of a size that can be imported has to be.")
    if directory > _DIRECTORY_BYTES:
        raise PackageInvalid(f"The file has far more entries than {MAX_ENTRIES}.")


def _check_path(info: zipfile.ZipInfo) -> None:
    # zipfile cuts a name at a NUL and turns the system's separators; what was written in the file counts.
    for path in (info.filename, info.orig_filename):
        if leads_out(path):
            raise EntryInvalid(f"{path!r} is a path that leads out of the file.")


def leads_out(path: str) -> bool:
    segments = path.split("/")
    return path.startswith("/") or "\\" in path or "\0" in path or ".." in segments or ":" in segments[0]


def _kind(path: str) -> EntryKind | None:
    dot = path.rfind(".")
    return _ENDINGS.get(path[dot:].lower()) if dot > path.rfind("/") else None


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _unknown(path: str, kinds: frozenset[EntryKind]) -> str:
    endings = ", ".join(ending for ending, kind in _ENDINGS.items() if kind in kinds)
    return f"{path} is of no type that can be imported here ({endings})."


def _document(data: bytes, path: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EntryInvalid(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise EntryInvalid(f"{path} is no JSON object.")
    return value


def _name(document: Mapping[str, Any], path: str) -> str:
    name = document.get("name")
    return name if isinstance(name, str) and name else _stem(path)
