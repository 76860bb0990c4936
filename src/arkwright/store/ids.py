"""Ids in hand: numbers from durable blocks, used once.

A block is durable before its first number is handed out, so a crash loses the rest of it and repeats nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from arkwright.errors import StoreUnavailable

BLOCK = 10_000


class Ids:
    """Blocks in hand. `fetch` asks for another one and must not block; it arrives by `add`."""

    def __init__(self, fetch: Callable[[], None]) -> None:
        self._fetch = fetch
        self._fetching = False
        self._next = 0
        self._end = 0
        self._spare: deque[tuple[int, int]] = deque()
        self._left = 0

    @property
    def left(self) -> int:
        return self._left

    def next(self) -> int:
        if self._next == self._end:
            if not self._spare:
                self.fetch()
                raise StoreUnavailable("No ids in hand.", hint="Await reserve_ids before taking many at once.")
            self._next, self._end = self._spare.popleft()
        id_ = self._next
        self._next = id_ + 1
        self._left -= 1
        if self._left < BLOCK // 2 and not self._fetching:
            self.fetch()
        return id_

    def fetch(self) -> None:
        if not self._fetching:
            self._fetching = True
            self._fetch()

    def add(self, first: int, end: int) -> None:
        self._spare.append((first, end))
        self._left += end - first

    def fetched(self) -> None:
        """The block asked for has arrived, or failed to."""
        self._fetching = False
