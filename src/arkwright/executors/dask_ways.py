"""Several Dask schedulers as one transport: some for single groups of workers, one or more for all others.

Theory of operation: each scheduler has a connection of its own (`dask_transport`) and knows nothing of the others, so
one that is away holds up only what goes by it alone. An attempt is announced at one scheduler at a time: of those of
its group, at a connected one that has the fewest of ours. What was announced at one that is away moves to another one
of the group as soon as there is one; by then nobody knows whether the lost one still brings it, but that is only a
second delivery, and the store's claim decides (`remote`).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from arkwright.core.workers import HERE, Way, ways_to
from arkwright.errors import SettingInvalid
from arkwright.executors.dask_settings import DaskAddress, read_address
from arkwright.executors.dask_transport import DaskTransport
from arkwright.nodes.base import AttemptKey

log = logging.getLogger("arkwright.executors.dask")

_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class DaskWays:
    def __init__(self, ways: Sequence[tuple[Way, DaskAddress]], *, name: str) -> None:
        """`name` is shown by the schedulers. Raises `SettingInvalid` without Dask."""
        self._ways = [(way, DaskTransport(address, name=name, changed=self._changed)) for way, address in ways]
        self._at: dict[AttemptKey, tuple[str, DaskTransport]] = {}
        """Where an attempt was announced, and for which group."""
        self._delivered: Callable[[AttemptKey], None]
        self._told: Callable[[], None] = lambda: None

    # -- contract
    async def open(self, delivered: Callable[[AttemptKey], None], changed: Callable[[], None]) -> None:
        self._delivered, self._told = delivered, changed
        for _, transport in self._ways:
            await transport.open(partial(self._through, transport))

    @property
    def ways(self) -> tuple[Way, ...]:
        return tuple(
            Way(url=way.url, groups=way.groups, others=way.others, connected=transport.connected)
            for way, transport in self._ways
        )

    def announce(self, key: AttemptKey, group: str) -> None:
        known = self._at.get(key)
        transport = known[1] if known is not None else self._best(group)
        if transport is None:
            log.error("No Dask scheduler is named for the group %s, so %s can't be brought to a worker.", group, key)
            return
        self._at[key] = (group, transport)
        transport.announce(key, group)

    def withdraw(self, key: AttemptKey) -> None:
        known = self._at.pop(key, None)
        if known is not None:
            known[1].withdraw(key)

    async def close(self) -> None:
        await asyncio.gather(*(transport.close() for _, transport in self._ways))

    # -- inside
    def _best(self, group: str) -> DaskTransport | None:
        leading = ways_to(group, [way for way, _ in self._ways])
        found = [transport for way, transport in self._ways if way in leading]
        return min(found, key=lambda each: (not each.connected, each.waiting), default=None)

    def _through(self, transport: DaskTransport, key: AttemptKey) -> None:
        known = self._at.get(key)
        if known is None or known[1] is not transport:
            return  # it moved
        del self._at[key]
        self._delivered(key)

    def _changed(self) -> None:
        """A scheduler was lost, or is there again: what waits for another one that is away may go by it."""
        for key, (group, transport) in list(self._at.items()):
            if not transport.connected and (best := self._best(group)) is not None and best.connected:
                del self._at[key]
                transport.withdraw(key)
                self.announce(key, group)
        self._told()


def read_ways(
    given: str, *, ca: Path | None, cert: Path | None, key: Path | None, names: tuple[str, str, str, str]
) -> list[tuple[Way, DaskAddress]]:
    """Of `[GROUP=]URL,…`, with `local` for "no other groups". `names`: of the four settings, for what is wrong with
    them. Raises `SettingInvalid`."""
    found: dict[str, tuple[Way, DaskAddress]] = {}
    parts = [tuple(map(str.strip, each.rpartition("="))) for each in given.split(",")]
    encrypted = any(url.startswith("tls://") for _, _, url in parts)
    for group, named, url in parts:
        if not named and url in ("", HERE):
            continue
        if named and (group == HERE or not _GROUP.fullmatch(group)):
            raise SettingInvalid(
                f"{names[0]}: {group!r} before {url!r} must be a group's name of up to 64 letters, digits, '.', '_' "
                f"and '-', and not {HERE!r}.",
                hint=f"Write {names[0]} GROUP={url or 'tls://HOST:PORT'}, or the address alone for all other groups.",
            )
        plain = encrypted and not url.startswith("tls://")  # the certificates are for the others
        files = (None, None, None) if plain else (ca, cert, key)
        address = read_address(url, ca=files[0], cert=files[1], key=files[2], names=names)
        way, _ = found.get(address.url, (Way(url=address.url), address))
        way = Way(
            url=way.url,
            groups=way.groups if not group or group in way.groups else (*way.groups, group),
            others=way.others or not group,
        )
        found[address.url] = (way, address)
    return list(found.values())
