"""A whole scheduler on a clock that stands still: real store, real engine; attempts end when the test says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.servers.database import url_for

from arkwright.core.identity import Workspace
from arkwright.core.instance import Instance, InstanceStatus, InstanceType
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.core.rules import Rules
from arkwright.engine.engine import Engine
from arkwright.engine.folders import Folders
from arkwright.executors.base import Finished
from arkwright.executors.beginning import Beginning
from arkwright.nodes.base import AttemptKey, Context, NodeType, Program, Work
from arkwright.nodes.registry import Registry
from arkwright.scheduler.interface import ScheduleStart
from arkwright.scheduler.scheduler import DurableScheduler
from arkwright.store.base import Definition, DefinitionWrite, InstanceFilter, Kind, Place
from arkwright.store.open import open_store
from arkwright.testing.fake_clock import FakeClock
from arkwright.testing.faulty_store import FaultyStore

PLACE = Place(project_id="p" * 32, workspace_id="w" * 32)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LIMIT_SECONDS = 30


def at(text: str) -> int:
    """`2026-03-10 08:00` in UTC as epoch milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def cron(expression: str, interval: str = "days", **more: Any) -> dict[str, Any]:
    """A schedule of type CRON; keywords are fields of the cron, `schedule` those beside it."""
    beside = more.pop("schedule", {})
    given = {
        "expression": expression,
        "intervalType": interval,
        "startTime": "2020-01-01T00:00:00Z",
        "expressionTimeZone": "UTC",
        **more,
    }
    return {"type": "CRON", "cron": given, **beside}


def after(*jobs: str, policy: str = "FAIL", **more: Any) -> dict[str, Any]:
    return {"jobs": list(jobs), "dependFailPolicy": policy, **more}


class Held:
    """A node type whose work is done when the test says so."""

    type = NodeType(name="Held", title="Held", work=Work.PROGRAM, summary="Waits for the test.")

    def check(self, context: Context) -> Failed | None:
        return None

    def program(self, context: Context) -> Program:
        raise AssertionError("it is never started as a program")

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        raise AssertionError("it is never started as a program")


class Hands:
    """An executor whose attempts end by hand."""

    def __init__(self) -> None:
        self.running: dict[int, AttemptKey] = {}
        """By instance."""
        self.order: list[int] = []
        self._finished: Finished | None = None
        self.beginning = Beginning()

    async def open(self, finished: Finished) -> None:
        self._finished = finished

    def submit(self, type_name: str, context: Context) -> None:
        self.running[context.key.instance_id] = context.key
        self.order.append(context.key.instance_id)

    attach = submit

    def cancel(self, key: AttemptKey) -> None:
        self.end(key.instance_id, Failed(kind=FailureKind.CANCELLED, message="cancelled"))

    def end(self, instance_id: int, outcome: Outcome | None = None) -> None:
        key = self.running.pop(instance_id)
        assert self._finished is not None
        self._finished(key, outcome or Succeeded())

    def fail(self, instance_id: int) -> None:
        self.end(instance_id, Failed(kind=FailureKind.ERROR, message="it failed"))

    async def close(self) -> None:
        self.running.clear()


class World:
    def __init__(
        self,
        folder: Path,
        *,
        url: str = "",
        now: str = "2026-03-10 07:59",
        name: str = "one",
        crash_at: int = 0,
        after: bool = False,
        **settings: Any,
    ) -> None:
        self.crash_at, self.after = crash_at, after
        self.folder = folder
        self.clock = FakeClock(at(now))
        self.settings = settings
        self.hands = Hands()
        self.rules = Rules()
        self._url = url or url_for(folder)
        self.name = name

    async def open(self) -> None:
        self.faulty = FaultyStore(open_store(self._url or self.folder / "store.db"), self.crash_at, self.after)
        self.store = self.faulty.real
        await self.store.open()
        store = self.faulty.store()
        registry = Registry(group=None)
        registry.add(Held())
        self.engine = Engine(
            store=store,
            clock=self.clock,
            folders=Folders(self.folder),
            registry=registry,
            executors={Work.PROGRAM: self.hands},
            local_programs_allowed=lambda _: True,
            name=self.name,
            lease_seconds=10**7 if self._url else None,  # the clock jumps, and nobody renews it then
            rules=lambda _: self.rules,
        )
        await self.engine.open()
        self.scheduler = DurableScheduler(
            store=store,
            engine=self.engine,
            clock=self.clock,
            workspace_of=self._workspace,
            workspace_named=lambda project, name: None,
            name=self.name,
            lease_seconds=600 if self._url else None,
        )
        await self.scheduler.open()

    async def close(self) -> None:
        await self.scheduler.close()
        await self.engine.close()
        await self.store.close()

    def _workspace(self, workspace_id: str) -> Workspace:
        return Workspace(
            id=workspace_id,
            name="default",
            project_id=PLACE.project_id,
            is_default=True,
            time_zone="UTC",
            local_programs_allowed=True,
            settings={"scheduling": self.settings},
        )

    # -- jobs
    async def job(
        self, name: str, schedule: dict[str, Any], *, node: str = "Dummy", place: Place = PLACE, **document: Any
    ) -> Definition:
        nodes = [{"name": "only", "type": node}]
        write = DefinitionWrite(
            name=name,
            category="BATCH",
            directory="/",
            body={"name": name, "nodes": nodes, "schedule": schedule, **document},
            submit=True,
            actor="ada",
            at_ms=self.clock.now_ms(),
        )
        if await self.store.get_definition(place, Kind.JOB, name) is None:
            return await self.store.create_definition(place, Kind.JOB, write)
        return await self.store.save_definition(place, Kind.JOB, name, write)

    async def start(self, name: str, *, place: Place = PLACE, **given: Any) -> None:
        job = await self.store.get_definition(place, Kind.JOB, name, submitted=True)
        assert job is not None
        await self.scheduler.start(ScheduleStart(job=job, given=given, by="ada", time_zone="UTC"))
        await self.quiet()

    async def scheduled(self, name: str, schedule: dict[str, Any], *, place: Place = PLACE, **more: Any) -> Definition:
        """A job whose schedule has just been started."""
        job = await self.job(name, schedule, place=place, **more)
        await self.start(name, place=place)
        return job

    async def stop(self, name: str) -> None:
        job = await self.store.get_definition(PLACE, Kind.JOB, name)
        assert job is not None
        await self.scheduler.stop(job)
        await self.quiet()

    # -- time
    async def until(self, text: str) -> None:
        """Let time pass, and everything that is due then be done."""
        self.clock.jump(at(text) - self.clock.now_ms())
        await self.quiet()

    async def quiet(self) -> None:
        """Returns when nothing goes on any more: planner and gates have nothing to do, and no event is on its way."""
        async with asyncio.timeout(LIMIT_SECONDS):
            calm = 0
            while calm < 3 and not self.faulty.crashed.is_set():
                await self.store.ping()  # whatever was on its way to the store is durable now, and made known
                busy = not (
                    self.scheduler.planner.idle.is_set()
                    and self.scheduler.gates.idle.is_set()
                    and self.scheduler.slots.idle.is_set()
                )
                busy = busy or (bool(self._url) and await self._unbegun())
                calm = 0 if busy or await self.store.posted(self.name) else calm + 1

    async def _unbegun(self) -> bool:
        """Beside other engines, what is planned waits to be claimed."""
        where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53, statuses=[InstanceStatus.WAITING])
        page = await self.store.list_instances(where, limit=100)
        return any(each.version == 0 and (each.gate is None or each.gate.open) for each in page.items)

    # -- looking
    async def instances(self, name: str = "") -> list[Instance]:
        """Planned ones, by plan time."""
        where = InstanceFilter(place=PLACE, from_ms=0, to_ms=2**53, instance_types=[InstanceType.NORMAL.value])
        page = await self.store.list_instances(where, limit=100_000)
        found = [each for each in page.items if not name or each.job_name == name]
        return sorted(found, key=lambda each: (each.plan_time_ms, each.id))

    async def states(self, name: str) -> list[tuple[str, str]]:
        """(plan time as HH:MM, state) of a job's planned instances."""
        return [
            (datetime.fromtimestamp(each.plan_time_ms / 1000, UTC).strftime("%H:%M"), each.status.value)
            for each in await self.instances(name)
        ]

    async def only(self, name: str) -> Instance:
        [instance] = await self.instances(name)
        return instance

    async def why(self, instance: Instance) -> list[str]:
        """The kinds of what it waits for."""
        found = await self.scheduler.why(PLACE, instance.id)
        assert found is not None
        return [each.kind for each in found.unmet]

    async def does(self, operation: str, instance: Instance) -> None:
        await self.engine.operate(PLACE, instance.id, operation, by="ada", operation_id=f"{operation} {instance.id}")
        await self.quiet()

    async def ends(self, instance: Instance) -> None:
        self.hands.end(instance.id)
        await self.quiet()

    async def fails(self, instance: Instance) -> None:
        self.hands.fail(instance.id)
        await self.quiet()


@contextlib.asynccontextmanager
async def living(world: World) -> AsyncIterator[World]:
    await world.open()
    try:
        await world.quiet()
        yield world
    finally:
        await world.close()
