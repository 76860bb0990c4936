"""The store's methods about schedules, on SQL: each says which work of `schedules` to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from arkwright.core.instance import Instance
from arkwright.core.slots import SlotLimits
from arkwright.store import schedules, slots
from arkwright.store.base import Definition, Place
from arkwright.store.schedule_record import GateAnswers, GateQuestions, PlanShare, ScheduleRow, SlotCount
from arkwright.store.waiting import Unheard
from arkwright.store.work import ANY_PLANNED, SCHEDULES, SLOTS, Transaction, Work, planned_jobs

T = TypeVar("T")


class ScheduleMethods(ABC):
    """`arkwright.store.schedule_record.ScheduleStore` for `SqlStore`, which brings what is abstract here."""

    _session: int
    _planned_watchers: list[Callable[[frozenset[int] | None], None]]
    _schedule_watchers: list[Callable[[], None]]
    _slot_watchers: list[Callable[[], None]]

    @abstractmethod
    async def _place(self, place: Place) -> int: ...

    @abstractmethod
    async def _write(
        self,
        work: Callable[[Transaction], Work[T]],
        *,
        unheard: Unheard | None = None,
    ) -> T: ...

    @abstractmethod
    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T: ...

    @abstractmethod
    async def _change_definition(self, work: Callable[[Transaction], Work[T]]) -> T: ...

    @abstractmethod
    def _wake(self) -> None: ...

    def _schedules_made_known(self, channels: set[str]) -> None:
        if SCHEDULES in channels:
            for watcher in self._schedule_watchers:
                watcher()
        if SLOTS in channels:
            for watcher in self._slot_watchers:
                watcher()
        jobs = None if ANY_PLANNED in channels else planned_jobs(channels)
        if jobs is None or jobs:
            for heard in self._planned_watchers:
                heard(jobs)

    def on_planned(self, heard: Callable[[frozenset[int] | None], None]) -> None:
        self._planned_watchers.append(heard)

    def on_schedules(self, heard: Callable[[], None]) -> None:
        self._schedule_watchers.append(heard)

    def on_slots(self, heard: Callable[[], None]) -> None:
        self._slot_watchers.append(heard)

    async def places_with_queues(self) -> Sequence[Place]:
        return await self._read(slots.waiting_places)

    async def grant_slots(self, place: Place, limits: SlotLimits, *, now_ms: int) -> int:
        place_id = await self._place(place)
        return await self._write(lambda transaction: slots.grant(transaction, place_id, limits, now_ms))

    async def slot_holders(self, place: Place, group: str | None, *, limit: int) -> Sequence[tuple[int, int]]:
        return await self._read(partial(slots.holders, await self._place(place), group, limit))

    async def count_slots(self, place: Place) -> Sequence[SlotCount]:
        return await self._read(partial(slots.count, await self._place(place)))

    async def leaked_slots(self) -> int:
        return await self._read(slots.leaked)

    async def set_schedule(self, row: ScheduleRow, *, job_name: str, job_status: str) -> None:
        place_id = await self._place(row.place)
        await self._change_definition(
            lambda transaction: schedules.put(transaction, place_id, row, job_name, job_status)
        )

    async def get_schedules(self, job_ids: Sequence[int]) -> Sequence[ScheduleRow]:
        return await self._read(partial(schedules.get, job_ids))

    async def due_schedules(self, *, after_ms: int, until_ms: int, limit: int) -> Sequence[ScheduleRow]:
        return await self._read(partial(schedules.due, after_ms, until_ms, limit))

    async def count_due(self, *, until_ms: int) -> tuple[int, int | None]:
        return await self._read(partial(schedules.count_due, until_ms))

    async def next_due(self) -> int | None:
        return await self._read(schedules.next_due)

    async def plan(self, shares: Sequence[PlanShare], *, owner: str | None) -> frozenset[int]:
        placed = []
        for share in shares:
            for instance in share.instances[:1]:
                where = Place(project_id=instance.project_id, workspace_id=instance.workspace_id)
                placed.append((await self._place(where), share))
            if not share.instances:
                placed.append((0, share))

        def unheard(made: object) -> None:
            # The engine learns of them when it claims.
            if owner is not None:
                self._session += 1  # of this process's own block of ids, as the first one
                self._wake()

        return await self._write(
            lambda transaction: schedules.plan(transaction, placed, owner, self._session), unheard=unheard
        )

    async def submitted_of(self, job_ids: Sequence[int]) -> Sequence[Definition]:
        return await self._read(partial(schedules.submitted_of, job_ids))

    async def watching(self, job_ids: Iterable[int] | None, *, after: int, limit: int) -> Sequence[Instance]:
        return await self._read(partial(schedules.watching, job_ids, after, limit))

    async def watched_jobs(self) -> frozenset[int]:
        return await self._read(schedules.watched_jobs)

    async def expiring(self, *, until_ms: int, limit: int) -> Sequence[Instance]:
        return await self._read(partial(schedules.expiring, until_ms, limit))

    async def next_expiry(self, *, after_ms: int) -> int | None:
        return await self._read(partial(schedules.next_expiry, after_ms))

    async def answer_gates(self, questions: GateQuestions) -> GateAnswers:
        return await self._read(partial(schedules.answer_gates, questions), snapshot=True)

    async def planned_instances(self, job_id: int, *, from_ms: int, to_ms: int, limit: int) -> Sequence[Instance]:
        return await self._read(partial(schedules.planned_instances, job_id, from_ms, to_ms, limit))
