"""Where a worker ships logs and outputs to: the server, as the one that holds the attempt.

While an attempt runs, each piece is a request. What is left at its end is little for most attempts: it is kept here
(`gather`), and goes with the report, in one request with it.
"""

from __future__ import annotations

from collections.abc import Callable

from arkwright.executors.attempt_wire import LogPiece
from arkwright.nodes.base import AttemptKey
from arkwright.worker.link import ServerLink

GATHERED_BYTES = 256 * 1024


class Rest:
    """What goes with the report of one attempt."""

    __slots__ = ("log", "outputs", "size")

    def __init__(self) -> None:
        self.log: list[LogPiece] = []
        self.outputs: dict[str, bytes] = {}
        self.size = 0

    def takes(self, count: int) -> bool:
        """Whether so many bytes go along as well."""
        if self.size + count > GATHERED_BYTES:
            return False
        self.size += count
        return True


class ServerSink:
    """Where `Shipper` ships to: the server, as the claimant. One that isn't held any more takes everything and keeps
    nothing."""

    def __init__(self, link: ServerLink, epoch_of: Callable[[AttemptKey], int | None]) -> None:
        self._link = link
        self._epoch = epoch_of
        self._rests: dict[AttemptKey, Rest] = {}

    def gather(self, key: AttemptKey) -> Rest:
        """From now on what is little is kept, for the report. `let_go` of it."""
        return self._rests.setdefault(key, Rest())

    def let_go(self, key: AttemptKey) -> None:
        self._rests.pop(key, None)

    async def log_end(self, key: AttemptKey) -> int:
        epoch = self._epoch(key)
        return 0 if epoch is None else await self._link.log_end(key, epoch)

    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await self._write(key, offset, data, cut=False)

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await self._write(key, offset, data, cut=True)

    async def _write(self, key: AttemptKey, offset: int, data: bytes, *, cut: bool) -> None:
        epoch, rest = self._epoch(key), self._rests.get(key)
        if epoch is None:
            return
        # A log's pieces keep their order: behind one that is kept, none goes before it.
        if rest is not None and rest.takes(len(data)):
            rest.log.append(LogPiece(offset=offset, data=data, cut=cut))
            return
        while rest is not None and rest.log:
            piece = rest.log[0]
            await self._link.write_log(key, epoch, piece.offset, piece.data, cut=piece.cut)
            rest.log.pop(0)
        await self._link.write_log(key, epoch, offset, data, cut=cut)

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        epoch, rest = self._epoch(key), self._rests.get(key)
        if epoch is None:
            return
        if rest is not None and rest.takes(len(data)):
            rest.outputs[name] = data
        else:
            await self._link.write_output(key, epoch, name, data)

    async def ended(self, key: AttemptKey) -> None:
        """The report says so."""
