"""What the scheduler offers to the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from arkwright.core.gate_rules import Unmet
from arkwright.core.instance import Instance
from arkwright.store.base import Definition, Place
from arkwright.store.schedule_record import ScheduleRow

if TYPE_CHECKING:
    from arkwright.scheduler.patch_data import Patches


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStart:
    """A wish to start a job's schedule."""

    job: Definition
    """Its submitted version."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """`jobParams`, `start_date` (a day such as 20241030), `ignore_first_self_dep`, and whatever else was sent."""
    by: str
    time_zone: str
    """The workspace's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchingUp:
    """Missed plan times that are being made up for."""

    schedules: int
    """Schedules that have some left."""
    oldest_ms: int
    """The oldest of these times."""
    since_ms: int
    made: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What a waiting instance waits for."""

    instance: Instance
    unmet: Sequence[Unmet]
    soon: str = ""
    """Nothing is unmet: what is about to happen to it."""


class Scheduler(Protocol):
    async def start(self, wish: ScheduleStart) -> ScheduleRow:
        """Plan from now on (or from a later day on). Raises `InvalidInput` (no plan; a dependency that the policy
        doesn't allow; a circle) and `IllegalState` (an upstream job is not scheduled)."""
        ...

    async def stop(self, job: Definition) -> None:
        """Plan nothing more. Who waits for instances of this job is cancelled. Harmless on a stopped one."""
        ...

    async def pause(self, job: Definition) -> None:
        """Plan nothing until it is resumed; times that pass meanwhile are not made up for. Raises `IllegalState`."""
        ...

    async def resume(self, job: Definition) -> None:
        """Raises `IllegalState`."""
        ...

    async def why(self, place: Place, instance_id: int) -> Why | None:
        """None: there is no such instance."""
        ...

    async def catching_up(self) -> CatchingUp | None: ...

    @property
    def patches(self) -> Patches:
        """Runs of a plan's past, over again."""
        ...

    @property
    def plans(self) -> bool:
        """This server is the one that plans now."""
        ...
