"""A server's engine and triggers in one folder, on a real store; it can die and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.engine.world import END_SECONDS, PLACE, World, node

from arkwright.core.identity import Workspace
from arkwright.core.instance import Instance
from arkwright.errors import NotFound
from arkwright.objects.base import Objects
from arkwright.objects.folder import FolderObjects
from arkwright.scheduler.events.folder_watch import FolderNews, TellingObjects
from arkwright.scheduler.events.schedules import EventSchedules
from arkwright.scheduler.events.sources import Sources
from arkwright.scheduler.events.triggers import Triggers
from arkwright.scheduler.real_time import RealTimeJobs
from arkwright.store.base import Definition, DefinitionWrite, InstanceFilter, Kind, Place
from arkwright.store.trigger_record import Trigger

__all__ = ["END_SECONDS", "PLACE", "Stage", "node"]


class Stage:
    def __init__(self, folder: Path, *, storage: Objects | None = None, **world: Any) -> None:
        """`storage`: one that tells of nothing, in place of the folder."""
        self.storage = storage
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.world = World(folder, **world)
        self.name = world.get("name", "engine")
        self.connections: dict[str, Mapping[str, Any]] = {}
        self.lease_seconds = world.get("lease_seconds")

    async def __aenter__(self) -> Stage:
        await self.world.open()
        self.store = self.world.store.store()
        self.news = FolderNews(self.folder / "obs")
        self.objects: Objects = self.storage or TellingObjects(FolderObjects(self.folder / "obs"), self.news)
        news = None if self.storage is not None else self.news
        self.triggers = Triggers(
            store=self.store,
            engine=self.world.engine,
            clock=self.world.clock,
            owner=self.name,
            workspace=lambda _: WORKSPACE,
            source_of=Sources(objects=self.objects, news=news, connect=self._connect, fence=FENCE),
            job_status=lambda trigger, states: self.real_time.status_after(trigger, states),
            lease_seconds=self.lease_seconds,
        )
        self.schedules = EventSchedules(self.store, self.triggers)
        self.real_time = RealTimeJobs(self.store, self.world.engine, self.triggers, self.world.clock)
        await self.triggers.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.triggers.close()
        await self.world.close()

    async def _connect(self, place: Place, name: str) -> Mapping[str, Any]:
        found = await self.store.get_definition(place, Kind.CONNECTION, name)
        if found is None:
            raise NotFound(f"There is no connection {name!r}.")
        config: Mapping[str, Any] = found.body["config"]
        return config

    async def connection(self, name: str, **config: Any) -> None:
        await self.store.create_definition(PLACE, Kind.CONNECTION, self._connection(name, config))

    async def reconnect(self, name: str, **config: Any) -> None:
        await self.store.save_definition(PLACE, Kind.CONNECTION, name, self._connection(name, config))

    def _connection(self, name: str, config: Mapping[str, Any]) -> DefinitionWrite:
        return DefinitionWrite(
            name=name,
            category="KAFKA",
            directory="/",
            body={"name": name, "type": "KAFKA", "config": config},
            submit=True,
            actor="tester",
            at_ms=self.world.clock.now_ms(),
        )

    async def job(self, name: str, event: Mapping[str, Any], nodes: list[dict[str, Any]]) -> Definition:
        await self.world.job(name, nodes, schedule={"type": "EVENT", "event": event})
        return await self.definition(name)

    async def definition(self, name: str) -> Definition:
        found = await self.store.get_definition(PLACE, Kind.JOB, name, submitted=True)
        assert found is not None
        return found

    async def start(self, job: Definition, **parameters: str) -> Trigger:
        await self.schedules.start(job, by="tester", parameters=parameters)
        return await self.trigger(job)

    async def trigger(self, job: Definition, slot: str = "") -> Trigger:
        (found,) = await self.store.list_triggers(job_id=job.id, slot=slot)
        return found

    async def instances(self, job: str | None = None) -> list[Instance]:
        """All, oldest first."""
        where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53)
        found = (await self.store.list_instances(where, limit=1000)).items
        return sorted((each for each in found if job is None or each.job_name == job), key=lambda each: each.id)

    async def ended(self, count: int, job: str | None = None) -> list[Instance]:
        """Once so many have been started, and all of them have ended."""
        await self.until(lambda: self._enough(count, job))
        found = await self.instances(job)
        assert len(found) == count
        return [await self.world.ended(each.id) for each in found]

    async def _enough(self, count: int, job: str | None) -> bool:
        return len(await self.instances(job)) >= count

    async def until(self, holds: Callable[[], Any]) -> None:
        """Returns once the condition holds: looked at again and again, since it is others who bring it about."""
        async with asyncio.timeout(END_SECONDS):
            while not await holds():
                await asyncio.sleep(0.02)

    def reported(self, trigger: Trigger, **wanted: Any) -> Callable[[], Any]:
        """Whether the trigger's report says this."""

        async def holds() -> bool:
            found = await self.store.get_trigger(trigger.id)
            report = self.triggers.report(found) if found else {}
            return all(report.get(key) == value for key, value in wanted.items())

        return holds


FENCE = {"allow_loopback_requests": True}
"""Brokers of tests are there."""
WORKSPACE = Workspace(
    id=PLACE.workspace_id,
    name="default",
    project_id=PLACE.project_id,
    is_default=True,
    time_zone="UTC",
    local_programs_allowed=True,
)
