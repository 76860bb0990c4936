"""A whole engine in a folder: real store, real processes. It can die at any call of the store, and come back."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.servers.database import place_for

from arkwright.core.instance import Instance
from arkwright.engine.clock import Clock, SystemClock
from arkwright.engine.engine import Engine
from arkwright.engine.folders import Folders
from arkwright.engine.interface import RunRequest
from arkwright.executors.local import MAX_PROGRAMS, LocalExecutor
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import Accepted, DefinitionWrite, IdempotencyKey, Kind, Place, Store
from arkwright.store.open import open_store
from arkwright.testing.faulty_store import FaultyStore

PLACE = Place(project_id="p" * 32, workspace_id="w" * 32)
END_SECONDS = 30


def node(name: str, type_: str = "Shell", *, after: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """A node as the API takes it; keywords that are no field of a node are properties."""
    fields = {"failPolicy", "retryTimes", "retryInterval", "retryExitCodes", "maxExecutionTime", "execTimeOutRetry"}
    fields.add("conditions")
    return {
        "name": name,
        "type": type_,
        "preNodeName": after or [],
        "properties": [{"name": key, "value": value} for key, value in more.items() if key not in fields],
        **{key: value for key, value in more.items() if key in fields},
    }


class World:
    def __init__(
        self,
        folder: Path,
        *,
        url: str = "",
        crash_at: int = 0,
        after: bool = False,
        clock: Clock | None = None,
        name: str = "engine",
        lease_seconds: float | None = None,
        runs: bool = True,
        slots: int = MAX_PROGRAMS,
    ) -> None:
        self.folders = Folders(folder)
        self.clock = clock or SystemClock()
        self.store = FaultyStore(open_store(url or place_for(folder)), crash_at, after)
        self._name = name
        self._lease_seconds = lease_seconds
        self._runs = runs
        self._slots = slots
        self.options: dict[str, Any] = {}
        """More parts for the engine."""

    async def open(self) -> None:
        await self.store.real.open()
        registry = Registry()
        self.executor = LocalExecutor(registry, root=self.folders.runs, max_programs=self._slots, grace_seconds=0.5)
        self.engine = Engine(
            store=self.store.store(),
            clock=self.clock,
            folders=self.folders,
            registry=registry,
            executors={Work.PROGRAM: self.executor},
            local_programs_allowed=lambda _: True,
            name=self._name,
            lease_seconds=self._lease_seconds,
            runs=self._runs,
            **self.options,
        )
        await self.engine.open()

    async def close(self) -> None:
        """The end of the process: nothing of it goes on but the programs it started."""
        try:
            await self.engine.close()
        finally:
            await self.store.real.close()

    async def job(self, name: str, nodes: list[dict[str, Any]], *, category: str = "BATCH", **document: Any) -> None:
        write = DefinitionWrite(
            name=name,
            category=category,
            directory="/",
            body={"name": name, "nodes": nodes, **document},
            submit=True,
            actor="tester",
            at_ms=self.clock.now_ms(),
        )
        store: Store = self.store.real
        if await store.get_definition(PLACE, Kind.JOB, name) is None:
            await store.create_definition(PLACE, Kind.JOB, write)
        else:
            await store.save_definition(PLACE, Kind.JOB, name, write)

    async def submit(self, name: str, *, idempotency: IdempotencyKey | None = None, **parameters: str) -> Accepted:
        return await self.engine.submit(
            RunRequest(
                place=PLACE, job_name=name, parameters=parameters, by="tester", time_zone="UTC", idempotency=idempotency
            )
        )

    async def run(self, name: str, **parameters: str) -> Instance:
        return await self.ended((await self.submit(name, **parameters)).instance_id)

    async def ended(self, instance_id: int) -> Instance:
        state = await self.engine.wait(instance_id, END_SECONDS)
        assert state is not None
        assert state.ended, f"still {state.status} after {END_SECONDS} s: {state}"
        return state

    async def crashed_or_ended(self, instance_id: int) -> None:
        """How many commits a run takes depends on what comes together in one, so it may end before the crash."""
        ways = [asyncio.create_task(self.store.crashed.wait()), asyncio.create_task(self.ended(instance_id))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def until(self, instance_id: int, reached: Any) -> Instance:
        """The first state of the instance that fulfils the condition."""
        async with asyncio.timeout(END_SECONDS), contextlib.aclosing(self.engine.watch(instance_id)) as states:
            async for state in states:
                if reached(state):
                    return state
        raise AssertionError("the instance ended without it")

    async def logged(self, state: Instance, name: str, text: str) -> None:
        """Returns once the node's log holds the text: its program has really started."""
        run = next(run for run in state.nodes if run.name == name)
        path = self.folders.log(state.id, run.index, run.attempt)
        async with asyncio.timeout(END_SECONDS):
            while not path.exists() or text not in path.read_text():
                await asyncio.sleep(0.01)

    def log(self, state: Instance, name: str) -> str:
        run = next(run for run in state.nodes if run.name == name)
        return self.folders.log(state.id, run.index, run.attempt).read_text()


@contextlib.asynccontextmanager
async def living(world: World) -> AsyncIterator[World]:
    await world.open()
    try:
        yield world
    finally:
        await world.close()


async def feed(fifo: Path, text: str) -> None:
    """Write to a fifo once a program reads it. Never blocks, so that a program that does not come fails the test."""
    async with asyncio.timeout(END_SECONDS):
        while True:
            try:
                descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
                break
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                await asyncio.sleep(0.01)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def statuses(state: Instance) -> dict[str, str]:
    return {run.name: run.status.value for run in state.nodes}
