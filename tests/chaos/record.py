"""What went wrong, where and when, and which of it explains a loss. Apart from what makes it: the judge is judged, too.

Rules: an attempt is lost because of the host that it ran on, of one which that host needs to renew its lease, or of
the database. On a machine with too few processors a server may lose its lease to waiting for one: the kernel counts
that wait, and it explains a loss if it took a good part of a lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

DATABASE = "db"
STARVED_PART = 0.25
"""Of a lease."""
STARVED = "no processor was free"


@dataclass
class Fault:
    kind: str
    where: str
    """The host."""
    begun: float
    """Epoch seconds."""
    end: Callable[[], None]
    seconds: float
    ended: float = 0.0


@dataclass
class Record:
    lease_seconds: float
    needs: Mapping[str, frozenset[str]]
    """Of a host, the others without which it can't renew its leases, but for the database."""
    faults: list[Fault] = field(default_factory=list)
    """All that are over, and those that are not."""
    waits: list[tuple[str, float, float]] = field(default_factory=list)
    """How long a host's server could have run and got no processor: host, when (epoch seconds), and seconds of wait."""

    def explain(self, since: float, until: float, host: str) -> list[str]:
        """What explains that something which ran on that host from then till then is lost: kinds of faults."""
        hosts = frozenset({host, DATABASE}) | self.needs.get(host, frozenset())
        early = since - self.lease_seconds  # a connection needs as long as it was cut to come back
        found = [
            fault.kind
            for fault in self.faults
            if fault.where in hosts and fault.begun <= until and (fault.ended or time.time()) >= early
        ]
        if not found and self._longest_wait(hosts, early, until) >= STARVED_PART * self.lease_seconds:
            return [STARVED]
        return found

    def waited(self) -> dict[str, float]:
        """The longest wait of each host."""
        hosts = {each for each, _, _ in self.waits}
        return {host: self._longest_wait(frozenset({host}), 0.0, time.time()) for host in hosts}

    def _longest_wait(self, hosts: frozenset[str], since: float, until: float) -> float:
        """Of one host within the length of one lease."""
        longest = 0.0
        for host in hosts:
            found = [(at, seconds) for each, at, seconds in self.waits if each == host and since <= at <= until]
            for end, _ in found:
                within = sum(seconds for at, seconds in found if end - self.lease_seconds < at <= end)
                longest = max(longest, within)
        return longest
