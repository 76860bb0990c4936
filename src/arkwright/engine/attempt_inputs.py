"""What an attempt on a worker takes along of the server's: files that its settings name, and keys of hosts.

Rules: a worker says which attempt it holds and a number, never a path: what there is to have is worked out here, from
the attempt's own settings. Objects are read as users read them, never the installation's own; files lie below the
workspace's folder, also behind links. Each file has a cap.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from arkwright.core.commands import StartAttempt
from arkwright.core.outcome import Failed
from arkwright.engine.contexts import Contexts
from arkwright.errors import IllegalState, InvalidInput, NotFound
from arkwright.nodes.base import Connection, Context, NeededFile, NeedsFiles
from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits
from arkwright.nodes.registry import Registry, canonical
from arkwright.nodes.ssh_program import HOST, KNOWN_HOSTS, known_lines
from arkwright.objects.base import Objects
from arkwright.objects.paths import parse
from arkwright.store.attempt_record import Offer
from arkwright.store.base import Store

LARGEST_BYTES = 4 * 1024**3
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    size: int
    pieces: AsyncGenerator[bytes, None]


class AttemptInputs:
    def __init__(
        self,
        *,
        store: Store,
        contexts: Contexts,
        registry: Registry,
        objects: Objects,
        limits_of: Callable[[str], ProgramLimits] | None = None,
        largest_bytes: int = LARGEST_BYTES,
    ) -> None:
        """`limits_of`: what programs of a workspace (id) may take."""
        self._store = store
        self._contexts = contexts
        self._registry = registry
        self._objects = objects
        self._limits_of = limits_of
        self._largest = largest_bytes

    def limits(self, workspace_id: str) -> ProgramLimits:
        return NO_LIMITS if self._limits_of is None else self._limits_of(workspace_id)

    async def open(self, offer: Offer, number: int) -> Input:
        """The file of that number, from 0, among those that the attempt needs. The caller knows that who asks holds the
        attempt. Raises `NotFound`, `InvalidInput` for one that is too large or none of the workspace's,
        `IllegalState`."""
        context = await self._context(offer)
        needed = self._needed(offer, context)
        if not 0 <= number < len(needed):
            raise NotFound(f"The attempt needs {len(needed)} files; there is no number {number}.", field="number")
        source = needed[number].source
        if not source.startswith("obs://"):
            return await self._file(context.workspace_folder, source)
        path = parse(source)
        info = await self._objects.head(path)
        if info is None:
            raise NotFound(f"There is no object {source}.", field="number")
        self._check_size(source, info.size)
        return Input(size=info.size, pieces=self._objects.read(path, 0, info.size))

    async def known_hosts(self, context: Context) -> str:
        """What is known of the host that the attempt goes to by SSH: lines of the workspace's `known_hosts`."""
        if not _by_ssh(context.connection):
            return ""
        assert context.connection is not None
        text = await asyncio.to_thread(_text, context.workspace_folder / KNOWN_HOSTS)
        return known_lines(context.connection, text)

    async def learn(self, offer: Offer, learned: str) -> None:
        """Keep the key that an attempt was shown by its host, which nobody here knew before."""
        context = await self._context(offer)
        found = self._registry.find(offer.type)
        if not isinstance(found, Failed):
            context, _ = await self._contexts.connected(found, context)
        if _by_ssh(context.connection):
            assert context.connection is not None
            own = known_lines(context.connection, learned)
            await asyncio.to_thread(_append_first, context.workspace_folder / KNOWN_HOSTS, context.connection, own)

    # -- inside
    async def _context(self, offer: Offer) -> Context:
        state = await self._store.load_instance(offer.instance_id)
        context = None if state is None else self._contexts.texts(state, msgspec.convert(offer.request, StartAttempt))
        if context is None or isinstance(context, Failed):
            raise IllegalState(context.message if context is not None else "The attempt's instance is gone.")
        return context

    def _needed(self, offer: Offer, context: Context) -> tuple[NeededFile, ...]:
        node = self._registry.find(offer.type)
        if isinstance(node, Failed) or not hasattr(node, "needs"):
            return ()
        try:
            return cast(NeedsFiles, node).needs(context)
        except ValueError as error:
            raise InvalidInput(str(error)) from None

    async def _file(self, folder: Path, path: str) -> Input:
        place, size = await asyncio.to_thread(_found, folder, path)
        self._check_size(f"The workspace's file {path}", size)
        return Input(size=size, pieces=_pieces(place, size))

    def _check_size(self, what: str, size: int) -> None:
        if size > self._largest:
            raise InvalidInput(
                f"{what} has {size:,} bytes; a worker is brought files of at most {self._largest:,}.",
                field="number",
                hint="Let the program read it from where it is, or set the node's workerGroup to local.",
            )


def _by_ssh(connection: Connection | None) -> bool:
    return connection is not None and canonical(connection.type) == canonical(HOST)


def _found(folder: Path, path: str) -> tuple[str, int]:
    """Where the workspace's file is, and its size. Raises `NotFound` and `InvalidInput`."""
    root = os.path.realpath(folder)
    place = os.path.realpath(folder / path)
    if os.path.commonpath([root, place]) != root:
        raise InvalidInput(f"{path} is outside of the workspace's folder.", field="number")
    try:
        status = Path(place).lstat()
    except OSError:
        raise NotFound(
            f"There is no file {path} in the workspace's folder on this server.",
            field="number",
            hint="Files of a workspace are on one server alone: what several machines need belongs to obs://.",
        ) from None
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput(f"{path} is no file.", field="number")
    return place, status.st_size


async def _pieces(place: str, size: int) -> AsyncGenerator[bytes, None]:
    descriptor = await asyncio.to_thread(os.open, place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        at = 0
        while at < size:
            piece = await asyncio.to_thread(os.pread, descriptor, min(CHUNK_BYTES, size - at), at)
            if not piece:
                return  # it became shorter; who reads sees that something is missing
            at += len(piece)
            yield piece
    finally:
        os.close(descriptor)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _append_first(path: Path, connection: Connection, lines: str) -> None:
    """Unless the host is known meanwhile: what was first stays."""
    if not lines or known_lines(connection, _text(path)):
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(lines)
