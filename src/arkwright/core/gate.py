"""What a planned instance waits for before it starts: conditions as they were fixed when it was planned.

An instance with a gate stays waiting until somebody decides that the gate is open. Whether it is, is worked out by
`core/gate_rules.py` from these conditions and from facts about other instances; nothing of that answer is stored, so
that it can't go stale.

Every condition has a key, unique within its gate: operators take single conditions away by it.
"""

from __future__ import annotations

from arkwright.core.record import Record, Tagged
from arkwright.core.schedule import DependFailPolicy, Take


class Upstream(Tagged, frozen=True, kw_only=True):
    """Instances of another job whose plan times are in a window: `from_ms <= plan time < to_ms`."""

    job_id: int
    job_name: str
    workspace_id: str = ""
    """Of the upstream job, if it is another one."""
    from_ms: int
    to_ms: int
    take: Take = Take.ALL
    """ALL, ANY or LAST of them must have succeeded."""
    on_failure: DependFailPolicy = DependFailPolicy.FAIL
    window: str = ""
    """The window in words."""
    ended_is_enough: bool = False
    """They must have ended, however."""
    number: int = 1
    """Counts the conditions on one job, where there are several."""

    @property
    def key(self) -> str:
        return f"job:{self.job_name}" if self.number == 1 else f"job:{self.job_name}#{self.number}"


class PreviousCycle(Tagged, frozen=True, kw_only=True):
    """The job's own instance before this one must have succeeded (self-dependency)."""

    @property
    def key(self) -> str:
        return "previous-cycle"


class JobSlots(Tagged, frozen=True, kw_only=True):
    """At most so many instances of the job run at once. 1: strictly one after another, in the order of plan times."""

    limit: int

    @property
    def key(self) -> str:
        return "job-slots"


class LatestOnly(Tagged, frozen=True, kw_only=True):
    """The instance is skipped as soon as a newer one of its job has been planned."""

    @property
    def key(self) -> str:
        return "latest-only"


class Confirmation(Tagged, frozen=True, kw_only=True):
    """Somebody has to confirm that it may run."""

    @property
    def key(self) -> str:
        return "confirmation"


class NotBefore(Tagged, frozen=True, kw_only=True):
    at_ms: int

    @property
    def key(self) -> str:
        return "time"


class ObjectExists(Tagged, frozen=True, kw_only=True):
    """An object must exist in object storage. Whoever listens says so by `ConditionMet` with this condition's key."""

    path: str
    """With its expressions replaced, such as `obs://bucket/folder/_SUCCESS`."""
    every_seconds: int = 60
    until_ms: int | None = None
    """When listening gives up."""

    @property
    def key(self) -> str:
        return f"file:{self.path}"


Condition = Upstream | PreviousCycle | JobSlots | LatestOnly | Confirmation | NotBefore | ObjectExists

DEPENDENCIES = (Upstream, PreviousCycle, ObjectExists)
"""What an operator may take away: the others are limits, or somebody's decision."""


class Gate(Record, frozen=True, kw_only=True):
    conditions: tuple[Condition, ...] = ()
    open: bool = False
    """It has been decided that the instance may start."""
    since_ms: int | None = None
    """When it began to wait."""
    expires_ms: int | None = None
    """When waiting is given up."""
    confirmed_by: str | None = None
    met: tuple[str, ...] = ()
    """Keys of conditions that somebody saw fulfilled."""
    removed: tuple[str, ...] = ()
    """Keys of conditions that an operator took away."""
    preferred: bool = False
    """To be released before the others of its job."""

    @property
    def needs_confirmation(self) -> bool:
        return self.confirmed_by is None and any(isinstance(each, Confirmation) for each in self.conditions)

    @property
    def needs_confirmation_each_run(self) -> bool:
        return any(isinstance(each, Confirmation) for each in self.conditions)

    @property
    def dependencies(self) -> tuple[Condition, ...]:
        """Those that count, and that an operator may take away."""
        return tuple(
            each for each in self.conditions if isinstance(each, DEPENDENCIES) and each.key not in self.removed
        )
