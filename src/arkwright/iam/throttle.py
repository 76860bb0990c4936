"""A brake on guessing passwords: after some failures, each further one doubles the wait.

Rules:
* Counted per user and per source address, each for itself. A user's wait stays short, since anybody can cause it; a
  source's grows long.
* An attempt counts as failed from its start (`admit`), so that attempts side by side can't slip through; `succeeded`
  takes it back.
* Success clears the user's count but not the source's: an own account must not buy guesses at others.
* Bounded: the longest untouched entries go first. Pure: the time is passed in, in seconds.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass

from arkwright.errors import TooManyRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    free: int
    """Failures without any wait."""
    first_seconds: float = 1.0
    """The wait after the first failure that is not free; doubles from there."""
    longest_seconds: float
    forget_seconds: float = 3600.0
    """Without an attempt for so long, the count starts again."""

    def wait_seconds(self, failures: int) -> float:
        over = failures - self.free
        if over <= 0:
            return 0.0
        # The exponent is capped so that a long-lived count can't overflow.
        return min(self.longest_seconds, self.first_seconds * 2.0 ** min(over - 1, 60))


@dataclass(slots=True)
class _Count:
    failures: int
    last: float


PER_USER = Limit(free=5, longest_seconds=30.0)
PER_SOURCE = Limit(free=20, longest_seconds=600.0)


class Throttle:
    """Counts failed log-ins in memory."""

    def __init__(self, *, per_user: Limit = PER_USER, per_source: Limit = PER_SOURCE, capacity: int = 10_000) -> None:
        self._users = _Counts(per_user, capacity)
        self._sources = _Counts(per_source, capacity)

    def admit(self, user: str, source: str, now: float) -> None:
        """Begin an attempt. Raises `TooManyRequests` while user or source must wait; such attempts don't count."""
        source = network_of(source)
        wait = max(self._users.wait(user, now), self._sources.wait(source, now))
        if wait > 0:
            seconds = math.ceil(wait)
            raise TooManyRequests(
                "Too many failed log-ins.", retry_after_seconds=seconds, hint=f"Try again in {seconds} s."
            )
        self._users.add(user, now)
        self._sources.add(source, now)

    def succeeded(self, user: str, source: str) -> None:
        """The attempt begun last was a good one."""
        self._users.clear(user)
        self._sources.take_back(network_of(source))


class _Counts:
    def __init__(self, limit: Limit, capacity: int) -> None:
        self._limit = limit
        self._capacity = capacity
        self._counts: dict[str, _Count] = {}

    def wait(self, key: str, now: float) -> float:
        count = self._counts.get(key)
        if count is None:
            return 0.0
        if now - count.last >= self._limit.forget_seconds:
            del self._counts[key]
            return 0.0
        return count.last + self._limit.wait_seconds(count.failures) - now

    def add(self, key: str, now: float) -> None:
        count = self._counts.pop(key, None)
        if count is None and len(self._counts) >= self._capacity:
            del self._counts[next(iter(self._counts))]
        # Put in anew, so that the dict's order is that of the last attempts.
        self._counts[key] = _Count(1 if count is None else count.failures + 1, now)

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)

    def take_back(self, key: str) -> None:
        count = self._counts.get(key)
        if count is None:
            return
        count.failures -= 1
        if count.failures == 0:
            del self._counts[key]


def network_of(source: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 that an IPv6 host usually has to itself."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
