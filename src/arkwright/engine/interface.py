"""What the engine offers to those above it: the API, the scheduler, tests.

Every method that changes something returns after the change is durable.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from arkwright.core.events import RestartFrom
from arkwright.core.instance import ConditionPolicy, Instance, InstanceType
from arkwright.store.base import Accepted, IdempotencyKey, Kind, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A wish to run a job's submitted version now."""

    place: Place
    job_name: str
    kind: Kind = Kind.JOB
    """`SCRIPT_RUN`: the hidden job that a script is executed with."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    by: str
    """Name of the user who asks."""
    time_zone: str
    """The workspace's."""
    condition_policy: ConditionPolicy = ConditionPolicy.OR
    """The workspace's."""
    instance_type: InstanceType = InstanceType.MANUAL
    idempotency: IdempotencyKey | None = None


class Engine(Protocol):
    async def submit(self, request: RunRequest) -> Accepted:
        """Durable when it returns. Raises `NotFound(JOB_NOT_FOUND)` also for a job that was never submitted
        (the hint says which), `NotFound(SCRIPT_NOT_FOUND)` for a script without a submitted version, and
        `IdempotencyConflict`."""
        ...

    async def wait(self, instance_id: int, timeout_seconds: float) -> Instance | None:
        """The instance once it has ended, or as it is when the time is over. None: no such instance."""
        ...

    def watch(self, instance_id: int) -> AsyncGenerator[Instance, None]:
        """The instance now and after each of its commits, until it has ended (the last one is the ended one)."""
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
    def ready(self) -> bool:
        """Recovery has finished."""
        ...
