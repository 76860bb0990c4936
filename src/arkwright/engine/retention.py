"""Lets history age out: logs and outputs first, then whole instances, then what else grows with time.

Theory of operation
-------------------
* One timer: a pass soon after the start, then one an hour. A pass looks only at what has become old since the last
  one: of logs a mark in the store says how far it has come, and instances that went are gone.
* Small pieces: a piece is one short transaction or the folders of a few instances, and after each the pass rests for
  `PACE` times as long as the piece took, so that runs come first on any disk.
* Folders go before the rows that name them. A crash in between leaves rows without folders, which the next pass
  takes away as well; the other way round nobody would know the folders any more.
* Attempts keep their folders on the server that ran them, so each server clears its own folders, by marks of its own.
  What is in the object storage is everybody's: it is cleared once, by a mark that the servers share.
  Rows are everybody's; they stay a day longer than folders do, so that every server has seen them.
* An instance that has not ended is never touched. One that is restarted while its folders go loses its old outputs,
  as if it had been restarted a moment later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from arkwright.engine.archive import Archive
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.engine.folders import Folders
from arkwright.errors import StoreUnavailable
from arkwright.nodes.base import AttemptKey
from arkwright.objects.base import StorageFailed
from arkwright.store.base import Kind, Place, Store
from arkwright.store.retention_record import BEGINNING, OldInstances

log = logging.getLogger("arkwright.engine")

DAY_MS = 24 * 60 * 60 * 1000
FIRST_MS = 60_000
EVERY_MS = 60 * 60 * 1000
PIECE = 20
"""Instances in one transaction: a few milliseconds."""
ROWS = 500
PAGES = 100
PACE = 4.0
LONGEST_REST_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many days something is kept; 0: for ever."""

    instance_days: int = 180
    log_days: int = 30

    @property
    def effective_log_days(self) -> int:
        """Logs never outlive their instances."""
        if self.instance_days and self.log_days:
            return min(self.instance_days, self.log_days)
        return self.instance_days or self.log_days


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """Of one workspace."""

    keep: Keep = field(default_factory=Keep)
    jobs: Mapping[str, Keep] = field(default_factory=dict)
    """By the name of a job."""


def read_policy(settings: Mapping[str, Any], default: Keep) -> RetentionPolicy:
    """A workspace's settings: `retention: {instanceDays, logDays, jobs: {name: {…}}}`."""
    given = settings.get("retention") or {}
    keep = _keep(given, default)
    return RetentionPolicy(
        keep=keep, jobs={name: _keep(each, keep) for name, each in (given.get("jobs") or {}).items()}
    )


def _keep(given: Mapping[str, Any], default: Keep) -> Keep:
    instances, logs = given.get("instanceDays"), given.get("logDays")
    return Keep(
        instance_days=default.instance_days if instances is None else int(instances),
        log_days=default.log_days if logs is None else int(logs),
    )


class Retention:
    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        folders: Folders,
        name: str,
        policies: Callable[[], Sequence[tuple[Place, RetentionPolicy]]],
        notice_days: int = 30,
        audit_days: int = 365,
        pace: float = PACE,
        archive: Archive | None = None,
    ) -> None:
        """`name`: this server's. `policies`: of every workspace, as it is now. `archive`: where logs are kept for all
        servers."""
        self._archive = archive
        self._store = store
        self._clock = clock
        self._folders = folders
        self._name = name
        self._policies = policies
        self._notice_days = notice_days
        self._audit_days = audit_days
        self._pace = pace
        self._timer: TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.deleted = 0
        """Instances since the start."""

    async def open(self) -> None:
        try:
            await self._store.prepare_history(now_ms=self._clock.now_ms())
        except StoreUnavailable as error:  # the first pass tries again; until then it is all in one part
            log.error("the history's parts could not be made: %s", error)
        self._timer = self._clock.call_at(self._clock.now_ms() + FIRST_MS, self._begin)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._pass(), name="retention")
        self._timer = self._clock.call_at(self._clock.now_ms() + EVERY_MS, self._begin)

    async def _pass(self) -> None:
        before = self.deleted
        try:
            await self.clear()
            if self.deleted > before:
                log.info("history: %d instances were cleared away", self.deleted - before)
        except (StoreUnavailable, StorageFailed) as error:
            log.error("history could not be cleared away: %s; the next pass goes on", error)
        except Exception:
            log.exception("history could not be cleared away; the next pass tries again")

    # -- one pass
    async def clear(self) -> None:
        now = self._clock.now_ms()
        await self._store.prepare_history(now_ms=now)
        await self._repeat(partial(self._store.purge, now_ms=now, limit=ROWS))  # first: it needs nothing but the store
        workspaces = [""]
        policies = self._policies()
        # What every workspace's own rule has let go of by then goes with the part of its time.
        horizon = max((policy.keep.instance_days for _, policy in policies), default=0)
        for place, policy in policies:
            workspaces.append(place.workspace_id)
            for scope, keep in await self._scopes(place, policy):
                if keep.effective_log_days:
                    await self._clear_folders(scope, keep, now)
                if keep.instance_days:
                    before = now - (keep.instance_days + 1) * DAY_MS
                    await self._clear_instances(scope, before, leave_history=0 < horizon <= keep.instance_days)
            if self._notice_days:
                before = now - self._notice_days * DAY_MS
                await self._repeat(partial(self._store.purge_notices, place, before_ms=before, limit=ROWS))
        if self._audit_days:
            before = now - self._audit_days * DAY_MS
            for each in workspaces:
                await self._repeat(partial(self._store.purge_audit, each, before_ms=before, limit=ROWS))
        await self._retire_parts(horizon, now)

    async def _scopes(self, place: Place, policy: RetentionPolicy) -> list[tuple[OldInstances, Keep]]:
        """What is cleared by one rule each: the jobs with a rule of their own, then all others."""
        scopes: list[tuple[OldInstances, Keep]] = []
        special: list[int] = []
        for name, keep in sorted(policy.jobs.items()):
            for job_id in await self._store.definition_ids(place, Kind.JOB, name=name, precise=True):
                if job_id not in special:
                    special.append(job_id)
                    scopes.append((OldInstances(place=place, before_ms=0, job_id=job_id), keep))
        scopes.append((OldInstances(place=place, before_ms=0, except_jobs=sorted(special)), policy.keep))
        return scopes

    async def _clear_folders(self, scope: OldInstances, keep: Keep, now: int) -> None:
        before = now - keep.effective_log_days * DAY_MS
        rule = f"{keep.effective_log_days} {list(scope.except_jobs)}"
        rest = f"{scope.place.workspace_id}/{scope.job_id or ''}"
        mark = f"folders/{self._name}/{rest}"
        async for piece in self._pieces(scope, before, await self._store.retention_mark(mark, rule)):
            await self._delete_folders([id_ for _, id_ in piece])
            await self._store.set_retention_mark(mark, rule, piece[-1])
        if self._archive is None:
            return
        # Everybody's: whichever server comes first clears it, and the others go on behind its mark.
        mark = f"archive/{rest}"
        async for piece in self._pieces(scope, before, await self._store.retention_mark(mark, rule)):
            await self._delete_archived([id_ for _, id_ in piece])
            await self._store.set_retention_mark(mark, rule, piece[-1])

    async def _delete_archived(self, instance_ids: Sequence[int]) -> None:
        """A storage that fails keeps its mark: the next pass tries again."""
        if self._archive is not None:
            for instance_id in instance_ids:
                await self._archive.delete(instance_id)

    async def _retire_parts(self, horizon: int, now: int) -> None:
        parts = await self._store.old_parts(
            event_before_ms=now - (horizon + 2) * DAY_MS if horizon else None,
            audit_before_ms=now - self._audit_days * DAY_MS if self._audit_days else None,
        )
        loop = asyncio.get_running_loop()
        for part in parts:
            after: int | None = 0
            while after is not None:
                began = loop.time()
                after = await self._store.retire_part(part, after=after, limit=ROWS)
                await self._rest(loop.time() - began)

    async def _clear_instances(self, scope: OldInstances, before: int, *, leave_history: bool) -> None:
        async for piece in self._pieces(scope, before, BEGINNING):
            ids = [id_ for _, id_ in piece]
            await self._delete_folders(ids)
            await self._delete_archived(ids)
            self.deleted += await self._store.delete_instances(ids, before_ms=before, leave_history=leave_history)
            await self._store.shrink(pages=PAGES)

    async def _pieces(
        self, scope: OldInstances, before: int, after: tuple[int, int]
    ) -> AsyncGenerator[Sequence[tuple[int, int]], None]:
        """Pieces of old instances, each followed by a rest."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            where = OldInstances(
                place=scope.place,
                before_ms=before,
                after=after,
                job_id=scope.job_id,
                except_jobs=scope.except_jobs,
            )
            piece = await self._store.old_instances(where, limit=PIECE)
            if not piece:
                return
            yield piece
            after = piece[-1]
            await self._rest(loop.time() - began)

    async def _repeat(self, work: Callable[[], Awaitable[int]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            if not await work():
                return
            await self._rest(loop.time() - began)

    async def _rest(self, took: float) -> None:
        await asyncio.sleep(min(took * self._pace, LONGEST_REST_SECONDS))

    async def _delete_folders(self, instance_ids: Sequence[int]) -> None:
        attempts = await self._store.attempts_of(instance_ids)
        if attempts:
            await asyncio.to_thread(self._delete, attempts)

    def _delete(self, attempts: Sequence[tuple[int, int, int]]) -> None:
        emptied: dict[Path, None] = {}  # of each instance, and behind them of each thousand of instances
        for instance_id, node, attempt in attempts:
            folder = self._folders.attempt(AttemptKey(instance_id=instance_id, node=node, attempt=attempt))
            emptied[folder.parent] = None
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                pass
            except OSError as error:
                log.warning("the folder %s can't be cleared away: %s", folder, error)
        for each in (*emptied, *{each.parent for each in emptied}):
            with contextlib.suppress(OSError):  # others are still in it
                each.rmdir()
