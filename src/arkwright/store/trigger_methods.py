"""The store's methods about triggers, on SQL: each says which work of `triggers` to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from arkwright.core.instance import Instance
from arkwright.errors import IdempotencyConflict
from arkwright.store import instances, triggers
from arkwright.store.base import IdempotencyKey, Place
from arkwright.store.trigger_record import Fired, Firing, Trigger, TriggerChange, TriggerKind, TriggerStart
from arkwright.store.waiting import Unheard
from arkwright.store.work import Transaction, Work

T = TypeVar("T")


class TriggerMethods(ABC):
    """`arkwright.store.trigger_record.TriggerStore` for `SqlStore`, which brings what is abstract here."""

    _session: int
    _unheard: list[tuple[str, int]]

    @abstractmethod
    def next_id(self) -> int: ...

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

    async def start_triggers(
        self, place: Place, job_id: int, starts: Sequence[TriggerStart], *, job_status: str | None = None
    ) -> Sequence[Trigger]:
        place_id = await self._place(place)
        numbered = [(self.next_id(), each) for each in starts]
        return await self._change_definition(
            lambda transaction: triggers.start(transaction, place_id, job_id, numbered, job_status)
        )

    async def change_triggers(self, change: TriggerChange) -> bool:
        if change.job_status is None:
            return await self._write(lambda transaction: triggers.change(transaction, change))
        return await self._change_definition(lambda transaction: triggers.change(transaction, change))

    async def delete_trigger(self, trigger_id: int) -> None:
        await self._write(lambda transaction: triggers.delete(transaction, trigger_id))

    async def get_trigger(self, trigger_id: int) -> Trigger | None:
        return await self._read(partial(triggers.get, trigger_id))

    async def list_triggers(self, *, job_id: int | None = None, slot: str | None = None) -> Sequence[Trigger]:
        if job_id is None and slot is None:
            raise ValueError("list_triggers needs a job or a slot")
        return await self._read(partial(triggers.find, job_id, slot))

    async def triggers_of_place(self, place: Place, kind: TriggerKind) -> Sequence[Trigger]:
        place_id = await self._place(place)
        return await self._read(partial(triggers.of_place, place_id, kind))

    async def claim_triggers(self, engine: str) -> Sequence[Trigger]:
        return await self._write(lambda transaction: triggers.claim(transaction, engine))

    async def release_triggers(self, engine: str) -> None:
        await self._write(lambda transaction: triggers.release(transaction, engine))

    async def report_trigger(self, trigger_id: int, epoch: int, report: Mapping[str, Any]) -> None:
        await self._write(lambda transaction: triggers.report(transaction, trigger_id, epoch, report))

    async def fire_trigger(
        self, instance: Instance, firing: Firing, *, owner: str | None, idempotency: IdempotencyKey | None = None
    ) -> Fired:
        place_id = await self._place(Place(project_id=instance.project_id, workspace_id=instance.workspace_id))
        new = instances.creation(instance, place_id, owner, self._session, idempotency)

        def unheard(fired: object) -> None:
            # As in `create_instance`: the engine learns of it when it claims.
            if owner is not None and isinstance(fired, Fired) and fired.refusal is None and not fired.replayed:
                self._unheard.append((owner, new.id))
                self._wake()

        result = await self._write(lambda transaction: triggers.fire(transaction, new, firing), unheard=unheard)
        if isinstance(result, IdempotencyConflict):
            raise result
        return result

    async def open_positions(self, trigger_id: int, defaults: Mapping[str, int]) -> Mapping[str, int]:
        return await self._write(lambda transaction: triggers.open_positions(transaction, trigger_id, defaults))

    async def move_position(self, trigger_id: int, epoch: int, source: str, position: int) -> None:
        await self._write(lambda transaction: triggers.move_position(transaction, trigger_id, epoch, source, position))

    async def get_marks(self, trigger_id: int) -> Mapping[str, str]:
        return await self._read(partial(triggers.marks, trigger_id))

    async def change_marks(
        self, trigger_id: int, epoch: int, *, seen: Mapping[str, str], gone: Sequence[str] = ()
    ) -> None:
        await self._write(lambda transaction: triggers.change_marks(transaction, trigger_id, epoch, seen, gone))

    async def trigger_runs(self, trigger_id: int) -> Sequence[int]:
        return await self._read(partial(triggers.runs, trigger_id))
