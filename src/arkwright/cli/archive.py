"""A data folder as one tar file, and back.

Theory of operation: the database comes first, as a consistent copy (of PostgreSQL, too: one moment of it, copied into
an embedded database, so that a backup can be restored to either); then the logs and outputs of runs, which are only
ever appended to, so that all that the copy speaks of is there; then the workspaces' files, each workspace copied until
nothing in it changed meanwhile: that is what a power cut at one moment would leave, and its database recovers from it;
at last the objects, each of which is replaced as a whole, so that it is copied whole, too (with an S3-compatible
storage they are there, and that storage has its own backups).
What belongs to living processes (`LIVING`) is left out.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import stat
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from arkwright import __version__
from arkwright.cli.target import seal_key_file
from arkwright.errors import AlreadyExists, ArkwrightError, IllegalState, InvalidInput, NotFound

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "arkwright.db"
KEYS = ("secret.key", "credentials.csv", "engine-name")
RUNS = "runs"
WORKSPACES = "workspaces"
OBJECTS = "obs"
SHIPPING = "shipping"
LIVING = frozenset({"lock", "server.json", "hosts", "questions"})
"""Locks, sockets and addresses of processes, and what they ask each other at this moment."""
_COPIES = 5
"""How often a workspace that changes while it is copied is copied anew."""


def write_backup(folder: Path, file: Path, *, runs: bool, objects: bool, database_url: str = "") -> int:
    """The file is there whole or not at all. `database_url`: of a PostgreSQL database, instead of the embedded one.
    Answers its size in bytes."""
    if not database_url and not (folder / DATABASE).is_file():
        raise NotFound(
            f"{folder} holds no embedded database.",
            hint="Name the server's data folder with --data; and with PostgreSQL the database with --database-url.",
        )
    key_file = seal_key_file(folder)
    if database_url and not key_file.is_file():
        raise NotFound(
            f"There is no key file {key_file}, and without it nothing opens the database's secrets.",
            hint="Name with --data the data folder of a server on it, or the file in ARKWRIGHT_SEAL_KEY_FILE.",
        )
    if os.path.lexists(file):
        raise AlreadyExists(f"{file} exists already.", hint="A backup never overwrites a file; choose another name.")
    if not file.absolute().parent.is_dir():
        raise NotFound(f"There is no folder {file.absolute().parent}.", hint="Make it first, or choose another place.")
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with (
            os.fdopen(descriptor, "wb") as raw,
            # The rooms hold what the data folder holds, so they lie in it: same disk, same protection.
            tempfile.TemporaryDirectory(prefix=".backup-", dir=folder) as room,
        ):
            with _new_archive(raw, packed=file.suffix in {".gz", ".tgz"}) as archive:
                _add_text(archive, MANIFEST, json.dumps({"format": FORMAT, "arkwright": __version__}))
                copy = Path(room) / DATABASE
                asyncio.run(_snapshot(database_url, copy) if database_url else _copy_database(folder / DATABASE, copy))
                archive.add(copy, DATABASE)
                for name in KEYS:
                    path = key_file if name == KEYS[0] else folder / name
                    if path.is_file():
                        archive.add(path, name)
                if runs:
                    _add_tree(archive, folder / RUNS, RUNS)
                    _add_tree(archive, folder / SHIPPING, SHIPPING)
                for workspace in _folders(folder / WORKSPACES):
                    still = _still_copy(workspace, Path(room))
                    _add_tree(archive, still, f"{WORKSPACES}/{workspace.name}")
                    shutil.rmtree(still)
                for bucket in _folders(folder / OBJECTS) if objects else ():
                    if not bucket.name.startswith("."):  # objects that are still coming in
                        _add_tree(archive, bucket, f"{OBJECTS}/{bucket.name}")
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.rename(file)
    except OSError as error:
        raise ArkwrightError(f"The backup failed: {error}.", hint="Is there room, and may you write there?") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def read_backup(file: Path, folder: Path, *, database_url: str = "") -> None:
    """Unpacked beside the folder and renamed when it is whole. `database_url`: an empty PostgreSQL database that is
    restored instead of the embedded one."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AlreadyExists(
            f"{folder} is not empty; a restore never mixes with what is there.", hint="Name another one with --data."
        )
    unfinished = folder.with_name(f".{folder.name}.restoring-{os.getpid()}")
    try:
        unfinished.mkdir(mode=0o700, parents=True)
        with tarfile.open(file) as archive:
            _check_manifest(file, archive)
            for member in archive:
                _unpack(archive, member, unfinished)
        if not (unfinished / DATABASE).is_file():
            raise InvalidInput(f"{file} is no complete backup: it holds no database.")
        # What was running at the backup ran there, not here: as after a restart of the machine, an attempt without a
        # claim counts as lost and is not started a second time (`executors/local_boot.py`), and resident hosts ask what
        # became of it.
        for name in (RUNS, "hosts"):
            (unfinished / name).mkdir(mode=0o700, exist_ok=True)
            (unfinished / name / "boot").write_text("restored\n")
        if database_url:
            asyncio.run(_fill(unfinished / DATABASE, database_url))
            (unfinished / DATABASE).unlink()
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    except tarfile.TarError as error:
        first = str(error).partition(":")[0]  # the rest tells how each way to pack was tried
        raise InvalidInput(
            f"{file} is no complete backup: {first}.", hint="It must be what `arkwright backup` wrote, as a whole."
        ) from error
    except (OSError, EOFError) as error:
        raise ArkwrightError(f"The restore failed: {error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


async def _snapshot(database_url: str, copy: Path) -> None:
    from arkwright.store.copy import copy as copied
    from arkwright.store.move import opened

    async with opened(database_url) as source, opened(str(copy), target=True) as target:
        await copied(source, target, progress=lambda table, rows, total: None, lease_until_ms=0)


async def _fill(database: Path, database_url: str) -> None:
    """All of it, or nothing."""
    from arkwright.store.copy import check_free
    from arkwright.store.copy import copy as copied
    from arkwright.store.move import opened
    from arkwright.store.upgrade import upgraded

    await upgraded(str(database))  # a backup may be older than this program
    async with opened(database_url) as there:
        await check_free(there)
    async with opened(str(database)) as source, opened(database_url, target=True) as target:
        await copied(source, target, progress=lambda table, rows, total: None, lease_until_ms=0)


async def _copy_database(database: Path, copy: Path) -> None:
    from arkwright.store.open import open_store

    store = open_store(database)
    await store.open()
    try:
        await store.backup(str(copy))
    finally:
        await store.close()


def _new_archive(raw: BinaryIO, *, packed: bool) -> tarfile.TarFile:
    # `dereference`: a file with two names is in it twice, and both are plain files.
    if packed:
        return tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6, dereference=True)
    return tarfile.open(fileobj=raw, mode="w", dereference=True)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(text.encode()), 0o600, int(time.time())
    archive.addfile(member, io.BytesIO(text.encode()))


def _add_tree(archive: tarfile.TarFile, folder: Path, name: str) -> None:
    """Plain files and folders; sockets and pipes of living processes mean nothing elsewhere."""
    for path in _files(folder):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue  # removed since it was listed
        with file:
            # Of the file that was opened, and as long as it was then: a log may grow meanwhile, an object be replaced.
            member = archive.gettarinfo(arcname=f"{name}/{path.relative_to(folder)}", fileobj=file)
            archive.addfile(member, file)


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root) / name
            try:
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path
            except FileNotFoundError:
                continue


def _folders(parent: Path) -> list[Path]:
    return sorted(each for each in parent.iterdir() if each.is_dir()) if parent.is_dir() else []


def _still_copy(workspace: Path, room: Path) -> Path:
    """A copy of a workspace during which none of its files changed."""
    target = room / workspace.name
    for attempt in range(_COPIES):
        if attempt:
            time.sleep(0.1 * 2**attempt)  # a transaction is being written; let it end
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        before = _marks(workspace)
        for path in before:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy2(workspace / path, target / path, follow_symlinks=False)
            except FileNotFoundError:
                break
        if before == _marks(workspace):
            return target
    raise IllegalState(
        f"Files of the workspace {workspace.name} kept changing while they were copied.",
        hint="Back up again when no job writes to it, or stop the server first.",
    )


def _marks(workspace: Path) -> dict[Path, tuple[int, int, int]]:
    marks = {}
    for path in _files(workspace):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        marks[path.relative_to(workspace)] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return marks


def _check_manifest(file: Path, archive: tarfile.TarFile) -> None:
    first = archive.next()
    content = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
    if content is None:
        raise InvalidInput(f"{file} is no backup of Arkwright.")
    manifest = json.loads(content.read())
    if manifest.get("format") != FORMAT:
        raise InvalidInput(
            f"{file} was written by Arkwright {manifest.get('arkwright')} in another format.",
            hint="Restore it with that version.",
        )


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Only plain files below the folder, private to this user whatever the archive says."""
    target = folder / member.name
    if not member.isfile() or not target.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"The backup holds {member.name!r}, which no backup of Arkwright holds.")
    if member.name == MANIFEST:
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = archive.extractfile(member)
    assert content is not None
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with content, os.fdopen(descriptor, "wb") as copy:
        shutil.copyfileobj(content, copy)
    os.utime(target, (member.mtime, member.mtime))
