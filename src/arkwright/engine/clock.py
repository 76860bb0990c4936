"""The engine's time: the one place that reads a clock, so that tests can own it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        ...

    def call_at(self, at_ms: int, act: Callable[[], None]) -> TimerHandle:
        """Call `act` on the event loop's thread at that time, or soon if it is past."""
        ...


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def call_at(self, at_ms: int, act: Callable[[], None]) -> TimerHandle:
        delay = max(0.0, (at_ms - self.now_ms()) / 1000)
        return asyncio.get_running_loop().call_later(delay, act)
