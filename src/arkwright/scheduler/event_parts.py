"""All that starts runs by events, put together; and the scheduler's one door for schedules of any kind.

A job's schedule is started, stopped, paused and resumed by the same calls whatever its type: `AnySchedules` sends CRON
to the planner, EVENT to the job's trigger, real-time jobs to those of their nodes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from arkwright.core.events import ConditionMet, Withdrawn
from arkwright.core.gate import ObjectExists
from arkwright.core.identity import Workspace
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.engine.clock import Clock
from arkwright.engine.connections import unsealed
from arkwright.engine.interface import Engine
from arkwright.engine.secret_references import References
from arkwright.errors import NotFound
from arkwright.iam.sealing import Sealer
from arkwright.objects.base import Objects
from arkwright.scheduler.events.listening import ObsListening
from arkwright.scheduler.events.obs import News
from arkwright.scheduler.events.schedules import EventSchedules
from arkwright.scheduler.events.sources import Sources
from arkwright.scheduler.events.triggers import Triggers
from arkwright.scheduler.events.waited_path import waited_path
from arkwright.scheduler.events.webhook import Webhooks
from arkwright.scheduler.interface import Scheduler, ScheduleStart
from arkwright.scheduler.real_time import RealTimeJobs
from arkwright.store.base import Definition, Kind, Place, Store
from arkwright.store.trigger_record import Trigger, TriggerState

log = logging.getLogger("arkwright.events")


class EventParts:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        name: str,
        workspace_of: Callable[[str], Workspace | None],
        objects: Objects,
        news: News | None,
        sealer: Sealer,
        fence: Mapping[str, Any] | None = None,
        references: References | None = None,
        lease_seconds: float | None = None,
        runs: bool = True,
    ) -> None:
        """`fence`: which addresses may be connected to, as for nodes. `runs`: whether this server looks after triggers,
        or only lets others do it."""

        def workspace(place: Place) -> Workspace | None:
            return workspace_of(place.workspace_id)

        async def connect(place: Place, name: str) -> Mapping[str, Any]:
            found = await store.get_definition(place, Kind.CONNECTION, name)
            if found is None:
                raise NotFound(f"There is no connection {name!r} in this workspace.", field="connectionName")
            return unsealed(found.body.get("config") or {}, place, name, sealer, references)

        async def job_status(trigger: Trigger, states: Mapping[int, TriggerState]) -> str | None:
            return await self.real_time.status_after(trigger, states)

        self._engine = engine
        self._clock = clock
        self._store = store
        self.triggers = Triggers(
            store=store,
            engine=engine,
            clock=clock,
            owner=name,
            workspace=workspace,
            source_of=Sources(objects=objects, news=news, connect=connect, fence=fence or {}),
            job_status=job_status,
            lease_seconds=lease_seconds,
            runs=runs,
        )
        self.schedules = EventSchedules(store, self.triggers)
        self.real_time = RealTimeJobs(store, engine, self.triggers, clock)
        self.webhooks = Webhooks(store=store, engine=engine, clock=clock, sealer=sealer, workspace=workspace)
        self.listening = ObsListening(
            objects,
            clock,
            news,
            met=self._met,
            gave_up=self._gave_up,
            waits=self._waits,
            path_of=self._path_of,
        )

    async def open(self) -> None:
        await self.triggers.open()

    async def close(self) -> None:
        await self.listening.close()
        await self.triggers.close()

    async def forget(self, job: Definition) -> None:
        """A deleted job has no triggers and no webhooks."""
        for trigger in await self._store.list_triggers(job_id=job.id):
            await self._store.delete_trigger(trigger.id)

    def listen_for(self, instance: Instance) -> None:
        """Listen for the objects that a waiting instance waits for. Harmless when it is done already."""
        gate = instance.gate
        if gate is None:
            return
        for condition in gate.conditions:
            if isinstance(condition, ObjectExists) and condition.key not in {*gate.met, *gate.removed}:
                self.listening.begin(instance.id, condition)

    async def _met(self, instance_id: int, condition: ObjectExists) -> None:
        await self._engine.hear(instance_id, ConditionMet(at_ms=self._clock.now_ms(), key=condition.key))

    async def _path_of(self, instance_id: int, text: str) -> str:
        instance = await self._store.load_instance(instance_id)
        if instance is None:
            raise NotFound("The instance is gone.")
        return await waited_path(self._store, self._engine, instance, text)

    async def _gave_up(self, instance_id: int, condition: ObjectExists) -> None:
        """As one that waited too long (factory-behaviour 2.1)."""
        if await self._waits(instance_id, condition):
            message = f"{condition.path} did not come in time."
            now_ms = self._clock.now_ms()
            withdrawn = Withdrawn(at_ms=now_ms, ending=InstanceStatus.MANUAL_STOP, message=message)
            await self._engine.hear(instance_id, withdrawn)

    async def _waits(self, instance_id: int, condition: ObjectExists) -> bool:
        found = await self._store.load_instance(instance_id)
        if found is None or found.ended or found.gate is None or found.gate.open:
            return False
        return condition.key not in {*found.gate.met, *found.gate.removed}


class AnySchedules:
    """`arkwright.scheduler.interface.Scheduler`: what is not about one job's schedule goes to the planner as it is."""

    def __init__(self, planner: Scheduler, events: EventParts) -> None:
        self._planner = planner
        self._events = events

    def scheduler(self) -> Scheduler:
        """This, as a type checker wants it."""
        return cast("Scheduler", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._planner, name)

    async def start(self, wish: ScheduleStart) -> Any:
        job = wish.job
        parameters = {each["name"]: str(each.get("value") or "") for each in wish.given.get("jobParams") or ()}
        if job.category == "REAL_TIME":
            await self._events.real_time.start(job, by=wish.by, parameters=parameters, time_zone=wish.time_zone)
        elif (job.body.get("schedule") or {}).get("type") == "EVENT":
            await self._events.schedules.start(job, by=wish.by, parameters=parameters)
        else:
            return await self._planner.start(wish)
        return None

    async def stop(self, job: Definition) -> None:
        if job.category == "REAL_TIME":
            await self._events.real_time.stop(job)
        elif await self._events.schedules.is_live(job):
            await self._events.schedules.stop(job)
        else:
            await self._planner.stop(job)

    async def pause(self, job: Definition) -> None:
        if job.category == "REAL_TIME":
            await self._events.real_time.pause(job)
        elif await self._events.schedules.is_live(job):
            await self._events.schedules.pause(job)
        else:
            await self._planner.pause(job)

    async def resume(self, job: Definition) -> None:
        if job.category == "REAL_TIME":
            await self._events.real_time.resume(job)
        elif await self._events.schedules.is_live(job):
            await self._events.schedules.resume(job)
        else:
            await self._planner.resume(job)
