"""What a source of events is, and what it may ask of the runner that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from arkwright.engine.clock import Clock
from arkwright.engine.interface import Occurrence
from arkwright.errors import ArkwrightError
from arkwright.store.base import Store
from arkwright.store.trigger_record import Trigger

EVENT_DATA_CHARACTERS = 1_000_000
"""Longer messages are cut (factory-behaviour 3)."""


class SourceFailed(ArkwrightError):
    """Nothing can be heard just now: the runner reports it, and tries again after a pause that grows."""


class TriggerOver(Exception):
    """The trigger was stopped, suspended, or is another server's now: the source ends, quietly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event: what the run is told, and what the trigger takes with it."""

    occurrence: Occurrence
    source: str = ""
    position: int | None = None
    marks: Mapping[str, str] = field(default_factory=dict)


class Listener(Protocol):
    """What a source sees of its runner."""

    @property
    def trigger(self) -> Trigger: ...

    @property
    def store(self) -> Store: ...

    @property
    def clock(self) -> Clock: ...

    async def take(self, happening: Happening) -> bool:
        """Start a run for it, once there is room for one. True: started; False: it was taken before. Either way it is
        taken when this returns. Raises `TriggerOver`, and what keeps the job from being started."""
        ...

    def listening(self) -> None:
        """From now on nothing is missed: positions are durable, the source is open."""
        ...

    def polled(self, **more: Any) -> None:
        """The source was looked at just now, and answered. `more` goes into the report (`lag`, `position`)."""
        ...

    def warn(self, message: str) -> None:
        """Something that an operator should know, such as messages that are gone."""
        ...

    async def pause(self, seconds: float) -> None: ...


class Source(Protocol):
    async def run(self, listener: Listener) -> None:
        """Listen until cancelled. Raises `SourceFailed` for what may pass, and `TriggerOver`. Returning means that
        there is nothing more to come. Everything that it opened is closed when it ends, however it ends."""
        ...
