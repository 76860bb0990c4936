"""Triggers: what starts runs by itself when something happens. The one door to this package.

Theory of operation
-------------------
Which triggers are live is in the store. Each server that runs instances claims those that nobody (alive) looks after:
at its start, when the store wakes it, and where servers hold leases at each renewal. For each one it holds a `Runner`.
A start or stop is one transaction that changes the triggers and their job's state together; runners follow it. A runner
that has not heard of a stop yet can do no harm: its next firing is refused by the store.

After kill -9: the next process (or another server, once the lease has run out) claims the triggers, reads on from the
stored positions, and deals with the ends of the runs that were listed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from arkwright.core.identity import Workspace
from arkwright.core.instance import Instance
from arkwright.engine.clock import Clock
from arkwright.engine.interface import Engine, RunRequest
from arkwright.errors import ArkwrightError, Code, IllegalState, NotFound, StoreUnavailable
from arkwright.scheduler.events.base import Source
from arkwright.scheduler.events.runner import Runner
from arkwright.store.base import Definition, Kind, Place, Store
from arkwright.store.trigger_record import Trigger, TriggerChange, TriggerStart, TriggerState

log = logging.getLogger("arkwright.events")

FIRST_LOOK_SECONDS = 5.0
"""How long a start waits for its source to be open, so that what comes after the start's answer is not missed."""
WAKE_SECONDS = 1.0
"""Wakes that come closer together are one."""

SourceOf = Callable[[Trigger], Source | None]
"""What a trigger listens to; None: to nothing (webhooks). Raises `ArkwrightError` for one that can't be."""
JobStatus = Callable[[Trigger, Mapping[int, TriggerState]], Awaitable[str | None]]
"""The state that a job is in once its triggers have changed to these states; None: leave it."""


class Triggers:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        owner: str,
        workspace: Callable[[Place], Workspace | None],
        source_of: SourceOf,
        job_status: JobStatus,
        lease_seconds: float | None = None,
        runs: bool = True,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._owner = owner
        self._workspace = workspace
        self._source_of = source_of
        self._job_status = job_status
        self._lease_seconds = lease_seconds
        self._runs = runs
        self._runners: dict[int, Runner] = {}
        self._woken = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._stating = asyncio.Lock()
        """Held from working out a job's state until it is written, so that an older answer never comes last."""
        self._opened = False
        self._stands_by = False

    # -- life
    async def open(self) -> None:
        """Take up what is live. A source that can't be opened yet is tried again behind it."""
        if not self._runs:
            return
        self._opened = True
        await self._follow()
        if self._lease_seconds is not None:
            self._store.on_wake(self._woken.set)
            self._following = asyncio.create_task(self._follow_when_woken(self._lease_seconds / 3), name="triggers")

    def stand_by(self, stands_by: bool) -> None:
        """Whether to leave triggers to other servers."""
        self._stands_by = stands_by
        self._woken.set()

    async def close(self) -> None:
        self._opened = False
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        async with self._turn:
            await asyncio.gather(*(each.close() for each in self._runners.values()))
            self._runners.clear()

    # -- starting and stopping
    async def start(
        self, place: Place, job_id: int, starts: Sequence[TriggerStart], *, job_status: str
    ) -> Sequence[Trigger]:
        """Durable when it returns; it waits a moment for the sources to be open."""
        async with self._stating:
            started = await self._store.start_triggers(place, job_id, starts, job_status=job_status)
        await self._follow()
        runners = [runner for each in started if (runner := self._runners.get(each.id)) is not None]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await asyncio.gather(*(each.heard.wait() for each in runners))
        return started

    async def change(self, change: TriggerChange) -> bool:
        """As the store's `change_triggers`; runners follow before it returns."""
        async with self._stating:
            done = await self._store.change_triggers(change)
        await self._follow()
        return done

    async def restate(self, trigger: Trigger) -> None:
        """Write the state that its job is in."""
        async with self._stating:
            status = await self._job_status(trigger, {})
            if status is None:
                return
            job = await self._store.get_definition_version(trigger.job_id, int(trigger.body.get("job_version") or 1))
            if job is not None and job.status != status:
                await self._store.change_triggers(TriggerChange(job_id=trigger.job_id, job_status=status))

    async def of_job(self, job_id: int) -> Sequence[Trigger]:
        return await self._store.list_triggers(job_id=job_id)

    def report(self, trigger: Trigger) -> Mapping[str, Any]:
        """How it fares: now, if this server looks after it, else as its owner last wrote it."""
        runner = self._runners.get(trigger.id)
        return trigger.report if runner is None or runner.trigger.epoch != trigger.epoch else runner.report

    # -- following the store
    async def _follow_when_woken(self, every_seconds: float) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_seconds):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self._follow()
            except StoreUnavailable as error:
                log.error("triggers could not be claimed: %s", error)
            except Exception:
                log.exception("triggers could not be followed; trying again")
            await asyncio.sleep(WAKE_SECONDS)

    async def _follow(self) -> None:
        """Let the runners be those that the store says."""
        async with self._turn:
            if not self._opened:
                return
            if self._stands_by:
                await self._let_go()
                return
            found = await self._store.claim_triggers(self._owner)
            wanted = {each.id: each for each in found}
            for id_, runner in list(self._runners.items()):
                new = wanted.get(id_)
                if new is None or runner.over or _differs(runner.trigger, new):
                    await runner.close()
                    del self._runners[id_]
            for trigger in found:
                if trigger.id not in self._runners:
                    await self._take_up(trigger)

    async def _let_go(self) -> None:
        for runner in self._runners.values():
            await runner.close()
        self._runners.clear()
        await self._store.release_triggers(self._owner)

    async def _take_up(self, trigger: Trigger) -> None:
        source, refused = None, ""
        if trigger.state is TriggerState.ACTIVE:
            try:
                source = self._source_of(trigger)
            except ArkwrightError as error:
                refused = str(error)
        runner = Runner(
            store=self._store,
            engine=self._engine,
            clock=self._clock,
            owner=self._owner,
            trigger=trigger,
            source=source,
            request=self._request,
            run_ended=self._run_ended,
            fares=self.restate,
        )
        self._runners[trigger.id] = runner
        await runner.open()
        if refused:
            runner.fail(refused)
        if trigger.state is TriggerState.STOPPING:
            await self._stop_runs(trigger)

    async def _stop_runs(self, trigger: Trigger) -> None:
        """Its runs are to end; each end is dealt with by the runner. After a crash in the middle this is done again."""
        runs = await self._store.trigger_runs(trigger.id)
        by = str(trigger.body.get("stopped_by") or trigger.body.get("started_by") or "")
        for instance_id in runs:
            operation_id = f"stop {trigger.id}/{trigger.epoch}"
            with contextlib.suppress(IllegalState, NotFound):  # it has ended meanwhile
                await self._engine.stop(trigger.place, instance_id, by=by, operation_id=operation_id)
        if not runs:
            await self._stopped(trigger, [])

    async def _stopped(self, trigger: Trigger, settled: Sequence[tuple[int, int]]) -> None:
        states = {trigger.id: TriggerState.STOPPED}
        async with self._stating:
            status = await self._job_status(trigger, states)
            await self._store.change_triggers(
                TriggerChange(states=states, settled=settled, job_id=trigger.job_id, job_status=status)
            )

    # -- what runners ask for
    async def _request(self, trigger: Trigger) -> RunRequest:
        workspace = self._workspace(trigger.place)
        if workspace is None:
            raise NotFound("Its workspace is gone.", code=Code.WORKSPACE_NOT_FOUND)
        return RunRequest(
            place=trigger.place,
            job_name=(await self._job(trigger)).name,
            kind=kind_of(trigger),
            parameters=trigger.body.get("parameters") or {},
            by=str(trigger.body.get("started_by") or ""),
            time_zone=workspace.time_zone,
            condition_policy=workspace.condition_policy,
        )

    async def _job(self, trigger: Trigger) -> Definition:
        """The definition that it runs: it may have been renamed since."""
        definition_id = int(trigger.body.get("runs") or trigger.job_id)
        found = await self._store.get_definition_version(definition_id, int(trigger.body.get("version") or 1))
        if found is None:
            raise NotFound("The job that it starts is gone.", code=Code.JOB_NOT_FOUND)
        return found

    async def _run_ended(self, trigger: Trigger, last: Instance | None, instance_id: int, failed: bool) -> None:
        settled = [(trigger.id, instance_id)] if last is None or last.ended else []
        current = await self._store.get_trigger(trigger.id)
        if current is None:
            return
        suspends = failed and current.state is TriggerState.ACTIVE and current.body.get("fail_policy") != "IGNORE"
        if suspends and await self._suspend(current, instance_id, settled):
            return
        if not settled:
            return
        if current.state is TriggerState.STOPPING and await self._store.trigger_runs(trigger.id) == [instance_id]:
            await self._stopped(current, settled)
            return
        await self._store.change_triggers(TriggerChange(settled=settled))

    async def _suspend(self, trigger: Trigger, instance_id: int, settled: Sequence[tuple[int, int]]) -> bool:
        states = {trigger.id: TriggerState.SUSPENDED}
        async with self._stating:
            suspended = await self._store.change_triggers(
                TriggerChange(
                    states=states,
                    only_from=frozenset({TriggerState.ACTIVE}),
                    settled=settled,
                    job_id=trigger.job_id,
                    job_status=await self._job_status(trigger, states),
                    bodies={trigger.id: {**trigger.body, "suspended_by": instance_id}},
                )
            )
        runner = self._runners.get(trigger.id)
        if suspended and runner is not None:
            runner.warn(f"Suspended, because instance {instance_id} failed.")
            await runner.quiet()
        return suspended


def kind_of(trigger: Trigger) -> Kind:
    return Kind.REAL_TIME_NODE if trigger.slot.startswith("node:") else Kind.JOB


def _differs(known: Trigger, new: Trigger) -> bool:
    return (known.epoch, known.state, known.body) != (new.epoch, new.state, new.body)
