"""Jobs that wait for each other: finding cycles among them before they are scheduled."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

Job = TypeVar("Job", bound=Hashable)


def find_cycle(start: Job, upstreams_of: Callable[[Job], Iterable[Job]]) -> tuple[Job, ...] | None:
    """The jobs along a cycle through `start`, each waiting for the next one, `start` first and last. None: no cycle.

    Only what `start` reaches is looked at, each job once. A dependency on an earlier cycle (`periods_back`) closes no
    circle: leave it out of `upstreams_of`. The cycle is the one found first in the order that `upstreams_of` gives.
    """
    seen = {start}
    path = [start]
    branches: list[Iterator[Job]] = [iter(upstreams_of(start))]
    while branches:
        for job in branches[-1]:
            if job == start:
                return (*path, start)
            if job not in seen:
                seen.add(job)
                path.append(job)
                branches.append(iter(upstreams_of(job)))
                break
        else:
            branches.pop()
            path.pop()
    return None


def cycle_sentence(cycle: Iterable[str]) -> str:
    """`a waits for b, b waits for c, c waits for a`."""
    names = list(cycle)
    return ", ".join(f"{one} waits for {other}" for one, other in itertools.pairwise(names))
