"""History ages out on a clock of the test: folders first, then whole instances; nothing young or running goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.notify.house import PLACE, Clock, add, define, in_loop, notice, opened, settled
from tests.servers.database import looked_up, place_for

from arkwright.core.instance import InstanceStatus, NodeRun
from arkwright.engine.archive import Archive
from arkwright.engine.folders import Folders
from arkwright.engine.retention import EVERY_MS, FIRST_MS, PIECE, Keep, Retention, RetentionPolicy, read_policy
from arkwright.nodes.base import AttemptKey
from arkwright.objects.folder import FolderObjects
from arkwright.objects.paths import ObsPath
from arkwright.store.base import AttemptRow, Commit, Kind, Store
from arkwright.testing.store_records import ENGINE, everything, instance, promise, requested, running

DAY = 86_400_000


async def ran(
    store: Store, folder: Path, at_ms: int, *, job_id: int = 7, status: InstanceStatus = InstanceStatus.SUCCESS
) -> int:
    """An instance of one attempt, which left a folder."""
    new = instance(store, place=PLACE, job_id=job_id, plan_time_ms=at_ms, submit_time_ms=at_ms)
    await store.create_instance(new, owner=ENGINE)
    after = running(new, NodeRun(index=0, name="a", attempt=1), status=status, start_time_ms=at_ms)
    attempt = AttemptRow(
        instance_id=new.id, node=0, attempt=1, type="shell", request={}, runner=ENGINE, started_ms=at_ms
    )
    share = Commit(before=new, after=after, events=[requested(new)], started=[attempt])
    assert await store.commit(ENGINE, [share]) == []
    path = kept_at(folder, new.id)
    path.mkdir(parents=True)
    (path / "log").write_text("said")
    return new.id


def kept_at(folder: Path, instance_id: int) -> Path:
    return Folders(folder).attempt(AttemptKey(instance_id=instance_id, node=0, attempt=1))


def clearing(store: Store, folder: Path, clock: Clock, policy: RetentionPolicy | None = None, **more: Any) -> Retention:
    return Retention(
        store=store,
        clock=clock,
        folders=Folders(folder),
        policies=lambda: [(PLACE, policy or RetentionPolicy())],
        pace=0,
        **{"name": ENGINE, **more},
    )


async def left(store: Store) -> Sequence[int]:
    page = await store.list_instances(everything(place=PLACE), limit=100_000)
    assert page.total == len(page.items)
    return sorted(each.id for each in page.items)


@in_loop
async def test_logs_go_after_30_days_and_instances_after_180(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        now = clock.now_ms()
        ages = (1, 29, 31, 100, 179, 182, 400)
        ids = {age: await ran(store, tmp_path, now - age * DAY) for age in ages}
        forever = await ran(store, tmp_path, now - 400 * DAY, status=InstanceStatus.RUNNING)
        retention = clearing(store, tmp_path, clock)
        await retention.clear()
        assert await left(store) == sorted([*(ids[age] for age in ages if age < 180), forever])
        kept = {age for age in ages if kept_at(tmp_path, ids[age]).exists()}
        assert kept == {1, 29}
        assert kept_at(tmp_path, forever).exists()
        assert retention.deleted == 2


@in_loop
async def test_a_pass_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        first = await ran(store, tmp_path, clock.now_ms() - 31 * DAY)
        retention = clearing(store, tmp_path, clock)
        await retention.clear()
        kept_at(tmp_path, first).mkdir(parents=True)  # as if it had never been seen
        await retention.clear()
        assert kept_at(tmp_path, first).exists()
        # Another rule looks at everything anew.
        await clearing(store, tmp_path, clock, RetentionPolicy(keep=Keep(log_days=20))).clear()
        assert not kept_at(tmp_path, first).exists()


@in_loop
async def test_a_job_can_keep_longer_or_shorter_than_its_workspace(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        now = clock.now_ms()
        jobs = {name: await define(store, Kind.JOB, name, {}, at_ms=now) for name in ("long", "short", "plain")}
        ids = {name: await ran(store, tmp_path, now - 100 * DAY, job_id=id_) for name, id_ in jobs.items()}
        old = await ran(store, tmp_path, now - 500 * DAY, job_id=jobs["long"])
        settings = {
            "retention": {
                "instanceDays": 200,
                "jobs": {"long": {"instanceDays": 0, "logDays": 0}, "short": {"instanceDays": 50}, "gone": {}},
            }
        }
        policy = read_policy(settings, Keep())
        assert policy.jobs["short"] == Keep(instance_days=50, log_days=30)
        await clearing(store, tmp_path, clock, policy).clear()
        assert await left(store) == sorted([ids["long"], ids["plain"], old])
        assert [kept_at(tmp_path, id_).exists() for id_ in (ids["long"], ids["plain"], old)] == [True, False, True]


@in_loop
async def test_more_than_one_piece_goes_and_empty_parents_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        for n in range(PIECE * 2 + 7):
            await ran(store, tmp_path, clock.now_ms() - 300 * DAY + n)
        await clearing(store, tmp_path, clock).clear()
        assert await left(store) == []
        assert list(Folders(tmp_path).runs.iterdir()) == []


@in_loop
async def test_keys_notices_and_audit_go_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        key = promise(expires_ms=clock.now_ms() - 1)
        new = instance(store, place=PLACE, plan_time_ms=clock.now_ms(), submit_time_ms=clock.now_ms() - 10)
        await store.create_instance(new, owner=ENGINE, idempotency=key)
        await add(store, notice(clock, "waits", at_ms=clock.now_ms() - 31 * DAY))
        await clearing(store, tmp_path, clock).clear()
        assert rows(tmp_path, "idempotency") == 0
        assert rows(tmp_path, "notice") == 1  # it was never told


def rows(folder: Path, table: str) -> int:
    ((n,),) = looked_up(place_for(folder), f"SELECT count(*) FROM {table}")
    return int(n)


@in_loop
async def test_passes_come_by_one_timer(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        old = await ran(store, tmp_path, clock.now_ms() - 200 * DAY)
        retention = clearing(store, tmp_path, clock)
        await retention.open()
        await clock.pass_(FIRST_MS - 1)
        assert await left(store) == [old]
        await clock.pass_(1)
        await finished(retention)
        assert await left(store) == []
        assert clock.waiting == [clock.now_ms() + EVERY_MS]
        again = await ran(store, tmp_path, clock.now_ms() - 200 * DAY)
        await clock.pass_(EVERY_MS)
        await finished(retention)
        assert again not in await left(store)
        await retention.close()


async def finished(retention: Retention) -> None:
    await settled()
    assert retention._task is not None
    await retention._task


@in_loop
async def test_a_folder_that_can_not_be_deleted_holds_up_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        first = await ran(store, tmp_path, clock.now_ms() - 200 * DAY)
        second = await ran(store, tmp_path, clock.now_ms() - 199 * DAY)
        path = kept_at(tmp_path, first)
        (path / "log").unlink()
        path.rmdir()
        path.write_text("a file where a folder should be")
        await clearing(store, tmp_path, clock).clear()
        assert await left(store) == []
        assert not kept_at(tmp_path, second).exists()


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.engine.test_retention import PLACE, clearing
from tests.notify.house import Clock
from arkwright.store.open import open_store

async def main():
    folder = Path(sys.argv[1])
    store = open_store(sys.argv[2])
    await store.open()
    print("clearing", flush=True)
    await clearing(store, folder, Clock()).clear()

asyncio.run(main())
"""


@pytest.mark.parametrize("pieces", [1, 4])
def test_a_kill_in_the_middle_leaves_whole_instances_and_the_next_pass_goes_on(tmp_path: Path, pieces: int) -> None:
    count = 600

    @in_loop
    async def prepare() -> None:
        async with opened(tmp_path) as store:
            clock = Clock()
            for n in range(count):
                await ran(store, tmp_path, clock.now_ms() - 300 * DAY + n)

    prepare()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), place_for(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"clearing\n"
        while process.poll() is None and rows(tmp_path, "instance") > count - PIECE * pieces:
            pass
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()

    @in_loop
    async def look() -> None:
        async with opened(tmp_path) as store:
            ids = await left(store)
            assert len(ids) <= count - PIECE * pieces
            assert len(ids) % PIECE == 0  # whole pieces
            for table in ("event", "node_run", "attempt"):
                assert rows(tmp_path, table) == len(ids)
            await clearing(store, tmp_path, Clock()).clear()
            assert await left(store) == []
            assert list(Folders(tmp_path).runs.iterdir()) == []

    look()


@in_loop
async def test_what_is_in_the_object_storage_goes_once_whichever_server_comes_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        now = clock.now_ms()
        archive = Archive(FolderObjects(tmp_path / "obs"), ObsPath("logs", "x"))
        ids = [await ran(store, tmp_path, now - days * DAY) for days in (200, 40, 20)]
        keys = [AttemptKey(instance_id=id_, node=0, attempt=1) for id_ in ids]
        for key in keys:
            await archive.write_log(key, 0, b"said")
        await clearing(store, tmp_path / "another", clock, archive=archive, name="another").clear()
        assert [await archive.log_end(key) for key in keys] == [0, 0, 4]
        # The next server goes on behind the mark: what it would clear again stays.
        await archive.write_log(keys[1], 0, b"said")
        await clearing(store, tmp_path, clock, archive=archive).clear()
        assert await archive.log_end(keys[1]) == 4
        assert not kept_at(tmp_path, ids[1]).exists()


class Told:
    """A store that notes what it is told about the history of what it deletes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.left: list[tuple[int, bool]] = []
        self.before: list[int | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def delete_instances(self, ids: Sequence[int], *, before_ms: int, leave_history: bool = False) -> int:
        self.left += [(id_, leave_history) for id_ in ids]
        return await self._store.delete_instances(ids, before_ms=before_ms, leave_history=leave_history)

    async def old_parts(self, *, event_before_ms: int | None, audit_before_ms: int | None) -> Sequence[str]:
        self.before.append(event_before_ms)
        return []


@in_loop
async def test_history_waits_for_its_month_unless_its_rule_is_shorter_than_the_longest_workspaces(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        now = clock.now_ms()
        job = await define(store, Kind.JOB, "short", {"name": "short", "nodes": []}, at_ms=now)
        usual = await ran(store, tmp_path, now - 500 * DAY)
        short = await ran(store, tmp_path, now - 500 * DAY, job_id=job)
        told = Told(store)
        policy = RetentionPolicy(keep=Keep(instance_days=180), jobs={"short": Keep(instance_days=5)})
        await clearing(told, tmp_path, clock, policy).clear()  # type: ignore[arg-type]
        assert sorted(told.left) == [(usual, True), (short, False)]
        assert told.before == [now - 182 * DAY]
        # Where every workspace keeps for ever, no month is ever retired, so nothing may wait for that.
        again = await ran(store, tmp_path, now - 500 * DAY, job_id=job)
        forever = Told(store)
        policy = RetentionPolicy(keep=Keep(instance_days=0), jobs={"short": Keep(instance_days=5)})
        await clearing(forever, tmp_path, clock, policy).clear()  # type: ignore[arg-type]
        assert (forever.left, forever.before) == ([(again, False)], [None])
