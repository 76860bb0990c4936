"""A clock that tests own: time stands still until `jump`."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class _Timer:
    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        self.act = None


class FakeClock:
    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._timers: list[tuple[int, int, _Timer]] = []
        self._order = itertools.count()

    def now_ms(self) -> int:
        return self._now_ms

    def call_at(self, at_ms: int, act: Callable[[], None]) -> _Timer:
        timer = _Timer(act)
        heapq.heappush(self._timers, (at_ms, next(self._order), timer))
        return timer

    @property
    def waiting(self) -> list[int]:
        """When the timers that are set will fire."""
        return sorted(at_ms for at_ms, _, timer in self._timers if timer.act is not None)

    def jump(self, milliseconds: int) -> None:
        """Let time pass; what becomes due is called, in order."""
        until = self._now_ms + milliseconds
        while self._timers and self._timers[0][0] <= until:
            at_ms, _, timer = heapq.heappop(self._timers)
            self._now_ms = max(self._now_ms, at_ms)
            if timer.act is not None:
                timer.act()
        self._now_ms = until
