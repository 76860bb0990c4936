"""Where a worker ships logs and outputs to: the server, as the one that holds the attempt."""

from __future__ import annotations

from collections.abc import Callable

from arkwright.nodes.base import AttemptKey
from arkwright.worker.link import ServerLink


class ServerSink:
    """Where `Shipper` ships to: the server, as the claimant. One that isn't held any more takes everything and keeps
    nothing."""

    def __init__(self, link: ServerLink, epoch_of: Callable[[AttemptKey], int | None]) -> None:
        self._link = link
        self._epoch = epoch_of

    async def log_end(self, key: AttemptKey) -> int:
        epoch = self._epoch(key)
        return 0 if epoch is None else await self._link.log_end(key, epoch)

    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await self._write(key, offset, data, cut=False)

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await self._write(key, offset, data, cut=True)

    async def _write(self, key: AttemptKey, offset: int, data: bytes, *, cut: bool) -> None:
        epoch = self._epoch(key)
        if epoch is not None:
            await self._link.write_log(key, epoch, offset, data, cut=cut)

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        epoch = self._epoch(key)
        if epoch is not None:
            await self._link.write_output(key, epoch, name, data)

    async def ended(self, key: AttemptKey) -> None:
        """The report says so."""
