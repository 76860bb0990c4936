"""Patches that are not over, and their instances, as the store keeps them.

Theory of operation
-------------------
A patch is a definition (`Kind.PATCH_DATA`), whose body never changes, and a row that says that it is not over. An
instance is made together with a row for its job and plan time, in one transaction that also looks whether the patch may
still run, so:

* kill -9 before the commit: neither is there, the run is still to be started;
* kill -9 after it: both are there; the instance is found by whoever claims it;
* a stop that comes first: nothing is made any more;
* two servers that both believe to be the one: the second one finds the row there and makes nothing.

Both rows are gone when the patch is over, so nothing grows with history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from arkwright.core.instance import Instance, InstanceStatus
    from arkwright.store.definition_record import Definition, DefinitionWrite
    from arkwright.store.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchRunRow:
    """An instance of a patch."""

    job_id: int
    plan_time_ms: int
    instance_id: int
    place: Place
    status: InstanceStatus


class PatchStore(Protocol):
    async def create_patch(self, place: Place, write: DefinitionWrite) -> Definition:
        """Raises `AlreadyExists`. Whoever listens with `on_schedules` is told."""
        ...

    async def open_patches(self) -> Sequence[Definition]:
        """Those that are not over, stopped ones whose instances still run among them, by id."""
        ...

    async def patch_runs(self, definition_id: int) -> Sequence[PatchRunRow]:
        """What was made for a patch that is not over."""
        ...

    async def begin_patch(self, definition: Definition) -> bool:
        """Status RUNNING. False: it was stopped."""
        ...

    async def start_patch_runs(
        self, definition_id: int, instances: Sequence[Instance], *, owner: str | None
    ) -> frozenset[int]:
        """Ids of the instances that were made: none when the patch isn't RUNNING, none for a job and plan time that
        has one already."""
        ...

    async def stop_patch(self, place: Place, name: str) -> None:
        """Status CANCEL. Raises `NotFound`. Whoever listens with `on_schedules` is told."""
        ...

    async def end_patch(self, definition: Definition, status: str) -> None:
        """It is over. `status`: empty leaves it as it is."""
        ...
