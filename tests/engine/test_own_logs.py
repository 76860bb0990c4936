"""A job's own `logPath` gets its logs, also those of attempts that workers ran."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.servers.database import place_for

from arkwright.core.instance import InstanceStatus, NodeRun
from arkwright.engine.archive import Archive
from arkwright.engine.attempt_ends import CopiedLogs
from arkwright.engine.attempt_files import AttemptFiles, FolderFiles
from arkwright.engine.folders import Folders
from arkwright.engine.log_names import log_path_of
from arkwright.engine.run_files import RunFiles
from arkwright.nodes.base import AttemptKey
from arkwright.objects.folder import FolderObjects
from arkwright.objects.paths import ObsPath, parse
from arkwright.store.base import Kind
from arkwright.store.open import open_store
from arkwright.testing.store_records import HERE, NOON, advance, make, requested, running, write


@pytest.mark.parametrize("kept", ["folder", "storage"])
def test_the_log_of_a_workers_attempt_goes_to_its_jobs_own_path(tmp_path: Path, kept: str) -> None:
    async def work() -> None:
        store = open_store(place_for(tmp_path))
        await store.open()
        body = {"name": "job", "nodes": [{"name": "a/b", "type": "Shell"}], "logPath": "obs://own-logs/of/team/"}
        job = await store.create_definition(HERE, Kind.JOB, write("job", body=body))
        new = await make(store, job_id=job.id, job_name="job", plan_time_ms=NOON)
        after = running(new, NodeRun(index=0, name="a/b", attempt=1), status=InstanceStatus.RUNNING)
        assert await advance(store, new, after, requested(new))

        folders, objects = Folders(tmp_path), FolderObjects(tmp_path / "obs")
        archive = Archive(objects, ObsPath("logs", "")) if kept == "storage" else None
        kept_by: AttemptFiles = archive or FolderFiles(folders, 1_000_000)
        run_files = RunFiles(folders, archive)
        files = CopiedLogs(kept_by, run_files, objects, store)
        key = AttemptKey(instance_id=new.id, node=0, attempt=1)
        await files.write_log(key, 0, b"one\n")
        await files.write_log(key, 4, b"two\n")
        await files.write_output(key, "output", b"2")
        assert await files.log_end(key) == 8
        await files.ended(key)

        path = log_path_of(new, "a/b", body["logPath"])
        assert path.startswith("obs://own-logs/of/team/job/")
        assert path.endswith("/a_b/a_b.job")
        assert b"".join([piece async for piece in objects.read(parse(path))]) == b"one\ntwo\n"
        assert await run_files.output(key, "output", 100) == b"2"
        await store.close()

    asyncio.run(work())
