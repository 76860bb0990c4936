"""What a simulation is made of, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from arkwright.core.calendar import Calendar
from arkwright.core.planning import PlanSettings, UpstreamJob
from arkwright.core.schedule import Cron, Dependency, Schedule

DURATION_MS: Final = 60_000
"""Assumed for jobs of which nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedJob:
    """A job as it would be scheduled."""

    job_id: int
    name: str
    workspace_id: str
    schedule: Schedule
    cron: Cron
    settings: PlanSettings
    calendar: Calendar | None = None
    upstreams: Sequence[tuple[Dependency, UpstreamJob]] = ()
    problems: Sequence[str] = ()
    """What would keep its schedule from being started. Of such a job nothing is planned."""
    duration_ms: int = DURATION_MS
    fails: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)
    """Slots per task group that its nodes use; under the empty name those of the workspace (`simulation_limits`)."""


class SimulatedInstance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A planned instance, and what would become of it. Times are epoch milliseconds."""

    job: str
    workspaceId: str
    planTime: int
    status: str
    """`waiting` and `running`: at the end of the span."""
    startTime: int | None = None
    endTime: int | None = None
    dryRun: bool = False
    windows: tuple[str, ...] = ()
    """What it waits for, in words."""
    waitedFor: tuple[str, ...] = ()
    """Why it did not start at its plan time."""
    message: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.workspaceId, self.job, self.planTime)


class Conflict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that somebody should look at."""

    kind: str
    """not-schedulable, never-starts, cancelled, skipped, queued (for a slot of its job), late (past the job's next plan
    time), over-limit (more run at once than a task group or the workspace lets)."""
    job: str
    workspaceId: str
    planTime: int | None = None
    """The first one concerned."""
    count: int = 1
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    instances: Sequence[SimulatedInstance]
    """By plan time."""
    conflicts: Sequence[Conflict]
