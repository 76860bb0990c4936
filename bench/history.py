"""Fills a stopped server's store with finished instances, through the store's own door."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from arkwright.core.events import AttemptEnded, Event, InstanceRequested
from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeRun, NodeStatus
from arkwright.core.outcome import Succeeded
from arkwright.engine.clock import SystemClock
from arkwright.store.base import Commit, Kind, Place
from arkwright.store.open import open_store

BATCH = 500


def fill(folder: Path, project_id: str, job_name: str, count: int) -> None:
    asyncio.run(_fill(folder, project_id, job_name, count))


async def _fill(folder: Path, project_id: str, job_name: str, count: int) -> None:
    store = open_store(str(folder / "arkwright.db"))
    await store.open()
    try:
        owner = (folder / "engine-name").read_text().strip()
        identity = await store.read_identity()
        workspace = next(each for each in identity.workspaces if each.is_default and each.project_id == project_id)
        place = Place(project_id=project_id, workspace_id=workspace.id)
        job = await store.get_definition(place, Kind.JOB, job_name)
        assert job is not None
        now_ms = SystemClock().now_ms()
        for begin in range(0, count, BATCH):
            await store.reserve_ids(BATCH)
            fresh = [
                Instance(
                    id=store.next_id(),
                    project_id=project_id,
                    workspace_id=workspace.id,
                    job_id=job.id,
                    job_name=job.name,
                    job_version=job.version,
                    instance_type=InstanceType.MANUAL,
                    plan_time_ms=now_ms - (count - begin - i) * 50,
                    submit_time_ms=now_ms - (count - begin - i) * 50,
                    time_zone=workspace.time_zone,
                )
                for i in range(min(BATCH, count - begin))
            ]
            await asyncio.gather(*(store.create_instance(each, owner=owner) for each in fresh))
            stale = await store.commit(owner, [_finished(each) for each in fresh])
            assert not stale
    finally:
        await store.close()


def _finished(instance: Instance) -> Commit:
    at_ms = instance.plan_time_ms
    run = NodeRun(index=0, name="a", status=NodeStatus.SUCCESS, start_time_ms=at_ms, end_time_ms=at_ms, attempt=1)
    after = msgspec.structs.replace(
        instance, status=InstanceStatus.SUCCESS, start_time_ms=at_ms, end_time_ms=at_ms, nodes=(run,), version=1
    )
    events: list[Event] = [
        InstanceRequested(at_ms=at_ms, instance=instance),
        AttemptEnded(at_ms=at_ms, node=0, attempt=1, outcome=Succeeded()),
    ]
    return Commit(before=instance, after=after, events=events)
