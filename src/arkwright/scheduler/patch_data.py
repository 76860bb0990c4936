"""Runs patches: a plan's past, over again.

Theory of operation
-------------------
A patch is stored whole with the versions of its jobs, so which runs it has can be worked out again at any time
(`core/patch_data.py`); of its progress nothing is remembered but the instances that were made (`store/patch_record.py`
has the crash cases). After a crash the open patches are read, their runs worked out, the instances' states looked at,
and it goes on. Whoever plans also runs patches: one server at a time.

Nothing is asked for again and again: a patch is looked at when it is made or stopped, when an instance of one of its
jobs changes, and when the time comes at which its runs may start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from arkwright.core.gate import Gate, Upstream
from arkwright.core.gate_rules import judge
from arkwright.core.identity import Workspace
from arkwright.core.instance import ENDED_INSTANCE, Instance, InstanceStatus, InstanceType
from arkwright.core.patch_data import Patch, PatchPlan, PatchState, Run, RunState, next_opening
from arkwright.core.patch_document import read_patch_plan
from arkwright.core.planning import gate_of, is_dry
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.engine.interface import Engine, RunRequest
from arkwright.errors import ArkwrightError, IllegalState, InvalidInput, StoreUnavailable
from arkwright.scheduler.calendars import find_calendar
from arkwright.scheduler.gate_reader import GateReader
from arkwright.scheduler.gates import Gates
from arkwright.scheduler.jobs import ScheduledJobs
from arkwright.scheduler.patched_jobs import PatchedJob, PatchedJobs
from arkwright.scheduler.workspace import plan_settings
from arkwright.store.base import Definition, DefinitionWrite, Kind, Place, Store
from arkwright.store.patch_record import PatchRunRow

log = logging.getLogger("arkwright.scheduler")

RETRY_MS = 1000
DEFECT_MS = 60_000
OPEN = ("WAITING", "RUNNING")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchWish:
    """A wish for a patch, its document checked for its fields."""

    place: Place
    name: str
    body: Mapping[str, Any]
    """As it was sent."""
    jobs: Sequence[Definition]
    """The submitted versions: of the patch's own job first, then of the related ones."""
    force: bool = False
    """Stop an unfinished patch of the same job for the same days, instead of refusing."""
    by: str


@dataclass(slots=True, kw_only=True)
class _Open:
    """A patch that is not over."""

    definition: Definition
    plan: PatchPlan
    patch: Patch
    jobs: Mapping[int, PatchedJob]
    timer: TimerHandle | None = None
    told: set[int] = field(default_factory=set)
    """Instances that were told to stop."""


class Patches:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        gates: Gates,
        reader: GateReader,
        jobs: ScheduledJobs,
        workspace_of: Callable[[str], Workspace | None],
        owner: str | None,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._gates = gates
        self._reader = reader
        self._jobs = jobs
        self._patched = PatchedJobs(jobs, workspace_of)
        self._owner = owner
        self._open: dict[int, _Open] = {}
        self._dirty: set[int] = set()
        self._all = True
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listens = False
        self.idle = asyncio.Event()
        """Nothing is left to be looked at."""

    # -- for the API
    async def make(self, wish: PatchWish) -> Definition:
        """Store a patch, which then runs by itself. Raises `InvalidInput` (nothing to run, too much, a circle, a pair
        of cycles that the policy does not allow), `IllegalState` (an unfinished patch of the job for the same days),
        `AlreadyExists`."""
        now_ms = self._clock.now_ms()
        plan = read_patch_plan(wish.body, zone=self._patched.cron_of(wish.jobs[0]).zone)
        patch = Patch(plan, self._patched.of_patch(wish.jobs), now_ms)
        first, last = min(each[0] for each in plan.spans), max(each[1] for each in plan.spans)
        await self._make_room(wish, first, last)
        body = {
            **wish.body,
            "start_ms": first,
            "end_ms": last,
            "now_ms": now_ms,
            "zone": plan.zone,
            "type": 1
            if len(plan.spans) > 1 or (wish.body.get("supplement_data_instance_time") or {}).get("days")
            else 0,
            "runs": len(patch.runs),
            "job_list": [each.name for each in wish.jobs],
            "jobs": [{"id": each.id, "version": each.version} for each in wish.jobs],
        }
        write = DefinitionWrite(
            name=wish.name,
            category="PATCH_DATA",
            directory="/",
            body=body,
            submit=False,
            actor=wish.by,
            at_ms=now_ms,
            status="WAITING",
        )
        return await self._store.create_patch(wish.place, write)

    async def stop(self, place: Place, name: str) -> None:
        """No run starts any more; those that run are stopped. Raises `NotFound`, `IllegalState`."""
        found = await self._store.get_definition(place, Kind.PATCH_DATA, name)
        if found is not None and found.status not in OPEN:
            raise IllegalState(
                f"The supplement [{name}] is over ({found.status}); only a running one can be stopped.",
                field="instance_name",
            )
        await self._store.stop_patch(place, name)

    async def _make_room(self, wish: PatchWish, first_ms: int, last_ms: int) -> None:
        for other in await self._store.open_patches():
            if other.status not in OPEN or other.body["jobs"][0]["id"] != wish.jobs[0].id:
                continue
            if other.body["start_ms"] > last_ms or other.body["end_ms"] < first_ms:
                continue
            if not wish.force:
                raise IllegalState(
                    f"The supplement [{other.name}] of the job {wish.jobs[0].name} for the same days is not over.",
                    field="start_date",
                    hint="Wait for it, stop it, or send force true, which stops it.",
                )
            await self._store.stop_patch(other.place, other.name)

    # -- for the scheduler
    def open(self) -> None:
        if not self._listens:
            self._store.on_planned(self._planned)
            self._store.on_schedules(self.wake)
            self._listens = True
        self._open.clear()
        self._task = asyncio.create_task(self._run(), name="patches")
        self.wake()

    async def close(self) -> None:
        for each in self._open.values():
            if each.timer is not None:
                each.timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        """A patch was made or stopped; or time has come."""
        self._all = True
        self._look_soon()

    def _planned(self, jobs: frozenset[int] | None) -> None:
        """Instances of these jobs changed."""
        for each in self._open.values():
            if jobs is None or not jobs.isdisjoint(each.jobs):
                self._dirty.add(each.definition.id)
        if self._dirty:
            self._look_soon()

    def _look_soon(self) -> None:
        if self._task is not None:
            self.idle.clear()
            self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            everything, dirty = self._all, self._dirty
            self._all, self._dirty = False, set()
            try:
                if everything:
                    await self._load()
                    dirty = set(self._open)
                for id_ in sorted(dirty & set(self._open)):
                    await self._look(self._open[id_])
            except StoreUnavailable as error:
                log.error("patches could not be looked at (%s); trying again", error)
                self._clock.call_at(self._clock.now_ms() + RETRY_MS, self.wake)
            except Exception:
                log.exception("patches could not be looked at; trying again in a minute")
                self._clock.call_at(self._clock.now_ms() + DEFECT_MS, self.wake)
            if not self._woken.is_set():
                self.idle.set()

    async def _load(self) -> None:
        found = {each.id: each for each in await self._store.open_patches()}
        for id_ in set(self._open) - set(found):
            del self._open[id_]
        for id_, definition in found.items():
            known = self._open.get(id_)
            if known is not None:
                known.definition = definition
                continue
            try:
                self._open[id_] = await self._opened(definition)
            except StoreUnavailable:
                raise
            except ArkwrightError as error:
                log.error("the patch %s can't be run: %s", definition.name, error)
                await self._store.end_patch(definition, "FAIL")

    async def _opened(self, definition: Definition) -> _Open:
        versions = []
        for each in definition.body["jobs"]:
            version = await self._store.get_definition_version(each["id"], each["version"])
            if version is None:
                raise InvalidInput(f"version {each['version']} of its job {each['id']} is not there any more")
            versions.append(version)
        plan = read_patch_plan(definition.body, zone=definition.body["zone"])
        patch = Patch(plan, self._patched.of_patch(versions), definition.body["now_ms"])
        jobs = {each.definition.id: each for each in self._patched.read_all(versions)}
        return _Open(definition=definition, plan=plan, patch=patch, jobs=jobs)

    # -- one patch
    async def _look(self, each: _Open) -> None:
        if each.timer is not None:
            each.timer.cancel()
            each.timer = None
        rows = await self._store.patch_runs(each.definition.id)
        if each.definition.status not in OPEN:
            running = [row for row in rows if row.status not in ENDED_INSTANCE]
            for row in running:
                if row.instance_id not in each.told and await self._stopped(each.definition, row):
                    each.told.add(row.instance_id)
            if not running:
                await self._end(each, "")
            return
        decision = each.patch.decide({(row.job_id, row.plan_time_ms): _state_of(row.status) for row in rows})
        if decision.state is not PatchState.RUNNING:
            await self._end(each, decision.state.value)
            return
        if not decision.start:
            return
        now_ms = self._clock.now_ms()
        if each.plan.run_window is not None:
            opens_ms = next_opening(each.plan.run_window, each.plan.zone, now_ms)
            if opens_ms is None or opens_ms > now_ms:
                if opens_ms is not None:
                    each.timer = self._clock.call_at(opens_ms, self.wake)
                return
        await self._start(each, decision.start, now_ms)

    async def _start(self, each: _Open, runs: Sequence[Run], now_ms: int) -> None:
        definition = each.definition
        if definition.status == "WAITING":
            if not await self._store.begin_patch(definition):
                self.wake()  # it was stopped meanwhile
                return
            each.definition = replace(definition, status="RUNNING")
        try:
            instances = [await self._instance(each, run, now_ms) for run in runs]
        except StoreUnavailable:
            raise
        except ArkwrightError as error:
            log.error("runs of the patch %s can't be made: %s", definition.name, error)
            await self._end(each, PatchState.FAIL.value)
            return
        instances = await self._open_at_once(instances, now_ms)
        jobs = frozenset(job for instance in instances for job in _watched(instance))
        self._gates.watch(jobs)
        made = await self._store.start_patch_runs(definition.id, instances, owner=self._owner)
        if self._owner is not None:
            await self._engine.adopt([instance for instance in instances if instance.id in made])
        self._gates.watch(jobs)
        self._gates.heard(jobs)

    async def _instance(self, each: _Open, run: Run, now_ms: int) -> Instance:
        job = each.jobs[run.job_id]
        definition, workspace = job.definition, job.workspace
        settings = plan_settings(workspace)
        request = RunRequest(
            place=definition.place,
            job_name=definition.name,
            by=each.definition.created_by,
            time_zone=workspace.time_zone,
            condition_policy=workspace.condition_policy,
            instance_type=InstanceType.PATCH_DATA,
        )
        prepared = await self._engine.prepare(request, definition)
        schedule = msgspec.structs.replace(
            job.schedule,
            dependencies=tuple(job.outside),
            # Of its own runs the patch itself decides which comes after which.
            self_dependent=False,
            skip_waiting=False,
            obs_listening=None if each.plan.ignore_obs_listening else job.schedule.obs_listening,
        )
        upstreams = await self._jobs.upstreams(definition.place, schedule, settings)
        gate = gate_of(schedule, job.cron, run.plan_time_ms, upstreams, settings, now_ms=now_ms)
        dry = False
        if schedule.calendar:
            calendar = await find_calendar(self._store, definition.place, schedule.calendar)
            dry = calendar is not None and is_dry(calendar, run.plan_time_ms, job.cron.zone)
        return msgspec.structs.replace(
            prepared,
            name=f"P_{definition.name}_{each.definition.created_ms}",
            plan_time_ms=run.plan_time_ms,
            gate=gate,
            dry_run=dry,
        )

    async def _open_at_once(self, instances: Sequence[Instance], now_ms: int) -> list[Instance]:
        """Those that wait for nothing have their gates open from the start."""
        opened: list[Instance] = []
        for instance, facts in zip(instances, await self._reader.facts(instances, now_ms), strict=True):
            if judge(instance, self._reader.with_released(instance, facts)).opens:
                gate = msgspec.structs.replace(instance.gate or Gate(), open=True, since_ms=now_ms)
                instance = msgspec.structs.replace(instance, gate=gate)
            opened.append(instance)
        return opened

    async def _stopped(self, definition: Definition, row: PatchRunRow) -> bool:
        """Tell an instance to stop. False: its state does not let it now (it is frozen, or has just ended)."""
        operation_id = f"patch {definition.id}"
        try:
            await self._engine.stop(row.place, row.instance_id, by=definition.updated_by, operation_id=operation_id)
        except StoreUnavailable:
            raise
        except ArkwrightError as error:
            log.info("instance %d of the patch %s was not stopped: %s", row.instance_id, definition.name, error)
            return False
        return True

    async def _end(self, each: _Open, status: str) -> None:
        await self._store.end_patch(each.definition, status)
        self._open.pop(each.definition.id, None)


def _state_of(status: InstanceStatus) -> RunState:
    if status is InstanceStatus.SUCCESS:
        return RunState.SUCCEEDED
    return RunState.FAILED if status in ENDED_INSTANCE else RunState.RUNNING


def _watched(instance: Instance) -> set[int]:
    gate = instance.gate
    if gate is None or gate.open:
        return set()
    return {instance.job_id, *(each.job_id for each in gate.conditions if isinstance(each, Upstream))}
