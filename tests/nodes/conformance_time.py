"""A node that exceeds its maximum execution time: a whole engine, on a clock that the test owns, over the executors of
the conformance suite."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from tests.executors.test_resident_kit import log_of
from tests.nodes.conformance_kit import Case, executor_of
from tests.nodes.hosted_kit import HostedStage

from arkwright.core.instance import Instance
from arkwright.engine.connections import Connections
from arkwright.engine.engine import Engine
from arkwright.engine.folders import Folders
from arkwright.engine.interface import RunRequest
from arkwright.iam.sealing import Sealer
from arkwright.nodes.base import AttemptKey
from arkwright.nodes.registry import Registry
from arkwright.store.base import DefinitionWrite, Kind, Place, Store
from arkwright.store.open import open_store
from arkwright.testing.fake_clock import FakeClock

PLACE = Place(project_id="project", workspace_id="default")
"""As the stage's contexts say, so that their hosts serve."""
MINUTES = 5
"""The shortest limit that there is."""


@dataclass(frozen=True, slots=True)
class OneWorkspace(Folders):
    """The stage's."""

    its: Path

    def workspace(self, workspace_id: str) -> Path:
        return self.its


def exceed_its_time(stage: HostedStage, case: Case, folder: Path) -> Instance:
    """Run the slow one in a job, and let its time pass once it is at work: how the instance ended. `folder`: for the
    engine."""

    async def scene() -> Instance:
        registry, clock = Registry(group=None), FakeClock()
        work = registry.work(case.type)
        assert work is not None
        store = open_store(str(folder / "store.db"))
        await store.open()
        await _save(store, case, clock.now_ms())
        executor = executor_of(stage, case.type)
        folders = OneWorkspace(folder, stage.workspace)
        engine = Engine(
            store=store,
            clock=clock,
            folders=folders,
            registry=registry,
            executors={work: executor},
            local_programs_allowed=lambda _: True,
            name="engine",
            connections=Connections(store, Sealer(folder / "secret.key")),
        )
        await engine.open()
        try:
            request = RunRequest(place=PLACE, job_name="slow", parameters={}, by="tester", time_zone="UTC")
            instance_id = (await engine.submit(request)).instance_id
            key = AttemptKey(instance_id=instance_id, node=0, attempt=1)
            context = replace(stage.context(), key=key, folder=folders.attempt(key))
            async with asyncio.timeout(case.seconds):
                while not case.at_work(context):
                    state = await engine.wait(instance_id, 0.01)
                    assert state is not None
                    assert not state.ended, (state, log_of(context))
            clock.jump(MINUTES * 60_000)
            ended = await engine.wait(instance_id, case.seconds)
            assert ended is not None
            return ended
        finally:
            await engine.close()
            await store.close()

    return asyncio.run(scene())


async def _save(store: Store, case: Case, now_ms: int) -> None:
    """The job, and the connection that its node names."""
    properties = dict(case.slow)
    connection = case.slow_connection or case.connection
    if connection is not None:
        properties["connectionName"] = connection.name
        body = {"name": connection.name, "type": connection.type, "config": dict(connection.config)}
        await store.create_definition(PLACE, Kind.CONNECTION, _write(connection.name, connection.type, body, now_ms))
    node = {
        "name": "slow",
        "type": case.type,
        "maxExecutionTime": MINUTES,
        "retryTimes": 3,
        "properties": [{"name": name, "value": value} for name, value in properties.items()],
    }
    await store.create_definition(PLACE, Kind.JOB, _write("slow", "BATCH", {"name": "slow", "nodes": [node]}, now_ms))


def _write(name: str, category: str, body: dict[str, object], now_ms: int) -> DefinitionWrite:
    return DefinitionWrite(
        name=name, category=category, directory="/", body=body, submit=True, actor="tester", at_ms=now_ms
    )
