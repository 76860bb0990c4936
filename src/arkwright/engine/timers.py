"""Timers of instances: at most one per node, for its retry or its deadline, and one of the instance."""

from __future__ import annotations

from collections.abc import Callable

from arkwright.core.events import Event
from arkwright.engine.clock import Clock, TimerHandle

INSTANCE = -1
"""In the place of a node's position, the timer of the instance."""


class Timers:
    def __init__(self, clock: Clock, tell: Callable[[int, Event], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._timers: dict[int, dict[int, TimerHandle]] = {}

    def set(self, instance_id: int, node: int, at_ms: int, event: Event) -> None:
        """Have the event told then, in the place of what was to be told of this node."""
        self.clear(instance_id, node)
        timers = self._timers.setdefault(instance_id, {})

        def fire() -> None:
            timers.pop(node, None)
            self._tell(instance_id, event)

        timers[node] = self._clock.call_at(at_ms, fire)

    def clear(self, instance_id: int, node: int) -> None:
        timers = self._timers.get(instance_id)
        timer = timers.pop(node, None) if timers else None
        if timer is not None:
            timer.cancel()

    def drop(self, instance_id: int) -> None:
        for timer in self._timers.pop(instance_id, {}).values():
            timer.cancel()

    def close(self) -> None:
        for instance_id in list(self._timers):
            self.drop(instance_id)
