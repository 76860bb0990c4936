"""What the engine offers to those above it: the API, the scheduler, tests.

Every method that changes something returns after the change is durable.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from arkwright.core.events import Event, RestartFrom
from arkwright.core.instance import ConditionPolicy, Instance, InstanceType
from arkwright.core.job import Plan
from arkwright.core.record import Record
from arkwright.core.workers import Way
from arkwright.errors import ArkwrightError
from arkwright.store.base import Accepted, Definition, IdempotencyKey, Kind, Place
from arkwright.store.trigger_record import Fired, Firing


class RunRequest(Record, frozen=True, kw_only=True):
    """A wish to run a job's submitted version now."""

    place: Place
    job_name: str
    kind: Kind = Kind.JOB
    """`SCRIPT_RUN`: the hidden job that a script is executed with."""
    parameters: Mapping[str, str] = {}
    by: str
    """Name of the user who asks."""
    time_zone: str
    """The workspace's."""
    condition_policy: ConditionPolicy = ConditionPolicy.OR
    """The workspace's."""
    instance_type: InstanceType = InstanceType.MANUAL
    idempotency: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """What happened that a run is started for."""

    source: str
    """Where it came from, in words: `KAFKA orders/0@41`."""
    data: str | None = None
    """`Job.eventData`."""
    new_files: tuple[str, ...] | None = None
    """`Job.trigger.obsNewFiles`."""
    plan_time_ms: int | None = None
    """None: now."""


class Engine(Protocol):
    async def submit(self, request: RunRequest) -> Accepted:
        """Durable when it returns. Raises `NotFound(JOB_NOT_FOUND)` also for a job that was never submitted
        (the hint says which), `NotFound(SCRIPT_NOT_FOUND)` for a script without a submitted version,
        `IdempotencyConflict`, and `NoRoom` or `TooManyRequests` when nothing new may begin now."""
        ...

    async def check(self, place: Place, job_name: str) -> None:
        """Raise what `submit` would for this job and the jobs that its nodes run, and start nothing."""
        ...

    def submit_soon(self, request: RunRequest, told: Callable[[int | None, BaseException | None], None]) -> None:
        """As `submit` for a job, without a key, for callers that can't wait: `told` is called with the instance's id
        once it is durable, or with the error. Raises `LookupError` when only `submit` can do or refuse it: nothing has
        happened then."""
        ...

    async def fire(self, request: RunRequest, occurrence: Occurrence, firing: Firing) -> Fired:
        """As `submit`, for an event that a trigger takes: instance and position become durable together. Answers a
        refusal where the event was taken before, or the trigger may not fire (any more)."""
        ...

    async def wait(self, instance_id: int, timeout_seconds: float) -> Instance | None:
        """The instance once it has ended, or as it is when the time is over. None: no such instance."""
        ...

    def watch(self, instance_id: int) -> AsyncGenerator[Instance, None]:
        """The instance now and after each of its commits, until it has ended (the last one is the ended one)."""
        ...

    def watch_all(self) -> AsyncGenerator[Instance, None]:
        """Instances of all workspaces that this engine runs, each when it is new here or has another status. Never
        ends by itself. Who looks away misses something: it is for telling people to look again."""
        ...

    async def prepare(self, request: RunRequest, definition: Definition) -> Instance:
        """A new instance of a submitted version, pinned to what it needs, stored nowhere. Raises as `submit`."""
        ...

    def warm(self, definition: Definition) -> None:
        """Read a submitted version ahead of its use. Raises `InvalidInput` for one that can't be run."""
        ...

    async def load(self, instances: Sequence[Instance]) -> Sequence[Plan | ArkwrightError]:
        """What `adopt` needs of each, or why it can't be read: for callers that read while it is at hand."""
        ...

    async def adopt(self, instances: Sequence[Instance], plans: Sequence[Plan | ArkwrightError] | None = None) -> None:
        """Take up instances that this engine owns and that have just become durable. `plans`: from `load`."""
        ...

    async def hear(self, instance_id: int, event: Event) -> None:
        """Give an instance the scheduler's news. They follow from what is stored: whoever tells them tells them again
        after a crash."""
        ...

    async def remove_dependency(self, place: Place, instance_id: int, key: str, *, by: str, operation_id: str) -> None:
        """Raises `NotFound`, `IllegalState`, `InvalidInput` (no such dependency)."""
        ...

    async def stop(self, place: Place, instance_id: int, *, by: str, operation_id: str) -> None:
        """Returns once the wish is durable; running nodes end within seconds. Raises `NotFound`, `IllegalState`."""
        ...

    async def restart(
        self,
        place: Place,
        instance_id: int,
        *,
        by: str,
        operation_id: str,
        position: RestartFrom = RestartFrom.FIRST_NODE,
        node_name: str | None = None,
        latest: bool = False,
    ) -> None:
        """`latest`: with the latest submitted version instead of the original one."""
        ...

    async def operate(self, place: Place, instance_id: int, operation: str, *, by: str, operation_id: str) -> None:
        """One of `core.transitions.OPERATIONS`. Raises `NotFound`, `IllegalState`."""
        ...

    async def operate_node(
        self, place: Place, instance_id: int, node_name: str, operation: str, *, by: str, operation_id: str
    ) -> None:
        """One of `core.transitions.NODE_OPERATIONS`. Raises as `operate`, and `InvalidInput` (no such node)."""
        ...

    async def find_facts(self, instance: Instance, keys: frozenset[str]) -> tuple[Mapping[str, Any], str | None]:
        """What expressions need from outside, by the keys of `core/facts.py`, and why the rest can't be found out."""
        ...

    async def environment(self, place: Place) -> Mapping[str, str]:
        """The workspace's environment variables, as an instance made now would get them."""
        ...

    @property
    def name(self) -> str:
        """This server's among those that share the database."""
        ...

    @property
    def ways(self) -> Sequence[Way]:
        """How this server reaches workers, as it stands now."""
        ...

    @property
    def lack(self) -> str | None:
        """Why no new run is begun now: what is missing. None: nothing."""
        ...

    @property
    def ready(self) -> bool:
        """Recovery has finished."""
        ...
